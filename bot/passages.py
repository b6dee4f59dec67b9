"""Answers out of text without labelled fields: the likeliest sentence, all that say it of several things, whole lists."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import lexicon
from bot.compose import Draft
from bot.desk import Desk, Outcome, Similar
from bot.detail import unnamed_thing, unstated_detail
from bot.evidence import ENOUGH, Evidence, body, ordered_concepts, sentences, trim, typed, wants_number
from bot.facts import is_field
from bot.lexical import normalise
from bot.ranking import Ranked, chances, pairs_of
from bot.statements import place_of, say_lead_in, say_list, say_place, say_reader_form, with_label
from bot.sufficient import missing_part
from bot.types import Clause, ClauseId, Hit
from bot.understand import Reading
from bot.values import COMPARABLE

NEAR = 2.5  # of the ranking's score: sentences this near the first may answer where it does not
ALIKE = 1.5  # of the ranking's score: sentences this near the first may say the same of something else
LOOKED_AT = 4  # sentences
ALIKE_MOST = 5  # sentences
LISTED = 12  # ranked sentences whose lists are looked at
LIST_HOLDS = 0.4  # least share of the question's words in a list and what announces it
LONG = 420  # characters of a whole answer
ALSO_SURE = 0.8  # chance that the sentences told beside an answer, with the first, hold it
ALSO_MOST = 4  # ranked sentences looked at for that
ALSO_SHORT, ALSO_LONG = 6, 240  # characters of such a sentence, and of the answer with all of them
ALSO_ALIKE = 0.5  # of the pairs of characters of the shorter: sentences that say the same of two cases
NEAR_LONG = 100  # characters of the nearest clause that a refusal shows
ALSO_CITED = 2  # clauses: an answer that rests on more is a list, to which a like sentence adds nothing
_WHOLE = ("materials", "requirements", "process", "eligible", "penalty", "content", "qualification")


ENOUGH_SIGNS = (
    "always", "missing", "unstated", "no_words", "top", "around", "similar", "yesno", "foreign", "foreign_top", "evidence",
    "concepts", "share", "words", "margin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The likeliest sentence as evidence, what it leaves unsaid, and the chance that the guide answers at all."""

    found: Evidence
    missing: str
    chance: float


def likeliest(desk: Desk, reading: Reading, order: Sequence[Ranked], similar: Similar) -> Likeliest | None:
    """The likeliest sentence that leaves nothing unsaid, of those near the first; where there is none the first.

    `chance` is a logistic model over the signs of the first sentence (`signs`), fitted with the ranking's weights."""
    order = _fit(reading, order)
    best = _looked_into(desk, reading, order[0], similar)
    chance = enough(_signs(desk, reading, order, similar, best))
    if best[0] is not None and not best[1] and _says_detail(reading, best[0]):
        chance = max(chance, 0.5)
    first: Likeliest | None = None
    near = _items_first([r for r in order if r.score >= order[0].score - NEAR])[:LOOKED_AT]
    if reading.listing:  # of sentences that are nearly as likely one that lists things tells which they are
        near = _listing_first(desk, reading, near)
    for r in near:
        found, missing = best if r is order[0] else _looked_into(desk, reading, r, similar)
        if found is None:
            continue
        if found.score >= ENOUGH and not missing:
            led = first is not None and found.clause.parent == first.found.clause.clause_id  # the first only leads in to it
            if first is not None and not led and order[0].score - r.score <= EVEN:  # as good a first as the first
                own = [r, *(o for o in order if o is not r)]
                chance = max(chance, enough(_signs(desk, reading, own, similar, (found, ""))))
            return Likeliest(found, "", max(chance, 0.5) if first is None or led else chance)
        first = first or Likeliest(found, missing, chance)
    return first


def within_section(desk: Desk, reading: Reading, order: Sequence[Ranked], similar: Similar) -> Likeliest | None:
    """The likeliest sentence of a named section with labelled fields, with those of its clause that are as likely, and
    the chance that it answers."""
    order = [r for r in order if not _STARTS_LIST.fullmatch(r.sentence.text)] or order
    chance = enough(_signs(desk, reading, order, similar, _looked_into(desk, reading, order[0], similar)))
    first: Likeliest | None = None
    for r in [r for r in order if r.score >= order[0].score - NEAR][:LOOKED_AT]:
        found = desk.finder.of_sentence(reading, r.clause, r.sentence, similar)
        missing = unstated_detail(desk, reading, found)
        if not missing:
            return Likeliest(_with_even(found, r, order), "", chance)
        first = first or Likeliest(found, missing, chance)
    return first


