"""Reading + hits → `Answer`: is the evidence sufficient? pick, compose, verify, or refuse.

`Answerer` is the extractive writer, which needs no language model. What a language model writes, where one is
configured (bot/writer.py), passes the same checks (bot/verify.py), and the extractive answer stands where it fails.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot import lexicon
from bot.compare import comparison, several_sections
from bot.compose import Draft
from bot.desk import (
    Desk,
    Outcome,
    Similar,
    targets_of,
)
from bot.detail import unstated_detail
from bot.evidence import ENOUGH, Evidence, Finder, body, ordered_concepts, sentences, typed
from bot.facts import is_faq, is_field
from bot.index import Index
from bot.lexical import normalise
from bot.lists import listed_members, which_section
from bot.names import places_in
from bot.passages import (
    Likeliest,
    alike,
    likeliest,
    say_each,
    whole_list,
    with_exception,
    with_nearest,
    with_others,
    within_section,
)
from bot.polarity import asks_eligibility, eligibility, polarity, yes_word
from bot.ranking import Ranked
from bot.reckon import reckoned
from bot.settings import Settings
from bot.statements import of_asked_classes, say_in_order, say_statement
from bot.sufficient import correction, missing_part, refuse, refuse_detail, refuse_edition
from bot.suggest import notices, suggestions
from bot.supposed import is_own_place, supposed_place, supposed_value
from bot.tables import in_table
from bot.types import Answer, Clause, ClauseId, Hit, Status
from bot.understand import Reader, Reading
from bot.values import COMPARABLE, within
from bot.verify import names_of, verified
from bot.wording import questions_in, tagged


class Answerer:
    """Answers from one index."""

    def __init__(self, index: Index, reader: Reader, settings: Settings) -> None:
        self.desk = Desk(index, reader, Finder(reader), settings)
        self._sources = {s.source: s.text for s in index.sources}
        self._names = names_of(reader.clauses)

    # -- entry -------------------------------------------------------------------------------------------------

    def answer(
        self, reading: Reading, hits: Sequence[Hit], similar: Mapping[ClauseId, float], order: Sequence[Ranked] = (),
        alone: bool = True,
    ) -> Answer:  # fmt: skip
        """The first draft that passes the check; a refusal where none does. `order`: sentences of the hits, ranked;
        `alone`: no other question of the same message is answered beside this one."""
        withheld = 0
        for outcome in _finished(self.desk, reading, hits, similar, order, alone):
            made = self._made(reading, outcome, hits)
            ok = verified(
                made, self._sources, question=reading.query.text, today=self.desk.settings.date().isoformat(),
                counts=outcome.draft.counts, contact=self.desk.settings.contact, clauses=self.desk.reader.by_id,
                names=self._names, sums=outcome.draft.sums,
            )  # fmt: skip
            if ok and made.status == "refused" and withheld:
                return replace(made, refused_by="verification", withheld=withheld)
            if ok:
                return replace(made, withheld=withheld)
            withheld += made.status != "refused"
        # not even a refusal with its nearest clause held: this one quotes nothing
        refused = self._made(reading, with_nearest(self.desk, reading, refuse(reading, "refuse_unsure"), (), ()), hits)
        return replace(refused, refused_by="verification", withheld=withheld)

    def beside(self, told: Sequence[tuple[Reading, Answer]]) -> list[Answer]:
        """Answers to the parts of one message: none suggests a question that another part has answered."""
        if len(told) < 2:
            return [answer for _, answer in told]
        cited = [c for _, answer in told for c in answer.citations]
        return [replace(a, suggestions=suggestions(self.desk, r, (*a.citations, *cited), a.hits)) for r, a in told]

    def _made(self, reading: Reading, outcome: Outcome, hits: Sequence[Hit]) -> Answer:
        draft, language = outcome.draft, reading.language
        hits = _reranked(self.desk, reading, hits, _leading(draft, outcome.kept)) if outcome.status != "refused" else hits
        cited = draft.citations(self.desk.index.guides)
        return Answer(
            status=outcome.status, text=draft.text(), segments=draft.segments(),
            citations=cited, hits=tuple(hits), understood=understood(self.desk, reading),
            confidence=_chance(outcome.status, outcome.score), query=reading.query, missing=outcome.missing, table=outcome.table,
            refused_by=outcome.refused_by if outcome.status == "refused" else "",
            suggestions=suggestions(self.desk, reading, cited, hits), notices=notices(self.desk, language, cited),
        )  # fmt: skip


def _chance(status: Status, raw: float) -> float:
    """The chance that status and answer are right: Platt's map of the raw score, fitted by `python -m eval.calibrate`
    on the tune half; the raw score where none is fitted."""
    fitted = lexicon.table("confidence").get(status)
    if fitted is None:
        return raw
    kept = min(0.99, max(0.01, raw))
    return round(1 / (1 + math.exp(-(fitted["a"] * math.log(kept / (1 - kept)) + fitted["b"]))), 6)


def _finished(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked], alone: bool
) -> Iterator[Outcome]:
    """The drafts, a refusal with its nearest clause; one that answers the only question comes first with what else may
    answer, then without it, for where that does not pass the check."""
    for outcome in _drafts(desk, reading, hits, similar, order):
        more = with_others(desk, reading, outcome, order) if alone else None
        if more is not None:
            yield more
        yield with_nearest(desk, reading, outcome, hits, order)


def _drafts(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked]
) -> Iterator[Outcome]:
    """What may be said, the best first; later ones count only where an earlier one does not pass the check."""
    settled = _settled(desk, reading)
    if settled is not None:
        yield replace(settled, refused_by="understanding")
        return
    attempts = (
        *(_title, _counted, _elsewhere, partial(_reckoned, order=order), _placed, _valued, _supposed),
        *(in_table, which_section, listed_members, comparison),
        *(several_sections, partial(_listed, order=order), partial(_single, order=order), _overview, _section),
    )
    for attempt in attempts:
        outcome = attempt(desk, reading, hits, similar)
        if outcome is not None:
            yield outcome
    yield refuse(reading, "refuse_unsure")


def _settled(desk: Desk, reading: Reading) -> Outcome | None:
    """What needs no look into the guide: instructions, small talk, other years, unknown names, other subjects."""
    if reading.injection:
        return refuse(reading, "refuse_injection", score=0.95)
    if reading.smalltalk:
        return refuse(reading, "refuse_smalltalk", score=0.95)
    if reading.unknown_edition:
        return refuse_edition(desk, reading)
    elsewhere = reading.yesno and bool(reading.query.sections)
    if reading.query.unknown and not elsewhere and not any(m.how == "place" for m in reading.named):
        return refuse(reading, "refuse_unknown", name="、".join(reading.query.unknown), score=0.9)
    understood_some = reading.query.sections or reading.concepts or reading.focus or reading.bodies
    if not (reading.native or understood_some):
        return refuse(reading, "refuse_ood", score=0.8)
    return None


def understood(desk: Desk, reading: Reading) -> str:
    """How the question was understood, in the guide's own names: "甲地合作项目 · 补助经费"."""
    names = [desk.reader.section_name(i) for i in reading.query.sections[:3]]
    fields = list(reading.query.fields[:2])
    if not fields:
        fields = [lexicon.concepts()[c].zh for c in reading.concepts[:1] if c != "count_asked"]
    scope = "、".join(names) or (lexicon.message("all_sections", "zh") if reading.scope == "all" else "")
    return " · ".join(p for p in (scope, "、".join(fields)) if p)


