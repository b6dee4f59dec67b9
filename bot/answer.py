"""Reading + hits → `Answer`: is the evidence sufficient? pick, compose, verify, or refuse.

`Answerer` is the extractive writer, which needs no language model. `Writer` is the seam for one: what it returns
passes the same checks (bot/verify.py), and the extractive answer stands where it fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot import lexicon
from bot.compose import Draft, bound, citation, spoken
from bot.evidence import Evidence, Finder, Span, body, sentences, trim, typed
from bot.facts import Quantity, is_field, plain, quantities
from bot.index import Index
from bot.lexical import normalise
from bot.names import places_in
from bot.settings import Settings
from bot.types import Answer, Clause, ClauseId, Hit, Segment, Status, Table
from bot.understand import Reader, Reading
from bot.verify import verified

LONG = 230  # characters: a grouped answer beyond this becomes a question back
ENOUGH = 0.62  # least score of an evidence
COMPARABLE = ("amount", "duration", "rate", "ratio", "count", "date")


class Writer(Protocol):
    """Writes an answer from a question and clauses; None where it has nothing to say."""

    def write(self, reading: Reading, clauses: Sequence[Clause]) -> list[tuple[str, tuple[ClauseId, ...]]] | None: ...


@dataclass(slots=True)
class Outcome:
    """A draft with what became of it."""

    draft: Draft
    status: Status
    score: float = 0.5
    missing: str = ""
    table: Table | None = None
    kept: tuple[Evidence, ...] = ()


class Answerer:
    """Answers from one index."""

    def __init__(self, index: Index, reader: Reader, settings: Settings) -> None:
        self.index = index
        self.reader = reader
        self.settings = settings
        self.finder = Finder(reader)
        self._sources = {s.source: s.text for s in index.sources}

    # -- entry -------------------------------------------------------------------------------------------------

    def answer(self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float]) -> Answer:
        """The checked answer to one question."""
        outcome = self._decide(reading, hits, similar)
        made = self._made(reading, outcome, hits)
        question = reading.query.text
        ok = verified(
            made, self._sources, question=question, today=self.settings.date().isoformat(),
            counts=outcome.draft.counts, contact=self.settings.contact,
        )  # fmt: skip
        if ok:
            return made
        refused = self._refuse(reading, "refuse_unsure", hits)
        return self._made(reading, refused, hits)

    def _made(self, reading: Reading, outcome: Outcome, hits: Sequence[Hit]) -> Answer:
        draft = outcome.draft
        return Answer(
            status=outcome.status, text=draft.text(), segments=draft.segments(),
            citations=draft.citations(self.index.guides), hits=tuple(hits), understood=self.understood(reading),
            confidence=outcome.score, query=reading.query, missing=outcome.missing, table=outcome.table,
        )  # fmt: skip

    def understood(self, reading: Reading) -> str:
        """How the question was understood, in the guide's own names: "西藏科技对口支援项目 · 建议财政补助经费"."""
        names = [self.reader.section_name(i) for i in reading.query.sections[:3]]
        fields = list(reading.query.fields[:2])
        if not fields:
            fields = [lexicon.concepts()[c].zh for c in reading.concepts[:1] if c != "count_asked"]
        scope = "、".join(names) or (lexicon.message("all_sections", "zh") if reading.scope == "all" else "")
        return " · ".join(p for p in (scope, "、".join(fields)) if p)

    # -- decide ------------------------------------------------------------------------------------------------

    def _decide(self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float]) -> Outcome:
        if reading.injection:
            return self._refuse(reading, "refuse_injection", hits, score=0.95)
        if reading.smalltalk:
            return self._refuse(reading, "refuse_smalltalk", hits, score=0.95)
        if reading.unknown_edition:
            return self._refuse_edition(reading, hits)
        if reading.query.unknown and not reading.query.sections:
            return self._refuse(reading, "refuse_unknown", hits, name="、".join(reading.query.unknown), score=0.9)
        for attempt in (self._list, self._compare, self._several, self._single):
            outcome = attempt(reading, hits, similar)
            if outcome is not None:
                return outcome
        return self._refuse(reading, "refuse_unsure", hits)

    # -- targets -----------------------------------------------------------------------------------------------

    def targets(self, reading: Reading) -> list[ClauseId]:
        """The sections to answer for, one by one: named sections, a programme's projects, or all projects."""
        out: list[ClauseId] = []
        for section in reading.query.sections:
            inner = self.reader.homes_under(section)
            out += inner if len(inner) > 1 else [section]
        return list(dict.fromkeys(out))

    def _find(self, reading: Reading, section: ClauseId, similar: Mapping[ClauseId, float]) -> Evidence | None:
        found = self.finder.find(reading, section, similar)
        return found if found is not None and found.score >= ENOUGH else None

    # -- lists over sections or items ----------------------------------------------------------------------------

    def _list(self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float]) -> Outcome | None:
        """ "哪些项目…", "哪几个国家…": every section or item that meets the condition, and nothing cut off."""
        kind = _listed_kind(reading)
        if not kind:
            return None
        candidates = self._members(reading, kind)
        if len(candidates) < 2:
            return None
        chosen = self._matching(reading, candidates, similar)
        if chosen is None:
            return None
        if reading.comparing and reading.direction in ("min", "max"):
            chosen = _extreme(chosen, reading.direction)
        if not chosen:
            draft = Draft(reading.language).msg("none_match")
            return self._refuse(reading, "refuse_unsure", hits) if not candidates else Outcome(draft, "refused", 0.5)
        return self._listed(reading, chosen)

    def _members(self, reading: Reading, kind: str) -> list[ClauseId]:
        inside = {i for s in reading.query.sections for i in self.reader.subtree(s)} if reading.query.sections else None
        if kind == "section":
            pool = list(self.reader.homes)
        else:
            pool = [c.clause_id for c in self.reader.clauses if c.kind == "item" and _is_place(c.label)]
        return [i for i in pool if inside is None or i in inside]

    def _matching(
        self, reading: Reading, candidates: Sequence[ClauseId], similar: Mapping[ClauseId, float]
    ) -> list[tuple[ClauseId, Evidence | None]] | None:
        """Members that meet the question's condition, with the words that show it; None: no condition was understood."""
        if reading.bodies:
            out: list[tuple[ClauseId, Evidence | None]] = []
            for i in candidates:
                found = self._eligibility(reading, i)
                if found is not None and all(_lists(found.quote, b) for b, _ in reading.bodies):
                    out.append((i, found))
            return out
        premise = next((p for p in reading.premises if p.kind in COMPARABLE), None)
        if premise is None and not reading.terms and not (reading.comparing and reading.concepts):
            if reading.concepts and reading.query.kind == "list" and not _plain_listing(reading):
                return None
            return [(i, None) for i in candidates]
        out = []
        for i in candidates:
            found = self._condition(reading, i, premise, similar)
            if found is not None:
                out.append((i, found))
        return out

    def _condition(
        self, reading: Reading, section: ClauseId, premise: Quantity | None, similar: Mapping[ClauseId, float]
    ) -> Evidence | None:
        if premise is not None:
            found = self.finder.find(reading, section, similar)
            if found is None:
                return None
            for q in typed(found, (premise.kind, "rate")):
                if q.number == premise.number and (q.unit == premise.unit or premise.kind == "amount"):
                    return found
                if _compare_words(reading.text) and q.number is not None and premise.number is not None:
                    if (q.number > premise.number) == (_compare_words(reading.text) == "more") and q.number != premise.number:
                        return found
            return None
        best: Evidence | None = None
        for i in self.reader.subtree(section):
            clause = self.reader.by_id[i]
            for span in sentences(clause.text, body(clause)[0]):
                text = normalise(clause.text[span[0] : span[1]])
                cover = self.finder.coverage(reading.terms, text)
                if cover >= 0.6 and (best is None or cover > best.score):
                    best = Evidence(clause, (span,), section, cover)
        if best is None and reading.comparing and not reading.terms:
            best = self.finder.find(reading, section, similar)
        if best is None and reading.concepts and reading.comparing:
            best = self.finder.find(reading, section, similar)
        return best

    def _listed(self, reading: Reading, chosen: Sequence[tuple[ClauseId, Evidence | None]]) -> Outcome:
        draft = Draft(reading.language)
        draft.counts.append(len(chosen))
        if len(chosen) > 1:
            draft.msg("count", n=len(chosen))
        shared = {e.quote for _, e in chosen if e is not None}
        for n, (section, found) in enumerate(chosen):
            if n:
                draft.say("、" if reading.language.startswith("zh") else ", ")
            clause = self.reader.by_id[section]
            name = self.reader.section_name(section)
            at = clause.text.find(name)
            if at >= 0:
                draft.quote(clause, at, at + len(name))
            else:
                draft.say(name)
            if found is not None and len(shared) > 1 and len(found.quote) <= 40 and len(chosen) <= 8:
                draft.msg("colon").evidence(found)
            draft.mark(found.clause if found is not None else clause, found.spans if found is not None else ())
        if len(shared) == 1:
            found = next(e for _, e in chosen if e is not None)
            if len(found.quote) <= 60:
                draft.msg("open").evidence(found).msg("close")
        return Outcome(draft, "answered", 0.8, kept=tuple(e for _, e in chosen if e is not None))

    # -- comparisons ---------------------------------------------------------------------------------------------

    def _compare(self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float]) -> Outcome | None:
        if not reading.comparing:
            return None
        targets = self.targets(reading)
        if len(targets) < 2 and reading.scope in ("none", "all", "implied"):
            targets = list(self.reader.homes)
        if len(targets) < 2:
            return None
        found = [(t, self._find(reading, t, similar)) for t in targets]
        have = [(t, e) for t, e in found if e is not None]
        if len(have) < 2:
            return None
        return self._compared(reading, have)

    def _compared(self, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome:
        draft = Draft(reading.language)
        values = {t: _value(reading, e) for t, e in have}
        same = len({_squeeze(e.quote) for _, e in have}) == 1
        verdict_first = reading.direction == "same" or same
        if verdict_first:
            draft.say(lexicon.message("same" if same else "different", reading.language)).msg("colon")
        elif reading.direction in ("max", "min") and all(v is not None for v in values.values()):
            pick = (max if reading.direction == "max" else min)(v for v in values.values() if v is not None)
            winners = [t for t, v in values.items() if v == pick]
            if len(winners) == len(have):
                draft.say(lexicon.message("same", reading.language)).msg("colon")
            else:
                draft.say("、".join(self.reader.section_name(t) for t in winners)).msg("semicolon")
        self._grouped(draft, have)
        return Outcome(draft, "answered", 0.75, table=_table(draft, have, self.reader), kept=tuple(e for _, e in have))

    def _grouped(self, draft: Draft, have: Sequence[tuple[ClauseId, Evidence]]) -> None:
        """Sections by equal words: "60万元以内：A[1]、B[2]；150万元以内：C[3]"."""
        groups: dict[str, list[tuple[ClauseId, Evidence]]] = {}
        for t, e in have:
            groups.setdefault(_squeeze(e.quote), []).append((t, e))
        for n, members in enumerate(groups.values()):
            if n:
                draft.msg("semicolon")
            first = members[0][1]
            draft.evidence(first)
            self._reader_form(draft, first)
            draft.msg("colon")
            for k, (t, e) in enumerate(members):
                if k:
                    draft.say("、" if draft.language.startswith("zh") else ", ")
                draft.say(self.reader.section_name(t)).mark(e.clause, e.spans)

    # -- one question, several sections ---------------------------------------------------------------------------

    def _several(self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float]) -> Outcome | None:
        """A question that fits several sections gets every section's answer, grouped, or a question back."""
        targets = self.targets(reading)
        if len(targets) < 2:
            if reading.query.sections or not reading.concepts or not self.reader.homes or reading.scope == "implied":
                return None
            targets = list(self.reader.homes)
            if not self._field_question(reading):
                return None
        have = [(t, e) for t in targets if (e := self._find(reading, t, similar)) is not None]
        missing = self._missing(reading, targets)
        if missing:
            return self._refuse_detail(reading, missing, hits)
        if len(have) < 2:
            return None
        polar = self._polar_group(reading, have)
        if polar is not None:
            return polar
        draft = Draft(reading.language)
        self._grouped(draft, have)
        text = draft.text()
        if len(text) > LONG:
            return self._clarify(reading, have)
        status: Status = "answered"
        return Outcome(draft, status, 0.7, table=_table(draft, have, self.reader), kept=tuple(e for _, e in have))

    def _field_question(self, reading: Reading) -> bool:
        """Whether a question without a section asks for a field that sections have in common."""
        return any(
            self.reader.concept_of[label] == c for label in self.reader.labels for c in reading.concepts[:1]
        ) and self.finder.coverage(reading.terms, "\n".join(self.reader.labels)) >= 0.0 and not [t for t, w in reading.terms if w >= 1]

    def _polar_group(self, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome | None:
        if not reading.yesno:
            return None
        verdicts = [(t, e, self._polarity(reading, t, e)) for t, e in have]
        if any(v is None for _, _, v in verdicts):
            return None
        draft = Draft(reading.language)
        kinds = {v for _, _, v in verdicts}
        if len(kinds) == 1:
            verdict = kinds.pop()
            draft.say(self._yes_word(reading, bool(verdict))).msg("semicolon" if reading.language.startswith("zh") else "semicolon")
            self._grouped(draft, have)
        else:
            for n, want in enumerate((True, False)):
                part = [(t, e) for t, e, v in verdicts if v is want]
                if n:
                    draft.msg("semicolon")
                draft.say(self._yes_word(reading, want)).msg("colon")
                for k, (t, e) in enumerate(part):
                    if k:
                        draft.say("、" if reading.language.startswith("zh") else ", ")
                    draft.say(self.reader.section_name(t)).mark(e.clause, e.spans)
        if len(draft.text()) > LONG + 60:
            return None
        return Outcome(draft, "answered", 0.7, kept=tuple(e for _, e in have))

    def _clarify(self, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome:
        draft = Draft(reading.language).msg("clarify_many")
        for k, (t, e) in enumerate(have[:10]):
            if k:
                draft.say("、" if reading.language.startswith("zh") else ", ")
            draft.say(self.reader.section_name(t)).mark(e.clause, e.spans)
        return Outcome(draft, "clarify", 0.6)

    # -- one question, one section ---------------------------------------------------------------------------------

    def _single(self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float]) -> Outcome | None:
        sections = self.targets(reading) or self._sections_of(reading, hits)
        if not sections:
            return None
        found: Evidence | None = None
        for section in sections:
            candidate = self.finder.find(reading, section, similar)
            if candidate is not None and (found is None or candidate.score > found.score + 1e-6):
                found = candidate
        missing = self._missing(reading, sections)
        premise = self._corrected(reading, found)
        if missing and premise is None:
            return self._refuse_detail(reading, missing, hits)
        if premise is not None:
            return premise
        if found is None or found.score < ENOUGH:
            return None
        extra = self._second(reading, sections, found, similar)
        return self._stated(reading, found, extra)

    def _sections_of(self, reading: Reading, hits: Sequence[Hit]) -> list[ClauseId]:
        """Where no section is named: the clauses found, as far as they hold anything of the question."""
        return [h.clause.clause_id for h in hits]

    def _second(
        self, reading: Reading, sections: Sequence[ClauseId], first: Evidence, similar: Mapping[ClauseId, float]
    ) -> list[Evidence]:
        """Evidence for further things asked in the same breath ("…多少钱、做几年")."""
        out: list[Evidence] = []
        labelled = {c for c in self.reader.concept_of.values() if c}
        asked = [a for a in reading.asked if a.concept in labelled or lexicon.concepts()[a.concept].detail]
        if len(asked) < 2 or reading.yesno:
            return out
        ordered = sorted(asked, key=lambda a: a.start)
        for before, after in zip(ordered, ordered[1:], strict=False):
            between = reading.text[before.end : after.start]
            if not re.search(r"[,，、和与及;；]|还有|以及|多少|几|and|\bet\b|und|\by\b", between + reading.text[max(0, before.end - 2) : before.end]):
                return out
        for a in ordered:
            if a.concept == first.concept:
                continue
            only = replace(reading, asked=(a,), terms=(), query=replace(reading.query, fields=()))
            for section in sections[:1]:
                found = self.finder.find(only, section, similar)
                if found is not None and found.score >= ENOUGH and found.clause.clause_id != first.clause.clause_id:
                    out.append(found)
        return out[:3]

    # -- statements ------------------------------------------------------------------------------------------------

    def _stated(self, reading: Reading, found: Evidence, extra: Sequence[Evidence]) -> Outcome:
        draft = Draft(reading.language)
        score = min(1.0, 0.45 + 0.25 * found.score)
        if reading.yesno and not extra:
            eligible = self._eligibility(reading, found.section) if self._asks_eligibility(reading) else None
            if eligible is not None:
                found = eligible
            verdict = self._polarity(reading, found.section, found)
            if verdict is not None:
                draft.say(self._yes_word(reading, verdict)).say("，" if reading.language.startswith("zh") else ": ")
        self._statement(draft, reading, found)
        for other in extra:
            draft.msg("semicolon")
            self._statement(draft, reading, other)
        return Outcome(draft, "answered", score, kept=(found, *extra))

    def _statement(self, draft: Draft, reading: Reading, found: Evidence) -> None:
        """The fact, its mark, and where it stands."""
        if found.clause.children and found.by_field and found.spans == ((0, len(found.clause.text)),):
            self._items(draft, found.clause)
        else:
            if not reading.language.startswith("zh"):
                self._bodies_named(draft, found)
            draft.evidence(found)
            self._reader_form(draft, found)
            self._timely(draft, found, reading)
            draft.mark(found.clause)
        where = self._where(found)
        if where:
            draft.msg("open").say(where).msg("close")

    def _items(self, draft: Draft, clause: Clause) -> None:
        """A label with items: the items' words, one after another, up to a length."""
        length = 0
        for n, child in enumerate(self._leaves(clause)):
            start, end = body(child)
            if child.label and not child.number.startswith(child.label) and child.label != child.number:
                start = min(start, child.text.find(child.label)) if child.label in child.text else start
            if length + end - start > 420 and n:
                draft.msg("more_in")
                break
            if n:
                draft.msg("semicolon")
            length += end - start
            draft.quote(child, start, end).mark(child)

    def _leaves(self, clause: Clause) -> list[Clause]:
        out = []
        for i in self.reader.subtree(clause.clause_id)[1:]:
            child = self.reader.by_id[i]
            if body(child)[1] > body(child)[0]:
                out.append(child)
        return out

    def _bodies_named(self, draft: Draft, found: Evidence) -> None:
        """In a foreign language, the classes of applicants of an eligibility clause by their English names."""
        if found.concept != "eligible":
            return
        names = [b.name_en for b in lexicon.bodies().values() if any(w in found.quote for w in (b.name,))]
        if names:
            draft.say(", ".join(names) + " – ")

    def _reader_form(self, draft: Draft, found: Evidence) -> None:
        if draft.language.startswith("zh"):
            return
        said = [spoken(q) for q in typed(found, ("amount", "date", "duration", "rate", "ratio", "count"))[:3]]
        kept = [s for s in dict.fromkeys(said) if s]
        if kept and len(found.quote) <= 260:
            draft.say(" (" + "; ".join(kept) + ")")

    def _timely(self, draft: Draft, found: Evidence, reading: Reading) -> None:
        """A deadline is marked as past or not; only where the question is about it."""
        if "deadline" not in reading.concepts and not reading.intime:
            return
        today = self.settings.date().isoformat()
        for q in typed(found, ("date",)):
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value):
                draft.msg("past" if q.value < today else "not_past", today=today)
                return

    def _where(self, found: Evidence) -> str:
        """Section and field of an evidence in the guide's own names."""
        home = self.reader.home(found.clause.clause_id)
        chain = self.reader.ancestors(found.clause.clause_id)
        names: list[str] = []
        if home is not None:
            names.append(self.reader.section_name(home))
        elif len(chain) > 1:
            parent = self.reader.by_id[chain[1]]
            if parent.parent is not None or not found.clause.number:
                names.append(self.reader.section_name(parent.clause_id))
        if found.clause.clause_id != home:
            own = found.clause.label
            if found.clause.kind == "article":
                own = found.clause.number or own
            if own and not own.isspace() and len(own) <= 30 and own not in names:
                names.append(own)
        return " · ".join(n for n in names if n and len(n) <= 60)

    # -- yes and no ----------------------------------------------------------------------------------------------

    def _asks_eligibility(self, reading: Reading) -> bool:
        others = [c for c in reading.concepts if c not in ("eligible", "quota", "count_asked", "requirements", "process")]
        return bool(reading.bodies) and not others and not reading.premises

    def _eligibility(self, reading: Reading, section: ClauseId) -> Evidence | None:
        """Who may apply in a section: an item's own sentence on it, else the field of its home."""
        words = [w for b in lexicon.bodies().values() for w in b.guide]
        item = self.reader.by_id[section]
        if item.kind == "item":
            for span in sentences(item.text, body(item)[0]):
                text = item.text[span[0] : span[1]]
                if re.search(r"由.{0,6}(?:" + "|".join(words) + r").{0,12}申报", text):
                    return Evidence(item, (span,), section, 1.0, "eligible", True)
        home = self.reader.home(section) or section
        for i in self.reader.subtree(home):
            c = self.reader.by_id[i]
            if is_field(c) and self.reader.concept_of.get(c.label) == "eligible":
                start, end = body(c)
                spans = sentences(c.text, start) if end - start > 90 else [(start, end)]
                return Evidence(c, (spans[0],), section, 1.2, "eligible", True) if spans else None
        return None

    def _polarity(self, reading: Reading, section: ClauseId, found: Evidence) -> bool | None:
        """Yes or no as the evidence says it; None where it says neither."""
        quote = found.quote
        if reading.bodies and found.concept == "eligible":
            return self._listed_bodies(reading, quote)
        for premise in reading.premises:
            verdict = _within(premise, typed(found, (premise.kind, "rate", "duration", "count")), reading)
            if verdict is not None:
                return verdict
        if reading.intime:
            dates = [q.value for q in typed(found, ("date",)) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value)]
            if dates:
                past = max(dates) < self.settings.date().isoformat()
                asks_past = bool(re.search(r"截止了|过期|过了|错过|passed|closed|expired|over|missed", reading.text))
                return past if asks_past else not past
        denied = bool(re.search("|".join(lexicon.table("words")["deny_re"][:20]), quote))
        if re.fullmatch(r"无|没有|不限|暂无", quote.strip()):
            return bool(re.search(r"不限|没有?限", reading.text)) if found.concept == "quota" else False
        return not denied

    def _listed_bodies(self, reading: Reading, quote: str) -> bool:
        if "牵头" in reading.text or re.search(r"\blead|leader", reading.text):
            leaders = re.search(r"([\u4e00-\u9fff、]+?)牵头", quote)
            if leaders:
                return all(_lists(leaders[1], b) for b, _ in reading.bodies)
        leaders = re.search(r"^([\u4e00-\u9fff、]+?)牵头", quote)
        if leaders:
            return all(_lists(leaders[1], b) for b, _ in reading.bodies)
        return all(_lists(quote, b) for b, _ in reading.bodies)

    def _yes_word(self, reading: Reading, verdict: bool) -> str:
        language = reading.language
        if not language.startswith("zh") and language != "en":
            return lexicon.yes_no(verdict, language)
        kind = ""
        if reading.bodies and self._asks_eligibility(reading):
            kind = ""
        elif re.search(r"够", reading.text):
            return lexicon.message("yes_enough" if verdict else "not_enough", language)
        elif reading.need:
            kind = "_need"
        elif language == "zh" and not lexicon.pattern("allow_re").search(reading.text):
            kind = "_is"
        return lexicon.message(("yes" if verdict else "no") + kind, language)

    # -- false premises and missing parts -----------------------------------------------------------------------------

    def _corrected(self, reading: Reading, found: Evidence | None) -> Outcome | None:
        """An amount that the question takes for granted and the guide puts otherwise: the guide's own, and that it differs."""
        if found is None or reading.yesno:
            return None
        claim = next((p for p in reading.premises if p.kind == "amount" and p.number), None)
        if claim is None:
            return None
        section = found.section
        only = replace(reading, asked=tuple(a for a in reading.asked if a.concept == "funding") or (), terms=(), premises=())
        if not only.asked:
            only = replace(only, asked=(replace_asked("funding"),))
        funding = self.finder.find(only, section, {})
        if funding is None or not funding.by_field:
            return None
        amounts = typed(funding, ("amount",))
        if not amounts or any(q.number == claim.number for q in amounts):
            return None
        draft = Draft(reading.language)
        claimed = reading.text[claim.start : claim.end]
        draft.say(lexicon.message("instead", reading.language, claim=claimed)).msg("colon")
        self._statement(draft, reading, funding)
        return Outcome(draft, "answered", 0.7, kept=(funding,))

    def _missing(self, reading: Reading, sections: Sequence[ClauseId]) -> str:
        """What the question asks for and these sections do not state: a detail without its words, or content words
        that stand nowhere in them."""
        pool = [i for s in sections for tier in self.finder.pool(s) for i in tier]
        text = "\n".join(normalise(self.reader.by_id[i].text) for i in pool)
        for name in reading.concepts:
            c = lexicon.concepts()[name]
            if c.detail and not any(w.lower() in text for w in c.evidence):
                return c.zh if reading.language.startswith("zh") else c.en
        if not reading.query.sections and not reading.field_named:
            text_terms = [t for t, w in reading.terms if w >= 1]
            weak = [t for t in text_terms if self.finder.support(t, text) < 0.5]
            return "、".join(weak) if text_terms and len(weak) * 2 > len(text_terms) else ""
        gone = self.finder.unsupported(reading, pool)
        if gone and (not reading.concepts or len(gone) * 2 >= len([t for t, w in reading.terms if w >= 1])):
            return "、".join(gone)
        return ""

    # -- refusals ----------------------------------------------------------------------------------------------------

    def _refuse_detail(self, reading: Reading, what: str, hits: Sequence[Hit]) -> Outcome:
        names = [self.reader.section_name(i) for i in reading.query.sections[:1]]
        if names:
            return self._refuse(reading, "refuse_section_detail", hits, section=names[0], what=what, score=0.75)
        return self._refuse(reading, "refuse_detail", hits, what=what, score=0.7)

    def _refuse_edition(self, reading: Reading, hits: Sequence[Hit]) -> Outcome:
        have = "、".join(sorted({g.edition for g in self.index.guides if g.edition}))
        outcome = self._refuse(reading, "refuse_edition", hits, name=reading.unknown_edition, have=have, score=0.9)
        outcome.draft.counts.extend(int(g.edition) for g in self.index.guides if g.edition.isdigit())
        return outcome

    def _refuse(self, reading: Reading, message: str, hits: Sequence[Hit], /, score: float = 0.55, **parts: object) -> Outcome:
        """Says what is missing and shows the nearest clause."""
        draft = Draft(reading.language).msg(message, **parts)
        missing = str(parts.get("what") or parts.get("name") or "")
        near = next((h.clause for h in hits if body(h.clause)[1] > body(h.clause)[0]), None)
        if near is not None and message not in ("refuse_smalltalk", "refuse_injection"):
            start, end = body(near)
            spans = sentences(near.text, start)
            first = spans[0] if spans else (start, end)
            cut = _cut(near.text, first, 60)
            draft.msg("nearest").say(self._near_name(near)).msg("colon").quote(near, *cut)
            if cut[1] < first[1]:
                draft.msg("more_in")
            draft.mark(near)
        if self.settings.contact:
            draft.say("\n").msg("contact", contact=self.settings.contact)
        return Outcome(draft, "refused", score, missing)

    def _near_name(self, clause: Clause) -> str:
        return self._where(Evidence(clause, ((0, 0),), clause.clause_id, 0.0)) or self.reader.section_name(clause.clause_id)


