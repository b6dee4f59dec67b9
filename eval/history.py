"""One line a run, so that the report can show where things are going. JSON lines; only whole runs are kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from eval.gate import Comparison
from eval.record import Record, dumps

FILE = "history.jsonl"


def row(record: Record, comparison: Comparison | None = None) -> dict[str, Any]:
    """The figures of a run that are worth a line."""
    where = record["circumstances"]
    return {
        "at": record["at"],
        "commit": where.get("commit", ""),
        "changed": where.get("changed"),
        "cases": where.get("cases"),
        "fingerprint": where.get("fingerprint"),
        "asked": record["counts"]["asked"],
        "seconds": record["seconds"],
        "figures": {name: f["value"] for name, f in record["figures"].items()},
        "ECE": record["calibration"]["ECE"],
        "AURC": record["calibration"]["AURC"],
        "p50": record["latency"]["p50"],
        "p95": record["latency"]["p95"],
        "repeatable": (record.get("repeatability") or {}).get("share"),
        "broken": list(comparison.broken) if comparison else [],
        "mended": list(comparison.mended) if comparison else [],
        "ok": comparison.ok if comparison else None,
    }


def append(path: Path, line: dict[str, Any]) -> None:
    """Add a run. One write to a file opened for appending: two runs at once do not mix their lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = (dumps(line) + "\n").encode("utf-8")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, data)
    finally:
        os.close(handle)


def read(path: Path, last: int = 90) -> list[dict[str, Any]]:
    """The last runs, oldest first; a line that a crash cut short is left out."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    out = []
    for line in lines:
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if isinstance(item, dict) and isinstance(item.get("figures"), dict):
            out.append(item)
    return out[-last:]
