"""A fact as a statement: the guide's words, their mark, their conditions, where they stand; the same over sections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from bot import lexicon
from bot.compose import Draft, spoken
from bot.desk import (
    Desk,
    squeezed,
)
from bot.evidence import Evidence, Span, body, segments, sentences, trim, typed
from bot.facts import is_field, quantities
from bot.lexical import normalise
from bot.types import Clause, ClauseId, Segment, Table
from bot.understand import Reader, Reading


def say_statement(desk: Desk, draft: Draft, reading: Reading, found: Evidence) -> None:
    """The fact, its mark, and where it stands."""
    if found.clause.children and found.by_field and found.spans == ((0, len(found.clause.text)),):
        _say_items(desk, draft, found.clause)
    else:
        if not reading.language.startswith("zh"):
            _say_bodies(draft, found)
        if reading.yesno or desk.reader.home(found.clause.clause_id) is None:
            say_lead_in(desk, draft, found)
        draft.evidence(found)
        say_reader_form(draft, found)
        _say_timely(desk, draft, found, reading)
        _say_tail(desk, draft, found)
        draft.mark(found.clause)
        _say_conditions(desk, draft, reading, found)
    say_place(desk, draft, found)


def say_lead_in(desk: Desk, draft: Draft, found: Evidence) -> bool:
    """For an item, the words that its list begins with ("申报…的，应当符合下列条件："): without them it says nothing of
    whom or what it is. Whether there were any."""
    parent = desk.finder.lead_in(found.clause)
    if parent is None or is_field(parent) or parent.kind == "heading":
        return False
    spans = sentences(parent.text, body(parent)[0])
    if not spans or spans[-1][1] - spans[-1][0] > 60:
        return False
    draft.quote(parent, *spans[-1]).mark(parent).msg("colon")
    return True


def _say_tail(desk: Desk, draft: Draft, found: Evidence) -> None:
    """Words that only lead in to a list ("…提交下列材料：") are followed by its items."""
    clause = found.clause
    rest = clause.text[found.spans[-1][1] :]
    if rest[:1] in ("：", ":") and len(rest.strip()) > 1 and not clause.children:
        start, end = trim(clause.text, found.spans[-1][1] + 1, min(len(clause.text), found.spans[-1][1] + 320))
        draft.msg("colon").quote(clause, start, end)
        return
    siblings = desk.reader.children.get(clause.parent, ()) if clause.parent else ()
    after = siblings[siblings.index(clause.clause_id) + 1 :] if clause.clause_id in siblings else ()
    leads = bool(after) and not rest.strip() and desk.finder.lead_in(desk.reader.by_id[after[0]]) is clause
    if rest.strip() not in ("：", ":") and not leads:
        return
    items = [desk.reader.by_id[i] for i in clause.children]
    for i in after if not items else ():
        if desk.reader.by_id[i].kind != "item":
            break
        items.append(desk.reader.by_id[i])
    if items:
        draft.msg("colon")
        say_list(draft, [(item, body(item)) for item in items])


def _say_conditions(desk: Desk, draft: Draft, reading: Reading, found: Evidence) -> None:
    """ "符合条件的…" says nothing without the conditions: the section's field for them follows."""
    home = desk.reader.home(found.clause.clause_id)
    if found.concept != "eligible" or "符合条件" not in found.quote or home is None or len(found.quote) > 40:
        return
    for i in desk.reader.children.get(home, ()):
        c = desk.reader.by_id[i]
        if is_field(c) and desk.reader.concept_of.get(c.label) == "requirements":
            draft.msg("semicolon").say(c.label).msg("colon")
            start, end = body(c)
            if end > start:
                draft.quote(c, start, end).mark(c)
            else:
                _say_items(desk, draft, c)
            return


def _say_items(desk: Desk, draft: Draft, clause: Clause) -> None:
    """A label with items: the items' words, one after another."""
    say_list(draft, [(child, with_label(child)) for child in _leaves(desk, clause)])


