"""A grid of cells → lines of rows with their header, the same for every format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot import lexicon
from bot.ingest.text import RawLine, clean_line

MAX_COLUMNS = 200


@dataclass(slots=True)
class Cell:
    """A cell's text, and the columns and rows that it covers."""

    text: str
    column: int
    width: int = 1
    row: int = 0
    height: int = 1
    heading: bool = False  # the format says so (th, tblHeader)


@dataclass(slots=True)
class Table:
    """Cells by the row they begin in; a merged cell stands once, where it begins."""

    cells: list[Cell]
    number: int
    page: int | None = None
    header: tuple[str, ...] = ()  # of the part on an earlier page
    columns: int = 0

    def grid(self) -> list[list[Cell | None]]:
        """Rows of equal length; every place holds the cell that covers it."""
        rows = max((c.row + c.height for c in self.cells), default=0)
        columns = min(max((c.column + c.width for c in self.cells), default=0), MAX_COLUMNS)
        grid: list[list[Cell | None]] = [[None] * columns for _ in range(rows)]
        for cell in self.cells:
            for row in range(cell.row, cell.row + cell.height):
                for column in range(cell.column, min(cell.column + cell.width, columns)):
                    if grid[row][column] is None:
                        grid[row][column] = cell
        return grid

    def lines(self) -> list[RawLine]:
        """The table as lines: a title over the whole width as text, then header rows, then rows.

        A table of one column is furniture of the layout: its cells are plain lines. `header` and `columns` are set
        for a part of the table on a following page.
        """
        grid = self.grid()
        if not grid:
            return []
        columns = len(grid[0])
        if columns < 2:
            return [RawLine(cell.text, page=self.page) for row in grid for cell in row if cell is not None]
        out: list[RawLine] = []
        at = 0
        while at < len(grid) and len(_distinct(grid[at])) == 1 and _height(grid[at]) == 1 and not self.header:
            cell = grid[at][0]
            if cell is not None and clean_line(cell.text):
                out.append(RawLine(cell.text, centered=True, page=self.page))
            at += 1
        count = 0 if self.header and self.columns == columns else _header_rows(grid[at:])
        header = _header(grid[at : at + count]) if count else self.header if self.columns == columns else ()
        repeated = bool(self.header) and count and header == self.header
        for row in grid[at : at + count]:
            if not repeated:
                out.append(self._row(row, "header_row", ()))
        for row in grid[at + count :]:
            texts = tuple(clean_line(c.text) if c else "" for c in row)
            if self.header and texts == self.header:
                continue  # printed again at the head of a page
            out.append(self._row(row, "row", header))
        self.header, self.columns = header, columns
        return out

    def _row(self, row: Sequence[Cell | None], kind: str, header: tuple[str, ...]) -> RawLine:
        cells: list[str] = []
        spans: list[int] = []
        last: Cell | None = None
        for cell in row:
            if cell is None or cell is not last:
                cells.append(cell.text if cell else "")
            spans.append(len(cells) - 1)
            last = cell
        return RawLine(
            kind="header_row" if kind == "header_row" else "row",
            table=self.number,
            page=self.page,
            cells=tuple(cells),
            spans=tuple(spans),
            header=header,
        )


def _distinct(row: Sequence[Cell | None]) -> set[int]:
    return {id(c) for c in row}


def _height(row: Sequence[Cell | None]) -> int:
    return max((c.height for c in row if c), default=1)


# A header names its columns; a value is a sentence, an amount, a label with its mark.
_VALUE = re.compile(r"[。；;]|[：:]$|\d\s*(?:万?元|%|％|年内|人|项|天|日)|https?://|^[\d.,，、/\-—]+$")


def _header_rows(grid: Sequence[Sequence[Cell | None]]) -> int:
    """How many of the first rows are headers: those the format marks, or a first row that names its columns."""
    marked = 0
    while marked < len(grid) and all(c is not None and c.heading for c in grid[marked]):
        marked += 1
    if marked:
        return marked if marked < len(grid) else 0
    if len(grid) < 2:
        return 0
    first = grid[0]
    texts = [clean_line(c.text) if c else "" for c in first]
    named = texts[1:] if len(texts) > 2 and not texts[0] else texts  # a cross table's corner may be empty
    if not all(0 < len(t) <= 30 and not _VALUE.search(t) for t in named):
        return 0
    if _form(grid):
        return 0
    # A cell of the first row that reaches down says that the rows it covers are one header.
    height = max(c.height for c in first if c)
    wide = len(_distinct(first)) < len(first)
    if height > 1 and wide and height < len(grid):
        return height
    return 1 if height == 1 else 0


def _form(grid: Sequence[Sequence[Cell | None]]) -> bool:
    """A form of two columns, name and value: most names are labels usual in the genre, the first among them, or what
    stands in the second column is much longer from the first row on."""
    if len(grid[0]) != 2:
        return False
    named = [lexicon.is_label(clean_line(row[0].text)) for row in grid if row[0] is not None]
    if named and named[0] and 2 * sum(named) > len(named):
        return True
    right = [len(clean_line(row[1].text)) for row in grid if row[1] is not None]
    left = [len(clean_line(row[0].text)) for row in grid if row[0] is not None]
    return bool(left and right) and max(left) <= 12 and right[0] > 12


def _header(rows: Sequence[Sequence[Cell | None]]) -> tuple[str, ...]:
    """One text for each column; a header of several rows is read downwards."""
    out: list[str] = []
    for column in range(len(rows[0])):
        parts: list[str] = []
        for row in rows:
            cell = row[column]
            text = clean_line(cell.text) if cell else ""
            if text and text not in parts:
                parts.append(text)
        out.append(" ".join(parts))
    return tuple(out)