def _title(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """A question about the guide itself is answered with its title, unless a field of it says what is asked."""
    if reading.query.sections or reading.query.fields or not lexicon.pattern("guide_itself_re").search(reading.text):
        return None
    root = next((c for c in desk.reader.clauses if c.parent is None and c.kind == "heading" and c.children), None)
    if root is None:
        return None
    draft = Draft(reading.language)
    lines = [s for s in sentences(root.text) if s[1] - s[0] > 4]
    for n, (start, end) in enumerate(lines[:3]):
        if n:
            draft.say(" ")
        draft.quote(root, start, end)
    return Outcome(draft.mark(root), "answered", 0.75) if lines else None


def _counted(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """ "68个县的名单": the guide says how many, and not which; so it says."""
    claims = [p for p in reading.premises if p.kind == "count"]
    if not claims or not reading.query.sections or not lexicon.pattern("names_of_re").search(reading.text):
        return None
    for section in targets_of(desk, reading):
        for i in (i for tier in desk.finder.pool(section) for i in tier):
            facts = desk.index.facts_of(i)
            for p in claims:
                if any(f.kind == "count" and f.value == p.value for f in facts):
                    return refuse_detail(desk, reading, lexicon.message("names_of", reading.language))
    return None


def _reckoned(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked]
) -> Outcome | None:
    return reckoned(desk, reading, order)


def _placed(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    return supposed_place(desk, reading, similar)


def _valued(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    return supposed_value(desk, reading, similar)


def _supposed(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """A yes or no about a value or a place that the question supposes ("85万能报吗", "在某市可以吗"), from the clause
    that states the bound or the places; None where the section states neither."""
    if not reading.yesno or len(reading.query.sections) != 1 or reading.comparing or reading.listing:
        return None
    section = reading.query.sections[0]
    if desk.reader.home(section) is None:
        return None
    text = "\n".join(desk.finder.text_of(i) for tier in desk.finder.pool(section) for i in tier)
    gone = [t for t, w in reading.terms if w >= 1 and desk.finder.support(t, text) < 0.5 and not _is_place_word(t)]
    if gone:
        return None
    for premise in (p for p in reading.premises if p.unit != "岁"):  # an age is no length of a project
        for concept in _BOUNDS.get((premise.kind, premise.unit), _BOUNDS.get((premise.kind, ""), ())):
            found = desk.finder.find_for(concept, reading, section, similar)
            if found is not None and found.score >= ENOUGH:
                stated = typed(found, (premise.kind, "rate", "duration", "count"))
                if within(premise, stated) is not None:
                    return _stated(desk, reading, found)
    others = set(reading.concepts) - {"place", "eligible", "requirements", "count_asked"}
    places = [t for t in (*(t for t, _ in reading.terms), *reading.story) if _is_place_word(t) and not is_own_place(reading, t)]
    sure = [p for p in places if _is_place_word(p, sure=True) or re.search(f"[在到去赴]{re.escape(p)}", reading.text)]
    told = [t for t, w in reading.terms if w >= 1 and t not in places]  # "牛羊肉深加工": what looks like a name is one of them
    if (sure or (places and not told)) and not others and not reading.premises:
        found = desk.finder.find_for("place", reading, section, similar)
        if found is not None and found.score >= ENOUGH:
            supposed = replace(reading, terms=tuple((p, 1.0) for p in places))
            return _stated(desk, supposed, replace(found, concept="place"))
    return None


_BOUNDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("amount", ""): ("funding",),
    ("duration", "D"): ("onsite",),
    ("duration", "W"): ("onsite",),
    ("rate", ""): ("onsite",),
    ("duration", ""): ("duration",),
    ("count", "人"): ("targets",),
    ("count", "名"): ("targets",),
    ("count", "项"): ("quota",),
    ("count", "个"): ("quota", "targets"),
    ("date", ""): ("deadline",),
}


def _is_place_word(word: str, sure: bool = False) -> bool:
    """A place below the provinces, by the dictionary's tag or by its ending; names of people are places too, unless it
    must be `sure`."""
    if re.fullmatch(r"[\u4e00-\u9fff]{1,6}[市县州盟旗师]", word):
        return True
    tags = ("ns",) if sure else ("ns", "nr", "nrt")
    return any(pos in tags for w, pos, _ in tagged(word, 0) if w == word)


def _listed(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked]
) -> Outcome | None:
    """A whole list outside of the sections with labelled fields, where that is what is asked."""
    named = any(desk.reader.home(s) for s in reading.query.sections) and reading.scope != "implied"
    return None if named else whole_list(desk, reading, order)


def _single(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked] = ()
) -> Outcome | None:
    """One answer from one place. A section that only the question's words imply, and that does not answer, is let go."""
    outcome = _told_once(desk, reading, hits, similar, order)
    if reading.scope != "implied" or (outcome is not None and outcome.status == "answered"):
        return outcome
    free = replace(reading, scope="none", query=replace(reading.query, sections=()))
    other = _told_once(desk, free, hits, similar, order)
    return other if other is not None and other.status == "answered" else outcome


def _told_once(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked]
) -> Outcome | None:
    named = bool(reading.query.sections)
    if (
        named
        and not any(is_faq(desk.reader.by_id[i]) for i in reading.query.sections)
        and not (reading.concepts or reading.focus or reading.bodies or reading.query.unknown or reading.listing or reading.field_named)
        and reading.language.startswith("zh")
        and _named_place(desk, reading) is None
    ):
        return None
    sections = targets_of(desk, reading) if named else [h.clause.clause_id for h in hits]
    if named:
        sections = list(dict.fromkeys([*sections, *reading.query.sections]))
    found: Evidence | None = (
        (_enumeration(desk, reading, sections) or _places_listed(desk, reading, sections)) if named else None
    )
    if found is not None and lexicon.pattern("names_asked_re").search(reading.text):
        return _stated(desk, reading, found)  # "那几个…的名字": how many there are is not asked
    if asks_eligibility(reading) and named:
        found = eligibility(desk, reading, sections[0])
    flat = not any(desk.reader.home(s) for s in sections)
    best = likeliest(desk, reading, order, similar) if found is None and (flat or not named) and order else None
    if best is not None:
        return _told_likeliest(desk, reading, hits, similar, order, best)
    if found is None:
        looked = (desk.finder.find(reading, s, similar) for s in sections)
        found = _telling_most(desk, reading, [e for e in looked if e is not None])
    found = _telling_first(desk, reading, sections, found, similar)
    if found is None or found.score < ENOUGH:
        found = _named_place(desk, reading) or found
    if named and (found is None or found.score < ENOUGH or _asks_other_detail(reading, found)):
        found = _in_general(desk, reading, found, similar)
    if found is not None and _by_words_alone(desk, reading, sections, found):
        told_better = _told_at_home(desk, reading, order, similar)
        if told_better is not None:
            return told_better
    corrected = correction(desk, reading, found)
    if corrected is not None:
        return corrected
    told = [*sections, found.section] if found is not None else sections
    missing = missing_part(desk, reading, told, found)
    if missing:
        return refuse_detail(desk, reading, missing)
    if found is None or found.score < ENOUGH:
        return _told_at_home(desk, reading, order, similar) if named else None
    return _stated(desk, reading, _with_siblings(desk, reading, found))


