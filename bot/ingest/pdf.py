"""PDF with a text layer: lines in reading order, without running heads and page numbers, joined to paragraphs.

Characters and their boxes come from pdfium; tables on pages with ruling lines from pdfplumber. All lengths are in
points, y upwards as in the file.
"""

from __future__ import annotations

import io
import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.errors import SourceError
from bot.ingest.drawn import with_tables
from bot.ingest.table import Cell, Table
from bot.ingest.text import Likeness, RawLine, Reading, clean_line

MAX_PAGES = 500
_SCANNED = (
    "没有文字层（疑似扫描件），请先做文字识别（OCR）或换用 docx、带文字的 pdf"
    " / scanned, no text: run OCR on it, or use a docx or a pdf with text"
)
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—\U00020000-\U0003ffff]")


@dataclass(slots=True)
class Char:
    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    blank: bool = False  # made up by the reader from a gap


@dataclass(slots=True)
class Line:
    """Characters of one line on one page, left to right."""

    chars: list[Char]
    page: int
    bold: bool = False
    column: int = 0  # of two on the page: 1 or 2; 0 for a line across it
    rows: list[RawLine] = field(default_factory=list)  # in place of a table

    @property
    def left(self) -> float:
        return self.chars[0].left

    @property
    def right(self) -> float:
        return max(c.right for c in self.chars)

    @property
    def top(self) -> float:
        return max(c.top for c in self.chars)

    @property
    def bottom(self) -> float:
        return min(c.bottom for c in self.chars)

    @property
    def size(self) -> float:
        return statistics.median(c.size for c in self.chars)

    @property
    def text(self) -> str:
        out: list[str] = []
        for i, char in enumerate(self.chars):
            if char.blank and 0 < i < len(self.chars) - 1 and _setters(self.chars[i - 1], self.chars[i + 1]):
                continue
            out.append(char.text)
        return "".join(out)


def _setters(before: Char, after: Char) -> bool:
    """Whether a gap is the setter's (a quarter blank between Han and digits, a stretched line), not a blank typed."""
    gap = after.left - before.right
    wide = [bool(_WIDE.match(c.text)) for c in (before, after)]
    if all(wide):
        return gap < 0.6 * before.size
    narrow = after if wide[0] else before
    return any(wide) and gap < before.size and (narrow.text.isalnum() or narrow.text in "%‰+-")


@dataclass(slots=True)
class Page:
    number: int  # from 1
    width: float
    height: float
    lines: list[Line]
    images: bool
    ruled: bool
    plain: bool  # not turned, its box at the origin: pdfplumber's places are ours


def read_pdf(data: bytes, source: str) -> Reading:
    """A PDF's text with the page of every line. Raises SourceError for an encrypted, damaged or scanned one."""
    reading = Reading(format="pdf")
    pages = _pages(data, source)
    _refuse_scans(pages, source, reading)
    furniture = _furniture(pages)
    for page in pages:
        page.lines = [line for line in page.lines if id(line) not in furniture]
    if furniture:
        reading.notes.append(
            f"页眉、页脚和页码 {len(furniture)} 行未计入 / {len(furniture)} running heads and page numbers left out"
        )
    _tables(data, pages)
    lines = _paragraphs([line for page in pages for line in page.lines], max(p.width for p in pages))
    reading.lines = with_tables(lines)  # tables without rules: drawn with bars, or cells that stand under one another
    text = "\n".join(line.text for line in reading.lines)
    if Likeness.of(text).odd > 0.05:
        raise SourceError(source, "文字层是乱码（字体没有编码表），请换用 docx 或重新导出 / the text layer is garbled")
    return reading


# --- characters and lines --------------------------------------------------------------------------------------------


def _pages(data: bytes, source: str) -> list[Page]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise SourceError(source, "已加密，请先去掉打开密码再放入 / encrypted: remove its password first") from None
        raise SourceError(source, "文件已损坏或被截断，请重新取得 / damaged or truncated: get the file again") from None
    try:
        count = len(document)
        if count > MAX_PAGES:
            raise SourceError(source, f"超过 {MAX_PAGES} 页，请拆分后放入 / more than {MAX_PAGES} pages: split it")
        if not count:
            raise SourceError(source, "文件已损坏，一页也没有，请重新取得 / damaged: no pages")
        return [_page(document, number) for number in range(1, count + 1)]
    except pypdfium2.PdfiumError:
        raise SourceError(source, "文件已损坏，有的页打不开，请重新取得 / damaged: a page cannot be read") from None
    finally:
        document.close()


