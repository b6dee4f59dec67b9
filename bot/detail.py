"""The detail that a question asks for in its own words, and whether the words found give it.

A guide may speak of a thing (the interim review) and not of what is asked of it (its month, who holds it, a fine). What
is asked stands next to the question word ("处长是谁", "哪份报纸", "几点"), before the field's name ("系统的网址"), and in a
yes or no it is what is to be done ("能更换…吗"). It must stand in the cited clause, by word, synonym or type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot import lexicon
from bot.asking import Asked
from bot.compose import bound
from bot.desk import CLOSED, Desk
from bot.evidence import ENOUGH, Evidence, typed
from bot.lexical import normalise
from bot.names import is_word
from bot.understand import Reading
from bot.values import COMPARABLE, claim_in, level_verdict
from bot.wording import questions_in, tagged

_HELD = 0.4  # least support of a word: half of its pairs of characters
_COUNTING = ("m", "mq", "q", "r")  # parts of speech that name nothing
_OPEN_VERDICTS = (*CLOSED, "joint", "submit", "agreement")  # what these do not name is a no, or is weighed by its form


def unstated_detail(desk: Desk, reading: Reading, found: Evidence) -> str:
    """What is asked and the words found do not give; "" where nothing is missing. For questions in Chinese: the words
    of others are not cut."""
    if reading.comparing or _silent(found.quote):
        return ""
    unnamed = unnamed_thing(reading, f"{found.clause.label} {found.quote}")
    if unnamed:
        return unnamed
    if not (reading.native and reading.language.startswith("zh")):
        return _untyped_abroad(reading, found)
    return _opposed(desk, reading, found) or _untyped(reading, found) or _unworded(desk, reading, found)


def unnamed_thing(reading: Reading, text: str) -> str:
    """What is asked for by its name, in any language, and a text does not give: a fax number, a postcode."""
    for asked, told in lexicon.table("words")["exact"]:
        if (m := re.search(asked, reading.text)) and not re.search(told, normalise(text)):
            return m[0]
    return ""


def _untyped_abroad(reading: Reading, found: Evidence) -> str:
    """The kind of value that a foreign question asks for, of which the words found hold none."""
    asked = [lexicon.concepts()[c] for c in reading.concepts if c in _VALUES]
    types = {t for c in asked for t in c.types}
    if not types or reading.yesno or reading.listing or found.by_field or typed(found, (*types, "date")):
        return ""
    return asked[0].en


_VALUES = ("duration", "ratio", "age", "onsite", "count_asked")


def _opposed(desk: Desk, reading: Reading, found: Evidence) -> str:
    """A word of the question whose opposite the clause names, and not itself: "国内" where it speaks of "境外"."""
    held = desk.finder.context(found.clause)
    spans = [reading.text[s:e] for s, e in questions_in(reading.text)]
    for pair in lexicon.table("words")["opposites"] if not reading.yesno else ():
        for asked, told in (pair, pair[::-1]):
            at = next((m for part in spans if (m := re.search(asked, part))), None)
            if at is not None and not any(re.search(told, part) for part in spans) and re.search(told, held) and not re.search(asked, held):
                return at[0]
    return ""


def _silent(quote: str) -> bool:
    """Whether the guide says that there is none, or that it will be said elsewhere."""
    return bool(re.fullmatch(r"无|没有|不限|.*(?:查询|待定|另行).*", quote.strip()))


def _untyped(reading: Reading, found: Evidence) -> str:
    """The kind of value that the question's form asks for and the clause does not hold."""
    for kind, (asked, given, types) in _FORMS.items():
        if lexicon.pattern(asked).search(reading.text):
            said = lexicon.pattern(given).search(found.clause.text if kind == "what_who" else found.quote)
            if not said and not typed(found, types):
                return lexicon.message(kind, reading.language)
    if _unmeasured(reading, found) or _undated_size(reading, found):
        return lexicon.message("what_number", reading.language)
    return lexicon.message("what_bound", reading.language) if _other_bound(reading, found) else ""


_MEASURE = re.compile(r"(?:多少|几)(集|场|篇|亩|吨|页|台|平方米|平米|小时|学时|间|辆|株|头|户|轮)")


def _unmeasured(reading: Reading, found: Evidence) -> bool:
    """Whether a number of some measure is asked for ("多少集") and the clause counts nothing in it."""
    asked = _MEASURE.search(reading.text)
    unit = asked[1].replace("平米", "平方米") if asked else ""
    return bool(unit) and not re.search(rf"[\d〇零一二两三四五六七八九十百千万半]\s*余?{unit}|不限|另行|查询", normalise(found.clause.text))


