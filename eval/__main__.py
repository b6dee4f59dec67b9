"""Ask the bot every case of the question sets, say how right it is, and compare with the accepted result."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import settings as bot_settings
from bot.errors import BotError
from bot.settings import Settings
from eval import cases as sets
from eval import gate, history, text
from eval.cases import Case, CasesError
from eval.gate import BaselineError, Comparison
from eval.record import Record, circumstances, dumps, record, write
from eval.repeat import repeatability, sample
from eval.run import Run, evaluate, judge_answers, run_guides

OUT = Path("eval/out")
TODAY = "2025-09-01"  # the day of the questions: a deadline that passes must not change the result
EPILOG = """examples:
  python -m eval                                  all cases; report in eval/out/
  python -m eval --half tune --wrong              while working on the bot
  python -m eval --cases my.jsonl --each-guide my-guides/
  python -m eval --accept                         make this run the one to compare with
exit codes: 0 no case got worse, 1 a case got worse or the run failed, 2 wrong usage"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m eval", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG
    )
    p.add_argument("--cases", type=Path, nargs="+", default=[], metavar="FILE", help="question sets (default: those of eval/)")
    p.add_argument("--index", type=Path, metavar="DIR", help="index to ask (default: index/)")
    p.add_argument("--each-guide", type=Path, metavar="DIR", help="ask cases that name a file of DIR against that file alone")
    p.add_argument("--guides", type=Path, metavar="DIR", help="ask against one index of the corpus and the files of DIR")
    p.add_argument("--answers", type=Path, metavar="FILE", help="judge these lines of `bot ask --batch` instead of asking")
    p.add_argument("--half", choices=("tune", "check", "all"), default="all", help="which half of the cases (default: all)")
    p.add_argument("--type", nargs="+", default=[], metavar="TYPE", help="only cases of these types")
    p.add_argument("--only", nargs="+", default=[], metavar="ID", help="only these cases")
    p.add_argument("--today", default=TODAY, metavar="DATE", help="the day of the questions (default: %(default)s)")
    p.add_argument("--drafts", action="store_true", help="with cases that no person has accepted yet")
    p.add_argument("--repeat", type=int, default=0, metavar="N", help="ask N cases again in three fresh processes")
    p.add_argument("--wrong", action="store_true", help="print every case that is not right and cited")
    p.add_argument("--out", type=Path, metavar="DIR", help=f"where the report goes (default: {OUT} for a whole run)")
    p.add_argument("--baseline", type=Path, metavar="FILE", help="accepted result (default: eval/baseline.json)")
    p.add_argument("--accept", action="store_true", help="make this run the accepted result")
    p.add_argument("--validate", action="store_true", help="only check the question sets")
    p.add_argument("--json", action="store_true", help="print the record of the run as JSON")
    return p


@dataclass(frozen=True, slots=True)
class Selection:
    """The cases to ask, the whole set they come from, and whether they are all of it."""

    asked: tuple[Case, ...]
    whole: tuple[Case, ...]

    @property
    def partial(self) -> bool:
        return len(self.asked) < sum(not c.draft for c in self.whole)


def select(args: argparse.Namespace) -> Selection:
    """Raises CasesError when nothing is left."""
    whole = sets.load(args.cases)
    half = sets.halves(whole)
    asked = tuple(
        c for c in whole
        if (args.drafts or not c.draft)
        and args.half in ("all", half[c.id])
        and (not args.type or c.type in args.type)
        and (not args.only or c.id in args.only)
    )  # fmt: skip
    if not asked:
        raise CasesError("no case is left; widen --half, --type, --only, or add --drafts")
    return Selection(asked, tuple(whole))


def sources_of(cases: Sequence[Case], settings: Settings, folder: Path) -> dict[str, str]:
    """Canonical text of the guides that the cases name and that can be read; "" is the whole corpus."""
    from bot.ingest import read_corpus, read_source

    out: dict[str, str] = {}
    corpus = read_corpus(settings)
    out[""] = "\n".join(s.text for s in corpus.sources)
    for guide, source in zip(corpus.guides, corpus.sources, strict=True):
        out |= dict.fromkeys((guide.slug, source.source), source.text)
    for name in {c.guide for c in cases if c.guide} - set(out):
        file = folder / name
        if file.is_file():
            out[name] = read_source(file, file.name, settings).text
    return out


