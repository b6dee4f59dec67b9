"""Yes and no: who may apply, values against bounds, what is forbidden or not listed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import lexicon
from bot.desk import (
    CLOSED,
    Desk,
)
from bot.evidence import Evidence, body, segments, sentences, typed
from bot.facts import Quantity, is_field
from bot.lexical import normalise
from bot.types import ClauseId
from bot.understand import Reading
from bot.values import claim_in, comparable, grade_verdict, level_verdict, opens, within
from bot.wording import naming_words, tagged

ABOUT = 0.7  # of a question's words: a clause that holds fewer, and says no no, is not taken for a yes
QUOTED = re.compile(r"[“\"‘']([^”\"’']{1,12})[”\"’']")


def asks_eligibility(reading: Reading) -> bool:
    """Whether a question is about who may apply: a class of applicants, and nothing else asked."""
    asked = [
        a.concept
        for a in reading.asked
        if not reading.language.startswith("zh")
        or lexicon.pattern("interrogative_re").search(reading.text[max(0, a.start - 4) : a.end + 4])
    ]
    others = [
        c
        for c in asked
        if c not in ("eligible", "count_asked", "requirements", "content")
        and not (reading.yesno and c in ("quota", "process", "submit"))
    ]
    applies = lexicon.pattern("applying_re").search(reading.text) is not None
    # "医院可以吗": nothing but whether they may
    bare = not reading.asked and bool(lexicon.pattern("may_re").search(reading.text))
    bare = bare and not any(w >= 1 for _, w in reading.terms)
    said = "eligible" in reading.concepts or applies or (reading.yesno and (bare or not reading.language.startswith("zh")))
    return bool(reading.bodies) and not others and not reading.premises and said


def eligibility(desk: Desk, reading: Reading, section: ClauseId) -> Evidence | None:
    """Who may apply in a section: an item's own sentence on it, else the field of its home."""
    words = "|".join(w for b in lexicon.bodies().values() for w in b.guide)
    item = desk.reader.by_id[section]
    for span in sentences(item.text, body(item)[0]) if item.kind == "item" else ():
        if re.search(rf"由.{{0,6}}(?:{words}).{{0,12}}申报", item.text[span[0] : span[1]]):
            return Evidence(item, (span,), section, 1.0, "eligible", True)
    for i in desk.reader.subtree(desk.reader.home(section) or section):
        c = desk.reader.by_id[i]
        if is_field(c) and desk.reader.concept_of.get(c.label) == "eligible":
            start, end = body(c)
            spans = sentences(c.text, start) if end - start > 90 else [(start, end)]
            return Evidence(c, (spans[0],), section, 1.2, "eligible", True) if end > start else None
    return None


def lists_bodies(reading: Reading, quote: str) -> bool:
    leaders = re.search(r"([\u4e00-\u9fff、]+?)牵头", quote)
    return all(_lists(leaders[1] if leaders else quote, b) for b, _ in reading.bodies)


def _names_classes(quote: str) -> bool:
    """Whether an eligibility clause names classes of applicants at all: "平台的依托单位" may be of any."""
    return any(w in quote for b in lexicon.bodies() for w in (b, *lexicon.bodies()[b].guide))


def supposes_not(reading: Reading) -> bool:
    """Whether a question asks to confirm that something is not so ("医院不能报，对吧", "是不是不限名额")."""
    p = lexicon.pattern
    return bool(reading.yesno and p("confirms_re").search(reading.text) and p("supposes_not_re").search(reading.text))


def yes_word(reading: Reading, verdict: bool) -> str:
    """Yes or no in the verb of the question: 可以, 需要, 有效, 够, 有, 是."""
    language = reading.language
    if not language.startswith("zh") and language != "en":
        return lexicon.yes_no(verdict, language)
    kinds = lexicon.table("words")["yes_kinds"]
    if supposes_not(reading):  # "不能报，对吧": yes and no are said of the whole, not of the verb
        return lexicon.message("yes_is" if verdict else "no_is", language)
    kind = next((k for k, pattern in kinds if re.search(pattern, reading.text)), "_is")
    return lexicon.message(("yes" if verdict else "no") + kind, language)


