"""The guides of one index as a library: which of them a question is about, editions, and what changed between two.

Each set of guides that questions are answered from is a `Room` with a reader and an answerer of its own, so that a
field of one guide is never mixed with a field of another. Rooms are made when first needed and kept.
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.answer import Answerer
from bot.errors import NotFoundError
from bot.facts import quantities
from bot.index import Index, Vectors
from bot.lexical import normalise, tokens
from bot.settings import Settings
from bot.types import Answer, Clause, ClauseId, Guide
from bot.understand import Reader
from bot.values import COMPARABLE

NEAR = 0.93  # a second guide this close to the first is answered from as well
RIVAL = 0.5  # one this close is looked at, and shown where it says otherwise
ALIKE = 0.6  # of the words of two clauses, for one to take the other's place in a later edition
COMPARED = 2000  # characters of a clause that are compared for that
CANDIDATES = 6  # guides whose section names are compared with a question
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?=\s*(?:年度|年版|年的|年(?!\s*\d)|版|edition|guide|call))")


@dataclass(frozen=True, slots=True)
class Room:
    """Some guides with what reads and answers questions about them."""

    slugs: tuple[str, ...]
    reader: Reader
    answerer: Answerer
    rows: np.ndarray  # rows of the index's chunks that belong to these guides


class Library:
    """The guides of an index. Safe for several threads."""

    def __init__(self, index: Index, settings: Settings) -> None:
        self.index = index
        self._settings = settings
        self._lock = threading.Lock()
        self._rooms: dict[tuple[str, ...], Room] = {}
        self._guide_of_row = [index.by_id[c.clause_id].guide for c in index.chunks]
        self._clauses: dict[str, list[Clause]] = {}
        for c in index.clauses:
            self._clauses.setdefault(c.guide, []).append(c)
        self._newest = newest(index.guides)

    def room(self, slugs: Sequence[str]) -> Room:
        key = tuple(slugs)
        with self._lock:
            if key not in self._rooms:
                self._rooms[key] = self._made(key)
            return self._rooms[key]

    def _made(self, slugs: tuple[str, ...]) -> Room:
        kept = set(slugs)
        clauses = sorted(
            (c for s in kept for c in self._clauses.get(s, ())), key=lambda c: self.index.order[c.clause_id]
        )
        guides = tuple(g for g in self.index.guides if g.slug in kept)
        reader = Reader(clauses, guides)
        rows = np.array([n for n, slug in enumerate(self._guide_of_row) if slug in kept], dtype=np.int64)
        return Room(slugs, reader, Answerer(self.index, reader, self._settings), rows)

    # -- which guides ------------------------------------------------------------------------------------------

    def scope(self, question: str, past: Sequence[str], guide: str | None, edition: str | None) -> tuple[str, ...]:
        """The guides that a question may be about: the named ones, those of an edition that it names, else the newest
        edition of each. Raises NotFoundError where a named one is not there."""
        guides = self.index.guides
        if guide is not None or edition is not None:
            kept = tuple(g.slug for g in guides if _is(g, guide) and (edition is None or g.edition == edition))
            if not kept:
                have = ", ".join(f"{g.slug} ({g.edition or '?'})" for g in guides)
                raise NotFoundError(
                    f"没有这样的指南 no such guide: {' '.join(filter(None, (guide, edition)))}; 现有 there are: {have}"
                )
            return kept
        for text in (question, *reversed(past[-1:])):
            years = set(_YEAR.findall(normalise(text)))
            older = tuple(g.slug for g in guides if g.edition in years and g.slug not in self._newest)
            if older:
                return older
            if years or len(question) > 16:
                break
        return self._newest

    def route(
        self, question: str, past: Sequence[str], vector: Vectors, slugs: Sequence[str]
    ) -> tuple[list[str], list[str]]:
        """Of several guides those that a question is about, the best first: by its nearest clauses in meaning and in
        words, by the guide's title, and by a section that it names. The second only where it is nearly as near; else
        it is given apart, as one that may contradict the first."""
        if len(slugs) <= 1:
            return list(slugs), []
        allowed = set(slugs)
        scores = dict.fromkeys(slugs, 0.0)
        for part in (self._dense(vector, allowed), self._lexical(question, past, allowed)):
            top = max(part.values(), default=0.0)
            for slug, value in part.items():
                scores[slug] += value / top if top > 0 else 0.0
        ranked = sorted(slugs, key=lambda s: (-scores[s], s))[:CANDIDATES]
        text = normalise(" ".join([*past[-1:], question]))
        for slug in ranked:
            scores[slug] += 0.6 * self.room((slug,)).reader.names_section(text) + self._titled(slug, text)
        ranked.sort(key=lambda s: (-scores[s], s))
        share = {s: scores[s] / scores[ranked[0]] if scores[ranked[0]] > 0 else 1.0 for s in ranked[1:3]}
        near = [s for s in ranked[1:2] if share[s] >= NEAR]
        return [ranked[0], *near], [s for s in ranked[1:3] if s not in near and share[s] >= RIVAL]

    def contradicts(self, question: str, past: Sequence[str], one: Answer, other: Answer) -> bool:
        """Whether an answer from another guide gives other values of the same kind, out of clauses that hold all the
        words of the question."""
        if one.status != "answered" or other.status != "answered" or not other.citations:
            return False
        values, others = _values(one), _values(other)
        kinds = {kind for kind, _ in values} & {kind for kind, _ in others}
        if not any(kind in kinds and (kind, value) not in values for kind, value in others):
            return False
        room = self.room((other.citations[0].guide,))
        reading = room.reader.read(question, past)
        text = normalise("\n".join(part for c in other.citations for part in (c.title, *c.path, c.text)))
        words = dict.fromkeys(t for t, _ in (*reading.terms, *reading.focus))
        return bool(words) and all(room.answerer.desk.finder.support(t, text) >= 0.7 for t in words)

    def _dense(self, vector: Vectors, allowed: set[str]) -> dict[str, float]:
        """Guides by how far their nearest clause stands out from the field of all."""
        found = [(self._guide_of_row[row], score) for row, score in self.index.dense(vector, 200)]
        if not found:
            return {}
        floor = min(score for _, score in found)
        best: dict[str, float] = {}
        for slug, score in found:
            if slug in allowed:
                best[slug] = max(best.get(slug, 0.0), score - floor)
        return best

    def _lexical(self, question: str, past: Sequence[str], allowed: set[str]) -> dict[str, float]:
        best: dict[str, float] = {}
        for row, score in self.index.lexical(tokens(" ".join([*past[-1:], question])), 200):
            slug = self._guide_of_row[row]
            if slug in allowed:
                best[slug] = max(best.get(slug, 0.0), score)
        return best

    def _titled(self, slug: str, text: str) -> float:
        """How much of a guide's title a question says: the longest run that both hold, as a share, at most 0.8."""
        title = normalise(next(g.title for g in self.index.guides if g.slug == slug))
        match = difflib.SequenceMatcher(None, title, text, autojunk=False).find_longest_match()
        size = match.size if re.search("[\u3400-\u9fff]", title) else match.size // 4  # letters of a word say less each
        return min(0.8, 0.12 * size) if size >= 3 else 0.0