_STARTS_LIST = re.compile(r"[^，。；]{0,8}(?:如下|下列)[:：]?")
EVEN = 0.5  # of the ranking's score: sentences of one clause this near are told together
EVEN_LONG = 150  # characters of them together


def _with_even(found: Evidence, best: Ranked, order: Sequence[Ranked]) -> Evidence:
    """A whole sentence with those of its clause that are as likely, where they are short together."""
    if found.spans != (best.sentence.span,):
        return found
    even = [r.sentence.span for r in order if r.clause is best.clause and abs(r.score - best.score) <= EVEN]
    spans = tuple(sorted({best.sentence.span, *even}))
    return replace(found, spans=spans) if sum(e - s for s, e in spans) <= EVEN_LONG else found


def _items_first(near: Sequence[Ranked]) -> list[Ranked]:
    """Ranked sentences, the items of a first one that only leads in to them ("补贴按照下列标准发放：") right after it."""
    children = near[0].clause.children
    return sorted(near, key=lambda r: (r is not near[0], r.clause.clause_id not in children)) if near else []


def _says_detail(reading: Reading, found: Evidence) -> bool:
    """Whether a sentence holds the words of the detail that is asked for first: few clauses do, so it answers."""
    first = next(iter(ordered_concepts(reading)), "")
    return bool(first) and found.concept == first and lexicon.concepts()[first].detail


def _fit(reading: Reading, order: Sequence[Ranked]) -> Sequence[Ranked]:
    """The ranked sentences that can answer at all: no form's name, no bare heading, none of another thing by name. Where
    none is left, all."""
    telling = [r for r in _telling(reading, order) if not _is_bare(r.clause)] or order
    return [r for r in telling if not unnamed_thing(reading, f"{r.clause.label} {r.sentence.text}")] or telling


def _telling(reading: Reading, order: Sequence[Ranked]) -> Sequence[Ranked]:
    """The ranked sentences without those that are but a form's name ("某项目申报表"), unless forms are asked for."""
    if "materials" in reading.concepts or _FORM.search(reading.text):
        return order
    return [r for r in order if not _FORM_NAME.fullmatch(r.sentence.text)] or order


_FORM = re.compile(r"表格|[填报请估评审]表|附件|附表|模板|名册|清单|申[请报]书|什么[表书]|哪[些张份个]表")
_FORM_NAME = re.compile(r"[《“]?[^，。；：、,;:《》]{2,40}(?:表|申请书|申报书|名册|清单|模板|承诺书|任务书)[》”]?")


def _listing_first(desk: Desk, reading: Reading, near: Sequence[Ranked]) -> list[Ranked]:
    """Sentences that list things first, of those whose clauses hold as many of the question's words as the first's; where
    what is not given or allowed is asked for, those first that rule something out ("不得用于A、B和C")."""
    terms = desk.finder.weighed(reading.focus)
    held = [desk.finder.coverage(terms, desk.finder.text_of(r.clause.clause_id)) for r in near]
    about = [share >= held[0] - 0.05 for share in held]
    lists = [_enumerates(r.sentence.text) for r in near]
    if lexicon.pattern("question_denies_re").search(reading.text):
        lists = [_rules_out(r.sentence.text) for r in near]
    return [near[n] for n in sorted(range(len(near)), key=lambda n: not (lists[n] and about[n]))]


def _ruled_out(reading: Reading, found: Evidence) -> Evidence:
    """Where what is not allowed is asked for, of words that allow something what the same clause goes on to forbid without
    naming it anew ("经费可以用于A和B。不得用于C和D")."""
    asked = lexicon.pattern("question_denies_re").search(reading.text)
    if not asked or reading.yesno or _rules_out(found.quote):
        return found
    after = sentences(found.clause.text, found.spans[-1][1])[:1]
    told = [found.clause.text[s:e] for s, e in after if lexicon.pattern("forbids_re").match(found.clause.text, s)]
    return replace(found, spans=tuple(after)) if told and _rules_out(told[0]) else found


