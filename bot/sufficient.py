"""Is the evidence sufficient? What is missing, what the guide puts otherwise, and how the bot refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot import lexicon
from bot.compose import Draft
from bot.desk import (
    CLOSED,
    Desk,
    Outcome,
)
from bot.detail import is_claimed, unstated_detail
from bot.evidence import ENOUGH, Evidence, ordered_concepts, typed, wants_number
from bot.facts import Quantity, is_field, quantities
from bot.lexical import normalise
from bot.statements import say_statement
from bot.types import ClauseId
from bot.understand import Reading
from bot.values import COMPARABLE, grade_verdict, level_verdict, within
from bot.wording import naming_words, questions_in


def correction(desk: Desk, reading: Reading, found: Evidence | None) -> Outcome | None:
    """A value that the question takes for granted and the guide puts otherwise: the guide's own, and that it differs."""
    if reading.yesno or reading.listing or not reading.premises:
        return None
    sections = list(reading.query.sections[:1]) or ([found.section] if found is not None else [])
    for claim in (p for p in reading.premises if _may_be_claimed(reading, p)):
        for section in sections:
            stated = _stated_value(desk, reading, claim, section)
            if stated is not None:
                draft = Draft(reading.language)
                draft.msg("instead", claim=reading.text[claim.start : claim.end]).msg("colon")
                say_statement(desk, draft, reading, stated)
                return Outcome(draft, "answered", 0.7, kept=(stated,))
    return None


def _stated_value(desk: Desk, reading: Reading, claim: Quantity, section: ClauseId) -> Evidence | None:
    """The guide's value for what a claim speaks of, where it differs; None where it agrees or there is none."""
    if claim.kind == "amount":
        found = desk.finder.find_for("funding", replace(reading, focus=(), terms=()), section, {})
    elif claim.kind == "count" and claim.unit in ("人", "名", "位", "项", "个", "套") and reading.focus:
        found = desk.finder.find_for("targets", reading, section, {})
        if found is not None and desk.finder.coverage(reading.focus, normalise(found.quote)) < 0.4:
            return None
        if found is not None and not _counts_the_same(reading, claim, normalise(found.quote)):
            return None
    else:
        return None
    if found is None or not found.by_field or (claim.kind == "amount" and typed(found, ("ratio",))):
        return None  # "按造价的30%，最高80万元": an amount beside it is what the share is of
    stated = typed(found, (claim.kind,))
    if claim.kind == "amount" and not _is_granted(reading, claim) and within(claim, stated):
        return None
    return None if not stated or any(q.number == claim.number for q in quantities(found.clause.text)) else found


def _may_be_claimed(reading: Reading, value: Quantity) -> bool:
    """Whether a value of the question may be one that it takes for the guide's, and does not tell the asker's own case
    ("投资400万", "花了30万", "我们有50人，能补多少")."""
    if value.kind == "amount" and _is_own(reading, value):
        return False
    told = lexicon.pattern("claims_re").search(reading.text) or (value.kind == "amount" and _is_granted(reading, value))
    return bool(told) or not wants_number(reading)


def _is_own(reading: Reading, value: Quantity) -> bool:
    before = re.split("[，,。；;？?！!：:]", reading.text[: value.start])[-1]
    own = lexicon.pattern("own_value_re")
    return bool(own.search(before.lower()) or lexicon.pattern("of_own_value_re").match(reading.text[value.end :].lower()))


def _is_granted(reading: Reading, value: Quantity) -> bool:
    """Whether an amount stands by what a guide gives ("补助100万", "100万的经费")."""
    before, behind = reading.text[: value.start], reading.text[value.end :]
    return bool(lexicon.pattern("granted_re").search(before) or lexicon.pattern("of_grant_re").match(behind))


def _counts_the_same(reading: Reading, claim: Quantity, quote: str) -> bool:
    """Whether a word right beside a number of the question ("培训50名医护") stands in the guide's sentence too."""
    near = reading.text[max(0, claim.start - 6) : claim.start], reading.text[claim.end : claim.end + 6]
    return any(w in quote for t in near for w in naming_words(t))


def missing_part(desk: Desk, reading: Reading, sections: Sequence[ClauseId], found: Evidence | None) -> str:
    """What the question asks for and these sections do not state: a detail without its words, or content words
    that stand nowhere in them; last, what the words found do not give of it. "" where nothing is missing."""
    gone = absent_part(desk, reading, sections, found)
    return gone or (unstated_detail(desk, reading, found) if found is not None and found.score >= ENOUGH else "")


