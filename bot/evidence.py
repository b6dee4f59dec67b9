"""Where an answer stands: for a section and a reading, the clause and the words in it, and what is not there.

Candidates are a section's labelled fields and the sentences of its clauses; they are scored by field, type of value,
words of the question and (where there is one) similarity of meaning. Nothing is composed here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from bot import lexicon
from bot.english import form_of, stem
from bot.facts import Quantity, is_faq, is_field, quantities
from bot.lexical import normalise
from bot.types import Clause, ClauseId
from bot.understand import Reader, Reading

# A full stop ends a sentence where a capital follows, but for one behind an initial or an abbreviation.
_STOP = r"\.(?!\s+[A-Z“\"(])|(?<=\b[A-Z])\.|(?<=\b(?:Dr|Mr|Ms|No|St|vs|cf))\.|(?<=\b(?:Art|e\.g|i\.e|etc|Mrs))\.|(?<=\bapprox)\."
_SENTENCE = re.compile(rf"(?:[^。；;！？\n.]+|{_STOP})+[。；;！？.]?")
_SEGMENT = re.compile(r"(?:[^，,。；;！？\n]|(?<=\d)[,，](?=\d{3}(?!\d)))+[，,。；;！？]?")  # "25,000" is one number
_NTH = re.compile(r"第[一二三四五六七八九十\d]+[\u4e00-\u9fff]")
_STATES = re.compile(r"[，,、：:；\d]|应|不得|可以|须|由|是|为|不|按|给予|享受|负责|有效|施行")
_CONDITION = re.compile(r"^(?:针对|对于?|若|如|其中|符合|属于|凡|经|按|在|第[一二三四五六七八九十0-9]+)")
BESIDE = 1.1  # most for a sentence of a field whose label says another of the asked things: below that of its own field
ENOUGH = 0.62  # least score of an evidence
_WORDLESS = 0.25
MAX_QUOTE = 150  # characters of one quote in an answer

_KEPT = 4096  # words whose number of clauses is remembered

Span = tuple[int, int]
Terms = Sequence[tuple[str, float]]


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
    return [
        trimmed for m in _SENTENCE.finditer(text, start) if (trimmed := trim(text, m.start(), m.end()))[1] > trimmed[0]
    ]


def segments(text: str, start: int, end: int) -> list[Span]:
    """Spans of the comma-separated parts of `text[start:end]`."""
    out = [trim(text, m.start(), m.end()) for m in _SEGMENT.finditer(text, start, end)]
    return [(s, e) for s, e in out if e > s]


def trim(text: str, start: int, end: int) -> Span:
    while end > start and (text[end - 1] in "。；;，,、！？ \n\u3000：:" or _full_stop(text, end - 1)):
        end -= 1
    while start < end and text[start] in " \n\u3000，。；、":
        start += 1
    return start, end


def _full_stop(text: str, at: int) -> bool:
    """Whether a "." closes an English sentence: not behind an initial ("U.S.") or another mark ("...")."""
    return text[at] == "." and at > 1 and text[at - 1] not in ". " and text[at - 2] not in ". "


def body(clause: Clause) -> Span:
    """A clause's words without its number and label."""
    return trim(clause.text, min(clause.body_offset, len(clause.text)), len(clause.text))


@dataclass(frozen=True)
class Sentence:
    """A sentence of a clause as questions look into it: where it stands, its normalised words, their values."""

    span: Span
    text: str

    @cached_property
    def values(self) -> tuple[Quantity, ...]:
        return quantities(self.text)

    @cached_property
    def kinds(self) -> frozenset[str]:
        return frozenset(q.kind for q in self.values)


@lru_cache(maxsize=4096)
def _regions(word: str) -> tuple[str, ...]:
    """Regions that a place belongs to ("西部" of a province)."""
    return tuple(r for r, members in lexicon.table("places")["regions"].items() if word in members)


@lru_cache(maxsize=4096)
def _scattered(word: str) -> re.Pattern[str]:
    """A word's characters in order, with up to three others between two of them."""
    return re.compile(".{0,3}".join(map(re.escape, word)))


Weighed = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class _About:
    """What all sentences of a clause share: whether its label names what is asked; words sought, with the share of
    them that stands around it."""

    label: bool
    words: tuple[tuple[Weighed, float], ...]


