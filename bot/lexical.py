"""The Chinese tokenizer, one function for both sides, and BM25 over SQLite FTS5."""

from __future__ import annotations

import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

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
    return " ".join("x" + w.encode("utf-8").hex() for w in words)


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
    """BM25 (k1 = 1.2, b = 0.75, SQLite's) over the rows of `build_table`. Safe for several threads."""

    def __init__(self, data: bytes) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.deserialize(data)
        self._lock = threading.Lock()

    def search(self, words: Sequence[str], k: int) -> list[tuple[int, float]]:
        """The `k` best (row, score > 0, higher is better) that hold any of the words; ties by row."""
        wanted = list(dict.fromkeys(words))[:256]
        if not wanted or k <= 0:
            return []
        match = " OR ".join(_encoded([w]) for w in wanted)
        with self._lock:
            rows = self._db.execute(
                "SELECT rowid, bm25(t) AS s FROM t WHERE t MATCH ? ORDER BY s, rowid LIMIT ?", (match, k)
            ).fetchall()
        return [(int(row), -float(score)) for row, score in rows]