_SIZE = re.compile(r"(?:至少|最低|最少|最多|最高|达到|超过|高于|低于)[^，,。？?]{0,6}多少(?![号天日年月时点])")


def _undated_size(reading: Reading, found: Evidence) -> bool:
    """Whether a size is asked for ("至少要达到多少") and the words found give only dates and grades."""
    values = typed(found, COMPARABLE)
    return bool(_SIZE.search(reading.text)) and bool(values) and all(q.kind == "date" or q.unit in ("级", "等", "档") for q in values)


def _other_bound(reading: Reading, found: Evidence) -> bool:
    """Whether the least is asked for and the words found bound only from above, or the other way round."""
    stated = {bound(q) for q in typed(found, COMPARABLE) if q.kind != "date"}
    asked = (("least_asked_re", "upper"), ("most_asked_re", "lower"))
    return any(stated == {other} and lexicon.pattern(p).search(reading.text) for p, other in asked)


# message → pattern of the question, pattern of an answer, types of an answer
_FORMS = {
    "what_hour": ("hour_asked_re", "hour_re", ()),
    "what_time": ("point_asked_re", "point_re", ("date",)),
    "what_when": ("when_asked_re", "when_re", ("date",)),
    "what_number": ("number_asked_re", "number_re", (*COMPARABLE, "url")),
    "what_money": ("money_asked_re", "money_re", ("amount", "ratio")),
    "what_length": ("length_asked_re", "length_re", ("date", "duration")),
    "what_address": ("address_asked_re", "address_re", ()),
    "what_person": ("person_asked_re", "person_re", ()),
    "what_long": ("long_asked_re", "long_re", ("date",)),
    "what_who": ("who_asked_re", "who_re", ("body",)),
    "what_where": ("where_asked_re", "where_re", ("url",)),
    "what_often": ("often_asked_re", "often_re", ()),
    "what_phone": ("phone_asked_re", "phone_re", ()),
    "what_mobile": ("mobile_asked_re", "mobile_re", ()),
    "what_language": ("language_asked_re", "language_re", ()),
    "what_people": ("people_asked_re", "people_re", ()),
}


def _unworded(desk: Desk, reading: Reading, found: Evidence) -> str:
    """The asked words that the clause does not hold, nor any clause of the section where its field is named."""
    near = "\n".join((desk.finder.context(found.clause), *(normalise(g.title) for g in desk.index.guides)))
    wide = near
    if reading.query.sections or found.by_field:
        wide += "\n".join(desk.finder.text_of(i) for tier in desk.finder.pool(found.section) for i in tier)
    gone = [reading.text[a.start : a.end] for a in _matters(reading, found) if not lexicon.concepts()[a.concept].said.search(wide)]
    gone += [w for w in _heads(reading, found) if desk.finder.support(w, near) < _HELD]
    about = near if _is_value_field(found) else wide
    gone += [w for w in _subjects(reading) if desk.finder.support(w, about) < _HELD]
    gone += [w for w in _topics(reading) if desk.finder.support(w, wide) < _HELD and not is_claimed(desk, reading, w, found)]
    case = lexicon.pattern("case_asked_re").search(reading.text)
    if case or (reading.yesno and not _decided(reading, found)):
        degrees = lexicon.words("degrees_zh") if any(d in found.quote for d in lexicon.words("degrees_zh")) else ()
        words = (w for w in _predicates(reading) if w not in degrees)  # "大专" is weighed against "本科及以上"
        gone += [w for w in words if desk.finder.support(w, wide) < _HELD and not is_claimed(desk, reading, w, found)]
    return "、".join(dict.fromkeys(gone))


def is_claimed(desk: Desk, reading: Reading, noun: str, found: Evidence | None) -> bool:
    """Whether a noun only says what the question takes something for ("是择优委托吧"), of which the words found tell."""
    claim = claim_in(reading.text) if reading.yesno and found is not None and found.score >= ENOUGH else None
    if claim is None or found is None or noun not in reading.text[slice(*claim)]:
        return False
    rest = [(t, w) for t, w in reading.focus if t not in reading.text[slice(*claim)]]
    return found.by_field or bool(rest and desk.finder.coverage(rest, desk.finder.context(found.clause)) >= 0.6)


def _is_value_field(found: Evidence) -> bool:
    """Whether a labelled field gives one value: it is that of its section, not of whatever else the section names."""
    if found.concept == "onsite":
        return True
    return found.by_field and found.concept in ("funding", "duration", "quota", "deadline", "url")


