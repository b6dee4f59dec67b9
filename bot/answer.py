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
from bot.evidence import ENOUGH, Evidence, Finder, Span, body, ordered_concepts, sentences, trim, typed
from bot.facts import Quantity, is_field, plain, quantities
from bot.index import Index
from bot.lexical import normalise
from bot.names import places_in
from bot.settings import Settings
from bot.types import Answer, Clause, ClauseId, Hit, Segment, Status, Table
from bot.understand import Asked, Reader, Reading
from bot.verify import verified

LONG = 230  # characters: a grouped answer beyond this becomes a question back
LIST_LONG = 420  # the same where the question wants them all
# Concepts whose clause is an enumeration: what it does not list is not so.
CLOSED = ("eligible", "content", "place", "authority", "url", "quota")
Similar = Mapping[ClauseId, float]
Member = tuple[ClauseId, Evidence | None]
_QUOTED = re.compile(r"[“\"‘']([^”\"’']{1,12})[”\"’']")
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
        hits = _reranked(hits, draft.cited) if outcome.status != "refused" else hits
        return Answer(
            status=outcome.status, text=draft.text(), segments=draft.segments(),
            citations=draft.citations(self.index.guides), hits=tuple(hits), understood=self.understood(reading),
            confidence=outcome.score, query=reading.query, missing=outcome.missing, table=outcome.table,
        )  # fmt: skip

    def understood(self, reading: Reading) -> str:
        """How the question was understood, in the guide's own names: "甲地合作项目 · 补助经费"."""
        names = [self.reader.section_name(i) for i in reading.query.sections[:3]]
        fields = list(reading.query.fields[:2])
        if not fields:
            fields = [lexicon.concepts()[c].zh for c in reading.concepts[:1] if c != "count_asked"]
        scope = "、".join(names) or (lexicon.message("all_sections", "zh") if reading.scope == "all" else "")
        return " · ".join(p for p in (scope, "、".join(fields)) if p)

    # -- decide ------------------------------------------------------------------------------------------------

    def _decide(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome:
        if reading.injection:
            return self._refuse(reading, "refuse_injection", hits, score=0.95)
        if reading.smalltalk:
            return self._refuse(reading, "refuse_smalltalk", hits, score=0.95)
        if reading.unknown_edition:
            return self._refuse_edition(reading, hits)
        elsewhere = reading.yesno and bool(reading.query.sections)
        if reading.query.unknown and not elsewhere and not any(m.how == "place" for m in reading.named):
            return self._refuse(reading, "refuse_unknown", hits, name="、".join(reading.query.unknown), score=0.9)
        for attempt in (self._title, self._counted, self._which, self._list, self._compare, self._several, self._single, self._overview):
            outcome = attempt(reading, hits, similar)
            if outcome is not None:
                return outcome
        return self._refuse(reading, "refuse_unsure", hits)

    def _place_named(self, section: ClauseId) -> bool:
        return _is_place(self.reader.section_name(section))

    def targets(self, reading: Reading) -> list[ClauseId]:
        """The sections to answer for, one by one: named sections, a programme's projects, or all projects."""
        out: list[ClauseId] = []
        for section in reading.query.sections:
            inner = self.reader.homes_under(section)
            out += inner if len(inner) > 1 else [section]
        return list(dict.fromkeys(out))

    def _find(self, reading: Reading, section: ClauseId, similar: Similar) -> Evidence | None:
        found = self.finder.find(reading, section, similar)
        return found if found is not None and found.score >= ENOUGH else None

    # -- the guide itself, and what it only counts -----------------------------------------------------------------

    def _title(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        """A question about the guide itself is answered with its title."""
        if reading.query.sections or not lexicon.pattern("guide_itself_re").search(reading.text):
            return None
        root = next((c for c in self.reader.clauses if c.parent is None and c.kind == "heading" and c.children), None)
        if root is None:
            return None
        draft = Draft(reading.language)
        lines = [s for s in sentences(root.text) if s[1] - s[0] > 4]
        for n, (start, end) in enumerate(lines[:3]):
            if n:
                draft.say(" ")
            draft.quote(root, start, end)
        return Outcome(draft.mark(root), "answered", 0.75) if lines else None

    def _counted(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        """ "68个县的名单": the guide says how many, and not which; so it says."""
        claims = [p for p in reading.premises if p.kind == "count"]
        if not claims or not reading.query.sections or not lexicon.pattern("names_of_re").search(reading.text):
            return None
        for section in self.targets(reading):
            for i in (i for tier in self.finder.pool(section) for i in tier):
                facts = self.index.facts_of(i)
                for p in claims:
                    if any(f.kind == "count" and f.value == p.value for f in facts):
                        return self._refuse_detail(reading, lexicon.message("names_of", reading.language), hits)
        return None

    # -- which section -------------------------------------------------------------------------------------------

    def _which(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        """ "做…的报哪个项目": the section whose words hold most of what the question describes."""
        if not reading.which or reading.listing or reading.comparing or (reading.bodies and reading.yesno):
            return None
        terms = [*((t, 1.0) for t in reading.story), *reading.focus]
        if not terms or _plural(reading.text):
            return None
        named = reading.scope in ("named", "inherited")
        homes = [h for t in self.targets(reading) for h in (self.reader.homes_under(t) or [t])] if named else []
        found = [e for h in (homes or self.reader.homes) if (e := self._best_sentence(h, terms)) is not None]
        ranked = sorted(found, key=lambda e: (-round(e.score, 3), e.clause.start))
        if not ranked or ranked[0].score < 0.45:
            return None
        best = [e for e in ranked if e.score >= ranked[0].score - 0.02][:3]
        draft = Draft(reading.language)
        for n, e in enumerate(best):
            if n:
                draft.msg("semicolon")
            draft.say(self.reader.section_name(e.section)).msg("colon").evidence(e).mark(e.clause)
        return Outcome(draft, "answered", min(0.9, 0.4 + ranked[0].score / 2), kept=tuple(best))

    def _best_sentence(self, section: ClauseId, terms: Sequence[tuple[str, float]]) -> Evidence | None:
        """The sentence of a section that covers most of `terms`, rare words weighing more."""
        weighed = self.finder.weighed(terms)
        best: Evidence | None = None
        for i in self.reader.subtree(section):
            clause = self.reader.by_id[i]
            for span in sentences(clause.text, body(clause)[0]):
                cover = self.finder.coverage(weighed, normalise(clause.text[span[0] : span[1]]))
                if best is None or cover > best.score + 1e-9:
                    best = Evidence(clause, (span,), section, cover)
        return best

    # -- lists over sections or items ----------------------------------------------------------------------------

    def _list(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        """ "哪些项目…", "哪几个国家…": every section or item that meets the condition, and nothing cut off."""
        kind = _listed_kind(reading)
        if not kind or (reading.comparing and len(self.targets(reading)) > 1):
            return None
        members = self._members(reading, kind)
        if len(members) < 2:
            return None
        chosen = self._matching(reading, members, similar, kind)
        if chosen is None:
            return None
        if reading.comparing and reading.direction in ("min", "max"):
            chosen = _extreme(chosen, reading.direction)
        if not chosen:
            what = "、".join(t for t, _ in reading.focus[:3]) or lexicon.message("what_answer", reading.language)
            return self._refuse_detail(reading, what, hits)
        return self._listed(reading, chosen)

    def _members(self, reading: Reading, kind: str) -> list[ClauseId]:
        named = reading.query.sections if reading.scope != "implied" else ()
        inside = {i for s in named for i in self.reader.subtree(s)}
        if kind == "any":
            pool = [c.clause_id for c in self.reader.clauses if c.clause_id in self.reader.homes or (c.kind == "item" and self.reader.names.named(c.clause_id))]
        elif kind == "section":
            pool = list(self.reader.homes)
            if inside and sum(i in inside for i in pool) < 2:
                pool = [c.clause_id for c in self.reader.clauses if c.kind == "item" and len(c.label) >= 2]
        else:
            pool = [c.clause_id for c in self.reader.clauses if c.kind == "item" and _is_place(c.label)]
        return [i for i in pool if not inside or i in inside]

    def _matching(
        self, reading: Reading, members: Sequence[ClauseId], similar: Similar, kind: str
    ) -> list[Member] | None:
        """Members that meet the question's condition, with the words that show it; None: it is no list of members."""
        telling = [c for c in ordered_concepts(reading) if c not in ("content", "eligible", "count_asked", "requirements", "quota", "joint", "submit")]
        labelled = {c for c in self.reader.concept_of.values() if c}
        if reading.pending and "deadline" in reading.concepts:
            return self._dated(reading, members)
        premise = next((p for p in reading.premises if p.kind in COMPARABLE and p.kind != "count"), None)
        if premise is not None:
            return [(i, e) for i in members if (e := self._with_value(reading, i, premise, similar)) is not None]
        if kind == "section" and reading.bodies:
            return self._open_to(reading, members)
        quoted = _QUOTED.findall(reading.text)
        if quoted and self.reader.names.holds(quoted[0]):
            return [(i, e) for i in members if (e := self._holding(i, quoted[0])) is not None]
        words = [*reading.focus, *((w, 1.0) for _, w in reading.bodies)]
        if telling and (kind == "item" or telling[0] not in labelled or reading.comparing):
            kept: list[Member] = [(i, e) for i in members if (e := self._own(telling[0], reading, i, similar)) is not None]
            if kept or not words:
                return kept
        if telling and telling[0] in labelled and not reading.terms:
            return None
        if words:
            best = [(i, e) for i in members if (e := self._best_sentence(i, words)) is not None]
            top = max((e.score for _, e in best), default=0.0)
            if top >= 0.5:
                return [(i, e) for i, e in best if e.score >= max(0.5, top - 0.12)]
            if any(w >= 1 for _, w in reading.terms) and not _enumerates(reading.text) and reading.scope != "named":
                return []
        if reading.concepts and not _enumerates(reading.text):
            return None
        return [(i, None) for i in members]

    def _holding(self, section: ClauseId, words: str) -> Evidence | None:
        """The words themselves where a section's clauses hold them."""
        for i in self.reader.subtree(section):
            clause = self.reader.by_id[i]
            at = clause.text.find(words)
            if at >= 0:
                return Evidence(clause, ((at, at + len(words)),), section, 1.0)
        return None

    def _own(self, concept: str, reading: Reading, section: ClauseId, similar: Similar) -> Evidence | None:
        """Evidence for a concept in a member's own clauses."""
        found = self.finder.find_for(concept, reading, section, similar)
        own = found is not None and found.score >= ENOUGH and found.clause.clause_id in set(self.reader.subtree(section))
        return found if own else None

    def _dated(self, reading: Reading, members: Sequence[ClauseId]) -> list[Member]:
        """Members whose date is still open, or is fixed."""
        out: list[Member] = []
        for i in members:
            found = self._own("deadline", reading, i, {})
            if found is not None:
                is_open = any(q.value[0] not in "-0123456789" for q in typed(found, ("date",)))
                if is_open == (reading.pending == "pending"):
                    out.append((i, found))
        return out

    def _open_to(self, reading: Reading, members: Sequence[ClauseId]) -> list[Member]:
        out: list[Member] = []
        for i in members:
            found = self._eligibility(reading, i)
            if found is not None and self._listed_bodies(reading, found.quote) != _denies(reading.text):
                out.append((i, found))
        return out

    def _with_value(self, reading: Reading, section: ClauseId, premise: Quantity, similar: Similar) -> Evidence | None:
        """A member whose value is the one named, or above or below it."""
        only = reading
        concept = {"amount": "funding", "duration": "duration", "date": "deadline"}.get(premise.kind, "")
        if not reading.concepts and concept:
            only = replace(reading, asked=(Asked(concept, 0, 0),))
        found = self.finder.find(replace(only, focus=(), terms=()), section, similar)
        order = _compare_words(reading.text)
        for q in typed(found, (premise.kind, "rate")) if found is not None else ():
            a, b = _number(q), _number(premise)
            if a is None or b is None or isinstance(a, str) != isinstance(b, str):
                continue
            inclusive = not order or "以" in reading.text
            if (a == b and inclusive) or (order == "more" and a > b) or (order == "less" and a < b):  # type: ignore[operator]
                return found
        return None

    def _listed(self, reading: Reading, chosen: Sequence[Member]) -> Outcome:
        draft = Draft(reading.language)
        draft.counts.append(len(chosen))
        if len(chosen) > 1:
            draft.msg("count", n=len(chosen))
        quotes = [e.quote for _, e in chosen if e is not None]
        each = bool(quotes) and len(set(quotes)) > 1 and max(map(len, quotes)) <= 60 and sum(map(len, quotes)) <= 330
        for n, (section, found) in enumerate(chosen):
            if n:
                draft.msg("semicolon" if each else "comma")
            if found is None:
                self._named(draft, section)
            else:
                draft.say(self.reader.section_name(section))
            if found is not None and each:
                draft.msg("colon").evidence(found)
                self._reader_form(draft, found)
            clause = found.clause if found is not None else self.reader.by_id[section]
            draft.mark(clause, found.spans if found is not None else ())
        if quotes and not each and len(set(quotes)) == 1 and len(quotes[0]) <= 60:
            draft.msg("open").evidence(next(e for _, e in chosen if e is not None)).msg("close")
        return Outcome(draft, "answered", 0.75, kept=tuple(e for _, e in chosen if e is not None))

    def _named(self, draft: Draft, section: ClauseId) -> None:
        """A section's name, sliced from its own line where it stands there."""
        clause, name = self.reader.by_id[section], self.reader.section_name(section)
        at = clause.text.find(name)
        if at < 0:
            draft.say(name)
        else:
            draft.quote(clause, at, at + len(name))

    # -- comparisons ---------------------------------------------------------------------------------------------

    def _compare(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        if not reading.comparing:
            return None
        targets = self.targets(reading)
        if len(targets) < 2 and reading.scope in ("none", "all"):
            targets = list(self.reader.homes)
        if len(targets) < 2:
            return None
        if reading.bodies and not [c for c in reading.concepts if c not in ("eligible", "quota", "requirements")]:
            return self._compare_bodies(reading, targets)
        have = [(t, e) for t in targets if (e := self._find(reading, t, similar)) is not None]
        return self._compared(reading, have) if len(have) >= 2 else None

    def _compare_bodies(self, reading: Reading, targets: Sequence[ClauseId]) -> Outcome | None:
        """ "A和B哪个可以让医院报": who may apply in each, the ones that list it first."""
        have = [(t, e) for t in targets if (e := self._eligibility(reading, t)) is not None]
        if len(have) < 2:
            return None
        draft = Draft(reading.language)
        yes = [t for t, e in have if self._listed_bodies(reading, e.quote)]
        if len(yes) in (0, len(have)):
            draft.msg("same").msg("colon")
        else:
            draft.say("、".join(self.reader.section_name(t) for t in yes)).msg("semicolon")
        self._grouped(draft, have)
        return Outcome(draft, "answered", 0.75, table=_table(draft, have, self.reader), kept=tuple(e for _, e in have))

    def _compared(self, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome:
        draft = Draft(reading.language)
        values = {t: _value(reading, e) for t, e in have}
        known = [v for v in values.values() if v is not None]
        same = len({_squeeze(e.quote) for _, e in have}) == 1 or (len(known) == len(have) and len(set(map(str, known))) == 1)
        if same or reading.direction == "same":
            draft.msg("same" if same else "different").msg("colon")
        elif reading.direction in ("max", "min") and len(known) == len(have) and len({type(v) for v in known}) == 1:
            pick = max(known) if reading.direction == "max" else min(known)  # type: ignore[type-var]
            draft.say("、".join(self.reader.section_name(t) for t, v in values.items() if v == pick)).msg("semicolon")
        self._grouped(draft, have)
        return Outcome(draft, "answered", 0.75, table=_table(draft, have, self.reader), kept=tuple(e for _, e in have))

    def _grouped(self, draft: Draft, have: Sequence[tuple[ClauseId, Evidence]]) -> None:
        """Sections by equal words: "20万元以内：A[1]、B[2]；C：80万元以内[3]"."""
        groups: dict[str, list[tuple[ClauseId, Evidence]]] = {}
        for t, e in have:
            groups.setdefault(_squeeze(e.quote), []).append((t, e))
        for n, members in enumerate(groups.values()):
            if n:
                draft.msg("semicolon")
            first = members[0][1]
            if len(members) == 1:
                draft.say(self.reader.section_name(members[0][0])).msg("colon").evidence(first)
                self._reader_form(draft, first)
                draft.mark(first.clause)
                continue
            draft.evidence(first)
            self._reader_form(draft, first)
            draft.msg("colon")
            for k, (t, e) in enumerate(members):
                if k:
                    draft.msg("comma")
                draft.say(self.reader.section_name(t)).mark(e.clause, e.spans)

    # -- one question, several sections ---------------------------------------------------------------------------

    def _several(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        """A question that fits several sections gets every section's answer, grouped, or a question back."""
        targets = self.targets(reading)
        if not self.reader.homes or not any(self.reader.home(t) for t in targets) and targets:
            return None
        if len(targets) >= 2:
            have = self._each(reading, targets, similar)
        elif reading.query.sections or reading.scope == "implied":
            return None
        else:
            have = self._everywhere(reading, similar)
            targets = [t for t, _ in have]
        if len(have) < 2:
            return None
        missing = self._missing(reading, targets, have[0][1])
        if missing:
            return self._refuse_detail(reading, missing, hits)
        polar = self._polar_group(reading, have)
        if polar is not None:
            return polar
        draft = Draft(reading.language)
        self._grouped(draft, have)
        wanted = reading.listing or reading.scope in ("all", "named") or len({_squeeze(e.quote) for _, e in have}) == 1
        if len(draft.text()) > (LIST_LONG if wanted else LONG):
            return self._clarify(reading, have)
        return Outcome(draft, "answered", 0.7, table=_table(draft, have, self.reader), kept=tuple(e for _, e in have))

    def _each(self, reading: Reading, targets: Sequence[ClauseId], similar: Similar) -> list[tuple[ClauseId, Evidence]]:
        """Evidence for each target, all for one concept where one fits them."""
        if self._asks_eligibility(reading):
            return [(t, e) for t in targets if (e := self._eligibility(reading, t)) is not None]
        for concept in ordered_concepts(reading):
            have = [
                (t, e) for t in targets
                if (e := self.finder.find_for(concept, reading, t, similar)) is not None and e.score >= ENOUGH
            ]  # fmt: skip
            if len(have) >= 2:
                return have
        return [(t, e) for t in targets if (e := self._find(reading, t, similar)) is not None]

    def _everywhere(self, reading: Reading, similar: Similar) -> list[tuple[ClauseId, Evidence]]:
        """A question without a section: every section, or every item, that speaks of what it asks."""
        if self._asks_eligibility(reading):
            return self._each(reading, self.reader.homes, similar)
        strange = [w for _, w in reading.bodies if len(w) >= 4 and not self.reader.names.holds(w)]
        if strange or ([t for t, w in reading.terms if w >= 1] and not reading.field_named):
            return []
        for concept in ordered_concepts(reading):
            if concept == "count_asked":
                continue
            have = [
                (t, e) for t in self.reader.homes
                if (e := self.finder.find_for(concept, reading, t, similar)) is not None and e.score >= ENOUGH
            ]  # fmt: skip
            items = self._by_item(concept, reading, similar)
            each = re.search(r"每(?:家|个|所|项|一)|\beach\b", reading.text)
            if len(items) >= 2 and (each or not any(e.by_field and is_field(e.clause) for _, e in have)):
                return items
            if len(have) >= 2:
                return have
        return []

    def _by_item(self, concept: str, reading: Reading, similar: Similar) -> list[tuple[ClauseId, Evidence]]:
        items = [c.clause_id for c in self.reader.clauses if c.kind == "item" and self.reader.names.named(c.clause_id)]
        return [(i, e) for i in items if (e := self._own(concept, reading, i, similar)) is not None]

    def _polar_group(self, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome | None:
        if not reading.yesno:
            return None
        verdicts = [(t, e, self._polarity(reading, t, e)) for t, e in have]
        kinds = {v for _, _, v in verdicts}
        if None in kinds:
            return None
        draft = Draft(reading.language)
        if len(kinds) == 1:
            draft.say(self._yes_word(reading, bool(kinds.pop()))).msg("colon")
            self._grouped(draft, have)
        else:
            for n, want in enumerate((True, False)):
                if n:
                    draft.msg("semicolon")
                draft.say(self._yes_word(reading, want)).msg("colon")
                for k, (t, e) in enumerate((t, e) for t, e, v in verdicts if v is want):
                    if k:
                        draft.msg("comma")
                    draft.say(self.reader.section_name(t)).mark(e.clause, e.spans)
        if len(draft.text()) > LIST_LONG:
            return None
        return Outcome(draft, "answered", 0.7, kept=tuple(e for _, e in have))

    def _clarify(self, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome:
        draft = Draft(reading.language).msg("clarify_many")
        for k, (t, e) in enumerate(have[:10]):
            if k:
                draft.msg("comma")
            draft.say(self.reader.section_name(t)).mark(e.clause, e.spans)
        return Outcome(draft, "clarify", 0.6)

    # -- one question, one section ---------------------------------------------------------------------------------

    def _single(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        named = bool(reading.query.sections)
        if named and not (reading.concepts or reading.focus or reading.bodies) and reading.language.startswith("zh"):
            return None
        sections = self.targets(reading) if named else [h.clause.clause_id for h in hits]
        found: Evidence | None = self._enumeration(reading, sections) if named else None
        if self._asks_eligibility(reading) and named:
            found = self._eligibility(reading, sections[0])
        flat = named and not any(self.reader.home(s) for s in sections)
        if flat:
            sections = [*sections, *(h.clause.clause_id for h in hits)]
        for n, section in enumerate(sections if found is None else ()):
            candidate = self.finder.find(reading, section, similar)
            if flat and candidate is not None and n >= len(reading.query.sections):
                candidate = replace(candidate, score=candidate.score - 0.4)
            if candidate is not None and (found is None or candidate.score > found.score + 1e-6):
                found = candidate
        corrected = self._corrected(reading, found)
        if corrected is not None:
            return corrected
        missing = self._missing(reading, sections, found)
        if missing:
            return self._refuse_detail(reading, missing, hits)
        if found is None or found.score < ENOUGH:
            return None
        return self._stated(reading, found)

    def _enumeration(self, reading: Reading, sections: Sequence[ClauseId]) -> Evidence | None:
        """ "…有哪几家": of an item whose names are asked for, the sentence that lists most."""
        item = self.reader.by_id[sections[0]]
        if not reading.listing or set(reading.concepts) - {"eligible", "content", "count_asked"} or len(sections) > 1 or item.kind != "item" or reading.premises:
            return None
        listed = max(sentences(item.text, body(item)[0]), key=lambda s: item.text[s[0] : s[1]].count("、"), default=None)
        if listed is None or item.text[listed[0] : listed[1]].count("、") < 2:
            return None
        return Evidence(item, (listed,), sections[0], 0.9)

    def _overview(self, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
        """A section's name and nothing else: its short fields."""
        bare = lexicon.pattern("interrogative_re").search(reading.text) is None and not reading.yesno
        if len(reading.query.sections) != 1 or reading.concepts or reading.focus or reading.scope == "implied" or not bare:
            return None
        home = self.reader.home(reading.query.sections[0])
        draft = Draft(reading.language)
        for i in self.reader.children.get(home, ()) if home is not None else ():
            c = self.reader.by_id[i]
            start, end = body(c)
            if is_field(c) and 0 < end - start <= 40:
                if draft.pieces:
                    draft.msg("semicolon")
                draft.say(c.label).msg("colon").quote(c, start, end).mark(c)
        return Outcome(draft, "answered", 0.6) if draft.pieces else None

    # -- statements ------------------------------------------------------------------------------------------------

    def _stated(self, reading: Reading, found: Evidence) -> Outcome:
        draft = Draft(reading.language)
        if reading.yesno or (reading.bodies and found.concept == "eligible" and "eligible" not in reading.concepts):
            verdict = self._polarity(reading, found.section, found)
            if verdict is not None:
                draft.say(self._yes_word(reading, verdict)).say("，" if reading.language.startswith("zh") else ": ")
        self._statement(draft, reading, found)
        return Outcome(draft, "answered", min(0.97, 0.45 + 0.3 * found.score), kept=(found,))

    def _statement(self, draft: Draft, reading: Reading, found: Evidence) -> None:
        """The fact, its mark, and where it stands."""
        if found.clause.children and found.by_field and found.spans == ((0, len(found.clause.text)),):
            self._items(draft, found.clause)
        else:
            if not reading.language.startswith("zh"):
                self._bodies_named(draft, found)
            self._lead_in(draft, reading, found)
            draft.evidence(found)
            self._reader_form(draft, found)
            self._timely(draft, found, reading)
            self._tail(draft, found)
            draft.mark(found.clause)
            self._conditions(draft, reading, found)
        where = self._where(found)
        if where:
            draft.msg("open").say(where).msg("close")

    def _lead_in(self, draft: Draft, reading: Reading, found: Evidence) -> None:
        """For a yes or no out of a list of items, the words that the list begins with ("…不得有下列行为")."""
        parent = self.reader.by_id.get(found.clause.parent) if found.clause.parent else None
        if not reading.yesno or parent is None or is_field(parent) or parent.kind == "heading" or not parent.children:
            return
        start, end = body(parent)
        if 0 < end - start <= 60:
            draft.quote(parent, start, end).mark(parent).msg("colon")

    def _tail(self, draft: Draft, found: Evidence) -> None:
        """Words that only lead in to a list ("…提交下列材料：") are followed by its items."""
        clause = found.clause
        rest = clause.text[found.spans[-1][1] :]
        if rest[:1] in ("：", ":") and len(rest.strip()) > 1 and not clause.children:
            start, end = trim(clause.text, found.spans[-1][1] + 1, min(len(clause.text), found.spans[-1][1] + 320))
            draft.msg("colon").quote(clause, start, end)
            return
        if rest.strip() not in ("：", ":"):
            return
        siblings = self.reader.children.get(clause.parent, ()) if clause.parent else ()
        after = siblings[siblings.index(clause.clause_id) + 1 :] if clause.clause_id in siblings else ()
        items = [self.reader.by_id[i] for i in clause.children]
        for i in after if not items else ():
            if self.reader.by_id[i].kind != "item":
                break
            items.append(self.reader.by_id[i])
        length = 0
        for n, item in enumerate(items):
            start, end = body(item)
            if end <= start or length + end - start > 320:
                continue
            draft.msg("colon" if not n else "semicolon").quote(item, start, end).mark(item)
            length += end - start

    def _conditions(self, draft: Draft, reading: Reading, found: Evidence) -> None:
        """ "符合条件的…" says nothing without the conditions: the section's field for them follows."""
        home = self.reader.home(found.clause.clause_id)
        if found.concept != "eligible" or "符合条件" not in found.quote or home is None or len(found.quote) > 40:
            return
        for i in self.reader.children.get(home, ()):
            c = self.reader.by_id[i]
            if is_field(c) and self.reader.concept_of.get(c.label) == "requirements":
                draft.msg("semicolon").say(c.label).msg("colon")
                start, end = body(c)
                if end > start:
                    draft.quote(c, start, end).mark(c)
                else:
                    self._items(draft, c)
                return

    def _items(self, draft: Draft, clause: Clause) -> None:
        """A label with items: the items' words, one after another, up to a length."""
        length = 0
        for n, child in enumerate(self._leaves(clause)):
            start, end = body(child)
            if child.label and child.label != child.number and child.label in child.text:
                start = min(start, child.text.find(child.label))
            if length + end - start > 420 and n:
                draft.msg("more_in")
                break
            if n:
                draft.msg("semicolon")
            length += end - start
            draft.quote(child, start, end).mark(child)

    def _leaves(self, clause: Clause) -> list[Clause]:
        below = (self.reader.by_id[i] for i in self.reader.subtree(clause.clause_id)[1:])
        return [c for c in below if body(c)[1] > body(c)[0]]

    def _bodies_named(self, draft: Draft, found: Evidence) -> None:
        """In a foreign language, the classes of applicants of an eligibility clause by their English names."""
        names = [b.name_en for b in lexicon.bodies().values() if b.name in found.quote]
        if names and found.concept == "eligible":
            draft.say(", ".join(names) + " – ")

    def _reader_form(self, draft: Draft, found: Evidence) -> None:
        """Amounts, dates and bounds once more in English, for a reader in another language."""
        if draft.language.startswith("zh") or len(found.quote) > 260:
            return
        said = [spoken(q) for q in typed(found, ("amount", "date", "duration", "rate", "ratio", "count"))[:3]]
        kept = [s for s in dict.fromkeys(said) if s]
        if kept:
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
            own = (found.clause.number or found.clause.label) if found.clause.kind == "article" else found.clause.label
            if own.strip() and len(own) <= 30 and own not in names:
                names.append(own)
        return " · ".join(n for n in names if n and len(n) <= 60)

    # -- yes and no ----------------------------------------------------------------------------------------------

    def _asks_eligibility(self, reading: Reading) -> bool:
        """Whether a question is about who may apply: a class of applicants, and nothing else asked."""
        asked = [a.concept for a in reading.asked if lexicon.pattern("interrogative_re").search(reading.text[max(0, a.start - 4) : a.end + 4])]
        others = [c for c in asked if c not in ("eligible", "quota", "count_asked", "requirements", "process", "submit", "content")]
        applies = lexicon.pattern("applying_re").search(reading.text) is not None
        said = "eligible" in reading.concepts or applies or (reading.yesno and not reading.language.startswith("zh"))
        return bool(reading.bodies) and not others and not reading.premises and said

    def _eligibility(self, reading: Reading, section: ClauseId) -> Evidence | None:
        """Who may apply in a section: an item's own sentence on it, else the field of its home."""
        words = "|".join(w for b in lexicon.bodies().values() for w in b.guide)
        item = self.reader.by_id[section]
        for span in sentences(item.text, body(item)[0]) if item.kind == "item" else ():
            if re.search(rf"由.{{0,6}}(?:{words}).{{0,12}}申报", item.text[span[0] : span[1]]):
                return Evidence(item, (span,), section, 1.0, "eligible", True)
        for i in self.reader.subtree(self.reader.home(section) or section):
            c = self.reader.by_id[i]
            if is_field(c) and self.reader.concept_of.get(c.label) == "eligible":
                start, end = body(c)
                spans = sentences(c.text, start) if end - start > 90 else [(start, end)]
                return Evidence(c, (spans[0],), section, 1.2, "eligible", True) if end > start else None
        return None

    def _polarity(self, reading: Reading, section: ClauseId, found: Evidence) -> bool | None:
        """Yes or no as the evidence says it; None where it says neither."""
        quote = found.quote
        if reading.bodies and found.concept == "eligible":
            return self._listed_bodies(reading, quote)
        opening = re.match(r"(不(?:可以|能|需要|用|行|是|得)|没有|否|无)|(可以|能|需要|要|是|有|行|应当|应该)(?:的)?(?=[。，,；!！])", quote)
        if opening and found.clause.label.endswith(("？", "?")):
            return opening[1] is None
        level = _level_verdict(reading.text, quote)
        if level is not None:
            return level
        told = self._told_apart(reading, found)
        if told is not None:
            return told
        if found.concept in ("joint", "submit") or re.search(r"单方|单独申报", quote):
            joint = self._joint(reading.text, quote)
            if joint is not None:
                return joint
        dates = [q.value for q in typed(found, ("date",)) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value)]
        for premise in reading.premises:
            if premise.kind == "date" and dates:
                return premise.value in dates
            verdict = _within(premise, self._nearest_values(reading, found, premise))
            if verdict is not None:
                return verdict
        if reading.intime and dates:
            past = max(dates) < self.settings.date().isoformat()
            asks_past = bool(re.search(r"截止了|过期|过了|错过|passed|closed|expired|over|missed", reading.text))
            return past if asks_past else not past
        if found.concept == "deadline" and not dates:
            return False  # asked whether the date is fixed, and it is not
        if found.concept in CLOSED and self._absent(reading, found):
            return False
        if reading.need and re.search(r"须|应|需|已签署|已与|要求", quote) and not re.search(r"无需|不需|不必", quote):
            return True
        if re.fullmatch(r"无|没有|不限|暂无", quote.strip()):
            return False
        return not re.search("|".join(lexicon.table("words")["deny_re"][:20]), quote)

    def _nearest_values(self, reading: Reading, found: Evidence, premise: Quantity) -> list[Quantity]:
        """Stated values, those first whose comma part holds more of the question's words."""
        stated = typed(found, (premise.kind, "rate", "duration", "count"))
        text = found.clause.text

        def held(q: Quantity) -> float:
            part = re.split(r"[，,；;。]", text[: q.end])[-1]
            return self.finder.coverage(reading.focus, normalise(part)) if reading.focus else 0.0

        return sorted(stated, key=lambda q: -held(q))

    def _joint(self, question: str, quote: str) -> bool | None:
        """Whether both sides must submit, or one alone may: by what the question supposes and the clause says."""
        together = bool(re.search(r"单方.{0,6}无效|分别向|共同申报|联合申报", quote))
        alone = "单独" in quote and not together
        if not (together or alone):
            return None
        if lexicon.pattern("one_side_re").search(question):
            return alone
        if lexicon.pattern("both_sides_re").search(question):
            return together
        return None

    def _told_apart(self, reading: Reading, found: Evidence) -> bool | None:
        """Plain reasons for no: the clause stands in a list of what is forbidden, it demands that there be none of
        what the question has, or it names another quality (“甲等”) than the question's."""
        parent = self.reader.by_id.get(found.clause.parent) if found.clause.parent else None
        if parent is not None and lexicon.pattern("forbid_list_re").search(parent.text):
            return False
        text = normalise(found.quote)
        for t, w in reading.focus:
            if w >= 0.4 and re.search(lexicon.pattern("lacking_re").pattern + r"[^，。；]{0,14}" + re.escape(t), text):
                return False if not re.search(r"(?:没有|无|不)[^，。]{0,6}" + re.escape(t), reading.text) else None
        asked, stated = set(_QUOTED.findall(reading.text)), set(_QUOTED.findall(text))
        if asked and stated and not asked & stated and not any(q in text for q in asked):
            return False
        denied = [q for q in stated if re.search(rf"(?:不是|没有?|未)(?:获得|得到|评为)?[“\"]?{re.escape(q)}", reading.text)]
        return False if denied else None

    def _absent(self, reading: Reading, found: Evidence) -> list[str]:
        """Nouns of the question that an enumerating clause (领域, 范围, 部门 …) does not list."""
        text = self.finder.text_of(found.clause.clause_id)
        nouns = [*(t for t, w in reading.terms if w >= 1), *map(normalise, reading.query.unknown)]
        return [t for t in nouns if self.finder.support(t, text) < 0.65]

    def _listed_bodies(self, reading: Reading, quote: str) -> bool:
        leaders = re.search(r"([\u4e00-\u9fff、]+?)牵头", quote)
        return all(_lists(leaders[1] if leaders else quote, b) for b, _ in reading.bodies)

    def _yes_word(self, reading: Reading, verdict: bool) -> str:
        """Yes or no in the verb of the question: 可以, 需要, 有效, 够, 有, 是."""
        language = reading.language
        if not language.startswith("zh") and language != "en":
            return lexicon.yes_no(verdict, language)
        kinds = lexicon.table("words")["yes_kinds"]
        kind = next((k for k, pattern in kinds if re.search(pattern, reading.text)), "_is")
        return lexicon.message(("yes" if verdict else "no") + kind, language)

    # -- false premises and missing parts -----------------------------------------------------------------------------

    def _corrected(self, reading: Reading, found: Evidence | None) -> Outcome | None:
        """A value that the question takes for granted and the guide puts otherwise: the guide's own, and that it differs."""
        if reading.yesno or reading.listing or not reading.premises:
            return None
        sections = list(reading.query.sections[:1]) or ([found.section] if found is not None else [])
        for claim in reading.premises:
            for section in sections:
                stated = self._stated_value(reading, claim, section)
                if stated is not None:
                    draft = Draft(reading.language)
                    draft.msg("instead", claim=reading.text[claim.start : claim.end]).msg("colon")
                    self._statement(draft, reading, stated)
                    return Outcome(draft, "answered", 0.7, kept=(stated,))
        return None

    def _stated_value(self, reading: Reading, claim: Quantity, section: ClauseId) -> Evidence | None:
        """The guide's value for what a claim speaks of, where it differs; None where it agrees or there is none."""
        if claim.kind == "amount":
            found = self.finder.find_for("funding", replace(reading, focus=(), terms=()), section, {})
        elif claim.kind == "count" and claim.unit in ("人", "名", "位", "项", "个", "套") and reading.focus:
            found = self.finder.find_for("targets", reading, section, {})
            if found is not None and self.finder.coverage(reading.focus, normalise(found.quote)) < 0.4:
                return None
        else:
            return None
        if found is None or not found.by_field:
            return None
        stated = typed(found, (claim.kind,))
        return None if not stated or any(q.number == claim.number for q in stated) else found

    def _missing(self, reading: Reading, sections: Sequence[ClauseId], found: Evidence | None) -> str:
        """What the question asks for and these sections do not state: a detail without its words, or content words
        that stand nowhere in them. "" where nothing is missing."""
        pool = dict.fromkeys(i for s in sections for tier in self.finder.pool(s) for i in tier)
        text = "\n".join(self.finder.text_of(i) for i in pool)
        zh = reading.language.startswith("zh")
        for name in reading.concepts:
            if self._unstated(reading, name, found, text):
                return lexicon.concepts()[name].zh if zh else lexicon.concepts()[name].en
        names = "\n".join(normalise(self.reader.by_id[a].number + self.reader.section_name(a)) for s in sections for a in self.reader.ancestors(s))
        nouns = [*(t for t, w in reading.terms if w >= 1), *reading.modifiers, *map(normalise, reading.query.unknown)]
        texts = [*(self.finder.text_of(i) for i in pool), names]
        gone = [t for t in nouns if max(self.finder.support(t, x) for x in texts) < 0.5]
        enough = found is not None and found.score >= ENOUGH
        numberless = found is not None and not typed(found, (*COMPARABLE, "place")) and lexicon.pattern("quantity_asked_re").search(reading.text)
        if gone and numberless and not re.fullmatch(r"无|没有|不限|.*(?:查询|待定|另行).*", found.quote.strip() if found is not None else ""):
            return "、".join(gone)
        if not gone or (enough and found is not None and reading.yesno and found.concept in CLOSED and found.concept != "eligible"):
            return ""
        if any(t in gone for t in reading.modifiers):
            return "、".join(gone)
        if enough and found is not None and reading.query.sections and found.by_field and is_field(found.clause):
            return ""
        if enough and found is not None and self.finder.coverage(reading.focus, self.finder.text_of(found.clause.clause_id)) >= 0.6:
            return ""
        return "、".join(gone) if len(gone) * 2 >= len(nouns) else ""

    def _unstated(self, reading: Reading, name: str, found: Evidence | None, text: str) -> bool:
        """Whether a concept that is directly asked has no words, or (where a type is a must) no value, in the text.

        A clause that holds the asking phrase's own words answers it, whatever the lexicon takes the phrase for."""
        c = lexicon.concepts()[name]
        asked = next(a for a in reading.asked if a.concept == name)
        first = name == ordered_concepts(reading)[0]
        near = reading.text[max(0, asked.start - 4) : asked.end + 4]
        away = reading.text[asked.end :].split("多少")[0]
        if not first and not reading.yesno and not lexicon.pattern("interrogative_re").search(near) and re.search("[了过后，,。]", away):
            return False
        if c.strict and first and (found is None or found.concept != name):
            return True
        if not c.detail or c.said.search(text):
            return False
        if found is None or found.score < ENOUGH:
            return True
        inside = reading.text[asked.start : asked.end]
        own = [t for t, _ in reading.focus if t in inside]
        held = self.finder.context(found.clause)
        if any(self.finder.support(t, held) < 0.5 for t in own):
            return True
        if not own and not re.fullmatch(r"[多少几哪谁啥什么天个月年时候久长住待去到要得需]+", inside):
            return True
        wants = lexicon.pattern("quantity_asked_re").search(reading.text) and not typed(found, COMPARABLE)
        return bool(wants) or self.finder.coverage(self.finder.weighed(reading.focus), held) < 0.7

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


def _reranked(hits: Sequence[Hit], cited: Sequence[Clause]) -> list[Hit]:
    """Hits with the clauses that the answer rests on first: reading them for the answer is the last ranking stage."""
    known = {h.clause.clause_id: h for h in hits}
    first = [c for c in cited if c.kind != "heading" or len(cited) == 1 or c.clause_id in known][: len(hits) or 10]
    top = max((h.score for h in hits), default=0.0)
    ranked = [Hit(c, known[c.clause_id].score if c.clause_id in known else top, 0, "reranked") for c in first]
    used = {c.clause_id for c in first}
    ranked += [h for h in hits if h.clause.clause_id not in used]
    return [replace(h, rank=n) for n, h in enumerate(ranked[: max(len(hits), 1)], 1)]


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
    if lexicon.pattern("list_items_re").search(reading.text):
        return "item"
    if lexicon.pattern("list_sections_re").search(reading.text):
        return "section"
    return "any" if lexicon.pattern("list_any_re").search(reading.text) and not reading.concepts and not reading.query.sections else ""


def _plural(text: str) -> bool:
    return bool(lexicon.pattern("plural_re").search(text))


def _enumerates(text: str) -> bool:
    """Whether a question wants the members themselves ("有哪些", "分哪几类")."""
    return bool(lexicon.pattern("enumerate_re").search(text))


def _denies(text: str) -> bool:
    return bool(lexicon.pattern("question_denies_re").search(text))


def _level_verdict(question: str, quote: str) -> bool | None:
    """ "县级…行不行" against "地市级及以上": whether the asked level is high enough; None where there are none."""
    levels = lexicon.table("words")["levels"]
    stated = re.search(r"([\u4e00-\u9fff]{1,3}?级)(?:及|或)?以上", quote)

    def rank(text: str) -> int | None:
        found = [n for n, names in enumerate(levels) for w in names if len(w) > 1 and w in text]
        found += [n for n, names in enumerate(levels) for w in names if re.search(rf"(?<![\u4e00-\u9fff]){w}|{w}(?:一级|里|政府)", text)]
        return max(found) if found else None

    need, asked = rank(stated[1]) if stated else None, rank(question)
    return None if need is None or asked is None else asked >= need


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


def _extreme(chosen: Sequence[Member], direction: str) -> list[Member]:
    """Of members with values the one with the least or the most, ties together."""
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


def _within(premise: Quantity, stated: Sequence[Quantity]) -> bool | None:
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
