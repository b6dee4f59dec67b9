"""Things that a question names beside one another ("甲类和乙类", "A类、B类", "按年还是按项目"), and what a guide says of
each: in sections, items, rows, sentences, or parts of one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from bot import lexicon
from bot.compose import Draft
from bot.desk import Desk, Outcome, Similar, squeezed
from bot.evidence import MAX_QUOTE, Evidence, Span, is_frame, segments, trim, typed, wants_number
from bot.facts import Quantity
from bot.lexical import normalise
from bot.reckon import say_difference
from bot.statements import say_lead_in, say_reader_form
from bot.tables import say_rows
from bot.types import Clause, ClauseId
from bot.understand import Reading
from bot.values import COMPARABLE, comparable, of_one_scale
from bot.wording import tagged

LEAST = 0.5  # support of a side's words by the words that tell of it
BEST = 6  # candidates of each side that are weighed against those of the others
MOST = 4  # sides
_STOPS = ("p", "c", "r", "d", "y", "f", "ul", "uj", "ud", "uz", "ug")  # parts of speech that no name holds
_TOKEN = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things named beside one another: its words as they stand in the question."""

    text: str
    start: int
    end: int


def sides_of(reading: Reading, joint: str = "sides_re") -> list[Side]:
    """The things on either side of what joins them, in the order of the question; none where there is no such pair."""
    if not reading.language.startswith("zh"):
        return []
    tokens = [(w, p, s) for w, p, s in tagged(reading.text, 0)]
    for m in lexicon.pattern(joint).finditer(reading.text):
        left = _before(reading.text, tokens, m.start())
        right = _behind(reading.text, tokens, m.end(), len(left.text) if left else 0)
        out = [_named_whole(reading, side) for side in (left, right) if side is not None]
        if len(out) < 2 or out[0].text == out[1].text or any(_says_nothing(side.text) for side in out):
            continue
        while len(out) < MOST and reading.text[out[0].start - 1 : out[0].start] == "、":
            more = _before(reading.text, tokens, out[0].start - 1)
            if more is None:
                break
            out.insert(0, more)
        return out
    return []


def _named_whole(reading: Reading, side: Side) -> Side:
    """A side with all of the section's name that it is a part of, or stands next to ("政府间" and "项目")."""
    for m in reading.named:
        if m.end > m.start and m.start <= side.end and side.start <= m.end:
            start, end = min(m.start, side.start), max(m.end, side.end)
            if not any(mark in reading.text[start:end] for mark in "，。？、"):
                side = Side(reading.text[start:end], start, end)
    return side


def _says_nothing(text: str) -> bool:
    return lexicon.pattern("side_empty_re").fullmatch(text) is not None


def _is_joint(text: str, tokens: Sequence[_TOKEN], at: int) -> bool:
    """Whether a joint stands between two words, and is no part of one ("共和")."""
    return not any(s < at < s + len(w) for w, _, s in tokens)


def _before(text: str, tokens: Sequence[_TOKEN], at: int) -> Side | None:
    """The words that end before a joint: back to a mark, a particle or a word that asks."""
    if not _is_joint(text, tokens, at):
        return None
    end = at
    loose = lexicon.pattern("side_tail_re").search(text[:at])
    if loose:
        end = loose.start()
    start = end
    for word, pos, place in reversed([t for t in tokens if t[2] + len(t[0]) <= end]):
        if place + len(word) != start or not _names(word, pos):
            break
        start = place
    return Side(text[start:end], start, end) if end - start >= 2 else None


def _behind(text: str, tokens: Sequence[_TOKEN], at: int, length: int) -> Side | None:
    """The words that begin behind a joint: as far as a mark, a particle, a word that asks, or a verb after a noun."""
    if not _is_joint(text, tokens, at):
        return None
    start = end = at
    nouns = False
    for word, pos, place in (t for t in tokens if t[2] >= at):
        if place != end:
            break
        if start == end and pos in ("p", "r", "c"):  # "和对欧美": the preposition is no part of the name
            start = end = place + len(word)
            continue
        if not _names(word, pos) or (pos == "v" and nouns and end - start >= min(length, 4)):
            break
        if length and end - start >= length:  # "博士和硕士购房补贴": as long as the first, and what follows is asked of both
            break
        nouns = nouns or pos != "v"
        end = place + len(word)
    return Side(text[start:end], start, end) if end - start >= 2 else None


def _names(word: str, pos: str) -> bool:
    asks = re.search("[哪谁啥几吗]|什么|多少|怎|分别|各自", word)
    return pos not in _STOPS and not asks and not lexicon.pattern("side_stop_re").fullmatch(word)


# -- what is said of each -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """A sentence that tells of a side, and how well."""

    clause: Clause
    span: Span
    score: float


