"""Where a wrong answer was lost: parsing, understanding, retrieval, ranking, composing, verification or refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from eval.cases import Case, Evidence, normal
from eval.judge import Place, Reply, Verdict, holds
from eval.metrics import Span

Stage = Literal[
    "crash", "parsing", "understanding", "retrieval", "ranking", "composing", "verification", "refusal"
]  # in the order in which a question meets them
STAGES: tuple[Stage, ...] = (
    "crash", "parsing", "understanding", "retrieval", "ranking", "composing", "verification", "refusal",
)  # fmt: skip
TOP = 10  # hits that a reply holds; evidence below them is lost to retrieval


class Pool:
    """All clauses of an index, with what holds which piece of evidence. Empty where the index is not known.

    `furniture` is what any answer may show beside the guide's words: the contact line, the day of the question.
    """

    def __init__(
        self, places: Sequence[Place] = (), parents: Mapping[str, str] | None = None, furniture: str = ""
    ) -> None:
        self.places = tuple(places)
        self.furniture = furniture
        self._by_id = {p.clause_id: p for p in self.places}
        self._parents = dict(parents or {})
        self._holders: dict[Evidence, tuple[Place, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.places)

    def get(self, clause_id: str) -> Place | None:
        return self._by_id.get(clause_id)

    def holders(self, item: Evidence) -> tuple[Place, ...]:
        """The clauses that hold a piece of evidence."""
        if item not in self._holders:
            self._holders[item] = tuple(p for p in self.places if holds(p, item))
        return self._holders[item]

    def related(self, one: str, other: str) -> bool:
        """Whether one clause is the other, or stands above or below it."""
        return one in self._line(other) or other in self._line(one)

    def _line(self, clause_id: str) -> set[str]:
        out: set[str] = set()
        while clause_id and clause_id not in out:
            out.add(clause_id)
            clause_id = self._parents.get(clause_id, "")
        return out


def locate(text: str, quote: str) -> Span | None:
    """Span of the quote in the text; both compared in normal form, the span in characters of `text`."""
    at = text.find(quote)
    if at >= 0:
        return (at, at + len(quote))
    spots: list[int] = []
    plain = ""
    for index, char in enumerate(text):
        part = normal(char)
        plain += part
        spots += [index] * len(part)
    wanted = normal(quote)
    at = plain.find(wanted) if wanted else -1
    return (spots[at], spots[at + len(wanted) - 1] + 1) if at >= 0 else None


def gold_spans(case: Case, reply: Reply, pool: Pool) -> list[tuple[str, Span]]:
    """(source, span) of each piece of evidence; of several clauses that hold it, the one that is cited."""
    cited = {c.clause_id for c in reply.citations}
    out = []
    for item in dict.fromkeys(case.evidence):
        holders = sorted(pool.holders(item), key=lambda p: p.clause_id not in cited)
        for place in holders[:1]:
            span = locate(place.text, item.quote)
            if span:
                out.append((place.source, (place.start + span[0], place.start + span[1])))
    return out


def used_spans(reply: Reply) -> list[tuple[str, Span]]:
    """(source, span) of the words that the citations mark as used; the whole clause where none is marked."""
    return [
        (c.source, (c.start + a, c.start + b)) for c in reply.citations for a, b in (c.spans or ((0, len(c.text)),))
    ]


def on_one_line(*sets: Iterable[tuple[str, Span]]) -> list[list[Span]]:
    """The same spans as plain numbers: each source gets a stretch of its own."""
    base: dict[str, int] = {}
    return [
        [(base.setdefault(s, len(base) * 10**9) + a, base[s] + b) for s, (a, b) in spans] for spans in sets
    ]  # a source has at most 20 million characters


def _misunderstood(case: Case, reply: Reply, items: Sequence[Evidence], pool: Pool) -> bool:
    """The sections or fields taken from the question hold none of the evidence. Unknown is not misunderstood."""
    holders = [p for item in items for p in pool.holders(item)]
    if not holders or not (reply.sections or reply.fields):
        return False
    in_section = [p for p in holders if any(pool.related(s, p.clause_id) for s in reply.sections)]
    if reply.sections and not in_section:
        return True
    labels = {normal(p.label) for p in in_section or holders if p.label}
    fields = {normal(f) for f in reply.fields}
    return bool(fields) and bool(labels) and not (labels & fields) and not any(
        f in normal(e.quote) for f in fields for e in items
    )


def _rank(items: Sequence[Evidence], hits: Sequence[Place]) -> int | None:
    return next((n for n, h in enumerate(hits[:TOP], 1) if any(holds(h, i) for i in items)), None)


def stage_of(case: Case, reply: Reply, verdict: Verdict, pool: Pool) -> Stage | None:
    """The first stage at which a case that is not right and cited went wrong; None for one that is."""
    if verdict.right_and_cited:
        return None
    if reply.error:
        return "crash"
    if case.expect == "refuse":
        return "composing" if reply.status == "refused" else "refusal"
    if pool and any(not pool.holders(item) for item in case.evidence):
        return "parsing"
    if reply.refused_by == "understanding":
        return "understanding"  # turned away before the guide was looked into, as unknown or off the subject
    if reply.status != "refused" and (case.expect == "clarify") != (reply.status == "clarify"):
        return "understanding"  # asked back needlessly, or did not see that the question fits several sections
    left = [item for item in case.evidence if not any(holds(c, item) for c in reply.citations)]
    if left:
        if _misunderstood(case, reply, left, pool):
            return "understanding"
        rank = _rank(left, reply.hits)
        if rank is None:
            return "retrieval"
        if reply.withheld:
            return "verification"  # the clause was found, and what was drafted from the hits did not pass the check
        if reply.status == "refused":
            return "refusal" if rank <= 3 else "ranking"
        return "ranking" if rank > 1 else "composing"
    if reply.withheld:
        return "verification"
    return "refusal" if reply.status == "refused" else "composing"


def _name(place: Place) -> str:
    """A clause as people call it: the heading above it and its label. An id tells a reader nothing."""
    above = [p for p in place.path[-1:] if p != place.label]
    return " › ".join((*above, place.label or place.text[:20]))


def pieces_of(case: Case, reply: Reply, pool: Pool) -> tuple[str, ...]:
    """What to look at to see why, one line each."""
    out = [f"understood: {reply.understood}"] if reply.understood else []
    names = [p.label or " > ".join(p.path) for s in reply.sections if (p := pool.get(s))]
    if names or reply.fields:
        out.append(f"sections: {', '.join(names) or '–'}; fields: {', '.join(reply.fields) or '–'}")
    for item in case.evidence:
        held = pool.holders(item)
        where = f"in {len(held)} clause(s), first {_name(held[0])}" if held else "in no clause"
        rank = _rank([item], reply.hits)
        out.append(f"evidence 「{item.quote[:40]}」: {where if pool else 'index unknown'}; rank {rank or f'> {TOP}'}")
    if reply.hits:
        out.append(f"first hit: {_name(reply.hits[0])}")
    if reply.missing:
        out.append(f"missing: {reply.missing}")
    if reply.refused_by:
        out.append(f"refused by: {reply.refused_by}")
    if reply.withheld:
        out.append(f"withheld by the check: {reply.withheld} draft(s)")
    return (*out, *(f"note: {n}" for n in reply.notes))
