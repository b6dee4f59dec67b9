"""Sentences of the best clauses in the order in which they may answer: a linear model over what is known of each.

A guide without labelled fields (measures, notices, FAQ) answers in one sentence of many. Which one it is no single
sign tells: words of the question, words that answer the asked concept, the heading over it, likeness of meaning, the
type of value. How much each sign weighs is fitted on the question sets (`python -m eval.ranker`; a softmax over the
candidates of a question, as in ListNet: Cao et al., 2007) and kept as data in `bot/lexicon/ranking.toml`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import overload

from bot import lexicon
from bot.evidence import Finder, Sentence, asks_share, is_frame, wants_number
from bot.facts import is_field
from bot.lexical import normalise
from bot.types import Clause, ClauseId, Hit
from bot.understand import Reading

DEPTH = 20  # clauses whose sentences are looked at
FEATURES = (
    "words", "words_around", "story", "similar", "lexical", "place", "fused", "fused_foreign", "said_first", "said_any", "field_first", "field_any",
    "heading", "number", "no_number", "type", "unit", "named", "beside", "outside", "share_of_named", "body", "pairs",
    "percent", "date", "field", "frame", "length", "rarest", "rarest_gone",
    "denied", "denied_gone",
)  # fmt: skip
_PEOPLE = {"人", "名", "位"}
_NO_VALUE = {"body", "place", "url"}


Candidate = tuple[Clause, Sentence, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence with its score; scores of one question compare, those of two do not."""

    clause: Clause
    sentence: Sentence
    score: float


@cache
def weights() -> tuple[float, ...]:
    """One weight a feature, in their order."""
    table = lexicon.table("ranking")["sentence"]
    return tuple(float(table[name]) for name in FEATURES)


def ranked(rows: Iterable[Candidate]) -> list[Ranked]:
    """Sentences with their features (see `candidates`), the likeliest first; ties in the order in which they came."""
    found = [
        Ranked(clause, sentence, sum(w * f for w, f in zip(weights(), row, strict=True)))
        for clause, sentence, row in rows
    ]
    return sorted(found, key=lambda r: -round(r.score, 6))


def chances(order: Sequence[Ranked]) -> list[float]:
    """Of each sentence the chance that it holds the answer, as the ranking has it: its scores are fitted as the logits of
    a softmax over a question's candidates."""
    top = max((r.score for r in order), default=0.0)
    odds = [math.exp(r.score - top) for r in order]
    total = sum(odds)
    return [x / total for x in odds]


class Later(Sequence[Ranked]):
    """Ranked sentences that are made when the first of them is looked at: where fields answer, none is."""

    def __init__(self, make: Callable[[], Sequence[Ranked]]) -> None:
        self._make = make
        self._made: Sequence[Ranked] | None = None

    def _all(self) -> Sequence[Ranked]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, at: int) -> Ranked: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Ranked]: ...
    def __getitem__(self, at: int | slice) -> Ranked | Sequence[Ranked]:
        return self._all()[at]


def candidates(
    finder: Finder,
    reading: Reading,
    hits: Sequence[Hit],
    similar: Mapping[ClauseId, float],
    lexical: Mapping[ClauseId, float],
) -> list[Candidate]:
    """Every sentence of the hits' clauses with its features, in the order of the hits."""
    signs = _Signs(finder, reading)
    top = max((h.score for h in hits), default=0.0) or 1.0
    foreign = not reading.native
    out = []
    for n, hit in enumerate(hits[:DEPTH]):
        clause = hit.clause
        fused = max(0.0, hit.score) / top
        known = (
            similar.get(clause.clause_id, 0.0), lexical.get(clause.clause_id, 0.0), 1 / (1 + n), fused,
            fused if foreign else 0.0,
        )  # fmt: skip
        start = None if clause.parent is not None else 0
        whole = finder.sentences_of(clause, start) or (Sentence((0, len(clause.text)), normalise(clause.text)),)
        about = signs.of_clause(clause)
        title = finder.title_of(clause)
        told = [s for s in whole if s is not title] or whole  # a title names what the sentences after it say
        out += [(clause, s, signs.of_sentence(clause, s, known, about, title)) for s in told]
    return out


def pairs_of(text: str) -> frozenset[str]:
    """Every two characters that stand beside one another, punctuation left out."""
    kept = re.sub(r"[^\w]", "", normalise(text))
    return frozenset(kept[i : i + 2] for i in range(len(kept) - 1))