def _page(document: Any, number: int) -> Page:
    import pypdfium2.raw as raw

    page = document[number - 1]
    width, height = page.get_size()
    box = page.get_mediabox()
    images = ruled = 0
    for object_ in page.get_objects(max_depth=2):
        images += object_.type == raw.FPDF_PAGEOBJ_IMAGE
        ruled += object_.type == raw.FPDF_PAGEOBJ_PATH
    textpage = page.get_textpage()
    lines = _lines(textpage.raw, number)
    textpage.close()
    made = Page(
        number,
        width,
        height,
        _ordered(lines, width),
        images > 0,
        ruled >= 4,
        page.get_rotation() == 0 and abs(box[0]) < 1 and abs(box[1]) < 1,
    )
    page.close()
    return made


def _lines(textpage: Any, number: int) -> list[Line]:
    """Runs of characters on one base line, in the order of the file."""
    import pypdfium2.raw as raw

    lines: list[Line] = []
    current: list[Char] = []
    box = raw.FS_RECTF()
    high = 0
    for i in range(raw.FPDFText_CountChars(textpage)):
        code = raw.FPDFText_GetUnicode(textpage, i)
        if 0xD800 <= code < 0xDC00:  # the first half of a character beyond the first plane
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        text = chr(code) if 0 < code < 0x110000 else ""
        made_up = raw.FPDFText_IsGenerated(textpage, i) == 1
        if text in ("\r", "\n", "") or not raw.FPDFText_GetLooseCharBox(textpage, i, box):
            if text in ("\r", "\n") and current:
                lines.append(Line(current, number))
                current = []
            continue
        if code in (2, 0xFFFE):
            text = "-"  # pdfium's mark for a hyphen at a line's end
        # The loose box is as wide as the character's advance: an ink box would leave half a comma's place free.
        size = abs(raw.FPDFText_GetFontSize(textpage, i)) or (box.top - box.bottom) or 10.0
        char = Char(text, box.left, box.right, box.bottom, box.top, size, made_up and text.isspace())
        if char.blank and not current:
            continue
        if current and not char.blank and _leaves(current, char):
            lines.append(Line(current, number))
            current = []
        current.append(char)
    if current:
        lines.append(Line(current, number))
    for line in lines:
        while line.chars and line.chars[-1].text.isspace():
            line.chars.pop()
        while line.chars and line.chars[0].text.isspace():
            line.chars.pop(0)
    return [line for line in lines if line.chars]


def _leaves(line: Sequence[Char], after: Char) -> bool:
    """Whether `after` stands on another line than `line`, or so far from its end that it may be another column."""
    before = next((c for c in reversed(line) if not c.blank), line[-1])
    middle = (after.top + after.bottom) / 2
    level = before.bottom - 0.5 * before.size <= middle <= before.top + 0.5 * before.size
    return not level or not -2 * before.size < after.left - before.right < 2 * before.size


def _merged(lines: list[Line], reach: float) -> list[Line]:
    """Runs on one base line made one where at most `reach` times their size parts them, from the top down."""
    out: list[Line] = []
    for line in _by_level(lines):
        for before in reversed(out[-6:]):
            level = abs((before.top + before.bottom) - (line.top + line.bottom)) / 2 < 0.4 * max(before.size, line.size)
            gap = line.left - before.right
            if level and -0.5 * line.size < gap < reach * line.size:
                if gap > 0.3 * line.size:
                    last, blank = before.chars[-1], " " if gap < 1.5 * line.size else "\t"
                    before.chars.append(Char(blank, last.right, line.left, last.bottom, last.top, last.size, True))
                before.chars += line.chars
                break
        else:
            out.append(line)
    return out


def _by_level(lines: Sequence[Line]) -> list[Line]:
    """Runs from the top down, those on one base line from left to right also where their boxes differ a little."""
    out: list[Line] = []
    level = float("inf")
    for line in sorted(lines, key=lambda ln: -(ln.top + ln.bottom)):
        middle = (line.top + line.bottom) / 2
        at = len(out)
        if level - middle > 0.2 * line.size:
            level = middle
        else:
            while at and abs((out[at - 1].top + out[at - 1].bottom) / 2 - level) <= 0.2 * line.size and out[at - 1].left > line.left:
                at -= 1
        out.insert(at, line)
    return out


