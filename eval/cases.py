"""Question sets: one JSON object a line. Reading, checking, and the two halves (tune, check).

The tune half is for working on the bot, the check half for believing the result; a question and its near-double
never stand in different halves.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

Expect = Literal["answer", "refuse", "clarify"]
Half = Literal["tune", "check"]
TYPES = (
    "lookup", "item", "numeric", "list", "yesno", "compare", "followup", "ambiguous", "false_premise",
    "unanswerable", "ood", "injection",
)  # fmt: skip
PERSONAS = ("applicant", "helpdesk", "foreign_partner", "attacker")
CASES_DIR = Path(__file__).parent / "cases"
GUIDES_DIR = CASES_DIR / "guides"
SEED = "2026"
NEAR = 90.0  # similarity in percent from which two questions count as the same question
_DROPPED = re.compile(r"[\s,，*_`#|>\\]")


class CasesError(Exception):
    """A question set cannot be read. The message names the file and line and says what to correct."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the answer stands: `quote` is verbatim, under the heading `section` ("" is anywhere)."""

    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """One question with what a right answer must hold. `facts` is groups of acceptable spellings."""

    id: str
    type: str
    lang: str
    persona: str
    question: str
    expect: Expect
    facts: tuple[tuple[str, ...], ...] = ()
    forbid: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    history: tuple[str, ...] = ()
    note: str = ""
    guide: str = ""
    edition: str = ""
    half: Half | None = None  # fixed, of a set that was split before it came in
    draft: bool = False  # proposed by a command, not yet accepted by a person
    origin: str = ""  # file it was read from

    @property
    def section(self) -> str:
        """The section the case is about, for splitting and for tables."""
        return self.evidence[0].section if self.evidence else ""


@lru_cache(maxsize=16_384)  # the same clauses are compared with hundreds of cases
def normal(text: str) -> str:
    """NFKC, lower case, without white space, commas and the characters * _ ` # | > \\."""
    return _DROPPED.sub("", unicodedata.normalize("NFKC", text).lower())


def _strings(raw: Any, name: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(x, str) for x in raw):
        raise ValueError(f"{name} must be a list of strings")
    return tuple(raw)


def parse(raw: Mapping[str, Any], origin: str = "") -> Case:
    """A case from its JSON object. Raises ValueError saying which field is wrong."""
    for name in ("id", "type", "lang", "persona", "question", "expect"):
        if not isinstance(raw.get(name), str) or not raw[name].strip():
            raise ValueError(f"{name} is missing or empty")
    if raw["type"] not in TYPES:
        raise ValueError(f"type {raw['type']!r} is unknown; one of {', '.join(TYPES)}")
    if raw["persona"] not in PERSONAS:
        raise ValueError(f"persona {raw['persona']!r} is unknown; one of {', '.join(PERSONAS)}")
    if raw["expect"] not in get_args(Expect):
        raise ValueError(f"expect {raw['expect']!r} is unknown; one of {', '.join(get_args(Expect))}")
    if raw.get("half") not in (None, *get_args(Half)):
        raise ValueError(f"half {raw['half']!r} is unknown; one of {', '.join(get_args(Half))}")
    groups = raw.get("facts", [])
    if not isinstance(groups, list):
        raise ValueError("facts must be a list of groups")
    facts = tuple(_strings(group, "each group of facts") for group in groups)
    forbid = _strings(raw.get("forbid", []), "forbid")
    if any(not group for group in facts) or any(not normal(s) for s in (*forbid, *(s for g in facts for s in g))):
        raise ValueError("facts and forbid must not hold an empty group or an empty string")
    try:
        evidence = tuple(Evidence(str(e["section"]), str(e["quote"])) for e in raw.get("evidence", []))
    except (KeyError, TypeError) as error:
        raise ValueError("evidence must be a list of {section, quote}") from error
    return Case(
        id=raw["id"], type=raw["type"], lang=raw["lang"], persona=raw["persona"], question=raw["question"],
        expect=raw["expect"], facts=facts, forbid=forbid, evidence=evidence,
        history=_strings(raw.get("history", []), "history"), note=str(raw.get("note", "")),
        guide=str(raw.get("guide", "")), edition=str(raw.get("edition", "")), draft=bool(raw.get("draft", False)),
        half=raw.get("half"), origin=origin,
    )  # fmt: skip


def to_json(case: Case) -> dict[str, Any]:
    """The JSON object of a case, without empty optional fields."""
    out: dict[str, Any] = {"id": case.id, "type": case.type, "lang": case.lang, "persona": case.persona}
    if case.history:
        out["history"] = list(case.history)
    out |= {
        "question": case.question,
        "expect": case.expect,
        "facts": [list(group) for group in case.facts],
        "forbid": list(case.forbid),
        "evidence": [{"section": e.section, "quote": e.quote} for e in case.evidence],
        "note": case.note,
    }
    out |= {k: v for k, v in (("guide", case.guide), ("edition", case.edition), ("half", case.half), ("draft", case.draft)) if v}
    return out


