"""Word documents, as Word shows them: automatic numbers, tables, text boxes, footnotes; changes accepted."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.errors import SourceError
from bot.ingest.numbering import BULLET, Numbering, Style, W, integer, joint, on, styles
from bot.ingest.table import Cell, Table
from bot.ingest.text import RawLine, Reading, clean_line

_STRICT = b"http://purl.oclc.org/ooxml/"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"

# Symbols that forms use, by the code that Wingdings, Wingdings 2 and Symbol give them.
_SYMBOLS = {
    0xA8: "□",
    0x6F: "□",
    0x71: "□",
    0xFE: "☑",
    0x52: "☑",
    0xFD: "☒",
    0x51: "☒",
    0xFC: "✓",
    0xFB: "✗",
    0x6C: "●",
}
_GONE = frozenset(
    W + t
    for t in ("del", "moveFrom", "instrText", "delText", "delInstrText", "commentRangeStart", "rPr", "pPr", "sdtPr")
)
_DEPTH = 200
_DOCTYPE = "含 DOCTYPE（可能是外部实体攻击），未读取 / a DOCTYPE inside: refused"


def read_docx(data: bytes, source: str) -> Reading:
    """The body of a docx in reading order. Raises SourceError for a damaged file."""
    return _Document(data, source).read()


@dataclass(slots=True)
class _Runs:
    """The text of a paragraph as it is collected."""

    text: list[str] = field(default_factory=list)
    bold: list[bool] = field(default_factory=list)  # for each run with visible text
    boxes: list[Any] = field(default_factory=list)  # contents of text boxes anchored here
    notes: list[tuple[str, str]] = field(default_factory=list)  # (kind, id) of footnotes


@dataclass(slots=True)
class _Field:
    """A field that has begun: until `separate` its instruction, then its result."""

    instruction: str = ""
    result: bool = False


class _Document:
    def __init__(self, data: bytes, source: str) -> None:
        self.source = source
        self.reading = Reading(format="docx")
        self._open(data)
        roots = self._roots
        self.styles, lists, self.default_style = styles(roots.get("styles"))
        self.numbering = Numbering(roots.get("numbering"), lists)
        self.notes = {kind: _notes(roots.get(f"{kind}s"), kind) for kind in ("footnote", "endnote")}
        self.fields: list[_Field] = []
        self.tables = 0
        self.hidden = 0
        self.contents = 0
        self.changes = 0
        self.carry: list[tuple[Any, _Runs]] = []  # a paragraph whose mark is deleted: the next one continues it

    def _open(self, data: bytes) -> None:
        damaged = "文件已损坏或被截断，请用 Word 打开另存后重试 / damaged or truncated: open and save it in Word"
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                package = _links(archive, "", self.source)
                main = package.get("officeDocument", "word/document.xml")
                root = parse_xml(archive.read(main), self.source)
                self._roots = {
                    kind: parse_xml(archive.read(target), self.source)
                    for kind, target in _links(archive, main, self.source).items()
                    if kind in ("styles", "numbering", "footnotes", "endnotes") and target in archive.namelist()
                }
        except (
            zipfile.BadZipFile,
            zlib.error,
            KeyError,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise SourceError(self.source, damaged) from error
        self.body = root.find(W + "body")
        if self.body is None:
            raise SourceError(self.source, damaged)

    # --- the walk ----------------------------------------------------------------------------------------------------

    def read(self) -> Reading:
        self._blocks(self.body, self.reading.lines, 0)
        self._flush(self.reading.lines)
        for count, words in (
            (self.changes, "修订已按“接受”处理，{} 处删除未计入 / tracked changes accepted, {} deletions left out"),
            (self.hidden, "隐藏文字 {} 处未计入 / {} runs of hidden text left out"),
            (self.contents, "目录 {} 行未计入 / {} lines of a table of contents left out"),
        ):
            if count:
                self.reading.notes.append(words.format(count, count))
        return self.reading

    def _blocks(self, parent: Any, out: list[RawLine], depth: int) -> None:
        """Lines of the block elements in `parent`."""
        if depth > _DEPTH:
            raise SourceError(self.source, f"结构嵌套超过 {_DEPTH} 层，像是恶意文件 / nested too deeply")
        for element in parent:
            tag = element.tag
            if not isinstance(tag, str) or tag in _GONE:
                continue
            if tag == W + "p":
                self._paragraph(element, out, depth)
            elif tag == W + "tbl":
                self._flush(out)
                self._table(element, out, depth)
            elif tag == W + "altChunk":
                self.reading.notes.append("嵌入的外部文档未读 / an embedded document was not read")
            elif tag == _MC + "AlternateContent":
                chosen = _chosen(element)
                if chosen is not None:
                    self._blocks(chosen, out, depth + 1)
            elif tag == W + "sdt" and _is_contents(element):
                self.contents += len(element.findall(f".//{W}p"))
            else:  # sdt, sdtContent, ins, moveTo, customXml, smartTag …
                self._blocks(element, out, depth + 1)

    def _paragraph(self, element: Any, out: list[RawLine], depth: int) -> None:
        runs = _Runs()
        began_in_contents = self._in_contents()
        self._inline(element, runs, self._style_of(element), depth)
        properties = element.find(W + "pPr")
        mark = properties.find(W + "rPr") if properties is not None else None
        if began_in_contents or self._toc_style(element):
            if clean_line("".join(runs.text)):
                self.contents += 1
            return
        if mark is not None and mark.find(W + "del") is not None:
            self.carry.append((element, runs))
            return
        self.carry.append((element, runs))
        self._flush(out, depth)

    def _flush(self, out: list[RawLine], depth: int = 0) -> None:
        """Write the paragraph that is complete now: the parts before it whose marks are deleted, and the last."""
        if not self.carry:
            return
        parts, self.carry = self.carry, []
        text = "".join("".join(runs.text) for _, runs in parts)
        # Word gives a joined paragraph the properties of the last.
        element = parts[-1][0]
        bold = [b for _, runs in parts for b in runs.bold]
        line = self._line(element, text, bool(bold) and all(bold))
        if line is not None:
            out.append(line)
        for _, runs in parts:
            for kind, key in runs.notes:
                note: list[RawLine] = []
                for block in self.notes[kind].pop(key, []):
                    self._blocks([block], note, depth + 1)
                out += [RawLine(n.text, "note") for n in note if clean_line(n.text)]
            for box in runs.boxes:
                self._blocks(box, out, depth + 1)

    def _style_of(self, element: Any) -> Style:
        properties = element.find(W + "pPr")
        found = properties.find(W + "pStyle") if properties is not None else None
        key = found.get(W + "val", "") if found is not None else self.default_style
        return self.styles.get(key, Style())

    def _toc_style(self, element: Any) -> bool:
        return bool(re.fullmatch(r"(?:toc|目录) ?\d", self._style_of(element).name))

    def _line(self, element: Any, text: str, bold: bool) -> RawLine | None:
        style = self._style_of(element)
        properties = element.find(W + "pPr")
        if not clean_line(text):
            return None  # Word numbers an empty paragraph too, and shows it; a guide's text has none
        number, item = self._number(properties, style)
        outline = style.outline
        centered = style.centered
        if properties is not None:
            direct = properties.find(W + "outlineLvl")
            outline = integer(direct.get(W + "val", "9"), 9) if direct is not None else outline
            align = properties.find(W + "jc")
            centered = align.get(W + "val") == "center" if align is not None else centered
        line = RawLine(number + text.lstrip(" \t\u3000\xa0") if number else text, bold=bold, centered=centered)
        if outline is not None and 0 <= outline <= 8:
            line.kind, line.level = "heading", outline + 1
        elif style.name in ("title", "标题", "subtitle", "副标题"):
            line.kind = "title"
        elif item:
            line.kind = "list"
        return line

    def _number(self, properties: Any, style: Style) -> tuple[str, bool]:
        """(the automatic number with what parts it from the text, whether there is a list)."""
        listed = properties.find(W + "numPr") if properties is not None else None
        number, level = style.number, style.level
        if listed is not None:
            own, at = listed.find(W + "numId"), listed.find(W + "ilvl")
            if own is not None:
                number, level = own.get(W + "val", ""), 0
            if at is not None:
                level = integer(at.get(W + "val", "0"))
        elif number:
            key = properties.find(W + "pStyle") if properties is not None else None
            tied = self.numbering.level_of_style(number, key.get(W + "val", "") if key is not None else "")
            level = tied if tied is not None else level
        if not number or number == "0":
            return "", False
        shown = self.numbering.next(number, level or 0)
        if shown is None:
            return "", False
        text, found = shown
        return text + (" " if text == BULLET else joint(text, found)), True

    # --- inside a paragraph ------------------------------------------------------------------------------------------

    def _inline(self, parent: Any, runs: _Runs, style: Style, depth: int) -> None:
        if depth > _DEPTH:
            raise SourceError(self.source, f"结构嵌套超过 {_DEPTH} 层，像是恶意文件 / nested too deeply")
        for element in parent:
            tag = element.tag
            if not isinstance(tag, str):
                continue
            if tag in (W + "del", W + "moveFrom"):
                self.changes += 1
            elif tag == W + "r":
                self._run(element, runs, style, depth)
            elif tag == _MC + "AlternateContent":
                chosen = _chosen(element)
                if chosen is not None:
                    self._inline(chosen, runs, style, depth + 1)
            elif tag in (_M + "t",):
                self._add(runs, element.text or "", False)
            elif tag == W + "ruby":
                self._inline(element.findall(W + "rubyBase"), runs, style, depth + 1)
            elif tag not in _GONE:
                self._inline(element, runs, style, depth + 1)

    def _run(self, run: Any, runs: _Runs, style: Style, depth: int) -> None:
        properties = run.find(W + "rPr")
        hidden = bool(on(properties, "vanish"))
        bold = on(properties, "b")
        if bold is None:
            named = properties.find(W + "rStyle") if properties is not None else None
            inherited = self.styles.get(named.get(W + "val", "")) if named is not None else None
            bold = style.bold or bool(inherited and inherited.bold)
        before = len(runs.text)
        for element in run:
            self._piece(element, runs, style, bold, depth)
        if hidden and len(runs.text) > before:
            self.hidden += bool(clean_line("".join(runs.text[before:])))
            del runs.text[before:]

    def _piece(self, element: Any, runs: _Runs, style: Style, bold: bool, depth: int) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _GONE:
            if tag == W + "instrText" and self.fields and not self.fields[-1].result:
                self.fields[-1].instruction += element.text or ""
            return
        name = tag[len(W) :] if tag.startswith(W) else tag
        match name:
            case "t":
                self._add(runs, element.text or "", bold)
            case "tab" | "ptab":
                self._add(runs, "\t", bold)
            case "br" | "cr":
                self._add(runs, "\n", bold)
            case "noBreakHyphen":
                self._add(runs, "-", bold)
            case "sym":
                code = int(element.get(W + "char", "0") or "0", 16) & 0xFF if _hex(element) else 0
                self._add(runs, _SYMBOLS.get(code, ""), bold)
            case "fldChar":
                self._field(element.get(W + "fldCharType", ""))
            case "footnoteReference" | "endnoteReference":
                runs.notes.append((name.removesuffix("Reference"), element.get(W + "id", "")))
            case "drawing" | "pict" | "object":
                runs.boxes += _boxes(element)
            case "ruby":
                self._inline(element.findall(W + "rubyBase"), runs, style, depth + 1)
            case _ if tag == _MC + "AlternateContent":
                chosen = _chosen(element)
                for child in chosen if chosen is not None else ():
                    self._piece(child, runs, style, bold, depth + 1)

    def _add(self, runs: _Runs, text: str, bold: bool) -> None:
        if any(not f.result for f in self.fields):
            return  # inside an instruction
        runs.text.append(text)
        if text.strip():
            runs.bold.append(bold)

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self.fields.append(_Field())
        elif kind == "separate" and self.fields:
            self.fields[-1].result = True
        elif kind == "end" and self.fields:
            self.fields.pop()

    def _in_contents(self) -> bool:
        return any(f.result and f.instruction.strip().upper().startswith("TOC") for f in self.fields)

    # --- tables ------------------------------------------------------------------------------------------------------

    def _table(self, element: Any, out: list[RawLine], depth: int) -> None:
        cells: list[Cell] = []
        open_cells: dict[int, Cell] = {}  # by column, what a vertical merge continues
        lines_of: list[list[RawLine]] = []
        row_number = 0
        for row in _rows(element):
            properties = row.find(W + "trPr")
            if properties is not None and properties.find(W + "del") is not None:
                self.changes += 1
                continue
            heading = bool(on(properties, "tblHeader"))
            before = properties.find(W + "gridBefore") if properties is not None else None
            column = integer(before.get(W + "val", "0")) if before is not None else 0
            for found in _cells(row):
                width, merge = _span(found)
                inner: list[RawLine] = []
                self._blocks(found, inner, depth + 1)
                self._flush(inner, depth)
                above = open_cells.get(column)
                if merge == "continue" and above is not None and above.width == width:
                    above.height = row_number - above.row + 1
                    above.text = "\n".join(t for t in (above.text, _flat(inner)) if t)
                else:
                    cell = Cell(_flat(inner), column, width, row_number, 1, heading)
                    cells.append(cell)
                    lines_of.append(inner)
                    open_cells[column] = cell
                column += width
            row_number += 1
        columns = max((c.column + c.width for c in cells), default=0)
        if columns < 2 or len(cells) < 2:
            for inner in lines_of:  # a frame around text
                out += inner
            return
        out += Table(cells, self.tables).lines()
        self.tables += 1


def _flat(lines: list[RawLine]) -> str:
    return "\n".join(" ".join(clean_line(c) for c in line.cells) if line.cells else line.text for line in lines)


def _hex(element: Any) -> bool:
    return bool(re.fullmatch(r"[0-9A-Fa-f]{1,6}", element.get(W + "char", "")))


def _rows(table: Any) -> Iterator[Any]:
    yield from _inside(table, W + "tr", (W + "tbl", W + "p"))


def _cells(row: Any) -> Iterator[Any]:
    yield from _inside(row, W + "tc", (W + "tbl", W + "p"))


def _inside(parent: Any, wanted: str, stop: tuple[str, ...]) -> Iterator[Any]:
    """Elements `wanted` below `parent`, through wrappers (sdt, ins), not inside `stop` or one another."""
    stack = list(reversed(parent))
    while stack:
        element = stack.pop()
        if element.tag == wanted:
            yield element
        elif element.tag not in stop and element.tag not in _GONE:
            stack.extend(reversed(element))


def _span(cell: Any) -> tuple[int, str]:
    """(columns, "", "restart" or "continue" of a vertical merge)."""
    properties = cell.find(W + "tcPr")
    if properties is None:
        return 1, ""
    span = properties.find(W + "gridSpan")
    merge = properties.find(W + "vMerge")
    width = max(1, min(integer(span.get(W + "val", "1"), 1), 200)) if span is not None else 1
    return width, merge.get(W + "val", "continue") if merge is not None else ""


def _chosen(alternate: Any) -> Any | None:
    """Of the alternatives of one content the first with something in it, so that nothing is read twice."""
    for element in alternate:
        if element.tag in (_MC + "Choice", _MC + "Fallback") and len(element):
            return element
    return None


def _boxes(element: Any) -> list[Any]:
    """The contents of text boxes below `element`, each once."""
    found: list[Any] = []
    stack = [element]
    while stack:
        here = stack.pop()
        if here.tag == W + "txbxContent":
            found.append(here)
        elif here.tag == _MC + "AlternateContent":
            chosen = _chosen(here)
            stack += [chosen] if chosen is not None else []
        else:
            stack.extend(reversed(here))
    return found


def _is_contents(element: Any) -> bool:
    gallery = element.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return gallery is not None and gallery.get(W + "val", "") == "Table of Contents"


def _notes(root: Any | None, kind: str) -> dict[str, list[Any]]:
    """Blocks of the notes by id; the separators that Word keeps with them are left out."""
    if root is None:
        return {}
    return {e.get(W + "id", ""): list(e) for e in root.findall(W + kind) if e.get(W + "type", "normal") == "normal"}


def parse_xml(blob: bytes, source: str) -> Any:
    """An XML part's root. No entities, no network, no document type. Raises SourceError."""
    from lxml import etree

    if b"<!DOCTYPE" in blob or "<!DOCTYPE".encode("utf-16-le") in blob or "<!DOCTYPE".encode("utf-16-be") in blob:
        raise SourceError(source, _DOCTYPE)
    if _STRICT in blob[:4096]:  # the strict variant of the format: the same words in other namespaces
        blob = blob.replace(
            _STRICT + b"wordprocessingml/main", b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        )
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(blob, parser)
    except etree.XMLSyntaxError as error:
        what = "结构嵌套过深" if "depth" in str(error).lower() else "文件已损坏"
        said = " ".join(str(error.msg).split())[:120]
        raise SourceError(source, f"{what}，请用 Word 打开另存后重试 / damaged or nested too deeply: {said}") from None
    if root is None:
        raise SourceError(source, "文件已损坏，请用 Word 打开另存后重试 / damaged: open and save it in Word")
    if root.getroottree().docinfo.doctype:
        raise SourceError(source, _DOCTYPE)
    return root


_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def _links(archive: zipfile.ZipFile, part: str, source: str) -> dict[str, str]:
    """Parts that `part` ("" is the package) relates to inside the file, by the last word of the relation's type."""
    folder, name = posixpath.split(part)
    try:
        blob = archive.read(posixpath.join(folder, "_rels", f"{name}.rels"))
    except KeyError:
        return {}
    return {
        r.get("Type", "").rsplit("/", 1)[-1]: posixpath.normpath(
            posixpath.join("/", folder, r.get("Target", ""))
        ).lstrip("/")
        for r in parse_xml(blob, source).iter(_RELATION)
        if r.get("TargetMode") != "External"
    }