def _ordered(lines: list[Line], width: float) -> list[Line]:
    """Reading order: two columns one after the other where a gutter parts lines of text, else from the top down."""
    runs = _merged(lines, 1.5)
    gutter = _gutter(runs, width)
    if gutter is None:
        return _merged(runs, 1000)
    out: list[Line] = []
    for zone in _zones(runs, gutter):
        left, right = _sides(zone, gutter)
        if right and left and not _is_grid(left, right):
            out += [*_of_column(left, 1), *_of_column(right, 2)]
        else:
            out += _merged(zone, 1000)
    return out


def _zones(lines: Sequence[Line], gutter: float) -> Iterator[list[Line]]:
    """The lines from the top down, parted where one runs across the gutter: it ends what stands above it."""
    zone: list[Line] = []
    for line in lines:
        if line.left < gutter < line.right:
            yield from ([zone] if zone else [])
            yield [line]
            zone = []
        else:
            zone.append(line)
    yield from ([zone] if zone else [])


def _sides(lines: Sequence[Line], gutter: float) -> tuple[list[Line], list[Line]]:
    return [ln for ln in lines if ln.right <= gutter], [ln for ln in lines if ln.left >= gutter]


def _of_column(lines: list[Line], column: int) -> list[Line]:
    merged = _merged(lines, 1000)
    for line in merged:
        line.column = column
    return merged


def _gutter(lines: Sequence[Line], width: float) -> float | None:
    """Where two columns of text part, None for one column.

    The lines of a right column begin where others do, also where they are few. Text, and no table or form, are lines
    that have a number or the marks of a sentence or fill their column, on both sides.
    """
    begins = Counter(round(ln.left / 3) for ln in lines if 0.3 * width < ln.left < 0.75 * width)
    for place, count in begins.most_common(4):
        if count < 2:
            break
        near = min(ln.left for ln in lines if abs(ln.left - 3 * place) <= 3)
        gutter = near - 1
        zones = [_sides(zone, gutter) for zone in _zones(lines, gutter)]
        beside = [(a, b) for a, b in zones if a and b and not _is_grid(a, b)]
        left, right = ([ln for pair in beside for ln in pair[n]] for n in (0, 1))
        if min(len(left), len(right)) >= 2 and len(left) + len(right) >= 5 and _is_text(left) and _is_text(right):
            return gutter
    return None


def _is_text(lines: Sequence[Line]) -> bool:
    """Whether most lines of a column are text: numbered, with a mark of a sentence, or as long as the column is wide."""
    edge = max(ln.right for ln in lines)
    full = [ln for ln in lines if len(ln.chars) >= 10 and ln.right > edge - 1.5 * ln.size]
    told = {id(ln) for ln in full} if len(full) > 1 else set()
    told |= {id(ln) for ln in lines if _NUMBERED.match(ln.text) or (len(ln.chars) >= 6 and _MARKS.search(ln.text))}
    return 2 * len(told) >= len(lines)