def _rules_out(text: str) -> bool:
    """Whether a sentence rules something out; a bound ("不得超过…") does not."""
    return all(lexicon.pattern(p).search(text) for p in ("forbids_re", "part_denies_re"))


def _enumerates(text: str) -> bool:
    return text.count("、") >= 2 or ("、" in text and bool(_KINDS.search(text)))


_KINDS = re.compile(r"[两三四五六七八九十]\s?(?:类|种|项|个方面)|包括|分为|分别为")


def _looked_into(desk: Desk, reading: Reading, r: Ranked, similar: Similar) -> tuple[Evidence | None, str]:
    """A sentence as evidence, and what it leaves unsaid."""
    found = _evidence(desk, reading, r, similar)
    found = _ruled_out(reading, found) if found is not None else None
    return found, "" if found is None else missing_part(desk, reading, _place(desk, r.clause), found)


def _is_bare(clause: Clause) -> bool:
    """A heading of which nothing is left without its number and name: it announces what stands under it."""
    return clause.kind == "heading" and clause.parent is not None and bool(clause.children) and not is_field(clause)


def _place(desk: Desk, clause: Clause) -> list[ClauseId]:
    """A clause and, for an item, the lead-in that it stands under: its words are the item's too."""
    lead = desk.finder.lead_in(clause)
    return [clause.clause_id, lead.clause_id] if lead is not None else [clause.clause_id]


def signs(desk: Desk, reading: Reading, order: Sequence[Ranked], similar: Similar) -> tuple[float, ...]:
    """What tells whether the guide answers a question at all: of the first sentence, its distance from the rest, what
    it leaves unsaid."""
    order = _fit(reading, order)
    return _signs(desk, reading, order, similar, _looked_into(desk, reading, order[0], similar))


def _signs(
    desk: Desk, reading: Reading, order: Sequence[Ranked], similar: Similar, best: tuple[Evidence | None, str]
) -> tuple[float, ...]:
    top, (found, missing) = order[0], best
    terms = desk.finder.weighed(reading.focus)
    others = [r.score for r in order if r.clause is not top.clause]
    own = sum(x for x, r in zip(chances(order), order, strict=True) if r.clause is top.clause)
    foreign = not reading.native
    return (
        1.0, float(bool(missing)), float(found is not None and bool(unstated_detail(desk, reading, found))), float(not terms),
        top.score, desk.finder.coverage(terms, desk.finder.context(top.clause)) if terms else 0.0,
        similar.get(top.clause.clause_id, 0.0), float(reading.yesno), float(foreign), top.score if foreign else 0.0,
        found.score if found is not None else 0.0, float(min(2, len(reading.concepts))), own,
        _cover(desk, terms, Evidence(top.clause, (top.sentence.span,), top.clause.clause_id, 0.0)) if terms else 0.0, top.score - max(others, default=0.0),
    )  # fmt: skip


def enough(row: Sequence[float]) -> float:
    """The chance that the guide answers, from its signs."""
    table = lexicon.table("ranking")["enough"]
    return 1 / (1 + math.exp(-sum(float(table[n]) * v for n, v in zip(ENOUGH_SIGNS, row, strict=True))))


def _evidence(desk: Desk, reading: Reading, r: Ranked, similar: Similar) -> Evidence | None:
    if desk.reader.home(r.clause.clause_id) is None:
        return desk.finder.of_sentence(reading, r.clause, r.sentence, similar)
    return desk.finder.find(reading, r.clause.clause_id, similar)


