"""What a question asks for and in which form: concepts, classes of applicants, yes/no, comparison, list. Nothing here
knows a guide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from bot import lexicon
from bot.facts import Quantity
from bot.wording import PART


@dataclass(frozen=True, slots=True)
class Asked:
    """A concept that a question asks for, and where it says so."""

    concept: str
    start: int
    end: int


def ask_languages(text: str, language: str) -> tuple[str, ...]:
    if language.startswith("zh"):
        return ("zh", "en") if re.search(r"[a-z]{3}", text) else ("zh",)
    return (language, "en") if re.search(r"[a-z]{3}", text) else (language,)


def bodies_in(text: str, language: str) -> tuple[tuple[str, str], ...]:
    """Classes of applicants named in the question with the word used; the longest word first claims its place."""
    found: list[tuple[int, int, str, str]] = []
    foreign = not language.startswith("zh") or re.search(r"[a-z]{3}", text) is not None
    for body in lexicon.bodies().values():
        if language.startswith("zh"):
            held = (word for word in body.everyday if word in text)
            places = ((text.find(word), word) for word in held)
            found += [(at, at + len(word), body.name, word) for at, word in places if not _counts(text, at)]
        if foreign:
            for m in body.foreign.finditer(text):
                found.append((m.start(), m.end(), body.name, m[0]))
    found.sort(key=lambda f: (f[0] - f[1], f[0]))
    out: list[tuple[int, int, str, str]] = []
    for f in found:
        if all(f[1] <= o[0] or f[0] >= o[1] for o in out):
            out.append(f)
    return tuple(dict.fromkeys((name, word) for _, _, name, word in sorted(out)))


def _counts(text: str, at: int) -> bool:
    """Whether the 个 at a place counts ("几个人", "一个人") and is no part of a word ("个人")."""
    return text[at] == "个" and at > 0 and text[at - 1] in "一二两三四五六七八九十几每多少0123456789"


class _Kinds(TypedDict):
    yesno: bool
    need: bool
    intime: bool
    comparing: bool
    direction: str
    listing: bool


def form_of_question(masked: str, text: str, language: str) -> _Kinds:
    """Flags of a question's form."""
    zh = language.startswith("zh")
    p = lexicon.pattern
    yes = (
        bool(p("yesno_zh_re").search(text))
        if zh
        else bool(p("yesno_en_re").search(text) or p("yesno_other_re").search(text))
    )
    if not zh and language != "en" and p("yesno_not_other_re").search(text):
        yes = False
    if zh and p("yesno_not_zh_re").search(text) and not re.search(r"吗|能不能|可不可以|是否", text):
        yes = False
    if not zh and re.search(
        r"^(?:what|which|who|how|when|where|why|qui|quel|combien|was|wer|wie|welche|wann|¿?qué|¿?quién|¿?cuá|¿?cuan|¿?dónde|кто|что|как|когда)",
        text,
    ):
        yes = False
    compare = (
        bool(p("compare_zh_re").search(text))
        if zh
        else bool(p("compare_en_re").search(text) or p("compare_other_re").search(text))
    )
    direction = ""
    if compare:
        direction = (
            "same"
            if p("same_re").search(text)
            else "min"
            if p("min_re").search(text)
            else "max"
            if p("max_re").search(text)
            else "same"
        )
    listing = (
        bool(p("list_zh_re").search(text))
        if zh
        else bool(p("list_en_re").search(text) or p("list_other_re").search(text))
    )
    return {
        "yesno": yes,
        "need": bool(p("need_re").search(text)),
        "intime": bool(p("intime_re").search(text)),
        "comparing": compare,
        "direction": direction,
        "listing": listing,
    }


def asking_parts(masked: str, asked: Sequence[Asked]) -> list[tuple[int, str]]:
    """The parts of the message that ask: those with a concept or a question word; the last one else."""
    parts: list[tuple[int, str]] = []
    at = 0
    for m in [*PART.finditer(masked), None]:
        end = m.start() if m else len(masked)
        if masked[at:end].strip():
            parts.append((at, masked[at:end]))
        at = m.end() if m else end
    question = re.compile(
        "[吗呢么谁哪几]|什么|多少|怎|如何|是否|能不能|可不可以|有没有|啥|多久|\\?|what|which|who|how|when|where|can |is |are |do |does "
    )
    asking = [
        (at, part) for at, part in parts if any(at <= a.start < at + len(part) for a in asked) or question.search(part)
    ]
    return asking or parts[-1:]


_PEOPLE_ASKED = re.compile(r"人数|(?:人才|人员|医护)[^，,。]{0,6}(?:多少|几|数量|指标|要求)")


def unit_asked(many: re.Match[str] | None, text: str) -> str:
    """The unit that "how many" asks in: people, where it counts heads ("人才要几个")."""
    unit = (many[1] or "") if many else ""
    return "人" if unit in ("", "个") and _PEOPLE_ASKED.search(text) else unit


def concepts_in(text: str, languages: Sequence[str]) -> list[Asked]:
    patterns = [lexicon.asking(lang) for lang in languages]
    return [
        Asked(name, m.start(), m.end())
        for name in lexicon.concepts()
        for asking in patterns
        if name in asking
        for m in asking[name].finditer(text)
        if m.end() > m.start()
    ]


def cut_at_joints(found: Sequence[Asked], text: str) -> list[Asked]:
    """Wordings that another one behind "和" or "、" ends ("资助额和年限各是多少" asks for money up to "和")."""
    out = []
    for a in found:
        inner = (b for b in found if b.concept != a.concept and a.start < b.start and b.end <= a.end)
        ends = (m.start() + a.start for b in inner if (m := _ENDS_JOINED.search(text[a.start : b.start])) and m.start())
        out.append(replace(a, end=min(ends, default=a.end)))
    return out


_ENDS_JOINED = re.compile(r"(?:、|和|与|及|以及|跟)$")


def without_granted(asked: tuple[Asked, ...], text: str, premises: Sequence[Quantity]) -> tuple[Asked, ...]:
    """In "能申请…补贴吗" the money is what one applies for, not what is asked: who may apply is."""
    funding = next((a for a in asked if a.concept == "funding"), None)
    applies = lexicon.pattern("applying_re").search(text)
    if funding is None or not applies or lexicon.pattern("quantity_asked_re").search(text):
        return asked
    if any(p.kind == "amount" for p in premises) or applies.start() > funding.start:
        return asked
    return tuple(a for a in asked if a is not funding)


_PREMISE_CONCEPTS = {"amount": "funding", "duration": "duration", "date": "deadline", "ratio": "ratio"}


def asked_by_premise(premises: Sequence[Quantity]) -> tuple[Asked, ...]:
    """What a question without an asking phrase is about, by the values that it names ("80万可以吗")."""
    for p in premises:
        if p.unit == "岁":
            return (Asked("age", p.start, p.end),)
        if p.kind == "duration" and p.unit in ("D", "WD"):
            return (Asked("onsite", p.start, p.end),)
        if p.kind in _PREMISE_CONCEPTS:
            return (Asked(_PREMISE_CONCEPTS[p.kind], p.start, p.end),)
        if p.kind == "count":
            concept = (
                "place"
                if p.unit in ("县", "市", "州", "区")
                else "targets"
                if p.unit in ("人", "名", "位")
                else "quota"
            )
            return (Asked(concept, p.start, p.end),)
    return ()