# --- helpers ----------------------------------------------------------------------------------------------------------


def replace_asked(concept: str) -> object:
    from bot.understand import Asked

    return Asked(concept, 0, 0)


def _cut(text: str, span: Span, limit: int) -> Span:
    if span[1] - span[0] <= limit:
        return span
    return trim(text, span[0], span[0] + limit)


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _lists(text: str, body_name: str) -> bool:
    """Whether an eligibility clause names a class, by any of the guides' words for it."""
    return any(w in text for w in (body_name, *lexicon.bodies()[body_name].guide))


def _is_place(label: str) -> bool:
    return len(label) <= 16 and bool(places_in(normalise(label), "zh"))


def _listed_kind(reading: Reading) -> str:
    """What a list question wants enumerated: "section" (项目), "item" (国家、地区), "" for anything else."""
    text = reading.text
    if re.search(r"(?:哪(?:些|几个|几类|个|几种|几项)|几个|多少个|有几类?|什么|所有|全部|各)(?:合作)?(?:国家|地区|国(?![家际]))|国家(?:和地区)?(?:有)?哪|which (?:countr|region|partner)|what countr|どの国|quels pays|welche länder|qué países|каки[ех] стран|어느 나라|어떤 (?:나라|국가)|những (?:nước|quốc gia)|mitkä maat|hvilke land|countries", text):
        return "item"
    if re.search(r"(?:哪(?:些|几个|几类|个|几种|几项|类|种)|几个|多少个|几类|几种|什么)(?:类型的?|类的?)?(?:专项|项目|计划|课题)|项目(?:类型|种类)?有(?:哪|几)|(?:项目|专项)(?:都)?有哪些|which (?:projects?|programmes?|programs?|types?|schemes?)|what (?:projects|programmes|types of projects)|how many (?:types|kinds) of|どのプロジェクト|quels projets|welche projekte|qué proyectos|какие проекты|어떤 (?:사업|프로젝트)|những dự án|mitkä hankkeet|hvilke prosjekter", text):
        return "section"
    return ""


