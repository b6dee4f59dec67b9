"""Web pages: the main text without the page's furniture."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

from bot.errors import SourceError
from bot.ingest.numbering import written
from bot.ingest.table import Cell, Table
from bot.ingest.text import RawLine, Reading, clean_line, decode, report_invisible

_DROPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "footer",
        "aside",
        "form",
        "button",
        "select",
        "option",
        "input",
        "textarea",
        "iframe",
        "object",
        "embed",
        "svg",
        "canvas",
        "audio",
        "video",
        "map",
        "head",
        "link",
        "meta",
        "base",
        "dialog",
        "menu",
        "applet",
        "frame",
        "frameset",
        "noframes",
        "rp",
        "rt",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
# Names that site builders give to what stands around a text.
_FURNITURE = re.compile(
    r"(?:^|[-_ ])(?:nav\w*|menu\w*|bread\w*|crumbs?|foot(?:er)?|side(?:bar)?|share\w*|social|print|copyright|related|recommend"
    r"|pag(?:er|ination|e-?nav)|toolbar|search\w*|login|banner|advert\w*|qr-?code|weizhi|position|location|friend-?links?"
    r"|comments?|cookie\w*|skip|back-?top)(?:$|[-_ ])",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$)", re.IGNORECASE
)
_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—"
_WRAP = re.compile(rf"(?<=[{_WIDE}])[ \t]*[\r\n]\s*(?=[{_WIDE}])")


def read_html(data: bytes, source: str) -> Reading:
    """A page's main text. Bytes are decoded here, since the parser trusts a charset that is often too narrow:
    what calls itself gb2312 or gbk is GB18030."""
    text, encoding = _decode(data, source)
    reading = Reading(format="html", encoding=encoding)
    body, title = _parse(text, source)
    _Page(reading).read(_main(body), title)
    report_invisible(text, reading)
    return reading


def _decode(data: bytes, source: str) -> tuple[str, str]:
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    named = _CHARSET.search(data[:4096])
    if named and not marked:
        name = named[1].decode("ascii").lower()
        codec = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "utf8": "utf-8"}.get(name, name)
        if codec in ("utf-8", "gb18030"):
            try:
                return data.decode(codec), codec
            except UnicodeDecodeError:
                pass  # the page is wrong about itself
    return decode(data, source)


def _parse(text: str, source: str) -> tuple[Any, RawLine]:
    from lxml import etree, html

    if re.search(r"<!ENTITY", text[:20_000], re.IGNORECASE):
        raise SourceError(source, "含实体声明（可能是外部实体攻击），未读取 / entity declarations inside: refused")
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff"))  # lxml refuses a str that declares an encoding
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(text, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise SourceError(
            source, "不是有效的网页或没有内容，请重新另存 / not a readable page: save it again"
        ) from error
    if "Excessive depth" in str(parser.error_log) or "depth" in str(parser.error_log).lower():
        raise SourceError(source, "结构嵌套过深，像是恶意文件 / nested too deeply")
    body = root.find("body")
    shown = next((clean_line(h.text_content()) for h in root.iter("h1") if clean_line(h.text_content())), "")
    title = RawLine(shown, "heading", 1)
    if not shown:
        found = root.find(".//title")
        text = clean_line((found.text or "") if found is not None else "")
        # The site's name follows the page's.
        title = RawLine(re.split(r"\s*[-_|–—]{1,2}\s*(?=[^-_|–—]*$)", text)[0] if len(text) > 12 else text, "title")
    return (body if body is not None else root), title


def _main(body: Any) -> Any:
    """The element that holds the text: furniture removed, then down while one child holds nearly all of it."""
    whole = _weight(body)[body]
    for element in list(body.iter()):
        if not isinstance(element.tag, str) or element is body or element.getparent() is None:
            continue
        if element.tag in _DROPPED or _hides(element):
            _drop(element)
    weights = _weight(body)
    whole = weights[body] or whole or 1
    names = ("class", "id", "role")
    for element in list(body.iter("div", "ul", "section", "header", "p", "span", "table", "td", "dl")):
        named = " ".join(element.get(n, "") for n in names)
        if _FURNITURE.search(named) and weights.get(element, 0) < 0.3 * whole:
            _drop(element)
    weights = _weight(body)
    here = body
    while True:
        best = max((c for c in here if isinstance(c.tag, str)), key=lambda c: weights.get(c, 0), default=None)
        if best is None or best.tag not in (
            "div",
            "article",
            "main",
            "section",
            "center",
            "td",
            "tr",
            "tbody",
            "table",
        ):
            return here
        if weights[best] < 0.8 * (weights[here] or 1) or (best.tag == "table" and _is_data(best)):
            return here
        here = best


def _hides(element: Any) -> bool:
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(element.get("style", "")))
    )


def _drop(element: Any) -> None:
    """Take an element out and leave the text that follows it."""
    parent = element.getparent()
    if parent is None:
        return
    tail = element.tail or ""
    previous = element.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    element.tail = None
    parent.remove(element)


def _weight(body: Any) -> dict[Any, int]:
    """For each element its characters of text outside of links and of what is dropped anyway."""
    out: dict[Any, int] = {}
    for element in reversed(list(body.iter())):  # children before their parents
        if not isinstance(element.tag, str) or element.tag in _DROPPED or element.tag == "a":
            out[element] = 0
            continue
        own = len(clean_line(element.text or ""))
        for child in element:
            own += out.get(child, 0) + len(clean_line(child.tail or ""))
        out[element] = own
    return out


def _is_data(table: Any) -> bool:
    """A table of values, not one that lays a page out: several rows of several short cells, none inside another."""
    if next(table.iterdescendants("table"), None) is not None:
        return False
    rows = [[c for c in row if c.tag in ("td", "th")] for row in table.iter("tr")]
    rows = [r for r in rows if r]
    if len(rows) < 2 or max(len(r) for r in rows) < 2:
        return False
    cells = [c for r in rows for c in r]
    long = sum(len(clean_line(c.text_content())) > 600 for c in cells)
    return long <= len(cells) / 4


class _Page:
    """Collects lines: inline text until a block begins or ends."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.parts: list[str] = []
        self.level: int | None = None
        self.item = False
        self.bold: list[bool] = []
        self.centered = False
        self.tables = 0
        self.counts: dict[Any, int] = {}  # of each ordered list, its last number

    def read(self, main: Any, title: RawLine) -> None:
        self._walk(main)
        self._end()
        lines = self.reading.lines
        body = "".join(re.sub(r"\s", "", line.text) for line in lines[:12])
        if title.text and re.sub(r"\s", "", title.text) not in body and len(title.text) <= 120:
            lines.insert(0, title)

    def _walk(self, top: Any) -> None:
        """Depth first without recursion: a page may be nested deeper than Python's stack."""
        stack: list[tuple[str, Any]] = [("open", top)]
        while stack:
            what, element = stack.pop()
            if what == "tail":
                self._text(element.tail)
            elif what == "close":
                self._close(element)
            elif isinstance(element.tag, str) and element.tag not in _DROPPED:
                if element.tag == "table" and _is_data(element):
                    self._end()
                    self._table(element)
                    continue
                self._open(element)
                stack.append(("close", element))
                for child in reversed(element):
                    stack.append(("tail", child))
                    stack.append(("open", child))

    def _open(self, element: Any) -> None:
        tag = element.tag
        if tag == "br":
            self._end()
        if tag in _BLOCKS:
            self._end()
            self.centered = _centered(element)
        if tag in _HEADINGS:
            self.level = _HEADINGS[tag]
        if tag == "li":
            self.item = True
            self.parts.append(self._marker(element))
        if tag == "sup" and re.fullmatch(r"\[?\d{1,3}\]?", (element.text or "").strip()) and len(element):
            return
        self._text(element.text, _bold(element), element.tag == "pre")

    def _close(self, element: Any) -> None:
        if element.tag in _BLOCKS:
            self._end()
        if element.tag in _HEADINGS:
            self.level = None
        if element.tag == "li":
            self.item = False

    def _text(self, text: str | None, bold: bool = False, pre: bool = False) -> None:
        if not text:
            return
        if pre:
            lines = text.split("\n")
            for line in lines[:-1]:
                self.parts.append(line)
                self._end()
            text = lines[-1]
        self.parts.append(text)
        if text.strip():
            self.bold.append(bold)

    def _end(self) -> None:
        text = re.sub(r"\s+", " ", _WRAP.sub("", "".join(self.parts)))
        bold = bool(self.bold) and all(self.bold)
        self.parts, self.bold = [], []
        if not text.strip():
            return
        kind = "heading" if self.level else "list" if self.item else "text"
        line = RawLine(text, bold=bold, centered=self.centered, level=self.level)
        line.kind = "heading" if kind == "heading" else "list" if kind == "list" else "text"
        self.reading.lines.append(line)

    def _marker(self, item: Any) -> str:
        """The number that a browser shows before an item of an ordered list; bullets are left to the page's style."""
        parent = item.getparent()
        if parent is None or parent.tag != "ol" or "list-style" in parent.get("style", ""):
            return ""
        start = _integer(parent.get("start", "1"), 1)
        number = self.counts[parent] = _integer(item.get("value", ""), self.counts.get(parent, start - 1) + 1)
        formats = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
        return f"{written(number, formats.get(parent.get('type', ''), 'decimal'))}. "

    def _table(self, table: Any) -> None:
        cells: list[Cell] = []
        taken: set[tuple[int, int]] = set()
        for number, row in enumerate(table.iter("tr")):
            if number >= 20_000:
                break
            column = 0
            for cell in row:
                if cell.tag not in ("td", "th"):
                    continue
                while (number, column) in taken:
                    column += 1
                width, height = _size(cell, "colspan", 100), _size(cell, "rowspan", 500)
                taken |= {(number + r, column + c) for r in range(height) for c in range(width)}
                cells.append(Cell(_cell_text(cell), column, width, number, height, cell.tag == "th"))
                column += width
        rows = max((c.row for c in cells), default=0) + 1
        for c in cells:
            c.height = min(c.height, rows - c.row)
        self.reading.lines += Table(cells, self.tables).lines()
        self.tables += 1


def _cell_text(cell: Any) -> str:
    inner = _Page(Reading())
    for child in [cell]:
        inner._walk(child)
    inner._end()
    return " ".join(clean_line(line.text) for line in inner.reading.lines)


def _size(cell: Any, name: str, most: int) -> int:
    value = cell.get(name, "1").strip()
    return max(1, min(int(value), most)) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _integer(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,6}", text.strip(), re.ASCII) else default


def _bold(element: Any) -> bool:
    for here in _upwards(element):
        if here.tag in ("b", "strong"):
            return True
        if match := re.search(r"font-weight\s*:\s*(\w+)", here.get("style", "")):
            return match[1] in ("bold", "bolder", "600", "700", "800", "900")
        if here.tag in _BLOCKS:
            return False
    return False


def _centered(element: Any) -> bool:
    return any(
        here.tag == "center"
        or here.get("align", "").lower() == "center"
        or bool(re.search(r"text-align\s*:\s*center", here.get("style", "")))
        for here in list(_upwards(element))[:3]
    )


def _upwards(element: Any) -> Iterator[Any]:
    while element is not None:
        yield element
        element = element.getparent()
