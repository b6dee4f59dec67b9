"""Comparing values: of a question with those of the guide, of sections with one another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import lexicon
from bot.compose import bound
from bot.desk import Member
from bot.evidence import Evidence, typed
from bot.facts import Quantity
from bot.understand import Reading

COMPARABLE = ("amount", "duration", "rate", "ratio", "count", "date")


def compare_words(text: str) -> str:
    if re.search(r"超过|高于|大于|多于|以上|more than|over|above|exceed", text):
        return "more"
    if re.search(r"低于|少于|小于|不到|以下|less than|under|below", text):
        return "less"
    return ""


def comparable(q: Quantity) -> float | str | None:
    if q.kind == "date":
        return q.value if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value) else None
    if q.number is None:
        return None
    if q.unit == "M":
        return q.number * 365.0 / 12  # so that 24 months are two years
    days = {"Y": 365.0, "W": 7.0, "D": 1.0, "WD": 1.4}
    return q.number * days.get(q.unit, 1.0)


def value_of(reading: Reading, found: Evidence) -> float | str | None:
    """The comparable value of an evidence: the first of a type that the concept wants."""
    q = quantity_of(reading, found)
    return comparable(q) if q is not None else None


def quantity_of(reading: Reading, found: Evidence) -> Quantity | None:
    """The first quantity of an evidence that can be compared, of a type that the concept wants."""
    wanted = [t for c in reading.concepts for t in lexicon.concepts()[c].types] or list(COMPARABLE)
    for kind in dict.fromkeys([*wanted, *COMPARABLE]):
        told = [q for q in typed(found, (kind,)) if comparable(q) is not None]
        if told:
            return told[0]
    return None


def of_one_scale(told: Sequence[Quantity]) -> bool:
    """Whether values may be set against one another: no two currencies, no hours against days."""
    return len({_scale(q) for q in told}) <= 1


def _scale(q: Quantity) -> str:
    if q.kind in ("duration", "rate") and q.unit in ("Y", "M", "W", "D", "WD"):
        return "days"
    if q.kind == "date":
        return "date"
    return "people" if q.unit in ("人", "名", "位") else f"{q.kind} {q.unit}" if q.kind == "amount" else q.unit


def extreme(chosen: Sequence[Member], direction: str) -> list[Member]:
    """Of members with values the one with the least or the most, ties together."""
    values = []
    scales: list[Quantity] = []
    for section, found in chosen:
        if found is None:
            continue
        told = [(v, q) for q in typed(found, COMPARABLE) if (v := comparable(q)) is not None]
        if told:
            values.append((told[0][0], section, found))
            scales.append(told[0][1])
    if not values or not of_one_scale([q for q in scales if q.kind != "date"]):
        return []
    kinds = {type(v[0]) for v in values}
    if len(kinds) > 1:
        values = [v for v in values if isinstance(v[0], str)]
    best = (min if direction == "min" else max)(v[0] for v in values)
    return [(s, e) for v, s, e in values if v == best]


def within(premise: Quantity, stated: Sequence[Quantity]) -> bool | None:
    """Whether a claimed quantity fits a stated one with its bound; None where they are not of one kind."""
    for q in stated:
        if q.number is None or premise.number is None:
            continue
        if (premise.kind == "amount" and q.kind != "amount") or (premise.kind != "amount" and q.kind == "amount"):
            continue
        if (
            premise.kind in ("count",)
            and q.unit != premise.unit
            and not {q.unit, premise.unit} <= {"人", "名", "个", "位", "项"}
        ):
            continue
        a, b = comparable(premise), comparable(q)
        if not isinstance(a, float) or not isinstance(b, float):
            continue
        a += _beyond(premise)
        limit = bound(q)
        if limit == "upper":
            return a <= b
        if limit == "lower":
            return a >= b
        return a == b
    return None


def _beyond(premise: Quantity) -> float:
    """A claim of less or more than its number ("不满1年", "超过60万") lies just beside it."""
    if re.search("不满|不足|未满|不到|低于|少于|小于", premise.qualifier):
        return -1e-6
    return 1e-6 if re.search("(?<![不得没未有会])(?:超过|多于|大于|高于)", premise.qualifier) else 0.0


def opens(q: Quantity) -> bool:
    """Whether a date is the first from which something holds ("自…起")."""
    return re.search("起|以后|之后", q.qualifier) is not None


def claim_in(text: str) -> tuple[int, int] | None:
    """Where a question says what something is ("负责人是部长当的吧"): its words need not be the guide's."""
    m = lexicon.pattern("claim_re").search(text)
    return m.span("claim") if m is not None else None


def level_verdict(question: str, quote: str) -> bool | None:
    """ "县级…行不行" against "地市级及以上": whether the asked level is high enough; None where there are none."""
    levels = lexicon.table("words")["levels"]
    stated = re.search(r"([\u4e00-\u9fff]{1,3}?级)(?:及|或)?以上", quote)

    def rank(text: str) -> int | None:
        found = [n for n, names in enumerate(levels) for w in names if len(w) > 1 and w in text]
        found += [
            n
            for n, names in enumerate(levels)
            for w in names
            if re.search(rf"(?<![\u4e00-\u9fff]){w}|{w}(?:一级|里|政府)", text)
        ]
        return max(found) if found else None

    need, asked = rank(stated[1]) if stated else None, rank(question)
    return None if need is None or asked is None else asked >= need


_GRADE = re.compile(r"([一二三四五六甲乙丙丁])([级等类档])")


def grade_verdict(question: str, quote: str) -> bool | None:
    """ "二级医院…吗" against "须为三级": whether the question's grade is one that the clause names; None where one of them
    names none of its kind, or the clause gives a bound ("三级以上")."""
    stated = {(m[2], m[1]) for m in _GRADE.finditer(quote)}
    asked = {(m[2], m[1]) for m in _GRADE.finditer(question)} & {(k, g) for k, _ in stated for g in "一二三四五六甲乙丙丁"}
    if not asked or re.search(r"[级等类档](?:及|或)?以[上下]", quote):
        return None
    return asked <= stated
