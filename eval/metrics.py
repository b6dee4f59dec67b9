"""Metrics as pure functions, under the names the field uses. Every value lies between 0 and 1 unless said otherwise.

Ranking metrics take `gains`, the gain of each ranked hit, best first: how many pieces of evidence it is the first to
hold. `ideal` is the same for the best possible ranking; its sum is the number of pieces.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence

Interval = tuple[float, float]
Span = tuple[int, int]


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean; nan of nothing, so that an empty group is never mistaken for a bad one."""
    items = list(values)
    return math.fsum(items) / len(items) if items else math.nan


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


# ── ranking ─────────────────────────────────────────────────────────────────────────────────────────────────────


def hit_at(gains: Sequence[float], k: int) -> float:
    """hit@k: 1 if any of the first k hits holds evidence (success@k of trec_eval)."""
    return float(any(g > 0 for g in gains[:k]))


def recall_at(gains: Sequence[float], total: float, k: int) -> float:
    """recall@k: share of all pieces of evidence that stand in the first k hits."""
    return ratio(math.fsum(gains[:k]), total)


def reciprocal_rank(gains: Sequence[float]) -> float:
    """1 / rank of the first hit that holds evidence, 0 if none; its mean is MRR."""
    return next((1.0 / rank for rank, g in enumerate(gains, 1) if g > 0), 0.0)


def dcg(gains: Sequence[float], k: int) -> float:
    """Discounted cumulative gain with linear gain and log2 discount (as trec_eval); not bounded by 1."""
    return math.fsum(g / math.log2(rank + 1) for rank, g in enumerate(gains[:k], 1))