def _by_words_alone(desk: Desk, reading: Reading, sections: Sequence[ClauseId], found: Evidence) -> bool:
    """Whether the words found in one whole section answer by being alike alone: no field, and nothing that was asked."""
    whole = len(sections) == 1 and reading.scope == "named" and desk.reader.by_id[sections[0]].kind == "heading"
    return whole and reading.native and found.score >= ENOUGH and not found.concept and not found.by_field


def _told_at_home(desk: Desk, reading: Reading, order: Sequence[Ranked], similar: Similar) -> Outcome | None:
    """Of a named section of whose fields none answers, and of whose words none is strange: its likeliest sentence, where
    it likely answers at all."""
    best = within_section(desk, reading, order, similar) if not reading.comparing and order else None
    if best is None or best.missing or best.chance < 0.5:
        return None
    return replace(_stated(desk, reading, best.found), score=best.chance)


def _told_likeliest(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, order: Sequence[Ranked], best: Likeliest
) -> Outcome | None:
    """Outside of a named section with labelled fields: what the likeliest sentence says, and those that say the same of
    something else; a refusal where the guide hardly answers."""
    found = _telling_first(desk, reading, [h.clause.clause_id for h in hits], best.found, similar) or best.found
    corrected = correction(desk, reading, found)
    if corrected is not None:
        return corrected
    if found is best.found and found.score < ENOUGH and (unstated := unstated_detail(desk, reading, found)):
        return refuse_detail(desk, reading, unstated)
    if best.chance < 0.5:
        return refuse_detail(desk, reading, best.missing) if best.missing else None
    same = alike(desk, reading, order, similar, found)
    each = say_each(desk, reading, same) if len(same) > 1 else None
    first = found if found in same else same[0]  # others may hold more of the question's words
    outcome = each or _stated(desk, reading, _with_siblings(desk, reading, with_exception(first)))
    return replace(outcome, score=best.chance)


