"""Build, publish, open and search the index; the only file that imports faiss.

On disk an index is a folder of generations, of which `CURRENT` names the one in use:

    index/CURRENT  index/lock  index/gen-7/{manifest.json, guides.jsonl, …, vectors.faiss}

A build writes a new generation aside, syncs it, and swaps it in whole by replacing `CURRENT`, so a reader
sees the old index or the new one and a build that dies leaves the old one in use. Every file is checked against
the manifest's SHA-256 before a byte of it is parsed, because FAISS itself would load flipped bits in silence.
The one generation before the current is kept and serves when the current is damaged. No pickle anywhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bot import chunk as chunking
from bot import embed, lexical
from bot.errors import (
    BotError,
    CorpusError,
    IndexBusyError,
    IndexDamagedError,
    IndexError_,
    IndexMissingError,
    IndexStaleError,
    SourceError,
)
from bot.settings import Settings
from bot.types import Chunk, Clause, ClauseId, Fact, Guide, SourceText

FORMAT = 1
KEEP = 2  # generations
REBUILD = "run: bot index"
_TOML = "corpus.toml"
# the code and data that decide what a source gives
_READING = ("ingest/*.py", "guide*.py", "guide/*.py", "numbering.py", "slug*.py", "facts*.py", "facts/*.py",
            "chunk.py", "lexical.py", "types.py", "lexicon/*.toml")  # fmt: skip

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]  # stage, done, total
T = TypeVar("T")


# --- layout ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexFiles:
    """The files of one generation; `folder` is `index/gen-N`."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def guides(self) -> Path:
        return self.folder / "guides.jsonl"

    @property
    def sources(self) -> Path:
        return self.folder / "sources.jsonl"

    @property
    def clauses(self) -> Path:
        return self.folder / "clauses.jsonl"

    @property
    def facts(self) -> Path:
        return self.folder / "facts.jsonl"

    @property
    def chunks(self) -> Path:
        return self.folder / "chunks.jsonl"

    @property
    def lexical(self) -> Path:
        return self.folder / "lexical.sqlite3"

    @property
    def vectors(self) -> Path:
        return self.folder / "vectors.faiss"

    @property
    def data(self) -> tuple[Path, ...]:
        """Every file that the manifest holds a checksum of."""
        return (self.guides, self.sources, self.clauses, self.facts, self.chunks, self.lexical, self.vectors)


_GENERATION = re.compile(r"gen-(\d+)$")


