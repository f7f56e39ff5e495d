"use strict";
// Draws one search, turn by turn; used by the page of the server and by saved traces.

function element(tag, options = {}, ...children) {
  const made = Object.assign(document.createElement(tag), options);
  made.append(...children);
  return made;
}

function plain(text) {
  return element("pre", { tabIndex: 0 }, text);
}

const STATUS = { passed: "good", failed: "bad" };

function chip(verdict) {
  if (!verdict.num_tests && verdict.status === "passed") return element("span", { className: "chip" }, "no tests");
  const tone = STATUS[verdict.status] || "odd";
  const count = verdict.num_tests ? ` ${verdict.num_passed}/${verdict.num_tests}` : "";
  return element("span", { className: `chip ${tone}` }, verdict.status.replaceAll("_", " ") + count);
}

// Lines of both texts as [" " | "-" | "+", line], by their longest common subsequence.
function diffLines(before, after) {
  const a = before.split("\n"), b = after.split("\n");
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const rows = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) rows.push([" ", a[i++]]), j++;
    else if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) rows.push(["-", a[i++]]);
    else rows.push(["+", b[j++]]);
  }
  return rows;
}

function drawDiff(before, after) {
  const names = { "-": "gone", "+": "new", " ": "" };
  const rows = diffLines(before, after).map(([sign, line]) => element("span", { className: names[sign] }, `${sign} ${line}\n`));
  return element("pre", { className: "diff", tabIndex: 0 }, ...rows);
}

function folded(title, content) {
  return element("details", {}, element("summary", {}, title), content);
}

function drawAttempt(attempt, before) {
  const samples = attempt.num_samples === 1 ? "1 sample" : `${attempt.num_samples} samples`;
  const score = attempt.score === null ? "" : `, score ${attempt.score.toFixed(2)}`;
  const head = element("summary", {}, chip(attempt.verdict), ` ${samples}${score} `);
  if (attempt.selected) head.append(element("span", { className: "chip selected" }, "selected"));
  const body = element("details", { open: attempt.selected, className: attempt.selected ? "attempt chosen" : "attempt" }, head);
  body.append(attempt.program === null ? element("p", { className: "quiet" }, "no program in the answer") : plain(attempt.program));
  if (attempt.verdict.feedback) body.append(element("p", { className: "feedback" }, attempt.verdict.feedback));
  if (attempt.selected && before !== null && attempt.program !== null)
    body.append(
      before === attempt.program
        ? element("p", { className: "quiet" }, "the same program as in the turn before")
        : folded("difference from the turn before", drawDiff(before, attempt.program)),
    );
  body.append(folded("whole answer", plain(attempt.text)));
  return body;
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

class SearchView {
  constructor(place) {
    this.place = place;
    this.clear();
  }

  clear() {
    this.before = null;
    this.place.replaceChildren();
  }

  turn(turn) {
    const samples = turn.attempts.reduce((sum, one) => sum + one.num_samples, 0);
    const passed = turn.attempts.reduce((sum, one) => sum + (one.verdict.num_tests && one.verdict.status === "passed" ? one.num_samples : 0), 0);
    const programs = turn.attempts.filter((one) => one.program !== null).length;
    const counts = [counted(samples, "sample"), counted(programs, "program"), `${passed} pass`, counted(turn.num_tokens, "token")];
    const title = `Turn ${turn.turn_index + 1}: ${counts.join(", ")}`;
    const attempts = [...turn.attempts].sort((a, b) => b.selected - a.selected);
    this.place.append(element("section", { className: "turn" }, element("h3", {}, title), ...attempts.map((one) => drawAttempt(one, this.before))));
    this.before = attempts[0].program;
  }
}

const ENDINGS = {
  passed: "The tests pass.",
  turns: "All turns are used.",
  time: "The time limit ended the search.",
  tokens: "The token budget ended the search.",
};

function describeEnd(end) {
  if (end.passed === null) return "There are no tests: one turn, and nothing was executed.";
  return end.passed ? ENDINGS.passed : `Not solved: the tests reject this program. ${ENDINGS[end.ending]}`;
}

function drawProgram(place, end) {
  const copy = element("button", { type: "button", id: "copy" }, "Copy program");
  copy.onclick = async () => {
    await navigator.clipboard.writeText(end.program);
    copy.textContent = "Copied";
  };
  const shown = end.program === null ? element("p", { className: "quiet" }, "No answer held a program.") : plain(end.program);
  shown.id = "program";
  place.replaceChildren(element("h2", {}, "Program"), element("p", {}, describeEnd(end)), shown);
  if (end.program !== null) place.append(copy);
}
