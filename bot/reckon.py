"""What comes of a value of the question under a rule of the guide: a share of what was spent ("按造价的30%", 200 万), so much
for each ("每辆补助6万元", 8 台), with the cap that the rule names, or the tier that it reaches ("5000万元以上的，奖励80万元"). The
sum is shown with its parts, and checked again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot import lexicon
from bot.compose import Draft, bound
from bot.desk import Desk, Outcome
from bot.evidence import Evidence, Span, is_frame, segments, typed, wants_number
from bot.facts import Quantity, is_field, plain, quantities
from bot.lexical import normalise
from bot.ranking import Ranked
from bot.statements import say_lead_in, say_place
from bot.types import Clause, Reckoning
from bot.understand import Reading
from bot.wording import tagged

DEPTH = 6  # clauses that are looked at
TIERED = 3  # of them, for tiers
LEAST = 0.35  # share of the question's words that a clause holds with what stands around it
LEAST_OF_FIELD = 0.2  # the same of the field that says in a named section what is given
_LENGTHS = {"Y": "年", "M": "个月", "W": "周", "D": "天"}
_COUNTABLE = ("amount", "count", "duration")
_ALIKE = (frozenset("辆台部"), frozenset("人名位个"), frozenset("家个户"), frozenset("项个"), frozenset("件套个"))
_CAPS = re.compile(r"(?:不超过|不高于|不得超过|最高|至多|上限)[^，。；]*$")  # "不超过合同总价的40%" bounds what is given
_OTHERS = re.compile(r"(?:其他|其余|其它)[^，。；]*$")  # for all that falls under no case before it
_PER = re.compile(r"每(?!增|超|多|新增)(?P<of>[^，。；;、每]{1,12}?)(?:给予|补[助贴]|资助|奖励|支持|发放|核拨|再)*$")


@dataclass(frozen=True, slots=True)
class _Rule:
    """A share, or a value for each of something, with the words that say of what, and the caps behind it."""

    clause: Clause
    span: Span  # of the part that gives it, and of its caps
    given: Quantity  # offsets in the clause's text
    of: str
    words: str
    caps: tuple[Quantity, ...]
    bounds: tuple[Quantity, ...] = ()  # of the case that it is for ("超过50人的")


def reckoned(desk: Desk, reading: Reading, order: Sequence[Ranked]) -> Outcome | None:
    """The sum, where the question gives one value and asks for another, and one rule is surely meant; else None."""
    zh = reading.language.startswith("zh")
    if not zh or reading.yesno or reading.comparing or not wants_number(reading) or not reading.premises:
        return None
    asked = [p for p in reading.premises if p.number and p.kind in ("amount", "count", "duration")]
    tier = _tier(desk, reading, order)
    if tier is not None:
        return tier
    fields = {
        i
        for s in reading.query.sections
        for i in desk.reader.subtree(s)
        if desk.reader.concept_of.get(desk.reader.by_id[i].label) == "funding"
    }
    topic = _topic(reading)
    weighed = desk.finder.weighed(topic)
    best: tuple[float, _Rule, Quantity] | None = None
    for n, clause in enumerate(_clauses(desk, reading, order)):
        around = desk.finder.coverage(weighed, desk.finder.context(clause) + normalise(clause.text))
        if around < (LEAST if clause.clause_id not in fields else LEAST_OF_FIELD):
            continue
        for rule in _rules(clause):
            for premise in asked:
                kept = _keeps(premise, rule.bounds)
                if kept is False or not _fits(reading, premise, rule):
                    continue
                score = around - 0.1 * n + _nearness(desk, reading, rule, topic) + (2.0 if kept else 0.0)
                if best is None or score > best[0] + 1e-9:
                    best = (score, rule, premise)
    return _told(desk, reading, best[1], best[2]) if best is not None and _for_asker(desk, reading, best[1]) else None


def _for_asker(desk: Desk, reading: Reading, rule: _Rule) -> bool:
    """Whether nothing says that the rule is for others: another class, or a share that the asker does not say to reach
    ("赞助收入占50%以上的，按40%补助"). A sum under the wrong rule is worse than the rules as they stand."""
    own, asked = desk.reader.classes_in(normalise(rule.words)), desk.reader.classes_in(reading.text)
    named = own or desk.reader.classes_in(normalise(rule.clause.text))
    if (own or (asked and named)) and not asked & named:
        return False
    before = rule.words[: rule.given.start - rule.given.end]
    shares = [q for q in quantities(before) if q.kind == "ratio" and bound(q)]
    if _OTHERS.search(before) and len(list(_rules(rule.clause))) > 1:
        return False
    return all(any(_keeps(p, (q,)) for p in reading.premises if p.kind == "ratio") for q in shares)


def _topic(reading: Reading) -> list[tuple[str, float]]:
    values = [reading.text[p.start : p.end] for p in reading.premises]
    return [(t, w) for t, w in (*reading.focus, *((s, 0.5) for s in reading.story)) if not any(t in v for v in values)]


def _clauses(desk: Desk, reading: Reading, order: Sequence[Ranked]) -> list[Clause]:
    """The clauses of the best sentences; where a section is named, those under it."""
    named = {i for s in reading.query.sections for i in desk.reader.subtree(s)} if reading.scope != "all" else set()
    ranked = list(dict.fromkeys(r.clause.clause_id for r in order if not named or r.clause.clause_id in named))
    fields = [i for i in named if is_field(desk.reader.by_id[i]) and i not in ranked]
    found = [desk.reader.by_id[i] for i in (*ranked[:DEPTH], *sorted(fields))]
    return [c for c in found if not is_frame(c) and c.kind != "row"]


# -- rules of a clause ----------------------------------------------------------------------------------------------------


def _rules(clause: Clause) -> Iterator[_Rule]:
    """Shares and values for each, in the order of the clause."""
    told = [
        (part, replace(q, start=q.start + part[0], end=q.end + part[0]))
        for part in segments(clause.text, clause.body_offset, len(clause.text))
        for q in quantities(clause.text[slice(*part)])
    ]
    last = told_caps = clause.body_offset
    for n, (part, q) in enumerate(told):
        before = clause.text[part[0] : q.start]
        of = _share_of(before, clause.text[q.end :], q) if q.kind == "ratio" else _each_of(before, q)
        if not of:
            continue
        caps: list[Quantity] = []
        own_caps = True  # as far as the next rule; behind it only one for all of them ("合计最高…")
        for at, cap in told[n + 1 :]:
            own = clause.text[at[0] : cap.start]
            if "；" in clause.text[q.end : cap.start] and not own_caps:
                break
            if _share_of(own, clause.text[cap.end :], cap) if cap.kind == "ratio" else _each_of(own, cap):
                own_caps = False
            capped = bound(cap) == "upper" or "提高至" in own or "提高到" in own
            if cap.kind == "amount" and capped and (own_caps or (not caps and re.search("合计|总额|累计", own))):
                caps.append(cap)
        end = caps[0].end if caps else q.end
        since = max(last, told_caps)
        bounds = tuple(b for _, b in told[:n] if since <= b.start and bound(b) and b.kind in ("amount", "count"))
        yield _Rule(clause, (part[0], max(end, part[1])), q, of, clause.text[last : q.end], tuple(caps), bounds)
        last = q.end
        told_caps = max((c.end for c in caps if n + 1 < len(told) and "；" not in clause.text[q.end : c.end]), default=told_caps)


def _share_of(before: str, after: str, q: Quantity) -> str:
    """What a percentage is a share of ("按核定造价的30%"), "" where it only bounds a part of something."""
    if q.unit != "%" or "-" in q.value or re.search(r"占|比例不|[率例](?:达|不|在|为)", before) or _CAPS.search(before):
        return ""
    gives = re.search(r"按|给予|发放|拨付|达到|补|奖|收取|扣", before) or re.match(
        r"(?:的?比例)?(?:，)?(?:给予|补|奖|拨|核|支持|发放)", after
    )
    return before if gives and q.number else ""


def _each_of(before: str, q: Quantity) -> str:
    """What an amount is for each of ("每辆补助6万元", "200元/人"), "" where it is for the whole or only a cap."""
    per = q.value.partition("/")[2]
    if q.kind != "amount" or not q.number or bound(q) == "upper":
        return ""
    m = _PER.search(before)
    return per or (m["of"] if m else "")


# -- the tier that is reached ------------------------------------------------------------------------------------------------


def _tier(desk: Desk, reading: Reading, order: Sequence[Ranked]) -> Outcome | None:
    """Of the tiers that a clause or its neighbours give by a least value ("达到1000万元的，奖励30万元；达到5000万元的…") the one
    that the question's value reaches."""
    own = [
        p for p in reading.premises
        if p.number and p.kind in ("amount", "count") and not lexicon.pattern("granted_re").search(reading.text[: p.start])
    ]  # fmt: skip
    if len(own) != 1 or reading.listing:
        return None  # "一千万和五千万两档分别多少": no one tier is asked for
    topic = desk.finder.weighed(_topic(reading))
    for clause in _clauses(desk, reading, order)[:TIERED]:
        around = desk.finder.context(clause) + normalise(clause.text)
        if (topic and desk.finder.coverage(topic, around) < LEAST_OF_FIELD) or _of_another(reading, own[0], around):
            continue
        tiers = list(_tiers(clause, reading, own[0]))
        if len(tiers) < 2 and clause.kind == "item" and clause.parent is not None:
            beside = (desk.reader.by_id[i] for i in desk.reader.by_id[clause.parent].children)
            tiers = [t for c in beside for t in _tiers(c, reading, own[0])]
        reached = [t for t in tiers if all(_keeps(own[0], (b,)) for b in t.bounds)]
        most = max((t.bounds[0].number or 0.0 for t in reached), default=None)
        best = [t for t in reached if t.bounds[0].number == most]
        if len({t.bounds[0].number for t in tiers}) >= 2 and len(best) == 1:
            found = Evidence(best[0].clause, (best[0].span,), best[0].clause.clause_id, 0.9, "funding")
            draft = Draft(reading.language)
            say_lead_in(desk, draft, found)
            draft.evidence(found).mark(found.clause)
            say_place(desk, draft, found)
            return Outcome(draft, "answered", 0.7, kept=(found,))
    return None


