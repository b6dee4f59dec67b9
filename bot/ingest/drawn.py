"""Tables that a plain text draws with characters: cells parted by tabs, bars or wide gaps, boxes of dashes or box signs.

What is no table stays as it is: a number and its words parted by a tab, labels with their values, a list of contents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from bot.ingest.table import Cell, Table
from bot.ingest.text import RawLine, clean_line, single_lines

_BAR = re.compile(r"[|｜│┃║¦]")
# A line that only draws: +---+, |---|:--:|, ├──┼──┤. It has a bar, a corner or a crossing; a bare rule of dashes has none.
_RULE = re.compile(r"[\s+|｜│┃║:\-=_—─━═\u2500-\u257f]+")
_CROSSING = re.compile(r"[+|｜│┃║\u250c-\u254b\u2550-\u256c]")
_DASH = re.compile(r"[-=_—\u2500\u2501\u2504-\u250b\u2550]")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f]")
_GAP = re.compile(r"(?: |\u3000){2,}|\u3000")
_PAGE = re.compile(r"[\d.…·]{1,6}")
_LABEL = re.compile(r"(?![\d.]+[：:])[^：:，。；]{2,14}[：:](?!//)")  # "1.5:1" is a ratio
_MARK = re.compile(
    r"[（(]?[\d一二三四五六七八九十]{1,3}[）)、.．]|第[\d一二三四五六七八九十百]{1,5}[编章节条]|[A-Za-z][.)、]|[①-⑳•●○■□◆▪➢★※·*-]"
)
MIN_ROWS = 2
MIN_ALIGNED = 3  # rows and columns of a table that only gaps show: two words far apart are none
LONGEST_ALIGNED = 40  # characters of a cell between gaps; a sentence with a gap in it is none
MAX_WIDTH = 50  # columns


def with_tables(lines: Iterable[RawLine]) -> list[RawLine]:
    """The lines, those that draw a table made its rows, as a format with tables gives them. In linear time."""
    whole = _close_up(list(single_lines(lines)))
    out: list[RawLine] = []
    number = max((line.table + 1 for line in whole if line.table is not None), default=0)
    for way, group in groupby(whole, _way):
        for part, rows in _found(way, list(group)):
            if rows:
                out += Table(_cells(rows), number, part[0].page).lines()
                number += 1
            else:
                out += part
    return out


def _close_up(lines: list[RawLine]) -> list[RawLine]:
    """The lines of a text with a blank line between any two without those, since a blank line ends a table."""
    full = [bool(line.cells or line.text.strip()) for line in lines]
    near = sum(a and b for a, b in pairwise(full))
    return [line for line, kept in zip(lines, full, strict=True) if kept] if 10 * near < sum(full) else lines


def _way(line: RawLine) -> str:
    """How a line parts its cells, "" for one without cells."""
    text = line.text.strip()
    if line.kind != "text" or line.cells or line.level is not None or not text:
        return ""
    if _BAR.search(text) or _is_rule(text):
        return "bar"
    if "\t" in text:
        return "tab"
    return "gap" if len(text) <= 400 and len(_by_gap(text)) >= MIN_ALIGNED else ""


def _found(way: str, run: list[RawLine]) -> Iterator[tuple[list[RawLine], list[list[str]]]]:
    """The run in parts, each with the rows of the table that it draws, or with none: the run as one table, else those
    of its parts that have equally many cells."""
    read = {"bar": _barred, "tab": _tabbed, "gap": _aligned}.get(way)
    rows = read([line.text for line in run]) if read else []
    if rows or read is None:
        yield run, rows
        return
    count = {"bar": _cells_in_bars, "tab": _cells_by_tab}.get(way, _cells_by_gap)
    for _, part in groupby(run, lambda line: count(line.text)):
        lines = list(part)
        yield lines, read([line.text for line in lines])


def _cells_in_bars(text: str) -> int:
    return len(_split(text.strip()))


def _cells_by_tab(text: str) -> int:
    return len(_by_tab(text))


def _cells_by_gap(text: str) -> int:
    return len(_by_gap(text))


# --- cells parted by bars ---------------------------------------------------------------------------------------------


def _is_rule(text: str) -> bool:
    return bool(_RULE.fullmatch(text) and _CROSSING.search(text) and _DASH.search(text))


def _barred(run: Sequence[str]) -> list[list[str]]:
    """The rows of a table whose cells are parted by bars; none: no table."""
    run = [text.strip() for text in run]
    drawn = [text for text in run if not _is_rule(text)]
    boxed = all(_BAR.match(text[0]) and _BAR.match(text[-1]) for text in drawn)
    widths = {len(_split(text)) for text in drawn}
    if len(drawn) < MIN_ROWS or not 1 < max(widths) <= MAX_WIDTH or (len(widths) > 1 and not boxed):
        return []
    return _joined(run) if boxed else [_split(text) for text in drawn]


def _split(text: str) -> list[str]:
    cells = _BAR.split(text)
    if len(cells) > 2 and not cells[0].strip():
        cells = cells[1:]
    if len(cells) > 1 and not cells[-1].strip():
        cells = cells[:-1]
    return [cell.strip() for cell in cells]


def _joined(run: Sequence[str]) -> list[list[str]]:
    """The rows of a box. Where a rule parts every two rows, the lines between two rules are one row."""
    blocks: list[list[list[str]]] = [[]]
    for text in run:
        if _is_rule(text):
            blocks.append([])
        else:
            blocks[-1].append(_split(text))
    blocks = [block for block in blocks if block]
    if len(blocks) < 3:
        return [row for block in blocks for row in block]
    return [_one_row(block) for block in blocks]


def _one_row(block: Sequence[Sequence[str]]) -> list[str]:
    width = max(len(row) for row in block)
    return [_one_cell([row[n] for row in block if n < len(row) and row[n]]) for n in range(width)]


def _one_cell(parts: Sequence[str]) -> str:
    """The lines of a cell as one; a blank only between words that need one."""
    text = ""
    for part in parts:
        glued = not text or _WIDE.match(text[-1]) or _WIDE.match(part[0])
        text += part if glued else f" {part}"
    return text


# --- cells parted by tabs ---------------------------------------------------------------------------------------------


def _tabbed(run: Sequence[str]) -> list[list[str]]:
    """The rows of a table whose cells are parted by tabs, several in a row where they only align; none: no table."""
    for split in (_by_tab, _by_tabs):
        rows = [split(text) for text in run]
        if _is_grid(rows) and not _only_aligned(rows):
            return rows
    return []


def _by_tab(text: str) -> list[str]:
    return [cell.strip() for cell in text.rstrip().split("\t")]


def _by_tabs(text: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"\t+", text.strip())]


# --- cells parted by gaps ---------------------------------------------------------------------------------------------


def _aligned(run: Sequence[str]) -> list[list[str]]:
    """The rows of a table whose columns only stand under one another, parted by two blanks or more; none: no table."""
    rows = [_by_gap(text) for text in run]
    same = len({len(row) for row in rows}) == 1
    short = all(0 < len(cell) <= LONGEST_ALIGNED for row in rows for cell in row)
    return rows if len(rows) >= MIN_ALIGNED and same and short and not _only_aligned(rows) else []


def _by_gap(text: str) -> list[str]:
    return _GAP.split(text.strip())


def _is_grid(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows have the same number of cells; a shorter one, whose last cells are empty, may stand in a table of
    three columns or more."""
    first, widths = len(rows[0]), [len(row) for row in rows]
    if len(rows) < MIN_ROWS or not 1 < first <= MAX_WIDTH or not all(rows[0][1:]):
        return False
    ragged = len(rows) > MIN_ROWS and first > 2 and max(widths) == first
    return set(widths) == {first} or ragged