def _telling_most(desk: Desk, reading: Reading, candidates: Sequence[Evidence]) -> Evidence | None:
    """The best candidate; where it does not give the detail that is asked for, the best that does."""
    best = sorted(candidates, key=lambda e: -round(e.score, 6))
    good = (e for e in best if e.score >= ENOUGH and not unstated_detail(desk, reading, e))
    return next(good, best[0] if best else None)


def _telling_first(
    desk: Desk, reading: Reading, sections: Sequence[ClauseId], found: Evidence | None, similar: Similar
) -> Evidence | None:
    """Where the first thing asked is a detail ("答辩多长时间") that a clause speaks of, a field for something more
    general does not answer in its place."""
    first = next(iter(ordered_concepts(reading)), "")
    if found is None or reading.query.sections or not first or found.concept == first:
        return found
    asks_value = any(lexicon.pattern(p).search(reading.text) for p in ("quantity_asked_re", "time_asked_re"))
    if not lexicon.concepts()[first].detail or not asks_value:
        return found
    told = [desk.finder.find_for(first, reading, s, similar) for s in sections]
    good = [e for e in told if e is not None and e.score >= ENOUGH and typed(e, COMPARABLE)]
    good = [e for e in good if not unstated_detail(desk, reading, e)]  # "多少钱": a day of payment is none
    return max(good, key=lambda e: round(e.score, 6)) if good else found