def absent_part(desk: Desk, reading: Reading, sections: Sequence[ClauseId], found: Evidence | None) -> str:
    """A detail without its words, or content words that stand nowhere in these sections."""
    if found is not None and reading.yesno and level_verdict(reading.text, found.quote) is not None:
        return ""
    pool = dict.fromkeys(i for s in sections for tier in desk.finder.pool(s) for i in tier)
    text = "\n".join(desk.finder.text_of(i) for i in pool)
    zh = reading.language.startswith("zh")
    spans = questions_in(reading.text) if zh else []
    told = [a.concept for a in reading.asked if not zh or not a.end or any(s <= a.start < e for s, e in spans)]
    for name in told or reading.concepts:
        if _unstated(desk, reading, name, found, text):
            return lexicon.concepts()[name].zh if zh else lexicon.concepts()[name].en
    if _untimed(reading, found):
        return lexicon.message("what_time", reading.language)
    if _uncounted(reading, found):
        return lexicon.message("what_number", reading.language)
    names = "\n".join(
        normalise(desk.reader.by_id[a].number + desk.reader.section_name(a))
        for s in sections
        for a in desk.reader.ancestors(s)
    )
    nouns = [*(t for t, w in reading.terms if w >= 1), *reading.modifiers, *map(normalise, reading.query.unknown)]
    nouns = [t for t in nouns if _is_asked(reading, t) and not _is_given(reading, t, found)]
    nouns = [t for t in nouns if not is_claimed(desk, reading, t, found)]
    if not zh:  # one word of several that a foreign one may mean is enough
        nouns = [t for t in nouns if not _told_otherwise(desk, reading, t, text)]
    texts = [*(desk.finder.text_of(i) for i in pool), names, *(normalise(g.title) for g in desk.index.guides)]
    gone = [t for t in nouns if max(desk.finder.support(t, x) for x in texts) < 0.5]
    enough = found is not None and found.score >= ENOUGH
    numberless = (
        found is not None
        and not typed(found, (*COMPARABLE, "place"))
        and lexicon.pattern("quantity_asked_re").search(reading.text)
    )
    if (
        gone
        and numberless
        and not re.fullmatch(r"无|没有|不限|.*(?:查询|待定|另行).*", found.quote.strip() if found is not None else "")
    ):
        return "、".join(dict.fromkeys(gone))
    if not gone or (
        enough and found is not None and reading.yesno and found.concept in CLOSED and found.concept != "eligible"
    ):
        return ""
    if any(t in gone for t in reading.modifiers):
        return "、".join(dict.fromkeys(gone))
    strange = reading.yesno and not reading.bodies and len(gone) * 2 >= len(nouns)
    if (
        enough
        and found is not None
        and reading.query.sections
        and found.by_field
        and is_field(found.clause)
        and not strange
    ):
        return ""
    if (
        enough
        and found is not None
        and desk.finder.coverage(reading.focus, desk.finder.text_of(found.clause.clause_id)) >= 0.6
    ):
        return ""
    return "、".join(dict.fromkeys(gone)) if len(gone) * 2 >= len(nouns) else ""


def _told_otherwise(desk: Desk, reading: Reading, word: str, text: str) -> bool:
    """Whether a word that a foreign one was glossed with is a class of applicants, or stands there as another of the
    words that the same foreign one may mean."""
    if any(word in (*b.guide, *b.everyday) for b in lexicon.bodies().values()):
        return True
    glosses = (words for pattern, words in lexicon.glossary(reading.language) if word in words and pattern.search(reading.text))
    return any(desk.finder.support(w, text) >= 0.5 for words in glosses for w in words)


def _is_asked(reading: Reading, noun: str) -> bool:
    """Whether a noun stands in the part of a Chinese message that asks, and is not part of an applicant's name: what a
    caller tells before the question need not stand in the guide."""
    if not reading.language.startswith("zh") or noun not in reading.text:
        return True
    asked = any(noun in reading.text[s:e] for s, e in questions_in(reading.text))
    return asked and not any(noun != w and noun in w for _, w in reading.bodies)


def _is_given(reading: Reading, noun: str, found: Evidence | None) -> bool:
    """Whether a noun names the type of value that is asked for ("多少比例") and the words found give, or is a grade ("二级")
    beside which they name another."""
    if found is None:
        return False
    asked = [lexicon.concepts()[name] for name in reading.concepts]
    named = any(noun in (*c.labels, *c.words) and c.name == found.concept and found.by_field for c in asked)
    return named or any(noun in c.labels and typed(found, c.types) for c in asked) or grade_verdict(noun, found.quote) is not None


_COUNTED = ("件", "套", "条", "家", "种", "次", "所", "县", "市", "州", "区", "项")


def _uncounted(reading: Reading, found: Evidence | None) -> bool:
    """Whether a number of some unit is asked for ("几件") and the words found count nothing in it, nor say why not."""
    if found is None or reading.unit not in _COUNTED or reading.yesno or reading.comparing or reading.listing:
        return False
    if re.search(r"\d", found.quote) and not typed(found, COMPARABLE):
        return False  # a table's number, whose unit stands in the header
    if reading.unit == "次" and re.search(r"[一二两三四五六七八九\d]\s*(?:次|期|批|笔)", found.quote):
        return False  # "分两期拨付"
    said = re.search(r"^无|[：:，,]无|没有|不限|查询|另行|待定", found.quote.strip())
    return not said and all(q.unit != reading.unit for q in typed(found, ("count", "rate")))


