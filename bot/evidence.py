"""Where an answer stands: for a section and a reading, the clause and the words in it, and what is not there.

Candidates are a section's labelled fields and the sentences of its clauses; they are scored by field, type of value,
words of the question and (where there is one) similarity of meaning. Nothing is composed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot import lexicon
from bot.facts import Quantity, is_field, quantities
from bot.lexical import normalise
from bot.types import Clause, ClauseId
from bot.understand import Reader, Reading

_SENTENCE = re.compile(r"[^。；;！？\n]+[。；;！？]?")
_SEGMENT = re.compile(r"[^，,。；;！？\n]+[，,。；;！？]?")
_CONDITION = re.compile(r"^(?:针对|对于?|若|如|其中|符合|属于|凡|经|按|在|第[一二三四五六七八九十0-9]+)")
MAX_QUOTE = 150  # characters of one quote in an answer

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of one clause that answer. `spans` are offsets into `clause.text`, in order."""

    clause: Clause
    spans: tuple[Span, ...]
    section: ClauseId
    score: float
    concept: str = ""
    by_field: bool = False

    @property
    def quote(self) -> str:
        return "".join(self.clause.text[s:e] for s, e in self.spans)


def sentences(text: str, start: int = 0) -> list[Span]:
    """Spans of the sentences of `text` from `start`, without their closing marks and blanks."""
    return [trimmed for m in _SENTENCE.finditer(text, start) if (trimmed := trim(text, m.start(), m.end()))[1] > trimmed[0]]


def segments(text: str, start: int, end: int) -> list[Span]:
    """Spans of the comma-separated parts of `text[start:end]`."""
    out = [trim(text, m.start(), m.end()) for m in _SEGMENT.finditer(text, start, end)]
    return [(s, e) for s, e in out if e > s]


def trim(text: str, start: int, end: int) -> Span:
    while end > start and text[end - 1] in "。；;，,、！？ \n\u3000：:":
        end -= 1
    while start < end and text[start] in " \n\u3000，。；、":
        start += 1
    return start, end


def body(clause: Clause) -> Span:
    """A clause's words without its number and label."""
    return trim(clause.text, min(clause.body_offset, len(clause.text)), len(clause.text))