def alike(
    desk: Desk, reading: Reading, order: Sequence[Ranked], similar: Similar, found: Evidence
) -> list[Evidence]:
    """With the sentence found, the others that answer as well for something else ("生活补助多少": of each class of
    applicants): as near, with as many of the question's words, another value of the same type."""
    first = next(iter(ordered_concepts(reading)), "")
    types = (lexicon.concepts()[first].types if first else frozenset()) or set(COMPARABLE)
    wants = bool(first and lexicon.concepts()[first].types) or wants_number(reading)
    if reading.yesno or reading.comparing or not wants or not typed(found, types):
        return [found]
    terms = desk.finder.weighed(reading.focus)
    near = (_evidence(desk, reading, r, similar) for r in order if r.score >= order[0].score - ALIKE)
    good = (e for e in near if e is not None and e.score >= ENOUGH and typed(e, types))
    told = [found, *(e for e in good if not unstated_detail(desk, reading, e))][: ALIKE_MOST + 1]
    most = max(_cover(desk, terms, e) for e in told)
    kept: list[Evidence] = []
    for other in (e for e in told if _cover(desk, terms, e) >= most - 0.05):
        values = {(q.kind, q.value) for q in typed(other, types)}
        units = {q.unit for q in typed(other, types)} & {q.unit for k in kept for q in typed(k, types)}
        if not kept or (units and all(values != {(q.kind, q.value) for q in typed(k, types)} for k in kept)):
            kept.append(other)
    return sorted(kept, key=lambda e: (e.clause.start, e.spans))


def _cover(desk: Desk, terms: Sequence[tuple[str, float]], found: Evidence) -> float:
    """Share of the question's words that an evidence holds itself, its label and its lead-in included."""
    return desk.finder.coverage(terms, normalise(_named(desk, found) + found.quote)) if terms else 1.0


def _named(desk: Desk, found: Evidence) -> str:
    parent = desk.reader.by_id.get(found.clause.parent) if found.clause.parent else None
    title = desk.finder.title_of(found.clause)
    lead = parent.text if parent is not None and len(parent.text) <= 60 else ""
    return f"{found.clause.label}{title.text if title is not None else ''}{lead}"


def say_each(desk: Desk, reading: Reading, kept: Sequence[Evidence]) -> Outcome | None:
    """All of them, one after another, each under the words that say what it is for; None where that is too long."""
    draft = Draft(reading.language)
    for n, found in enumerate(kept):
        if n:
            draft.msg("semicolon")
        if not say_lead_in(desk, draft, found):
            label = found.clause.label
            if label and label != found.clause.number and label not in found.quote and len(label) <= 30:
                draft.say(label).msg("colon")
        draft.evidence(found)
        say_reader_form(draft, found)
        draft.mark(found.clause)
    if len(draft.text()) > LONG:
        return None
    return Outcome(draft, "answered", 0.65, kept=tuple(kept))


# -- whole lists -----------------------------------------------------------------------------------------------------


def whole_list(desk: Desk, reading: Reading, order: Sequence[Ranked]) -> Outcome | None:
    """ "要交哪些材料", "哪些人不能报": all the items under the heading or the lead-in that announces what is asked."""
    first = next(iter(ordered_concepts(reading)), "")
    several = any(lexicon.pattern(p).search(reading.text) for p in ("which_ones_re", "each_re"))
    counts = wants_number(reading) and not several
    if not (reading.listing or first in _WHOLE) or reading.yesno or reading.comparing or counts:
        return None
    if order and first and is_field(order[0].clause) and desk.finder.carried(order[0].clause) == first:
        return None  # a label that names what is asked answers before a list does
    leads = _leads(desk, order)
    scored = [(_announces(desk, reading, lead, items, order), lead, items) for lead, items in leads]
    best = max(scored, key=lambda s: (round(s[0], 6), -s[1].start), default=None)
    if best is None or best[0] < 1.0:
        return None
    return _say_list(desk, reading, best[1], best[2])


def _leads(desk: Desk, order: Sequence[Ranked]) -> list[tuple[Clause, list[Clause]]]:
    """Headings and lead-ins with at least two items, of or over the best sentences."""
    out: dict[ClauseId, tuple[Clause, list[Clause]]] = {}
    for r in order[:LISTED]:
        for i in desk.reader.ancestors(r.clause.clause_id)[:3]:
            clause = desk.reader.by_id[i]
            items = [desk.reader.by_id[c] for c in clause.children]
            items = [c for c in items if body(c)[1] > body(c)[0] and not is_field(c)]
            if len(items) >= 2 and clause.parent is not None and desk.reader.home(i) is None and all(c.kind in ("item", "row", "paragraph") for c in items):
                out.setdefault(i, (clause, items))
    return list(out.values())