def _asks_other_detail(reading: Reading, found: Evidence) -> bool:
    """Whether the first thing asked is a detail ("总盘子") and the words found answer something else that is asked, in
    other words: "去多久" asks for both how long one stays and how long a project takes."""
    first = next(iter(ordered_concepts(reading)), "")
    if not first or not lexicon.concepts()[first].detail or found.concept == first:
        return False
    words = {(a.start, a.end) for a in reading.asked if a.concept == first}
    return any(a.concept == found.concept and (a.start, a.end) not in words for a in reading.asked)


def _in_general(desk: Desk, reading: Reading, found: Evidence | None, similar: Similar) -> Evidence | None:
    """What a named section leaves to the part of the guide that is for all sections: a sentence there that speaks
    of the first thing asked, with its type of value."""
    first = next(iter(ordered_concepts(reading)), "")
    types = lexicon.concepts()[first].types if first else frozenset()
    if not types and not (first and lexicon.concepts()[first].detail):
        return found
    reader = desk.reader
    general = [c.clause_id for c in reader.clauses if c.kind == "heading" and c.parent is not None]
    general = [i for i in general if reader.home(i) is None and not reader.homes_under(i)]
    told = [desk.finder.find_for(first, reading, s, similar) for s in general]
    good = [e for e in told if e is not None and e.score >= ENOUGH and (typed(e, types) or not types)]
    return max(good, key=lambda e: round(e.score, 6)) if good else found


def _with_siblings(desk: Desk, reading: Reading, found: Evidence) -> Evidence:
    """Asked for materials, steps or a list, one item stands for all that its lead-in ("…下列材料：") announces, unless
    the question's words are the item's own."""
    clause = found.clause
    parent = desk.reader.by_id.get(clause.parent) if clause.parent else None
    wants = reading.listing or set(reading.concepts[:1]) & {"materials", "requirements", "process"}
    if parent is None or clause.kind not in ("item", "paragraph") or not wants or reading.yesno or is_field(parent):
        return found
    if _heads_list(desk, reading, found, parent):
        return replace(found, clause=parent, spans=((0, len(parent.text)),), by_field=True)
    if clause.kind != "item":
        return found
    start, end = body(parent)
    own, lead = (desk.finder.coverage(reading.focus, normalise(t)) for t in (found.quote, parent.text))
    if not parent.text.rstrip().endswith(("：", ":")) or end <= start or (reading.focus and own > lead):
        return found
    spans = sentences(parent.text, start)
    return replace(found, clause=parent, spans=(spans[-1],), by_field=False)


