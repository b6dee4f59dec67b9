"""Fakes whose behaviour can be computed by hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.embed import Part, clean


class BigramEncoder:
    """Counts pairs of neighbouring characters: each adds 1 at place crc32(pair) % dim; then length one.

    Two texts without a common pair score 0 (but for collisions), equal texts 1. `passages` keeps what was encoded,
    in order. `salt` stands for other weights under the same name.
    """

    def __init__(self, dim: int = 256, name: str = "bigram", salt: str = "") -> None:
        self.name = name
        self.dim = dim
        self.parts: tuple[Part, ...] = (Part("bigram", 0, dim),)
        self.passages: list[str] = []
        self._salt = salt

    def _vector(self, text: str) -> NDArray[np.float32]:
        out = np.zeros(self.dim, np.float32)
        text = f" {clean(text)} "
        for i in range(len(text) - 1):
            out[zlib.crc32((self._salt + text[i : i + 2]).encode()) % self.dim] += 1
        return out / np.float32(np.linalg.norm(out))

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._vector(t) for t in texts], np.float32).reshape(len(texts), self.dim)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.passages.extend(texts)
        return self.encode_queries(texts)