def _of_another(reading: Reading, value: Quantity, text: str) -> bool:
    """Whether a value of the question stands by a noun that a text does not have ("注册资本6000万")."""
    near = re.split(r"[，。；？,?]", reading.text[: value.start])[-1][-8:]
    nouns = [w for w, pos, _ in tagged(near, 0) if len(w) > 1 and pos[:1] == "n" and w not in lexicon.words("stop_zh")]
    return bool(nouns) and not any(w in text for n in nouns for w in (n, *lexicon.synonyms(n)))


@dataclass(frozen=True, slots=True)
class _Tier:
    clause: Clause
    span: Span  # of the part with its bounds, and of that with what is given
    bounds: tuple[Quantity, ...]  # the least value first


def _tiers(clause: Clause, reading: Reading, own: Quantity) -> Iterator[_Tier]:
    """The tiers of a clause by values of the kind of the question's, for the thing that the question names it of."""
    parts = segments(clause.text, clause.body_offset, len(clause.text))
    of = ""  # "销售额达到200万元的，…；达到500万元的，…": the later ones are of the same
    for n, (start, end) in enumerate(parts):
        told = [q for q in quantities(clause.text[start:end]) if _of_one_kind(own, q)]
        bounds = [q for q in told if bound(q) or "达到" in q.qualifier or clause.text[start : start + q.start].endswith("达到")]
        least = next((q for q in bounds if bound(q) != "upper"), None)
        if least is None or least.number is None:
            continue
        before = normalise(clause.text[start : start + least.start])
        of = re.sub(r"(?:累计|合计|达到?|超过|不低于|不少于|满|在|为)+$", "", before)[-5:] or of
        behind = [q for q in quantities(clause.text[start + least.end : end]) if q.kind == "amount" and not bound(q)]
        follows = parts[n + 1][1] if n + 1 < len(parts) and _gives(clause.text[slice(*parts[n + 1])]) else 0
        given = end if re.search(r"的?(?:[，,]|给予|奖|补)", clause.text[start + least.end : end]) and behind else follows
        named = any(of[i : i + 2] in normalise(reading.text) for i in range(len(of) - 1))
        if given and named:
            lower = replace(least, qualifier=least.qualifier if bound(least) else "不低于")
            yield _Tier(clause, (start, given), (lower, *(q for q in bounds if bound(q) == "upper" and q is not least)))


