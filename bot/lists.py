"""Lists over sections or items: every member that meets the condition, and nothing cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import lexicon
from bot.asking import Asked
from bot.compose import Draft
from bot.desk import (
    Desk,
    Member,
    Outcome,
    Similar,
    best_sentence,
    is_place,
    own_evidence,
    targets_of,
)
from bot.evidence import Evidence, ordered_concepts, typed
from bot.facts import Quantity
from bot.polarity import QUOTED, eligibility, lists_bodies
from bot.statements import say_name, say_reader_form
from bot.sufficient import refuse_detail
from bot.types import ClauseId, Hit
from bot.understand import Reading
from bot.values import COMPARABLE, comparable, compare_words, extreme


def which_section(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """ "做…的报哪个项目": the section whose words hold most of what the question describes."""
    if not reading.which or reading.listing or reading.comparing or (reading.bodies and reading.yesno):
        return None
    terms = [*((t, 1.0) for t in reading.story), *reading.focus]
    if not terms or _plural(reading.text):
        return None
    named = reading.scope in ("named", "inherited")
    homes = [h for t in targets_of(desk, reading) for h in (desk.reader.homes_under(t) or [t])] if named else []
    found = [e for h in (homes or desk.reader.homes) if (e := best_sentence(desk, h, terms)) is not None]
    ranked = sorted(found, key=lambda e: (-round(e.score, 3), e.clause.start))
    if not ranked or ranked[0].score < 0.45:
        return None
    best = [e for e in ranked if e.score >= ranked[0].score - 0.02][:3]
    draft = Draft(reading.language)
    for n, e in enumerate(best):
        if n:
            draft.msg("semicolon")
        draft.say(desk.reader.section_name(e.section)).msg("colon").evidence(e).mark(e.clause)
    return Outcome(draft, "answered", min(0.9, 0.4 + ranked[0].score / 2), kept=tuple(best))


def listed_members(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """ "哪些项目…", "哪几个国家…": every section or item that meets the condition, and nothing cut off."""
    kind = _listed_kind(reading)
    if not kind or (reading.comparing and len(targets_of(desk, reading)) > 1):
        return None
    members = _members(desk, reading, kind)
    if len(members) < 2:
        return None
    chosen = _matching(desk, reading, members, similar, kind)
    if chosen is None:
        return None
    if reading.comparing and reading.direction in ("min", "max"):
        chosen = extreme(chosen, reading.direction)
    if not chosen:
        what = "、".join(t for t, _ in reading.focus[:3]) or lexicon.message("what_answer", reading.language)
        return refuse_detail(desk, reading, what)
    return _listed(desk, reading, chosen)


def _members(desk: Desk, reading: Reading, kind: str) -> list[ClauseId]:
    named = reading.query.sections if reading.scope != "implied" else ()
    inside = {i for s in named for i in desk.reader.subtree(s)}
    if kind == "any":
        pool = [
            c.clause_id
            for c in desk.reader.clauses
            if c.clause_id in desk.reader.homes or (c.kind == "item" and desk.reader.names.named(c.clause_id))
        ]
    elif kind == "section":
        pool = list(desk.reader.homes)
        if inside and sum(i in inside for i in pool) < 2:
            pool = [c.clause_id for c in desk.reader.clauses if c.kind == "item" and len(c.label) >= 2]
    else:
        pool = [c.clause_id for c in desk.reader.clauses if c.kind == "item" and is_place(c.label)]
    return [i for i in pool if not inside or i in inside]


def _matching(
    desk: Desk, reading: Reading, members: Sequence[ClauseId], similar: Similar, kind: str
) -> list[Member] | None:
    """Members that meet the question's condition, with the words that show it; None: it is no list of members."""
    telling = [
        c
        for c in ordered_concepts(reading)
        if c not in ("content", "eligible", "count_asked", "requirements", "quota", "joint", "submit")
        and not (kind == "item" and c == "place")  # "哪几个地方" are the members themselves
    ]
    labelled = {c for c in desk.reader.concept_of.values() if c}
    if reading.pending and "deadline" in reading.concepts:
        return _dated(desk, reading, members)
    premise = next((p for p in reading.premises if p.kind in COMPARABLE and p.kind != "count"), None)
    if premise is not None:
        return [(i, e) for i in members if (e := _with_value(desk, reading, i, premise, similar)) is not None]
    if kind == "section" and reading.bodies:
        return _open_to(desk, reading, members)
    quoted = QUOTED.findall(reading.text)
    if quoted and desk.reader.names.holds(quoted[0]):
        return [(i, e) for i in members if (e := _holding(desk, i, quoted[0])) is not None]
    words = [*reading.focus, *((t, 0.8) for t in reading.story), *((w, 1.0) for _, w in reading.bodies)]
    if telling and (kind == "item" or telling[0] not in labelled or reading.comparing):
        kept: list[Member] = [
            (i, e) for i in members if (e := own_evidence(desk, telling[0], reading, i, similar)) is not None
        ]
        if kept or not words:
            return kept
    if telling and telling[0] in labelled and not reading.terms:
        return None
    if words:
        best = [(i, e) for i in members if (e := best_sentence(desk, i, words)) is not None]
        top = max((e.score for _, e in best), default=0.0)
        if top >= 0.5:
            return [(i, e) for i, e in best if e.score >= max(0.5, top - 0.12)]
        if any(w >= 1 for _, w in reading.terms) and not _enumerates(reading.text) and reading.scope != "named":
            return []
    if reading.concepts and not _enumerates(reading.text):
        return None
    return [(i, None) for i in members]


