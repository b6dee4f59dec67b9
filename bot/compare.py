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
from bot.evidence import ENOUGH, Evidence, ordered_concepts, typed
from bot.facts import is_field
from bot.lexical import normalise
from bot.polarity import asks_eligibility, eligibility, lists_bodies, polarity, yes_word
from bot.statements import say_grouped, say_reader_form, small_table
from bot.sufficient import absent_part, refuse_detail
from bot.types import ClauseId, Hit
from bot.understand import Reading
from bot.values import COMPARABLE, value_of

LONG = 230  # characters: a grouped answer beyond this becomes a question back
LIST_LONG = 420  # the same where the question wants them all


def comparison(desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar) -> Outcome | None:
    if not reading.comparing:
        return None
    targets = targets_of(desk, reading)
    if len(targets) < 2 and (sides := _sides(reading)) is not None:
        told = _two_sides(desk, reading, hits, similar, sides)
        if told is not None:
            return told
    if len(targets) < 2 and reading.scope in ("none", "all"):
        targets = list(desk.reader.homes)
    if len(targets) < 2:
        return None
    if reading.bodies and not [c for c in reading.concepts if c not in ("eligible", "quota", "requirements")]:
        return _compare_bodies(desk, reading, targets)
    have = [(t, e) for t in targets if (e := found_in(desk, reading, t, similar)) is not None]
    return _compared(desk, reading, have) if len(have) >= 2 else None


def _sides(reading: Reading) -> tuple[list[str], list[str]] | None:
    """The words of a question on either side of what joins two things ("博士和硕士…"), each with its own words."""
    joint = lexicon.pattern("sides_re").search(reading.text)
    if joint is None:
        return None
    words = [t for t, w in reading.focus if len(t) > 1]
    left = [t for t in words if 0 <= reading.text.find(t) < joint.start()][-2:]
    right = [t for t in words if t not in left and 0 <= reading.text.find(t) - joint.end() <= 6]
    return (left, right[:1]) if left and right else None


def _two_sides(
    desk: Desk, reading: Reading, hits: Sequence[Hit], similar: Similar, sides: tuple[list[str], list[str]]
) -> Outcome | None:
    """Two values that one section, or a text without fields, gives for two things: a sentence for each that holds
    its words and not only the other's."""
    pool = [i for s in reading.query.sections for i in desk.reader.subtree(s)] or [h.clause.clause_id for h in hits]
    have: list[tuple[str, Evidence]] = []
    for mine, other in (sides, sides[::-1]):
        rest = tuple(t for t in reading.focus if t[0] not in (*mine, *other))
        focus = (*((t, 2.0) for t in mine), *rest)
        only = replace(reading, focus=focus, near=focus, terms=focus, story=(), comparing=False)
        found = [e for i in pool if (e := desk.finder.find(only, i, similar)) is not None and _tells(desk, e, mine)]
        if not found:
            return None
        literal = [e for e in found if all(w in normalise(e.quote + e.clause.label) for w in mine)]
        have.append(("".join(mine), max(literal or found, key=lambda e: (round(e.score, 4), -e.clause.start))))
    (_, first), (_, second) = have
    if first.clause is second.clause and first.spans == second.spans:
        return None
    draft = Draft(reading.language)
    for n, (name, found_one) in enumerate(have):
        if n:
            draft.msg("semicolon")
        draft.say(name).msg("colon").evidence(found_one)
        say_reader_form(draft, found_one)
        draft.mark(found_one.clause)
    return Outcome(draft, "answered", 0.7, kept=(first, second))


def _tells(desk: Desk, found: Evidence, words: Sequence[str]) -> bool:
    """Whether an evidence has a value and speaks, in its words or its lead-in, of what it is for."""
    text = normalise(found.quote + found.clause.label + "".join(found.clause.path[-1:]))
    return bool(typed(found, COMPARABLE)) and all(desk.finder.support(w, text) >= 0.5 for w in words)


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
    values = {t: value_of(reading, e) for t, e in have}
    known = [v for v in values.values() if v is not None]
    same = len({squeezed(e.quote) for _, e in have}) == 1 or (
        len(known) == len(have) and len(set(map(str, known))) == 1
    )
    if same or reading.direction == "same":
        draft.msg("same" if same else "different").msg("colon")
    elif reading.direction in ("max", "min") and len(known) == len(have) and len({type(v) for v in known}) == 1:
        pick = max(known) if reading.direction == "max" else min(known)
        draft.say("、".join(desk.reader.section_name(t) for t, v in values.items() if v == pick)).msg("semicolon")
    say_grouped(desk, draft, have)
    return Outcome(draft, "answered", 0.75, table=small_table(draft, have, desk.reader), kept=tuple(e for _, e in have))


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
        return refuse_detail(desk, reading, missing, hits) if reading.query.sections else None
    polar = _polar_group(desk, reading, have)
    if polar is not None:
        return polar
    draft = Draft(reading.language)
    say_grouped(desk, draft, have)
    wanted = reading.listing or reading.scope in ("all", "named") or len({squeezed(e.quote) for _, e in have}) == 1
    if len(draft.text()) > (LIST_LONG if wanted else LONG):
        return _clarify(desk, reading, have)
    return Outcome(draft, "answered", 0.7, table=small_table(draft, have, desk.reader), kept=tuple(e for _, e in have))


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
    if None in kinds:
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
