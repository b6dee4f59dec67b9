"""python -m eval: ask the bot every case of the question sets and say how right it is."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot import settings as bot_settings
from bot.errors import BotError
from eval import cases as sets
from eval.cases import Case, CasesError
from eval.run import Result, Run, run_each_guide, run_index
from eval.score import headline, rows_by_type


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m eval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  python -m eval\n  python -m eval --half tune --wrong\n"
        "  python -m eval --cases my.jsonl --each-guide my-guides/",
    )
    p.add_argument("--cases", type=Path, nargs="+", default=[], metavar="FILE", help="question sets (default: eval/cases/*.jsonl)")
    p.add_argument("--index", type=Path, metavar="DIR", help="index to ask (default: index/)")
    p.add_argument("--each-guide", type=Path, metavar="DIR", help="cases that name a file of DIR are asked against that file alone")
    p.add_argument("--half", choices=("tune", "check", "all"), default="all", help="which half of the cases (default: all)")
    p.add_argument("--type", nargs="+", default=[], metavar="TYPE", help="only cases of these types")
    p.add_argument("--only", nargs="+", default=[], metavar="ID", help="only these cases")
    p.add_argument("--wrong", action="store_true", help="list every case that is not right and cited")
    p.add_argument("--out", type=Path, metavar="DIR", help="write results.json there")
    return p


def _chosen(args: argparse.Namespace) -> list[Case]:
    cases = sets.load(args.cases)
    if args.half != "all":
        half = sets.halves(cases)
        cases = [c for c in cases if half[c.id] == args.half]
    return [c for c in cases if (not args.type or c.type in args.type) and (not args.only or c.id in args.only)]


def _run(args: argparse.Namespace, cases: Sequence[Case]) -> Run:
    settings = bot_settings.load({"index": args.index})
    folder = args.each_guide or sets.GUIDES_DIR
    with tempfile.TemporaryDirectory() as workdir:
        own = run_each_guide(cases, settings, folder, Path(workdir))
    if args.each_guide or not own.skipped:
        return own
    rest = run_index(own.skipped, settings)
    order = {c.id: i for i, c in enumerate(cases)}
    results = sorted((*own.results, *rest.results), key=lambda r: order[r.case.id])
    return Run(tuple(results), rest.skipped, own.seconds + rest.seconds)


def _percent(value: float) -> str:
    return "  –  " if value != value else f"{value * 100:5.1f}"


def print_summary(run: Run) -> None:
    print(f"{len(run.results)} cases in {run.seconds:.1f} s; {len(run.skipped)} skipped (guide not loaded)")
    for name, value in headline(run.results).items():
        print(f"  {name:<20} {_percent(value)} %")
    print(f"\n  {'type':<14}{'n':>4} {'right':>6} {'cited':>6} {'hit@1':>6} {'hit@5':>6} {'ref.rec':>8} {'ref.prec':>8}")
    for name, row in rows_by_type(run.results).items():
        print(
            f"  {name:<14}{row['n']:>4.0f} {_percent(row['right']):>6} {_percent(row['right and cited']):>6}"
            f" {_percent(row['hit@1']):>6} {_percent(row['hit@5']):>6}"
            f" {_percent(row['refusal recall']):>8} {_percent(row['refusal precision']):>8}"
        )


def print_wrong(results: Sequence[Result]) -> None:
    for r in results:
        if not r.verdict.right_and_cited:
            print(f"\n✗ {r.case.id} [{r.case.type}] {' / '.join((*r.case.history, r.case.question))}")
            print(f"  expected {r.case.expect}: {'; '.join(g[0] for g in r.case.facts)}   {r.case.note}")
            print(f"  {r.reply.status} ({r.reply.confidence:.2f}): {r.reply.answer[:300]}")
            print(f"  why: {'; '.join(r.verdict.why)}")
            for item in r.case.evidence:
                rank = next((i for i, g in enumerate(r.gains, 1) if g), None)
                print(f"  evidence [{item.section}] {item.quote[:80]}   first at rank {rank}")


def main(argv: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8", errors="replace")
    args = parser().parse_args(argv)
    try:
        cases = _chosen(args)
        if not cases:
            raise CasesError("no case is left; widen --half, --type or --only")
        run = _run(args, cases)
    except (CasesError, BotError) as error:
        print(f"eval: {error}", file=sys.stderr)
        return 1
    print_summary(run)
    if args.wrong:
        print_wrong(run.results)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        rows = [_row(r) for r in run.results]
        (args.out / "results.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
    return 0


def _row(r: Result) -> dict[str, object]:
    return {
        "id": r.case.id, "right": r.verdict.right, "cited": r.verdict.cited, "why": list(r.verdict.why),
        "status": r.reply.status, "answer": r.reply.answer, "confidence": r.reply.confidence,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
