"""The report as one self-contained HTML page: it opens from disk, with no network. Plots are inline SVG made here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval import metrics
from eval.gate import Comparison, passes
from eval.record import Record, dumps
from eval.score import LOWER_IS_BETTER
from eval.stages import STAGES
from eval.text import STAGE_ZH, ZH, shown, verdict_line

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
TILES = (
    "right and cited", "right", "hit@1", "hit@5", "refusal recall", "false refusal rate", "wrong numbers", "CRAG",
)  # fmt: skip
KINDS = ("type", "language", "persona", "section", "guide")
TYPE_ZH = {
    "lookup": "查条款", "item": "查细项", "numeric": "数字", "list": "列举", "yesno": "是否", "compare": "比较", "followup": "追问",
    "ambiguous": "含糊", "false_premise": "错误前提", "unanswerable": "指南未载", "ood": "题外", "injection": "注入",
    "applicant": "申报人", "helpdesk": "咨询台", "foreign_partner": "外方", "attacker": "攻击者",
}  # fmt: skip
LENGTH = 300  # characters of a hit's text that the page keeps; a cited clause is kept whole


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters["shown"] = lambda value, name, signed=False: shown(name, value, signed)
    return env


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)


# ── plots ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _line(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def sparkline(values: Sequence[float | None], width: int = 66, height: int = 24) -> Markup:
    """A trend without axes; nothing for fewer than two runs."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return _markup("")
    low, high = min(known), max(known)
    scale = (high - low) or 1.0
    step = (width - 6) / (len(known) - 1)
    points = [(3 + i * step, height - 4 - (v - low) / scale * (height - 8)) for i, v in enumerate(known)]
    x, y = points[-1]
    return _markup(
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<polyline points="{_line(points)}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/></svg>'
    )


class _Axes:
    """A small plot. Each axis has a range and says whether its ticks are per cent."""

    width, height, left, right, top, bottom = 320, 226, 40, 18, 26, 34

    def __init__(
        self, label: str, x: str, y: str, xs: tuple[float, float] = (0, 1), ys: tuple[float, float] = (0, 1),
        percent: tuple[bool, bool] = (True, True), ticks: int = 4,
    ) -> None:  # fmt: skip
        self.xs, self.ys = xs, ys
        self.parts = [f'<svg class="plot" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{label}">']
        for i in range(5):
            value = ys[0] + (ys[1] - ys[0]) * i / 4
            py = self.at(xs[0], value)[1]
            self.parts.append(
                f'<line class="grid" x1="{self.left}" x2="{self.width - self.right}" y1="{py:.1f}" y2="{py:.1f}"/>'
            )
            self._text(self.left - 5, py + 4, self._tick(value, percent[1]), "end")
        for i in range(ticks + 1):
            value = xs[0] + (xs[1] - xs[0]) * i / ticks
            self._text(self.at(value, ys[0])[0], self.height - self.bottom + 15, self._tick(value, percent[0]), "middle")
        self._text((self.left + self.width - self.right) / 2, self.height - 3, x, "middle", "name")
        self._text(4, 11, y, "start", "name")

    @staticmethod
    def _tick(value: float, percent: bool) -> str:
        return f"{value * 100:.3g}%" if percent else f"{value:.3g}"

    def _text(self, x: float, y: float, text: str, anchor: str, kind: str = "tick") -> None:
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>')

    def at(self, x: float, y: float) -> tuple[float, float]:
        def share(value: float, ends: tuple[float, float]) -> float:
            return min(1.0, max(0.0, (value - ends[0]) / ((ends[1] - ends[0]) or 1.0)))

        wide, high = self.width - self.left - self.right, self.height - self.top - self.bottom
        return (self.left + share(x, self.xs) * wide, self.top + (1 - share(y, self.ys)) * high)

    def add(self, svg: str) -> None:
        self.parts.append(svg)

    def done(self) -> Markup:
        return _markup("".join((*self.parts, "</svg>")))