def told_beside(
    desk: Desk, reading: Reading, similar: Similar, sides: Sequence[Side], places: Sequence[ClauseId | None] = ()
) -> Outcome | None:
    """For each side the sentence that tells of it what is asked; None where one has none. `places`: the section that a
    side is, where it is one."""
    where = list(places) or [None] * len(sides)
    pools = [_candidates(desk, reading, similar, sides, n, where[n]) for n in range(len(sides))]
    if not all(pools):
        return None
    choices = [c for c in product(*pools) if not _confused(sides, c)]
    if not choices:
        return None
    chosen = max(choices, key=_together)
    rows = [t.clause for t in chosen if t.clause.kind == "row" and t.clause.cells]
    if len(rows) == len(chosen) and len({r.clause_id for r in rows}) == len(rows):
        return say_rows(desk, reading, rows)
    return _say(desk, reading, sides, chosen)


def _together(chosen: Sequence[_Told]) -> tuple[float, int]:
    """Sum of what each is worth; things told in one place, or in places of one kind, are told together."""
    near = 0.0
    first = chosen[0]
    for other in chosen[1:]:
        if other.clause is first.clause:
            near += 0.35 + 0.3 * (other.span == first.span)
        elif other.clause.parent == first.clause.parent or (other.clause.label or None) == first.clause.label:
            near += 0.3
    return round(sum(t.score for t in chosen) + near, 6), -first.clause.start


def _confused(sides: Sequence[Side], chosen: Sequence[_Told]) -> bool:
    """Whether one and the same sentence stands for several sides without naming them all ("博士研究生" for 硕士)."""
    for n, t in enumerate(chosen):
        shared = [s for s, o in zip(sides, chosen, strict=True) if o.clause is t.clause and o.span == t.span]
        text = normalise(t.clause.text[slice(*t.span)])
        if n + 1 < len(chosen) and len(shared) > 1 and any(_at(text, s, sides) is None for s in shared):
            return True
    return False


def _candidates(
    desk: Desk, reading: Reading, similar: Similar, sides: Sequence[Side], n: int, place: ClauseId | None
) -> list[_Told]:
    side = normalise(sides[n].text)
    topic = desk.finder.weighed(_topic(reading, sides))
    out: list[_Told] = []
    for clause in _pool(desk, reading, place):
        if is_frame(clause) and not clause.text.rstrip().endswith(("：", ":")):
            continue
        above = 1.0 if place is not None else _above(desk, side, clause)
        around = desk.finder.coverage(topic, desk.finder.context(clause)) if topic else 0.0
        for sentence in desk.finder.sentences_of(clause):
            own = desk.finder.support(side, sentence.text)
            held = max(own, above)
            if held < LEAST:
                continue
            cover = max(0.75 * desk.finder.coverage(topic, sentence.text) + 0.25 * around, 0.7 * around) if topic else 0.4
            said = max((desk.finder.said(c, sentence) for c in reading.concepts[:2]), default=0.0)
            if max(said, cover if topic else 0.0) < 0.3 and clause.clause_id != place:
                continue
            valued = bool(sentence.kinds & set(COMPARABLE))
            if _wants_value(reading) and not valued:
                continue
            score = held + cover + 0.7 * max(said, 0.0) + 0.3 * similar.get(clause.clause_id, 0.0)
            out.append(_Told(clause, sentence.span, score))
    return sorted(out, key=lambda t: (-round(t.score, 6), t.clause.start, t.span))[:BEST]


def _topic(reading: Reading, sides: Sequence[Side]) -> list[tuple[str, float]]:
    """The words of a question that are no side's: what is asked of all of them."""
    return [(t, w) for t, w in reading.focus if not any(t in _core(s, sides) for s in sides)]


def _core(side: Side, sides: Sequence[Side]) -> str:
    """A side without what goes before the first and is asked of all ("人才公寓" in "公寓甲类和乙类")."""
    return side.text[-max(2, min(len(s.text) for s in sides)) :] if side is sides[0] else side.text


def _wants_value(reading: Reading) -> bool:
    return reading.direction in ("max", "min") or wants_number(reading)


def _pool(desk: Desk, reading: Reading, place: ClauseId | None) -> Iterator[Clause]:
    ids: Sequence[ClauseId] = ()
    if place is not None:
        ids = desk.reader.subtree(place)
    elif len(reading.query.sections) == 1 and reading.scope in ("named", "inherited"):
        section = reading.query.sections[0]
        ids = [i for tier in desk.finder.pool(section) for i in tier]
    yield from (desk.reader.by_id[i] for i in ids) if ids else iter(desk.reader.clauses)


