"""Fit how much each sign weighs when sentences are ranked (`bot/ranking.py`), on the tune half; report on the check half.

For every question that a guide answers, the sentences that hold its evidence should come before all others: a softmax
over the candidates with a pull of the weights towards zero, by gradient ascent with Adam. Guides weigh alike, however
many questions each has. `--across` fits once for every guide without it and reports on it: what to expect of a guide
that nobody has seen.

    python -m eval.ranker                  fit, compare with the fused order and with the weights in use
    python -m eval.ranker --across         the same with each guide left out in turn
    python -m eval.ranker --out FILE       write the new weights
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot import settings as bot_settings
from bot.errors import BotError
from bot.passages import ALSO_SURE, ENOUGH_SIGNS, likely_count
from bot.ranking import FEATURES, weights
from bot.settings import Settings
from eval import metrics
from eval.__main__ import TODAY
from eval.cases import GUIDES_DIR, Case, CasesError, halves, load, normal
from eval.judge import under
from eval.record import hand_out
from eval.run import build, file_named, index_name, kept_index, open_bot, place_of_clause
from eval.text import table

FILE = Path(__file__).parent.parent / "bot" / "lexicon" / "ranking.toml"
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One question: its candidates' features (sentence × feature), which of them hold its evidence, their clauses, and
    the signs of whether the guide answers it."""

    case: Case
    guide: str
    features: Vector
    held: Vector
    clauses: tuple[str, ...]
    signs: Vector

    @property
    def answered(self) -> bool:
        return self.case.expect != "refuse"


def example(case: Case, guide: str, bot: Any) -> Example | None:
    """None for a question that finds nothing."""
    found, signs = bot.weighed(case.question, case.history)
    if not found:
        return None
    held = [any(_told(clause, sentence, e) for e in case.evidence) for clause, sentence, _ in found]
    rows = np.array([row for _, _, row in found], dtype=np.float64)
    ids = tuple(c.clause_id for c, _, _ in found)
    return Example(case, guide, rows, np.array(held, dtype=np.float64), ids, np.array(signs))


def _told(clause: Any, sentence: Any, evidence: Any) -> bool:
    """Whether a sentence holds a piece of evidence, or a part of it where it goes over several."""
    said, quote = normal(clause.text[slice(*sentence.span)]), normal(evidence.quote)
    whole = quote in said or quote in normal(f"{clause.label}：{clause.text[slice(*sentence.span)]}")
    return under(place_of_clause(clause), evidence.section) and (whole or (len(said) > 3 and said in quote))


def examples(cases: Sequence[Case], settings: Settings) -> list[Example]:
    """Those of made-up guides from an index of each alone, the rest from the index of the settings."""
    out: list[Example] = []
    files = {c.id: file_named(c.guide, GUIDES_DIR) for c in cases}
    for file in sorted({f for f in files.values() if f}) + [None]:
        with ExitStack() as stack:
            own = settings
            if file is not None:
                own = replace(settings, index=stack.enter_context(kept_index(index_name(file))))
                build(own, [file])
            _, bot = open_bot(own)
            for case in (c for c in cases if files[c.id] == file and c.type != "injection"):
                made = example(case, file.name if file else "", bot)
                out += [made] if made else []
    return out


def fit(rows: Sequence[Example], strength: float = 1e-3, rounds: int = 200) -> Vector:
    """One weight a feature."""
    theta = np.zeros(len(FEATURES))
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    count = Counter(r.guide for r in rows)
    share = np.array([count[r.guide] ** -0.5 for r in rows])
    share /= share.sum()
    for n in range(1, rounds + 1):
        slope = -strength * theta
        for weight, r in zip(share, rows, strict=True):
            score = r.features @ theta
            chance = np.exp(score - score.max())
            chance /= chance.sum()
            right = chance * r.held
            slope += weight * ((right / right.sum() - chance) @ r.features)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        theta = theta + 0.1 * (mean / (1 - 0.9**n)) / (np.sqrt(square / (1 - 0.99**n)) + 1e-8)
    return theta


def fit_enough(rows: Sequence[Example], strength: float = 0.02, rounds: int = 1500) -> Vector:
    """Logistic weights of the signs that the guide answers; answerable questions and others weigh alike."""
    x, y = np.array([r.signs for r in rows]), np.array([float(r.answered) for r in rows])
    middle, scale = x.mean(0), x.std(0)
    middle[0], scale[0] = 0.0, 1.0
    scale[scale == 0] = 1.0
    z = (x - middle) / scale
    weight = np.where(y > 0, 0.5 / max(1.0, y.sum()), 0.5 / max(1.0, (1 - y).sum()))
    pull = np.full(z.shape[1], strength)
    pull[0] = 0.0
    theta = np.zeros(z.shape[1])
    for _ in range(rounds):
        theta += 0.5 * (z.T @ (weight * (y - 1 / (1 + np.exp(-z @ theta)))) - pull * theta)
    plain: Vector = theta / scale
    plain[0] -= float((plain * middle).sum())
    return plain


