"""Guides written in English: words by their stems, sections by the words of their titles.

The rest of the bot reads Chinese by characters; of English a word's stem stands where a Chinese word stands, and the
lexicon's `english.toml` gives the labels and words of the genre.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot import lexicon
from bot.lexical import normalise
from bot.types import ClauseId

_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_ENDING = re.compile(r"(?:ies|ing|ed|es|s|y|e)$")
NAMES = 0.5  # least share of a title's words that names it
_LIGHT = 0.25  # weight of a word that titles share


@lru_cache(maxsize=4096)
def form_of(short: str) -> re.Pattern[str]:
    """Finds the forms of a stem in a normalised text: at the beginning of a word, a short one as the whole of it."""
    return re.compile(rf"(?<![a-z]){re.escape(short)}" + (r"s?(?![a-z])" if len(short) <= 3 else ""))


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text with its stem."""

    text: str
    stem: str
    start: int
    end: int


def in_english(texts: Iterable[str]) -> bool:
    """Whether texts are written in Latin letters, but for a name or two."""
    latin = han = 0
    for text in texts:
        latin += len(_LATIN.findall(text[:400]))
        han += len(_HAN.findall(text[:400]))
    return latin > 8 * han and latin > 0


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without the ending of its form; looked for as a part of a text, so that other forms are found."""
    if len(word) < 5 or word.endswith(("ss", "us", "is")):
        return word.removesuffix("s") if len(word) == 4 and not word.endswith(("ss", "us", "is")) else word
    cut = _ENDING.sub("", word)
    return cut if len(cut) >= 4 else word[:4]


def stems(text: str) -> list[Word]:
    """The words of a normalised text that carry content, by their stems."""
    stop = _stop()
    return [
        Word(m[0], stem(m[0]), m.start(), m.end())
        for m in _WORD.finditer(text)
        if len(m[0]) > 2 and m[0] not in stop and stem(m[0]) not in stop
    ]


def word_weight(word: str) -> float:
    """1 where a guide that lacks a stem does not answer, less for words whose absence says little."""
    return 0.4 if word in _soft() else 1.0


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    told = (*lexicon.words("stop_en"), *lexicon.table("english")["words"]["stop"])
    return frozenset(told) | {stem(w) for w in lexicon.table("english")["words"]["stop"]}


@lru_cache(maxsize=1)
def _soft() -> frozenset[str]:
    return frozenset(stem(w) for w in lexicon.table("english")["words"]["soft"])


@lru_cache(maxsize=1)
def _generic() -> frozenset[str]:
    return frozenset(stem(w) for w in lexicon.table("english")["words"]["generic"])


@lru_cache(maxsize=1)
def _by_chinese() -> dict[str, tuple[str, ...]]:
    """Chinese words of the glossary with what its English patterns begin with."""
    out: dict[str, list[str]] = {}
    for pattern, words in lexicon.table("glossary/en").items():
        heads = [m[0] for part in pattern.split("|") if (m := re.match(r"[a-z][a-z -]{3,}", part))]
        for word in words:
            out.setdefault(word, []).extend(heads)
    return {word: tuple(dict.fromkeys(heads)) for word, heads in out.items()}


def from_chinese(word: str) -> tuple[str, ...]:
    """English beginnings of words for a Chinese one, as far as the glossary knows it."""
    return _by_chinese().get(word, ())


class Titles:
    """The titles of an English guide's sections. "mobility grants" names "Researcher Mobility Grants"."""

    def __init__(self, titles: Mapping[ClauseId, str], loose: Iterable[ClauseId]) -> None:
        """`loose` titles say what a section is about and are named by all their words only."""
        self._stems = {i: title_stems(title) for i, title in titles.items()}
        self._loose = frozenset(loose)
        self._df: dict[str, int] = {}
        for known in self._stems.values():
            for s in known:
                self._df[s] = self._df.get(s, 0) + 1

    def find(self, question: str) -> list[tuple[int, int, tuple[ClauseId, ...]]]:
        """(start, end, sections) of what a normalised question names; sections that it names equally well together."""
        words = _words(question)
        best: dict[tuple[Word, ...], list[tuple[float, ClauseId]]] = {}
        for i, wanted in self._stems.items():
            hits = tuple(w for w in words if w.stem in wanted)
            held = {w.stem for w in hits}
            if not held or held <= _generic():
                continue
            share = self._weigh(held) / self._weigh(wanted)
            if share >= (0.99 if i in self._loose else NAMES) and (i not in self._loose or len(held) > 1):
                best.setdefault(hits, []).append((share, i))
        out: list[tuple[int, int, tuple[ClauseId, ...]]] = []
        taken: set[Word] = set()
        for hits, told in sorted(best.items(), key=lambda kv: -max(s for s, _ in kv[1])):
            if taken & set(hits):
                continue
            taken |= set(hits)
            top = max(share for share, _ in told)
            start, end = _together(hits)
            out.append((start, end, tuple(i for share, i in told if share >= top - 1e-9)))
        return out

    def _weigh(self, known: Iterable[str]) -> float:
        size = len(self._stems)
        return sum((_LIGHT if s in _generic() else 1.0) * math.log(1 + size / self._df.get(s, size)) for s in known)


def _words(text: str) -> list[Word]:
    return [Word(m[0], stem(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]


def title_stems(title: str) -> frozenset[str]:
    """The stems of a title or a label, without its small words."""
    small = lexicon.words("stop_en")
    words = _words(normalise(title))
    return frozenset(w.stem for w in words if len(w.text) > 2 and (w.text not in small or w.stem in _generic()))


def label_in(label: str, question: str) -> tuple[int, int] | None:
    """Where a normalised question holds all words of a label, in any form ("eligible applicants": "applicant eligible")."""
    wanted = title_stems(label)
    hits = [w for w in _words(question) if w.stem in wanted]
    return (hits[0].start, hits[-1].end) if wanted and {w.stem for w in hits} == wanted else None


def _together(words: Sequence[Word]) -> tuple[int, int]:
    """From the first to the last of the words that stand side by side, counted from the first."""
    end = words[0].end
    for w in words[1:]:
        if w.start - end > 5:
            break
        end = w.end
    return words[0].start, end