def _gives(part: str) -> bool:
    return any(q.kind == "amount" for q in quantities(part)) and not re.search(r"达到|以上的|满[\d一二三四五六七八九十]", part)


def _of_one_kind(own: Quantity, stated: Quantity) -> bool:
    people = {own.unit, stated.unit} <= set("人名位个")
    return bool(stated.number) and own.kind == stated.kind and (own.unit == stated.unit or people)


def _keeps(own: Quantity, bounds: Sequence[Quantity]) -> bool | None:
    """Whether a value lies within the bounds of its kind; None where there are none."""
    told = [b for b in bounds if _of_one_kind(own, b)]
    if not told or own.number is None:
        return None
    for b in told:
        assert b.number is not None
        beside = own.number == b.number and re.search("超过|高于|大于|多于|不足|不满|低于|少于|小于|以外", b.qualifier)
        if re.search("不(?:超过|高于|大于|多于|低于|少于|小于)", b.qualifier):
            beside = None
        if beside or (own.number < b.number if bound(b) == "lower" else own.number > b.number):
            return False
    return True


# -- the rule that is meant ------------------------------------------------------------------------------------------------


def _fits(reading: Reading, premise: Quantity, rule: _Rule) -> bool:
    """Whether the question's value is of what the rule counts or takes a share of."""
    near = re.split(r"[，。；？,?]", reading.text[: premise.start])[-1][-10:]
    if rule.given.kind == "ratio":
        threshold = lexicon.pattern("threshold_of_re").search(near)
        if premise.kind == "duration" or (threshold and threshold[0] not in rule.of):
            return False
        if premise.kind == "count":
            return premise.unit in rule.of or (premise.unit in "人名位" and "人数" in rule.of)
        spent = lexicon.pattern("spent_re").search(reading.text)
        return bool(spent) or any(w in rule.of for w, pos, _ in tagged(near, 0) if len(w) > 1 and pos.startswith("n"))
    if premise.number == 1:
        return False
    if premise.kind == "duration":
        return {"M": "月", "Y": "年"}.get(premise.unit, "?") in rule.of
    if premise.kind != "count":
        return False
    behind = reading.text[premise.end : premise.end + 2]
    alike = any(
        premise.unit in kin and any(rule.of.startswith(u) or rule.of.endswith(u) for u in kin) for kin in _ALIKE
    )
    return premise.unit in rule.of or alike or (len(behind) == 2 and behind in rule.of)


