"""One question over several sections: comparisons, every section's answer grouped, or a question back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot import lexicon
from bot.compose import Draft
from bot.desk import (
    Desk,
    Outcome,
    Similar,
    found_in,
    own_evidence,
    squeezed,
    targets_of,
)
from bot.detail import unstated_detail
from bot.evidence import ENOUGH, MAX_QUOTE, Evidence, ordered_concepts, segments, sentences, typed
from bot.facts import is_field
from bot.lexical import normalise
from bot.polarity import asks_eligibility, eligibility, lists_bodies, polarity, yes_word
from bot.reckon import say_difference
from bot.sides import Side, either_or, sides_of, told_beside
from bot.statements import say_grouped, small_table
from bot.sufficient import absent_part, refuse_detail
from bot.types import ClauseId, Hit
from bot.understand import Reading
from bot.values import COMPARABLE, of_one_scale, quantity_of, value_of

LONG = 230  # characters: a grouped answer beyond this becomes a question back
_WHOLE = ("requirements", "materials", "process", "targets", "content", "qualification")  # half of these would mislead
LIST_LONG = 420  # the same where the question wants them all


def comparison(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    one = either_or(desk, reading)
    if one is not None:
        return one
    sides = sides_of(reading)
    if not reading.comparing and not (sides and lexicon.pattern("each_re").search(reading.text)):
        return None
    targets = targets_of(desk, reading)
    places = [_place(desk, reading, s, targets) for s in sides]
    if sides and not all(places):  # things beside one another, of which not each is a section by itself
        told = told_beside(desk, reading, similar, sides)
        if told is not None:
            return told
    if not reading.comparing:
        return None
    if len(targets) < 2 and reading.scope in ("none", "all"):
        targets = list(desk.reader.homes)
    if len(targets) < 2:
        return None
    if reading.bodies and not [c for c in reading.concepts if c not in ("eligible", "quota", "requirements")]:
        return _compare_bodies(desk, reading, targets)
    have = [(t, e) for t in targets if (e := found_in(desk, reading, t, similar)) is not None]
    if sides and all(places) and not _valued(reading, have):
        told = told_beside(desk, reading, similar, sides, places)
        if told is not None:
            return told
    return _compared(desk, reading, have) if len(have) >= 2 else None


def _place(desk: Desk, reading: Reading, side: Side, targets: Sequence[ClauseId]) -> ClauseId | None:
    """The section that a side names by its words, where it names one."""
    for m in reading.named:
        if m.start < side.end and side.start < m.end and len(m.clauses) == 1 and m.clauses[0] in targets:
            passing = m.how == "place" and is_field(desk.reader.by_id[m.clauses[0]])  # a place that a field mentions
            return None if passing else m.clauses[0]
    return None


def _valued(reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> bool:
    """Whether every section has words, and where one is to be picked by its value, a value."""
    if len(have) < 2:
        return False
    return reading.direction not in ("max", "min") or all(value_of(reading, e) is not None for _, e in have)


def _compare_bodies(desk: Desk, reading: Reading, targets: Sequence[ClauseId]) -> Outcome | None:
    """ "A和B哪个可以让医院报": who may apply in each, the ones that list it first."""
    have = [(t, e) for t in targets if (e := eligibility(desk, reading, t)) is not None]
    if len(have) < 2:
        return None
    draft = Draft(reading.language)
    yes = [t for t, e in have if lists_bodies(reading, e.quote)]
    if len(yes) in (0, len(have)):
        draft.msg("same").msg("colon")
    else:
        draft.say("、".join(desk.reader.section_name(t) for t in yes)).msg("semicolon")
    say_grouped(desk, draft, have)
    return Outcome(draft, "answered", 0.75, table=small_table(draft, have, desk.reader), kept=tuple(e for _, e in have))


def _compared(desk: Desk, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome:
    draft = Draft(reading.language)
    have = [(t, _asked_part(desk, reading, e)) for t, e in have]
    told = [q for _, e in have if (q := quantity_of(reading, e)) is not None]
    values = {t: value_of(reading, e) if of_one_scale(told) else None for t, e in have}
    known = [v for v in values.values() if v is not None]
    same = len({squeezed(e.quote) for _, e in have}) == 1 or (
        len(known) == len(have) and len(set(map(str, known))) == 1
    )
    if not same and say_difference(draft, reading, [e for _, e in have]):
        pass
    elif same or reading.direction == "same":
        draft.msg("same" if same else "different").msg("colon")
    elif reading.direction in ("max", "min") and len(known) == len(have) and len({type(v) for v in known}) == 1:
        pick = max(known) if reading.direction == "max" else min(known)
        draft.say("、".join(desk.reader.section_name(t) for t, v in values.items() if v == pick)).msg("semicolon")
    say_grouped(desk, draft, have)
    return Outcome(draft, "answered", 0.75, table=small_table(draft, have, desk.reader), kept=tuple(e for _, e in have))


def _asked_part(desk: Desk, reading: Reading, found: Evidence) -> Evidence:
    """Of a long statement of several values the one part that holds most of the question's words, with its value: its
    first value is of something else."""
    parts = [p for s in found.spans for p in segments(found.clause.text, *s)]
    terms = desk.finder.weighed(reading.focus)
    if len(parts) < 3 or not terms or len(typed(found, COMPARABLE)) < 2 or found.concept in ("funding", "eligible"):
        return found
    scored = [(desk.finder.coverage(terms, normalise(found.clause.text[s:e])), (s, e)) for s, e in parts]
    best = max(v for v, _ in scored)
    kept = [p for v, p in scored if v == best]
    valued = len(kept) == 1 and typed(replace(found, spans=(kept[0],)), COMPARABLE)
    return replace(found, spans=(kept[0],)) if valued and best >= 0.4 else found


def several_sections(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    """A question that fits several sections gets every section's answer, grouped, or a question back."""
    targets = targets_of(desk, reading)
    if not desk.reader.homes or (not any(desk.reader.home(t) for t in targets) and targets):
        return None
    if len(targets) >= 2:
        have = _each(desk, reading, targets, similar)
    elif reading.query.sections or reading.scope == "implied":
        return None
    else:
        have = _everywhere(desk, reading, similar)
        targets = [t for t, _ in have]
    if len(have) < 2:
        return None
    unstated = [unstated_detail(desk, reading, e) for _, e in have]
    missing = absent_part(desk, reading, targets, have[0][1]) or (unstated[0] if all(unstated) else "")
    if missing:
        return refuse_detail(desk, reading, missing) if reading.query.sections else None
    polar = _polar_group(desk, reading, have)
    if polar is not None:
        return polar
    draft = Draft(reading.language)
    say_grouped(desk, draft, have)
    whole = have[0][1].concept in _WHOLE
    if len(draft.text()) > LONG and len(have) > 2 and not whole:  # of each the first sentence, so that all are told
        have = [(t, _opening(e)) for t, e in have]
        draft = Draft(reading.language)
        say_grouped(desk, draft, have)
    wanted = reading.listing or reading.scope in ("all", "named") or len({squeezed(e.quote) for _, e in have}) == 1
    if len(draft.text()) > (LIST_LONG if wanted else LONG):
        return _clarify(desk, reading, have)
    return Outcome(draft, "answered", 0.7, table=small_table(draft, have, desk.reader), kept=tuple(e for _, e in have))


