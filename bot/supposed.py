"""Values that a question brings along: its own, to be held against the guide's bound ("带25人行不行"), or one that it takes
for the guide's ("听说公示期是10天"). The guide's value for the same thing decides, or corrects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bot import lexicon
from bot.compose import Draft, bound
from bot.desk import Desk, Outcome, Similar
from bot.divisions import lies_in, named_in
from bot.evidence import ENOUGH, MAX_QUOTE, Evidence, Span, is_frame, segments
from bot.facts import Quantity, parse_number, quantities
from bot.lexical import normalise
from bot.names import is_word
from bot.polarity import yes_word
from bot.statements import say_statement
from bot.sufficient import refuse_detail
from bot.types import Clause, ClauseId
from bot.understand import Reading
from bot.values import comparable, opens, within
from bot.wording import tagged

SURE = 0.6  # least share of the words beside the question's value that stand beside the guide's
_PEOPLE = ("人", "名", "位", "人次")
_THINGS = ("个", "项", "家", "套", "件", "种", "篇")
_LONG = ("Y", "M")
_THING_WORDS = ("n", "nz", "nt", "l", "j", "b")
_OPENS = 4  # characters from a comma on
_NOUNS = ("n", "nz", "vn", "v", "nt", "an", "l", "j", "b")


@dataclass(frozen=True, slots=True)
class _Stated:
    """A value of the guide for what the question's value is of, with the words that tell it."""

    clause: Clause
    span: Span  # the sentence
    quantity: Quantity  # offsets in the clause's text
    score: float


def supposed_value(desk: Desk, reading: Reading, similar: Similar) -> Outcome | None:
    """The verdict on a value of the question, or its correction, from the sentence that states one for the same thing;
    None where no sentence is surely about it."""
    zh = reading.language.startswith("zh")
    if not zh or reading.comparing or reading.listing or not reading.premises:
        return None
    if lexicon.pattern("what_if_re").search(reading.text):
        reading = replace(reading, yesno=True)  # "那要是只待10天呢"
    claimed = lexicon.pattern("claims_re").search(reading.text) is not None
    if not reading.yesno and not claimed:
        return None
    if reading.need and not lexicon.pattern("asserts_re").search(reading.text) and not lexicon.pattern("applying_re").search(reading.text):
        return None  # "满6年要退吗": the value is the case that is asked about, not what is to be allowed
    # "4年" of "2024年", whose beginning stands in a name, is no value
    whole = [_times(reading, p) for p in reading.premises if not reading.text[p.start - 1 : p.start].isdigit()]
    for find in (_surely, _only):
        for premise in whole:
            told = find(desk, reading, premise, similar)
            near = [t for t in told if t.score > told[0].score - 0.05]
            if not near or any(t.clause is not told[0].clause or t.span != told[0].span for t in near):
                continue  # of several things of one kind, nothing says which is meant
            outcome = _decided(desk, reading, premise, _of_case(reading, near, told))
            if outcome is not None:
                return outcome
    return None


def supposed_place(desk: Desk, reading: Reading, similar: Similar) -> Outcome | None:
    """Whether a place of the question lies in one that a section names ("能在某县做吗", "对口某市的项目…对吧"): yes and no by
    public geography; what the section lists without a verdict where that does not follow; a refusal where it only counts."""
    if not reading.language.startswith("zh") or not reading.yesno or reading.comparing or len(reading.query.sections) != 1:
        return None
    section = reading.query.sections[0]
    if desk.reader.home(section) is None or reading.bodies:
        return None
    title = normalise(desk.reader.section_name(section))
    asked = [name for name, _ in named_in(reading.text) if name not in title]
    found = desk.finder.find_for("place", replace(reading, focus=(), terms=()), section, similar) if asked else None
    if found is None or found.score < ENOUGH or not named_in(found.quote):
        return None
    others = set(reading.concepts) - {"place", "eligible", "requirements", "content", "count_asked", "targets", "quota"}
    verdicts = {lies_in(name, found.quote) for name in asked}
    claimed = any(re.search(f"对口[^，,。]{{0,4}}{re.escape(name)}", reading.text) for name in asked)
    if len(verdicts) != 1 or ((others or reading.premises) and not (claimed and verdicts == {False})):
        return None
    verdict = verdicts.pop()
    if verdict is None and re.search(r"\d+\s*个?\s*[市县州区]", found.quote) and asked[0] not in found.quote:
        return refuse_detail(desk, reading, asked[0])
    if verdict is False and any(is_own_place(reading, name) for name in asked):
        return None
    draft = Draft(reading.language)
    if verdict is not None:
        draft.say(yes_word(reading, verdict)).say("，")
    say_statement(desk, draft, reading, found)
    return Outcome(draft, "answered", 0.8, kept=(found,))