def _above(desk: Desk, side: str, clause: Clause) -> float:
    """How well what stands over a clause names a side: its label, its lead-in or its heading."""
    parent = desk.reader.by_id.get(clause.parent) if clause.parent else None
    over = desk.reader.section_name(parent.clause_id) if parent is not None and parent.parent is not None else ""
    lead = parent.text if parent is not None and parent.kind != "heading" and len(parent.text) <= 80 else ""
    named = (clause.label if clause.label != clause.number else "", lead, over)
    return max((desk.finder.support(side, normalise(t)) * (1.0, 0.95, 0.9)[n] for n, t in enumerate(named) if t), default=0.0)


# -- one of two ---------------------------------------------------------------------------------------------------------


def either_or(desk: Desk, reading: Reading) -> Outcome | None:
    """ "竞争性评审还是直接立项", "按月发还是按季度发": the sentence about the thing that holds one of the two decides."""
    m = lexicon.pattern("either_re").search(reading.text)
    if m is None or reading.comparing or not reading.language.startswith("zh"):
        return None
    both = _alternatives(m["one"], m["other"])
    if both is None:
        return None
    rest = reading.text.replace(m[0], " ")
    named = [n.text for n in reading.named if n.end > n.start and n.text in rest]
    about = desk.finder.weighed([*((t, w) for t, w in reading.focus if t in rest), *((n, 1.0) for n in named)])
    if not about:
        return None
    best: tuple[float, int, Evidence, str] | None = None
    for clause in desk.reader.clauses:
        if is_frame(clause):
            continue
        around = desk.finder.coverage(about, desk.finder.context(clause))
        for sentence in desk.finder.sentences_of(clause) if around >= LEAST else ():
            for span in segments(clause.text, *sentence.span):
                text = normalise(clause.label + clause.text[slice(*span)])
                words = normalise(clause.text[slice(*span)])
                held = [alt for alt in both if alt in words and not re.search(f"(?:不|非|无需|不再).{{0,3}}{re.escape(alt)}", words)]
                if len(held) != 1:
                    continue
                score = desk.finder.coverage(about, text) + 0.3 * desk.finder.coverage(about, sentence.text) + 0.2 * around
                whole = sentence.span if sentence.span[1] - sentence.span[0] <= MAX_QUOTE // 2 else span
                found = Evidence(clause, (whole,), clause.clause_id, score)
                if best is None or score > best[0] + 1e-9:
                    best = (score, -clause.start, found, held[0])
    if best is None or best[0] < LEAST:
        return None
    draft = Draft(reading.language).say(best[3]).msg("colon")
    say_lead_in(desk, draft, best[2])
    draft.evidence(best[2]).mark(best[2].clause)
    return Outcome(draft, "answered", 0.75, kept=(best[2],))


def _alternatives(one: str, other: str) -> tuple[str, str] | None:
    """Two alternatives without the words that both end in, and the words before the first that the other has not
    ("购房补贴是一次性" beside "分期")."""
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    begins = max((n for n in range(len(one)) if one[n] == other[:1]), default=None) if other else None
    one = one[begins:] if begins is not None else one
    return (one, other) if len(one) >= 2 and len(other) >= 2 and one != other else None


# -- saying it ------------------------------------------------------------------------------------------------------------


def _say(desk: Desk, reading: Reading, sides: Sequence[Side], chosen: Sequence[_Told]) -> Outcome:
    whole = {(t.clause.clause_id, t.span) for t in chosen}
    found = [_narrowed(desk, reading, t, sides[n], sides) for n, t in enumerate(chosen)]
    draft = Draft(reading.language)
    _say_verdict(draft, reading, sides, found)
    if len(whole) == 1:
        t = chosen[0]
        spans = [s for e in found for s in e.spans]
        one = t.span if t.span[1] - t.span[0] <= MAX_QUOTE else (min(s for s, _ in spans), max(e for _, e in spans))
        said = Evidence(t.clause, (one,), t.clause.clause_id, 1.0)
        say_lead_in(desk, draft, said)
        draft.evidence(said)
        say_reader_form(draft, said)
        draft.mark(t.clause)
        return Outcome(draft, "answered", 0.7, kept=(said,))
    for n, e in enumerate(found):
        if n:
            draft.msg("semicolon")
        draft.say(sides[n].text).msg("colon").evidence(e)
        say_reader_form(draft, e)
        draft.mark(e.clause)
    return Outcome(draft, "answered", 0.7, kept=tuple(found))


