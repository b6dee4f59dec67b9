"""Compare a run with the accepted one, case by case. A case passes when it is right and cited.

What passed and fails now fails the gate. What failed and passes now is offered for acceptance. Means are compared on
the cases that both runs asked, with the chance that so large a difference is luck.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eval import metrics
from eval.record import Record, write

SCHEMA = 1
BASELINE = Path(__file__).parent / "baseline.json"
SIGNIFICANT = 0.05
SLOWER = 1.3  # median ratio of the latencies from which a run counts as slower, on the same machine
_ASKED = ("question", "history", "expect", "facts", "forbid", "evidence", "guide", "edition")  # what makes a case
_KEPT = ("CRAG", "hit@1", "hit@5", "MRR", "nDCG@10", "citation recall", "citation precision", "wrong numbers")


class BaselineError(Exception):
    """The baseline cannot be read. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean before and after, over the same `n` cases. `p` is the chance of so much by luck."""

    before: float
    after: float
    p: float
    n: int

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANT


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ids of cases by what became of them. `changed` cases were reworded, so they say nothing about the bot."""

    broken: tuple[str, ...] = ()  # passed, fails now
    mended: tuple[str, ...] = ()  # failed, passes now
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()  # passed, not asked now although the whole set was
    figures: Mapping[str, Difference] = field(default_factory=dict)
    latency_ratio: float | None = None  # median over the cases; None on another machine

    @property
    def slower(self) -> bool:
        return self.latency_ratio is not None and self.latency_ratio >= SLOWER

    @property
    def ok(self) -> bool:
        """Whether the gate is open. Slowness alone does not close it: see `eval.nightly`."""
        return not (self.broken or self.gone)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok, "slower": self.slower}


def passes(row: Mapping[str, Any]) -> bool:
    return bool(row["right"] and row["cited"])


def _checksum(row: Mapping[str, Any]) -> str:
    asked = {name: row.get(name) for name in _ASKED}
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:12]


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "right": row["right"],
        "cited": row["cited"],
        "case": _checksum(row),
        "latency_ms": round(row["latency_ms"], 1),
        "values": {name: round(v, 4) for name in _KEPT if (v := row["values"].get(name)) is not None},
    }


def read(path: Path) -> dict[str, Any] | None:
    """The accepted result, None if there is none yet. Raises BaselineError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path}: cannot be read ({error}); restore it from git or make a new one with --accept") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise BaselineError(f"{path}: is of another version; make a new one with --accept")
    return data


def accept(record: Record, path: Path, *, partial: bool = False) -> None:
    """Make this run the accepted one. A partial run replaces the cases that it asked, and no others."""
    kept = (read(path) or {}).get("cases", {}) if partial else {}
    cases = kept | {row["id"]: _entry(row) for row in record["cases"]}
    where = record["circumstances"]
    head = {
        "schema": SCHEMA, "at": record["at"], "commit": where.get("commit", ""), "changed": where.get("changed"),
        "cases checksum": where.get("cases"), "corpus": where.get("corpus"), "model": where.get("model"),
        "packages": where.get("packages"), "machine": where.get("machine"),
    }  # fmt: skip
    dump = json.JSONEncoder(ensure_ascii=False).encode
    # One case a line, so that a diff shows which cases changed.
    lines = ",\n".join(f"  {dump(name)}: {dump(cases[name])}" for name in sorted(cases))
    top = ",\n".join(f" {dump(k)}: {dump(v)}" for k, v in head.items())
    write(path, f'{{\n{top},\n "cases": {{\n{lines}\n }}\n}}\n')


def compare(record: Record, baseline: Mapping[str, Any], *, partial: bool = False) -> Comparison:
    """What became of each case. `partial`: only a part of the set was asked on purpose, so nothing is gone."""
    rows = {row["id"]: row for row in record["cases"]}
    old = baseline["cases"]
    same = [i for i in rows if i in old and old[i]["case"] == _checksum(rows[i])]
    gone = [i for i in old if i not in rows and passes(old[i])]
    return Comparison(
        broken=tuple(i for i in same if passes(old[i]) and not passes(rows[i])),
        mended=tuple(i for i in same if not passes(old[i]) and passes(rows[i])),
        new=tuple(i for i in rows if i not in old),
        changed=tuple(i for i in rows if i in old and i not in same),
        gone=() if partial else tuple(gone),
        figures=_differences([rows[i] for i in same], [old[i] for i in same]),
        latency_ratio=_latency_ratio(record, baseline, same),
    )


def _differences(rows: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> dict[str, Difference]:
    out = {}
    binary = {"right": lambda r: bool(r["right"]), "right and cited": passes}
    for name, of in binary.items():
        before, after = [of(r) for r in old], [of(r) for r in rows]
        gained = sum(b and not a for a, b in zip(before, after, strict=True))
        lost = sum(a and not b for a, b in zip(before, after, strict=True))
        out[name] = Difference(metrics.mean(before), metrics.mean(after), metrics.mcnemar(gained, lost), len(rows))
    for name in _KEPT:
        pairs = [
            (o["values"][name], r["values"][name])
            for o, r in zip(old, rows, strict=True)
            if o["values"].get(name) is not None and r["values"].get(name) is not None
        ]
        if pairs:
            first, second = [a for a, _ in pairs], [b for _, b in pairs]
            p = metrics.paired_bootstrap(first, second)
            out[name] = Difference(metrics.mean(first), metrics.mean(second), p, len(pairs))
    return out


def _latency_ratio(record: Record, baseline: Mapping[str, Any], same: Sequence[str]) -> float | None:
    """Median over the cases of the time now to the time then; each case is its own control."""
    if record["circumstances"].get("machine") != baseline.get("machine"):
        return None
    now = {row["id"]: row["latency_ms"] for row in record["cases"]}
    ratios = [now[i] / then for i in same if (then := baseline["cases"][i]["latency_ms"]) > 0]
    return metrics.percentile(ratios, 50) if ratios else None