def load(files: Sequence[Path] = ()) -> list[Case]:
    """Cases of the files, in order; the repository's own sets when none is named. Raises CasesError."""
    paths = list(files) or sorted(CASES_DIR.glob("*.jsonl"))
    if not paths:
        raise CasesError(f"no question set in {CASES_DIR}; name one with --cases FILE")
    cases: list[Case] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CasesError(f"{path}: cannot be read ({error}); a question set is JSON lines in UTF-8") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                raw = json.loads(line)
                if not isinstance(raw, dict):
                    raise ValueError("not a JSON object")
                case = parse(raw, origin=path.name)
            except ValueError as error:
                raise CasesError(f"{path}:{number}: {error}") from error
            if case.id in seen:
                raise CasesError(f"{path}:{number}: id {case.id!r} is used already ({seen[case.id]}); ids are unique")
            seen[case.id] = f"{path}:{number}"
            cases.append(case)
    return cases


# ── the two halves ──────────────────────────────────────────────────────────────────────────────────────────────


def _asked(case: Case) -> str:
    return "\n".join((case.guide, case.edition, *(re.sub(r"[^\w]", "", normal(q)) for q in (*case.history, case.question))))


def near_pairs(cases: Sequence[Case], threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of cases of one guide whose whole conversation is the same but for a few characters.

    Numbers are compared apart: "第3条" and "第4条" are different questions, however alike they look.
    """
    import numpy as np
    from rapidfuzz import fuzz, process

    texts = [_asked(c) for c in cases]
    numbers = [re.findall(r"\d+", t) for t in texts]
    if not texts:
        return []
    scores = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=threshold)
    rows, columns = np.nonzero(np.triu(scores, 1))
    return [
        (int(i), int(j))
        for i, j in zip(rows, columns, strict=True)
        if cases[int(i)].guide == cases[int(j)].guide and numbers[int(i)] == numbers[int(j)]
    ]


def _coin(*parts: str) -> bool:
    return hashlib.sha256("\x1f".join((SEED, *parts)).encode()).digest()[0] % 2 == 0


def halves(cases: Sequence[Case]) -> dict[str, Half]:
    """Case id → half. Even within each section × type of a file, then within a type, then over the file; a fixed
    seed decides ties, a near-double follows the case that it resembles, and an appended case moves no earlier one. A
    case that names its half keeps it.
    """
    doubles: dict[int, list[int]] = defaultdict(list)
    for i, j in near_pairs(cases):
        doubles[j].append(i)
    lean: Counter[tuple[str, ...]] = Counter()  # tune cases less check cases, of each group
    out: dict[str, Half] = {}
    for index, case in enumerate(cases):
        file = (case.origin,)
        groups = [(*file, case.guide, case.section, case.type), (*file, "type", case.type), file]
        leaning = next((lean[g] for g in groups if lean[g]), 0)
        tune = leaning < 0 if leaning else _coin(*groups[0], case.id)
        if case.half:
            tune = case.half == "tune"
        elif doubles[index]:
            tune = out[cases[doubles[index][0]].id] == "tune"
        for group in groups:
            lean[group] += 1 if tune else -1
        out[case.id] = "tune" if tune else "check"
    return out


# ── the validator ───────────────────────────────────────────────────────────────────────────────────────────────


def problems(cases: Sequence[Case], sources: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with a set, one sentence each.

    `sources` maps a guide's name ("" for the guide of the index) to its canonical text; quotes of guides that are
    not in it are not looked up.
    """
    out: list[str] = []
    for case in cases:
        out += [f"{case.id}: {text}" for text in _case_problems(case, sources or {})]
    half = halves(cases)
    for i, j in near_pairs(cases):
        a, b = cases[i], cases[j]
        if _asked(a) == _asked(b):
            out.append(f"{b.id}: asks the same as {a.id}; remove one of them")
        elif half[a.id] != half[b.id]:
            out.append(f"{b.id}: nearly the same question as {a.id}, which is in the other half; reword one of them")
    return out


def _case_problems(case: Case, sources: Mapping[str, str]) -> Iterable[str]:
    if case.expect == "refuse" and (case.evidence or case.facts):
        yield "a case that expects a refusal has neither facts nor evidence"
    if case.expect == "answer" and not (case.facts and case.evidence):
        yield "a case that expects an answer needs facts and evidence"
    for item in case.evidence:
        if not item.quote.strip():
            yield "an evidence quote is empty"
        yield from (
            f"forbids {word!r}, which stands in its own evidence"
            for word in case.forbid
            if normal(word) in normal(item.quote) and case.expect != "clarify"
        )
    for group in case.facts:
        clash = [w for w in case.forbid if any(normal(w) in normal(s) for s in group)]
        if clash and all(any(normal(w) in normal(s) for w in clash) for s in group):
            yield f"every spelling of {group[0]!r} is forbidden"
    text = sources.get(case.guide)
    if text is not None:
        yield from _quote_problems(case, text)


def _quote_problems(case: Case, text: str) -> Iterable[str]:
    plain = normal(text)  # what the judge compares; a table's cells may be apart by other blanks than in the quote
    for item in case.evidence:
        quote, section = normal(item.quote), normal(item.section)
        last = plain.rfind(quote) if quote else -1
        if last < 0:
            yield f"quote {item.quote[:40]!r} does not stand in the source"
        elif section not in plain:
            yield f"section {item.section!r} does not stand in the source"
        elif plain.find(section) > last + len(quote):
            yield f"quote {item.quote[:40]!r} stands before section {item.section!r}, not under it"
