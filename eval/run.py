"""Ask every case of a set, judge the replies, and keep the score of every case.

The bot is any callable (question, history) → Answer or the JSON object of one; `open_bot` makes one of a GuideBot.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import nan
from pathlib import Path
from typing import Any

from bot.embed import Encoder
from bot.errors import BotError
from bot.settings import Settings
from bot.types import Answer, Citation, Clause, Guide
from eval import metrics
from eval.cases import GUIDES_DIR, Case, Evidence, normal
from eval.judge import Place, Reply, Verdict, holds, judge, reply_of
from eval.numbers import unsupported
from eval.stages import Pool, Stage, gold_spans, on_one_line, pieces_of, stage_of, used_spans

Asked = Answer | Mapping[str, Any]
Asker = Callable[[str, Sequence[str]], Asked]


@dataclass(frozen=True, slots=True)
class Result:
    """One case with what was said, the verdict and the figures of this case (see `eval.metrics`); nan is "none"."""

    case: Case
    reply: Reply
    verdict: Verdict
    gains: tuple[float, ...] = ()
    ideal: tuple[float, ...] = ()
    citation_recall: float = nan  # share of the pieces of evidence that are cited
    citation_precision: float = nan  # share of the citations that hold evidence
    span_precision: float = nan  # in characters
    span_recall: float = nan
    wrong_numbers: tuple[str, ...] = ()  # shown, but in no cited clause
    stage: Stage | None = None  # where a wrong answer was lost
    pieces: tuple[str, ...] = ()  # what to look at to see why

    @property
    def ranked(self) -> bool:
        """Whether the case says where its answer stands, so that retrieval can be measured on it."""
        return bool(self.case.evidence) and self.case.expect != "refuse"


def place_of_clause(clause: Clause, score: float = 0.0) -> Place:
    return Place(clause.clause_id, clause.path, clause.label, clause.text, (), clause.source, clause.start, clause.end, score)


def _place_of_citation(c: Citation) -> Place:
    return Place(c.clause_id, c.path, c.label, c.text, c.spans, c.source, c.start, c.end, title=f"{c.title} {c.edition}".strip())


def reply_from(said: Asked) -> Reply:
    """A reply from an Answer, or from the JSON object of one."""
    if not isinstance(said, Answer):
        return reply_of(said)
    query = said.query
    return Reply(
        status=said.status,
        answer=said.text,
        citations=tuple(_place_of_citation(c) for c in said.citations),
        hits=tuple(place_of_clause(h.clause, h.score) for h in said.hits[:10]),
        understood=said.understood,
        confidence=said.confidence,
        latency_ms=said.latency_ms,
        embed_ms=said.embed_ms,
        sections=query.sections if query else (),
        fields=query.fields if query else (),
        notes=(*(query.notes if query else ()), *said.notices),
        missing=said.missing,
        refused_by=said.refused_by,
        withheld=said.withheld,
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


def ideal_of(evidence: Sequence[Evidence], places: Iterable[Place]) -> tuple[float, ...]:
    """Gains of the best ranking of the places (greedy); one each for the evidence that none of them holds."""
    left = list(evidence)
    holders = [[item for item in left if holds(place, item)] for place in places]
    gains = []
    while left:
        best = max(([i for i in held if i in left] for held in holders), key=len, default=[])
        taken = best or left[:1]
        left = [item for item in left if item not in taken]
        gains.append(float(len(taken)))
    return tuple(gains)


def result_of(case: Case, reply: Reply, pool: Pool) -> Result:
    """Judge one reply and take its figures."""
    evidence = tuple(dict.fromkeys(case.evidence)) if case.expect != "refuse" else ()
    candidates = {p.clause_id: p for item in evidence for p in pool.holders(item)}
    verdict = judge(case, reply)
    stage = stage_of(case, reply, verdict, pool)
    return Result(
        case,
        reply,
        verdict,
        gains=gains_of(evidence, reply.hits),
        ideal=ideal_of(evidence, candidates.values() or reply.hits),
        wrong_numbers=tuple(unsupported(reply, " ".join((*case.history, case.question)), pool.furniture)),
        stage=stage,
        pieces=pieces_of(case, reply, pool) if stage else (),
        **_citation_figures(case, reply, pool),
    )


def _citation_figures(case: Case, reply: Reply, pool: Pool) -> dict[str, float]:
    """Of an answer that shows something where something was asked for; nothing otherwise."""
    if reply.status != "answered" or not case.evidence:
        return {}
    held = [any(holds(c, item) for item in case.evidence) for c in reply.citations]
    found = [any(holds(c, item) for c in reply.citations) for item in dict.fromkeys(case.evidence)]
    out = {"citation_recall": metrics.mean(map(float, found)), "citation_precision": metrics.mean(map(float, held))}
    gold, used = on_one_line(gold_spans(case, reply, pool), used_spans(reply))
    if gold:
        out |= {"span_precision": metrics.span_precision(used, gold), "span_recall": metrics.span_recall(used, gold)}
    return out


def run(cases: Sequence[Case], bot: Asker, pool: Pool | None = None) -> list[Result]:
    """Ask and judge every case, in order."""
    known = Pool() if pool is None else pool
    return [result_of(case, ask(bot, case), known) for case in cases]


def pool_of(clauses: Iterable[Clause], furniture: str = "") -> Pool:
    """All clauses of an index, as the judge looks at them."""
    known = list(clauses)
    return Pool([place_of_clause(c) for c in known], {c.clause_id: c.parent for c in known if c.parent}, furniture)


# ── the real bot ────────────────────────────────────────────────────────────────────────────────────────────────


def names_guide(guide: Guide, case: Case) -> bool:
    """Whether a loaded guide is the one a case is about; a case without guide is about any."""
    names = {guide.slug, guide.source, Path(guide.source).name, Path(guide.source).stem, guide.title}
    return (not case.guide or case.guide in names) and (not case.edition or case.edition == guide.edition)


@lru_cache(maxsize=1)
def _encoder(model: str, second: str) -> Encoder:
    """One encoder for all indexes of a run: loading it takes longer than many questions."""
    from bot.embed import open_encoder

    return open_encoder(Settings(embedding_model=model, second_encoder=second))


def open_bot(settings: Settings) -> tuple[Asker, Any]:
    """(callable, GuideBot) over the index of the settings. Raises BotError when it cannot be opened."""
    from bot.bot import GuideBot

    bot = GuideBot.open(settings, _encoder(settings.embedding_model, settings.second_encoder))
    return (lambda question, history: bot.ask(question, history)), bot


@dataclass(frozen=True, slots=True)
class Run:
    """Results of all cases that could be asked, and the cases whose guide is not loaded."""

    results: tuple[Result, ...]
    skipped: tuple[Case, ...]
    seconds: float
    index: Any = None  # the bot.index.Index that was asked, of the main corpus


def run_index(cases: Sequence[Case], settings: Settings) -> Run:
    """Ask the cases of the loaded guides; the others are skipped. Raises BotError without a usable index."""
    began = time.perf_counter()
    asker, bot = open_bot(settings)
    loaded = [c for c in cases if any(names_guide(g, c) for g in bot.index.guides)]
    ids = {c.id for c in loaded}
    furniture = f"{settings.contact} {settings.date().isoformat()}"
    results = run(loaded, asker, pool_of(bot.index.clauses, furniture))
    skipped = tuple(c for c in cases if c.id not in ids)
    return Run(tuple(results), skipped, time.perf_counter() - began, bot.index)


def run_each_guide(cases: Sequence[Case], settings: Settings, folder: Path) -> Run:
    """Ask each case that names a file of `folder` against an index of that file alone; the others are skipped."""
    began = time.perf_counter()
    files = {c.id: file_named(c.guide, folder) for c in cases}
    results: list[Result] = []
    skipped = [c for c in cases if files[c.id] is None]
    for file in sorted({f for f in files.values() if f}):
        own = [c for c in cases if files[c.id] == file]
        with kept_index(index_name(file)) as kept:
            results += _run_file(own, settings, file, kept)
    return Run(tuple(results), tuple(skipped), time.perf_counter() - began)


@contextlib.contextmanager
def kept_index(name: str) -> Iterator[Path]:
    """A folder for an index of the evaluation's own, kept in the user's cache so that the next run embeds only what
    changed; a passing one where that cannot be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guidebot" / "eval" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = os.access(folder, os.W_OK)
    except OSError:
        kept = False
    if kept:
        yield folder
    else:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)


