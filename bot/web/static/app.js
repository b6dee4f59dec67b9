// The page around Gradio's chat: tabs, source view, look-up, table, copying, links, feedback.
// Everything that comes from a guide or a person is set as text (textContent), never as markup.
(() => {
  "use strict";
  const ROOT = new URL("../", document.currentScript.src);
  const zh = /^zh/i.test(navigator.language || "zh");
  const t = (chinese, english) => (zh ? chinese : english);
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";

  function h(name, props = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key === "class") node.className = value;
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  }

  async function api(path, options) {
    const response = await fetch(new URL("api/v1/" + path, ROOT), { credentials: "same-origin", ...options });
    let body = {};
    try { body = await response.json(); } catch { body = { error: t("服务没有正确回应", "The server gave no proper answer") }; }
    if (!response.ok) throw Object.assign(new Error(body.error || response.statusText), { status: response.status, body });
    return body;
  }
  const post = (path, data) => api(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data) });

  // ---------- text with marks and links ----------
  const URL_RE = /https?:\/\/[!-~]+/g;
  function safeUrl(raw) {
    const text = raw.replace(/[.,;:!?)\]>"'}]+$/, "");
    try {
      const url = new URL(text);
      const plain = /^https?:$/.test(url.protocol) && !url.username && !url.password && /^[a-z0-9.-]+$/.test(url.hostname);
      return plain && /^https?:\/\/[!-~]+$/.test(text) && !/["'<>`\\^{|}]/.test(text) ? text : "";
    } catch { return ""; }
  }
  const outLink = (url, text = url) => h("a", { class: "out", href: url, target: "_blank", rel: "noopener noreferrer" }, text);
  function linked(text) {
    const parts = [];
    let at = 0;
    for (const match of text.matchAll(URL_RE)) {
      const url = safeUrl(match[0]);
      if (!url || /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/.test(text[match.index + url.length] || "")) continue;
      parts.push(text.slice(at, match.index), outLink(url));
      at = match.index + url.length;
    }
    parts.push(text.slice(at));
    return parts;
  }
  function marked(text, spans, plain = false) {
    const put = plain ? (s) => [s] : linked;
    const parts = [];
    let at = 0;
    for (const [start, end] of [...(spans || [])].sort((a, b) => a[0] - b[0])) {
      const from = Math.max(at, start), to = Math.min(end, text.length);
      if (from >= to) continue;
      parts.push(...put(text.slice(at, from)), h("mark", {}, ...put(text.slice(from, to))));
      at = to;
    }
    parts.push(...put(text.slice(at)));
    return parts;
  }
  // Offsets come counted in code points (Python); JavaScript counts UTF-16 units.
  function units(text, spans) {
    if (!/[\ud800-\udbff]/.test(text)) return spans;
    const at = [0];
    for (const c of text) at.push(at[at.length - 1] + c.length);
    return spans.map(([s, e]) => [at[s] ?? text.length, at[e] ?? text.length]);
  }

  // ---------- copying, also on plain http ----------
  async function copyText(text) {
    let done = false;
    if (navigator.clipboard && window.isSecureContext) {
      try { await navigator.clipboard.writeText(text); done = true; } catch { done = false; }
    }
    if (!done) {
      const before = document.activeElement;
      const box = h("textarea", { class: "sr", "aria-hidden": "true", tabindex: "-1" });
      box.value = text;
      document.body.append(box);
      box.select();
      done = document.execCommand("copy");
      box.remove();
      if (before && before.focus) before.focus({ preventScroll: true });
    }
    toast(done ? t("已复制", "Copied") : t("无法复制，请手动选择文字", "Copying failed; please select the text"));
    return done;
  }
  let toastTimer = 0;
  function toast(text) {
    $("#toast").textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { $("#toast").textContent = ""; }, 1800 + 120 * text.length);
  }

  // ---------- the address ----------
  const TABS = ["ask", "lookup", "table"];
  const pageUrl = (params) => {
    const url = new URL(location.href);
    url.search = "";
    url.hash = "";
    for (const [key, value] of Object.entries(params)) if (value) url.searchParams.set(key, value);
    return url;
  };
  const clauseLink = (id) => pageUrl({ clause: id }).href;
  const here = () => Object.fromEntries(new URL(location.href).searchParams);
  function go(params, { replace = false } = {}) {
    const url = pageUrl(params);
    if (url.href === location.href) return;
    history[replace ? "replaceState" : "pushState"]({ n: Date.now() }, "", url);
  }
  const parseAt = (at) => (at || "").split(".").map((p) => p.split("-").map(Number)).filter(([s, e]) => Number.isInteger(s) && Number.isInteger(e) && s < e);

  // ---------- shell ----------
  let page = null;
  let tab = "ask";
  function logo() {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 32 32");
    svg.setAttribute("aria-hidden", "true");
    const shape = (name, attributes) => {
      const node = document.createElementNS(SVG, name);
      for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
      svg.append(node);
    };
    shape("rect", { width: 32, height: 32, rx: 7, fill: "#1d4f91" });
    shape("path", { d: "M9 7h10l5 5v13H9z", fill: "#fff" });
    shape("path", { d: "M12 15h9M12 18.5h9M12 22h5", stroke: "#1d4f91", "stroke-width": 1.7 });
    return svg;
  }
  function buildShell() {
    document.documentElement.lang = zh ? "zh-CN" : "en";
    const names = [t("问答", "Ask"), t("条款检索", "Clauses"), t("一览表", "Overview")];
    const tabs = h("div", { id: "tabs", role: "tablist", "aria-label": t("功能", "Sections") },
      ...TABS.map((name, i) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `${name}-pane`, "aria-selected": "false", tabindex: "-1", onclick: () => { go({ tab: name === "ask" ? "" : name }); show(); } }, names[i])));
    tabs.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
      $(`#tab-${next}`).click();
      $(`#tab-${next}`).focus();
    });
    const top = h("header", { id: "top" },
      h("a", { class: "skip", href: "#question", onclick: (e) => { e.preventDefault(); focusMain(); } }, t("跳到内容", "Skip to content")),
      h("h1", {}, logo(), h("span", {}, t("申报指南问答", "Guide Q&A"))), tabs);
    document.body.prepend(top);
    const gradio = $("gradio-app");
    gradio.id = "ask-pane";
    gradio.setAttribute("role", "tabpanel");
    gradio.setAttribute("aria-labelledby", "tab-ask");
    gradio.after(h("footer", { id: "foot" }), buildLookup(), buildTable(), h("div", { id: "toast", role: "status", "aria-live": "polite" }));
    const size = () => document.documentElement.style.setProperty("--top", `${top.offsetHeight}px`);
    new ResizeObserver(size).observe(top);
    size();
  }
  const focusMain = () => { const target = { ask: "#question textarea", lookup: "#words", table: "#table-words" }[tab]; const node = $(target); if (node) node.focus(); };
  function setTab(name) {
    tab = TABS.includes(name) ? name : "ask";
    for (const one of TABS) {
      const on = one === tab;
      $(`#tab-${one}`).setAttribute("aria-selected", String(on));
      $(`#tab-${one}`).tabIndex = on ? 0 : -1;
      $(`#${one}-pane`).classList.toggle("bot-hidden", !on);
    }
    $("#foot").classList.toggle("bot-hidden", tab !== "ask");
    if (tab === "table") loadTable();
    if (tab === "lookup" && !$("#results").childElementCount) lookUp();
  }

  // Show what the address says. `first` on loading.
  function show(first = false) {
    const at = here();
    setTab(at.tab || "ask");
    if (tab === "lookup" && (at.w !== undefined || at.guide !== undefined) && $("#words").value !== (at.w || "")) {
      $("#words").value = at.w || "";
      $("#f-guide").value = at.guide || "";
      lookUp();
    }
    if (at.clause) openClause(at.clause, { spans: parseAt(at.at), push: false });
    else closeSource({ push: false });
    if (tab === "ask" && at.q) showQuestion(at.q, first);
    if (first && !at.q) restoreDraft();
    if (first && !at.q) setTimeout(() => { if (matchMedia("(hover: hover)").matches) focusMain(); }, 0);
  }
  addEventListener("popstate", () => show());

  // ---------- the chat ----------
  const setter = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
  function fill(box, value) {
    setter.call(box, value);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function whenReady() {
    return new Promise((resolve) => {
      const ready = () => $("#question textarea") && $("#chosen textarea, #chosen input") && $("#question .submit-button");
      if (ready()) return resolve();
      const observer = new MutationObserver(() => { if (ready()) { observer.disconnect(); resolve(); } });
      observer.observe(document.body, { childList: true, subtree: true });
    });
  }
  // What stands unsent in the box outlives a reload, which is also how the page comes back after a restart of the server.
  const DRAFT = "bot-draft";
  addEventListener("pagehide", () => { const box = $("#question textarea"); try { sessionStorage.setItem(DRAFT, box ? box.value : ""); } catch { /* no storage: nothing to keep */ } });
  let draft = "";
  try { draft = sessionStorage.getItem(DRAFT) || ""; } catch { draft = ""; }
  async function restoreDraft() {
    if (!draft) return;
    await whenReady();
    const box = $("#question textarea");
    if (!box.value) fill(box, draft);
    draft = "";
  }
  async function ask(question, chosen = {}) {
    await whenReady();
    if (tab !== "ask") { go({}); setTab("ask"); }
    const hidden = $("#chosen textarea, #chosen input");
    if (hidden instanceof HTMLTextAreaElement) fill(hidden, JSON.stringify(chosen));
    else { hidden.value = JSON.stringify(chosen); hidden.dispatchEvent(new Event("input", { bubbles: true })); }
    fill($("#question textarea"), question);
    await new Promise((resolve) => setTimeout(resolve, 30));
    $("#question .submit-button").click();
  }
  const asked = () => $$("#chat .user-row .asked");
  function showQuestion(question, first) {
    const rows = asked().filter((node) => node.textContent === question);
    if (rows.length) rows[rows.length - 1].closest(".message-row").scrollIntoView({ block: "start" });
    else if (first) ask(question);
  }

  // A question that the server would not take: say why; it stays in the box.
  const plainFetch = window.fetch;
  window.fetch = async (...request) => {
    const joins = String(request[0] && request[0].url ? request[0].url : request[0]).includes("/queue/join");
    try {
      const response = await plainFetch(...request);
      if (joins && !response.ok) response.clone().json().then((body) => toast(body.error || body.detail), () => toast(t("服务没有正确回应，请再试一次", "Please try again")));
      return response;
    } catch (error) {
      if (joins) toast(t("连接不上服务。恢复后本页会自动刷新，您写的问题不会丢", "The server cannot be reached. This page comes back by itself, with what you typed"));
      throw error;
    }
  };

  // Enter while an input method composes belongs to the input method.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.stopImmediatePropagation();
  }, true);

  const verdicts = new Map();
  const seen = new Set();
  function dress() {
    const chat = $("#chat");
    if (!chat) return;
    const log = $("[role=log]", chat);
    if (log) log.setAttribute("aria-label", t("对话", "Conversation"));
    for (const node of $$(".user-row [data-testid=user]", chat)) node.setAttribute("aria-label", t("您的问题", "Your question"));
    for (const node of $$(".bot-row [data-testid=bot]", chat)) node.setAttribute("aria-label", t("回答", "Answer"));
    for (const node of $$("[data-testid=user], [data-testid=bot]", chat)) if (!node.hasAttribute("role")) node.setAttribute("role", "group");
    for (const answer of $$(".answer[id]", chat)) {
      for (const link of $$("a.cite, a.open, a.ask, a.chip", answer)) link.removeAttribute("target");
      for (const link of $$("a.cite", answer)) link.setAttribute("aria-label", t("引用", "Citation ") + link.textContent.replace(/\D/g, "") + "：" + (link.title || ""));
      for (const box of $$(".wide", answer)) { box.setAttribute("aria-label", t("表格", "Table")); box.tabIndex = 0; fold(box, answer); }
      for (const quote of $$("blockquote", answer)) { if (quote.scrollHeight > quote.clientHeight + 2) quote.tabIndex = 0; }
      for (const chip of $$("a.chip", answer)) { chip.setAttribute("aria-haspopup", "dialog"); chip.setAttribute("aria-label", chip.textContent.trim() + t("（可修改）", " (change)")); }
      const said = verdicts.get(answer.id);
      for (const name of ["up", "down"]) { const button = $(`.act.${name}`, answer); if (button) button.setAttribute("aria-pressed", String(said === name)); }
      if (!seen.has(answer.id)) { seen.add(answer.id); arrived(answer); }
    }
    const send = $("#question .submit-button"), box = $("#question textarea"), wipe = $("#new-chat");
    if (send) send.setAttribute("aria-label", t("发送", "Send"));
    if (box) box.placeholder = t("输入问题，按 Enter 发送", innerWidth < 700 ? "Ask a question" : "Ask a question, Enter sends");
    if (wipe && !zh) wipe.textContent = "New chat";
    const welcome = $("#welcome");
    if (welcome && !welcome.childElementCount && page) welcome.append(welcomeNode());
  }
  // A long table shows its first rows; what was opened stays open when the chat is drawn again.
  const FOLD = 6, opened = new Set();
  function fold(box, answer) {
    const n = $$("tbody tr", box).length;
    if (n <= FOLD + 2 || opened.has(answer.id) || (box.nextElementSibling && box.nextElementSibling.matches(".unfold"))) return;
    box.classList.add("folded");
    box.after(h("button", { type: "button", class: "btn unfold", onclick: (event) => { opened.add(answer.id); box.classList.remove("folded"); event.currentTarget.remove(); box.focus({ preventScroll: true }); } }, t(`显示全部 ${n} 行`, `Show all ${n} rows`)));
  }
  function arrived(answer) {
    const row = answer.closest(".message-row");
    let mine = row && row.previousElementSibling;
    while (mine && !mine.classList.contains("user-row")) mine = mine.previousElementSibling;
    const question = mine && $(".asked", mine) ? $(".asked", mine).textContent : "";
    if (question && question.length <= 500) go({ q: question }, { replace: here().q === question });
    if (draft) setTimeout(restoreDraft, 60);  // after the box was emptied of the question of the address
    requestAnimationFrame(() => (mine || row).scrollIntoView({ block: "start" }));
    const box = $("#question textarea");
    if (box && matchMedia("(hover: hover)").matches) box.focus({ preventScroll: true });
  }
  function welcomeNode() {
    const titles = page.guides.slice(0, 3).map((g) => `《${g.title}》`).join("、");
    const more = page.guides.length > 3 ? t(` 等 ${page.guides.length} 份指南`, ` and more: ${page.guides.length} guides`) : "";
    return h("div", { class: "welcome" },
      h("h2", {}, t("申报的事，问指南原文", "Ask the application guide")),
      h("p", {}, t("只按指南原文回答，句句标明出处；指南没写的，会直说没有。", "Answers in the guide's own words, each with its source; what the guide does not say, it says so.")),
      h("ul", {}, ...page.examples.map((q) => h("li", {}, h("button", { type: "button", class: "btn", onclick: () => ask(q) }, q)))),
      h("p", { class: "books" }, titles ? t("已载入：", "Loaded: ") + titles + more : ""));
  }

  // ---------- clicks inside answers ----------
  let lastPointer = "mouse";
  addEventListener("pointerdown", (event) => { lastPointer = event.pointerType; }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a.cite, a.open, a.ask, a.chip, .answer .act, a.result, .sheet a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    const params = link.href ? Object.fromEntries(new URL(link.getAttribute("href"), location.href).searchParams) : {};
    const answer = link.closest(".answer");
    if (link.matches("a.cite") && lastPointer !== "mouse" && preview.dataset.of !== link.id) return showPreview(link, true);
    hidePreview();
    if (link.matches("a.ask")) ask(params.q || link.textContent);
    else if (link.matches("a.chip")) editChip(params, link);
    else if (link.matches(".act")) act(link, answer);
    else openClause(params.clause, { spans: parseAt(params.at), from: link, list: answer ? $$(".refs a.open", answer).map((a) => a.getAttribute("href")) : [] });
  }, true);
  function act(button, answer) {
    const id = answer.id.replace(/^a-/, "");
    if (button.matches(".copy")) copyText($(".copy-text", answer).textContent);
    else if (button.matches(".copy-md")) copyText($(".copy-markdown", answer).textContent);
    else vote(id, button.matches(".up") ? "up" : "down", answer);
  }
  async function vote(id, verdict, answer, reason = "") {
    try {
      await post("feedback", { id, verdict, reason });
      verdicts.set(answer.id, verdict);
      dress();
      if (verdict === "down" && !reason) askWhy(id, answer);
      else { const form = $(".why", answer); if (form) form.remove(); toast(t("谢谢您的反馈", "Thank you for telling us")); }
    } catch (error) { toast(error.message); }
  }
  function askWhy(id, answer) {
    if ($(".why", answer)) return;
    const input = h("input", { type: "text", maxlength: "500", autocomplete: "off" });
    const form = h("form", { class: "why" }, h("label", {}, t("哪里不对？（可不填）", "What is wrong? (optional)"), input), h("button", { class: "btn", type: "submit" }, t("提交", "Send")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) vote(id, "down", answer, input.value.trim());
      else { form.remove(); toast(t("谢谢您的反馈", "Thank you for telling us")); }
    });
    $(".bar", answer).after(form);
    input.focus();
  }

  // ---------- preview of a citation ----------
  let hideTimer = 0;
  const preview = h("div", { id: "preview", role: "tooltip", hidden: true });
  function showPreview(link, withButton = false) {
    const match = /^m-(.+)-(\d+)$/.exec(link.id);
    const ref = match && document.getElementById(`r-${match[1]}-${match[2]}`);
    if (!ref) return;
    clearTimeout(hideTimer);
    const words = $("blockquote", ref).cloneNode(true);
    preview.replaceChildren(h("p", { class: "where" }, link.title), h("div", { class: "body" }, ...words.childNodes));
    if (withButton) preview.append(h("button", { type: "button", class: "btn", onclick: () => { lastPointer = "mouse"; link.click(); } }, t("打开原文", "Open in the guide")));
    preview.dataset.of = link.id;
    preview.dataset.pinned = withButton ? "yes" : "";
    preview.hidden = false;
    link.setAttribute("aria-describedby", "preview");
    const box = link.getBoundingClientRect(), width = preview.offsetWidth, height = preview.offsetHeight;
    const left = Math.max(12, Math.min(box.left - 20, document.documentElement.clientWidth - width - 12));
    const below = box.bottom + 8 + height < innerHeight || box.top < height + 70;
    preview.style.left = `${left + scrollX}px`;
    preview.style.top = `${(below ? box.bottom + 8 : box.top - height - 8) + scrollY}px`;
  }
  function hidePreview() {
    if (preview.hidden) return;
    const link = document.getElementById(preview.dataset.of);
    if (link) link.removeAttribute("aria-describedby");
    preview.hidden = true;
    preview.dataset.of = preview.dataset.pinned = "";
  }
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || preview.dataset.pinned) return;
    const link = event.target.closest("a.cite");
    clearTimeout(hideTimer);
    if (link) showPreview(link);
    else if (!event.target.closest("#preview")) hideTimer = setTimeout(hidePreview, 180);
  });
  document.addEventListener("focusin", (event) => {
    const link = event.target.closest("a.cite");
    if (link && link.matches(":focus-visible")) showPreview(link);
    else if (!event.target.closest("#preview")) hidePreview();
  });
  document.addEventListener("pointerdown", (event) => { if (event.pointerType !== "mouse" && !event.target.closest("#preview, a.cite")) hidePreview(); });

  // ---------- the chip ----------
  function options(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, text]) => { const option = h("option", { value }, text); option.selected = value === chosen; return option; }));
  }
  const guideName = (g) => g.title + (g.edition && !g.title.includes(g.edition) ? `（${g.edition}）` : "");
  function editChip(params, opener) {
    if (!page) return;
    const section = h("select", {}), field = h("select", {});
    const all = page.guides.flatMap((g) => g.sections.map((s) => ({ ...s, guide: g })));
    const several = page.guides.filter((g) => g.sections.length).length > 1;
    options(section, [["", t("（不限定）", "(any)")], ...all.map((s) => [s.id, (several ? `${s.guide.title.slice(0, 16)}… › ` : "") + s.label])], params.section || "");
    const fields = () => {
      const one = all.find((s) => s.id === section.value);
      const names = one ? one.fields : [...new Set(all.flatMap((s) => s.fields))];
      options(field, [["", t("（不限定）", "(any)")], ...names.map((n) => [n, n])], field.value || params.field || "");
    };
    section.addEventListener("change", fields);
    fields();
    const dialog = h("dialog", { "aria-labelledby": "chip-title" },
      h("form", { method: "dialog" },
        h("h2", { id: "chip-title" }, t("换一种理解，重新回答", "Understand it differently and answer again")),
        h("label", {}, t("项目", "Project"), section), h("label", {}, t("字段", "Field"), field),
        h("div", { class: "row" }, h("button", { class: "btn", type: "submit", value: "" }, t("取消", "Cancel")), h("button", { class: "btn primary", type: "submit", value: "ok" }, t("重新回答", "Answer again")))));
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "ok") ask(params.q, { section: section.value, field: field.value });
      dialog.remove();
      if (opener.isConnected) opener.focus({ preventScroll: true });
    });
    document.body.append(dialog);
    dialog.showModal();
    section.focus();
  }

  // ---------- the source view ----------
  const guides = new Map();
  const view = { slug: "", id: "", list: [], from: null };
  function sourceNode() {
    let node = $("#source");
    if (node) return node;
    node = h("aside", { id: "source", "aria-labelledby": "source-title", tabindex: "-1" },
      h("header", {}, h("h2", { id: "source-title" }), h("button", { type: "button", class: "close", "aria-label": t("关闭原文", "Close the source"), onclick: () => closeSource() }, "✕"), h("div", { class: "meta" })),
      h("details", { id: "outline" }, h("summary", {}, t("目录", "Outline")), h("nav", { "aria-label": t("目录", "Outline") }, h("ul", {}))),
      h("div", { id: "doc", tabindex: "0", role: "document", "aria-label": t("指南原文", "The guide") }));
    document.body.append(h("div", { id: "shade", onclick: () => closeSource() }), node);
    return node;
  }
  async function openClause(id, { spans = [], from = null, list = null, push = true } = {}) {
    if (!id) return;
    if (from) view.from = from;
    if (list) view.list = list;
    let clause;
    try { clause = await api("clause/" + encodeURIComponent(id)); }
    catch (error) { return missing(error); }
    if (!guides.has(clause.guide)) {
      try { guides.set(clause.guide, await api("guide/" + encodeURIComponent(clause.guide))); }
      catch (error) { return toast(error.message); }
    }
    const guide = guides.get(clause.guide);
    const node = sourceNode();
    node.hidden = false;
    $("#shade").hidden = false;
    document.body.classList.add("with-source");
    if (view.slug !== clause.guide || !$("#doc").childElementCount) fillSource(guide);
    view.id = id;
    headSource(guide, clause);
    mark(guide, id, units(clause.text, spans));
    if (push) { const at = here(); go({ ...at, clause: id, at: spans.map((s) => s.join("-")).join(".") }); }
    if (view.from || innerWidth < 1000) node.focus({ preventScroll: true });
  }
  function missing(error) {
    const near = (error.body && error.body.near) || [];
    const dialog = h("dialog", { "aria-labelledby": "missing-title" },
      h("form", { method: "dialog" }, h("h2", { id: "missing-title" }, error.message),
        near.length ? h("p", {}, t("可能是这一条：", "Perhaps this one:")) : null,
        h("ul", {}, ...near.map((n) => h("li", {}, h("a", { href: clauseLink(n.clause_id), onclick: (e) => { e.preventDefault(); dialog.close(); openClause(n.clause_id); } }, `《${n.title}》 ${[...n.path, n.label].join(" › ")}`)))),
        h("div", { class: "row" }, h("button", { class: "btn" }, t("关闭", "Close")))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
  function fillSource(guide) {
    view.slug = guide.slug;
    const doc = $("#doc"), list = $("#outline ul"), items = [];
    const nodes = guide.clauses.map((clause, i) => {
      const node = h("div", { class: `c ${clause.kind}`, id: `c-${i}`, style: `margin-inline-start:${Math.min(clause.depth, 4) * 14 - 10}px` });
      writeClause(node, clause, []);
      if (clause.heading) items.push(h("li", {}, h("a", { href: clauseLink(clause.id), "data-i": String(i), style: `padding-inline-start:${6 + Math.min(clause.depth, 4) * 14}px`, onclick: (event) => { event.preventDefault(); openClause(clause.id, {}); if (innerWidth < 1000) $("#outline").open = false; } }, clause.label)));
      return node;
    });
    doc.replaceChildren(...nodes);
    list.replaceChildren(...items);
    $("#outline").hidden = !items.length;
  }
  function writeClause(node, clause, spans) {
    const body = units(clause.text, [[0, clause.body]])[0][1];
    const cut = (from, to) => marked(clause.text.slice(from, to), spans.map(([s, e]) => [s - from, e - from]).filter(([, e]) => e > 0).map(([s, e]) => [Math.max(0, s), e]));
    const tools = h("span", { class: "tools" },
      h("button", { type: "button", "aria-label": t("复制此条的链接", "Copy a link to this clause"), title: t("复制链接", "Copy link"), class: "icon link", onclick: () => copyText(clauseLink(clause.id)) }),
      h("button", { type: "button", "aria-label": t("复制此条及出处", "Copy this clause with its reference"), title: t("复制条款", "Copy clause"), class: "icon copies", onclick: () => copyClause(clause.id) }));
    const content = clause.kind === "heading" && !/[：:]/.test(clause.text)
      ? [h("h" + Math.min(6, 3 + clause.depth), {}, ...cut(0))]
      : [h("span", { class: "tag" }, ...cut(0, body)), ...cut(body)];
    node.replaceChildren(...content, tools);
  }
  async function copyClause(id, known = "") {
    const text = known || (await api("clause/" + encodeURIComponent(id))).copy;
    return copyText(`${text}\n${t("链接：", "Link: ")}${clauseLink(id)}`);
  }
  function headSource(guide, clause) {
    $("#source-title").textContent = guideName(guide);
    const meta = $("#source .meta");
    const position = view.list.findIndex((href) => new URL(href, location.href).searchParams.get("clause") === clause.clause_id);
    meta.replaceChildren(h("span", {}, [guide.issuer, t("以原文为准", "The original prevails")].filter(Boolean).join(" · ")));
    if (guide.url) meta.append(outLink(guide.url, t("官方原文", "Official source")));
    if (view.list.length > 1 && position >= 0) {
      const step = (to) => { const url = new URL(view.list[to], location.href); openClause(url.searchParams.get("clause"), { spans: parseAt(url.searchParams.get("at")) }); };
      meta.append(h("span", { class: "step" },
        h("button", { type: "button", "aria-label": t("上一处引用", "Previous citation"), disabled: position === 0, onclick: () => step(position - 1) }, "‹"),
        h("span", {}, t("引用", "Citation"), ` ${position + 1}/${view.list.length}`),
        h("button", { type: "button", "aria-label": t("下一处引用", "Next citation"), disabled: position === view.list.length - 1, onclick: () => step(position + 1) }, "›")));
    }
    const old = $("#source .edition");
    if (old) old.remove();
    if (clause.newer) {
      const newer = clause.newer;
      const parts = [t(`这是较早的版本；已有 ${newer.edition} 年版。`, `This is an earlier edition; there is one of ${newer.edition}.`)];
      if (newer.clause_id) {
        const changed = newer.diff.some(([tag]) => tag !== "same");
        parts.push(" ", h("a", { class: "out", href: clauseLink(newer.clause_id), onclick: (e) => { e.preventDefault(); openClause(newer.clause_id, {}); } }, t("打开新版此条", "Open it there")));
        parts.push(h("div", {}, changed ? t("变化：", "Changed: ") : t("此条文字没有变化。", "Its words are the same.")));
        if (changed) parts.push(h("div", {}, ...newer.diff.map(([tag, text]) => (tag === "old" ? h("del", {}, text) : tag === "new" ? h("ins", {}, text) : text))));
      }
      $("#source header").append(h("div", { class: "edition" }, ...parts));
    }
    if (clause.stale) $("#source header").append(h("div", { class: "edition" }, t("此文件目前无法读取，这里是上次成功读取的内容。", "This file cannot be read now; this is its last good text.")));
  }
  function mark(guide, id, spans) {
    for (const node of $$("#doc .c.on")) { node.classList.remove("on"); node.removeAttribute("aria-current"); writeClause(node, guide.clauses[Number(node.id.slice(2))], []); }
    const i = guide.clauses.findIndex((c) => c.id === id);
    if (i < 0) return;
    const node = document.getElementById(`c-${i}`);
    writeClause(node, guide.clauses[i], spans);
    node.classList.add("on");
    node.setAttribute("aria-current", "true");
    const doc = $("#doc");
    const target = $("mark", node) || node;
    doc.scrollTop += target.getBoundingClientRect().top - doc.getBoundingClientRect().top - Math.min(120, doc.clientHeight / 4);
    let near = null;
    for (const link of $$("#outline a")) { link.removeAttribute("aria-current"); if (Number(link.dataset.i) <= i) near = link; }
    if (near) near.setAttribute("aria-current", "true");
  }
  function closeSource({ push = true } = {}) {
    const node = $("#source");
    if (!node || node.hidden) return;
    node.hidden = true;
    $("#shade").hidden = true;
    document.body.classList.remove("with-source");
    if (push) { const { clause, at, ...rest } = here(); go(rest); }
    if (view.from && view.from.isConnected) view.from.focus({ preventScroll: true });
    view.from = null;
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || $("dialog[open]")) return;
    if (!preview.hidden) hidePreview();
    else closeSource();
  });

  // ---------- look-up ----------
  function buildLookup() {
    const typed = () => { clearTimeout(lookTimer); lookTimer = setTimeout(() => lookUp(true), 90); };
    return h("section", { id: "lookup-pane", class: "pane bot-hidden", role: "tabpanel", "aria-labelledby": "tab-lookup" },
      h("div", { class: "filters" },
        h("label", { class: "wide-field" }, t("检索条款（词语、部分词语、拼音首字母、数字、字段名）", "Find clauses (words, parts of words, pinyin initials, numbers, field names)"),
          h("input", { id: "words", type: "search", autocomplete: "off", spellcheck: "false", maxlength: "200", oninput: typed })),
        h("label", {}, t("指南", "Guide"), h("select", { id: "f-guide", onchange: () => { fillFilters(); lookUp(true); } })),
        h("label", {}, t("项目", "Project"), h("select", { id: "f-section", onchange: () => lookUp(true) })),
        h("label", {}, t("字段", "Field"), h("select", { id: "f-field", onchange: () => lookUp(true) }))),
      h("p", { class: "count", id: "count", role: "status", "aria-live": "polite" }),
      h("ol", { id: "results", "aria-label": t("检索结果", "Results") }),
      emptyNode("lookup-empty", t("没有这样的条款", "No such clause"), t("换一个词、少写几个字，或放宽筛选。", "Try another word, fewer letters, or wider filters."), t("清除条件", "Clear"), () => { for (const id of ["#words", "#f-guide", "#f-section", "#f-field"]) $(id).value = ""; fillFilters(); lookUp(true); $("#words").focus(); }),
      h("p", { class: "keys" }, h("kbd", {}, "↑"), h("kbd", {}, "↓"), t(" 移动　", " move  "), h("kbd", {}, "Enter"), t(" 打开　", " open  "), h("kbd", {}, "C"), t(" 复制条款和出处　", " copy with reference  "), h("kbd", {}, "/"), t(" 回到输入框", " back to the box")));
  }
  function emptyNode(id, title, advice, action, clear) {
    return h("div", { id, class: "empty", hidden: true }, h("strong", {}, title), advice, h("div", {}, h("button", { type: "button", class: "btn", onclick: clear }, action)));
  }
  let lookTimer = 0, looking = null;
  function fillFilters() {
    if (!page) return;
    const guide = $("#f-guide"), section = $("#f-section"), field = $("#f-field");
    const any = t("全部", "All");
    options(guide, [["", any], ...page.guides.map((g) => [g.slug, guideName(g)])], guide.value);
    const within = page.guides.filter((g) => !guide.value || g.slug === guide.value);
    options(section, [["", any], ...within.flatMap((g) => g.sections.map((s) => [s.id, s.label]))], section.value);
    options(field, [["", any], ...[...new Set(within.flatMap((g) => g.fields))].map((f) => [f, f])], field.value);
  }
  async function lookUp(typed = false) {
    const words = $("#words").value;
    const params = new URLSearchParams({ q: words, guide: $("#f-guide").value, section: $("#f-section").value, field: $("#f-field").value, k: "30" });
    if (typed) go({ tab: "lookup", w: words, guide: $("#f-guide").value }, { replace: true });
    if (looking) looking.abort();
    looking = new AbortController();
    try {
      const found = await api("lookup?" + params, { signal: looking.signal });
      $("#results").replaceChildren(...found.results.map(resultNode));
      $("#lookup-empty").hidden = found.total > 0;
      $("#count").textContent = !found.total ? t("没有找到", "Nothing found")
        : found.how === "meaning" ? t("没有条款含有这些词，以下意思相近：", "No clause holds these words; near in meaning:")
        : t(`共 ${found.total} 条${found.total > found.results.length ? `，显示前 ${found.results.length} 条` : ""}`, `${found.total} clauses${found.total > found.results.length ? `, the first ${found.results.length} shown` : ""}`);
    } catch (error) { if (error.name !== "AbortError") $("#count").textContent = error.message; }
  }
  function resultNode(r) {
    const path = r.path.slice(-2).flatMap((p, i) => [...(i ? [" › "] : []), ...marked(p, units(p, r.path_marks.slice(-2)[i] || []), true)]);
    const several = page && page.guides.length > 1;
    const skip = units(r.text, [[0, r.body]])[0][1];  // the label stands above already
    const words = units(r.text, r.marks).filter(([, e]) => e > skip).map(([s, e]) => [Math.max(0, s - skip), e - skip]);
    const at = r.marks.length && !r.cut[0] ? "&at=" + r.marks.map((s) => s.join("-")).join(".") : "";
    const node = h("li", {},
      h("a", { class: "result", href: "?clause=" + encodeURIComponent(r.clause_id) + at },
        h("span", { class: "where" }, ...(several ? [`《${r.title}》 › `] : []), ...path),
        h("span", { class: "name" }, ...marked(r.label, units(r.label, r.label_marks), true)),
        h("span", { class: "words" }, r.cut[0] ? "…" : "", ...marked(r.text.slice(skip), words, true), r.cut[1] ? "…" : "")),
      h("button", { type: "button", class: "btn", "aria-label": t("复制：", "Copy: ") + r.label, onclick: () => copyClause(r.clause_id, r.copy) }, t("复制", "Copy")));
    node.copy = () => copyClause(r.clause_id, r.copy);
    return node;
  }
  document.addEventListener("keydown", (event) => {
    if (tab !== "lookup" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("dialog[open]")) return;
    const links = $$("#results a.result"), at = links.indexOf(document.activeElement), inBox = document.activeElement === $("#words");
    if (event.key === "ArrowDown" && (inBox || at >= 0)) { event.preventDefault(); if (links[at + 1]) links[at + 1].focus(); }
    else if (event.key === "ArrowUp" && at >= 0) { event.preventDefault(); (links[at - 1] || $("#words")).focus(); }
    else if (event.key === "Enter" && inBox && links[0]) { event.preventDefault(); links[0].focus(); links[0].click(); }
    else if ((event.key === "c" || event.key === "C") && at >= 0) { event.preventDefault(); links[at].closest("li").copy(); }
    else if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) { event.preventDefault(); $("#words").focus(); $("#words").select(); }
  });

  // ---------- overview ----------
  const sheet = { data: null, sort: -1, down: false, guide: null };
  function buildTable() {
    const draw = () => drawTable();
    return h("section", { id: "table-pane", class: "pane bot-hidden", role: "tabpanel", "aria-labelledby": "tab-table" },
      h("div", { class: "filters" },
        h("label", { class: "whole" }, t("指南", "Guide"), h("select", { id: "t-guide", onchange: () => { sheet.sort = -1; loadTable(); } })),
        h("label", {}, t("筛选", "Filter"), h("input", { id: "table-words", type: "search", autocomplete: "off", placeholder: t("含有的词", "words it holds"), oninput: draw })),
        h("label", {}, t("排序", "Sort by"), h("select", { id: "t-sort", onchange: (e) => { sheet.sort = Number(e.target.value); sheet.down = false; drawTable(); } })),
        h("a", { class: "btn", id: "csv", download: "table.csv" }, t("下载 CSV", "CSV")), h("a", { class: "btn", id: "xlsx", download: "table.xlsx" }, t("下载 Excel", "Excel")),
        h("button", { class: "btn", type: "button", onclick: () => print() }, t("打印", "Print"))),
      h("p", { class: "count", id: "t-count", role: "status", "aria-live": "polite" }),
      h("div", { class: "sheet", tabindex: "0", role: "region", "aria-label": t("项目一览表", "Overview of projects") }),
      emptyNode("table-empty", t("没有符合的项目", "No such project"), t("筛选的词在这份指南的项目里没有。", "No project of this guide holds these words."), t("清除筛选", "Clear the filter"), () => { $("#table-words").value = ""; drawTable(); $("#table-words").focus(); }));
  }
  async function loadTable() {
    if (!page) return;
    const select = $("#t-guide");
    if (!select.options.length) {
      const kept = page.guides.filter((g) => g.sections.length);
      options(select, [...(kept.length > 1 ? [["", t("全部", "All")]] : []), ...kept.map((g) => [g.slug, guideName(g)])], here().guide || (kept[0] || {}).slug || "");
    }
    const guide = select.value;
    if (sheet.data && sheet.guide === guide) return;
    for (const kind of ["csv", "xlsx"]) $("#" + kind).href = new URL(`api/v1/table.${kind}?guide=${encodeURIComponent(guide)}`, ROOT).href;
    try { sheet.data = await api("table?guide=" + encodeURIComponent(guide)); sheet.guide = guide; } catch (error) { $("#t-count").textContent = error.message; return; }
    options($("#t-sort"), [["-1", t("指南顺序", "As in the guide")], ...sheet.data.labels.map((l, i) => [String(i), l])], String(sheet.sort));
    drawTable();
  }
  const holds = (text, words) => words.every((w) => text.includes(w));
  function drawTable() {
    if (!sheet.data) return;
    const { labels, rows } = sheet.data;
    const words = $("#table-words").value.toLowerCase().split(/\s+/).filter(Boolean);
    let kept = rows.filter((r) => holds([r.label, ...r.cells.map((c) => (c ? c.text : ""))].join("\n").toLowerCase(), words));
    if (sheet.sort >= 0) {
      const key = (r) => { const c = r.cells[sheet.sort]; return c ? (c.sort ?? c.text) : null; };
      const order = (a, b) => (a === null) - (b === null) || (typeof a === "number" ? 0 : 1) - (typeof b === "number" ? 0 : 1) || (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "zh"));
      kept = kept.map((r, i) => [key(r), i, r]).sort((x, y) => (x[0] === null || y[0] === null ? order(x[0], y[0]) : (sheet.down ? -1 : 1) * order(x[0], y[0])) || x[1] - y[1]).map((x) => x[2]);
    }
    const head = h("tr", {}, h("th", { scope: "col" }, h("button", { type: "button", onclick: () => { sheet.sort = -1; sync(); } }, t("项目", "Project"))),
      ...labels.map((label, i) => h("th", { scope: "col", "aria-sort": sheet.sort === i ? (sheet.down ? "descending" : "ascending") : null },
        h("button", { type: "button", title: t("点击排序", "Sort"), onclick: () => { sheet.down = sheet.sort === i ? !sheet.down : false; sheet.sort = i; sync(); } }, label, sheet.sort === i ? (sheet.down ? " ▼" : " ▲") : ""))));
    const link = (id, text) => h("a", { href: "?clause=" + encodeURIComponent(id), title: text.length > 60 ? text.slice(0, 300) : null }, text);
    const body = kept.map((r) => h("tr", {}, h("th", { scope: "row" }, link(r.id, r.label)),
      ...r.cells.map((c, i) => (c ? h("td", { "data-label": labels[i] }, link(c.id, c.text || "—")) : h("td", { class: "none", "data-label": labels[i] }, "—")))));
    $("#table-pane .sheet").replaceChildren(h("table", {}, h("caption", { class: "sr" }, t("项目与字段", "Projects and fields")), h("thead", {}, head), h("tbody", {}, ...body)));
    $("#t-count").textContent = rows.length ? t(`${kept.length} 个项目 · ${labels.length} 个字段，点任一格看原文`, `${kept.length} projects · ${labels.length} fields; a cell opens its clause`) : t("已载入的指南没有可列成表的字段", "No guide here has labelled fields");
    $("#t-sort").value = String(sheet.sort);
    $("#table-pane .sheet").hidden = !kept.length;
    $("#table-empty").hidden = kept.length > 0 || !rows.length;
  }
  const sync = () => drawTable();

  // ---------- start ----------
  async function loadPage() {
    page = await api("page?lang=" + (zh ? "zh" : "en"));
    guides.clear();
    document.body.classList.toggle("no-log", !page.log);
    const notice = page.log ? t(`问题会记录 ${page.retention} 天，用于改进服务；电话、证件号、银行卡号和邮箱先遮盖再记录。`, `Questions are kept for ${page.retention} days to improve the service; phone, identity and card numbers and e-mail addresses are masked first.`) : t("问题不作记录。", "Questions are not recorded.");
    $("#foot").textContent = t("回答摘自指南，以原文为准。", "Answers are taken from the guide; the original prevails. ") + notice;
    fillFilters();
  }
  async function start() {
    buildShell();
    document.body.append(preview);
    new MutationObserver(() => { if (!start.due) { start.due = true; requestAnimationFrame(() => { start.due = false; dress(); }); } })
      .observe($("gradio-app"), { childList: true, subtree: true });
    try { await loadPage(); } catch (error) { toast(error.message); }
    show(true);
    dress();
  }
  start();
})();