class Finder:
    """Finds evidence in one index. `similar` maps clause ids to a question's similarity (0…1), set per question.

    What a question needs of a clause (its sentences, their values, the headings over it) is worked out when first
    needed and kept: it depends on the guide alone."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._texts = reader.texts
        self._df: dict[str, int] = {}
        self._sentences: dict[tuple[ClauseId, int], tuple[Sentence, ...]] = {}
        self._contexts: dict[ClauseId, str] = {}
        self._pools: dict[ClauseId, tuple[tuple[ClauseId, ...], ...]] = {}

    def sentences_of(self, clause: Clause, start: int | None = None) -> tuple[Sentence, ...]:
        """The sentences of a clause, from its body on unless `start` says otherwise."""
        key = (clause.clause_id, -1 if start is None else start)
        known = self._sentences.get(key)
        if known is None:
            spans = sentences(clause.text, body(clause)[0] if start is None else start)
            known = tuple(Sentence((s, e), normalise(clause.text[s:e])) for s, e in spans)
            self._sentences[key] = known
        return known

    def title_of(self, clause: Clause) -> Sentence | None:
        """The short line that an article opens with to say what it is about ("第四条 会展补助。…"): a name, no statement."""
        told = self.sentences_of(clause)
        if clause.kind not in ("article", "item", "paragraph") or len(told) < 2 or is_faq(clause):
            return None
        return told[0] if len(told[0].text) <= 16 and not _STATES.search(told[0].text) else None

    # -- support of words --------------------------------------------------------------------------------------

    def df(self, term: str) -> int:
        """In how many clauses a term stands."""
        known = self._df.get(term)
        if known is None:
            if len(self._df) >= _KEPT:
                self._df.clear()
            holds = form_of(stem(term)).search if term.isascii() else lambda text: term in text
            known = self._df[term] = sum(bool(holds(text)) for text in self._texts.values())
        return known

    def support(self, term: str, text: str) -> float:
        """How well a normalised text holds a term: 1 as it is, 0.9 by a synonym, else the share of its pairs."""
        if term.isascii():
            return self._support_of_stem(term, text)
        if term in text:
            return 1.0
        for other in (*lexicon.synonyms(term), *_regions(term)):
            if other in text:
                return 0.9
        if not "\u3400" <= term[0] <= "\u9fff":
            return 0.0
        for char in term:
            if char not in text:
                break
        else:
            if _scattered(term).search(text):
                return 0.7  # "农产品" in "农（牧、渔）产品"
        if len(term) <= 2:
            return 0.0
        pairs = [term[i : i + 2] for i in range(len(term) - 1)]
        held = [p for p in pairs if p in text or any(s in text for s in lexicon.synonyms(p))]
        return 0.8 * len(held) / len(pairs)

    def _support_of_stem(self, term: str, text: str) -> float:
        """The same for a word of Latin letters, in any of its forms."""
        short = stem(term)
        if form_of(short).search(text):
            return 1.0
        others = dict.fromkeys((*lexicon.synonyms(term), *lexicon.synonyms(short)))
        return 0.9 if any(form_of(o).search(text) if o.isascii() else o in text for o in others) else 0.0

    def coverage(self, terms: Sequence[tuple[str, float]], text: str) -> float:
        """Share of the terms' weight that a text supports; 1 where there are no terms."""
        total = held = 0.0
        for term, weight in terms:
            total += weight
            held += weight if term in text and not term.isascii() else weight * self.support(term, text)
        return held / total if total else 1.0

    def text_of(self, clause_id: ClauseId) -> str:
        """A clause's text as words are looked for in it."""
        return self._texts[clause_id]

    # -- pools -------------------------------------------------------------------------------------------------

    def pool(self, section: ClauseId) -> tuple[tuple[ClauseId, ...], ...]:
        """Clauses to look in for a section, nearest first: its own, then those of the section that it is part of."""
        known = self._pools.get(section)
        if known is None:
            own = self.reader.subtree(section)
            home = self.reader.home(section)
            known = (own,)
            if home is not None and home not in own:
                inner = set(own)
                near = (i for i in self.reader.subtree(home) if i not in inner and not self._is_sibling(i, section))
                known = (own, tuple(near))
            self._pools[section] = known
        return known

    def _is_sibling(self, clause_id: ClauseId, section: ClauseId) -> bool:
        """Other items beside a named one say nothing of it."""
        c, s = self.reader.by_id[clause_id], self.reader.by_id[section]
        chain = self.reader.ancestors(clause_id)
        return (
            any(self.reader.by_id[a].parent == s.parent and self.reader.by_id[a].kind == s.kind for a in chain)
            and c.kind != "field"
        )

    # -- search ------------------------------------------------------------------------------------------------

    def find(self, reading: Reading, section: ClauseId, similar: Mapping[ClauseId, float]) -> Evidence | None:
        """The best evidence in one section for what is asked: for the first concept that the section speaks of, else
        for the words of the question. None where there is none; its score says how well it fits."""
        if self.reader.home(section) is None:
            return self._plain(reading, section, similar)
        good: list[Evidence] = []
        for concept in ordered_concepts(reading):
            found = self.find_for(concept, reading, section, similar)
            if found is not None and found.score >= ENOUGH:
                if reading.unit not in _PEOPLE or counts(found, reading.unit):
                    return found
                good.append(found)  # "几个人": a value that counts no people answers only where none does
        if good:
            said = self._by_words(reading, section, similar)
            return said if said is not None and said.score >= ENOUGH and counts(said, reading.unit) else good[0]
        return self._by_label(reading, section) or self._by_words(reading, section, similar)

    def _by_label(self, reading: Reading, section: ClauseId) -> Evidence | None:
        """The section's own field whose label stands in the question, where no concept of the genre is asked for."""
        if not reading.field_named or reading.concepts:
            return None
        own = (self.reader.by_id[i] for i in self.reader.subtree(section))
        named = next((c for c in own if is_field(c) and c.label in reading.query.fields and body(c)[1] > body(c)[0]), None)
        return self._field(reading, named, section, "") if named is not None else None

    def _plain(self, reading: Reading, section: ClauseId, similar: Mapping[ClauseId, float]) -> Evidence | None:
        """In texts without labelled fields (articles, measures, FAQ): the sentence that best holds the question's
        words, under a heading or lead-in that holds the rest, and the type of value that is asked for."""
        best: Evidence | None = None
        sought = self._sought(reading)
        for clause_id in self.reader.subtree(section):
            clause = self.reader.by_id[clause_id]
            if is_frame(clause) and not (clause.kind == "article" or clause.text.rstrip().endswith(("：", ":"))):
                continue
            about = self._about(reading, clause, sought)
            for sentence in self.sentences_of(clause):
                found = self._weighed_plainly(reading, section, clause, sentence, similar, about)
                if best is None or found.score > best.score + 1e-9:
                    best = found
        return self._answered(reading, best) if best is not None else None

    def of_sentence(
        self, reading: Reading, clause: Clause, sentence: Sentence, similar: Mapping[ClauseId, float]
    ) -> Evidence:
        """One sentence of a text without labelled fields as evidence, narrowed to what is asked."""
        about = self._about(reading, clause, self._sought(reading))
        return self._answered(reading, self._weighed_plainly(reading, clause.clause_id, clause, sentence, similar, about))

    def _sought(self, reading: Reading) -> tuple[Weighed, Weighed]:
        """The words that a sentence should hold, with those of the story around the asking part at less weight; and
        the same without those of the asking phrase."""
        asked = dict(reading.focus)
        story = [(t, 0.7) for t in reading.story if t not in asked]
        return self.weighed([*reading.focus, *story]), self.weighed([*reading.terms, *story])

    def _about(self, reading: Reading, clause: Clause, sought: tuple[Weighed, Weighed]) -> _About:
        """What all sentences of a clause share: whether its label or heading names what is asked, and how much of the
        words sought its surroundings hold. A label stands for the words of the asking phrase."""
        context = self.context(clause)
        label = any(c in (self.carried(clause), self._headed(clause)) for c in reading.concepts[:2])
        label = label or _asks_same(reading, clause)
        kept = sought if label else sought[:1]
        return _About(label, tuple((terms, self.coverage(terms, context)) for terms in kept))

    def _weighed_plainly(
        self, reading: Reading, section: ClauseId, clause: Clause, sentence: Sentence,
        similar: Mapping[ClauseId, float], about: _About,
    ) -> Evidence:  # fmt: skip
        text, kinds = sentence.text, sentence.kinds
        own = 0.15 if is_faq(clause) else 0.55  # of an answer its question says what it is about
        labelled = is_field(clause) or is_faq(clause)
        named = Sentence(sentence.span, normalise(clause.label) + text) if labelled else sentence
        title = self.title_of(clause)
        if title is not None and title is not sentence:
            text = f"{title.text} {text}"
        said, concept = max(
            ((self.said(c, named) - 0.05 * n, c) for n, c in enumerate(reading.concepts)), default=(0.0, "")
        )
        cover = max(
            own * self.coverage(terms, text) + (1 - own) * around if terms else 0.35 for terms, around in about.words
        )
        score = 0.95 * cover + 0.55 * max(said, 0.0) + 0.35 * about.label + 0.25 * similar.get(clause.clause_id, 0.0)
        score += (0.35 if reading.yesno else 0.12) * bool(
            reading.bodies and any(w in named.text for b, _ in reading.bodies for w in lexicon.bodies()[b].guide)
        )
        score += 0.5 * _alike(reading.text, clause.label) if is_faq(clause) else 0.0
        if asks_share(reading):
            score += 0.3 if any(q.kind == "ratio" and q.unit == "%" for q in sentence.values) else -0.2
        if reading.yesno and _conditional(clause, self.reader):
            score += 0.12
        first = lexicon.concepts()[reading.concepts[0]].types if reading.concepts else frozenset()
        if wants_number(reading) and (not kinds or (first and not first & kinds)):
            score -= 0.35
        concept = concept if said > 0.2 else ""
        return Evidence(clause, (sentence.span,), section, score, concept, about.label and is_field(clause))

    def _answered(self, reading: Reading, found: Evidence) -> Evidence:
        """Of an FAQ's answer all where it is short; else the sentence, narrowed to the value asked for."""
        clause = found.clause
        start, end = body(clause)
        one = wants_number(reading) or _NTH.search(reading.text)
        if is_faq(clause) and end - start <= MAX_QUOTE and (reading.yesno or not one):
            return self._of_class(reading, replace(found, spans=((start, end),)))
        return self.narrowed(reading, self._of_class(reading, found))

    def _of_class(self, reading: Reading, found: Evidence) -> Evidence:
        """Where words speak of several classes ("A类可以…；D类不得…") and the question names one, what is said of that:
        a part that names no class goes on with the one before it."""
        asked = {m.text for m in reading.named if m.text in self.reader.classes}
        if not asked:
            return found
        kept: list[Span] = []
        others = False
        for start, end in found.spans:
            said: set[str] = set()
            for span in segments(found.clause.text, start, end):
                said = self.reader.classes_in(normalise(found.clause.text[slice(*span)])) or said
                if said and not said & asked:
                    others = True
                elif kept and kept[-1][1] >= span[0] - 1:
                    kept[-1] = (kept[-1][0], span[1])
                else:
                    kept.append(span)
        return replace(found, spans=tuple(kept)) if others and kept else found

    def find_for(
        self, concept: str, reading: Reading, section: ClauseId, similar: Mapping[ClauseId, float]
    ) -> Evidence | None:
        """Evidence for one concept: a labelled field, or a sentence that holds its words and types."""
        best: Evidence | None = None
        top = 0.0
        terms = self.weighed(reading.focus)
        tiers = self.pool(section)
        for depth, tier in enumerate(tiers):
            own = depth == 0 and len(tiers) > 1
            for clause_id in tier:
                clause = self.reader.by_id[clause_id]
                if is_frame(clause):
                    continue
                found = self._of_concept(concept, reading, section, clause, terms)
                if found is None:
                    continue
                score = found.score + 0.2 * similar.get(clause_id, 0.0) + (0.6 if own else 0.0)
                if best is None or score > top + 1e-9:
                    best, top = found, score
        return replace(best, score=top) if best is not None else None

    def carried(self, clause: Clause) -> str:
        """The concept that a clause answers by its place: its own label's, or for an item that of the field it is in."""
        if is_field(clause):
            return self.reader.concept_of.get(clause.label, "")
        parent = self.reader.by_id.get(clause.parent) if clause.parent else None
        if clause.kind == "item" and parent is not None and is_field(parent):
            return self.reader.concept_of.get(parent.label, "")
        return ""

    def _headed(self, clause: Clause) -> str:
        """The concept that the heading right above a paragraph names ("四、申报时间"), as a label does on one line."""
        parent = self.reader.by_id.get(clause.parent) if clause.parent else None
        if parent is None or clause.kind != "paragraph" or parent.kind != "heading" or parent.parent is None:
            return ""
        return lexicon.concept_of_label(self.reader.section_name(parent.clause_id))

    def _of_concept(
        self, concept: str, reading: Reading, section: ClauseId, clause: Clause, terms: Terms
    ) -> Evidence | None:
        by_label = self.carried(clause) == concept or (
            reading.field_named and is_field(clause) and clause.label in reading.query.fields
        )
        if by_label and is_field(clause):
            start, end = body(clause)
            if end <= start:
                return (
                    Evidence(clause, ((0, len(clause.text)),), section, 1.3, concept, True) if clause.children else None
                )
            return self._field(reading, clause, section, concept)
        best: Evidence | None = None
        # Without labelled fields only the question's words tell which of many sentences of one kind is meant.
        flat = self.reader.home(clause.clause_id) is None
        around: float | None = None
        for sentence in self.sentences_of(clause):
            score = self.said(concept, sentence) + (0.4 if by_label else 0.0)
            if score <= 0.2:
                continue
            if around is None:
                around = self._around(terms, clause)
            score += (1.1 if flat else 0.5) * self._cover(terms, sentence.text, around) - (
                0.3 if flat and reading.focus else 0.0
            )
            alone = not reading.focus and reading.concepts == (concept,) and not reading.native
            if alone and lexicon.concepts()[concept].detail:
                score += _WORDLESS  # no word of a foreign question can be looked for, and those of a detail are its own
            score += 0.2 * bool(
                reading.bodies and any(w in sentence.text for b, _ in reading.bodies for w in lexicon.bodies()[b].guide)
            )
            if not by_label and self.carried(clause) in reading.concepts:
                score = min(score, BESIDE)
            if best is None or score > best.score:
                best = Evidence(clause, (sentence.span,), section, score, concept, by_label)
        return self.narrowed(reading, best) if best is not None else None

    def context(self, clause: Clause) -> str:
        """A clause's text with the headings over it, for words that only those hold."""
        known = self._contexts.get(clause.clause_id)
        if known is None:
            over = self.lead_in(clause)
            lead = self._texts.get(clause.parent, "") if clause.parent else ""
            lead = f"{lead}\n{self._texts[over.clause_id]}" if over is not None and over.clause_id != clause.parent else lead
            known = "\n".join((self._texts[clause.clause_id], lead, normalise("\n".join(clause.path[-2:]))))
            self._contexts[clause.clause_id] = known
        return known

    def lead_in(self, clause: Clause) -> Clause | None:
        """What an item's list begins with: the clause that it stands under, or, right under a heading, the paragraph
        before the list that breaks off or ends in a colon ("应当提交下列材料：")."""
        parent = self.reader.by_id.get(clause.parent) if clause.parent else None
        if parent is None or parent.kind != "heading":
            return parent
        if clause.kind != "item":
            return None
        beside = parent.children
        for i in reversed(beside[: beside.index(clause.clause_id)] if clause.clause_id in beside else ()):
            before = self.reader.by_id[i]
            if before.kind != "item":
                told = before.kind == "paragraph" and not before.text.rstrip().endswith(("。", "；", ";", ".", "！", "？"))
                return before if told and not before.cells else None
        return None

    def said(self, concept: str, sentence: Sentence) -> float:
        """How well a sentence speaks of a concept: its words, its types."""
        c = lexicon.concepts()[concept]
        typed_ok = bool(c.types) and not c.types.isdisjoint(sentence.kinds)
        if c.strict and not typed_ok:
            return 0.0
        if not c.evidence:
            return 0.45 if typed_ok else 0.0
        if not c.said.search(sentence.text):
            return 0.0
        return 0.45 + (0.3 if typed_ok else -0.1 if c.types else 0.1)

    def _around(self, terms: Terms, clause: Clause) -> float:
        """How much of the (weighed) terms a clause holds with the headings over it."""
        return self.coverage(terms, self.context(clause)) if terms else 0.0

    def _cover(self, terms: Terms, text: str, around: float) -> float:
        """How much of the terms a sentence holds, and what stands around it."""
        return 0.75 * self.coverage(terms, text) + 0.25 * around if terms else 0.0

    def weighed(self, terms: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        """Terms with their weights times how rare they are among the clauses (a word that no clause has stays at 1)."""
        n = max(2, len(self._texts))
        return [
            (t, w * (0.3 + math.log((n + 1) / (self.df(t) + 1)) / math.log(n + 1)) if self.df(t) else w * 0.8)
            for t, w in terms
        ]

    def _by_words(self, reading: Reading, section: ClauseId, similar: Mapping[ClauseId, float]) -> Evidence | None:
        """The sentence that holds most of the question's words; for a foreign question the nearest in meaning."""
        best: Evidence | None = None
        top = 0.0
        terms = self.weighed(reading.focus)
        tiers = self.pool(section)
        for depth, tier in enumerate(tiers):
            for clause_id in tier:
                clause = self.reader.by_id[clause_id]
                if is_frame(clause) and clause.parent is not None:
                    continue
                found = self._of_words(reading, section, clause, similar.get(clause_id, 0.0), terms)
                if found is None:
                    continue
                score = found.score + (0.15 if depth == 0 and len(tiers) > 1 else 0.0)
                if best is None or score > top + 1e-9:
                    best, top = found, score
        return self.narrowed(reading, replace(best, score=top)) if best is not None else None

    def _of_words(
        self, reading: Reading, section: ClauseId, clause: Clause, similarity: float, terms: Terms
    ) -> Evidence | None:
        best: Evidence | None = None
        wanted = {t for c in reading.concepts for t in lexicon.concepts()[c].types}
        around = self._around(terms, clause)
        for sentence in self.sentences_of(clause, None if clause.parent is not None else 0):
            cover = self._cover(terms, sentence.text, around)
            typed_ok = bool(wanted) and not wanted.isdisjoint(sentence.kinds)
            score = 0.95 * cover + 0.2 * similarity + 0.15 * typed_ok
            if wants_number(reading) and not _has_number(clause, sentence):
                score -= 0.35
            if best is None or score > best.score + 1e-9:
                best = Evidence(clause, (sentence.span,), section, score)
        return best

    def _field(self, reading: Reading, clause: Clause, section: ClauseId, concept: str) -> Evidence:
        """A labelled field as the answer: all of it where it is short, else the sentences that hold the question's words."""
        start, end = body(clause)
        ordinal = self._by_ordinal(clause, section)
        if ordinal is not None:
            return Evidence(clause, (ordinal,), section, 1.4, concept, True)
        asked_beside = [t for t, w in reading.terms if w >= 1 and self.support(t, self.context(clause)) < 0.5]
        score = (0.9 if asked_beside else 1.2) + 0.3 * (clause.label in reading.query.fields and reading.field_named)
        told = self.sentences_of(clause)
        spans = [s.span for s in told]
        numeric = bool(lexicon.concepts()[concept].types) if concept else False
        sought = reading.focus if numeric else reading.terms
        if reading.yesno and not reading.comparing and end - start <= MAX_QUOTE:
            return Evidence(clause, ((start, end),), section, score, concept, True)
        if sought and len(spans) > 1:
            terms = self.weighed(sought)
            covers = [(self.coverage(terms, s.text), *s.span) for s in told]
            best = max(covers)[0]
            if best >= 0.25 and best > 1.05 * min(covers)[0]:
                kept = [(s, e) for v, s, e in covers if v >= best - 0.01][:2]
                found = Evidence(clause, tuple(kept), section, score + 0.3 * best, concept, True)
                return self.narrowed(reading, found) if len(kept) == 1 else found
        elif reading.focus and spans and end - start > 60:
            narrowed = self.narrowed(reading, Evidence(clause, (spans[0],), section, score, concept, True))
            if narrowed.spans != (spans[0],):
                return narrowed
        if end - start <= MAX_QUOTE:
            return Evidence(clause, ((start, end),), section, score, concept, True)
        last = spans[0][1]
        for _, e in spans:
            if e - start > MAX_QUOTE + 90:
                break
            last = e
        return Evidence(clause, ((start, last),), section, score, concept, True)

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

    def narrowed(self, reading: Reading, found: Evidence) -> Evidence:
        """In a long sentence the comma parts that hold the value asked for, with the parts before it that say for
        what it is ("对获评…的企业，给予最高…奖励"), and the condition that opens the sentence."""
        (start, end) = found.spans[0]
        wanted = {t for c in reading.concepts[:2] for t in lexicon.concepts()[c].types}
        if not wanted and wants_number(reading):
            wanted = {"amount", "count", "duration", "rate", "ratio"}
        if not wanted and lexicon.pattern("time_asked_re").search(reading.text):
            wanted = {"date", "duration"}
        several = len(lexicon.pattern("value_word_re").findall(reading.text)) > 1
        if len(found.spans) != 1 or end - start < 36 or not wanted or reading.listing or several:
            return found
        parts = segments(found.clause.text, start, end)
        groups = self._value_groups(found, parts, wanted)
        if len(parts) < 2 or not groups:
            return found
        if _CAP.search(reading.text):  # "上限多少": the parts that say a cap, where there are any
            capped = [g for g in groups if _CAP.search(found.clause.text[g[-1][0] : g[-1][1]])]
            groups = capped or groups
        if reading.unit != "个":  # which counts anything
            groups = [g for g in groups if _in_unit(reading, found, g[-1])] or groups
        named = _NTH.findall(reading.text)
        terms = [*(reading.near or reading.focus), *((n, 3.0) for n in named)]
        scored = []
        for group in groups:
            text = normalise(found.clause.text[group[0][0] : group[-1][1]])
            last = normalise(found.clause.text[group[-1][0] : group[-1][1]])
            said = bool(found.concept) and self.said(found.concept, Sentence(group[-1], last)) > 0.2
            cover = self.coverage(terms, last) + 0.5 * self.coverage(terms, text) if terms else 0.0
            # "年薪超过50万元的，每人补贴6万元": what ends in "的" is a condition, not what is given
            condition = found.concept == "funding" and last.endswith("的")
            scored.append((cover + 0.3 * said + 0.4 * _in_unit(reading, found, group[-1]) - 0.6 * condition, group))
        best = max(v for v, _ in scored)
        if best < 0.25 and len(groups) > 1:
            return found
        chosen = [part for v, group in scored if v >= best - 0.02 for part in self._trimmed(group, found, terms)]
        chosen = _with_cap(found.clause.text, parts, chosen)
        if len(chosen) >= len(parts) or sum(v >= best - 0.02 for v, _ in scored) > 3:
            return found
        first = parts[0]
        if (
            first not in chosen
            and all(first != g[-1] for g in groups)  # "第一批为…，第二批为…": a value beside this one is no condition of it
            and _CONDITION.match(found.clause.text[first[0] : first[1]])
            and first[1] - first[0] <= 40
        ):
            chosen = [first, *chosen]
        return replace(found, spans=_merged(found.clause.text, sorted(chosen)))

    def _value_groups(self, found: Evidence, parts: Sequence[Span], wanted: set[str]) -> list[list[Span]]:
        """Parts up to and including each that holds a wanted type of value."""
        groups: list[list[Span]] = []
        open_: list[Span] = []
        for s, e in parts:
            open_.append((s, e))
            if wanted & {q.kind for q in quantities(found.clause.text[s:e])}:
                groups.append(open_)
                open_ = []
        return groups

    def _trimmed(self, group: list[Span], found: Evidence, terms: Sequence[tuple[str, float]]) -> list[Span]:
        """A group's value and, of the parts before it, those from the first that holds a word of the question."""
        for n, (s, e) in enumerate(group):
            if terms and self.coverage(terms, normalise(found.clause.text[s:e])) > 0:
                return group[n:]
        return group[-1:]


def _in_unit(reading: Reading, found: Evidence, span: Span) -> bool:
    """Whether a part counts in the unit that "how many" asks in ("几人", "人数")."""
    units = {q.unit for q in quantities(found.clause.text[span[0] : span[1]])}
    return bool(reading.unit) and bool(units & (_PEOPLE if reading.unit in _PEOPLE else {reading.unit}))


def _asks_same(reading: Reading, clause: Clause) -> bool:
    """Whether a question of the guide's own asks for the same thing as the reader's."""
    asks = (lexicon.concepts()[c].ask("zh") for c in reading.concepts[:1] if is_faq(clause))
    return any(ask is not None and ask.search(normalise(clause.label)) for ask in asks)


def _alike(question: str, label: str) -> float:
    """How alike two questions are: Dice's measure over their characters and pairs of characters."""
    a, b = ({t[n : n + k] for k in (1, 2) for n in range(len(t) - k + 1)} for t in (question, normalise(label)))
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


_CAP = re.compile(r"最高|最多|不超过|封顶|上限|限额")


def _with_cap(text: str, parts: Sequence[Span], chosen: Sequence[Span]) -> list[Span]:
    """A share with the cap beside it, and a cap with its share ("按…的20%，给予最高200万元"): one limits the other."""
    kinds = [{q.kind for q in quantities(text[s:e])} for s, e in parts]
    out = set(chosen)
    for n in range(len(parts) - 1):
        capped = "ratio" in kinds[n] and "amount" in kinds[n + 1] and _CAP.search(text[slice(*parts[n + 1])])
        if capped and out & {parts[n], parts[n + 1]}:
            out |= {parts[n], parts[n + 1]}
    return sorted(out)


def _conditional(clause: Clause, reader: Reader) -> bool:
    """Whether a clause stands in a list of conditions or of cases that are ruled out."""
    parent = reader.by_id.get(clause.parent) if clause.parent else None
    return parent is not None and bool(lexicon.pattern("condition_list_re").search(parent.text))


def asks_share(reading: Reading) -> bool:
    """Whether a percentage is asked for ("几成"), not another rate."""
    asking = lexicon.concepts()["ratio"].ask("zh" if reading.language.startswith("zh") else reading.language)
    return asking is not None and bool(asking.search(reading.text))


def _has_number(clause: Clause, sentence: Sentence) -> bool:
    """Whether words give a value; in a table's row, whose units stand in the header, a bare number is one."""
    if clause.kind == "row":
        return bool(re.search(r"\d", sentence.text))
    return not sentence.kinds <= {"body", "place", "url"}


def _merged(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Neighbouring spans, with only a comma between them, as one."""
    out: list[Span] = []
    for s, e in spans:
        if out and len(text[out[-1][1] : s].strip("，,、 ")) == 0:
            out[-1] = (out[-1][0], e)
        else:
            out.append((s, e))
    return tuple(out)


_PEOPLE = {"人", "名", "位"}


def wants_number(reading: Reading) -> bool:
    return bool(lexicon.pattern("quantity_asked_re").search(reading.text))


def counts(found: Evidence, unit: str) -> bool:
    """Whether words give a number in a unit, people by any of their words."""
    units = _PEOPLE if unit in _PEOPLE else {unit}
    return any(q.unit in units or q.value.partition("/")[2] in units for q in quantities(found.quote))


_GENERAL = ("requirements", "process", "ratio", "materials")


def ordered_concepts(reading: Reading) -> list[str]:
    """The asked concepts, the general ones after the telling ones."""
    return sorted(
        reading.concepts,
        key=lambda c: (c in _GENERAL, c == "count_asked" and len(reading.concepts) > 1 and not reading.focus),
    )


def is_frame(clause: Clause) -> bool:
    """A heading that only holds other clauses together, or the header of a table."""
    if clause.kind == "paragraph" and clause.cells:
        return True
    return clause.kind == "heading" and bool(clause.children) and not is_field(clause)


def typed(evidence: Evidence, kinds: Iterable[str]) -> list[Quantity]:
    """The quantities of some kinds in the words of an evidence, offsets relative to the clause's text."""
    wanted = set(kinds)
    out = []
    for start, end in evidence.spans:
        for q in quantities(evidence.clause.text[start:end]):
            if q.kind in wanted:
                out.append(replace(q, start=q.start + start, end=q.end + start))
    return out