def index_name(file: Path) -> str:
    return f"{file.stem[:40]}-{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]}"


def _run_file(cases: Sequence[Case], settings: Settings, file: Path, folder: Path) -> list[Result]:
    """A file that cannot be indexed is an error of each of its cases, not the end of the run."""
    own = replace(settings, index=folder)
    try:
        build(own, [file])
        asked = run_index([replace(c, guide="", edition="") for c in cases], own)
    except BotError as error:
        failed = Reply(status="error", answer="", error=f"{file.name}: {error}")
        return [result_of(c, failed, Pool()) for c in cases]
    return [replace(r, case=c) for c, r in zip(cases, asked.results, strict=True)]


def run_guides(cases: Sequence[Case], settings: Settings, folder: Path) -> Run:
    """Ask all cases against one index of the corpus together with the files of `folder`: the names must tell apart."""
    with tempfile.TemporaryDirectory() as workdir:
        corpus = Path(workdir) / "corpus"
        if settings.corpus.is_dir():
            shutil.copytree(settings.corpus, corpus)
        corpus.mkdir(exist_ok=True)
        for file in sorted(f for f in folder.iterdir() if f.is_file()):
            shutil.copy(file, corpus / file.name)
        own = replace(settings, corpus=corpus, index=Path(workdir) / "index")
        build(own)
        return run_index(cases, own)


