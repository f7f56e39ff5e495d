"use strict";
// The browser of rollouts. Text of models reaches the page through textContent only.

const GROUPS = Array.from(document.querySelectorAll("#group option"), (option) => option.textContent);
const list = document.getElementById("list");
const view = document.getElementById("problem");
const blocks = new Map();
let rows = [];
let opened = null;

async function unpack(id) {
  const binary = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function element(tag, options = {}, ...children) {
  const made = Object.assign(document.createElement(tag), options);
  made.append(...children);
  return made;
}

function matches([rollouts, correct, publicOnly, fixed, misordered], outcome) {
  if (!rollouts) return false;
  if (outcome === "solved") return correct > 0;
  if (outcome === "unsolved") return correct === 0;
  if (outcome === "all") return correct === rollouts;
  if (outcome === "public") return publicOnly > 0;
  if (outcome === "fixed") return fixed > 0;
  if (outcome === "misordered") return misordered > 0;
  return true;
}

function showList() {
  const words = document.getElementById("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const group = Number(document.getElementById("group").value);
  const outcome = document.getElementById("outcome").value;
  const found = rows.filter(([id, title, , , counts]) => {
    const text = `${id} ${title}`.toLowerCase();
    return matches(counts[group], outcome) && words.every((word) => text.includes(word));
  });
  document.getElementById("count").textContent = `${found.length} of ${counted(rows.length, "problem")}`;
  list.replaceChildren(...found.map((row) => listItem(row, group)));
}

function listItem(row, group) {
  const [id, title, split, , counts] = row;
  const [rollouts, correct] = counts[group];
  const item = element("button", { type: "button" }, element("b", { textContent: `${correct} of ${rollouts}` }), id);
  item.append(element("small", { textContent: title, title: `${title} (${split})` }));
  item.setAttribute("role", "option");
  item.dataset.id = id;
  item.setAttribute("aria-selected", String(id === opened));
  item.addEventListener("click", () => openProblem(row));
  return item;
}

async function openProblem(row) {
  const [id, , , block] = row;
  opened = id;
  for (const item of list.children) item.setAttribute("aria-selected", String(item.dataset.id === id));
  if (!blocks.has(block)) blocks.set(block, await unpack(`block-${block}`));
  const problem = blocks.get(block).find((one) => one.id === id);
  if (opened === id) showProblem(problem);
}

function showProblem(problem) {
  const group = document.getElementById("group").value;
  const parts = [element("h3", { textContent: problem.id }), plain(problem.prompt)];
  if (problem.private.length) parts.push(folded("private tests", highlight(problem.private.join("\n"))));
  if (problem.reference) parts.push(folded("reference solution", highlight(problem.reference)));
  const choice = problem.choices[group];
  if (choice) parts.push(expertNote(choice));
  const rollouts = problem.groups[group] ?? [];
  const kind = rollouts.some((rollout) => rollout.search !== undefined) ? "searches" : "rollouts";
  parts.push(element("h4", { textContent: `${GROUPS[group]}: ${rollouts.length} ${kind}` }));
  parts.push(...rollouts.map((rollout) => showRollout(rollout, problem, choice)));
  view.replaceChildren(...parts);
  view.scrollTop = 0;
}

function expertNote(choice) {
  const label = choice.label ? "correct" : "not correct";
  return element("div", {
    className: "expert-note",
    textContent: `The expert chose turn ${choice.turn + 1} of ${choice.rollout}: ${label}, score ${choice.score}; ` +
      `of all programs for this problem it has the highest criterion, ${choice.criterion} (label and score, weighted).`,
  });
}

function folded(title, content) {
  return element("details", {}, element("summary", { textContent: title }), content);
}

function plain(text) {
  return element("pre", { className: "wrap", textContent: text });
}

function chip(outcome) {
  return element("span", { className: `chip ${outcome.replace(" ", "-")}`, textContent: outcome });
}

function showRollout(rollout, problem, choice) {
  const chips = rollout.turns.map((turn) => chip(turn.outcome));
  const stop = rollout.stop ? ` · ${rollout.stop.replace("_", " ")}` : "";
  const title = rollout.search === undefined ? `sample ${rollout.sample + 1} ` : `search ${rollout.search + 1} `;
  const summary = element("summary", {}, title, ...chips, stop);
  const made = element("details", { className: "rollout" }, summary);
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) {
      made.append(...rollout.turns.map((turn, number) => showTurn(rollout, turn, number, problem, choice)));
    }
  });
  return made;
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function showTurn(rollout, turn, number, problem, choice) {
  const isChoice = choice && choice.rollout === rollout.id && choice.turn === number;
  const facts = [counted(turn.tokens, "token")];
  if (turn.public) facts.push(verdict("public", turn.public), verdict("private", turn.private));
  if (turn.drawn) facts.push(`${counted(turn.drawn, "sample")}, ${counted(turn.distinct, "distinct program")}, one selected`);
  if (turn.score !== undefined) facts.push(`score ${turn.score}`);
  if (turn.finish && turn.finish !== "stop") facts.push(`ended by ${turn.finish}`);
  if (turn.relabelled) facts.push("state relabelled");
  if (isChoice) facts.push("chosen by the expert");
  const head = element("h4", {}, `turn ${number + 1} `, chip(turn.outcome), ` ${facts.join(" · ")}`);
  const made = element("div", { className: isChoice ? "turn expert" : "turn" }, head);
  if (rollout.search === undefined) made.append(folded("prompt", plain(promptOf(rollout, number, problem))));
  made.append(turn.code === null ? plain(turn.text) : highlight(turn.code));
  if (turn.feedback) made.append(element("h4", { textContent: "feedback" }), plain(turn.feedback));
  return made;
}

function verdict(name, [status, passed, total]) {
  return total ? `${name} ${status.replace("_", " ")} ${passed}/${total}` : `${name} none`;
}

function promptOf(rollout, number, problem) {
  const before = rollout.turns.slice(0, number).flatMap((turn) => [
    `assistant:\n${turn.code ?? turn.text}`,
    `user:\nFeedback: ${turn.feedback}`,
  ]);
  return [`user:\n${problem.prompt}`, ...before].join("\n\n");
}

const TOKEN = /(#[^\n]*)|("""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|\b(and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield|None|True|False)\b|\b(\d[\w.]*)\b/g;

function highlight(source) {
  const made = element("pre");
  let done = 0;
  for (const match of source.matchAll(TOKEN)) {
    made.append(source.slice(done, match.index));
    const kind = ["c", "s", "k", "n"][match.slice(1).findIndex((part) => part !== undefined)];
    made.append(element("span", { className: kind, textContent: match[0] }));
    done = match.index + match[0].length;
  }
  made.append(source.slice(done));
  return made;
}

async function start() {
  rows = await unpack("index");
  for (const id of ["text", "outcome"]) document.getElementById(id).addEventListener("input", showList);
  document.getElementById("group").addEventListener("input", () => {
    showList();
    const row = rows.find(([id]) => id === opened);
    if (row) openProblem(row);
  });
  showList();
}

start();