def _values(answer: Answer) -> set[tuple[str, str]]:
    """The values in the words that an answer quotes, by kind."""
    quoted = [c.text[start:end] for c in answer.citations for start, end in c.spans]
    return {(q.kind, q.value) for text in quoted for q in quantities(text) if q.kind in COMPARABLE}


def _is(guide: Guide, name: str | None) -> bool:
    return name is None or name in (guide.slug, guide.source, guide.title, guide.series)


def newest(guides: Sequence[Guide]) -> tuple[str, ...]:
    """The newest edition of each series, in the order of the index; a guide without a series is one of its own."""
    best: dict[str, Guide] = {}
    for g in guides:
        key = g.series or g.slug
        if key not in best or g.edition > best[key].edition:
            best[key] = g
    return tuple(g.slug for g in guides if best[g.series or g.slug] is g)


# --- what changed between editions ------------------------------------------------------------------------------


Kind = Literal["same", "changed", "added", "gone"]


@dataclass(frozen=True, slots=True)
class Change:
    """One clause in two editions; `old` is None for an added one, `new` for one that is gone."""

    kind: Kind
    old: Clause | None
    new: Clause | None


def diff(old: Sequence[Clause], new: Sequence[Clause]) -> tuple[Change, ...]:
    """Clauses of two editions side by side, in the order of the new one, gone ones at the end."""
    twins = counterparts(old, new)
    out: list[Change] = []
    for clause in new:
        twin = twins.get(clause.clause_id)
        kind: Kind = "added" if twin is None else "same" if _words(twin) == _words(clause) else "changed"
        out.append(Change(kind, twin, clause))
    kept = {c.clause_id for c in twins.values()}
    return (*out, *(Change("gone", c, None) for c in old if c.clause_id not in kept))