def build(settings: Settings, files: Sequence[Path] = ()) -> None:
    """Bring the index of the settings up to date, from the files alone where some are named. Raises BotError."""
    from bot.index import build as build_index

    build_index(settings, files=list(files), encoder=_encoder(settings.embedding_model, settings.second_encoder))


def file_named(guide: str, folder: Path) -> Path | None:
    if not guide or not folder.is_dir():
        return None
    wanted = normal(guide)
    files = (f for f in sorted(folder.iterdir()) if f.is_file())
    return next((f for f in files if wanted in (normal(f.name), normal(f.stem))), None)


def evaluate(cases: Sequence[Case], settings: Settings, each_guide: Path | None = None) -> Run:
    """Ask cases of the folder's files against an index of each file alone, and the rest against the index of the
    settings; with no folder, the made-up guides that come with the cases.
    """
    own = run_each_guide(cases, settings, each_guide or GUIDES_DIR)
    if each_guide or not own.skipped:
        return own
    rest = run_index(own.skipped, settings)
    order = {c.id: i for i, c in enumerate(cases)}
    results = sorted((*own.results, *rest.results), key=lambda r: order[r.case.id])
    return Run(tuple(results), rest.skipped, own.seconds + rest.seconds, rest.index)


def judge_answers(cases: Sequence[Case], lines: Iterable[Mapping[str, Any]], pool: Pool | None = None) -> Run:
    """Judge answers that something else wrote, as `bot ask --batch` does; cases without an answer are skipped."""
    said = {str(line.get("id")): reply_of(line) for line in lines}
    asked = [c for c in cases if c.id in said]
    results = [result_of(c, said[c.id], pool or Pool()) for c in asked]
    return Run(tuple(results), tuple(c for c in cases if c.id not in said), 0.0)