def _matters(reading: Reading, found: Evidence) -> Iterator[Asked]:
    """What else the question speaks of that guides treat apart: "答辩" in "答辩时间多久", of which a field's "2年" says nothing."""
    for a in reading.asked if not reading.query.sections and found.by_field else ():
        if a.concept != found.concept and a.end > a.start and lexicon.concepts()[a.concept].detail:
            yield a


def _heads(reading: Reading, found: Evidence) -> Iterator[str]:
    """The words beside a question word: "报纸" in "登在哪份报纸上", "处长" in "处长是谁"; none that ask for what was found."""
    words = list(_words(reading))
    starts = {s: w for w, pos, s in words if pos not in _COUNTING}
    ends = {s + len(w): w for w, pos, s in words if pos not in _COUNTING}
    told = [(a.start, a.end) for a in reading.asked if a.concept == found.concept and a.concept != "count_asked"]
    weak = lexicon.pattern("instances_asked_re")
    for m in lexicon.pattern("behind_question_re").finditer(reading.text):
        if found.concept and weak.fullmatch(m[0]):
            continue  # "支持哪些作物": the clause names some, and need not call them so
        if not any(s <= m.end() and m.start() <= e for s, e in told):
            yield from _if_whole(starts.get(m.end(), ""))
    for m in lexicon.pattern("copula_question_re").finditer(reading.text):
        if not any(s <= m.end() and m.start() <= e for s, e in told):
            yield from _if_whole(ends.get(m.start(), ""))


def _subjects(reading: Reading) -> Iterator[str]:
    """The nouns right before what is asked: "系统" in "系统登录网址", "报告" in "报告要几年"."""
    at = next((a.start for a in reading.asked if a.end > a.start), 0)
    gap = 1  # "报告要几年"
    for word, pos, start in reversed(list(_words(reading))) if not reading.yesno else ():
        end = start + len(word)
        if end > at or (end == at and len(word) < 2 and gap):
            continue
        if at - end > gap or re.search(r"\W", reading.text[end:at]) or pos not in ("n", "nz", "v", "vn") or any(a.start <= start < a.end for a in reading.asked):
            return
        at, gap = start, 0
        if pos != "v" and not any(word in w for _, w in reading.bodies):
            yield from _if_whole(word)


def _topics(reading: Reading) -> Iterator[str]:
    """The nouns of a question that names no section: what it is about, which the place of the answer must speak of."""
    spans = questions_in(reading.text)
    for word, weight in reading.terms if not reading.query.sections else ():
        at = reading.text.find(word)
        if weight >= 1 and any(s <= at < e for s, e in spans) and not any(word in w for _, w in reading.bodies):
            yield from _if_whole(word)


def _predicates(reading: Reading) -> Iterator[str]:
    """What is to be done, and to what, in the part of a yes or no that asks."""
    for at, end in questions_in(reading.text):
        for word, pos, start in _words(reading):
            if at <= start < end and pos in ("v", "vn", "n", "b", "t", "f", "s") and not any(word in w for _, w in reading.bodies):
                yield from _if_whole(word)


def _decided(reading: Reading, found: Evidence) -> bool:
    """Whether yes or no follows without the question's words standing in the clause: from who may apply, a date and
    today, a level, a bound, or a list that is whole."""
    if found.concept in _OPEN_VERDICTS or reading.intime or level_verdict(reading.text, found.quote) is not None:
        return True
    return any(typed(found, _BOUNDS_OF.get(p.kind, (p.kind,))) for p in reading.premises)


# Kinds of the guide's values that bound a value of the question
_BOUNDS_OF = {"duration": ("duration", "rate"), "count": ("count", "rate"), "rate": ("rate", "duration", "count")}


def _words(reading: Reading) -> Iterator[tuple[str, str, int]]:
    """The words of a question outside of the names of sections, with part of speech and place."""
    taken = [(m.start, m.end) for m in reading.named]
    for word, pos, start in tagged(reading.text, 0):
        if not any(a < start + len(word) and start < b for a, b in taken):
            yield word, pos, start


def _if_whole(word: str) -> Iterator[str]:
    """A word of content; none with a function word at an edge, which is likely two halves of others. What the dictionary
    does not have is looked for by its halves ("本科学历")."""
    if len(word) == 4 and not is_word(word) and is_word(word[:2]) and is_word(word[2:]):
        yield from (*_if_whole(word[:2]), *_if_whole(word[2:]))
        return
    stop = lexicon.words("stop_zh") | lexicon.words("soft_zh")
    edges = lexicon.words("edges_zh")
    if len(word) >= 2 and is_word(word) and word not in stop and not re.search(r"(.)不\1", word) and word[0] not in edges and word[-1] not in edges:
        yield word