def ndcg_at(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    """nDCG@k: DCG over that of the ideal ranking."""
    return ratio(dcg(gains, k), dcg(sorted(ideal, reverse=True), k))


def average_precision(gains: Sequence[float], total: int) -> float:
    """Mean of the precision at each relevant rank; unfound ones count 0."""
    found, precisions = 0, []
    for rank, gain in enumerate(gains, 1):
        if gain > 0:
            found += 1
            precisions.append(found / rank)
    return ratio(math.fsum(precisions), total)


# ── citations and spans ─────────────────────────────────────────────────────────────────────────────────────────


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same characters as disjoint spans in order; empty ones dropped."""
    out: list[Span] = []
    for start, end in sorted(s for s in spans if s[1] > s[0]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def overlap(a: Iterable[Span], b: Iterable[Span]) -> int:
    """Characters that both sets of spans cover."""
    left, right = merged(a), merged(b)
    return sum(max(0, min(e1, e2) - max(s1, s2)) for s1, e1 in left for s2, e2 in right)


def size(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in merged(spans))


def span_precision(used: Sequence[Span], gold: Sequence[Span]) -> float:
    """Characters of the used spans that are gold ÷ characters used (LegalBench-RAG)."""
    return ratio(overlap(used, gold), size(used))


def span_recall(used: Sequence[Span], gold: Sequence[Span]) -> float:
    """Gold characters that were used ÷ gold characters (LegalBench-RAG)."""
    return ratio(overlap(used, gold), size(gold))


# ── refusal, CRAG ───────────────────────────────────────────────────────────────────────────────────────────────


def refusal_recall(pairs: Iterable[tuple[bool, bool]]) -> float:
    """Of the (should refuse, refused) pairs that should, the share that did."""
    return mean(float(did) for should, did in pairs if should)


def refusal_precision(pairs: Iterable[tuple[bool, bool]]) -> float:
    """Of those that refused, the share that should have."""
    return mean(float(should) for should, did in pairs if did)


def false_refusal_rate(pairs: Iterable[tuple[bool, bool]]) -> float:
    """Of those that should not have refused, the share that did."""
    return mean(float(did) for should, did in pairs if not should)


def crag_score(right: bool, status: str) -> float:
    """Right +1; wrong but without an answer 0; a wrong answer −1 (CRAG's truthfulness without its half points)."""
    return 1.0 if right else -1.0 if status == "answered" else 0.0


# ── calibration ─────────────────────────────────────────────────────────────────────────────────────────────────


def reliability(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, count) of each bin of equal width that is not empty."""
    groups: list[list[int]] = [[] for _ in range(bins)]
    for index, value in enumerate(confidence):
        groups[min(bins - 1, max(0, int(value * bins)))].append(index)
    return [(mean(confidence[i] for i in g), mean(float(right[i]) for i in g), len(g)) for g in groups if g]


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """ECE: gap between confidence and share right, averaged over the bins by their counts (Guo et al. 2017)."""
    rows = reliability(confidence, right, bins)
    return ratio(math.fsum(abs(c - r) * n for c, r, n in rows), len(confidence))


def brier(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """Mean squared distance of the confidence from the outcome."""
    return mean((c - float(r)) ** 2 for c, r in zip(confidence, right, strict=True))


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """(coverage, risk) when only the most confident are kept, from few to all; equal confidences are kept together."""
    order = sorted(range(len(confidence)), key=lambda i: -confidence[i])
    points: list[tuple[float, float]] = []
    wrong = 0
    for n, index in enumerate(order, 1):
        wrong += not right[index]
        if n == len(order) or confidence[order[n]] < confidence[index]:
            points.append((n / len(order), wrong / n))
    return points


def area_under_risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """AURC: mean risk over all coverages; the lower, the better the confidence orders right before wrong."""
    points = risk_coverage(confidence, right)
    before, total = 0.0, 0.0
    for coverage, risk in points:
        total += (coverage - before) * risk
        before = coverage
    return total if points else math.nan


# ── reading (SQuAD's measures, by characters) ───────────────────────────────────────────────────────────────────


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1 if the answer equals one of the golds; both sides normalised by the caller."""
    return float(answer in golds)


def character_f1(answer: str, golds: Sequence[str]) -> float:
    """Best F1 of the characters in common, counted with their number, as for Chinese in CMRC and XQuAD."""
    return max((_f1(answer, gold) for gold in golds), default=0.0)


def _f1(answer: str, gold: str) -> float:
    from collections import Counter

    common = sum((Counter(answer) & Counter(gold)).values())
    if not common:
        return float(answer == gold)
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


# ── time, agreement, intervals, significance ────────────────────────────────────────────────────────────────────


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile (0 to 100) by linear interpolation, as numpy; nan of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    at = (len(ordered) - 1) * q / 100
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def repeatability(runs: Sequence[Sequence[str]]) -> float:
    """Share of cases whose text is the same in every run. `runs[r][c]` is what run r said to case c."""
    return mean(float(len(set(said)) == 1) for said in zip(*runs, strict=True))


def bootstrap(
    values: Sequence[float], statistic: Callable[[Sequence[float]], float] = mean, rounds: int = 1000, seed: int = 2026
) -> Interval:
    """95 % percentile interval of a statistic under resampling with replacement; a fixed seed."""
    if not values:
        return (math.nan, math.nan)
    if statistic is mean:
        return _bootstrap_mean(values, rounds, seed)
    rng = random.Random(seed)
    found = sorted(statistic(rng.choices(values, k=len(values))) for _ in range(rounds))
    return (percentile(found, 2.5), percentile(found, 97.5))


def _bootstrap_mean(values: Sequence[float], rounds: int, seed: int) -> Interval:
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = array[rng.integers(0, len(array), (rounds, len(array)))].mean(axis=1)
    return (float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5)))


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided McNemar test: chance of so uneven a split of the changed cases if both runs were equally good."""
    changed = gained + lost
    if not changed:
        return 1.0
    tail = sum(math.comb(changed, i) for i in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / float(2**changed))


def paired_bootstrap(before: Sequence[float], after: Sequence[float], rounds: int = 2000, seed: int = 2026) -> float:
    """Two-sided chance, under resampling of the cases, that the mean difference is not on the side that was seen."""
    differences = [b - a for a, b in zip(before, after, strict=True)]
    if not any(differences):
        return 1.0
    import numpy as np

    array = np.asarray(differences, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = array[rng.integers(0, len(array), (rounds, len(array)))].mean(axis=1)
    below, above = float((means <= 0).mean()), float((means >= 0).mean())
    return min(1.0, 2 * min(below, above))