def _holding(desk: Desk, section: ClauseId, words: str) -> Evidence | None:
    """The words themselves where a section's clauses hold them."""
    for i in desk.reader.subtree(section):
        clause = desk.reader.by_id[i]
        at = clause.text.find(words)
        if at >= 0:
            return Evidence(clause, ((at, at + len(words)),), section, 1.0)
    return None


def _dated(desk: Desk, reading: Reading, members: Sequence[ClauseId]) -> list[Member]:
    """Members whose date is still open, or is fixed."""
    out: list[Member] = []
    for i in members:
        found = own_evidence(desk, "deadline", reading, i, {})
        if found is not None:
            is_open = any(q.value[0] not in "-0123456789" for q in typed(found, ("date",)))
            if is_open == (reading.pending == "pending"):
                out.append((i, found))
    return out


def _open_to(desk: Desk, reading: Reading, members: Sequence[ClauseId]) -> list[Member]:
    out: list[Member] = []
    for i in members:
        found = eligibility(desk, reading, i)
        if found is not None and lists_bodies(reading, found.quote) != _denies(reading.text):
            out.append((i, found))
    return out


def _with_value(
    desk: Desk, reading: Reading, section: ClauseId, premise: Quantity, similar: Similar
) -> Evidence | None:
    """A member whose value is the one named, or above or below it."""
    only = reading
    concept = {"amount": "funding", "duration": "duration", "date": "deadline"}.get(premise.kind, "")
    if not reading.concepts and concept:
        only = replace(reading, asked=(Asked(concept, 0, 0),))
    found = desk.finder.find(replace(only, focus=(), terms=()), section, similar)
    order = compare_words(reading.text)
    for q in typed(found, (premise.kind, "rate")) if found is not None else ():
        a, b = comparable(q), comparable(premise)
        if a is None or b is None or isinstance(a, str) != isinstance(b, str):
            continue
        inclusive = not order or "以" in reading.text
        if (a == b and inclusive) or (order == "more" and a > b) or (order == "less" and a < b):  # type: ignore[operator]
            return found
    return None


def _listed(desk: Desk, reading: Reading, chosen: Sequence[Member]) -> Outcome:
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
            say_name(desk, draft, section)
        else:
            draft.say(desk.reader.section_name(section))
        if found is not None and each:
            draft.msg("colon").evidence(found)
            say_reader_form(draft, found)
        clause = found.clause if found is not None else desk.reader.by_id[section]
        draft.mark(clause, found.spans if found is not None else ())
    if quotes and not each and len(set(quotes)) == 1 and len(quotes[0]) <= 60:
        draft.msg("open").evidence(next(e for _, e in chosen if e is not None)).msg("close")
    return Outcome(draft, "answered", 0.75, kept=tuple(e for _, e in chosen if e is not None))


def _listed_kind(reading: Reading) -> str:
    """What a list question wants enumerated: "section" (项目), "item" (国家、地区), "" for anything else."""
    if lexicon.pattern("list_items_re").search(reading.text):
        return "item"
    if lexicon.pattern("list_sections_re").search(reading.text):
        return "section"
    return (
        "any"
        if lexicon.pattern("list_any_re").search(reading.text) and not reading.concepts and not reading.query.sections
        else ""
    )


def _plural(text: str) -> bool:
    return bool(lexicon.pattern("plural_re").search(text))


def _enumerates(text: str) -> bool:
    """Whether a question wants the members themselves ("有哪些", "分哪几类")."""
    return bool(lexicon.pattern("enumerate_re").search(text))


def _denies(text: str) -> bool:
    return bool(lexicon.pattern("question_denies_re").search(text))
