"""Fit the map from the bot's raw confidence to the chance of being right, on the tune half; report it on the check half.

The map is Platt's: confidence = 1 / (1 + exp(−(a · logit(raw) + b))), with an a and a b for each status, a > 0, so it
never changes an order within a status. It is written as data for the bot (TOML: [answered] a, b; [refused]; [clarify]).
"""

from __future__ import annotations

import argparse
import math
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import settings as bot_settings
from bot.errors import BotError
from eval import metrics
from eval import run as runner
from eval.__main__ import TODAY
from eval.cases import CasesError, halves, load
from eval.record import hand_out

FILE = Path(__file__).parent.parent / "bot" / "lexicon" / "confidence.toml"
STATUSES = ("answered", "refused", "clarify")
CLIP = 0.01  # raw values are kept this far from 0 and 1, where the logit has no end
LEAST_SLOPE = 0.05


@dataclass(frozen=True, slots=True)
class Platt:
    a: float = 1.0
    b: float = 0.0

    def __call__(self, raw: float) -> float:
        return _sigmoid(self.a * _logit(raw) + self.b)

    def inverse(self, confidence: float) -> float:
        """The raw value that the map gave this confidence for."""
        return _sigmoid((_logit(confidence, 1e-9) - self.b) / self.a)


def _logit(p: float, clip: float = CLIP) -> float:
    p = min(1 - clip, max(clip, p))
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def fit(raw: Sequence[float], right: Sequence[bool], strength: float = 1.0, rounds: int = 100) -> Platt:
    """Maximum likelihood with a pull of `strength` towards a = 1, b = 0 (few cases say little), by Newton's method.

    Targets are Platt's: (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2), so that a clean half does not promise certainty.
    """
    good = sum(right)
    high, low = (good + 1) / (good + 2), 1 / (len(right) - good + 2)
    xs, ts = [_logit(r) for r in raw], [high if r else low for r in right]
    a, b = 1.0, 0.0
    for _ in range(rounds):
        ga, gb, haa, hab, hbb = strength * (a - 1), strength * b, strength, 0.0, strength
        for x, t in zip(xs, ts, strict=True):
            p = _sigmoid(a * x + b)
            w = p * (1 - p)
            ga, gb = ga + (p - t) * x, gb + (p - t)
            haa, hab, hbb = haa + w * x * x, hab + w * x, hbb + w
        det = haa * hbb - hab * hab
        step_a, step_b = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        scale = min(1.0, 2.0 / max(abs(step_a), abs(step_b), 1e-12))  # no leap on a nearly separable half
        a, b = max(LEAST_SLOPE, a - scale * step_a), b - scale * step_b
        if abs(step_a) + abs(step_b) < 1e-9:
            break
    return Platt(round(a, 4), round(b, 4))


def read(path: Path) -> dict[str, Platt]:
    """The maps of a file; none where there is no file."""
    if not path.is_file():
        return {}
    data = tomllib.loads(path.read_text("utf-8"))
    return {s: Platt(float(data[s]["a"]), float(data[s]["b"])) for s in STATUSES if s in data}


def toml(maps: Mapping[str, Platt], counts: Mapping[str, int]) -> str:
    lines = [
        "# Fitted on the tune half of the cases by `python -m eval.calibrate`:",
        "# confidence = 1 / (1 + exp(-(a * logit(raw) + b))), raw kept between 0.01 and 0.99.",
    ]
    for status, platt in maps.items():
        lines += ["", f"[{status}] # {counts[status]} cases", f"a = {platt.a}", f"b = {platt.b}"]
    return "\n".join(lines) + "\n"


def _figures(name: str, confidence: Sequence[float], right: Sequence[bool]) -> str:
    return (
        f"  {name:<22} n {len(right):>4}  ECE {metrics.expected_calibration_error(confidence, right):.3f}"
        f"  Brier {metrics.brier(confidence, right):.3f}  AURC {metrics.area_under_risk_coverage(confidence, right):.3f}"
        f"  mean confidence {metrics.mean(confidence):.3f}, right {metrics.mean(map(float, right)):.3f}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m eval.calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", type=Path, metavar="DIR", help="index to ask (default: index/)")
    p.add_argument("--cases", type=Path, nargs="+", default=[], metavar="FILE", help="question sets (default: eval/cases/)")
    p.add_argument("--each-guide", type=Path, metavar="DIR", help="ask cases that name a file of DIR against that file alone")
    p.add_argument("--raw", action="store_true", help="the bot does not apply the present map: its confidence is raw")
    p.add_argument("--map", type=Path, default=FILE, metavar="FILE", help="the map that the bot applies (default: its own)")
    p.add_argument("--out", type=Path, metavar="FILE", help="write the new map there (default: only print)")
    args = p.parse_args(argv)
    try:
        cases = [c for c in load(args.cases) if not c.draft]
        settings = bot_settings.load({"index": args.index, "today": TODAY})
        results = runner.evaluate(cases, settings, args.each_guide).results
    except (BotError, CasesError) as error:
        print(f"eval.calibrate: {error}", file=sys.stderr)
        return 1
    if all(r.reply.error for r in results):
        print(f"eval.calibrate: the bot answered nothing: {results[0].reply.error if results else 'no case'}", file=sys.stderr)
        return 1
    present = {} if args.raw else read(args.map)
    half = halves(cases)
    rows = [
        (half[r.case.id], r.reply.status, present.get(r.reply.status, Platt()).inverse(r.reply.confidence), r.verdict.right)
        for r in results if r.reply.status in STATUSES
    ]  # fmt: skip
    maps, counts = {}, {}
    for status in STATUSES:
        own = [(raw, right) for h, s, raw, right in rows if h == "tune" and s == status]
        if own:
            maps[status], counts[status] = fit([raw for raw, _ in own], [right for _, right in own]), len(own)
    for name in ("tune", "check"):
        part = [r for r in rows if r[0] == name]
        right = [r[3] for r in part]
        print(_figures(f"{name}, raw", [r[2] for r in part], right))
        print(_figures(f"{name}, fitted", [maps.get(r[1], Platt())(r[2]) for r in part], right))
    text = toml(maps, counts)
    hand_out(text, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
