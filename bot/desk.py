"""What every part of the answerer works on: the index with what reads it, and what becomes of a draft."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.compose import Draft
from bot.evidence import ENOUGH, Evidence, Finder
from bot.index import Index
from bot.lexical import normalise
from bot.names import places_in
from bot.settings import Settings
from bot.types import ClauseId, RefusedBy, Status, Table
from bot.understand import Reader, Reading

Similar = Mapping[ClauseId, float]
# Concepts whose clause is an enumeration: what it does not list is not so.
CLOSED = ("eligible", "content", "place", "authority", "url", "quota")
Member = tuple[ClauseId, Evidence | None]


@dataclass(frozen=True, slots=True)
class Desk:
    """One index with its reader and finder: the context of a question. Holds nothing of a question itself."""

    index: Index
    reader: Reader
    finder: Finder
    settings: Settings


@dataclass(slots=True)
class Outcome:
    """A draft with what became of it."""

    draft: Draft
    status: Status
    score: float = 0.5
    missing: str = ""
    table: Table | None = None
    kept: tuple[Evidence, ...] = ()
    refused_by: RefusedBy = "evidence"  # counts where the status is refused
    bare: bool = False  # a refusal that shows no clause


def targets_of(desk: Desk, reading: Reading) -> list[ClauseId]:
    """The sections to answer for, one by one: named sections, a programme's projects, or all projects."""
    out: list[ClauseId] = []
    for section in reading.query.sections:
        inner = desk.reader.homes_under(section)
        out += inner if len(inner) > 1 else [section]
    return list(dict.fromkeys(out))


def found_in(desk: Desk, reading: Reading, section: ClauseId, similar: Similar) -> Evidence | None:
    found = desk.finder.find(reading, section, similar)
    return found if found is not None and found.score >= ENOUGH else None


def best_sentence(desk: Desk, section: ClauseId, terms: Sequence[tuple[str, float]]) -> Evidence | None:
    """The sentence of a section that covers most of `terms`, rare words weighing more."""
    weighed = desk.finder.weighed(terms)
    best: Evidence | None = None
    for i in desk.reader.subtree(section):
        clause = desk.reader.by_id[i]
        for sentence in desk.finder.sentences_of(clause):
            cover = desk.finder.coverage(weighed, sentence.text)
            if best is None or cover > best.score + 1e-9:
                best = Evidence(clause, (sentence.span,), section, cover)
    return best


def own_evidence(desk: Desk, concept: str, reading: Reading, section: ClauseId, similar: Similar) -> Evidence | None:
    """Evidence for a concept in a member's own clauses."""
    found = desk.finder.find_for(concept, reading, section, similar)
    own = found is not None and found.score >= ENOUGH and found.clause.clause_id in set(desk.reader.subtree(section))
    return found if own else None


def is_place(label: str) -> bool:
    return len(label) <= 16 and bool(places_in(normalise(label), "zh"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