class _Signs:
    """What a question looks for, worked out once for all its candidates."""

    def __init__(self, finder: Finder, reading: Reading) -> None:
        reader = finder.reader
        asked = dict(reading.focus)
        self.finder, self.reader, self.reading = finder, reader, reading
        self.terms = finder.weighed(reading.focus)
        self.story = finder.weighed([(t, 0.7) for t in reading.story if t not in asked])
        self.rarest = max(self.terms, key=lambda t: t[1])[0] if self.terms else ""
        self.named = {i for s in reading.query.sections for i in (*reader.subtree(s), *reader.spoken_of(s))}
        homes = {h for s in reading.query.sections if (h := reader.home(s)) is not None}
        self.beside = {i for h in homes for i in reader.subtree(h)}
        self.concepts = reading.concepts[:4]
        self.first = self.concepts[0] if self.concepts else ""
        self.types = lexicon.concepts()[self.first].types if self.first else frozenset()
        self.wants, self.share = wants_number(reading), asks_share(reading)
        self.bodies = tuple(w for b, _ in reading.bodies for w in lexicon.bodies()[b].guide)
        self.pairs = pairs_of(reading.text)
        self.denies = bool(lexicon.pattern("question_denies_re").search(reading.text)) and not reading.yesno

    def of_clause(self, clause: Clause) -> tuple[float, ...]:
        """Features that all sentences of a clause share, in a fixed order (see `of_sentence`)."""
        i, reader, finder = clause.clause_id, self.reader, self.finder
        around = finder.context(clause)
        carried = finder.carried(clause)
        over = (lexicon.concept_of_label(reader.section_name(a)) for a in reader.ancestors(i)[1:4])
        return (
            finder.coverage(self.terms, around) if self.terms else 0.0,
            float(bool(carried) and carried == self.first),
            float(bool(carried) and carried in self.concepts[:3]),
            float(any(h and h in self.concepts[:2] for h in over)),
            float(i in self.named),
            float(i in self.beside and i not in self.named),
            float(bool(self.named) and i not in self.named and i not in self.beside),
            float(i in self.named) / max(1, len(self.named)),
            float(is_field(clause)),
            float(is_frame(clause)),
            float(bool(self.rarest) and finder.support(self.rarest, around) < 0.5),
        )

    def of_sentence(
        self, clause: Clause, sentence: Sentence, known: tuple[float, ...], about: tuple[float, ...],
        title: Sentence | None = None,
    ) -> tuple[float, ...]:  # fmt: skip
        around, field_first, field_any, heading, named, beside, outside, share, field, frame, gone = about
        finder, values = self.finder, sentence.values
        told = Sentence(sentence.span, normalise(clause.label) + sentence.text) if field else sentence
        if title is not None:
            told = Sentence(sentence.span, f"{title.text} {sentence.text}")
        said = [finder.said(c, told) for c in self.concepts]
        valued = bool(sentence.kinds - _NO_VALUE)
        forbids = self.denies and bool(lexicon.pattern("forbids_re").search(told.text))
        unit = self.reading.unit
        same_unit = bool(unit) and any(q.unit == unit or {q.unit, unit} <= _PEOPLE for q in values)
        return (
            finder.coverage(self.terms, told.text) if self.terms else 0.0,
            around,
            finder.coverage(self.story, told.text) if self.story else 0.0,
            *known,
            said[0] if said else 0.0, max(said, default=0.0), field_first, field_any, heading,
            float(self.wants and valued), float(self.wants and not valued), float(bool(self.types & sentence.kinds)),
            float(same_unit), named, beside, outside, share,
            float(any(w in told.text for w in self.bodies)),
            len(self.pairs & pairs_of(sentence.text)) / max(1, len(self.pairs)),
            float(self.share and any(q.unit == "%" for q in values)),
            float("deadline" in self.concepts[:2] and "date" in sentence.kinds),
            field, frame, min(1.0, (sentence.span[1] - sentence.span[0]) / 150),
            finder.support(self.rarest, told.text) if self.rarest else 0.0, gone,
            float(self.denies and forbids), float(self.denies and not forbids),
        )  # fmt: skip


def reranked(hits: Sequence[Hit], order: Sequence[Ranked], k: int) -> list[Hit]:
    """The hits in the order of their best sentences, the first `k`; hits beyond `DEPTH` follow as they were."""
    by_id = {h.clause.clause_id: h for h in hits}
    ids = dict.fromkeys([*(r.clause.clause_id for r in order), *by_id])
    best: dict[ClauseId, float] = {}
    for r in order:
        best.setdefault(r.clause.clause_id, r.score)
    return [
        Hit(by_id[i].clause, round(best.get(i, 0.0), 6), n, "reranked") for n, i in enumerate(list(ids)[:k], 1)
    ]