def _current(folder: Path) -> Path:
    """The generation that CURRENT names. Raises IndexMissingError or IndexDamagedError."""
    try:
        name = (folder / "CURRENT").read_text("utf-8", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissingError(f"there is no index in {folder}; {REBUILD}") from None
    except OSError as error:
        raise IndexError_(f"the index in {folder} cannot be read ({error.strerror}); check its permissions") from error
    if not _GENERATION.fullmatch(name):
        raise IndexDamagedError(f"the index in {folder} is damaged (CURRENT names no generation); {REBUILD}")
    return folder / name


def _generations(folder: Path) -> list[Path]:
    """Complete or not, the newest first."""
    found = [(int(m[1]), p) for p in folder.glob("gen-*") if (m := _GENERATION.fullmatch(p.name))]
    return [p for _, p in sorted(found, reverse=True)]


# --- rows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What the index keeps of one source file."""

    source: str
    sha256: str
    format: str
    encoding: str
    text: str
    notes: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    unplaced: tuple[tuple[int, int], ...] = ()
    tables: int = 0
    stale: bool = False


def _lines(rows: Sequence[Any]) -> bytes:
    names = [f.name for f in dataclasses.fields(rows[0])] if rows else []
    dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return "".join(dump({n: getattr(row, n) for n in names}) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _rows(cls: type[T], data: bytes) -> tuple[T, ...]:
    text = data.decode("utf-8", "surrogatepass")
    return tuple(cls(**{k: _tuples(v) for k, v in json.loads(line).items()}) for line in text.split("\n") if line)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """A checksum of the code that decides what is read from a source, so that a new parser means a new build."""
    digest = hashlib.sha256(str(FORMAT).encode())
    here = Path(__file__).parent
    for pattern in _READING:
        for file in sorted(here.glob(pattern)):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _build_settings(settings: Settings) -> dict[str, Any]:
    """The settings that change what a build gives."""
    return {
        "embedding_model": settings.embedding_model,
        "second_encoder": settings.second_encoder,
        "max_file_bytes": settings.max_file_bytes,
        "max_text_chars": settings.max_text_chars,
    }


# --- the open index --------------------------------------------------------------------------------------


class Index:
    """One generation in memory, never changed. Safe for several threads."""

    def __init__(self, folder: Path, manifest: dict[str, Any], data: Mapping[str, bytes]) -> None:
        files = IndexFiles(folder)
        self.folder = folder
        self.manifest = manifest
        self.warnings: tuple[str, ...] = ()
        self.fingerprint = str(manifest["fingerprint"])
        self.parts = tuple(embed.Part(*p) for p in manifest["model"]["parts"])
        self.guides = _rows(Guide, data[files.guides.name])
        self.sources = _rows(SourceRow, data[files.sources.name])
        self.clauses = _rows(Clause, data[files.clauses.name])
        self.facts = _rows(Fact, data[files.facts.name])
        self.chunks = _rows(Chunk, data[files.chunks.name])
        self.by_id: Mapping[ClauseId, Clause] = {c.clause_id: c for c in self.clauses}
        self.order: Mapping[ClauseId, int] = {c.clause_id: n for n, c in enumerate(self.clauses)}
        self._bm25 = lexical.Bm25(data[files.lexical.name])
        self._faiss = _read_faiss(data[files.vectors.name])
        if self._faiss.ntotal != len(self.chunks) or self._faiss.d != manifest["model"]["dim"]:
            raise IndexDamagedError(f"the index in {folder.parent} is damaged (vectors and chunks differ); {REBUILD}")

    @classmethod
    def open(cls, folder: Path, settings: Settings) -> Index:
        """The current generation, or the one before where that is damaged (then `warnings` says so).

        Raises IndexMissingError, IndexDamagedError, or IndexStaleError where it was built by another model or
        another version; each message ends with the command that mends it."""
        index = _open_any(folder)
        wanted = embed.encoder_name(settings)
        if index.manifest["model"]["name"] != wanted:
            raise IndexStaleError(
                f"the index was built with the model {index.manifest['model']['name']}, the settings say {wanted}; "
                f"{REBUILD}"
            )
        return index

    @cached_property
    def vectors(self) -> Vectors:
        """n × d, float32, one row for each chunk."""
        return np.asarray(self._faiss.reconstruct_n(0, self._faiss.ntotal), dtype=np.float32)

    @cached_property
    def _facts_of(self) -> Mapping[ClauseId, tuple[Fact, ...]]:
        out: dict[ClauseId, list[Fact]] = {}
        for fact in self.facts:
            out.setdefault(fact.clause_id, []).append(fact)
        return {k: tuple(v) for k, v in out.items()}

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {s.source: s.text for s in self.sources}

    @property
    def unplaced(self) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Spans of each source that stand in no clause."""
        return {s.source: s.unplaced for s in self.sources}

    def facts_of(self, clause_id: ClauseId) -> tuple[Fact, ...]:
        return self._facts_of.get(clause_id, ())

    def source_text(self, source: str) -> str:
        """The canonical text that all offsets refer to. Raises KeyError."""
        return self._texts[source]

    def dense(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """The `k` best (row in `chunks`, inner product), the best first, ties by row. `vector` has `dim` numbers."""
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        count = min(k, len(self.chunks))
        if count <= 0 or not np.isfinite(query).all():
            return []
        scores, rows = self._faiss.search(query, count)
        found = [(int(r), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def lexical(self, words: Sequence[str], k: int) -> list[tuple[int, float]]:
        """The `k` best (row in `chunks`, BM25 score > 0), the best first, ties by row."""
        return self._bm25.search(words, k)

    def check_encoder(self, encoder: embed.Encoder) -> None:
        """Raise IndexStaleError unless `encoder` gives this index's kind of vectors: same name, same dimension
        and the same vector for one short text (weights may differ under one name)."""
        model = self.manifest["model"]
        if encoder.name != model["name"] or encoder.dim != model["dim"]:
            raise IndexStaleError(
                f"the index was built with the model {model['name']}, the settings say {encoder.name}; {REBUILD}"
            )
        if not _same_probe(encoder, model["probe"]):
            raise IndexStaleError(f"the weights of {encoder.name} changed since the index was built; {REBUILD}")

    def stale_reasons(self, settings: Settings) -> tuple[str, ...]:
        """Why the index is not what a build would give now, one sentence each; empty when it is up to date.

        Cheap: files whose size and time are those of the build are not read again. Where the corpus is not at
        hand (the index was copied to another machine) only the settings are compared."""
        return tuple(_stale_reasons(self.manifest, settings))

    def is_stale(self, settings: Settings) -> bool:
        return bool(self.stale_reasons(settings))


def _read_faiss(data: bytes) -> Any:
    import faiss

    faiss.set_deserialization_vector_byte_limit(2 * len(data) + 4096)  # a header may claim any size
    try:
        return faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
    except (RuntimeError, MemoryError) as error:
        raise IndexDamagedError(f"the vectors of the index cannot be read; {REBUILD}") from error


def _write_faiss(vectors: Vectors) -> bytes:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return bytes(faiss.serialize_index(index).tobytes())


def _load(folder: Path) -> Index:
    """One generation, every byte checked before it is parsed. Raises IndexDamagedError or IndexStaleError."""
    files = IndexFiles(folder)

    def damaged(what: str) -> IndexDamagedError:
        return IndexDamagedError(f"the index in {folder.parent} is damaged ({what}); {REBUILD}")

    try:
        sealed = json.loads(files.manifest.read_bytes())
        manifest: dict[str, Any] = sealed["manifest"]
        if sealed["sha256"] != _sha(_canonical(manifest)):
            raise damaged("checksum of manifest.json")
        if manifest["format"] != FORMAT:
            raise IndexStaleError(
                f"the index in {folder.parent} has format {manifest['format']}, this version reads {FORMAT}; {REBUILD}"
            )
        data = {}
        for file in files.data:
            data[file.name] = file.read_bytes()
            if _sha(data[file.name]) != manifest["files"][file.name]["sha256"]:
                raise damaged(f"checksum of {file.name}")
        return Index(folder, manifest, data)
    except FileNotFoundError as error:
        raise damaged(f"{Path(str(error.filename)).name} is missing") from error
    except OSError as error:
        raise IndexError_(f"the index in {folder.parent} cannot be read ({error}); check its permissions") from error
    except (ValueError, KeyError, TypeError, AttributeError, sqlite3.Error) as error:
        raise damaged(f"{type(error).__name__} in its files") from error


def _open_any(folder: Path) -> Index:
    """The current generation, else the newest other one that is whole (its `warnings` say so)."""
    current = None
    for _ in range(3):
        try:
            current = _current(folder)
            return _load(current)
        except IndexDamagedError as error:
            reason = error
        if current is None or _current(folder) == current:
            break  # else a build published and cleaned up while we read: look again
    for other in _generations(folder):
        if other != current:
            with contextlib.suppress(IndexError_):
                index = _load(other)
                index.warnings = (f"{reason}; meanwhile {other.name} serves",)
                return index
    raise reason


def _canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _same_probe(encoder: embed.Encoder, probe: Sequence[float]) -> bool:
    now = encoder.encode_queries([embed.PROBE])[0]
    then = np.asarray(probe, np.float32)
    if len(then) != len(now):
        return False
    # a joined question vector is not of length one where a part of it was left out
    cosine = float(np.dot(now, then)) / max(float(np.linalg.norm(now) * np.linalg.norm(then)), 1e-9)
    return cosine >= embed.PROBE_COSINE


# --- staleness -------------------------------------------------------------------------------------------


def _file_sha(path: Path) -> str:
    """SHA-256 of a file; of a corpus.toml without the checksums that the tool itself writes into it."""
    if path.name == _TOML:
        try:
            data = tomllib.loads(path.read_text("utf-8-sig"))
            for table in data.get("guide", []):
                table.pop("sha256", None)
            return _sha(json.dumps(data, default=str, sort_keys=True).encode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError):
            pass  # the build will refuse it by name
    return embed.file_sha256(path)


def _file_state(path: Path, old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Size, time and checksum of a file; the checksum of `old` where size and time are the same."""
    stat = path.stat()
    same = old is not None and old.get("size") == stat.st_size and old.get("mtime_ns") == stat.st_mtime_ns
    sha = old["sha256"] if same and old is not None else _file_sha(path)
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": sha}


def _corpus_files(root: Path) -> Iterator[Path]:
    """The files of a corpus folder that a build reads, its corpus.toml included."""
    from bot.ingest.read import SKIPPED

    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
        for name in sorted(names):
            if name == _TOML or not SKIPPED.match(name):
                yield Path(folder) / name


def _inputs(settings: Settings, files: Sequence[Path]) -> dict[str, Path]:
    """Every file a build reads by its name: those of the corpus folder, or the given files and folders."""
    found: dict[str, Path] = {}
    for given in map(Path, files or (settings.corpus,)):
        if given.is_dir():
            for path in _corpus_files(given):
                name = path.relative_to(given).as_posix()
                found[f"{given.resolve()}/{name}" if files else name] = path
            continue
        toml = given.parent / _TOML
        for path in (given, toml) if toml.is_file() else (given,):
            found[str(path.resolve())] = path
    return found


def _input_states(settings: Settings, files: Sequence[Path], old: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for name, path in _inputs(settings, files).items():
        try:
            out[name] = _file_state(path, old.get(name))
        except OSError as error:
            out[name] = {"size": -1, "mtime_ns": 0, "sha256": f"unreadable ({error.strerror})"}
    return out


def _stale_reasons(manifest: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    if manifest["code"] != code_version():
        yield "the program that reads guides changed"
    for name, value in _build_settings(settings).items():
        if manifest["settings"].get(name) != value:
            yield f"the setting {name} changed"
    old = manifest["inputs"]
    files = [Path(p) for p in manifest["given"]]
    if any(not p.exists() for p in files) or (not files and not settings.corpus.exists()):
        return
    now = _input_states(settings, files, old)
    for name in sorted(old.keys() | now.keys()):
        if name not in now:
            yield f"{name} was removed"
        elif name not in old:
            yield f"{name} is new"
        elif old[name]["sha256"] != now[name]["sha256"]:
            yield f"{name} changed"


# --- report ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a build read from one source. `coverage` is the share of non-blank characters that stand in clauses;
    the rest is listed in `unplaced`."""

    source: str
    title: str
    edition: str
    guide: str
    format: str
    encoding: str
    clauses: dict[str, int]
    fields: tuple[str, ...]
    facts: dict[str, int]
    characters: int
    coverage: float
    unplaced: tuple[tuple[int, int], ...]
    gaps: tuple[str, ...]
    tables: int
    notes: tuple[str, ...]
    guessed: tuple[str, ...] = ()
    stale: bool = False


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `published` is false for a check and where nothing had changed."""

    sources: tuple[SourceReport, ...]
    problems: tuple[str, ...]
    clauses: int
    facts: int
    chunks: int
    embedded: int
    reused: int
    seconds: float
    published: bool
    unchanged: bool
    generation: str
    index: str
    model: str
    warnings: tuple[str, ...] = ()
    check: bool = False

    @property
    def ok(self) -> bool:
        """No source was refused."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def lines(self) -> list[str]:
        """The report for people."""
        out: list[str] = []
        for s in self.sources:
            out.extend(_source_lines(s))
        out.extend(f"拒绝 refused: {p}" for p in self.problems)
        out.extend(f"注意 warning: {w}" for w in self.warnings)
        total = f"{len(self.sources)} 个文件 files, {self.clauses} 条 clauses, {self.facts} 项事实 facts"
        if self.check:
            out.append(f"{total}; 仅检查 check only, {self.seconds:.2f} s")
        elif self.unchanged:
            out.append(f"{total}; 没有变化 nothing changed, {self.seconds:.2f} s")
        else:
            out.append(
                f"{total}; 新嵌入 embedded {self.embedded}, 沿用 reused {self.reused}; "
                f"{self.seconds:.2f} s → {self.index}/{self.generation}"
            )
        return out


_KINDS = {"heading": "标题", "field": "栏目", "item": "条目", "article": "条款", "row": "表格行", "paragraph": "段落"}


def _source_lines(s: SourceReport) -> Iterator[str]:
    name = f"{s.source}  [{s.format}{', ' + s.encoding if s.encoding else ''}]"
    yield f"{name}  {s.title}{' · ' + s.edition if s.edition else ''}{'  (旧内容 stale)' if s.stale else ''}"
    kinds = ", ".join(f"{_KINDS.get(k, k)} {k} {n}" for k, n in s.clauses.items())
    yield f"  条文 clauses: {kinds or 0};  覆盖 coverage {100 * s.coverage:.1f} % of {s.characters}"
    if s.fields:
        yield "  栏目 fields: " + "、".join(s.fields)
    if s.tables:
        yield f"  表格 tables: {s.tables}"
    if s.guessed:
        yield f"  推测 guessed ({', '.join(s.guessed)}); 请在 corpus.toml 中核对 correct it there"
    for start, end in s.unplaced:
        yield f"  未归入 unplaced: {start}–{end}"
    for line in (*s.gaps, *s.notes):
        yield f"  - {line}"


# --- build -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Content:
    """Everything of a generation but the vectors."""

    guides: list[Guide] = field(default_factory=list)
    sources: list[SourceRow] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)

    def add(self, guide: Guide, row: SourceRow, clauses: Sequence[Clause], facts: Sequence[Fact]) -> None:
        self.guides.append(guide)
        self.sources.append(row)
        self.clauses.extend(clauses)
        self.facts.extend(facts)
        self.chunks.extend(chunking.chunks(clauses))


def _quiet(stage: str, done: int, total: int) -> None:
    """The progress of a build that nobody watches."""


def build(
    settings: Settings,
    files: Sequence[Path] = (),
    rebuild: bool = False,
    check: bool = False,
    progress: Progress | None = None,
    *,
    encoder: embed.Encoder | None = None,
) -> BuildReport:
    """Read the corpus (or `files`), embed what is new and publish a new generation in `settings.index`.

    `rebuild` takes nothing from the old index; `check` only reads and reports. A source that cannot be read is
    listed in `problems` and the others go on; where it was indexed before, its last good clauses stay, marked
    stale, until the file is removed. `progress(stage, done, total)` is called as the work goes on. `encoder`
    stands in for the one the settings name.

    Raises CorpusError when nothing could be read, IndexBusyError while another build runs, IndexError_ when the
    folder cannot be written; the index in use is untouched then."""
    began = time.perf_counter()
    progress = progress or _quiet
    if check:
        content, problems = _read(settings, files, _old_index(settings.index), progress)
        return _report(content, problems, settings, "", began, check=True)
    name = embed.encoder_name(settings) if encoder is None else encoder.name
    with _writable(settings.index), _lock(settings.index):
        old = _old_index(settings.index)
        if old is not None and not rebuild and _unchanged(old, settings, files, name):
            return _stored_report(old, settings, began)
        states = _input_states(settings, files, {})
        content, problems = _read(settings, files, old, progress)
        _check_content(content, problems)
        usable = None if rebuild or old is None else old
        vectors, embedded, model = _embed(content, settings, encoder, name, usable, progress)
        report = _report(content, problems, settings, name, began, embedded=embedded)
        manifest = {
            "format": FORMAT,
            "code": code_version(),
            "model": model,
            "settings": _build_settings(settings),
            "inputs": states,
            "given": [str(Path(p).resolve()) for p in files],
            "counts": {
                "guides": len(content.guides),
                "clauses": len(content.clauses),
                "facts": len(content.facts),
                "chunks": len(content.chunks),
            },
            "report": {**report.to_json(), "seconds": 0.0, "embedded": 0, "reused": 0},
        }
        progress("publish", 0, 1)
        data = _seal(content, vectors, manifest)
        if usable is not None and not usable.warnings and _same(usable.manifest, manifest):
            # a source that cannot be read is tried again at every build; no need to publish the same again
            generation = usable.folder.name
        else:
            generation = _publish(settings.index, data, manifest)
        progress("publish", 1, 1)
        return dataclasses.replace(
            report,
            published=usable is None or generation != usable.folder.name,
            unchanged=usable is not None and generation == usable.folder.name,
            generation=generation,
            warnings=report.warnings + _write_checksums(settings, files, content.guides),
            seconds=time.perf_counter() - began,
        )


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return all(old[k] == new[k] for k in ("fingerprint", "inputs", "given", "settings"))


def _write_checksums(settings: Settings, files: Sequence[Path], guides: Sequence[Guide]) -> tuple[str, ...]:
    """Let every corpus.toml say the checksums of its files; a warning where it cannot be written."""
    from bot import ingest

    try:
        for folder in [p for p in map(Path, files or (settings.corpus,)) if p.is_dir()]:
            ingest.write_checksums(folder, guides)
    except (CorpusError, OSError) as error:
        return (f"checksums not written: {error}",)
    return ()


def _old_index(folder: Path) -> Index | None:
    """What the last builds left, by any model; None where nothing usable is left."""
    try:
        return _open_any(folder)
    except IndexError_:
        return None


def _unchanged(old: Index, settings: Settings, files: Sequence[Path], name: str) -> bool:
    """Nothing that a build depends on differs: inputs, program, settings, model, and the index is whole."""
    manifest = old.manifest
    return (
        not old.warnings
        and manifest["model"]["name"] == name
        and not manifest["report"]["problems"]
        and manifest["given"] == [str(Path(p).resolve()) for p in files]
        and not old.is_stale(settings)
    )


def _stored_report(old: Index, settings: Settings, began: float) -> BuildReport:
    stored = old.manifest["report"]
    sources = tuple(
        SourceReport(**{k: _tuples(v) if isinstance(v, list) else v for k, v in s.items()}) for s in stored["sources"]
    )
    values = {k: _tuples(v) for k, v in stored.items() if k != "sources"}
    return dataclasses.replace(
        BuildReport(sources=sources, **values),
        index=str(settings.index),
        generation=old.folder.name,
        reused=len(old.chunks),
        unchanged=True,
        published=False,
        seconds=time.perf_counter() - began,
    )


def _read(
    settings: Settings, files: Sequence[Path], old: Index | None, progress: Progress
) -> tuple[_Content, list[SourceError]]:
    from bot import facts, guide, ingest

    progress("read", 0, 1)
    corpus = ingest.read_corpus(settings, files)
    problems = list(corpus.problems)
    content = _Content()
    for number, (source, about) in enumerate(zip(corpus.sources, corpus.guides, strict=True), 1):
        tree = guide.parse(source, about)
        row = _source_row(source, tree.gaps, tree.unplaced)
        content.add(about, row, tree.clauses, facts.extract(tree.clauses))
        progress("read", number, len(corpus.sources))
    for problem in problems:
        if old is not None and _still_there(settings, files, problem.source):
            _keep_last_good(content, old, problem.source)
    return content, problems


def _source_row(source: SourceText, gaps: Sequence[str], unplaced: Sequence[tuple[int, int]]) -> SourceRow:
    return SourceRow(
        source=source.source,
        sha256=source.sha256,
        format=source.format,
        encoding=source.encoding,
        text=source.text,
        notes=tuple(source.notes),
        gaps=tuple(gaps),
        unplaced=tuple((int(s), int(e)) for s, e in unplaced),
        tables=len({h.table for h in source.hints if h.table is not None}),
    )


def _still_there(settings: Settings, files: Sequence[Path], source: str) -> bool:
    """Whether the file of an unreadable source has not been removed."""
    root = settings.corpus if settings.corpus.is_dir() else settings.corpus.parent
    candidates = [Path(p) for p in files if Path(p).name == Path(source).name] or [root / source]
    return any(os.path.lexists(p) for p in candidates)


def _keep_last_good(content: _Content, old: Index, source: str) -> None:
    """The clauses of `source` from the old index, marked stale."""
    rows = [s for s in old.sources if s.source == source]
    if not rows or any(s.source == source for s in content.sources):
        return
    about = [g for g in old.guides if g.source == source]
    clauses = [dataclasses.replace(c, stale=True) for c in old.clauses if c.source == source]
    kept = [f for c in clauses for f in old.facts_of(c.clause_id)]
    content.add(about[0], dataclasses.replace(rows[0], stale=True), clauses, kept)


def _check_content(content: _Content, problems: Sequence[SourceError]) -> None:
    if not content.clauses:
        reasons = "; ".join(str(p) for p in problems[:3])
        raise CorpusError(
            f"nothing to index{': ' + reasons if reasons else ', the corpus is empty'}; "
            "put at least one readable guide into the corpus folder and run: bot index"
        )
    for clause_id, count in Counter(c.clause_id for c in content.clauses).items():
        if count > 1:
            names = sorted({c.source for c in content.clauses if c.clause_id == clause_id})
            raise CorpusError(
                f"{' and '.join(names)} give the same clause id {clause_id}; "
                "give them different titles or editions in corpus.toml and run: bot index"
            )


def _key(model: str, text: str) -> str:
    return _sha(f"{model}\0{embed.clean(text)}".encode())


def _embed(
    content: _Content,
    settings: Settings,
    encoder: embed.Encoder | None,
    name: str,
    old: Index | None,
    progress: Progress,
) -> tuple[Vectors, int, dict[str, Any]]:
    """Vectors of all chunks, how many of them were made now, and what the manifest says of the model."""
    keys = [_key(name, c.default_text()) for c in content.chunks]
    known: dict[str, Vectors] = {}
    if old is not None and old.manifest["model"]["name"] == name:
        known = {_key(name, c.default_text()): old.vectors[i] for i, c in enumerate(old.chunks)}
    encoder = embed.open_encoder(settings) if encoder is None else encoder
    if known and old is not None and not _same_probe(encoder, old.manifest["model"]["probe"]):
        known = {}  # the weights changed under one name
    todo = {k: c.default_text() for k, c in zip(keys, content.chunks, strict=True) if k not in known}
    # longest first: batches of like lengths waste no padding, and the slow ones do not come last
    order = sorted(todo, key=lambda k: (-len(todo[k]), k))
    for at in range(0, len(order), embed.BATCH):
        progress("embed", at, len(order))
        batch = order[at : at + embed.BATCH]
        made = encoder.encode_passages([todo[k] for k in batch])
        known.update(zip(batch, made, strict=True))
    progress("embed", len(order), len(order))
    vectors = np.ascontiguousarray([known[k] for k in keys], dtype=np.float32).reshape(len(keys), encoder.dim)
    model = {
        "name": name,
        "requested": settings.embedding_model,
        "dim": encoder.dim,
        "parts": [list(p) for p in encoder.parts],
        "weights_sha256": embed.weights_sha256(settings),
        "probe": [float(x) for x in encoder.encode_queries([embed.PROBE])[0]],
    }
    return vectors, len(order), model


def _report(
    content: _Content,
    problems: Sequence[SourceError],
    settings: Settings,
    model: str,
    began: float,
    *,
    check: bool = False,
    embedded: int = 0,
) -> BuildReport:
    facts_by_source: dict[str, Counter[str]] = {}
    clauses_by_source: dict[str, list[Clause]] = {}
    home = {c.clause_id: c.source for c in content.clauses}
    for clause in content.clauses:
        clauses_by_source.setdefault(clause.source, []).append(clause)
    for fact in content.facts:
        facts_by_source.setdefault(home[fact.clause_id], Counter())[fact.kind] += 1
    sources = tuple(
        _source_report(g, row, clauses_by_source.get(row.source, []), facts_by_source.get(row.source, Counter()))
        for g, row in zip(content.guides, content.sources, strict=True)
    )
    stale = [
        f"{s.source} 暂不可读，沿用上次的条文 cannot be read now; its last good clauses stay"
        for s in sources
        if s.stale
    ]
    return BuildReport(
        sources=sources,
        problems=tuple(" ".join(str(p).split()) for p in problems),
        clauses=len(content.clauses),
        facts=len(content.facts),
        chunks=len(content.chunks),
        embedded=embedded,
        reused=0 if check else len(content.chunks) - embedded,
        seconds=time.perf_counter() - began,
        published=False,
        unchanged=False,
        generation="",
        index=str(settings.index),
        model=model,
        warnings=tuple(stale),
        check=check,
    )


def _source_report(guide: Guide, row: SourceRow, clauses: Sequence[Clause], facts: Counter[str]) -> SourceReport:
    characters = sum(not c.isspace() for c in row.text)
    placed = sum(not c.isspace() for clause in clauses for c in clause.text)
    return SourceReport(
        source=row.source,
        title=guide.title,
        edition=guide.edition,
        guide=guide.slug,
        format=row.format,
        encoding=row.encoding,
        clauses=dict(sorted(Counter(c.kind for c in clauses).items())),
        fields=tuple(dict.fromkeys(c.label for c in clauses if c.kind == "field")),
        facts=dict(sorted(facts.items())),
        characters=characters,
        coverage=placed / characters if characters else 1.0,
        unplaced=row.unplaced,
        gaps=row.gaps,
        tables=row.tables,
        notes=row.notes,
        guessed=guide.guessed,
        stale=row.stale,
    )


# --- publish ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make the folder; turn what the system refuses on the way into one line. A folder made for a corpus in which
    nothing can be read goes again."""
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except CorpusError:
        if made and [p.name for p in folder.iterdir()] == ["lock"]:
            (folder / "lock").unlink()
            folder.rmdir()
        raise
    except BotError:
        raise
    except OSError as error:
        what = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}.get(
            error.errno or 0, error.strerror or str(error)
        )
        raise IndexError_(
            f"the index folder {folder} cannot be written ({what}); free space or choose another with --index"
        ) from error


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Held while building; the system drops it when the holder dies."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IndexBusyError(
                f"正在构建 another build of {folder} is running; wait for it to end and run the command again"
            ) from None
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _seal(content: _Content, vectors: Vectors, manifest: dict[str, Any]) -> dict[str, bytes]:
    """The files of a generation by name; their checksums and the fingerprint go into the manifest."""
    files = IndexFiles(Path())
    data = {
        files.guides.name: _lines(content.guides),
        files.sources.name: _lines(content.sources),
        files.clauses.name: _lines(content.clauses),
        files.facts.name: _lines(content.facts),
        files.chunks.name: _lines(content.chunks),
        files.lexical.name: lexical.build_table(lexical.tokens(c.default_text()) for c in content.chunks),
        files.vectors.name: _write_faiss(vectors),
    }
    manifest["files"] = {name: {"size": len(b), "sha256": _sha(b)} for name, b in data.items()}
    manifest["fingerprint"] = _sha(_canonical([manifest["files"], manifest["model"], manifest["code"]]))[:16]
    return data


def _publish(folder: Path, data: Mapping[str, bytes], manifest: dict[str, Any]) -> str:
    """Write a generation aside, make it durable, swap it in. Returns its name, e.g. "gen-7"."""
    _clean_up(folder)
    taken = [int(p.name[4:]) for p in _generations(folder)]
    files = IndexFiles(folder / f"gen-{max(taken, default=0) + 1}")
    sealed = {"sha256": _sha(_canonical(manifest)), "manifest": manifest}
    try:
        files.folder.mkdir()
        for name, block in data.items():
            _write(files.folder / name, block)
        _write(files.manifest, json.dumps(sealed, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass"))
        _sync_folder(files.folder)
        _write(folder / "CURRENT.new", files.folder.name.encode() + b"\n")
        os.replace(folder / "CURRENT.new", folder / "CURRENT")
    except OSError:
        shutil.rmtree(files.folder, ignore_errors=True)
        raise
    with contextlib.suppress(OSError):  # published already: what fails from here on must not say otherwise
        _sync_folder(folder)
        _clean_up(folder)
    return files.folder.name


def _clean_up(folder: Path) -> None:
    """Remove what dead builds left and all but the newest generations up to CURRENT."""
    (folder / "CURRENT.new").unlink(missing_ok=True)
    try:
        current = _current(folder)
    except IndexError_:
        return
    number = int(current.name[4:])
    good = [p for p in _generations(folder) if int(p.name[4:]) <= number]
    for path in _generations(folder):
        if path not in good[:KEEP]:
            shutil.rmtree(path, ignore_errors=True)
