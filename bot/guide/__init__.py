"""A source's text → its clause tree: headings, labelled fields, numbered items, articles, table rows, paragraphs.

Knows the ways in which guides are numbered and labelled, and no guide: which style of number stands under which is
learned from the document itself. Data flows one way:

    text → lines (what each begins with) → habits (how this document nests) → nodes → clauses

Pure, without recursion, in time linear in the text.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from bot.guide.clauses import find_gaps, make_clauses
from bot.guide.habits import learn
from bot.guide.lines import Line, read_lines
from bot.guide.tree import Node, build
from bot.slug import make_slug
from bot.types import Clause, Guide, SourceText

__all__ = ["ClauseTree", "make_slug", "parse"]


@dataclass(frozen=True, slots=True)
class ClauseTree:
    """`clauses` in document order; `unplaced` spans hold what is no clause (rules of dashes, page numbers);
    `gaps` are one sentence for each number that is missing or stands twice."""

    clauses: tuple[Clause, ...]
    unplaced: tuple[tuple[int, int], ...] = ()
    gaps: tuple[str, ...] = ()


def parse(source: SourceText, guide: Guide) -> ClauseTree:
    """The clause tree of one source. Raises nothing: a text without any structure is a row of paragraphs."""
    lines = read_lines(source)
    placed = [line for line in lines if line.role != "rule"]
    nodes = build(placed, learn(placed))
    return ClauseTree(make_clauses(source, guide, nodes), _unplaced(lines, nodes), find_gaps(nodes))


def _unplaced(lines: list[Line], nodes: list[Node]) -> tuple[tuple[int, int], ...]:
    """The rules that lie between clauses; one between two lines of a clause is within it."""
    starts = [node.line.start for node in nodes]
    spans = []
    for line in lines:
        if line.role == "rule":
            before = bisect_right(starts, line.start) - 1
            if before < 0 or nodes[before].end < line.start:
                spans.append((line.start, line.end))
    return tuple(spans)