def is_own_place(reading: Reading, name: str) -> bool:
    """Whether a place is where the asker is ("我们公司在某市，…"), which is not where the project is to be."""
    return re.search(f"我[^，,。]{{0,8}}(?:在|是|来自){re.escape(name)}(?:[，,。]|注册|成立|的(?:公司|企业|大学|高校))", reading.text) is not None


def _surely(desk: Desk, reading: Reading, premise: Quantity, similar: Similar) -> list[_Stated]:
    """Values that stand beside the words beside the question's: in the sections named, else in what is for all."""
    subject = [_known(desk, w) for w in _subject(reading, premise)]
    if not subject and lexicon.pattern("what_if_re").search(reading.text):
        subject = [t for t, _ in reading.focus]  # what the question before was about
    for general in (False, True) if reading.scope == "named" else (False,):
        told = _stated(desk, reading, premise, subject, similar, general) if subject else []
        if told and told[0].score >= SURE:
            return told
    return []


def _times(reading: Reading, premise: Quantity) -> Quantity:
    """ "去三趟，每趟一个星期": three weeks."""
    m = lexicon.pattern("times_re").search(reading.text[: premise.start])
    count = parse_number(next(g for g in m.groups() if g)) if m else None
    if not count or premise.number is None or premise.kind not in ("duration", "amount"):
        return premise
    return replace(premise, number=premise.number * count)


def _only(desk: Desk, reading: Reading, premise: Quantity, similar: Similar) -> list[_Stated]:
    """The one bound of a section that the question's value can be held against, whatever the question calls the thing."""
    if not reading.yesno or len(reading.query.sections) != 1 or premise.kind not in ("duration", "rate", "ratio"):
        return []
    scoped = replace(reading, scope="named")
    told = [t for t in _stated(desk, scoped, premise, (), similar) if bound(t.quantity)]
    return told if len({(t.clause.clause_id, t.span) for t in told}) == 1 else []


# -- what the question's value is of --------------------------------------------------------------------------------------


def _subject(reading: Reading, premise: Quantity) -> list[str]:
    """The content words of the part of the question that holds a value, else of the part before it, else of the name
    of the section that it stands by ("公示期是10天")."""
    cuts = [0, *(m.end() for m in re.finditer("[，,。；;？?！!：:]", reading.text)), len(reading.text)]
    parts = [(a, b) for a, b in pairwise(cuts) if b > a]
    at = next((n for n, (a, b) in enumerate(parts) if a <= premise.start < b), None)
    if at is None:
        return []
    if premise.unit == "岁":
        return [lexicon.concepts()["age"].zh]
    for named in (False, True):
        for n in (at, at - 1) if at else (at,):
            words = list(dict.fromkeys(_beside(reading, premise, parts[n], named)))
            if words:
                return words
    return []


def _beside(reading: Reading, premise: Quantity, part: Span, named: bool) -> Iterator[str]:
    """Words of content in a part of the question, without the value and the small words right before it ("期是10天")."""
    before = lexicon.pattern("before_value_re").search(reading.text[: premise.start])
    value = (before.start() if before else premise.start, premise.end)
    text = "".join(" " if value[0] <= n < value[1] else c for n, c in enumerate(reading.text))
    names = [(m.start, m.end) for m in reading.named] if not named else []
    for word, pos, start in _joined(tagged(text, 0)):
        inside = part[0] <= start < part[1] and not any(a < start + len(word) and start < b for a, b in names)
        if inside and pos in _NOUNS and _tells(word):
            yield word