def _heads_list(desk: Desk, reading: Reading, found: Evidence, parent: Clause) -> bool:
    """Whether what stands under a heading ("三、申报材料") is together what is asked for, a line each."""
    if parent.kind != "heading" or parent.parent is None or desk.reader.home(parent.clause_id) is not None:
        return False
    below = [desk.reader.by_id[i] for i in parent.children]
    name = normalise(desk.reader.section_name(parent.clause_id))
    if lexicon.concept_of_label(name) not in reading.concepts[:1] or len(below) < 2:
        return False
    own, lead = (desk.finder.coverage(reading.focus, text) for text in (normalise(found.quote), name))
    return all(c.kind in ("item", "paragraph") for c in below) and (not reading.focus or own <= lead)


def _enumeration(desk: Desk, reading: Reading, sections: Sequence[ClauseId]) -> Evidence | None:
    """ "…有哪几家": of an item whose names are asked for, the sentence that lists most."""
    item = desk.reader.by_id[sections[0]]
    names = lexicon.pattern("names_asked_re").search(reading.text)
    if (
        not (reading.listing or names)
        or set(reading.concepts) - {"eligible", "content", "count_asked"}
        or len(sections) > 1
        or item.kind != "item"
    ):
        return None
    listed = max(sentences(item.text, body(item)[0]), key=lambda s: item.text[s[0] : s[1]].count("、"), default=None)
    if listed is None or item.text[listed[0] : listed[1]].count("、") < (1 if names else 2):
        return None
    return Evidence(item, (listed,), sections[0], 0.9)


def _places_listed(desk: Desk, reading: Reading, sections: Sequence[ClauseId]) -> Evidence | None:
    """Which countries or regions a section is about, or whether one that it does not name is among them: the
    sentence that names most of them."""
    asks = lexicon.pattern("list_items_re").search(reading.text) or (reading.yesno and reading.query.unknown)
    if not asks or reading.concepts or reading.focus:
        return None
    best: Evidence | None = None
    for clause_id in (i for s in sections for i in desk.reader.subtree(s)):
        clause = desk.reader.by_id[clause_id]
        for span in sentences(clause.text, body(clause)[0]):
            count = len(places_in(normalise(clause.text[span[0] : span[1]]), "zh"))
            if count > (best.score if best is not None else 0):
                best = Evidence(clause, (span,), sections[0], float(count), "place")
    return replace(best, score=0.9) if best is not None else None


def _named_place(desk: Desk, reading: Reading) -> Evidence | None:
    """ "有没有跟某国合作的项目": the sentence that names the country, where nothing else is asked."""
    named = [m for m in reading.named if m.how == "place"]
    if not named or not reading.yesno or reading.concepts or reading.focus:
        return None
    for clause in (desk.reader.by_id[i] for i in named[0].clauses):
        for span in sentences(clause.text, body(clause)[0]):
            if named[0].text in normalise(clause.text[span[0] : span[1]]):
                return Evidence(clause, (span,), clause.clause_id, 0.9, "content")
    return None