def _narrowed(desk: Desk, reading: Reading, t: _Told, side: Side, sides: Sequence[Side]) -> Evidence:
    """Of the sentence the part that is of this side; in one that names several, from its own words to those of the
    next, or, where the words come last ("2024年度…的甲、2023年度…的乙"), from those of the one before."""
    text = t.clause.text
    said = normalise(text[slice(*t.span)])
    same = len(said) == t.span[1] - t.span[0]  # else places in the one are none in the other ("…" is three dots)
    marks = sorted((at, s is side) for s in sides if same and (at := _at(said, s, sides)) is not None)
    if len(marks) > 1 and any(mine for _, mine in marks):
        first = re.search(r"\d", said)
        leads = first is None or marks[0][0] <= first.start()
        n = next(n for n, (_, mine) in enumerate(marks) if mine)
        if leads:
            start, end = marks[n][0], marks[n + 1][0] if n + 1 < len(marks) else t.span[1] - t.span[0]
        else:
            start, end = marks[n - 1][0] if n else 0, marks[n][0] + len(side.text)
        last = re.compile("[，,；;、]").search(text, t.span[0] + end, t.span[1]) if not leads else None
        stop = min(t.span[0] + end, t.span[1]) if leads else last.start() if last else t.span[1]
        return Evidence(t.clause, (trim(text, t.span[0] + start, stop),), t.clause.clause_id, t.score)
    whole = Evidence(t.clause, (t.span,), t.clause.clause_id, t.score, next(iter(reading.concepts), ""))
    if any(lexicon.concepts()[c].types for c in reading.concepts[:2]) or not _wants_value(reading):
        return desk.finder.narrowed(replace(reading, listing=False), whole)
    topic = desk.finder.weighed(_topic(reading, sides))
    parts = [(desk.finder.coverage(topic, normalise(text[s:e])), (s, e)) for s, e in segments(text, *t.span)]
    best = max(v for v, _ in parts)
    kept = [span for v, span in parts if v == best]
    return replace(whole, spans=(kept[0],)) if topic and best > 0.3 and len(kept) == 1 else whole


def _at(text: str, side: Side, sides: Sequence[Side]) -> int | None:
    """Where a sentence names a side: at the longest run of its characters that no other side holds."""
    others = [s.text for s in sides if s is not side]
    core = _core(side, sides)
    for size in range(len(core), 1, -1):
        for n in range(len(core) - size + 1):
            run = core[n : n + size]
            if run in text and not any(run in o for o in others):
                return text.find(run)
    return None


def _say_verdict(draft: Draft, reading: Reading, sides: Sequence[Side], found: Sequence[Evidence]) -> None:
    """By how much they differ, which is more, or whether they are the same, where the values tell."""
    if say_difference(draft, reading, found):
        return
    if reading.direction in ("max", "min"):
        values = _like(reading, [typed(e, COMPARABLE) for e in found])
        if not values:
            return
        pick = (max if reading.direction == "max" else min)(values)
        best = [s.text for s, v in zip(sides, values, strict=True) if v == pick]
        if len(best) == len(sides):
            draft.msg("same").msg("colon")
        else:
            draft.say("、".join(best)).msg("semicolon")
    elif lexicon.pattern("same_re").search(reading.text):
        draft.msg("same" if _same(sides, found) else "different").msg("colon")


def _like(reading: Reading, told: Sequence[Sequence[Quantity]]) -> list[float] | list[str]:
    """A value of each that can be set against the others: of one kind and unit, that of the asked concept first; none
    where there is no such kind. Two values of it in one place would leave open which is meant."""
    wanted = [t for c in reading.concepts for t in lexicon.concepts()[c].types]
    kinds = dict.fromkeys((*(t for t in wanted if t in COMPARABLE), *COMPARABLE))
    for kind in kinds:
        of_kind = [[(v, q) for q in quantities if q.kind == kind and (v := comparable(q)) is not None] for quantities in told]
        if not all(of_kind) or (any(len(v) > 1 for v in of_kind) and kind not in wanted):
            continue
        firsts = [v[0] for v in of_kind]
        if of_one_scale([q for _, q in firsts]):
            numbers = [v for v, _ in firsts if isinstance(v, float)]
            dates = [v for v, _ in firsts if isinstance(v, str)]
            return numbers if len(numbers) == len(told) else dates if len(dates) == len(told) else []
    return []


def _same(sides: Sequence[Side], found: Sequence[Evidence]) -> bool:
    """Whether what is said of all is the same: their values where they have some, else their words without the names."""
    values = [tuple(sorted((q.kind, q.value) for q in typed(e, COMPARABLE))) for e in found]
    if all(values):
        return len(set(values)) == 1 and len({_digits(e) for e in found}) == 1
    words = set()
    for side, e in zip(sides, found, strict=True):
        words.add(re.sub("[^\u4e00-\u9fff\\w]", "", squeezed(normalise(e.quote)).replace(side.text, "")))
    return len(words) == 1


def _digits(found: Evidence) -> tuple[str, ...]:
    return tuple(re.findall(r"\d+", found.quote))
