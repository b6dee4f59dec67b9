"""Is an answer right, and is it cited? Pure functions over strings, the same verdict every time.

A reply is what one line of `bot ask --batch` holds, so any system that writes such lines can be judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.cases import Case, Evidence, normal

LENGTH_BASE = 250  # characters that any answer may have
LENGTH_PER_FACT = 4  # and so many times the longest spelling of each group besides


@dataclass(frozen=True, slots=True)
class Place:
    """A clause that a reply cites or found. `spans` are the words used, as offsets into `text`."""

    clause_id: str
    path: tuple[str, ...]
    label: str
    text: str
    spans: tuple[tuple[int, int], ...] = ()
    source: str = ""
    start: int = 0
    end: int = 0
    score: float = 0.0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot said to one case. Times in milliseconds; `error` is set when it failed to answer at all.

    `sections` (clause ids), `fields` and `notes` are how the question was understood, where the bot tells;
    `refused_by` is the stage that decided a refusal, `withheld` the number of drafts that the bot's own check removed.
    """

    status: str
    answer: str
    citations: tuple[Place, ...] = ()
    hits: tuple[Place, ...] = ()
    understood: str = ""
    confidence: float = 0.0
    latency_ms: float = 0.0
    embed_ms: float = 0.0
    error: str = ""
    sections: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""
    refused_by: str = ""
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` says in short words what was missing, empty when right and cited."""

    right: bool
    cited: bool
    why: tuple[str, ...] = ()

    @property
    def right_and_cited(self) -> bool:
        return self.right and self.cited


def place_of(raw: Mapping[str, Any]) -> Place:
    """A citation or hit from its JSON object."""
    return Place(
        clause_id=str(raw.get("clause_id", "")),
        path=tuple(raw.get("path", ())),
        label=str(raw.get("label", "")),
        text=str(raw.get("text", "")),
        spans=tuple((int(a), int(b)) for a, b in raw.get("spans", ())),
        source=str(raw.get("source", "")),
        start=int(raw.get("start", 0)),
        end=int(raw.get("end", 0)),
        score=float(raw.get("score", 0.0)),
        title=str(raw.get("title", "")),
    )


def reply_of(raw: Mapping[str, Any]) -> Reply:
    """A reply from one line of the batch contract."""
    return Reply(
        status=str(raw.get("status", "")),
        answer=str(raw.get("answer", "")),
        citations=tuple(place_of(c) for c in raw.get("citations", ())),
        hits=tuple(place_of(h) for h in raw.get("hits", ())),
        understood=str(raw.get("understood", "")),
        confidence=float(raw.get("confidence", 0.0)),
        latency_ms=float(raw.get("latency_ms", 0.0)),
        embed_ms=float(raw.get("embed_ms", 0.0)),
        error=str(raw.get("error", "")),
        sections=tuple(map(str, raw.get("sections", ()))),
        fields=tuple(map(str, raw.get("fields", ()))),
        missing=str(raw.get("missing", "")),
        refused_by=str(raw.get("refused_by", "")),
        withheld=int(raw.get("withheld", 0)),
    )


def under(place: Place, section: str) -> bool:
    """Whether a clause stands under a section: found in its joined path, its label or its text; "" is anywhere."""
    wanted = normal(section)
    return any(wanted in normal(text) for text in (" > ".join(place.path), place.label, place.text))


def holds(place: Place, item: Evidence) -> bool:
    """Whether a clause holds a piece of evidence: it stands under the section and the quote stands in it."""
    quote = normal(item.quote)
    return under(place, item.section) and (
        quote in normal(place.text) or quote in normal(f"{place.label}：{place.text}")
    )


def missing_facts(case: Case, answer: str) -> list[str]:
    """First spelling of each group of which no spelling is found in the answer."""
    said = normal(answer)
    return [group[0] for group in case.facts if not any(normal(s) in said for s in group)]


def forbidden(case: Case, answer: str) -> list[str]:
    said = normal(answer)
    return [word for word in case.forbid if normal(word) in said]


def longest_allowed(case: Case) -> int:
    """Characters that an answer to the case may have."""
    return LENGTH_BASE + sum(LENGTH_PER_FACT * max(map(len, group)) for group in case.facts)


def _faults(case: Case, reply: Reply) -> list[str]:
    out = [f"forbidden: {w}" for w in forbidden(case, reply.answer)]
    if case.expect == "refuse":
        return out if reply.status == "refused" else [f"status {reply.status}, not refused", *out]
    lacking = [f"missing: {f}" for f in missing_facts(case, reply.answer)]
    if case.expect == "clarify":
        if reply.status == "clarify":
            return out
        return [*out, *lacking] if reply.status == "answered" else [f"status {reply.status}, not clarify", *out]
    if reply.status != "answered":
        out.insert(0, f"status {reply.status}, not answered")
    if len(reply.answer) > longest_allowed(case):
        out.append(f"too long: {len(reply.answer)} > {longest_allowed(case)}")
    return out + lacking


def cited(case: Case, places: Sequence[Place]) -> bool:
    """At least one place holds one of the pieces of evidence; true where a case has none."""
    return not case.evidence or any(holds(place, item) for place in places for item in case.evidence)


def judge(case: Case, reply: Reply) -> Verdict:
    """The written rules, exactly (`docs/` holds them in words)."""
    why = [f"error: {reply.error}"] if reply.error else _faults(case, reply)
    right = not why
    is_cited = cited(case, reply.citations)
    if not is_cited:
        why.append("no citation holds the evidence")
    return Verdict(right=right, cited=is_cited, why=tuple(why))