def _opening(found: Evidence) -> Evidence:
    """A field's first sentence, where more than that is told of it."""
    start, end = found.spans[0]
    first = next((s for s in sentences(found.clause.text, start) if s[1] <= end), (start, end))
    return replace(found, spans=(first,)) if len(found.quote) > MAX_QUOTE // 4 else found


def _each(
    desk: Desk, reading: Reading, targets: Sequence[ClauseId], similar: Similar
) -> list[tuple[ClauseId, Evidence]]:
    """Evidence for each target, all for one concept where one fits them."""
    if asks_eligibility(reading):
        return [(t, e) for t in targets if (e := eligibility(desk, reading, t)) is not None]
    for concept in ordered_concepts(reading):
        have = [
            (t, e) for t in targets
            if (e := desk.finder.find_for(concept, reading, t, similar)) is not None and e.score >= ENOUGH
        ]  # fmt: skip
        if len(have) >= 2:
            return have
    return [(t, e) for t in targets if (e := found_in(desk, reading, t, similar)) is not None]


def _everywhere(desk: Desk, reading: Reading, similar: Similar) -> list[tuple[ClauseId, Evidence]]:
    """A question without a section: every section, or every item, that speaks of what it asks."""
    if asks_eligibility(reading):
        return _each(desk, reading, desk.reader.homes, similar)
    strange = [w for _, w in reading.bodies if len(w) >= 4 and not desk.reader.names.holds(w)]
    if strange or ([t for t, w in reading.terms if w >= 1] and not reading.field_named):
        return []
    for concept in ordered_concepts(reading):
        if concept == "count_asked":
            continue
        have = [
            (t, e) for t in desk.reader.homes
            if (e := desk.finder.find_for(concept, reading, t, similar)) is not None and e.score >= ENOUGH
        ]  # fmt: skip
        if len(have) < 2 and lexicon.concepts()[concept].detail:
            return []  # a detail that is told once, outside of the sections: not to be answered with another field
        items = _by_item(desk, concept, reading, similar)
        each = re.search(r"每(?:家|个|所|项|一)|\beach\b", reading.text)
        if len(items) >= 2 and (each or not any(e.by_field and is_field(e.clause) for _, e in have)):
            return items
        if len(have) >= 2:
            return have
    return []


