"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const cases = new Map(data.cases.map(c => [c.id, c]));
const boxes = [...document.querySelectorAll(".case")];

// Every text of a case is set as text, never as HTML: questions of attackers are among them.
function el(name, cls, ...children) {
  const node = document.createElement(name);
  if (cls) node.className = cls;
  node.append(...children.filter(c => c !== null && c !== undefined && c !== ""));
  return node;
}
function marked(text, spans) {
  const out = [], sorted = [...(spans || [])].sort((a, b) => a[0] - b[0]), chars = [...text];
  let at = 0;
  for (const [start, end] of sorted) {
    if (start < at || end > chars.length) continue;
    out.push(chars.slice(at, start).join(""), el("mark", "", chars.slice(start, end).join("")));
    at = end;
  }
  out.push(chars.slice(at).join(""));
  return out;
}
function clauseBox([clause, evidence, extra], isHit, number) {
  const c = data.clauses[clause];
  const where = [...c.path, c.label && c.label !== c.path[c.path.length - 1] ? c.label : ""].filter(Boolean).join(" › ");
  const box = el("div", "clause" + (evidence ? " gold" : ""));
  box.append(el("div", "where", `${number}. ${where}`, isHit ? ` (${extra})` : "",
    evidence ? el("span", "evidence", " ✓ 含依据 holds the evidence") : null));
  box.append(el("div", "words" + (isHit ? " short" : ""), ...(isHit ? [c.text] : marked(c.text, extra))));
  return box;
}
function fill(box) {
  const c = cases.get(box.dataset.i), body = box.querySelector(".body");
  if (body.childElementCount || !c) return;
  const left = el("div"), right = el("div");
  if (c.history) left.append(el("h4", "", "此前 Earlier"), el("ol", "", ...c.history.map(q => el("li", "", q))));
  left.append(el("h4", "", "问题 Question"), el("p", "", c.question));
  left.append(el("h4", "", "应 Expected"));
  left.append(el("p", "", {answer: "回答 answer", refuse: "拒答 refuse", clarify: "反问 clarify"}[c.expect]));
  if (c.facts) left.append(el("ul", "", ...c.facts.map(g => el("li", "", g.slice(0, 4).join(" / ") + (g.length > 4 ? " / …" : "")))));
  if (c.forbid) left.append(el("p", "", "不得出现 forbidden: " + c.forbid.join("，")));
  for (const e of c.evidence || []) left.append(el("p", "", el("span", "evidence", "依据 evidence: "), `「${e.quote}」`, e.section ? ` — ${e.section}` : ""));
  if (c.note) left.append(el("p", "", el("small", "", c.note)));
  right.append(el("h4", "", `答 Answer · ${c.status} · 置信度 ${(c.confidence || 0).toFixed(2)} · ${(c.latency_ms || 0).toFixed(0)} ms`));
  right.append(el("div", "answer", c.error || c.answer || "–"));
  if (c.understood) right.append(el("p", "", el("small", "", "理解为 understood: " + c.understood)));
  if (c.why) right.append(el("p", "why", c.why.join("；")));
  if (c.wrong_numbers) right.append(el("p", "why", "出处中没有的数字 numbers in no cited clause: " + c.wrong_numbers.join("，")));
  if (c.stage) right.append(el("h4", "", `环节 Stage: ${data.stages[c.stage]} ${c.stage}`), el("ul", "", ...(c.pieces || []).map(p => el("li", "", p))));
  body.append(el("div", "two", left, right));
  if (c.citations.length) body.append(el("h4", "", "出处 Citations"), ...c.citations.map((x, i) => clauseBox(x, false, i + 1)));
  if (c.hits.length) {
    const fold = el("details", "", el("summary", "", `检索结果 Hits (${c.hits.length})`));
    fold.append(...c.hits.map((x, i) => clauseBox(x, true, i + 1)));
    body.append(fold);
  }
}
for (const box of boxes) box.addEventListener("toggle", () => { if (box.open) fill(box); });

const texts = new Map(boxes.map(b => { const c = cases.get(b.dataset.i) || {};
  return [b, [c.id, c.question, ...(c.history || []), c.answer].join(" ").toLowerCase()]; }));
const chosen = ["type", "lang", "stage", "half", "status", "guide"].map(id => document.getElementById(id)).filter(Boolean);
const words = document.getElementById("words"), state = document.getElementById("state"), count = document.getElementById("count");
function stateFits(box) {
  const v = state.value, d = box.dataset;
  if (!v) return true;
  if (v === "!pass") return d.state !== "pass";
  if (v === "numbers") return d.numbers === "1";
  return v === d.state || v === d.became;
}
function filter() {
  const wanted = words.value.trim().toLowerCase();
  let shown = 0;
  for (const box of boxes) {
    const fits = stateFits(box) && chosen.every(s => !s.value || box.dataset[s.id] === s.value) && (!wanted || texts.get(box).includes(wanted));
    box.hidden = !fits;
    shown += fits;
  }
  count.textContent = `${shown} / ${boxes.length} 题`;
  for (const b of document.querySelectorAll(".stages button")) b.classList.toggle("on", b.dataset.value === (document.getElementById("stage") || {}).value);
}
for (const control of [words, state, ...chosen]) control.addEventListener("input", filter);
for (const b of document.querySelectorAll(".stages button")) b.addEventListener("click", () => {
  const select = document.getElementById("stage");
  select.value = select.value === b.dataset.value ? "" : b.dataset.value;
  filter();
  document.getElementById("cases").scrollIntoView();
});
function openNamed() {
  const box = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (box && box.classList.contains("case")) { box.hidden = false; box.open = true; fill(box); box.scrollIntoView(); }
}
addEventListener("hashchange", openNamed);
filter();
openNamed();
