"""Answers out of a table: the row that a question names, the column that it asks for, with the words of the header.

A cell says little alone: "30" is "安家补贴 30万元" by what stands over it. All of it is quoted: the cell from its row,
the column's name and its unit from the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot import lexicon
from bot.compose import Draft
from bot.desk import Desk, Outcome, Similar
from bot.evidence import Evidence
from bot.facts import quantities
from bot.lexical import normalise
from bot.types import Clause, ClauseId, Hit
from bot.understand import Reading
from bot.wording import tagged

ROWS = 6  # rows told where a question names none of them
LONGEST = 420  # characters of a list of rows
_UNIT = re.compile(r"[（(](?:单位[：:]\s*)?([^（）()\d]{1,8})[）)]$")
_BARE = re.compile(r"[\d.,，]+")
_SERIAL = re.compile(r"[\d.、]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One cell of a row with the name of its column: spans in the row's text."""

    start: int
    end: int
    name: str


def columns(row: Clause) -> list[Column]:
    """A row's cells that say something beyond its head; one that spans several columns once, under all their names."""
    found: dict[tuple[int, int], list[str]] = {}
    for start, end, name in row.cells:
        if end > start:
            found.setdefault((start, end), []).append(name)
    told = [Column(s, e, " ".join(dict.fromkeys(n for n in names if n))) for (s, e), names in found.items()]
    at = row.text.find(row.label)
    return [c for c in told if c.start != at and not (c.start < at and _SERIAL.fullmatch(row.text[c.start : c.end]))]