def _plain_listing(reading: Reading) -> bool:
    return not reading.concepts or set(reading.concepts) <= {"content", "eligible", "count_asked"}


def _compare_words(text: str) -> str:
    if re.search(r"超过|高于|大于|多于|以上|more than|over|above|exceed", text):
        return "more"
    if re.search(r"低于|少于|小于|不到|以下|less than|under|below", text):
        return "less"
    return ""


def _number(q: Quantity) -> float | str | None:
    if q.kind == "date":
        return q.value if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value) else None
    if q.number is None:
        return None
    days = {"Y": 365.0, "M": 30.0, "W": 7.0, "D": 1.0, "WD": 1.4}
    return q.number * days.get(q.unit, 1.0)


def _value(reading: Reading, found: Evidence) -> float | str | None:
    """The comparable value of an evidence: the first of a type that the concept wants."""
    wanted = [t for c in reading.concepts for t in lexicon.concepts()[c].types] or list(COMPARABLE)
    for kind in dict.fromkeys([*wanted, *COMPARABLE]):
        values = [v for q in typed(found, (kind,)) if (v := _number(q)) is not None]
        if values:
            return values[0]
    return None


def _extreme(
    chosen: Sequence[tuple[ClauseId, Evidence | None]], direction: str
) -> list[tuple[ClauseId, Evidence | None]]:
    values = []
    for section, found in chosen:
        if found is None:
            continue
        numbers = [v for q in typed(found, COMPARABLE) if (v := _number(q)) is not None]
        if numbers:
            values.append((numbers[0], section, found))
    if not values:
        return []
    kinds = {type(v[0]) for v in values}
    if len(kinds) > 1:
        values = [v for v in values if isinstance(v[0], str)]
    best = (min if direction == "min" else max)(v[0] for v in values)  # type: ignore[type-var]
    return [(s, e) for v, s, e in values if v == best]