def _nearness(desk: Desk, reading: Reading, rule: _Rule, topic: Sequence[tuple[str, float]]) -> float:
    """How far the words of a rule are those of the question: a case that it does not name is not meant."""
    words = normalise(rule.words)
    nouns = [w for w, pos, _ in tagged(words, 0) if len(w) > 1 and pos[:1] in "nvj"]
    own = sum(w in reading.text for w in nouns) / len(nouns) if nouns else 0.0
    near = own + (desk.finder.coverage(topic, words) if topic else 0.0)
    case = re.search(r"([^，；。]*)的，[^；。]*(?:提高|上浮|放宽)[^；。]*$", rule.words)
    if case is None:
        return near - 0.4 * bool(re.search("提高|上浮|放宽", words) and own < 0.5)
    before = normalise(rule.clause.text[: rule.given.end - len(rule.words)])
    told = [
        w for w, pos, _ in tagged(normalise(case[1]), 0) if len(w) > 1 and pos[:1] not in "vpud" and w not in before
    ]
    return near + (2.0 if any(w in reading.text for w in told) else -0.8)


def _cap(reading: Reading, rule: _Rule) -> Quantity | None:
    """The first cap; a later one where the question names its case ("…的，最高提高至80万元")."""
    last = rule.given.end
    chosen: Quantity | None = None
    for cap in rule.caps:
        own = [
            w
            for w, pos, _ in tagged(normalise(rule.clause.text[last : cap.start]), 0)
            if len(w) > 1 and pos[:1] in "nj"
        ]
        if chosen is None or any(w in reading.text for w in own):
            chosen = cap
        last = cap.end
    return chosen