def _announces(desk: Desk, reading: Reading, lead: Clause, items: Sequence[Clause], order: Sequence[Ranked]) -> float:
    """How well a lead-in announces what is asked: its concept, the question's words, what it rules out, and how near
    the best of its items and itself are."""
    first = next(iter(ordered_concepts(reading)), "")
    text = normalise(lead.text)
    carried = lexicon.concept_of_label(desk.reader.section_name(lead.clause_id))
    terms = desk.finder.weighed(reading.focus)
    whole = text + "\n".join(normalise(c.text) for c in items)
    named = reading.scope == "named" and reading.listing and lead.clause_id in reading.query.sections
    if terms and not named and desk.finder.coverage(terms, whole) < LIST_HOLDS:
        return 0.0  # it is of something else: "设备转让了怎么办" is not the steps of an application
    score = 0.8 * bool(first and carried == first)
    score += 1.0 * named
    score += 0.9 * (desk.finder.coverage(terms, text) if terms else 0.0)
    score += 0.3 * bool(first and lexicon.concepts()[first].said.search(text))
    denies = bool(lexicon.pattern("question_denies_re").search(reading.text))
    forbids = bool(lexicon.pattern("forbid_list_re").search(text) or lexicon.pattern("denied_heading_re").search(text))
    score += 0.7 if denies and forbids else -0.6 if denies != forbids else 0.0
    ids = {lead.clause_id, *(c.clause_id for c in items)}
    near = [r.score for r in order if r.clause.clause_id in ids]
    return score + 0.3 * (max(near) >= order[0].score - 1.0 if near else 0)


def _say_list(desk: Desk, reading: Reading, lead: Clause, items: Sequence[Clause]) -> Outcome:
    draft = Draft(reading.language)
    start, end = body(lead)
    spans = sentences(lead.text, start)
    if end > start and lead.kind != "heading" and spans:
        draft.quote(lead, *spans[-1]).mark(lead).msg("colon")
    say_list(draft, [(item, with_label(item)) for item in items])
    say_place(desk, draft, Evidence(lead, ((0, 0),), lead.clause_id, 1.0))
    return Outcome(draft, "answered", 0.7)


# -- what else may answer ----------------------------------------------------------------------------------------------


def likely_count(shares: Sequence[float]) -> int:
    """How many of the first of a question's sentences, whose chances stand in falling order, together have `ALSO_SURE`; at
    most `ALSO_MOST`."""
    held = 0.0
    for n, share in enumerate(shares[:ALSO_MOST]):
        if held >= ALSO_SURE:
            return n
        held += share
    return min(len(shares), ALSO_MOST)


def with_others(desk: Desk, reading: Reading, outcome: Outcome, order: Sequence[Ranked]) -> Outcome | None:
    """A short answer with the sentences that are about as likely and that it does not quote already, each cited and under
    its place: which of two clauses a question means its words do not always tell. None where there is nothing to add."""
    draft = outcome.draft
    single = outcome.status == "answered" and outcome.table is None and not draft.sums and not draft.counts
    if not single or len(draft.cited) > ALSO_CITED or any(_says_all(desk, reading, e) for e in outcome.kept) or not order:
        return None
    said, others = normalise(draft.text()), []
    order = _fit(reading, order)
    likely = order[: likely_count(chances(order))]
    for r in (r for r in likely if not _is_beside_the_point(desk, reading, outcome, r)):
        text, (start, end) = r.sentence.text, r.sentence.span
        quoted = text in said or any(a < end and start < b for a, b in draft.spans.get(r.clause.clause_id, ()))
        bare = len(text) < ALSO_SHORT or r.clause.kind == "row" or _STARTS_LIST.fullmatch(text)
        if not quoted and not bare and len(said) + len(text) <= ALSO_LONG:
            said += text
            others.append(r)
    if not others:
        return None
    more = draft.copy().say("\n").msg("also")
    for n, r in enumerate(others):
        more = more.msg("semicolon") if n else more
        _say_other(desk, more, r)
    return replace(outcome, draft=more)


def _say_other(desk: Desk, draft: Draft, r: Ranked) -> None:
    """A sentence under the words that it stands under, and where that is, unless the clause is told already."""
    told = set(draft.spans)
    found = with_exception(Evidence(r.clause, (r.sentence.span,), r.clause.clause_id, r.score))
    lead = desk.finder.lead_in(r.clause)
    if lead is not None and lead.clause_id not in told:
        say_lead_in(desk, draft, found)
    draft.evidence(found).mark(r.clause)
    if r.clause.clause_id not in told:
        say_place(desk, draft, found)