def validate(selection: Selection, settings: Settings, folder: Path) -> list[str]:
    return sets.problems(selection.whole, sources_of(selection.whole, settings, folder))


def ask_all(args: argparse.Namespace, selection: Selection, settings: Settings) -> Run:
    if args.answers:
        lines = [json.loads(line) for line in args.answers.read_text("utf-8-sig").splitlines() if line.strip()]
        return judge_answers(selection.asked, lines)
    if args.guides:
        return run_guides(selection.asked, settings, args.guides)
    return evaluate(selection.asked, settings, args.each_guide)


def warn_if_stale(run: Run, settings: Settings) -> None:
    """A run that asked an index which a build would make anew says so: its figures are those of the old reading."""
    reasons = run.index.stale_reasons(settings) if run.index is not None else ()
    if reasons:
        print(f"eval: 索引不是最新的 the index is not up to date ({'; '.join(reasons)}); run `bot index`", file=sys.stderr)


def repeated(run: Run, settings: Settings, count: int) -> Mapping[str, Any] | None:
    """Repeatability on the cases of the main index."""
    if not count or run.index is None:
        return None
    names = {g.slug for g in run.index.guides} | {g.source for g in run.index.guides} | {""}
    return repeatability(sample([r.case for r in run.results if r.case.guide in names], count), settings)


def write_report(data: Record, comparison: Comparison | None, out: Path, *, whole: bool) -> None:
    """report.html, report.md, report.json, and for a whole run a line of history."""
    from eval.report import html

    past = out / history.FILE
    if whole:
        history.append(past, history.row(data, comparison))
    write(out / "report.json", dumps(data | {"comparison": comparison.as_json() if comparison else None}))
    write(out / "report.md", text.markdown(data, comparison))
    write(out / "report.html", html(data, comparison, history.read(past)))


def main(argv: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8", errors="replace")
    args = parser().parse_args(argv)
    try:
        return _main(args)
    except (CasesError, BaselineError, BotError) as error:
        print(f"eval: {error}", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"eval: {error}; correct the file or the option that names it", file=sys.stderr)
    return 1


def _main(args: argparse.Namespace) -> int:
    selection = select(args)
    settings = bot_settings.load({"index": args.index, "today": args.today})
    if args.validate:
        found = validate(selection, settings, args.each_guide or args.guides or sets.GUIDES_DIR)
        print("\n".join(found) if found else f"{len(selection.whole)} cases, nothing wrong with them")
        return 1 if found else 0
    run = ask_all(args, selection, settings)
    warn_if_stale(run, settings)
    data = record(run, selection.whole, circumstances(settings, run.index), repeated(run, settings, args.repeat))
    # A set of one's own is compared only with a baseline of one's own.
    baseline_file = args.baseline or (None if args.cases or args.answers else gate.BASELINE)
    baseline = gate.read(baseline_file) if baseline_file else None
    comparison = gate.compare(data, baseline, partial=selection.partial) if baseline else None
    out = args.out or (None if args.cases or args.answers or selection.partial else OUT)
    print(dumps(data) if args.json else text.markdown(data, comparison, cases=args.wrong))
    if out:
        write_report(data, comparison, out, whole=not selection.partial)
        print(f"report: {out / 'report.html'}", file=sys.stderr)
    if args.accept and baseline_file:
        gate.accept(data, baseline_file, partial=selection.partial)
        print(f"accepted: {baseline_file}", file=sys.stderr)
        return 0
    if comparison and comparison.mended:
        print(f"{len(comparison.mended)} mended; accept with: python -m eval --accept", file=sys.stderr)
    return 0 if comparison is None or comparison.ok else 1


if __name__ == "__main__":
    sys.exit(main())