def polarity(desk: Desk, reading: Reading, section: ClauseId, found: Evidence) -> bool | None:
    """Yes or no as the evidence says it; None where it says neither."""
    joint = _of_both(reading, found) if not (reading.bodies and found.concept == "eligible") else None
    if joint is not None:
        return joint
    verdict = _affirmed(desk, reading, found)
    if verdict and not all(_claim_held(desk, reading, found)):
        return None  # "组长是教务部部长": that the clause names the one word makes it not so
    return not verdict if verdict is not None and supposes_not(reading) else verdict


def _of_both(reading: Reading, found: Evidence) -> bool | None:
    """Whether both sides must submit, where the evidence is about that."""
    if found.concept in ("joint", "submit") or re.search(r"单方|单独申报", found.quote):
        return _joint(reading.text, found.quote)
    return None


def _affirmed(desk: Desk, reading: Reading, found: Evidence) -> bool | None:
    """The same for what the question says without its "not"."""
    quote = found.quote
    graded = grade_verdict(reading.text, quote)
    if graded is not None:
        return graded
    if reading.bodies and found.concept == "eligible":
        return lists_bodies(reading, quote) if _names_classes(quote) else None
    opening = re.match(
        r"(不(?:可以|能|需要|用|行|是|得)|没有|否|无)|(可以|能|需要|要|是|有|行|应当|应该)(?:的)?(?=[。，,；!！])",
        quote,
    )
    if opening and found.clause.label.endswith(("？", "?")):
        return opening[1] is None
    level = level_verdict(reading.text, quote)
    if level is not None:
        return level
    told = _told_apart(desk, reading, found)
    if told is not None:
        return told
    if _without(desk, reading, found) or _in_another_year(desk, reading, found) or _in_another_month(reading, found):
        return False
    days = _whole_dates(found)
    dates = [q.value for q in days]
    for premise in reading.premises:
        if premise.kind == "date" and dates:
            return _dated(reading, premise.value, days, desk.settings.date().isoformat())
        near = _nearest_values(desk, reading, found, premise)
        same = [q for q in near if (q.kind, q.unit) == (premise.kind, premise.unit)]
        if same and lexicon.pattern("asserts_re").search(reading.text):  # "是50万元吗": the value itself, not one below it
            return any(comparable(q) == comparable(premise) for q in same)
        verdict = within(premise, near)
        if verdict is not None:
            return verdict
    if reading.intime and dates:
        past = max(dates) < desk.settings.date().isoformat()
        asks_past = bool(re.search(r"截止了|过期|过了|错过|passed|closed|expired|over|missed", reading.text))
        return past if asks_past else not past
    if found.concept == "deadline" and not dates:
        return False  # asked whether the date is fixed, and it is not
    claimed = _claimed(desk, reading, found)
    if claimed is not None:
        return claimed
    if found.concept in CLOSED and _absent(desk, reading, found):
        return None if lexicon.pattern("open_list_re").search(quote) else False
    denied = _part_denies(desk, reading, found)
    if denied is not None:
        return not denied
    if reading.need and re.search(r"须|应|需|已签署|已与|要求", quote) and not re.search(r"无需|不需|不必", quote):
        return True
    if re.fullmatch(r"无|没有|不限|暂无", quote.strip()):
        return False
    if lexicon.pattern("deny_re").search(quote):
        return _outside_of_exception(desk, reading, found)
    # a clause that says no such thing as no is no yes where it holds too few of the question's words
    about = desk.finder.coverage(desk.finder.weighed(reading.focus), desk.finder.context(found.clause))
    return True if about >= ABOUT else None


def _outside_of_exception(desk: Desk, reading: Reading, found: Evidence) -> bool | None:
    """Of words that deny something: yes where only an exception ("…；但已有工作室的除外") does and the rest holds all that
    the question names; no where the exception or the rest denies what is named; None where the asker's case may be the
    exception in other words ("已经买房的…")."""
    texts = [normalise(found.clause.text[s:e]) for span in found.spans for s, e in segments(found.clause.text, *span)]
    rule = "".join(t for t in texts if not lexicon.pattern("exception_re").match(t))
    if not rule or lexicon.pattern("deny_re").search(rule):
        return False
    beyond = [w for w in naming_words(reading.text) if desk.finder.support(w, rule) < 0.5]
    if any(desk.finder.support(w, normalise(found.quote)) >= 0.4 for w in beyond):  # "发工资": a part of it
        return False
    return None if beyond or lexicon.pattern("case_told_re").search(reading.text) else True