def with_label(clause: Clause) -> Span:
    """A clause's words, from its label on where it has one of its own."""
    start, end = body(clause)
    if clause.label and clause.label != clause.number and clause.label in clause.text:
        start = min(start, clause.text.find(clause.label))
    return start, end


LIST_LONG = 220  # characters of a list that is told in full
LIST_MOST = 400  # characters of a list of heads
LEADS_LONG = 60  # characters of an item that only leads in to others


def say_list(draft: Draft, items: Sequence[tuple[Clause, Span]]) -> None:
    """Items one after another: in full where they fit; else each up to its first mark, so that all of them are named
    before one of them is told at length."""
    told = [(item, span) for item, span in items if span[1] > span[0]]
    heads = sum(e - s for _, (s, e) in told) > LIST_LONG
    length = 0
    for n, (item, (start, end)) in enumerate(told):
        shown = _opening(item, start, end) if heads else (start, end)
        length += shown[1] - shown[0]
        if length > LIST_MOST and n:
            draft.msg("more_in")
            break
        if n:
            draft.msg("semicolon")
        draft.quote(item, *shown)
        if shown[1] < end:
            draft.msg("more_in")
        draft.mark(item)


def _opening(item: Clause, start: int, end: int) -> Span:
    """An item up to its first mark, where that is long enough to say something; a short lead-in whole."""
    if item.children and end - start <= LEADS_LONG:
        return start, end
    for m in re.finditer(r"[，,；;。（(：:]", item.text[start:end]):
        if m.start() >= 6:
            return trim(item.text, start, start + m.start())
    return start, end


def _leaves(desk: Desk, clause: Clause) -> list[Clause]:
    below = (desk.reader.by_id[i] for i in desk.reader.subtree(clause.clause_id)[1:])
    return [c for c in below if body(c)[1] > body(c)[0]]


def _say_bodies(draft: Draft, found: Evidence) -> None:
    """In a foreign language, the classes of applicants of an eligibility clause by their English names."""
    names = [b.name_en for b in lexicon.bodies().values() if b.name in found.quote]
    if names and found.concept == "eligible":
        draft.say(", ".join(names) + " – ")


def say_reader_form(draft: Draft, found: Evidence) -> None:
    """Amounts, dates and bounds once more in English, for a reader in another language."""
    if draft.language.startswith("zh") or len(found.quote) > 260 or not re.search("[\u3400-\u9fff]", found.quote):
        return
    said = [spoken(q) for q in typed(found, ("amount", "date", "duration", "rate", "ratio", "count"))[:3]]
    kept = [s for s in dict.fromkeys(said) if s]
    if kept:
        draft.say(" (" + "; ".join(kept) + ")")


def _say_timely(desk: Desk, draft: Draft, found: Evidence, reading: Reading) -> None:
    """A deadline is marked as past or not; only where the question is about it."""
    if "deadline" not in reading.concepts and not reading.intime:
        return
    today = desk.settings.date().isoformat()
    for q in typed(found, ("date",)):
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", q.value):
            draft.msg("past" if q.value < today else "not_past", today=today)
            return


def say_place(desk: Desk, draft: Draft, found: Evidence) -> None:
    """In brackets where an evidence stands."""
    where = place_of(desk, found)
    if where:
        draft.msg("open").say(where).msg("close")


def place_of(desk: Desk, found: Evidence) -> str:
    """Section and field of an evidence in the guide's own names."""
    home = desk.reader.home(found.clause.clause_id)
    chain = desk.reader.ancestors(found.clause.clause_id)
    names: list[str] = []
    if home is not None:
        names.append(desk.reader.section_name(home))
    elif len(chain) > 1:
        parent = desk.reader.by_id[chain[1]]
        if parent.kind == "article" and len(chain) > 2:  # "（三）" of "第六条" under its chapter's heading
            names.append(desk.reader.section_name(chain[2]))
            names.append(parent.number)
        elif parent.parent is not None or not found.clause.number:
            names.append(desk.reader.section_name(parent.clause_id))
    if found.clause.clause_id != home:
        own = (found.clause.number or found.clause.label) if found.clause.kind == "article" else found.clause.label
        if found.clause.kind == "heading" and not is_field(found.clause):
            own = desk.reader.section_name(found.clause.clause_id)
        if own.strip() and len(own) <= 30 and own not in names:
            names.append(own)
    return " · ".join(n for n in names if n and len(n) <= 60)


