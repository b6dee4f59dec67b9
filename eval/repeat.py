"""Repeatability: the same questions through `bot ask --batch` in fresh processes, compared byte by byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import BotError
from bot.settings import Settings
from eval import metrics
from eval.cases import Case

TIMES = ("latency_ms", "embed_ms")  # what may differ


def _lines(cases: Sequence[Case], settings: Settings, workdir: Path, seed: int) -> list[str]:
    """What one fresh process answers, one canonical JSON text a case, without the times."""
    asked, said = workdir / "in.jsonl", workdir / f"out-{seed}.jsonl"
    rows = [{"id": c.id, "question": c.question, "history": list(c.history)} for c in cases]
    asked.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8", "surrogatepass")
    command = [sys.executable, "-m", "bot", "ask", "--batch", str(asked), "--out", str(said), "--index", str(settings.index)]
    env = {**os.environ, "PYTHONHASHSEED": str(seed)}  # so that an order taken from a set or dict of strings shows
    env["BOT_TODAY"] = settings.date().isoformat()  # midnight must not count as a difference
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not said.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BotError(f"bot ask --batch failed ({done.returncode}): {last[:300]}")
    answers = [json.loads(line) for line in said.read_text("utf-8").splitlines()]
    return [json.dumps({k: v for k, v in a.items() if k not in TIMES}, sort_keys=True) for a in answers]


def repeatability(cases: Sequence[Case], settings: Settings, runs: int = 3) -> dict[str, Any]:
    """{share, cases, runs, differ}: the share of the cases with the same bytes in every run. Raises BotError."""
    if not cases:
        return {"share": None, "cases": 0, "runs": runs, "differ": []}
    with tempfile.TemporaryDirectory() as folder:
        said = [_lines(cases, settings, Path(folder), seed) for seed in range(1, runs + 1)]
    differ = [c.id for c, texts in zip(cases, zip(*said, strict=True), strict=True) if len(set(texts)) > 1]
    return {"share": metrics.repeatability(said), "cases": len(cases), "runs": runs, "differ": differ}


def sample(cases: Sequence[Case], count: int) -> list[Case]:
    """Cases spread evenly over the set, so that every type is in it."""
    step = max(1, len(cases) // count) if count else 1
    return list(cases[::step][:count])