def _without(desk: Desk, reading: Reading, found: Evidence) -> bool:
    """Whether the asker lacks, or means to leave out, what the clause demands ("还没签合作协议", "不交推荐函行吗")."""
    m = lexicon.pattern("without_re").search(reading.text)
    if m is None or not lexicon.pattern("demands_re").search(found.quote) or supposes_not(reading):
        return False
    told = normalise(found.quote)
    things = naming_words(m["thing"])
    return bool(things) and all(desk.finder.support(w, told) >= 0.5 for w in things)


def _in_another_year(desk: Desk, reading: Reading, found: Evidence) -> bool:
    """Whether the question gives a thing another year than the part of the clause that names the thing does."""
    asked = set(_YEARS.findall(reading.text))
    dated = [normalise(p) for p in re.split("[，,、；;。]", found.quote) if _YEARS.search(p)]
    if len(asked) != 1 or not dated:
        return False
    words = [*reading.focus, *((m.text, 1.0) for m in reading.named if m.end > m.start)]
    best = max(dated, key=lambda part: desk.finder.coverage(words, part))
    return desk.finder.coverage(words, best) > 0.3 and not asked & set(_YEARS.findall(best))


def _in_another_month(reading: Reading, found: Evidence) -> bool:
    """Whether the question names a month alone ("改到10月了吗") and the clause gives days of others."""
    asked = [int(m[1]) for m in _MONTH.finditer(reading.text)]
    days = [q.value for q in _whole_dates(found)]
    confirms = lexicon.pattern("confirms_re").search(reading.text) or "改" in reading.text
    return bool(len(asked) == 1 and days and confirms) and all(int(d[5:7]) != asked[0] for d in days)


_YEARS = re.compile(r"(?<!\d)(20\d\d)(?=\s?年)")
_MONTH = re.compile(r"(?<![\d.个])(1[0-2]|[1-9])月(?!\s?\d)(?![初中底末]?[前后内])")


def _claimed(desk: Desk, reading: Reading, found: Evidence) -> bool | None:
    """No where the clause gives nothing of what the question says that something is ("是择优委托吗", "归省科技厅管吧"); None
    where the question says no such thing, or the clause might mean it in other words."""
    held = _claim_held(desk, reading, found)
    closed = found.by_field or found.concept in CLOSED
    return False if held and closed and not any(held) and not lexicon.pattern("open_list_re").search(found.quote) else None


def _claim_held(desk: Desk, reading: Reading, found: Evidence) -> list[bool]:
    """Of the words in which a question says what something is, whether the clause holds each; none where it has none."""
    claim = claim_in(reading.text)
    if claim is None or not reading.language.startswith("zh") or reading.premises:
        return []
    names = [(n.start, n.end) for n in reading.named]
    text = normalise(f"{found.clause.label} {found.quote}")
    weak = lexicon.words("stop_zh") | lexicon.words("modal_zh")
    return [
        desk.finder.support(w, text) >= 0.5 for w, pos, n in tagged(reading.text[slice(*claim)], claim[0])
        if len(w) >= 2 and pos.startswith(("n", "l", "j", "v", "b", "x")) and w not in weak
        and not any(a <= n < b for a, b in names)
    ]  # fmt: skip


def _part_denies(desk: Desk, reading: Reading, found: Evidence) -> bool | None:
    """Whether the one part of a clause that names what the question is about says no of it ("…可以计入；…二手设备不计入")."""
    texts = [normalise(found.clause.text[s:e]) for span in found.spans for s, e in segments(found.clause.text, *span)]
    words = sorted((t for t, w in reading.focus if w >= 1), key=reading.text.find)
    for word in words if len(texts) > 1 else ():
        held = [t for t in texts if word in t]
        if len(held) == 1:
            return True if lexicon.pattern("part_denies_re").search(held[0]) else None
    return None