def counterparts(old: Sequence[Clause], new: Sequence[Clause]) -> dict[ClauseId, Clause]:
    """For each clause of the new edition the one of the old that it takes the place of, where there is one. A clause
    is matched by its place, then by equal words, wherever; what is left by its name or alike words under headings that
    are matched."""
    found: dict[ClauseId, Clause] = {}
    taken: set[ClauseId] = set()

    def match(key: Callable[[Clause], object]) -> None:
        free: dict[object, list[Clause]] = {}
        for c in reversed(old):
            if c.clause_id not in taken:
                free.setdefault(key(c), []).append(c)
        for c in new:
            same = free.get(key(c)) if c.clause_id not in found else None
            if same:
                found[c.clause_id] = same.pop()
                taken.add(found[c.clause_id].clause_id)

    match(lambda c: (_place(c), _words(c)))
    match(_place)
    match(_anywhere)
    under: dict[ClauseId | None, list[Clause]] = {}
    for c in old:
        under.setdefault(c.parent, []).append(c)
    for c in new:  # a heading before what stands under it
        above = found.get(c.parent) if c.parent else None
        if c.clause_id in found or (c.parent and above is None):
            continue
        near = [o for o in under.get(above.clause_id if above else None, ()) if o.clause_id not in taken and o.kind == c.kind]
        twin = _alike(c, near, old, new)
        if twin is not None:
            found[c.clause_id] = twin
            taken.add(twin.clause_id)
    return found


def _alike(clause: Clause, near: Sequence[Clause], old: Sequence[Clause], new: Sequence[Clause]) -> Clause | None:
    """Of clauses of the same kind under the same heading the one of the same name, else the one with the most alike
    words (ratio of difflib ≥ 0.6). Of a heading the words that stand under it count: a project of another place whose
    heading reads nearly the same is another project."""
    named = [o for o in near if _place(o)[-1] == _place(clause)[-1]]
    if len(named) == 1:
        return named[0]
    words = _all_words(clause, new)
    scored = [(difflib.SequenceMatcher(None, _all_words(o, old), words, autojunk=False).ratio(), -n) for n, o in enumerate(near)]
    best, n = max(scored, default=(0.0, 0))
    return near[-n] if best >= ALIKE else None


def _all_words(clause: Clause, clauses: Sequence[Clause]) -> str:
    """The words of a clause, of one with others under it theirs without their labels, which all projects share; up to
    a length that is quick to compare."""
    line = (*clause.path, clause.label)
    above = clause.kind == "heading" or clause.children
    below = [c.text[c.body_offset :] for c in clauses if c.path[: len(line)] == line] if above else []
    return re.sub(r"\s+", "", "".join(below) or clause.text)[:COMPARED]


def _anywhere(clause: Clause) -> object:
    """What a clause is known by wherever it stands. A field is not: "实施期限：3年内" says every second project."""
    if clause.kind == "heading":
        return ("heading", _unnumbered(clause.label))
    return _words(clause) if clause.kind != "field" and len(clause.text) > 8 else clause.clause_id


def _place(clause: Clause) -> tuple[str, ...]:
    """Where a clause stands, without years and numbers, which change from edition to edition."""
    label = _unnumbered(clause.label) if clause.label != clause.number else clause.number
    return (*(_unnumbered(p) for p in clause.path[1:]), label)


def _unnumbered(heading: str) -> str:
    bare = re.sub(r"(?:19|20)\d{2}年?度?|^[（(]?[\d一二三四五六七八九十]+[）).、．]", "", normalise(heading)).strip()
    return bare or normalise(heading)


def _words(clause: Clause) -> str:
    return re.sub(r"\s+", "", clause.text)