def told_apart(rows: Sequence[Example], theta: Vector) -> str:
    """Refusal recall and false refusals at a chance of one half."""
    refused = {r.case.id: float(r.signs @ theta) < 0 for r in rows}
    recall = metrics.mean([float(refused[r.case.id]) for r in rows if not r.answered])
    return f"refusal recall {recall:.3f}, false refusals {metrics.mean([float(refused[r.case.id]) for r in rows if r.answered]):.3f}"


def first_right(rows: Sequence[Example], theta: Vector) -> float:
    """Share of the questions whose first clause holds evidence."""
    hits = []
    for r in rows:
        right = {c for c, h in zip(r.clauses, r.held, strict=True) if h}
        hits.append(float(r.clauses[int(np.argmax(r.features @ theta))] in right))
    return metrics.mean(hits)


def fused_right(rows: Sequence[Example]) -> float:
    """The same for the order in which the clauses came."""
    return metrics.mean([float(any(h and c == r.clauses[0] for c, h in zip(r.clauses, r.held, strict=True))) for r in rows])


def told_beside(rows: Sequence[Example], theta: Vector) -> str:
    """How often the sentences that the bot tells beside one another (`bot.passages.with_others`) hold evidence, and how
    many they are."""
    counts, held = [], []
    for r in rows:
        score = r.features @ theta
        order = np.argsort(-score, kind="stable")
        chance = np.exp(score[order] - score.max())
        count = likely_count(list(chance / chance.sum()))
        counts.append(float(count))
        held.append(float(r.held[order[:count]].any()))
    return f"told together {metrics.mean(counts):.2f} sentences, evidence in {metrics.mean(held):.3f} (wanted: {ALSO_SURE})"


def across(rows: Sequence[Example]) -> list[list[str]]:
    """For every guide: questions, fused order, weights fitted on all other guides."""
    out = []
    for guide in sorted({r.guide for r in rows}):
        own, others = [r for r in rows if r.guide == guide], [r for r in rows if r.guide != guide]
        out.append([guide or "corpus/", str(len(own)), f"{fused_right(own):.3f}", f"{first_right(own, fit(others)):.3f}"])
    return out


def toml(theta: Vector, enough: Vector, count: int) -> str:
    lines = [f"# Fitted on {count} questions of the tune half by `python -m eval.ranker`: what a sign adds to a sentence's", "# score, and to the log odds that the guide answers."]
    lines += ["", "[sentence]", *(f"{name} = {value:.3f}" for name, value in zip(FEATURES, theta, strict=True))]
    lines += ["", "[enough]", *(f"{name} = {value:.3f}" for name, value in zip(ENOUGH_SIGNS, enough, strict=True))]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m eval.ranker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", type=Path, metavar="DIR", help="index to ask (default: index/)")
    p.add_argument("--cases", type=Path, nargs="+", default=[], metavar="FILE", help="question sets (default: eval/cases/)")
    p.add_argument("--across", action="store_true", help="leave each guide out in turn")
    p.add_argument("--out", type=Path, metavar="FILE", help="write the new weights there (default: only print)")
    args = p.parse_args(argv)
    try:
        cases = [c for c in load(args.cases) if not c.draft]
        rows = examples(cases, bot_settings.load({"index": args.index, "today": TODAY}))
    except (BotError, CasesError) as error:
        print(f"eval.ranker: {error}", file=sys.stderr)
        return 1
    half: Mapping[str, str] = halves(cases)
    asked, rows = rows, [r for r in rows if r.answered and r.held.any()]
    if args.across:
        print(table(["guide", "n", "fused", "left out"], across(rows)))
        return 0
    tune = [r for r in rows if half[r.case.id] == "tune"]
    theta, present = fit(tune), np.array(weights())
    enough = fit_enough([r for r in asked if half[r.case.id] == "tune"])
    for name in ("tune", "check"):
        part = [r for r in rows if half[r.case.id] == name]
        print(f"{name:<6} n {len(part):>4}  first clause right: fused {fused_right(part):.3f}  in use {first_right(part, present):.3f}  fitted {first_right(part, theta):.3f}")
        print(f"       {told_beside(part, present)}")
        print(f"       n {len([r for r in asked if half[r.case.id] == name]):>4}  {told_apart([r for r in asked if half[r.case.id] == name], enough)}")
    text = toml(theta, enough, len(tune))
    hand_out(text, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
