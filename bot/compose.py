"""Answers out of pieces: verbatim slices, connecting words, citation marks; amounts and dates in the reader's form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot import lexicon
from bot.evidence import Evidence
from bot.facts import Quantity, plain
from bot.types import Citation, Clause, ClauseId, Guide, Reckoning, Segment

_UPPER = re.compile(
    r"不满|不足|未满|不到|以内|之内|^内$| 内$|不超过|不得超过|不高于|不多于|最高|最多|最长|至多|上限|封顶|限报|以下|(?<![不得])(?:小于|低于)|up to|not? (?:more|later|longer|higher) than|not exceed|at most|maximum of|fewer than|(?<!not )(?<!no )less than|within|under|below"
)
_LOWER = re.compile(r"不少于|不少|不低于|不小于|至少|最低|最少|以上|不得少于|不得低于|满|(?<![不得])(?:超过|大于|高于)|达到|at least|not? (?:fewer|less) than|minimum of|(?<!not )(?<!no )more than|over")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
_UNITS = {"Y": "year", "M": "month", "D": "day", "W": "week", "WD": "working day", "H": "hour", "岁": "years old"}
_CURRENCIES = {"CNY": "RMB", "USD": "USD", "EUR": "EUR", "HKD": "HKD", "JPY": "JPY"}


@dataclass(slots=True)
class Draft:
    """An answer being written. Pieces are kept in order; citations are numbered by first appearance."""

    language: str
    pieces: list[tuple[str, str, Clause | None, int, int]] = field(default_factory=list)
    cited: list[Clause] = field(default_factory=list)
    spans: dict[ClauseId, list[tuple[int, int]]] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)
    sums: list[Reckoning] = field(default_factory=list)

    def copy(self) -> Draft:
        """The same draft, to be written on while this one stays."""
        spans = {i: list(s) for i, s in self.spans.items()}
        return Draft(self.language, list(self.pieces), list(self.cited), spans, list(self.counts), list(self.sums))

    def say(self, text: str) -> Draft:
        """Connecting words of ours."""
        if text:
            self.pieces.append(("template", text, None, 0, 0))
        return self

    def msg(self, name: str, /, **parts: object) -> Draft:
        return self.say(lexicon.message(name, self.language, **parts))

    def quote(self, clause: Clause, start: int, end: int) -> Draft:
        """Words of the guide, sliced from the clause."""
        self._cite(clause)
        self.spans[clause.clause_id].append((start, end))
        self.pieces.append(("verbatim", clause.text[start:end], clause, start, end))
        return self

    def evidence(self, found: Evidence) -> Draft:
        """All spans of an evidence, joined by an ellipsis where words between them are left out; a field's value that
        says nothing alone ("无") with its label."""
        last = -1
        spans = found.spans
        if len(spans) == 1 and spans[0][1] - spans[0][0] <= 1 and found.clause.kind == "field":
            spans = ((found.clause.text.find(found.clause.label), spans[0][1]),)
        for start, end in spans:
            if last >= 0:
                between = found.clause.text[last:start]
                self.say(
                    between.strip("\n")
                    if len(between) <= 2 and not re.search(r"\w", between)
                    else lexicon.message("more_in", self.language)
                )
            self.quote(found.clause, start, end)
            last = end
        return self

    def mark(self, clause: Clause, spans: Iterable[tuple[int, int]] = ()) -> Draft:
        """A citation mark; `spans` are the words it stands for where none were quoted."""
        self._cite(clause)
        for span in spans:
            self.spans[clause.clause_id].append(span)
        self.pieces.append(("mark", "", clause, 0, 0))
        return self

    def _cite(self, clause: Clause) -> None:
        if clause.clause_id not in self.spans:
            self.cited.append(clause)
            self.spans[clause.clause_id] = []

    def text(self) -> str:
        return "".join(s.text for s in self.segments())

    def segments(self) -> tuple[Segment, ...]:
        place = {c.clause_id: n for n, c in enumerate(self.cited)}
        out = []
        for kind, text, clause, start, end in self.pieces:
            if kind == "template" or clause is None:
                out.append(Segment("template", text))
            elif kind == "mark":
                out.append(Segment("mark", f"[{place[clause.clause_id] + 1}]", place[clause.clause_id]))
            else:
                out.append(Segment("verbatim", text, place[clause.clause_id], start, end))
        return tuple(out)

    def citations(self, guides: Sequence[Guide]) -> tuple[Citation, ...]:
        by_slug = {g.slug: g for g in guides}
        return tuple(citation(c, self.spans[c.clause_id], by_slug.get(c.guide)) for c in self.cited)


def citation(clause: Clause, spans: Iterable[tuple[int, int]], guide: Guide | None) -> Citation:
    return Citation(
        clause.clause_id, clause.path, clause.label, clause.text, tuple(sorted(set(spans))), clause.source,
        clause.start, clause.end, guide.title if guide else "", guide.edition if guide else "",
        guide.url if guide else "", clause.page, clause.guide,
    )  # fmt: skip


def bound(quantity: Quantity) -> str:
    """ "upper", "lower" or "" from the guide's own qualifier."""
    if _UPPER.search(quantity.qualifier):
        return "upper"
    return "lower" if _LOWER.search(quantity.qualifier) else ""


def spoken(quantity: Quantity, clause_text: str = "") -> str:
    """A quantity in English form ("up to RMB 600,000", "25 September 2025"), "" where there is no need."""
    limit = {"upper": "up to ", "lower": "at least "}.get(bound(quantity), "")
    if quantity.kind == "amount" and quantity.number is not None:
        per = {"人": " per person", "年": " per year", "月": " per month", "项": " per project", "家": " per unit"}
        tail = quantity.value.partition("/")[2]
        return f"{limit}{_CURRENCIES.get(quantity.unit, quantity.unit)} {quantity.number:,.0f}{per.get(tail, '')}"
    if quantity.kind == "date":
        return _date(quantity.value)
    if quantity.kind in ("duration", "rate") and quantity.unit in _UNITS and quantity.number is not None:
        unit = _UNITS[quantity.unit]
        if quantity.unit == "岁":
            return f"{limit}{plain(quantity.number)} {unit}"
        span = re.sub(r"^P|[A-Z]+$", "", quantity.value.split(" ")[0])
        if span == "0.5":  # 半年
            return f"{limit}half a{'n' if unit[0] == 'h' else ''} {unit}"
        plural = "" if span == "1" else "s"
        yearly = " per year" if quantity.kind == "rate" else ""
        limit = "within " if limit == "up to " and quantity.kind == "duration" and "内" in quantity.qualifier else limit
        return f"{limit}{span} {unit}{plural}{yearly}"
    if quantity.kind == "ratio" and quantity.unit == "%":
        return f"{limit}{quantity.value.replace(' ', '')}"
    if quantity.kind in ("count", "rate") and quantity.number is not None and limit:
        noun = {"人": " people", "名": " people"}.get(quantity.unit, "")
        return f"{limit}{quantity.value.split(' ')[0]}{noun}"
    return ""


def _date(value: str) -> str:
    m = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", value)
    if m:
        day = f"{int(m[3])} " if m[3] else ""
        return f"{day}{_MONTHS[int(m[2]) - 1]} {m[1]}"
    m = re.fullmatch(r"--(\d{2})-(\d{2})", value)
    if m:
        return f"{int(m[2])} {_MONTHS[int(m[1]) - 1]}"
    return "to be announced" if value.startswith(("待定", "另行")) else ""
