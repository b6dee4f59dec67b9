"""The report as Markdown, readable in a terminal as it stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from eval.gate import Comparison, passes
from eval.record import Record
from eval.score import HEADLINE, LOWER_IS_BETTER

AS_NUMBER = frozenset({"MRR", "nDCG@10", "CRAG"})  # shown as 0.87; the rest as per cent
STAGE_ZH = {
    "crash": "出错", "parsing": "解析", "understanding": "理解", "retrieval": "检索", "ranking": "排序", "composing": "作答",
    "verification": "核对", "refusal": "拒答",
}  # fmt: skip
ZH = {
    "right": "正确", "right and cited": "正确且有出处", "CRAG": "CRAG 得分", "wrong numbers": "错误数字",
    "refusal recall": "该拒即拒", "refusal precision": "拒得其所", "false refusal rate": "误拒率", "MRR": "MRR",
    "hit@1": "首条命中", "hit@3": "前三命中", "hit@5": "前五命中", "hit@10": "前十命中", "recall@5": "前五召回", "recall@10": "前十召回",
    "nDCG@10": "nDCG@10", "citation recall": "出处召回", "citation precision": "出处精度", "span precision": "引文精度",
    "span recall": "引文召回", "ECE": "校准误差", "AURC": "风险面积",
    "type": "类型", "language": "语言", "persona": "提问者", "section": "章节", "guide": "指南",
}  # fmt: skip


def shown(name: str, value: float | None, signed: bool = False) -> str:
    """A figure as people read it: 96.2 %, or 0.874."""
    if value is None or value != value:
        return "–"
    sign = "+" if signed else ""
    text = f"{value:{sign}.3f}" if name in AS_NUMBER else f"{value * 100:{sign}.1f} %"
    return text.replace("-", "−")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns also line up in a terminal; the first column left, the others right."""
    widths = [max(_width(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            c + " " * (w - _width(c)) if i == 0 else " " * (w - _width(c)) + c
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join((line(head), rule, *map(line, rows)))


def verdict_line(record: Record, comparison: Comparison | None) -> tuple[str, str]:
    """What happened, in one sentence, in Chinese and in English."""
    value = shown("right and cited", record["figures"]["right and cited"]["value"])
    asked = record["counts"]["asked"]
    zh, en = f"{asked} 题，{value} 正确且有出处", f"{asked} cases, {value} right and cited"
    if comparison is None:
        return f"{zh}；尚无基线。", f"{en}; no baseline yet."
    parts_zh = [f"{len(comparison.broken)} 题变差" if comparison.broken else "没有变差的题"]
    parts_en = [f"{len(comparison.broken)} broken" if comparison.broken else "none broken"]
    if comparison.mended:
        parts_zh.append(f"{len(comparison.mended)} 题变好")
        parts_en.append(f"{len(comparison.mended)} mended")
    if comparison.gone:
        parts_zh.append(f"{len(comparison.gone)} 题未能评测")
        parts_en.append(f"{len(comparison.gone)} not asked any more")
    if comparison.slower:
        parts_zh.append(f"用时为基线的 {comparison.latency_ratio:.2f} 倍")
        parts_en.append(f"{comparison.latency_ratio:.2f} × the time of the baseline")
    return f"{zh}；{'，'.join(parts_zh)}。", f"{en}; {', '.join(parts_en)}."


def _figures(record: Record, comparison: Comparison | None) -> str:
    rows = []
    for name, f in record["figures"].items():
        halves = [shown(name, record["halves"].get(h, {}).get(name, {}).get("value")) for h in ("tune", "check")]
        change = comparison.figures.get(name) if comparison else None
        moved = shown(name, change.after - change.before, signed=True) if change else "–"
        mark = " *" if change and change.significant else ""
        interval = f"{shown(name, f['low'])} – {shown(name, f['high'])}" if f["n"] else "–"
        rows.append([f"{ZH[name]} {name}", shown(name, f["value"]), interval, str(f["n"]), *halves, moved + mark])
    return table(["指标 figure", "值 value", "95 %", "n", "tune", "check", "较基线 change"], rows)


def _by(record: Record, kind: str) -> str:
    names = [n for n in HEADLINE if n not in ("false refusal rate", "wrong numbers", "CRAG")]
    rows = [
        [group, str(f["right"]["n"]), *(shown(n, f[n]["value"]) for n in names)]
        for group, f in record["groups"][kind].items()
    ]
    return table([f"{ZH[kind]} {kind}", "n", *names], rows)


def case_lines(row: Mapping[str, Any]) -> str:
    """A case that failed, with the pieces to see why."""
    asked = " → ".join((*row.get("history", ()), row["question"]))
    facts = "; ".join(" / ".join(g[:2]) for g in row["facts"])
    out = [
        f"- **{row['id']}** [{row['type']}, {row['lang']}] {asked}",
        f"  - 应 expected: {row['expect']}{'：' + facts if facts else ''}",
        f"  - 答 said: {row['status']} ({row['confidence']:.2f}) {row['answer'][:240]!r}",
        f"  - 因 why: {'; '.join(row['why'])}; 环节 stage: {row['stage']}",
    ]
    return "\n".join((*out, *(f"  - {piece}" for piece in row["pieces"])))


def markdown(record: Record, comparison: Comparison | None = None, *, cases: bool = True) -> str:
    """The whole report; `cases` lists every case that is not right and cited."""
    zh, en = verdict_line(record, comparison)
    latency, length, calibration = record["latency"], record["length"], record["calibration"]
    skipped = record["counts"]["skipped"]
    out = [f"# 评测 Evaluation {record['at']}", f"{zh}\n{en}", _figures(record, comparison)]
    if comparison and any(d.significant for d in comparison.figures.values()):
        out.append("\\* 在相同题目上变化显著 significant on the same cases (p < 0.05)")
    facts = [
        f"用时 latency: p50 {latency['p50']:.1f} ms, p95 {latency['p95']:.1f} ms, 其中向量化 embedding share "
        f"{shown('share', latency['embedding share'])}, 其余 beyond embedding p50 {latency['beyond embedding p50']:.1f} ms",
        f"校准 calibration: ECE {calibration['ECE']:.3f}, AURC {calibration['AURC']:.3f}, Brier {calibration['Brier']:.3f}",
        f"答案长度 answer length: mean {length['mean']:.0f}, p95 {length['p95']:.0f} 字 characters",
        f"本次 this run: {record['counts']['asked']} cases, {record['seconds']:.1f} s"
        + (f", {skipped} skipped (guide not loaded 指南未载入)" if skipped else ""),
    ]
    if record.get("repeatability"):
        r = record["repeatability"]
        facts.append(f"可重复性 repeatability: {shown('', r['share'])} of {r['cases']} cases in {r['runs']} fresh processes")
    out.append("\n".join(f"- {f}" for f in facts))
    out += [_by(record, "type"), _by(record, "language")]
    if record["stages"]:
        rows = [[f"{STAGE_ZH[s]} {s}", str(n)] for s, n in sorted(record["stages"].items(), key=lambda x: -x[1])]
        out.append(table(["环节 stage", "失分 lost"], rows))
    if comparison:
        out += _changes(comparison)
    failed = [row for row in record["cases"] if not passes(row)]
    if cases and failed:
        out.append("## 未通过 Not right and cited\n\n" + "\n".join(map(case_lines, failed)))
    return "\n\n".join(out) + "\n"


def _changes(c: Comparison) -> list[str]:
    rows = [
        ("变差 broken", c.broken), ("变好 mended", c.mended), ("新题 new", c.new), ("改过的题 reworded", c.changed),
        ("未评测 gone", c.gone),
    ]  # fmt: skip
    lines = [f"- {name}: {', '.join(ids[:40])}{' …' if len(ids) > 40 else ''}" for name, ids in rows if ids]
    return ["## 较基线 Against the baseline\n\n" + "\n".join(lines)] if lines else []


__all__ = ["AS_NUMBER", "LOWER_IS_BETTER", "STAGE_ZH", "ZH", "case_lines", "markdown", "shown", "table", "verdict_line"]