def say_name(desk: Desk, draft: Draft, section: ClauseId) -> None:
    """A section's name, sliced from its own line where it stands there."""
    clause, name = desk.reader.by_id[section], desk.reader.section_name(section)
    at = clause.text.find(name)
    if at < 0:
        draft.say(name)
    else:
        draft.quote(clause, at, at + len(name))


def say_section(desk: Desk, draft: Draft, section: ClauseId, found: Evidence) -> None:
    """The name of a section beside what is told of it: quoted from its own line where the clause told stands elsewhere
    ("第3项为…" in a field of the section that the item belongs to)."""
    name = desk.reader.section_name(section)
    held = "\n".join((*found.clause.path, found.clause.label, found.clause.text))
    if name in held or section == found.clause.clause_id:
        draft.say(name)
    else:
        say_name(desk, draft, section)


def say_grouped(desk: Desk, draft: Draft, have: Sequence[tuple[ClauseId, Evidence]]) -> None:
    """Sections by equal words: "20万元以内：A[1]、B[2]；C：80万元以内[3]"."""
    groups: dict[str, list[tuple[ClauseId, Evidence]]] = {}
    for t, e in have:
        groups.setdefault(squeezed(e.quote), []).append((t, e))
    for n, members in enumerate(groups.values()):
        if n:
            draft.msg("semicolon")
        first = members[0][1]
        if len(members) == 1:
            say_section(desk, draft, members[0][0], first)
            draft.msg("colon").evidence(first)
            say_reader_form(draft, first)
            draft.mark(first.clause)
            continue
        draft.evidence(first)
        say_reader_form(draft, first)
        draft.msg("colon")
        for k, (t, e) in enumerate(members):
            if k:
                draft.msg("comma")
            say_section(desk, draft, t, e)
            draft.mark(e.clause, e.spans)


def small_table(draft: Draft, have: Sequence[tuple[ClauseId, Evidence]], reader: Reader) -> Table | None:
    """The same as a small table: section | words with their mark."""
    if len(have) < 2:
        return None
    place = {c.clause_id: n for n, c in enumerate(draft.cited)}
    rows = []
    for t, e in have:
        if e.clause.clause_id not in place:
            return None
        n = place[e.clause.clause_id]
        cell = tuple(Segment("verbatim", e.clause.text[s:t2], n, s, t2) for s, t2 in e.spans)
        rows.append(((Segment("template", reader.section_name(t)),), (*cell, Segment("mark", f"[{n + 1}]", n))))
    label = have[0][1].clause.label
    return Table((lexicon.message("all_sections", draft.language), label), tuple(rows))


# -- of several classes those that are asked about ---------------------------------------------------------------------


def of_asked_classes(reading: Reading, found: Evidence) -> Evidence:
    """Of a sentence that gives a value for each class ("A类免租，B类30%，D类70%") the parts of those that the question names;
    unchanged where one of them has none, or the words are of no classes."""
    named = lexicon.pattern("class_re")
    asked = {m[0] for m in named.finditer(normalise(reading.text))}
    if not asked or not found.spans or found.clause.kind == "row" or lexicon.pattern("but_class_re").search(reading.text):
        return found
    text, (first, last) = found.clause.text, (found.spans[0][0], found.spans[-1][1])
    whole = [s for s in sentences(text, body(found.clause)[0]) if s[0] < last and first < s[1]]
    parts = [p for s in whole for p in segments(text, *s)]
    heads = [{m[0] for m in named.finditer(re.split("[：:]", normalise(text[s:e]))[-1][:_OPENING])} for s, e in parts]
    told = {c for head in heads for c in head}
    if len({frozenset(h) for h in heads if h}) < 2 or not asked <= told or not all(_has_kin(c, told) for c in asked):
        return found
    kept: list[Span] = []
    mine = True  # what stands before the first class and behind the last is for all of them
    classed = [n for n, head in enumerate(heads) if head]
    for n, (part, head) in enumerate(zip(parts, heads, strict=True)):
        mine = bool(head & asked) if head else mine or n > classed[-1]
        if mine:
            kept.append(part)
    return replace(found, spans=tuple(kept))


