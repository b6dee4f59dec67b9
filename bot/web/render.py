"""An `Answer` as safe HTML for the chat, and answers and clauses as text and Markdown to copy.

Every character that comes from a guide or from a person passes `escape`; the only markup is written here, and the
only links are the official page of a guide, URLs that stand in it (http and https), and our own clause links.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from urllib.parse import quote, urlsplit

from bot import lexicon
from bot.types import Answer, Citation, Clause, Guide, Segment, Table

ORIGINAL_PREVAILS = "以原文为准"
_URL = re.compile(r"https?://[^\s\u0080-\uffff<>\"'`\\^{|}（）]+[^\s\u0080-\uffff<>\"'`\\^{|}（）.,;:!?)\]]", re.ASCII)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&=:/@])")
_HIDDEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def visible(text: str) -> str:
    """`text` without characters that hide or turn other characters (zero width, bidi, tags)."""
    return _HIDDEN.sub("", text)


def escape(text: str) -> str:
    """Text as HTML text on one line: nothing of it is markup, line ends are <br>."""
    return html.escape(visible(text), quote=True).replace("\r", "").replace("\n", "<br>")


def safe_url(url: str) -> str:
    """The URL if it is plain http(s) with an ASCII host and no user part, else ""."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        return ""
    host = parts.hostname or ""
    plain = parts.scheme in ("http", "https") and not (parts.username or parts.password) and port_ok
    return url if plain and re.fullmatch(r"[a-z0-9.\-]+", host) and re.fullmatch(r"[!-~]+", url) else ""


def _link(url: str, text: str) -> str:
    return f'<a class="out" href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">{text}</a>'


def linked(text: str) -> str:
    """Escaped text in which http(s) URLs are links."""
    out: list[str] = []
    at = 0
    for m in _URL.finditer(text):
        if safe_url(m[0]) and not _HIDDEN.match(text, m.end()):
            out += [escape(text[at : m.start()]), _link(m[0], escape(m[0]))]
            at = m.end()
    return "".join([*out, escape(text[at:])])


def clause_href(clause_id: str, spans: Iterable[tuple[int, int]] = ()) -> str:
    """Our own link to a clause, relative to the page, with the words to mark in it."""
    at = ".".join(f"{s}-{e}" for s, e in spans)
    return "?clause=" + quote(clause_id, safe="") + (f"&amp;at={at}" if at else "")


def reference(citation: Citation) -> str:
    """Where a clause stands in the guide's words: guide, edition, path, label."""
    title = f"《{citation.title}》" if citation.title else citation.source
    edition = f"（{citation.edition}）" if citation.edition and citation.edition not in citation.title else ""
    page = f"第{citation.page}页" if citation.page else ""
    return _joined(citation.title, [title + edition, *citation.path, citation.label, page])


def _joined(title: str, parts: Sequence[str]) -> str:
    """Parts of a reference without repetitions; a first heading that is the guide's own title is one."""
    kept = [p for i, p in enumerate(parts) if p and p not in parts[:i] and p != title]
    return " › ".join(visible(p) for p in kept)


# an answer as HTML