def _only_aligned(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the tabs only part numbers, labels or pages from their words: a list, a form, a table of contents."""
    first = [row[0] for row in rows if row[0]]
    if 2 * sum(any(_LABEL.match(cell) for cell in row) for row in rows) >= len(rows):
        return True
    if all(_MARK.fullmatch(cell) for cell in first):
        return True
    if len(rows[0]) > 2:
        return False
    return all(re.fullmatch(r"[\d.]+", cell) for cell in first) or all(_PAGE.fullmatch(row[-1]) for row in rows)


# --- rows → cells -----------------------------------------------------------------------------------------------------


def _cells(rows: Sequence[Sequence[str]]) -> list[Cell]:
    """Cells with their places. An empty one at the start of a row goes on with the one above, as a merged cell does."""
    width = max(len(row) for row in rows)
    cells: list[Cell] = []
    above: list[Cell | None] = [None] * width
    for number, row in enumerate(rows):
        texts = [clean_line(cell) for cell in row] + [""] * (width - len(row))
        leading = True
        for column, text in enumerate(texts):
            held = above[column]
            leading = leading and not text
            if leading and number > 1 and held is not None and any(texts):
                held.height += 1
                continue
            cell = Cell(text, column, 1, number)
            cells.append(cell)
            above[column] = cell
    return cells