def _has_kin(name: str, told: Iterable[str]) -> bool:
    """Whether others are named in the same way: "三类" beside "A类" only counts them."""
    if name.endswith("奖"):
        return any(t.endswith("奖") for t in told if t != name)
    kinds = ("一二三四五六", "甲乙丙丁戊", "")
    kind = next(k for k in kinds if not k or name.removeprefix("第")[0] in k)
    others = (t.removeprefix("第") for t in told if t != name)
    return any(t[1:] == name.removeprefix("第")[1:] and (t[0] in kind if kind else t[0].isascii()) for t in others)


_OPENING = 8  # characters in which a part says what class it is of


def say_in_order(draft: Draft, reading: Reading, found: Evidence) -> None:
    """ "甲、乙、丙分别奖励100万元、50万元、20万元": before the sentence the value of those that the question names, each with
    its name, where there are as many names as values."""
    text = found.clause.text
    for span in sentences(text, body(found.clause)[0]):
        at = text.find("分别", *span)
        if reading.yesno or at < 0 or not any(s < span[1] and span[0] < e for s, e in found.spans):
            continue
        rest = _ENDS.split(text[at : span[1]])[0]
        values = [q for q in quantities(rest) if q.kind in ("amount", "ratio", "count", "duration")]
        like = bool(values) and len({(q.kind, q.unit) for q in values}) == 1
        if len(values) < 2 or not like or not all(_JOINS.fullmatch(rest[a.end : b.start]) for a, b in pairwise(values)):
            continue
        names = [n for n in _AMONG.split(_ENDS.split(text[span[0] : at].rstrip("，,"))[-1].split("，")[-1]) if n]
        told = [_called(names, n, reading.text) for n in range(len(names))]
        if len(names) != len(values) or not 0 < sum(map(bool, told)) < len(names):
            continue
        for n, name in enumerate(t for t in told if t):
            if n:
                draft.msg("semicolon")
            q = values[told.index(name)]
            bound = "" if q.qualifier else values[0].qualifier  # "最高200万元、100万元" bounds both
            draft.say(_with_tail(name, names[-1], reading.text)).msg("colon").say(f"{bound}{rest[q.start : q.end]}")
        draft.msg("semicolon")
        return


_ENDS = re.compile("[；;。]")
_JOINS = re.compile(r"(?:的?(?:标准|奖励|补助|资助|补贴|支持))?[、和及与，,]")
_AMONG = re.compile("[、和及与或]")


def _with_tail(name: str, last: str, question: str) -> str:
    """A name of one character with the words that only the last one has ("一、二、三等奖": "二等奖"), as far as the question
    says them."""
    tails = [last[1 : 1 + k] for k in (3, 2, 1)] if len(name) == 1 else []
    return next((name + t for t in tails if t and name + t in question), name)


def _called(names: Sequence[str], n: int, question: str) -> str:
    """What a question calls one of several names, "" where it does not: the first has words before it, the last behind it
    ("对认定为国家级、省级、市级的工坊")."""
    name = names[n]
    sizes = range(len(name), 1, -1)
    forms = [name] if 0 < n < len(names) - 1 else [name[-k:] for k in sizes] if n == 0 else [name[:k] for k in sizes]
    others = [o for m, o in enumerate(names) if m != n]
    return next((f for f in forms if f in question and not any(f in o for o in others)), "")
