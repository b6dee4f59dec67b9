"""The Chinese tokenizer, one function for both sides, and BM25 over SQLite FTS5."""

from __future__ import annotations

import math
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# a number keeps its point and its separators; a Latin word its inner hyphens and apostrophes; Han stays together
_PIECES = re.compile(rf"\d+(?:[.,]\d+)*|[{_HAN}]+|[^\W\d_{_HAN}]+")
_HAN_RUN = re.compile(f"[{_HAN}]")


@lru_cache(maxsize=1)
def _converter() -> Any:
    try:
        import opencc
    except ImportError:
        return None
    return opencc.OpenCC("t2s").convert


def simplified(text: str) -> str:
    """Traditional → simplified characters; the length stays. Without opencc the text as it is."""
    if text.isascii():
        return text
    convert = _converter()
    return text if convert is None else str(convert(text))


@lru_cache(maxsize=8192)  # the same clauses are read for every question
def normalise(text: str) -> str:
    """Full → half width, lower case, traditional → simplified, without format characters."""
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs"))
    return simplified(unicodedata.normalize("NFKC", kept).lower())


def tokens(text: str) -> list[str]:
    """The searchable words of a text in order: numbers whole ("2025", "1.5"; separators dropped), words of other
    scripts, and for Han each character and each pair of neighbours.

    Pairs find as well as a dictionary's words (see docs/adr/0003), cost no import and know every name; the single
    characters let "省厅" meet "省科技厅"."""
    out: list[str] = []
    for piece in _PIECES.findall(normalise(text)):
        if piece[0].isdigit():
            out.append(piece.replace(",", ""))
        elif _HAN_RUN.match(piece):
            out.extend(piece)
            out.extend(piece[i : i + 2] for i in range(len(piece) - 1))
        else:
            out.append(piece)
    return out


# --- BM25 ------------------------------------------------------------------------------------------------


def _encoded(words: Iterable[str]) -> str:
    """Words as unicode61 will take each for one token: a hex spelling has no character that it would split at."""
    return " ".join(map(_coded, words))


def _coded(word: str) -> str:
    return "x" + word.encode("utf-8").hex()


def build_table(texts: Iterable[Sequence[str]]) -> bytes:
    """A SQLite database with one FTS5 row for each list of words, as bytes. The same input gives the same rows."""
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(words, content='', tokenize='unicode61')")
        db.executemany(
            "INSERT INTO t(rowid, words) VALUES (?, ?)", ((i, _encoded(words)) for i, words in enumerate(texts))
        )
        db.execute("INSERT INTO t(t) VALUES ('optimize')")
        db.commit()
        return bytes(db.serialize())
    finally:
        db.close()


class Bm25:
    """BM25 (k1 = 1.2, b = 0.75) over the rows of `build_table`: SQLite's own scores to the last bit. Safe for several
    threads.

    SQLite would score every row for every word of a question again, which takes long with many guides. So the rows of
    a word are taken from it once, when a question first holds the word, and added up here."""

    def __init__(self, data: bytes) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.deserialize(data)
        self._lock = threading.Lock()
        self._db.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, t, instance)")
        self._db.execute("CREATE VIRTUAL TABLE temp.known USING fts5vocab(main, t, row)")
        self._vocabulary: frozenset[str] | None = None
        sizes = self._db.execute("SELECT id, sz FROM t_docsize ORDER BY id").fetchall()
        self._lengths = np.zeros(max((int(i) for i, _ in sizes), default=-1) + 1, np.float64)
        for row, size in sizes:
            self._lengths[row] = _varint(size)
        self._count = len(sizes)
        average = float(self._lengths.sum()) / self._count if self._count else 0.0
        self._damped = 1.2 * (1 - 0.75 + 0.75 * self._lengths / average) if average else self._lengths
        self._parts: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def search(self, words: Sequence[str], k: int) -> list[tuple[int, float]]:
        """The `k` best (row, score > 0, higher is better) that hold any of the words; ties by row."""
        wanted = list(dict.fromkeys(words))[:256]
        if not wanted or k <= 0:
            return []
        scores = np.zeros(len(self._lengths), np.float64)
        with self._lock:
            if self._vocabulary is None:
                self._vocabulary = frozenset(term for (term,) in self._db.execute("SELECT term FROM known"))
            for word in map(_coded, wanted):
                if word in self._vocabulary:
                    rows, part = self._part(word)
                    scores[rows] += part
        found = np.flatnonzero(scores)
        best = found[np.argsort(-scores[found], kind="stable")[:k]]
        return [(int(row), float(scores[row])) for row in best]

    def _part(self, word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The rows that hold an encoded word and what it adds to the score of each."""
        known = self._parts.get(word)
        if known is None:
            told = self._db.execute(
                "SELECT doc, count(*) FROM words WHERE term = ? GROUP BY doc ORDER BY doc", (word,)
            ).fetchall()
            rows = np.array([doc for doc, _ in told], np.int64)
            often = np.array([n for _, n in told], np.float64)
            rare = math.log((self._count - len(told) + 0.5) / (len(told) + 0.5))
            known = (rows, (rare if rare > 0 else 1e-6) * (often * 2.2 / (often + self._damped[rows])))
            self._parts[word] = known
        return known


def _varint(data: bytes) -> int:
    """A number as SQLite writes it: seven bits a byte, the high bit says that more follow."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return value