# -- saying it ------------------------------------------------------------------------------------------------------------


def _told(desk: Desk, reading: Reading, rule: _Rule, premise: Quantity) -> Outcome | None:
    cap = _cap(reading, rule)
    assert premise.number is not None and rule.given.number is not None
    share = rule.given.kind == "ratio"
    whole = round(premise.number * rule.given.number / (100 if share else 1), 6)
    value = min(whole, cap.number) if cap is not None and cap.number else whole
    unit = premise.unit if share else rule.given.unit
    if value != int(value) or whole != int(whole) or (share and cap is not None and unit != cap.unit):
        return None
    by = rule.clause.text[rule.given.start : rule.given.end]
    given = reading.text[premise.start : premise.end]
    draft = Draft(reading.language)
    draft.sums.append(
        Reckoning(
            premise.number,
            rule.given.number,
            share,
            cap.number if cap is not None and value < whole else None,
            value,
            unit,
        )
    )
    capped = f"={shown(whole, unit)}" if value < whole else ""
    draft.say(shown(value, unit)).msg("open").say(f"{given}×{by}{capped}").msg("close").msg("colon")
    start, end = rule.span
    if cap is not None and cap.end > end:
        end = next(
            (e for s, e in segments(rule.clause.text, start, len(rule.clause.text)) if s <= cap.start < e), cap.end
        )
    found = Evidence(rule.clause, ((start, end),), rule.clause.clause_id, 0.9, "funding")
    draft.evidence(found).mark(rule.clause)
    say_place(desk, draft, found)
    return Outcome(draft, "answered", 0.7, kept=(found,))


def say_difference(draft: Draft, reading: Reading, found: Sequence[Evidence]) -> bool:
    """ "多多少", "差几个": by how much two values of one unit differ, counted from both; whether it was said. Each must be the
    one value of its kind in its words."""
    if len(found) != 2 or not reading.language.startswith("zh") or not lexicon.pattern("difference_re").search(reading.text):
        return False
    wanted = [t for c in reading.concepts for t in lexicon.concepts()[c].types if t in _COUNTABLE]
    for kind in dict.fromkeys(wanted or _COUNTABLE):
        told = [{(q.number, q.unit, q.value.partition("/")[2]): q for q in typed(e, (kind,))} for e in found]
        if not all(len(t) == 1 for t in told):
            continue
        (one, *unit), (other, *as_well) = (next(iter(t)) for t in told)
        limits = {bound(q) for t in told for q in t.values()}
        if one is None or other is None or unit != as_well or one == other or {"upper", "lower"} <= limits:
            return False
        if unit[0].isascii() and unit[0] not in ("CNY", *_LENGTHS):
            return False
        draft.sums.append(Reckoning(one, other, False, None, round(abs(one - other), 6), unit[0], difference=True))
        draft.msg("difference", value=shown(abs(one - other), unit[0])).msg("colon")
        return True
    return False


def shown(number: float, unit: str) -> str:
    """A result as a reader writes it: "1.2万元", "8人", "2年"."""
    if unit in _LENGTHS:
        return f"{plain(number)}{_LENGTHS[unit]}"
    if unit != "CNY":
        return f"{plain(number)}{unit}"
    return f"{plain(number / 10_000)}万元" if number >= 10_000 and number % 100 == 0 else f"{plain(number)}元"
