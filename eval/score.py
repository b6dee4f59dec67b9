"""From judged cases to figures: each with its interval, over all cases and by type, language, persona, section, guide."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import nan
from typing import Any

from eval import metrics
from eval.run import Result


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over `n` cases with its 95 % bootstrap interval; nan of no case."""

    value: float
    low: float
    high: float
    n: int


def _if(condition: bool, value: float) -> float:
    return value if condition else nan


# Each figure is a mean of one value a case; nan where the case says nothing about it.
FIGURES: Mapping[str, Callable[[Result], float]] = {
    "right": lambda r: float(r.verdict.right),
    "right and cited": lambda r: float(r.verdict.right_and_cited),
    "CRAG": lambda r: metrics.crag_score(r.verdict.right, r.reply.status),
    "wrong numbers": lambda r: float(bool(r.wrong_numbers)),
    "refusal recall": lambda r: _if(r.case.expect == "refuse", float(r.reply.status == "refused")),
    "refusal precision": lambda r: _if(r.reply.status == "refused", float(r.case.expect == "refuse")),
    "false refusal rate": lambda r: _if(r.case.expect != "refuse", float(r.reply.status == "refused")),
    "hit@1": lambda r: _if(r.ranked, metrics.hit_at(r.gains, 1)),
    "hit@3": lambda r: _if(r.ranked, metrics.hit_at(r.gains, 3)),
    "hit@5": lambda r: _if(r.ranked, metrics.hit_at(r.gains, 5)),
    "hit@10": lambda r: _if(r.ranked, metrics.hit_at(r.gains, 10)),
    "recall@5": lambda r: _if(r.ranked, metrics.recall_at(r.gains, sum(r.ideal), 5)),
    "recall@10": lambda r: _if(r.ranked, metrics.recall_at(r.gains, sum(r.ideal), 10)),
    "MRR": lambda r: _if(r.ranked, metrics.reciprocal_rank(r.gains)),
    "nDCG@10": lambda r: _if(r.ranked, metrics.ndcg_at(r.gains, r.ideal, 10)),
    "citation recall": lambda r: r.citation_recall,
    "citation precision": lambda r: r.citation_precision,
    "span precision": lambda r: r.span_precision,
    "span recall": lambda r: r.span_recall,
}
LOWER_IS_BETTER = frozenset({"wrong numbers", "false refusal rate", "ECE", "AURC", "Brier"})
HEADLINE = (
    "right", "right and cited", "hit@1", "hit@5", "refusal recall", "refusal precision", "false refusal rate", "CRAG",
    "wrong numbers",
)  # fmt: skip
BY: Mapping[str, Callable[[Result], str]] = {
    "type": lambda r: r.case.type,
    "language": lambda r: r.case.lang,
    "persona": lambda r: r.case.persona,
    "section": lambda r: r.case.section or "–",
    "guide": lambda r: r.case.guide or "–",
}


def values_of(name: str, results: Sequence[Result]) -> list[float]:
    """One value for each case that the figure is about."""
    return [v for v in map(FIGURES[name], results) if not math.isnan(v)]


def figure(name: str, results: Sequence[Result]) -> Figure:
    values = values_of(name, results)
    return Figure(metrics.mean(values), *metrics.bootstrap(values), len(values))


def figures(results: Sequence[Result]) -> dict[str, Figure]:
    return {name: figure(name, results) for name in FIGURES}


def case_values(result: Result) -> dict[str, float]:
    """The figures of one case, without those that it says nothing about."""
    return {name: v for name, of in FIGURES.items() if not math.isnan(v := of(result))}


def grouped(results: Sequence[Result], key: Callable[[Result], str]) -> dict[str, list[Result]]:
    """Results by key, keys in order."""
    out: dict[str, list[Result]] = {}
    for result in results:
        out.setdefault(key(result), []).append(result)
    return dict(sorted(out.items()))


def groups(results: Sequence[Result], names: Sequence[str] = HEADLINE) -> dict[str, dict[str, dict[str, Figure]]]:
    """Figures by kind of group, then group, then name."""
    return {
        kind: {group: {n: figure(n, rows) for n in names} for group, rows in grouped(results, key).items()}
        for kind, key in BY.items()
    }


def calibration(results: Sequence[Result]) -> dict[str, Any]:
    """How far the bot's confidence is the chance that it is right (right in status and answer)."""
    confidence = [r.reply.confidence for r in results]
    right = [r.verdict.right for r in results]
    return {
        "ECE": metrics.expected_calibration_error(confidence, right),
        "AURC": metrics.area_under_risk_coverage(confidence, right),
        "Brier": metrics.brier(confidence, right),
        "reliability": metrics.reliability(confidence, right),
        "risk_coverage": metrics.risk_coverage(confidence, right),
    }


def latency(results: Sequence[Result]) -> dict[str, float]:
    """Milliseconds a question; `embedding share` is the part of all the time that was spent embedding questions."""
    times = [r.reply.latency_ms for r in results if not r.reply.error]
    rest = [r.reply.latency_ms - r.reply.embed_ms for r in results if not r.reply.error]
    return {
        "p50": metrics.percentile(times, 50),
        "p95": metrics.percentile(times, 95),
        "max": max(times, default=nan),
        "beyond embedding p50": metrics.percentile(rest, 50),
        "beyond embedding p95": metrics.percentile(rest, 95),
        "embedding share": 1 - metrics.ratio(math.fsum(rest), math.fsum(times)),
    }


def length(results: Sequence[Result]) -> dict[str, float]:
    """Characters of the answers that were given."""
    sizes = [float(len(r.reply.answer)) for r in results if r.reply.status == "answered"]
    return {"mean": metrics.mean(sizes), "p50": metrics.percentile(sizes, 50), "p95": metrics.percentile(sizes, 95)}


def stages(results: Sequence[Result]) -> dict[str, int]:
    """How many wrong cases each stage lost."""
    return dict(Counter(r.stage for r in results if r.stage))


def as_json(figures: Mapping[str, Figure]) -> dict[str, dict[str, float]]:
    return {name: asdict(f) for name, f in figures.items()}