def _says_all(desk: Desk, reading: Reading, found: Evidence) -> bool:
    """Whether an evidence leaves no doubt: it is the field that is asked for, and holds, with the headings over it, all the
    words of a question."""
    first = next(iter(ordered_concepts(reading)), "")
    asked = bool(first) and found.by_field and found.concept == first
    return asked and desk.finder.coverage(reading.focus, desk.finder.context(found.clause)) >= 0.99


def _is_beside_the_point(desk: Desk, reading: Reading, outcome: Outcome, r: Ranked) -> bool:
    """Whether a sentence is for something else than the answer: another project with fields of its own; not about what is
    ruled out, where that is asked; another case of the list of which the asker's value or class picked one."""
    cited = outcome.draft.cited
    homes = {desk.reader.home(c.clause_id) for c in cited} - {None}
    if homes and reading.query.sections and desk.reader.home(r.clause.clause_id) not in homes:
        return True
    if lexicon.pattern("question_denies_re").search(reading.text) and not reading.yesno and not _rules_out(r.sentence.text):
        return True
    beside = not {c.clause_id for c in cited}.union(c.parent for c in cited).isdisjoint({r.clause.clause_id, r.clause.parent})
    if beside and reading.premises:
        return True
    return any(_is_another_case(desk, reading, told, r) for told in outcome.kept)


def _is_another_case(desk: Desk, reading: Reading, told: Evidence, r: Ranked) -> bool:
    """Whether a sentence says in much the same words of another case what an evidence says of the asked one ("本科生每人每月
    800元"): with the words that it stands under it holds less of the question."""
    own, other = pairs_of(told.quote), pairs_of(r.sentence.text)
    if len(own & other) < ALSO_ALIKE * min(len(own), len(other)):
        return False
    terms = desk.finder.weighed(reading.focus)
    if told.clause is r.clause:
        asked, here = desk.finder.coverage(terms, normalise(told.quote)), desk.finder.coverage(terms, r.sentence.text)
    else:
        asked, here = (desk.finder.coverage(terms, desk.finder.context(c)) for c in (told.clause, r.clause))
    return here < asked - 0.01


def with_nearest(desk: Desk, reading: Reading, outcome: Outcome, hits: Sequence[Hit], order: Sequence[Ranked]) -> Outcome:
    """A refusal with the likeliest sentence, or the first of the best clause: who asked sees at once whether it helps."""
    if outcome.status != "refused":
        return outcome
    draft = outcome.draft.copy()
    near = None if outcome.bare else _nearest(reading, hits, order)
    if near is not None:
        clause, (start, end) = near.clause, near.spans[-1]
        cut = (start, end) if end - start <= NEAR_LONG else trim(clause.text, start, start + NEAR_LONG)
        draft.msg("nearest").say(place_of(desk, near) or desk.reader.section_name(clause.clause_id)).msg("colon").quote(clause, *cut)
        if cut[1] < end:
            draft.msg("more_in")
        draft.mark(clause)
    if desk.settings.contact:
        draft.say("\n").msg("contact", contact=desk.settings.contact)
    return replace(outcome, draft=draft)


def _nearest(reading: Reading, hits: Sequence[Hit], order: Sequence[Ranked]) -> Evidence | None:
    if order:
        best = _fit(reading, order)[0]
        return with_exception(Evidence(best.clause, (best.sentence.span,), best.clause.clause_id, best.score))
    clause = next((h.clause for h in hits if body(h.clause)[1] > body(h.clause)[0]), None)
    if clause is None:
        return None
    span = next(iter(sentences(clause.text, body(clause)[0])), body(clause))
    return Evidence(clause, (span,), clause.clause_id, 0.0)


# -- words that belong to a sentence ---------------------------------------------------------------------------------


def with_exception(found: Evidence) -> Evidence:
    """A sentence with the one after it that limits it ("…；但…除外", "其中…"): a condition is never dropped."""
    last = found.spans[-1]
    after = sentences(found.clause.text, last[1])
    if after and lexicon.pattern("limits_re").match(found.clause.text, after[0][0]) and after[0][1] - after[0][0] <= 80:
        return replace(found, spans=(*found.spans[:-1], (last[0], after[0][1])))
    return found