def _elsewhere(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """A question about something of which no word stands in a guide of projects ("高新技术企业认定要什么条件"): what its
    projects have in common says nothing of it."""
    if not desk.reader.homes or reading.query.sections or reading.scope == "all" or not reading.native:
        return None
    nouns = [t for t, w in reading.terms if w >= 1 and t in "".join(reading.text[s:e] for s, e in questions_in(reading.text))]
    if not nouns:
        return None
    titles = "\n".join(normalise(g.title) for g in desk.index.guides)
    holds = desk.reader.names.holds
    gone = [t for t in nouns if not any(holds(w) or w in titles for w in (t, *lexicon.synonyms(t)))]
    return refuse_detail(desk, reading, "、".join(dict.fromkeys(gone))) if gone and len(gone) == len(nouns) else None


def _overview(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """A section's name and nothing else: its short fields."""
    bare = lexicon.pattern("interrogative_re").search(reading.text) is None and not reading.yesno
    bare = bare and (reading.language.startswith("zh") or len(reading.text.split()) <= 3)
    if len(reading.query.sections) != 1 or reading.concepts or reading.focus or reading.scope == "implied" or not bare:
        return None
    home = desk.reader.home(reading.query.sections[0])
    draft = Draft(reading.language)
    for i in desk.reader.children.get(home, ()) if home is not None else ():
        c = desk.reader.by_id[i]
        start, end = body(c)
        if is_field(c) and 0 < end - start <= 40:
            if draft.pieces:
                draft.msg("semicolon")
            draft.say(c.label).msg("colon").quote(c, start, end).mark(c)
    return Outcome(draft, "answered", 0.6) if draft.pieces else None


def _section(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """ "申报条件有哪些": a heading's name and nothing else, where no labelled fields stand under it: what does."""
    asked = reading.query.sections
    if len(asked) != 1 or reading.scope != "named" or reading.concepts or reading.focus or reading.yesno:
        return None
    heading = desk.reader.by_id[asked[0]]
    nested = desk.reader.home(asked[0]) is not None or desk.reader.homes_under(asked[0])
    if heading.kind != "heading" or heading.parent is None or nested or not heading.children:
        return None
    return _stated(desk, reading, Evidence(heading, ((0, len(heading.text)),), asked[0], 1.0, by_field=True))


def _stated(desk: Desk, reading: Reading, found: Evidence) -> Outcome:
    draft = Draft(reading.language)
    found = of_asked_classes(reading, found)
    say_in_order(draft, reading, found)
    if reading.yesno or (reading.bodies and found.concept == "eligible" and "eligible" not in reading.concepts):
        # how English says yes and no is not read: its own words do
        verdict = None if desk.reader.english else polarity(desk, reading, found.section, found)
        if verdict is not None:
            draft.say(yes_word(reading, verdict)).say("，" if reading.language.startswith("zh") else ": ")
    say_statement(desk, draft, reading, found)
    return Outcome(draft, "answered", min(0.97, 0.45 + 0.3 * found.score), kept=(found,))


def _leading(draft: Draft, kept: Sequence[Evidence]) -> list[Clause]:
    """The cited clauses, those that answer before those that only lead in to them."""
    told = {e.clause.clause_id for e in kept}
    return sorted(draft.cited, key=lambda c: bool(told) and c.clause_id not in told)


# So near to the first, reading tells better in a text without labelled fields: less than this of the ranking's score
# behind it; for a foreign question at least this share of the first's fused score.
CLOSE, CLOSE_FOREIGN = 1.0, 0.9


def _reranked(desk: Desk, reading: Reading, hits: Sequence[Hit], cited: Sequence[Clause]) -> list[Hit]:
    """Hits with the clauses that the answer rests on first: reading them for the answer is the last ranking stage."""
    known = {h.clause.clause_id: h for h in hits}
    top = max((h.score for h in hits), default=0.0)
    enough = top - CLOSE if reading.native else top * CLOSE_FOREIGN
    read = [known[c.clause_id] for c in cited if c.clause_id in known]
    if not any(h.rank <= 5 and (h.score >= enough or desk.reader.home(h.clause.clause_id) is not None) for h in read):
        return list(hits)  # what the ranking puts low is no better for being quoted
    first = [c for c in cited if c.kind != "heading" or len(cited) == 1 or c.clause_id in known][: len(hits) or 10]
    ranked = [Hit(c, known[c.clause_id].score if c.clause_id in known else top, 0, "reranked") for c in first]
    used = {c.clause_id for c in first}
    ranked += [h for h in hits if h.clause.clause_id not in used]
    return [Hit(h.clause, h.score, n, h.source) for n, h in enumerate(ranked[: max(len(hits), 1)], 1)]