def _is_grid(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """Whether lines stand in rows of three or more cells, as those of a table without rules do."""
    heights = Counter(round((ln.top + ln.bottom) / 4) for ln in (*left, *right))
    return len(heights) > 1 and 3 * sum(n > 2 for n in heights.values()) >= len(heights)


# --- what is no text of the guide ------------------------------------------------------------------------------------


def _refuse_scans(pages: list[Page], source: str, reading: Reading) -> None:
    counts = {p.number: sum(not c.text.isspace() for ln in p.lines for c in ln.chars) for p in pages}
    blank = [p.number for p in pages if counts[p.number] < 20 and (p.images or not counts[p.number])]
    if not any(counts.values()) or len(blank) > len(pages) / 2:
        raise SourceError(source, _SCANNED)
    scanned = [p.number for p in pages if p.number in blank and p.images]
    if scanned:
        shown = "、".join(str(n) for n in scanned[:10])
        reading.notes.append(f"第 {shown} 页没有文字层（疑似扫描），未计入 / pages without text left out")


_PAGE_NUMBER = re.compile(
    r"[\-—–－_·•~～|\s]*(?:第\s*)?(?:\d{1,4}|[ivxIVX]{1,6}|[０-９]{1,4}|[一二三四五六七八九十]{1,4})\s*(?:页)?"
    r"(?:\s*[/／,，、]?\s*(?:共|of)?\s*\d{1,4}\s*页?)?[\-—–－_·•~～|\s]*|page\s+\d+(?:\s+of\s+\d+)?",
    re.IGNORECASE,
)


def _furniture(pages: list[Page]) -> set[int]:
    """Ids of the lines that are running heads, feet and page numbers: in the margins, and the same on most pages."""
    margins: dict[int, list[tuple[Line, bool]]] = {}
    count: Counter[str] = Counter()
    for page in pages:
        found: list[tuple[Line, bool]] = []
        for line in page.lines:
            if line.bottom > 0.88 * page.height or line.top < 0.12 * page.height:
                found.append((line, line.top < 0.12 * page.height))
        margins[page.number] = found
        for key in {_shape(line) for line, _ in found}:
            count[key] += 1
    out: set[int] = set()
    for page in pages:
        for line, foot in margins[page.number]:
            text = clean_line(line.text)
            often = count[_shape(line)] >= max(2, 0.5 * len(pages))
            number = bool(_PAGE_NUMBER.fullmatch(text)) and (foot or often) and _outermost(line, page)
            if number or (often and len(pages) > 1):
                out.add(id(line))
    return out


def _shape(line: Line) -> str:
    """A line's words without its numbers, and its height on the page."""
    return re.sub(r"\d+|[ivx]+$", "#", clean_line(line.text)) + f"@{round(line.bottom / 6)}"


def _outermost(line: Line, page: Page) -> bool:
    return not any(other.top < line.bottom for other in page.lines) or not any(
        other.bottom > line.top for other in page.lines
    )


# --- tables ----------------------------------------------------------------------------------------------------------


def _tables(data: bytes, pages: list[Page]) -> None:
    """Put the rows of ruled tables in the place of their lines."""
    wanted = [p for p in pages if p.ruled and p.plain and p.lines]
    if not wanted:
        return
    import pdfplumber

    number = 0
    last: tuple[Table, int] | None = None  # the table that the page before ended with
    with pdfplumber.open(io.BytesIO(data), pages=[p.number for p in wanted]) as document:
        for page, found in zip(wanted, document.pages, strict=True):
            tables = [t for t in found.find_tables() if len(t.rows) > 1 and max(len(r.cells) for r in t.rows) > 1]
            tables.sort(key=lambda t: t.bbox[1])
            for place, table in enumerate(tables):
                x0, top, x1, bottom = table.bbox
                inside = [
                    ln
                    for ln in page.lines
                    if not ln.rows and _within(ln, x0, page.height - bottom, x1, page.height - top)
                ]
                if not inside:
                    continue
                made = Table(_grid(table, inside, page.height), number, page.number)
                first = page.lines.index(inside[0])
                continued = place == 0 and last is not None and last[1] == page.number - 1 and first == 0
                if continued and last is not None:
                    made.number, made.header, made.columns = last[0].number, last[0].header, last[0].columns
                else:
                    number += 1
                    made.number = number - 1
                rows = made.lines()
                anchor = Line(inside[0].chars, page.number, rows=rows)
                gone = {id(ln) for ln in inside}
                ends = page.lines[-1] in inside
                page.lines = [*page.lines[:first], anchor, *(ln for ln in page.lines[first:] if id(ln) not in gone)]
                last = (made, page.number) if ends else None
            if not tables:
                last = None


def _within(line: Line, x0: float, y0: float, x1: float, y1: float) -> bool:
    middle = (line.top + line.bottom) / 2
    return y0 - 1 <= middle <= y1 + 1 and line.left >= x0 - 2 and line.right <= x1 + 2


def _grid(table: Any, lines: Sequence[Line], height: float) -> list[Cell]:
    """Cells of a ruled table with the columns and rows that each covers, by the places of its rules."""
    boxes = sorted({c for row in table.rows for c in row.cells if c is not None}, key=lambda b: (b[1], b[0]))
    edges_x = _edges([x for b in boxes for x in (b[0], b[2])])
    edges_y = _edges([y for b in boxes for y in (b[1], b[3])])
    chars = [c for line in lines for c in line.chars]
    cells: list[Cell] = []
    for box in boxes:
        column, right = _nearest(edges_x, box[0]), _nearest(edges_x, box[2])
        row, down = _nearest(edges_y, box[1]), _nearest(edges_y, box[3])
        text = _cell_text(chars, box, height)
        cells.append(Cell(text, column, max(1, right - column), row, max(1, down - row)))
    return cells


def _edges(places: list[float]) -> list[float]:
    out: list[float] = []
    for place in sorted(places):
        if not out or place - out[-1] > 3:
            out.append(place)
    return out


def _nearest(edges: list[float], place: float) -> int:
    return min(range(len(edges)), key=lambda i: abs(edges[i] - place))


def _cell_text(chars: list[Char], box: tuple[float, float, float, float], height: float) -> str:
    x0, top, x1, bottom = box
    inside = [
        c
        for c in chars
        if not c.blank and x0 <= (c.left + c.right) / 2 <= x1 and top <= height - (c.top + c.bottom) / 2 <= bottom
    ]
    rows: list[list[Char]] = []
    for char in sorted(inside, key=lambda c: -(c.top + c.bottom)):
        if rows and abs((rows[-1][0].top + rows[-1][0].bottom) - (char.top + char.bottom)) / 2 < 0.6 * char.size:
            rows[-1].append(char)
        else:
            rows.append([char])
    out = ""
    for row in rows:
        row.sort(key=lambda c: c.left)
        text = ""
        for i, char in enumerate(row):
            gap = char.left - row[i - 1].right if i else 0.0
            between = bool(text) and not _WIDE.match(text[-1]) and not _WIDE.match(char.text)
            text += (" " if (between and gap > 0.2 * char.size) or gap > 1.5 * char.size else "") + char.text
        out = _glue(out, text)
    return out


def _glue(before: str, after: str) -> str:
    """Two lines of one paragraph: Han close up, words with a blank between."""
    before, after = before.rstrip(), after.lstrip()
    if not before or not after:
        return before or after
    if _WIDE.match(before[-1]) or _WIDE.match(after[0]):
        return before + after
    if before[-1] in "/-_=?&." or after[0] in "/-_=?&.":  # an address or a number that was cut
        return before + after
    if (before[-1].isdigit() and after[0].isdigit()) or _ADDRESS.search(before):
        return before + after
    return f"{before} {after}"


# --- paragraphs ------------------------------------------------------------------------------------------------------

_HAN = "一二三四五六七八九十百零〇"
_NUMBERED = re.compile(
    rf"\s*(?:第\s*[{_HAN}\d]+\s*[编章节条款]|[{_HAN}]+\s*[、.．](?![{_HAN}]、)|[（(]\s*[{_HAN}\d]+\s*[)）]"
    r"|\d{1,3}\s*[、.．)）](?!\d)|\d{1,2}(?:\.\d{1,2})+\s|[①-⑳㈠-㈩⑴-⒇]|[A-Za-z]\s*[.、)）]\s?(?=[\u4e00-\u9fff])|附件|附表|附录"
    r"|问[:：]|答[:：]|[•●■◆➢])"
)
# Numbers that hardly ever stand inside a sentence at a line's start.
_SECTION = re.compile(rf"\s*(?:[{_HAN}]+\s*、(?![{_HAN}]、)|[（(]\s*[{_HAN}]+\s*[)）]|第\s*[{_HAN}]+\s*[章节]\s)")
_LABELLED = re.compile(r"[\u4e00-\u9fff][^。；，,;:：\s]{1,10}[：:].")
_MARKS = re.compile(r"[，。；！？]|[a-z)][,.;](?: |$)")
_ENDS = re.compile(r"[。！？；：.!?;:]['\"”’）)]*$")
_OPEN = re.compile(r"[，、,（(“‘《〈\-—及和与或的]$")
_CLINGS = re.compile(r"[，。；：、！？）》〉”’】」』%‰]")
_ADDRESS = re.compile(r"(?:https?://|www\.)[\x21-\x7e]*$", re.IGNORECASE)
_UNIT = re.compile(
    r"[A-Za-z0-9%‰@#&_./:+\-=?~,]+[，。；：、！？）》”’】,.;:!?)]*|.[，。；：、！？）》”’】,.;:!?)]*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Measure:
    """The measure of a text: its left and right edge, and how it marks a paragraph."""

    left: float
    right: float
    size: float
    indented: bool  # paragraphs begin with an indent
    gap: float  # usual distance of two lines' feet


def _paragraphs(lines: list[Line], width: float) -> list[RawLine]:
    """Lines joined where the setter, not the author, ended them."""
    columns = [[ln for ln in lines if not ln.rows and ln.column == n] for n in (0, 1, 2)]
    margin = min((ln.left for ln in lines), default=0.0)
    inner = min((ln.left - ln.size for ln in columns[2]), default=0.0)
    measures = [_measure(inside, edge) for inside, edge in zip(columns, (width - margin, inner, width - margin), strict=True)]
    out: list[RawLine] = []
    before: Line | None = None
    for line in lines:
        if line.rows:
            out += line.rows
            before = None
            continue
        text = "\t".join(filter(None, map(clean_line, line.text.split("\t"))))
        if not text:
            continue
        measure = measures[line.column]
        if measure is None:
            continue
        above = measures[before.column] if before is not None else None
        if before is not None and above is not None and out and _continues(before, line, above, measure):
            out[-1].text = _glue(out[-1].text, text)
            out[-1].centered = out[-1].centered and _is_centered(line, measure)
        else:
            out.append(RawLine(text, page=line.page, centered=_is_centered(line, measure)))
        before = line
    return out


def _measure(lines: list[Line], edge: float) -> _Measure | None:
    """`edge` is where lines end at the latest, for a text with too few full ones to show it."""
    if not lines:
        return None
    size = statistics.median(ln.size for ln in lines)
    body = [ln for ln in lines if abs(ln.size - size) < 0.2 * size] or lines
    # Marks may hang in the margin, so the edge is where other lines end.
    rights = sorted(ln.right for ln in body if not _CLINGS.match(ln.chars[-1].text)) or [ln.right for ln in body]
    right = rights[min(len(rights) - 1, int(0.98 * len(rights)))]
    # In a column few lines show where it ends, and its edge is only known to lie before the gutter.
    column = body[0].column > 0
    least = min(ln.left for ln in body)
    few = not column and sum(r > right - 1.5 * size for r in rights) < 3
    if few or right - least < (0.6 if column else 0.8) * (edge - least):
        right = max(right, edge)
    lefts = Counter(round(ln.left / 2) * 2 for ln in body)
    common = [x for x, n in lefts.items() if n >= max(2, 0.05 * len(body))] or list(lefts)
    left = float(min(common))
    gaps = [
        a.bottom - b.bottom
        for a, b in itertools.pairwise(body)
        if a.page == b.page and 0 < a.bottom - b.bottom < 4 * size
    ]
    indents = sum(1.2 * size <= ln.left - left <= 2.8 * size for ln in body)
    return _Measure(
        left, right, size, indents >= max(2, 0.08 * len(body)), statistics.median(gaps) if gaps else 1.5 * size
    )


def _is_centered(line: Line, m: _Measure) -> bool:
    lead, rest = line.left - m.left, m.right - line.right
    return lead > 2.5 * m.size and abs(lead - rest) < 1.5 * m.size


def _continues(before: Line, line: Line, above_m: _Measure, m: _Measure) -> bool:
    """Whether `line` is the rest of the paragraph that `before` is in; each with the measure of its column.

    A setter breaks a line where the next unit (a character, or a word, with the marks that cling to it) did not fit.
    Where it would have fitted, the author ended the line.
    """
    if abs(before.size - line.size) > 0.12 * m.size or _is_centered(before, above_m):
        return False
    gap = before.bottom - line.bottom
    if before.page == line.page and gap > 1.45 * m.gap:
        return False
    text, above = line.text, clean_line(before.text)
    if _CLINGS.match(text):
        return True
    unit = _UNIT.match(text)
    count = len(unit[0]) if unit else 1
    needed = line.chars[min(count, len(line.chars)) - 1].right - line.left
    if needed <= above_m.right - before.right - 0.35 * line.size:
        return False
    if _SECTION.match(text) and not _OPEN.search(above):
        return False
    if _is_centered(line, m):  # the rest of a title that fills a line
        return not _ENDS.search(above) and not _NUMBERED.match(text)
    if _NUMBERED.match(text) and _ENDS.search(above):
        return False
    indent = line.left - m.left
    if m.indented and indent > 1.2 * m.size:
        # With a hanging indent the rest of an item stands under its first word.
        return before.left - above_m.left > 0.9 * indent and not _ENDS.search(above) and not _LABELLED.match(text)
    return m.indented or not (_ENDS.search(above) and _LABELLED.match(text))