def in_table(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """The cells that a question asks for. None where it names no row and the best hits are of no table."""
    if reading.yesno or reading.which:
        return None
    named = [c for i in reading.query.sections if (c := desk.reader.by_id[i]).kind == "row" and c.cells]
    if any(_cut_off(reading.text, row.label) for row in named):
        return None
    if not named and reading.scope == "named" and not any(_table_under(desk, i) for i in reading.query.sections):
        return None
    rows = named or _rows_meant(desk, reading, hits)
    if not rows or not all(_supported(desk, reading, row) for row in rows[:1]):
        return None
    same = len({row.label for row in rows}) < len(rows)  # only their other cells tell such rows apart
    told = say_rows(desk, reading, _told_apart(desk, reading, rows), whole=same)
    return replace(told, score=0.7 if len(rows) > 1 and not named else 0.85) if told is not None else None


def say_rows(desk: Desk, reading: Reading, rows: Sequence[Clause], *, whole: bool = False) -> Outcome | None:
    """The cells of some rows that a question asks for, or all of them, under the words of the header."""
    told = [(row, columns(row) if whole else _asked(desk, reading, row)) for row in rows]
    if not any(cells for _, cells in told):
        return None
    draft = Draft(reading.language)
    for n, (row, cells) in enumerate(told):
        if n:
            draft.msg("semicolon")
        if n and sum(len(p[1]) for p in draft.pieces) > LONGEST:
            draft.msg("more_in")
            break
        _say_row(desk, draft, row, cells)
    where = desk.reader.section_name(rows[0].parent) if rows[0].parent else ""
    if 0 < len(where) <= 60:
        draft.msg("open").say(where).msg("close")
    kept = tuple(
        Evidence(row, tuple((c.start, c.end) for c in cells), row.clause_id, 1.0) for row, cells in told if cells
    )
    return Outcome(draft, "answered", 0.85, kept=kept)


# --- which rows -------------------------------------------------------------------------------------------------------


def _cut_off(text: str, label: str) -> bool:
    """Whether a row's head stands in the question only as a part of a longer word ("博士" in "博士后")."""
    at, end = text.find(normalise(label)), text.find(normalise(label)) + len(normalise(label))
    return at >= 0 and any(start < end < start + len(word) for word, _, start in tagged(text, 0))


def _table_under(desk: Desk, section: ClauseId) -> bool:
    return any(desk.reader.by_id[i].kind == "row" for i in desk.reader.subtree(section))


def _rows_meant(desk: Desk, reading: Reading, hits: Sequence[Hit]) -> list[Clause]:
    """Rows of the table that the best hit belongs to: those whose head holds a word of the question, else, where a list
    or a table as a whole is asked for, all of them."""
    for hit in hits[:2]:
        rows = table_of(desk, hit.clause)
        if rows:
            words = [t for t, _ in (*reading.focus, *reading.terms) if len(t) > 1]
            meant = [row for row in rows if any(t in normalise(row.label) for t in words)]
            if meant and len(meant) < len(rows):
                return meant
            if (reading.listing or len(rows) <= ROWS) and _is_about(desk, reading, rows[0]):
                return rows
    return []


def _is_about(desk: Desk, reading: Reading, row: Clause) -> bool:
    """Whether a table's heading or one of its columns is about what is asked."""
    heading = desk.reader.section_name(row.parent) if row.parent else ""
    named = row.parent in reading.query.sections or lexicon.concept_of_label(heading) in reading.concepts[:2]
    return named or any(_score(desk, reading, row, cell) > 0.25 for cell in columns(row))


def _told_apart(desk: Desk, reading: Reading, rows: list[Clause]) -> list[Clause]:
    """Of rows with the same head those whose own cells hold most of the question's words."""
    if len(rows) < 2 or len({row.label for row in rows}) > 1:
        return rows
    words = [(t, w) for t, w in dict((*reading.focus, *reading.terms)).items() if len(t) > 1]
    held = [desk.finder.coverage(words, normalise(row.text)) for row in rows] if words else [0.0]
    return [row for row, share in zip(rows, held, strict=False) if share == max(held)] if max(held) > 0 else rows


def table_of(desk: Desk, clause: Clause) -> list[Clause]:
    """The rows of the table that a row or header belongs to, or that stands right under a heading."""
    parent = clause.clause_id if clause.kind == "heading" else clause.parent
    if parent is None or (clause.kind != "heading" and not clause.cells):
        return []
    return [c for i in desk.reader.children.get(parent, ()) if (c := desk.reader.by_id[i]).kind == "row" and c.cells]


def _supported(desk: Desk, reading: Reading, row: Clause) -> bool:
    """Whether the words of the question stand in the row, its header or what leads to the table."""
    before = [desk.reader.by_id[i] for i in desk.reader.children.get(row.parent, ())] if row.parent else []
    lead = [c.text for c in before if c.kind == "paragraph"]
    text = normalise("\n".join((row.text, *(name for _, _, name in row.cells), *row.path, *lead)))
    words = [*(t for t, w in reading.terms if w >= 1), *reading.modifiers]
    words += [normalise(name) for name in reading.query.unknown]
    return all(desk.finder.support(t, text) >= 0.5 for t in words)


# --- which columns ----------------------------------------------------------------------------------------------------


def _asked(desk: Desk, reading: Reading, row: Clause) -> list[Column]:
    """The columns that hold the words of the question or its type of value; all where none stands out."""
    cells = columns(row)
    scores = [_score(desk, reading, row, cell) for cell in cells]
    best = max(scores, default=0.0)
    return cells if best <= 0 else [cell for cell, score in zip(cells, scores, strict=True) if score > best - 0.05]


def _score(desk: Desk, reading: Reading, row: Clause, cell: Column) -> float:
    name = normalise(cell.name)
    head = normalise(row.label)
    words = [(t, w) for t, w in dict((*reading.focus, *reading.terms)).items() if t not in head]
    score = desk.finder.coverage(words, name) if words else 0.0
    unit = _UNIT.search(cell.name)
    kinds = {q.kind for q in quantities(row.text[cell.start : cell.end] + (unit[1] if unit else ""))}
    for n, concept in enumerate(reading.concepts[:2]):
        c = lexicon.concepts()[concept]
        said = lexicon.concept_of_label(cell.name) == concept or (bool(c.evidence) and bool(c.said.search(name)))
        score += (0.3 * bool(kinds & c.types) + 0.3 * said) / (n + 1)
    return score


# --- saying it --------------------------------------------------------------------------------------------------------


def _say_row(desk: Desk, draft: Draft, row: Clause, cells: Sequence[Column]) -> None:
    """ "博士：安家补贴30万元、发放年限5年"; the head alone where nothing else is asked for."""
    at = max(row.text.find(row.label), 0)
    draft.quote(row, at, at + len(row.label))
    headers = list(_headers(desk, row))
    for n, cell in enumerate(cells):
        draft.msg("colon" if not n else "comma")
        unit = _UNIT.search(cell.name) if _BARE.fullmatch(row.text[cell.start : cell.end]) else None
        name = cell.name[: unit.start()] if unit else cell.name
        _say_name(draft, headers, name)
        if name and not unit:
            draft.say(" ")
        draft.quote(row, cell.start, cell.end)
        if unit:
            _say_name(draft, headers, unit[1])
    draft.mark(row)
    for header in headers:
        if header.clause_id in draft.spans and len(cells):
            draft.mark(header)


def _headers(desk: Desk, row: Clause) -> Iterator[Clause]:
    """The header rows over a row, the nearest first."""
    above = [desk.reader.by_id[i] for i in desk.reader.children.get(row.parent, ())] if row.parent else []
    for clause in reversed(above):
        if clause.start < row.start and clause.kind == "paragraph" and clause.cells:
            yield clause


def _say_name(draft: Draft, headers: Sequence[Clause], name: str) -> None:
    """Words of the header, each part sliced from the header row that it stands in."""
    for part in [name] if any(name in h.text for h in headers) else name.split(" "):
        header = next((h for h in headers if part and part in h.text), None)
        if header is None:
            draft.say(part)
        else:
            at = header.text.find(part)
            draft.quote(header, at, at + len(part))