def _untimed(reading: Reading, found: Evidence | None) -> bool:
    """Whether a time is asked for and the words found, which no label marks as the answer, give none."""
    if found is None or found.by_field or reading.yesno or not lexicon.pattern("time_asked_re").search(reading.text):
        return False
    said = lexicon.pattern("time_open_re").search(found.quote)
    return not said and not any(q.unit != "岁" for q in typed(found, ("date", "duration", "rate")))


def _unstated(desk: Desk, reading: Reading, name: str, found: Evidence | None, text: str) -> bool:
    """Whether a concept that is directly asked has no words, or (where a type is a must) no value, in the text.

    A clause that holds the asking phrase's own words answers it, whatever the lexicon takes the phrase for."""
    c = lexicon.concepts()[name]
    asked = next(a for a in reading.asked if a.concept == name)
    first = name == ordered_concepts(reading)[0]
    near = reading.text[max(0, asked.start - 4) : asked.end + 4]
    away = reading.text[asked.end :].split("多少")[0]
    if (
        not first
        and not reading.yesno
        and not lexicon.pattern("interrogative_re").search(near)
        and re.search("[了过后，,。]", away)
    ):
        return False
    if not first and found is not None and _WHEN_DUE.match(away) and _counts_asked(reading) and typed(found, ("count",)):
        return False  # "结题要带出多少人": only when that is due
    if found is not None and _said_otherwise(reading, name, found):
        return False
    if c.strict and first and (found is None or (found.concept != name and not typed(found, c.types))):
        return not _dated_from(desk, reading, c.types, found)
    if not c.detail or c.said.search(text):
        return False
    if found is None or found.score < ENOUGH:
        return True
    inside = reading.text[asked.start : asked.end]
    own = [t for t, _ in reading.focus if t in inside]
    if c.types and typed(found, c.types - {"amount"}) and not own:
        return False
    held = desk.finder.context(found.clause)
    if any(desk.finder.support(t, held) < 0.5 or (name == "announce" and t not in held) for t in own):
        return True
    if not own and not re.fullmatch(r"[多少几哪谁啥什么天个月年时候久长住待去到要得需]+", inside):
        return True
    wants = lexicon.pattern("quantity_asked_re").search(reading.text) and not typed(found, COMPARABLE)
    return bool(wants) or desk.finder.coverage(desk.finder.weighed(reading.focus), held) < 0.7


def _counts_asked(reading: Reading) -> bool:
    return bool(reading.unit or lexicon.pattern("quantity_asked_re").search(reading.text))


_WHEN_DUE = re.compile(r"(?:时|前|的时候|之前)?(?:要|得|需|应|必须)")


def _dated_from(desk: Desk, reading: Reading, types: frozenset[str], found: Evidence | None) -> bool:
    """Whether words give a date by a length of time from an event ("验收后3个月内"), for just what the question names."""
    if found is None or "date" not in types or not reading.focus or not typed(found, ("duration",)):
        return False
    return desk.finder.coverage(reading.focus, normalise(found.quote)) >= 0.99


def _said_otherwise(reading: Reading, name: str, found: Evidence) -> bool:
    """Whether the words found answer without a value of the type that the concept has: a share by its change, a
    platform by its name."""
    if name == "url" and lexicon.pattern("platform_asked_re").search(reading.text):
        return bool(lexicon.pattern("platform_re").search(found.quote))
    return name == "ratio" and bool(lexicon.pattern("share_otherwise_re").search(found.quote))


def refuse_detail(desk: Desk, reading: Reading, what: str) -> Outcome:
    names = [desk.reader.section_name(i) for i in reading.query.sections[:1]]
    if names:
        return refuse(reading, "refuse_section_detail", section=names[0], what=what, score=0.75)
    return refuse(reading, "refuse_detail", what=what, score=0.7)


def refuse_edition(desk: Desk, reading: Reading) -> Outcome:
    have = "、".join(sorted({g.edition for g in desk.index.guides if g.edition}))
    message = "refuse_edition" if have else "refuse_other_edition"
    outcome = refuse(reading, message, name=reading.unknown_edition, have=have, score=0.9)
    outcome.draft.counts.extend(int(g.edition) for g in desk.index.guides if g.edition.isdigit())
    return outcome


def refuse(reading: Reading, message: str, /, score: float = 0.55, **parts: object) -> Outcome:
    """Says what is missing; `passages.with_nearest` shows the clause that comes nearest."""
    draft = Draft(reading.language).msg(message, **parts)
    bare = message in ("refuse_smalltalk", "refuse_injection")
    return Outcome(draft, "refused", score, str(parts.get("what") or parts.get("name") or ""), bare=bare)