def _within(premise: Quantity, stated: Sequence[Quantity], reading: Reading) -> bool | None:
    """Whether a claimed quantity fits a stated one with its bound; None where they are not of one kind."""
    for q in stated:
        if q.number is None or premise.number is None:
            continue
        if premise.kind == "amount" and q.kind != "amount" or premise.kind != "amount" and q.kind == "amount":
            continue
        if premise.kind in ("count",) and q.unit != premise.unit and not {q.unit, premise.unit} <= {"人", "名", "个", "位", "项"}:
            continue
        a, b = _number(premise), _number(q)
        if not isinstance(a, float) or not isinstance(b, float):
            continue
        limit = bound(q)
        if limit == "upper":
            return a <= b
        if limit == "lower":
            return a >= b
        return a == b
    return None


def _table(draft: Draft, have: Sequence[tuple[ClauseId, Evidence]], reader: Reader) -> Table | None:
    """The same as a small table: section | words with their mark."""
    if len(have) < 2:
        return None
    place = {c.clause_id: n for n, c in enumerate(draft.cited)}
    rows = []
    for t, e in have:
        if e.clause.clause_id not in place:
            return None
        n = place[e.clause.clause_id]
        cell = tuple(Segment("verbatim", e.clause.text[s:t2], n, s, t2) for s, t2 in e.spans)
        rows.append(((Segment("template", reader.section_name(t)),), (*cell, Segment("mark", f"[{n + 1}]", n))))
    label = have[0][1].clause.label
    return Table((lexicon.message("all_sections", draft.language), label), tuple(rows))


__all__ = ["Answerer", "Writer", "citation", "plain", "quantities"]
