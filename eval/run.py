"""Ask every case of a set, judge the replies, and keep the score of every case.

The bot is any callable (question, history) → Answer or the JSON object of one; `open_bot` makes one of a GuideBot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.errors import BotError
from bot.settings import Settings
from bot.types import Answer, Citation, Clause, Guide
from eval.cases import Case, Evidence, normal
from eval.judge import Place, Reply, Verdict, holds, judge, reply_of

Asked = Answer | Mapping[str, Any]
Asker = Callable[[str, Sequence[str]], Asked]


@dataclass(frozen=True, slots=True)
class Result:
    """One case with what was said, the verdict, and its ranking gains (see `eval.metrics`)."""

    case: Case
    reply: Reply
    verdict: Verdict
    gains: tuple[float, ...] = ()
    ideal: tuple[float, ...] = ()
    stage: str = ""
    pieces: tuple[str, ...] = ()  # what to look at to see why the stage lost it

    @property
    def ranked(self) -> bool:
        """Whether the case says where its answer stands, so that retrieval can be measured on it."""
        return bool(self.case.evidence) and self.case.expect != "refuse"


def place_of_clause(clause: Clause, score: float = 0.0) -> Place:
    return Place(clause.clause_id, clause.path, clause.label, clause.text, (), clause.source, clause.start, clause.end, score)


def _place_of_citation(c: Citation) -> Place:
    return Place(c.clause_id, c.path, c.label, c.text, c.spans, c.source, c.start, c.end)


def reply_from(said: Asked) -> Reply:
    """A reply from an Answer, or from the JSON object of one."""
    if not isinstance(said, Answer):
        return reply_of(said)
    return Reply(
        status=said.status,
        answer=said.text,
        citations=tuple(_place_of_citation(c) for c in said.citations),
        hits=tuple(place_of_clause(h.clause, h.score) for h in said.hits[:10]),
        understood=said.understood,
        confidence=said.confidence,
        latency_ms=said.latency_ms,
        embed_ms=said.embed_ms,
    )


def ask(bot: Asker, case: Case) -> Reply:
    """The bot's reply. A crash is a reply with `error`, never the end of the run."""
    began = time.perf_counter()
    try:
        reply = reply_from(bot(case.question, case.history))
    except Exception as error:  # whatever a bot raises is its failure on this case
        reply = Reply(status="error", answer="", error=f"{type(error).__name__}: {error}"[:500])
    return reply if reply.latency_ms else replace(reply, latency_ms=(time.perf_counter() - began) * 1000)


def gains_of(evidence: Sequence[Evidence], ranked: Iterable[Place]) -> tuple[float, ...]:
    """How many pieces of evidence each hit, in order, is the first to hold."""
    left = list(evidence)
    gains = []
    for place in ranked:
        held = [item for item in left if holds(place, item)]
        left = [item for item in left if item not in held]
        gains.append(float(len(held)))
    return tuple(gains)


def ideal_of(evidence: Sequence[Evidence], pool: Sequence[Place]) -> tuple[float, ...]:
    """Gains of the best ranking that the clauses of the pool allow (greedy); one each for what none of them holds."""
    left = list(dict.fromkeys(evidence))
    holders = [[item for item in left if holds(place, item)] for place in pool]
    gains = []
    while left:
        best = max(([i for i in held if i in left] for held in holders), key=len, default=[])
        taken = best or left[:1]
        left = [item for item in left if item not in taken]
        gains.append(float(len(taken)))
    return tuple(gains)


def result_of(case: Case, reply: Reply, pool: Sequence[Place] = ()) -> Result:
    """Judge one reply. `pool` is all clauses of the index, or nothing where it is not known."""
    evidence = tuple(dict.fromkeys(case.evidence)) if case.expect != "refuse" else ()
    return Result(
        case,
        reply,
        judge(case, reply),
        gains=gains_of(evidence, reply.hits),
        ideal=ideal_of(evidence, pool or (*reply.hits, *reply.citations)),
    )


def run(cases: Sequence[Case], bot: Asker, pool: Sequence[Place] = ()) -> list[Result]:
    """Ask and judge every case, in order."""
    return [result_of(case, ask(bot, case), pool) for case in cases]


# ── the real bot ────────────────────────────────────────────────────────────────────────────────────────────────


def names_guide(guide: Guide, case: Case) -> bool:
    """Whether a loaded guide is the one a case is about; a case without guide is about any."""
    names = {guide.slug, guide.source, Path(guide.source).name, Path(guide.source).stem, guide.title}
    return (not case.guide or case.guide in names) and (not case.edition or case.edition == guide.edition)


def open_bot(settings: Settings) -> tuple[Asker, Any]:
    """(callable, GuideBot) over the index of the settings. Raises BotError when it cannot be opened."""
    from bot.bot import GuideBot

    bot = GuideBot.open(settings)
    return (lambda question, history: bot.ask(question, history)), bot


def build_own_index(settings: Settings, files: Sequence[Path], folder: Path) -> Settings:
    """Index the files, and nothing else, in `folder`; the settings that open it."""
    from bot.index import build

    own = replace(settings, index=folder)
    build(own, files=list(files))
    return own


@dataclass(frozen=True, slots=True)
class Run:
    """Results of all cases that could be asked, and the cases whose guide is not loaded."""

    results: tuple[Result, ...]
    skipped: tuple[Case, ...]
    seconds: float


def run_index(cases: Sequence[Case], settings: Settings) -> Run:
    """Ask the cases of the loaded guides; the others are skipped."""
    began = time.perf_counter()
    asker, bot = open_bot(settings)
    index = bot.index
    pool = [place_of_clause(c) for c in index.clauses]
    loaded = [c for c in cases if any(names_guide(g, c) for g in index.guides)]
    skipped = tuple(c for c in cases if c not in loaded)
    results = run(loaded, asker, pool)
    return Run(tuple(results), skipped, time.perf_counter() - began)


def run_each_guide(cases: Sequence[Case], settings: Settings, folder: Path, workdir: Path) -> Run:
    """Ask each case that names a file of `folder` against an index of that file alone; the others are skipped."""
    began = time.perf_counter()
    by_file: dict[Path, list[Case]] = {}
    skipped: list[Case] = []
    for case in cases:
        file = _file_named(case.guide, folder)
        if file is None:
            skipped.append(case)
        else:
            by_file.setdefault(file, []).append(case)
    results: list[Result] = []
    for number, (file, own_cases) in enumerate(by_file.items()):
        try:
            own = build_own_index(settings, [file], workdir / str(number))
            part = run_index([replace(c, guide="") for c in own_cases], own)
        except BotError as error:
            failed = Reply(status="error", answer="", error=f"{file.name}: {error}")
            results += [result_of(c, failed) for c in own_cases]
            continue
        named = {c.id: c for c in own_cases}
        results += [replace(r, case=named[r.case.id]) for r in part.results]
        skipped += [named[c.id] for c in part.skipped]
    return Run(tuple(results), tuple(skipped), time.perf_counter() - began)


def _file_named(guide: str, folder: Path) -> Path | None:
    if not guide or not folder.is_dir():
        return None
    return next((f for f in sorted(folder.iterdir()) if f.is_file() and normal(guide) in (normal(f.name), normal(f.stem))), None)