def _joined(words: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Words with a last character that is no word by itself put back ("支持" + "期")."""
    out: list[tuple[str, str, int]] = []
    for word, pos, start in words:
        if out and lexicon.pattern("suffix_re").fullmatch(word) and out[-1][2] + len(out[-1][0]) == start:
            out[-1] = (out[-1][0] + word, "n", out[-1][2])
        else:
            out.append((word, pos, start))
    return out


def _tells(word: str) -> bool:
    edges = lexicon.words("edges_zh")
    if len(word) < 2 or word[0] in edges or word[-1] in edges or word in lexicon.words("stop_zh"):
        return False
    known = is_word(word) or lexicon.pattern("suffix_re").fullmatch(word[-1]) is not None
    return known and not lexicon.pattern("supposing_re").fullmatch(word)


def _known(desk: Desk, word: str) -> str:
    """A word as the guide has it: "公示期" is "公示" where nothing is called so."""
    suffixed = len(word) > 2 and lexicon.pattern("suffix_re").fullmatch(word[-1])
    return word[:-1] if suffixed and not desk.reader.names.holds(word) else word


# -- what the guide states ------------------------------------------------------------------------------------------------


def _stated(
    desk: Desk, reading: Reading, premise: Quantity, subject: Sequence[str], similar: Similar, general: bool = False
) -> list[_Stated]:
    """Values of the guide that can be held against the question's, those first whose words are the subject's."""
    out: list[_Stated] = []
    weighed = desk.finder.weighed([(w, 1.0) for w in subject])
    rest = desk.finder.weighed([*((t, w) for t, w in reading.focus if t not in subject), *((t, 0.5) for t in reading.story)])
    for clause in _pool(desk, reading, general):
        if is_frame(clause):
            continue
        context = desk.finder.context(clause)
        beside = desk.finder.coverage(rest, context) if rest else 0.0
        around = desk.finder.coverage(weighed, context)
        if around < SURE:
            continue
        for sentence in desk.finder.sentences_of(clause):
            for start, end in segments(clause.text, *sentence.span):
                for q in quantities(clause.text[start:end]):
                    if not _alike(premise, q, subject):
                        continue
                    part = desk.finder.coverage(weighed, normalise(clause.label + clause.text[start:end]))
                    score = 0.5 * part + 0.3 * desk.finder.coverage(weighed, sentence.text) + 0.2 * around
                    score += 0.1 * bool(bound(q)) + 0.3 * beside + 0.1 * similar.get(clause.clause_id, 0.0)
                    out.append(_Stated(clause, sentence.span, replace(q, start=q.start + start, end=q.end + start), score))
    return sorted(out, key=lambda t: (-round(t.score, 6), t.clause.start, t.quantity.start))


def _pool(desk: Desk, reading: Reading, general: bool) -> Iterator[Clause]:
    """The clauses of the sections that a question names; with `general` those that are for all sections."""
    ids: list[ClauseId] = []
    if reading.scope in ("named", "inherited") and not general:
        ids = [i for s in reading.query.sections for tier in desk.finder.pool(s) for i in tier]
    for clause in (desk.reader.by_id[i] for i in dict.fromkeys(ids)) if ids else iter(desk.reader.clauses):
        if not general or desk.reader.home(clause.clause_id) is None:
            yield clause


def _alike(premise: Quantity, stated: Quantity, subject: Sequence[str]) -> bool:
    """Whether two values are of one kind: amounts of one currency, lengths of time, ages, shares, days, or counts of the
    same unit ("个" counts people too, where the question speaks of them)."""
    if premise.kind == "date":
        return stated.kind == "date" and _day(premise.value, stated.value) is not None
    if stated.number is None or premise.number is None:
        return False
    if premise.kind in ("amount", "ratio"):
        return (premise.kind, premise.unit) == (stated.kind, stated.unit)
    if premise.kind in ("duration", "rate") and premise.unit.isascii():
        of_time = stated.kind in ("duration", "rate") and stated.unit.isascii()
        return of_time and (premise.unit in _LONG) == (stated.unit in _LONG)  # days are no bound for years
    if stated.kind not in ("count", "rate", "duration"):
        return False
    people = premise.unit in _PEOPLE or (premise.unit == "个" and any(re.search("人|员|师|医护|专家", w) for w in subject))
    if people and stated.unit in _PEOPLE:
        return True
    return premise.unit == stated.unit or (not people and premise.unit in _THINGS and stated.unit in _THINGS)


def _day(asked: str, stated: str) -> tuple[str, str] | None:
    """Two dates as days that can be compared; a date without its year is in the other's."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", stated):
        return (asked[1:], stated[1:]) if asked.startswith("--") and stated.startswith("--") and len(asked) == len(stated) else None
    if asked.startswith("--") and len(asked) == 7:
        return stated[:4] + asked[1:], stated
    return (asked, stated) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", asked) else None


def _of_case(reading: Reading, near: Sequence[_Stated], told: Sequence[_Stated]) -> list[_Stated]:
    """Of the values of a sentence that of the case that the question names ("…，专题三不超过65周岁"); where it names none,
    with the exceptions that the sentence makes ("…，女性可放宽至38周岁")."""
    first = min(near, key=lambda t: t.quantity.start)
    later = [t for t in told if t.clause is first.clause and t.span == first.span and t.quantity.start > first.quantity.end]
    for t in later:
        if _is_case(reading, first, t):
            return [_as_bound(first, t)]
    degree = any(d in reading.text for d in lexicon.words("degrees_zh"))  # "本科": the exception for another is none
    excepted = [] if degree else [_as_bound(first, t) for t in later if _excepts(first, t)]
    return [*near, *excepted]


def _excepts(first: _Stated, other: _Stated) -> bool:
    between = first.clause.text[first.quantity.end : other.quantity.start]
    return lexicon.pattern("excepting_re").search(between) is not None


def _as_bound(first: _Stated, other: _Stated) -> _Stated:
    """An exception's value bounds on the side on which the first does."""
    q = other.quantity
    return other if bound(q) else replace(other, quantity=replace(q, qualifier=first.quantity.qualifier))


def _is_case(reading: Reading, first: _Stated, other: _Stated) -> bool:
    """Whether the words between two values name a case of the question's that those before the first do not."""
    before = normalise(first.clause.text[first.span[0] : first.quantity.start])
    between = re.split("[，,；;]", normalise(first.clause.text[first.quantity.end : other.quantity.start]))[-1]
    for word, pos, start in tagged(between, 0):
        key = word[:1] if word in ("女性", "男性") else word
        opens = start <= _OPENS and pos in _THING_WORDS and _tells(word)  # "其中博士…", "专题三…": what the part is about
        if opens and key in reading.text and word not in before and not _excepting(word):
            return True
    return any(m.text and m.text in between and m.text not in before for m in reading.named)


def _excepting(word: str) -> bool:
    return lexicon.pattern("excepting_re").search(word) is not None


# -- the verdict -----------------------------------------------------------------------------------------------------------


def _decided(desk: Desk, reading: Reading, premise: Quantity, told: Sequence[_Stated]) -> Outcome | None:
    asserts = lexicon.pattern("asserts_re").search(reading.text) is not None or not reading.yesno
    what_if = lexicon.pattern("what_if_re").search(reading.text) is not None
    verdicts = {_holds(reading, premise, t.quantity, asserts) for t in told}
    if None in verdicts or (asserts and not reading.yesno and verdicts != {False}):
        return None
    if not reading.yesno and any(_equal(premise, q) for q in quantities(told[0].clause.text)):
        return None  # "听说奖励80万" where that is the second of three tiers
    found = _evidence(told)
    exempt = _exempt(desk, reading, told[0])
    if exempt is not None and not asserts:
        found, verdicts = replace(found, spans=tuple(sorted((*found.spans, exempt)))), {True}
    draft = Draft(reading.language)
    if not reading.yesno:
        draft.msg("instead", claim=reading.text[premise.start : premise.end]).msg("colon")
    elif len(verdicts) == 1:  # "不超过36周岁，女性可放宽至38周岁": which of them holds is the reader's to say
        verdict = bool(next(iter(verdicts)))
        draft.say(lexicon.message("yes" if verdict else "no", "zh") if what_if else yes_word(reading, verdict)).say("，")
    say_statement(desk, draft, reading, found)
    return Outcome(draft, "answered", 0.75, kept=(found,))


def _equal(premise: Quantity, stated: Quantity) -> bool:
    same = (premise.kind, premise.unit) == (stated.kind, stated.unit)
    return same and premise.number is not None and premise.number == stated.number


def _exempt(desk: Desk, reading: Reading, stated: _Stated) -> Span | None:
    """The sentence after a bound that takes what the question names out of it ("某类不受年龄限制")."""
    for sentence in desk.finder.sentences_of(stated.clause):
        after = sentence.span[0] >= stated.span[1] and lexicon.pattern("exempt_re").search(sentence.text)
        if after and any(m.text in sentence.text for m in reading.named if m.end > m.start):
            return sentence.span
    return None


def _holds(reading: Reading, premise: Quantity, stated: Quantity, asserts: bool) -> bool | None:
    """Whether the question's value is the guide's, or keeps to its bound."""
    if premise.kind == "date":
        days = _day(premise.value, stated.value)
        if days is None:
            return None
        if asserts:
            return days[0] == days[1]
        return days[0] >= days[1] if opens(stated) else days[0] <= days[1]
    if asserts:
        return comparable(premise) == comparable(stated) and not (_spread(reading.text) and stated.kind == "rate")
    return within(premise, [stated])


def _spread(text: str) -> bool:
    """Whether a value is meant for all years together, where the guide's is for each."""
    return lexicon.pattern("altogether_re").search(text) is not None


def _evidence(told: Sequence[_Stated]) -> Evidence:
    """The sentence where it is short; else its parts from the first of the values to the last, with what opens it."""
    clause, span = told[0].clause, told[0].span
    if span[1] - span[0] <= MAX_QUOTE // 2:
        return Evidence(clause, (span,), clause.clause_id, 0.9)
    values = [t.quantity for t in told]
    kept = [(s, e) for s, e in segments(clause.text, *span) if any(s <= q.start < e for q in values)]
    return Evidence(clause, tuple(kept), clause.clause_id, 0.9)
