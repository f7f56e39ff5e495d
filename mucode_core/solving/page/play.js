"use strict";
// The form, the request and its stream of events; `search.js` draws them.

const field = (name) => document.getElementById(name);
const FORM = ["statement", "tests", "examples", "model", "n", "turns", "select", "temperature", "max_tokens", "time_limit_s", "seed"];
const view = new SearchView(field("search"));
let running = null;

function say(text, failed = false) {
  field("status").textContent = text;
  field("status").classList.toggle("failed", failed);
}

function readForm() {
  return Object.fromEntries(FORM.map((name) => [name, field(name).value]).filter(([, value]) => value !== ""));
}

function makeLink() {
  return `${location.href.split("#")[0]}#${encodeURIComponent(JSON.stringify(readForm()))}`;
}

function fillForm() {
  if (location.hash.length < 2) return;
  let given;
  try {
    given = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    say("The link is damaged.", true);
    return;
  }
  for (const name of FORM) if (typeof given[name] === "string") field(name).value = given[name];
}

function makeBody() {
  const form = readForm();
  const numbers = (names) => Object.fromEntries(names.filter((name) => name in form).map((name) => [name, Number(form[name])]));
  const mucode = { trace: true, ...numbers(["n", "turns", "time_limit_s"]) };
  if (form.tests) mucode.tests = form.tests;
  if (form.select) mucode.select = form.select;
  if (form.examples) mucode.examples = form.examples.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
  const messages = [{ role: "user", content: form.statement }];
  return { model: form.model, messages, stream: true, mucode, ...numbers(["seed", "temperature", "max_tokens"]) };
}

function headers() {
  const key = field("key").value;
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

function explain(error) {
  const place = error.param || error.location;
  const said = place && !error.message.startsWith(place) ? `${place}: ${error.message}` : error.message;
  return error.hint && !said.includes(error.hint) ? `${said}\n${error.hint}` : said;
}

async function requireSuccess(answer) {
  if (answer.ok) return;
  if (answer.status === 401) field("key-field").hidden = false;
  const text = await answer.text();
  let message = text;
  try {
    message = explain(JSON.parse(text).error);
  } catch {
    // a proxy's page: shown as it is
  }
  throw new Error(message);
}

async function* readEvents(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) if (part.startsWith("data: ") && part !== "data: [DONE]") yield JSON.parse(part.slice(6));
  }
}

function showEvent(event) {
  if (event.event === "started") say(event.tests.length ? `Searching, with ${counted(event.tests.length, "test")} …` : "Searching, without tests …");
  if (event.event === "turn") view.turn(event.turn);
  if (event.event === "finished") {
    drawProgram(field("answer"), event);
    say(`Done: ${counted(event.num_tokens, "token")}.`);
  }
}

async function search() {
  if (running) return;
  let finished = false;
  running = new AbortController();
  field("go").disabled = true;
  field("stop").disabled = false;
  field("answer").replaceChildren();
  view.clear();
  say("Sending …");
  try {
    const body = JSON.stringify(makeBody());
    const answer = await fetch("v1/chat/completions", { method: "POST", headers: headers(), body, signal: running.signal });
    await requireSuccess(answer);
    for await (const chunk of readEvents(answer)) {
      if (chunk.error) throw new Error(explain(chunk.error));
      const event = chunk.choices[0]?.mucode;
      if (event) showEvent(event);
      finished = finished || event?.event === "finished";
    }
    if (!finished) throw new Error("The server ended the answer early.");
  } catch (error) {
    if (error.name === "AbortError") say("Stopped.");
    else say(error instanceof SyntaxError ? `Examples: ${error.message}` : error.message, true);
  } finally {
    running = null;
    field("go").disabled = false;
    field("stop").disabled = true;
  }
}

async function listModels() {
  try {
    const answer = await fetch("v1/models", { headers: headers() });
    await requireSuccess(answer);
    const { data } = await answer.json();
    field("model").replaceChildren(...data.map((one) => element("option", {}, one.id)));
  } catch (error) {
    say(error.message, true);
  }
}

field("form").onsubmit = (event) => {
  event.preventDefault();
  search();
};
field("stop").onclick = () => running?.abort();
field("link").onclick = async () => {
  const link = makeLink();
  history.replaceState(null, "", link);
  if (navigator.clipboard === undefined) return say("The link is in the address bar."); // plain http from another host
  await navigator.clipboard.writeText(link);
  say("The link is copied.");
};
field("key").onchange = () => {
  say("");
  const chosen = field("model").value;
  listModels().then(chosen ? undefined : fillForm);
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field("form").requestSubmit();
  if (event.key === "Escape") running?.abort();
});
listModels().then(fillForm);