def _by_item(desk: Desk, concept: str, reading: Reading, similar: Similar) -> list[tuple[ClauseId, Evidence]]:
    items = [c.clause_id for c in desk.reader.clauses if c.kind == "item" and desk.reader.names.named(c.clause_id)]
    return [(i, e) for i in items if (e := own_evidence(desk, concept, reading, i, similar)) is not None]


def _polar_group(desk: Desk, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome | None:
    if not reading.yesno:
        return None
    verdicts = [(t, e, polarity(desk, reading, t, e)) for t, e in have]
    kinds = {v for _, _, v in verdicts}
    if kinds == {None} or (None in kinds and len(kinds) < 3):
        return None
    draft = Draft(reading.language)
    if len(kinds) == 1:
        draft.say(yes_word(reading, bool(kinds.pop()))).msg("colon")
        say_grouped(desk, draft, have)
    else:
        for n, want in enumerate((True, False)):
            if n:
                draft.msg("semicolon")
            draft.say(yes_word(reading, want)).msg("colon")
            for k, (t, e) in enumerate((t, e) for t, e, v in verdicts if v is want):
                if k:
                    draft.msg("comma")
                draft.say(desk.reader.section_name(t)).mark(e.clause, e.spans)
        open_ = [(t, e) for t, e, v in verdicts if v is None]  # of these the guide says neither
        if open_:
            say_grouped(desk, draft.msg("semicolon"), open_)
    if len(draft.text()) > LIST_LONG:
        return None
    return Outcome(draft, "answered", 0.7, kept=tuple(e for _, e in have))


def _clarify(desk: Desk, reading: Reading, have: Sequence[tuple[ClauseId, Evidence]]) -> Outcome:
    draft = Draft(reading.language).msg("clarify_many")
    for k, (t, e) in enumerate(have[:10]):
        if k:
            draft.msg("comma")
        draft.say(desk.reader.section_name(t)).mark(e.clause, e.spans)
    return Outcome(draft, "clarify", 0.6)
