"""The nightly run: bring the index up to date, ask every case, compare with the accepted result, write the report, keep
the history. On a drop it writes a short message in Chinese and English and, where a webhook is set, posts it.

exit codes: 0 nothing got worse, 1 something did or the run failed (the message says what), 2 wrong usage
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot import settings as bot_settings
from bot.errors import BotError
from bot.settings import Settings
from eval import gate
from eval.__main__ import OUT, TODAY, repeated, select, validate, write_report
from eval.__main__ import parser as eval_parser
from eval.cases import GUIDES_DIR, CasesError
from eval.gate import BaselineError, Comparison
from eval.record import Record, circumstances, record, write
from eval.run import Run, build, evaluate
from eval.text import STAGE_ZH, verdict_line

MESSAGE = "message.txt"
LISTED = 5  # broken cases that the message names
WECOM_BYTES = 4096  # most that WeCom takes
FORMATS = ("wecom", "dingtalk", "slack")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a night came to. `message` is empty when nothing got worse."""

    ok: bool
    message: str = ""


def drops(data: Record, comparison: Comparison | None, problems: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Each thing that got worse, in Chinese and in English."""
    out: list[tuple[str, str]] = []
    if problems:
        out.append((f"题集有 {len(problems)} 处问题：{problems[0]}", f"{len(problems)} faults in the question sets: {problems[0]}"))
    repeatable = data.get("repeatability") or {}
    if repeatable.get("fault"):
        out.append((f"重复提问未能进行：{repeatable['fault']}", f"could not be asked again: {repeatable['fault']}"))
    if repeatable.get("differ"):
        ids = ", ".join(repeatable["differ"][:LISTED])
        out.append((f"重复提问答案不一：{ids}", f"not the same answer every time: {ids}"))
    if comparison is None:
        return out
    rows = {row["id"]: row for row in data["cases"]}
    for case_id in comparison.broken[:LISTED]:
        row = rows[case_id]
        stage = row["stage"] or "composing"
        out.append((
            f"变差 {case_id}（{STAGE_ZH[stage]}）{row['question'][:40]}",
            f"broken {case_id} ({stage}): {'; '.join(row['why'])[:80]}",
        ))  # fmt: skip
    more = len(comparison.broken) - LISTED
    if more > 0:
        out.append((f"另有 {more} 题变差", f"{more} more broken"))
    if comparison.gone:
        out.append((f"{len(comparison.gone)} 题未能评测（指南缺失？）", f"{len(comparison.gone)} cases not asked any more (guide missing?)"))
    if comparison.slower:
        ratio = f"{comparison.latency_ratio:.2f}"
        out.append((f"用时为基线的 {ratio} 倍", f"{ratio} times as slow as the baseline"))
    return out


def compose(data: Record, comparison: Comparison | None, worse: Sequence[tuple[str, str]], report: Path) -> str:
    """The message: what happened in one line, then each drop; Chinese, then English."""
    zh, en = verdict_line(data, comparison)
    day = data["at"][:10]
    lines = [f"【申报指南问答评测】{day} {zh}", *(f"· {z}" for z, _ in worse), f"报告：{report}", ""]
    lines += [f"[Guide bot evaluation] {day} {en}", *(f"· {e}" for _, e in worse), f"Report: {report}"]
    return "\n".join(lines) + "\n"


def payload(message: str, style: str) -> dict[str, Any]:
    """The JSON that a group robot of WeCom or DingTalk, or a Slack incoming webhook, takes."""
    if style == "wecom":
        cut = message.encode("utf-8")[: WECOM_BYTES - 16].decode("utf-8", "ignore")
        return {"msgtype": "markdown", "markdown": {"content": cut}}
    if style == "dingtalk":
        title = message.splitlines()[0][:60]
        return {"msgtype": "markdown", "markdown": {"title": title, "text": message.replace("\n", "\n\n")}}
    if style == "slack":
        escaped = message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return {"text": escaped}
    raise BotError(f"webhook_format {style!r} is unknown; one of {', '.join(FORMATS)}")


def post(message: str, url: str, style: str, *, tries: int = 3, pause: float = 2.0) -> None:
    """Send the message. Raises BotError when it was not taken; the address, which is a secret, is not in its words."""
    import httpx

    body = payload(message, style)
    fault = ""
    for attempt in range(tries):
        if attempt:
            time.sleep(pause * attempt)
        try:
            reply = httpx.post(url, json=body, timeout=10.0, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fault = type(error).__name__
            continue
        fault = _refusal(reply.status_code, reply.text, style)
        if not fault:
            return
        if reply.status_code < 500 and reply.status_code != 429:
            break  # it will not be taken the next time either
    raise BotError(f"the webhook ({style}) did not take the message: {fault}; check webhook_url and webhook_format")


def _refusal(status: int, text: str, style: str) -> str:
    """Why a message was not taken, "" if it was. WeCom and DingTalk answer 200 with an error code in the body."""
    if status != 200:
        return f"HTTP {status}"
    if style == "slack":
        return "" if text.strip() == "ok" else text[:100]
    try:
        answer = json.loads(text)
    except ValueError:
        return "the answer is not JSON"
    code = answer.get("errcode") if isinstance(answer, dict) else None
    return "" if code == 0 else f"errcode {code}: {str(answer)[:100]}"


def steady(run: Run, again: Run) -> Run:
    """The run with the shorter of two times of each case: a busy machine makes some slower, never faster."""
    times = {r.case.id: r.reply for r in again.results}

    def quicker(reply: Any, other: Any) -> Any:
        return replace(reply, latency_ms=other.latency_ms, embed_ms=other.embed_ms) if other.latency_ms < reply.latency_ms else reply

    results = tuple(replace(r, reply=quicker(r.reply, times.get(r.case.id, r.reply))) for r in run.results)
    return replace(run, results=results)


def _repeated(run: Run, settings: Settings, count: int) -> Mapping[str, Any] | None:
    """A failure here is one drop among others; the report is still worth having."""
    try:
        return repeated(run, settings, count)
    except BotError as error:
        return {"share": None, "cases": 0, "runs": 0, "differ": [], "fault": str(error)}


def night(settings: Settings, out: Path, baseline_file: Path, *, repeat: int = 50) -> Outcome:
    """One whole night. Raises BotError, CasesError or BaselineError when it cannot be done at all."""
    build(settings)
    selection = select(eval_parser().parse_args([]))
    problems = validate(selection, settings, GUIDES_DIR)
    run = evaluate(selection.asked, settings)
    where = circumstances(settings, run.index)
    data = record(run, selection.whole, where, _repeated(run, settings, repeat))
    baseline = gate.read(baseline_file)
    comparison = gate.compare(data, baseline) if baseline else None
    if baseline and comparison and comparison.slower:  # measured again before anybody is woken
        run = steady(run, evaluate(selection.asked, settings))
        data = record(run, selection.whole, where, data["repeatability"])
        comparison = gate.compare(data, baseline)
    write_report(data, comparison, out, whole=True)
    worse = drops(data, comparison, problems)
    message = compose(data, comparison, worse, out / "report.html") if worse else ""
    print("\n".join(verdict_line(data, comparison)))
    return Outcome(not worse, message)


def tell(message: str, settings: Settings, out: Path) -> None:
    """Write the message, print it, and post it where a webhook is set. A webhook that fails is said, not raised."""
    write(out / MESSAGE, message)
    print(message, end="", file=sys.stderr)
    if settings.webhook_url:
        try:
            post(message, settings.webhook_url, settings.webhook_format)
        except BotError as error:
            print(f"eval.nightly: {error}", file=sys.stderr)


def failed(error: Exception) -> str:
    return f"【申报指南问答评测】未能运行：{error}\n\n[Guide bot evaluation] could not run: {error}\n"


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m eval.nightly", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", type=Path, metavar="DIR", help="index to bring up to date and ask (default: index/)")
    p.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"report, history and message (default: {OUT})")
    p.add_argument("--baseline", type=Path, default=gate.BASELINE, metavar="FILE", help="accepted result")
    p.add_argument("--repeat", type=int, default=50, metavar="N", help="cases asked again in fresh processes (default: 50)")
    args = p.parse_args(argv)
    settings = Settings()
    try:
        settings = bot_settings.load({"index": args.index}, environ=environ)
        settings = settings if settings.today else replace(settings, today=TODAY)
        outcome = night(settings, args.out, args.baseline, repeat=args.repeat)
    except (BotError, CasesError, BaselineError, OSError) as error:
        outcome = Outcome(False, failed(error))
    if outcome.message:
        tell(outcome.message, settings, args.out)
    elif outcome.ok:
        (args.out / MESSAGE).unlink(missing_ok=True)  # yesterday's drop is mended
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
