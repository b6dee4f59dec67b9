"""`Reading` → ranked `Hit`s: dense + lexical + structure, fused so that a part without evidence does no harm."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bot import embed, lexicon
from bot.facts import is_field
from bot.index import Index
from bot.lexical import normalise, tokens
from bot.types import ClauseId, Hit
from bot.understand import Reader, Reading

DEPTH = 60  # chunks taken from each side
# Measured in docs/adr/0004-encoders.md: the second encoder helps across languages and blurs Chinese; between clauses
# that speak of the same things the question's own words tell better than likeness does, hence more than 1 for them,
# while what the glossary makes of a foreign question are a few words of many: they tip a balance, no more.
SAME_LANGUAGE = (1.0, 0.25)
OTHER_LANGUAGE = (1.0, 0.2)
OWN_WORDS = 1.5
FOREIGN_WORDS = 0.25
NEARER = 0.025  # by which a concept must be nearer than the next: right in 96 of 100 questions measured
AGREED = 0.015  # the same where the section's nearest field says it too
LOOSE = 0.2  # worth of a heading named in a text without labelled fields, where headings are many words


def question_vector(index: Index, reading: Reading, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The question's vector with its parts weighed for its language."""
    if len(index.parts) != 2:
        return vector
    weights = SAME_LANGUAGE if reading.native else OTHER_LANGUAGE
    return embed.weigh(vector, index.parts, weights)


def similarity(
    index: Index, vector: NDArray[np.float32], rows: NDArray[np.int64] | None = None
) -> dict[ClauseId, float]:
    """For every clause near the question, how much nearer than the rest: 0 at the median of the nearest, 1 at best.

    Cosines of e5 lie in a narrow band, so only their order and distance within one question say something.
    `rows` keeps only these chunks (those of one guide among many)."""
    if rows is None:
        found = index.dense(vector, DEPTH)
    else:
        scores = index.vectors[rows] @ vector
        order = np.argsort(-scores, kind="stable")[:DEPTH]
        found = [(int(rows[n]), float(scores[n])) for n in order]
    best: dict[ClauseId, float] = {}
    for row, score in found:
        clause_id = index.chunks[row].clause_id
        best[clause_id] = max(best.get(clause_id, -1.0), score)
    if not best:
        return {}
    floor, top = statistics.median(best.values()), max(best.values())
    width = max(top - floor, 1e-6)
    return {k: max(0.0, (v - floor) / width) for k, v in best.items()}


def meant(index: Index, vector: NDArray[np.float32], plain: NDArray[np.float32], near: str) -> str:
    """The concept whose plain question (lexicon/meanings.toml) is nearest to a question in meaning; "" where no one is
    clearly nearest. `near` is the concept of the section's nearest field: where both say the same, a narrow lead is
    enough."""
    told = plain @ embed.weigh(vector, index.parts, OTHER_LANGUAGE)
    best: dict[str, float] = {}
    for (concept, _), score in zip(plain_questions(), told, strict=True):
        best[concept] = max(best.get(concept, -1.0), float(score))
    first, second = sorted(best, key=lambda c: -best[c])[:2]
    clear = best[first] - best[second] >= (AGREED if first == near else NEARER)
    return first if clear and first != "none" else ""


def nearest_field(reader: Reader, reading: Reading, similar: Mapping[ClauseId, float]) -> str:
    """The concept of the field that is nearest to the question among those of the sections that it names."""
    homes = {h for s in reading.query.sections if (h := reader.home(s)) is not None}
    fields = [i for h in homes for i in reader.children.get(h, ()) if is_field(reader.by_id[i])]
    top = max(fields, key=lambda i: (similar.get(i, 0.0), i), default=None)
    return reader.concept_of.get(reader.by_id[top].label, "") if top is not None and similar.get(top) else ""


def plain_questions() -> list[tuple[str, str]]:
    """(concept, a plain question for it), in the order of their vectors."""
    return [(concept, text) for concept, texts in lexicon.table("meanings").items() for text in texts]


def lexical_scores(index: Index, reading: Reading) -> dict[ClauseId, float]:
    """BM25 by clause as a share of the best, weighed; empty where the question shares no words with the guides."""
    text = reading.query.standalone if reading.native else " ".join(reading.query.terms)
    found = index.lexical(tokens(normalise(text)), DEPTH)
    best: dict[ClauseId, float] = {}
    for row, score in found:
        clause_id = index.chunks[row].clause_id
        best[clause_id] = max(best.get(clause_id, 0.0), score)
    top = max(best.values(), default=0.0)
    share = OWN_WORDS if reading.native else FOREIGN_WORDS
    return {k: share * v / top for k, v in best.items()} if top > 0 else {}


def structure(reader: Reader, reading: Reading) -> dict[ClauseId, float]:
    """What the clause tree says: a clause of a named section, a field that was asked for, words that answer it."""
    out: dict[ClauseId, float] = {}
    own = {i for s in reading.query.sections for i in reader.subtree(s)}
    homes = {h for s in reading.query.sections if (h := reader.home(s)) is not None}
    beside = {i for h in homes for i in reader.subtree(h) if i in reader.field_concept}
    wanted = {i for c in reading.concepts for i in reader.fields_for(c)}
    labelled = {i for label in reading.query.fields if reading.field_named for i in reader.labelled(label)}
    for clause_id in own | beside | wanted | labelled:
        score = 0.0
        if clause_id in own:
            score += 0.8 if reader.home(clause_id) is not None else LOOSE
        elif clause_id in beside:
            score += 0.6
        if clause_id in wanted:
            score += 0.9 - 0.1 * reading.concepts.index(reader.field_concept[clause_id])
        if clause_id in labelled:
            score += 0.3
        if score and clause_id not in reader.field_concept and reader.by_id[clause_id].kind == "heading":
            score -= 0.5
        if score:
            out[clause_id] = score
    return out


def evidence_words(reader: Reader, reading: Reading) -> dict[ClauseId, float]:
    """Clauses that hold words which answer an asked concept."""
    if not reader.homes:
        return {}  # in plain texts such words stand everywhere
    return {i: 0.2 for concept in reading.concepts[:2] for i in reader.speaking_of(concept)}


def retrieve(
    index: Index,
    reader: Reader,
    reading: Reading,
    similar: Mapping[ClauseId, float],
    lexical: Mapping[ClauseId, float],
    k: int,
    guides: Sequence[str] = (),
) -> list[Hit]:
    """The `k` best clauses, the best first; ties by document order. `guides` keeps only these."""
    parts = (similar, lexical, structure(reader, reading), evidence_words(reader, reading))
    scores: dict[ClauseId, float] = {}
    for part in parts:
        for clause_id, value in part.items():
            scores[clause_id] = scores.get(clause_id, 0.0) + value
    by_id, order = index.by_id, index.order
    kept = scores if not guides else [i for i in scores if by_id[i].guide in guides]
    ranked = sorted((-round(scores[i], 6), order[i], i) for i in kept)[:k]
    return [Hit(by_id[i], -score, n, "fused") for n, (score, _, i) in enumerate(ranked, 1)]