class Finder:
    """Finds evidence in one index. `similar` maps clause ids to a question's similarity (0…1), set per question."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._norm = {c.clause_id: normalise(c.text) for c in reader.clauses}
        self._df: dict[str, int] = {}

    # -- support of words --------------------------------------------------------------------------------------

    def df(self, term: str) -> int:
        """In how many clauses a term stands."""
        if term not in self._df:
            self._df[term] = sum(term in text for text in self._norm.values())
        return self._df[term]

    def support(self, term: str, text: str) -> float:
        """How well a normalised text holds a term: 1 as it is, 0.9 by a synonym, else the share of its pairs."""
        if term in text:
            return 1.0
        if any(s in text for s in lexicon.synonyms(term)):
            return 0.9
        if len(term) <= 2 or not re.match(r"[\u3400-\u9fff]", term):
            return 0.0
        pairs = [term[i : i + 2] for i in range(len(term) - 1)]
        held = [p for p in pairs if p in text or any(s in text for s in lexicon.synonyms(p))]
        return 0.8 * len(held) / len(pairs)

    def coverage(self, terms: Sequence[tuple[str, float]], text: str) -> float:
        """Share of the terms' weight that a text supports; 1 where there are no terms."""
        total = sum(w for _, w in terms)
        return sum(w * self.support(t, text) for t, w in terms) / total if total else 1.0

    def unsupported(self, reading: Reading, pool: Iterable[ClauseId]) -> tuple[str, ...]:
        """Content nouns of the asking part that no clause of the pool, nor a heading over it, supports."""
        ids = {a for i in pool for a in self.reader.ancestors(i)} | set(pool)
        text = "\n".join(self._norm[i] for i in ids)
        return tuple(t for t, w in reading.terms if w >= 1 and self.support(t, text) < 0.5)

    # -- pools -------------------------------------------------------------------------------------------------

    def pool(self, section: ClauseId) -> list[list[ClauseId]]:
        """Clauses to look in for a section, nearest first: its own, then those of the section that it is part of."""
        own = self.reader.subtree(section)
        home = self.reader.home(section)
        if home is None or home == section or home in own:
            return [own]
        near = [i for i in self.reader.subtree(home) if i not in set(own) and not self._is_sibling(i, section)]
        return [own, near]

    def _is_sibling(self, clause_id: ClauseId, section: ClauseId) -> bool:
        """Other items beside a named one say nothing of it."""
        c, s = self.reader.by_id[clause_id], self.reader.by_id[section]
        chain = self.reader.ancestors(clause_id)
        return any(self.reader.by_id[a].parent == s.parent and self.reader.by_id[a].kind == s.kind for a in chain) and c.kind != "field"

    # -- search ------------------------------------------------------------------------------------------------

    def find(self, reading: Reading, section: ClauseId, similar: Mapping[ClauseId, float]) -> Evidence | None:
        """The best evidence in one section for what is asked, None where there is none."""
        tiers = self.pool(section)
        best: Evidence | None = None
        for depth, tier in enumerate(tiers):
            found = self._in_tier(reading, section, tier, similar, own=depth == 0 and len(tiers) > 1)
            if found is not None and (best is None or found.score > best.score + 0.35):
                best = found
        return best

    def _in_tier(
        self, reading: Reading, section: ClauseId, tier: Sequence[ClauseId], similar: Mapping[ClauseId, float], own: bool
    ) -> Evidence | None:
        candidates: list[Evidence] = []
        for clause_id in tier:
            clause = self.reader.by_id[clause_id]
            if clause.kind == "heading" and not is_field(clause) and clause.children:
                continue
            candidates += self._of_clause(reading, section, clause, similar.get(clause_id, 0.0))
        if not candidates:
            return None
        best = max(candidates, key=lambda e: (round(e.score, 4), -e.clause.start, -e.spans[0][0]))
        return replace(best, score=best.score + (0.5 if own and best.score > 0.8 else 0.0))

    def _of_clause(self, reading: Reading, section: ClauseId, clause: Clause, similarity: float) -> list[Evidence]:
        label_concept = self.reader.concept_of.get(clause.label, "") if is_field(clause) else ""
        named = clause.label in reading.query.fields and reading.field_named and is_field(clause)
        concepts = reading.concepts
        rank = concepts.index(label_concept) if label_concept in concepts else -1
        by_field = named or rank >= 0
        base = similarity
        if by_field:
            base += 1.2 - 0.15 * max(rank, 0) + (0.4 if named else 0.0)
        start, end = body(clause)
        if is_field(clause) and clause.children and end <= start:
            return self._of_children(section, clause, base, label_concept) if by_field else []
        out = []
        whole = self._norm[clause.clause_id]
        for span in sentences(clause.text, start):
            text = normalise(clause.text[span[0] : span[1]])
            score, concept = self._sentence_score(reading, text, whole, label_concept)
            out.append(Evidence(clause, (span,), section, base + score, concept or label_concept, by_field))
        if by_field and out:
            best = max(e.score for e in out)
            out = [self._widened(reading, clause, section, best, label_concept, out)]
        return [self._narrowed(reading, e) for e in out]

    def _of_children(self, section: ClauseId, clause: Clause, base: float, concept: str) -> list[Evidence]:
        """A label followed by items: the label's line, with the items as the answer's parts (composed later)."""
        return [Evidence(clause, ((0, len(clause.text)),), section, base + 0.3, concept, True)]

    def _sentence_score(self, reading: Reading, text: str, whole: str, label_concept: str) -> tuple[float, str]:
        """Score of a sentence for the reading, and the concept it was found for."""
        cover = self.coverage(reading.terms, text)
        if reading.terms:
            cover = 0.75 * cover + 0.25 * self.coverage(reading.terms, whole)
        kinds = {q.kind for q in quantities(text)}
        best, found = 0.0, ""
        for rank, name in enumerate(reading.concepts):
            c = lexicon.concepts()[name]
            value = 0.0
            if c.evidence and any(w.lower() in text for w in c.evidence):
                value += 0.45
                if c.types & kinds:
                    value += 0.35
                if c.types and not c.types & kinds:
                    value -= 0.2
            elif not c.evidence and c.types & kinds:
                value += 0.4
            if name == label_concept:
                value += 0.2
            value -= 0.08 * rank
            if value > best:
                best, found = value, name
        weight = 0.9 if reading.terms else 0.0
        bodies = [b for b, _ in reading.bodies]
        extra = 0.25 if bodies and any(w in text for b in bodies for w in lexicon.bodies()[b].guide) else 0.0
        return best + weight * cover + extra, found

    def _widened(
        self, reading: Reading, clause: Clause, section: ClauseId, score: float, concept: str, parts: Sequence[Evidence]
    ) -> Evidence:
        """A field as the answer: all of it where it is short, else its best sentences in their order."""
        start, end = body(clause)
        ordinal = self._by_ordinal(clause, section)
        if ordinal is not None:
            return Evidence(clause, (ordinal,), section, score, concept, True)
        focus = [e for e in parts if reading.terms and self.coverage(reading.terms, normalise(e.quote)) > 0.3]
        if focus:
            best = max(self.coverage(reading.terms, normalise(e.quote)) for e in focus)
            focus = [e for e in focus if self.coverage(reading.terms, normalise(e.quote)) >= best - 0.01][:2]
            return Evidence(clause, tuple(e.spans[0] for e in focus), section, score, concept, True)
        if end - start <= MAX_QUOTE:
            return Evidence(clause, ((start, end),), section, score, concept, True)
        spans: list[Span] = []
        for span in sentences(clause.text, start):
            if spans and span[1] - spans[0][0] > MAX_QUOTE + 60:
                break
            spans.append(span)
        return Evidence(clause, ((spans[0][0], spans[-1][1]),), section, score, concept, True)

    def _by_ordinal(self, clause: Clause, section: ClauseId) -> Span | None:
        """ "第1和第2项为择优委托；第3项为…": the part that speaks of the item asked about."""
        item = self.reader.by_id[section]
        number = re.sub(r"\D", "", item.number)
        if item.kind != "item" or not number or not re.search(r"第\s*\d", clause.text):
            return None
        for span in sentences(clause.text, body(clause)[0]):
            if re.search(rf"第\s*{number}(?!\d)", clause.text[span[0] : span[1]]):
                return span
        return None

    def _narrowed(self, reading: Reading, found: Evidence) -> Evidence:
        """For a value asked with words of its own ("培训多少医护人员"), the comma parts that hold both, together
        with the condition that opens the sentence."""
        if len(found.spans) != 1 or not reading.terms:
            return found
        (start, end) = found.spans[0]
        types = frozenset(t for c in reading.concepts for t in lexicon.concepts()[c].types)
        if end - start < 60 or not types:
            return found
        parts = segments(found.clause.text, start, end)
        scored = []
        for s, e in parts:
            text = found.clause.text[s:e]
            kinds = {q.kind for q in quantities(text)}
            scored.append((self.coverage(reading.terms, normalise(text)) * (1.0 if types & kinds else 0.4), s, e))
        best = max(scored)[0]
        if best < 0.3:
            return found
        chosen = [(s, e) for v, s, e in scored if v >= best - 0.01][:2]
        first = parts[0]
        if first not in chosen and _CONDITION.match(found.clause.text[first[0] : first[1]]) and first[1] - first[0] <= 40:
            chosen = [first, *chosen]
        return replace(found, spans=tuple(sorted(chosen)))


def typed(evidence: Evidence, kinds: Iterable[str]) -> list[Quantity]:
    """The quantities of some kinds in the words of an evidence, offsets relative to the clause's text."""
    wanted = set(kinds)
    out = []
    for start, end in evidence.spans:
        for q in quantities(evidence.clause.text[start:end]):
            if q.kind in wanted:
                out.append(replace(q, start=q.start + start, end=q.end + start))
    return out