def _whole_dates(found: Evidence) -> list[Quantity]:
    return [q for q in typed(found, ("date",)) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value)]


def _dated(reading: Reading, asked: str, stated: Sequence[Quantity], today: str) -> bool:
    """Whether a date of the question is the guide's, or, where the asker means to act on it, is not past the last (which
    itself is not past), or not before the first of what only opens ("自…起")."""
    dates = [q.value for q in stated]
    day = min(dates)[:4] + asked[1:] if asked.startswith("--") else asked
    if lexicon.pattern("asserts_re").search(reading.text) or not lexicon.pattern("acting_re").search(reading.text):
        return day in dates
    if all(map(opens, stated)):
        return day >= max(dates)
    return (min(dates) <= day if len(dates) > 1 else True) and day <= max(dates) and today <= max(dates)


def _nearest_values(desk: Desk, reading: Reading, found: Evidence, premise: Quantity) -> list[Quantity]:
    """Stated values, those first whose comma part holds more of the question's words."""
    stated = typed(found, (premise.kind, "rate", "duration", "count"))
    text = found.clause.text

    def held(q: Quantity) -> float:
        part = re.split(r"[，,；;。]", text[: q.end])[-1]
        return desk.finder.coverage(reading.focus, normalise(part)) if reading.focus else 0.0

    return sorted(stated, key=lambda q: -held(q))


def _joint(question: str, quote: str) -> bool | None:
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


def _told_apart(desk: Desk, reading: Reading, found: Evidence) -> bool | None:
    """Plain reasons for no: the clause stands in a list of what is forbidden, it demands that there be none of
    what the question has, or it names another quality (“甲等”) than the question's."""
    for body_name, word in reading.bodies:
        named = (word, *lexicon.bodies()[body_name].guide)
        held = [s for s in re.split(r"[。；;\n]", found.quote) if any(w in s for w in named)]
        if held and all(lexicon.pattern("ruled_out_re").search(s) for s in held):
            return False
    if _denied_of(reading, found):
        return False
    parent = desk.reader.by_id.get(found.clause.parent) if found.clause.parent else None
    if parent is not None and lexicon.pattern("forbid_list_re").search(parent.text):
        return False
    text = normalise(found.quote)
    for t, w in reading.focus:
        if w >= 0.4 and t in text and re.search(lexicon.pattern("lacking_re").pattern + r"[^，。；]{0,14}" + re.escape(t), text):
            return False if not re.search(r"(?:没有|无|不)[^，。]{0,6}" + re.escape(t), reading.text) else None
    asked, stated = set(QUOTED.findall(reading.text)), set(QUOTED.findall(text))
    if asked and stated and not asked & stated and not any(q in text for q in asked):
        return False
    denied = [
        q for q in stated if re.search(rf"(?:不是|没有?|未)(?:获得|得到|评为)?[“\"]?{re.escape(q)}", reading.text)
    ]
    return False if denied else None


def _denied_of(reading: Reading, found: Evidence) -> bool:
    """Whether a part of the clause denies the question's own verb of what the question names ("某类不占限额")."""
    modal = lexicon.words("modal_zh")  # "不能" of something else denies nothing of this
    verbs = [w for w, pos, _ in tagged(reading.text, 0) if pos == "v" and w not in modal and f"不{w}" not in reading.text]
    named = [m.text for m in reading.named if m.end > m.start]
    for start, end in (p for s in found.spans for p in segments(found.clause.text, *s)):
        part = normalise(found.clause.text[start:end])
        if any(n in part for n in named) and any(f"不{v}" in part for v in verbs):
            return True
    return False


def _absent(desk: Desk, reading: Reading, found: Evidence) -> list[str]:
    """Nouns of the question that an enumerating clause (领域, 范围, 部门 …) does not list."""
    text = desk.finder.text_of(found.clause.clause_id)
    nouns = [*(t for t, w in reading.terms if w >= 1), *map(normalise, reading.query.unknown)]
    return [t for t in nouns if desk.finder.support(t, text) < 0.65]


def _lists(text: str, body_name: str) -> bool:
    """Whether an eligibility clause names a class, by any of the guides' words for it."""
    return any(w in text for w in (body_name, *lexicon.bodies()[body_name].guide))