def risk_coverage_plot(points: Sequence[Sequence[float]]) -> Markup:
    """Share wrong among the most confident answers, over the share that is kept."""
    top = max((risk for _, risk in points), default=0.0)
    y_max = next(t for t in (0.05, 0.1, 0.2, 0.4, 1.0) if t >= top)
    axes = _Axes("risk coverage", "覆盖 coverage", "风险 risk", ys=(0, y_max))
    axes.add(f'<polyline class="curve" points="{_line([axes.at(c, r) for c, r in points])}"/>')
    return axes.done()


def reliability_plot(rows: Sequence[Sequence[float]]) -> Markup:
    """Share right over confidence, a dot a bin, its area by the number of cases; the diagonal is perfect."""
    axes = _Axes("reliability", "置信度 confidence", "正确率 right")
    start, end = axes.at(0, 0), axes.at(1, 1)
    axes.add(f'<line class="ideal" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>')
    most = max((n for _, _, n in rows), default=1)
    axes.add(f'<polyline class="curve thin" points="{_line([axes.at(c, r) for c, r, _ in rows])}"/>')
    for confidence, right, count in rows:
        x, y = axes.at(confidence, right)
        radius = 2.5 + 7 * (count / most) ** 0.5
        title = f"{count:.0f} cases, confidence {confidence:.2f}, right {right:.2f}"
        axes.add(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{title}</title></circle>')
    return axes.done()


def histogram(values: Sequence[float], bins: int = 20) -> Markup:
    """Latencies in milliseconds, the slowest hundredth in the last bar."""
    top = metrics.percentile(values, 99) if values else 1.0
    top = max(top, 1e-3) * 1.0001
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(value / top * bins))] += 1
    most = max(counts, default=1) or 1
    axes = _Axes("latency", "毫秒 ms", "题 cases", (0, top), (0, -(-most // 4) * 4), percent=(False, False))
    for i, count in enumerate(counts):
        if count:
            x, y = axes.at(top * i / bins, count)
            x2, base = axes.at(top * (i + 1) / bins, 0)
            axes.add(
                f'<rect class="bar" x="{x + 0.5:.1f}" y="{y:.1f}" width="{x2 - x - 1:.1f}" height="{base - y:.1f}">'
                f"<title>{count}</title></rect>"
            )
    return axes.done()


def trend(rows: Sequence[Mapping[str, Any]], name: str) -> Markup:
    """One figure over the stored runs; the axis starts where the figure needs it, so that small steps show."""
    values = [v for r in rows if (v := r["figures"].get(name)) is not None]
    if len(values) < 2:
        return _markup("")
    last = len(values) - 1
    floor = max(0.0, min(int((min(values) - 0.01) * 20) / 20, 0.95))
    axes = _Axes("trend", f"最近 {len(values)} 次 runs", "", (1, last + 1), (floor, 1), (False, True), ticks=min(last, 4))
    points = [axes.at(i, v) for i, v in enumerate(values, 1)]
    axes.add(f'<polyline class="curve" points="{_line(points)}"/>')
    for (x, y), row in zip(points, (r for r in rows if r["figures"].get(name) is not None), strict=True):
        kind = "dot bad" if row.get("broken") else "dot"
        when = str(row["at"])[:16].replace("T", " ")
        axes.add(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{_escaped(when)}</title></circle>')
    return axes.done()


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────


def _tiles(record: Record, comparison: Comparison | None, past: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for name in TILES:
        figure = record["figures"][name]
        change = comparison.figures.get(name) if comparison else None
        moved = change.after - change.before if change else 0.0
        good = moved * (-1 if name in LOWER_IS_BETTER else 1) > 0
        out.append({
            "name": name, "zh": ZH[name], "value": shown(name, figure["value"]), "n": figure["n"],
            "interval": f"{shown(name, figure['low'])} – {shown(name, figure['high'])}" if figure["n"] else "",
            "moved": shown(name, moved, signed=True) if change and abs(moved) > 1e-9 else "",
            "tone": "" if not change or abs(moved) <= 1e-9 else "up" if good else "down",
            "sure": bool(change and change.significant),
            "spark": sparkline([r["figures"].get(name) for r in past]),
        })  # fmt: skip
    return out


def _bars(record: Record, kind: str) -> list[dict[str, Any]]:
    """Right and cited of each group; where there are many, those that lost most cases."""
    rows = []
    for group, figures in record["groups"][kind].items():
        figure = figures["right and cited"]
        rows.append({
            "name": group, "zh": TYPE_ZH.get(group, ""), "value": figure["value"], "low": figure["low"], "high": figure["high"],
            "n": figure["n"],
        })  # fmt: skip
    if len(rows) > 14:
        return sorted(rows, key=lambda r: (-(1 - r["value"]) * r["n"], r["name"]))[:14]
    return rows


def _row(case: Mapping[str, Any], comparison: Comparison | None) -> dict[str, Any]:
    became = ""
    if comparison:
        became = next(
            (n for n in ("broken", "mended", "new", "changed") if case["id"] in getattr(comparison, n)), ""
        )
    state = "pass" if passes(case) else "uncited" if case["right"] else "fail"
    return {
        "id": case["id"], "state": state, "became": became, "type": case["type"], "type_zh": TYPE_ZH.get(case["type"], case["type"]),
        "lang": case["lang"], "half": case["half"], "stage": case["stage"] or "", "guide": case.get("guide", ""),
        "asked": " → ".join((*case.get("history", ()), case["question"])), "status": case["status"],
        "numbers": "1" if case["wrong_numbers"] else "", "draft": bool(case.get("draft")),
        "ms": case["latency_ms"], "confidence": case["confidence"],
    }  # fmt: skip


def _data(record: Record) -> Markup:
    """What the cases open to, as JSON in the page. "<" is written so that no text of a case can end the element."""
    cited = {c["clause"] for case in record["cases"] for c in case["citations"]}
    # Clauses by number: each is hit by hundreds of cases, and an id is long.
    numbers = {key: n for n, key in enumerate(record["clauses"])}
    clauses = [
        row if key in cited or len(row["text"]) <= LENGTH else {**row, "text": row["text"][:LENGTH] + "…"}
        for key, row in record["clauses"].items()
    ]
    keep = (
        "id", "question", "history", "expect", "facts", "forbid", "evidence", "note", "status", "answer", "understood",
        "confidence", "latency_ms", "why", "pieces", "stage", "wrong_numbers", "error",
    )  # fmt: skip
    cases = [
        {k: case[k] for k in keep if case.get(k)}
        | {"citations": [[numbers[c["clause"]], int(c["evidence"]), c["spans"]] for c in case["citations"]]}
        | {"hits": [[numbers[h["clause"]], int(h["evidence"]), h["score"]] for h in case["hits"]]}
        for case in record["cases"]
    ]
    text = dumps({"clauses": clauses, "cases": cases, "stages": STAGE_ZH})
    return _markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _when(iso: str) -> str:
    return dt.datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M UTC")


def html(record: Record, comparison: Comparison | None = None, past: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page. `past` is rows of `eval.history`, oldest first, this run the last."""
    zh, en = verdict_line(record, comparison)
    cases = sorted(record["cases"], key=lambda c: (passes(c), STAGES.index(c["stage"]) if c["stage"] else 9, c["id"]))
    rows = [_row(c, comparison) for c in cases]
    template = _environment().get_template("report.html.j2")
    return template.render(
        r=record,
        c=comparison,
        zh=zh,
        en=en,
        when=_when(record["at"]),
        tiles=_tiles(record, comparison, past),
        bars={kind: _bars(record, kind) for kind in KINDS if len(record["groups"][kind]) > 1},
        ZH=ZH,
        STAGE_ZH=STAGE_ZH,
        TYPE_ZH=TYPE_ZH,
        stages=sorted(record["stages"].items(), key=lambda x: -x[1]),
        plots={
            "trend": trend(past, "right and cited"),
            "risk": risk_coverage_plot(record["calibration"]["risk_coverage"]),
            "reliability": reliability_plot(record["calibration"]["reliability"]),
            "latency": histogram([c["latency_ms"] for c in record["cases"] if not c["error"]]),
        },
        rows=rows,
        choices={k: sorted({r[k] for r in rows if r[k]}) for k in ("type", "lang", "half", "stage", "guide", "status")},
        data=_data(record),
    )
