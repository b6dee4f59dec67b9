"""From judged cases to figures: the headline, and the same by type, language, persona, section, guide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval import metrics
from eval.run import Result


def refusal_pairs(results: Sequence[Result]) -> list[tuple[bool, bool]]:
    """(should refuse, refused) of each case."""
    return [(r.case.expect == "refuse", r.reply.status == "refused") for r in results]


def headline(results: Sequence[Result]) -> dict[str, float]:
    """The figures of one set of cases; nan where no case of the set can show it."""
    ranked = [r for r in results if r.ranked]
    pairs = refusal_pairs(results)
    return {
        "right": metrics.mean(float(r.verdict.right) for r in results),
        "right and cited": metrics.mean(float(r.verdict.right_and_cited) for r in results),
        "hit@1": metrics.mean(metrics.hit_at(r.gains, 1) for r in ranked),
        "hit@5": metrics.mean(metrics.hit_at(r.gains, 5) for r in ranked),
        "refusal recall": metrics.refusal_recall(pairs),
        "refusal precision": metrics.refusal_precision(pairs),
        "false refusal rate": metrics.false_refusal_rate(pairs),
        "CRAG": metrics.mean(metrics.crag_score(r.verdict.right, r.reply.status) for r in results),
    }


def grouped(results: Sequence[Result], key: Callable[[Result], str]) -> dict[str, list[Result]]:
    """Results by key, keys in order."""
    out: dict[str, list[Result]] = {}
    for result in results:
        out.setdefault(key(result), []).append(result)
    return dict(sorted(out.items()))


def rows_by_type(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    return {name: {"n": len(rows), **headline(rows)} for name, rows in grouped(results, lambda r: r.case.type).items()}