class _Page:
    """One answer being rendered. `key` names it on the page."""

    def __init__(self, answer: Answer, key: str) -> None:
        self.answer = answer
        self.key = key
        self.chinese = answer.query is None or answer.query.language.startswith("zh")
        self.also = {lexicon.message("also", "zh"), lexicon.message("also", "en")}

    def say(self, chinese: str, english: str) -> str:
        return chinese if self.chinese else english

    def segments(self, segments: Iterable[Segment]) -> str:
        """What stands beside the answer ("另见：…") is set back, so that the answer itself is seen first."""
        out, aside = [], False
        for s in segments:
            ends, begins = s.kind == "template" and s.text == "\n", s.kind == "template" and s.text in self.also
            out.append("</span>" * (aside and ends) + '<span class="also">' * begins + self.segment(s))
            aside = begins or (aside and not ends)
        return "".join(out) + "</span>" * aside

    def segment(self, s: Segment) -> str:
        if s.kind == "verbatim":
            return f'<span class="said">{linked(s.text)}</span>'
        if s.kind == "mark" and s.citation is not None and s.citation < len(self.answer.citations):
            cited = self.answer.citations[s.citation]
            return (
                f'<a class="cite" id="m-{self.key}-{s.citation}" href="{clause_href(cited.clause_id, cited.spans)}"'
                f' title="{escape(reference(cited)).replace("<br>", " ")}">{escape(s.text)}</a>'
            )
        return escape(s.text)

    def table(self, table: Table) -> str:
        head = "".join(f'<th scope="col">{escape(h)}</th>' for h in table.header)
        rows = []
        named = len(table.header) > 2  # on a phone each value stands under its heading; one value needs none
        labels = [f' data-label="{escape(h)}"' if named else "" for h in table.header[1:]]
        for row in table.rows:
            cells = [self.segments(cell) for cell in row]
            first = f'<th scope="row">{cells[0]}</th>' if cells else ""
            rest = zip_longest(cells[1:], labels[: max(0, len(cells) - 1)], fillvalue="")
            rows.append(f"<tr>{first}{''.join(f'<td{label}>{c}</td>' for c, label in rest)}</tr>")
        return (
            f'<div class="wide" tabindex="0" role="region"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )

    def references(self) -> str:
        items = []
        for n, c in enumerate(self.answer.citations):
            items.append(
                f'<li id="r-{self.key}-{n}" class="ref"><a class="open" href="{clause_href(c.clause_id, c.spans)}">'
                f'<span class="n">[{n + 1}]</span> {escape(reference(c))}</a>'
                f"<blockquote>{marked(c.text, c.spans)}</blockquote></li>"
            )
        if not items:
            return ""
        title = self.say("依据", "Sources")
        return f'<details class="refs"><summary>{title}（{len(items)}）</summary><ol>{"".join(items)}</ol></details>'

    def nearest(self) -> str:
        """Under a refusal: the clauses that come closest."""
        cited = {c.clause_id for c in self.answer.citations}
        items = [
            f'<li><a class="open" href="{clause_href(h.clause.clause_id)}">'
            f"{escape(' › '.join([*h.clause.path[-2:], h.clause.label]))}</a>"
            f'<span class="peek">{escape(_short(h.clause.text[h.clause.body_offset :], 70))}</span></li>'
            for h in self.answer.hits[:5]
            if h.clause.clause_id not in cited
        ][:3]
        title = self.say("最接近的条款", "Nearest clauses")
        return f'<div class="near"><p>{title}</p><ul>{"".join(items)}</ul></div>' if items else ""

    def official(self) -> str:
        """The line that the original prevails, with the official page of each cited guide."""
        links: dict[str, str] = {}
        for c in self.answer.citations:
            if safe_url(c.url):
                links.setdefault(c.url, c.title)
        text = self.say(ORIGINAL_PREVAILS, f"{ORIGINAL_PREVAILS} · The Chinese original prevails")
        label = self.say("官方原文", "Official source")
        several = len(links) > 1
        shown = [_link(u, label + (f"：{escape(_short(t, 24))}" if several else "")) for u, t in links.items()]
        return f'<p class="official">{" · ".join([text, *shown])}</p>'


def marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Escaped text with the spans in <mark>; spans that lie outside or overlap are cut to what is left."""
    out: list[str] = []
    at = 0
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, len(text))
        if start < end:
            out += [linked(text[at:start]), f"<mark>{linked(text[start:end])}</mark>"]
            at = end
    return "".join([*out, linked(text[at:])])


def _short(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def question_html(question: str, note: str = "") -> str:
    """What the person typed, as text."""
    shown = f'<span class="asked">{escape(question)}</span>'
    return shown + (f'<span class="note">{escape(note)}</span>' if note else "")


def notice_html(chinese: str, english: str = "") -> str:
    """A message of our own where an answer would stand (too long, not ready)."""
    both = escape(chinese) + (f'<br><span lang="en">{escape(english)}</span>' if english else "")
    return f'<div class="answer problem"><p class="lead">{both}</p></div>'


def answer_html(
    answer: Answer, key: str, *, question: str, contact: str = "", section: str = "", field: str = ""
) -> str:
    """One answer for the chat. `key` is its id (letters and digits); `section` and `field` are the chip's values.

    The script of the page finds everything by class and id; without it the links still work.
    """
    page = _Page(answer, key)
    out = [f'<div class="answer {answer.status}" id="a-{key}">']
    if answer.status == "refused":
        out.append(f'<p class="flag">{page.say("指南中没有找到答案", "Not found in the guide")}</p>')
    elif answer.status == "clarify":
        out.append(f'<p class="flag">{page.say("需要您再说明一下", "Please say which one")}</p>')
    out += [f'<p class="notice">{escape(n)}</p>' for n in answer.notices]
    table = answer.table
    if table is not None and _table_repeats(answer, table):
        out.append(page.table(table))
    else:
        out.append(f'<p class="lead">{page.segments(answer.segments) or escape(answer.text)}</p>')
        if table is not None:
            out.append(page.table(table))
    if answer.missing and answer.missing not in answer.text:
        out.append(f'<p class="missing">{page.say("缺少：", "Missing: ")}{escape(answer.missing)}</p>')
    out.append(page.references())
    if answer.status == "refused":
        out.append(page.nearest())
        if contact and contact not in answer.text:
            out.append(f'<p class="contact">{linked(contact)}</p>')
    out.append(page.official())
    if answer.understood:
        href = f"?q={quote(question, safe='')}&amp;section={quote(section, safe='')}&amp;field={quote(field, safe='')}"
        label = page.say("理解为：", "Understood as: ") if not answer.understood.startswith(("理解", "Underst")) else ""
        out.append(
            f'<p class="chipline"><a class="chip" role="button" href="{href}">{label}{escape(answer.understood)}'
            f'<span class="pen"></span></a></p>'
        )
    out.append(_bar(page))
    if answer.suggestions:
        title = page.say("您还可以问", "You may also ask")
        asks = "".join(
            f'<li><a class="ask" href="?q={quote(s, safe="")}">{escape(s)}</a></li>' for s in answer.suggestions
        )
        out.append(f'<div class="more"><p>{title}</p><ul>{asks}</ul></div>')
    out.append(f'<pre class="copy-text" hidden>{html.escape(answer_text(answer))}</pre>'.replace("\n", "&#10;"))
    out.append(f'<pre class="copy-markdown" hidden>{html.escape(answer_markdown(answer))}</pre>'.replace("\n", "&#10;"))
    out.append("</div>")
    return "".join(out)


def _table_repeats(answer: Answer, table: Table) -> bool:
    """Does the text say nothing that the table's cells do not? Then the table alone says it. What joins the cells'
    words to sentences does not count, a verdict or a sum does."""
    said = [*table.header, *(s.text for row in table.rows for cell in row for s in cell if s.kind != "mark")]
    cells = sorted({t.strip() for t in said if t.strip()}, key=len, reverse=True)
    left = "".join(s.text if s.kind != "mark" else " " for s in answer.segments)
    for words in cells:
        left = left.replace(words, " ")
    return not re.sub(r"的|为|\W", "", left)


def _bar(page: _Page) -> str:
    buttons = (
        ("copy", page.say("复制", "Copy")),
        ("copy-md", f'<span class="more-words">{page.say("复制 ", "Copy ")}</span>Markdown'),
        ("up", page.say("有用", "Helpful")),
        ("down", page.say("有问题", "Not right")),
    )
    return (
        '<div class="bar">'
        + "".join(f'<button type="button" class="act {name}">{text}</button>' for name, text in buttons)
        + "</div>"
    )


# to copy


def answer_text(answer: Answer) -> str:
    """The answer and its references as plain text."""
    lines = [visible(answer.text)]
    for n, c in enumerate(answer.citations, 1):
        lines += ["", f"[{n}] {reference(c)}", visible(c.text)]
    urls = dict.fromkeys(u for c in answer.citations if (u := safe_url(c.url)))
    return "\n".join([*lines, "", *(f"官方原文：{u}" for u in urls), ORIGINAL_PREVAILS])


def markdown(text: str) -> str:
    """Text that a Markdown reader shows as it is."""
    return _MARKDOWN.sub(r"\\\1", visible(text)).replace("\n", "  \n")


def answer_markdown(answer: Answer) -> str:
    """The answer and its references as Markdown; nothing of the guide's text acts as markup."""
    lines = [markdown(answer.text)]
    for n, c in enumerate(answer.citations, 1):
        quote_lines = "\n".join(f"> {markdown(line)}" for line in c.text.split("\n"))
        lines += ["", f"**\\[{n}\\]** {markdown(reference(c))}", "", quote_lines]
    urls = dict.fromkeys(u for c in answer.citations if (u := safe_url(c.url)))
    return "\n".join([*lines, "", *(f"官方原文：<{u}>" for u in urls), "", f"*{ORIGINAL_PREVAILS}*"])


def clause_reference(clause: Clause, guide: Guide | None) -> str:
    """Guide, edition, 项目 and 字段 of a clause, in the guide's words."""
    title = f"《{guide.title}》" if guide else clause.source
    edition = f"（{guide.edition}）" if guide and guide.edition and guide.edition not in guide.title else ""
    page = f"第{clause.page}页" if clause.page else ""
    return _joined(guide.title if guide else "", [title + edition, *clause.path, clause.label, page])


def clause_text(clause: Clause, guide: Guide | None) -> str:
    """A clause to copy: its words, where they stand, the official page. The script adds the link to the clause."""
    url = safe_url(guide.url) if guide else ""
    lines = [visible(clause.text), f"—— {clause_reference(clause, guide)}"]
    return "\n".join([*lines, *([f"官方原文：{url}"] if url else []), ORIGINAL_PREVAILS])
