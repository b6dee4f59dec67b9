"""Language knowledge of the genre as data: loaded once, compiled lazily. Nothing here knows one particular guide."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@cache
def table(name: str) -> dict[str, Any]:
    """One TOML file of this folder, or of one below it ("glossary/de")."""
    return tomllib.loads((_HERE / f"{name}.toml").read_text("utf-8"))


@cache
def pattern(name: str) -> re.Pattern[str]:
    """The entries of a list of words.toml as one pattern (case folded by the caller)."""
    return re.compile("|".join(f"(?:{p})" for p in table("words")[name]))


@cache
def words(name: str) -> frozenset[str]:
    return frozenset(table("words")[name])


@dataclass(frozen=True, slots=True)
class Concept:
    """What people ask about: a field of the genre, or a detail that guides often leave out."""

    name: str
    zh: str
    en: str
    labels: tuple[str, ...]
    types: frozenset[str]
    words: tuple[str, ...]  # one of which a clause must hold to answer it; regular expressions
    detail: bool
    strict: bool
    asks: dict[str, tuple[str, ...]]  # language → how people ask; regular expressions

    @property
    def evidence(self) -> bool:
        return bool(self.words)

    @property
    def said(self) -> re.Pattern[str]:
        """Words that answer it, as one pattern that matches nothing where there are none."""
        return _said(self.name)

    def ask(self, language: str) -> re.Pattern[str] | None:
        """How one language asks for it."""
        return asking(language).get(self.name)


@cache
def _either(parts: tuple[str, ...], flags: int = 0) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in parts), flags)


@lru_cache(maxsize=1)
def concepts() -> dict[str, Concept]:
    return {
        name: Concept(
            name, raw["zh"], raw["en"], (*raw["labels"], *table("english")["labels"].get(name, ())),
            frozenset(raw["types"]), _words_of(name, tuple(raw["evidence"])),
            bool(raw.get("detail", False)), bool(raw.get("strict", False)), _asks(name, raw["ask"]),
        )
        for name, raw in table("concepts").items()
    }  # fmt: skip


def _words_of(name: str, chinese: tuple[str, ...]) -> tuple[str, ...]:
    """The words that answer a concept, in both languages of guides; none where values alone do."""
    return (*chinese, *table("english")["evidence"].get(name, ())) if chinese else ()


@cache
def _said(concept: str) -> re.Pattern[str]:
    words = concepts()[concept].words
    return _either(tuple(w.lower() for w in words)) if words else _either(("(?!)",))


@lru_cache(maxsize=64)
def asking(language: str) -> dict[str, re.Pattern[str]]:
    """How one language asks for each concept; compiled when first wanted: a question is in one language of many."""
    # ASCII word edges for English, which stands among Han characters without blanks
    flags = re.ASCII if language == "en" else 0
    return {c.name: _either(c.asks[language], flags) for c in concepts().values() if c.asks.get(language)}


def _asks(name: str, own: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """How each language asks for one concept: the wordings beside it and those of asking.toml."""
    more = table("asking")
    return {
        lang: (*own.get(lang, ()), *more.get(lang, {}).get(name, ()))
        for lang in dict.fromkeys([*own, *more])
        if lang in own or name in more[lang]
    }


@lru_cache(maxsize=4096)
def concept_of_label(label: str) -> str:
    """The concept that a field label carries ("建议财政补助经费" → "funding"), "" where none does. The longest wins."""
    best, length = "", 0
    label = label.lower()
    for c in concepts().values():
        for word in c.labels:
            if len(word) > length and word in label:
                best, length = c.name, len(word)
    return best


@lru_cache(maxsize=4096)
def is_label(line: str) -> bool:
    """Whether a line is a field label usual in the genre, with few characters before it ("项目申报材料")."""
    return len(line) <= 12 and any(
        line.endswith(word) and len(line) <= len(word) + 4
        for c in concepts().values()
        for word in c.labels
        if len(word) > 2
    )


@dataclass(frozen=True, slots=True)
class Body:
    """A class of applicants: the guides' words for it, everyday words that mean a member, other languages."""

    name: str
    guide: tuple[str, ...]
    everyday: tuple[str, ...]
    foreign_words: tuple[str, ...]
    name_en: str

    @property
    def foreign(self) -> re.Pattern[str]:
        return _either(self.foreign_words)


@lru_cache(maxsize=1)
def bodies() -> dict[str, Body]:
    return {
        name: Body(
            name,
            tuple(raw["guide"]),
            tuple(sorted({*raw["everyday"], *raw["guide"]}, key=len, reverse=True)),
            (*raw["en"], *raw["other"]),
            raw["name_en"],
        )
        for name, raw in table("bodies").items()
    }


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, tuple[str, ...]]:
    out: dict[str, set[str]] = {}
    for group in (*table("synonyms")["groups"], *table("english")["synonyms"]["groups"]):
        for word in group:
            out.setdefault(word.lower(), set()).update(w.lower() for w in group if w.lower() != word.lower())
    return {word: tuple(sorted(others)) for word, others in out.items()}


def synonyms(word: str) -> tuple[str, ...]:
    return _synonyms().get(word, ())


@lru_cache(maxsize=64)
def glossary(language: str) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """Words of one language with the guides' words for them, the likeliest first. Each language is a file of its own,
    read and compiled with the first question in it; English stands in for those that have none, and for no other:
    "son" and "van" are words of many."""
    lang = language if (_HERE / "glossary" / f"{language}.toml").exists() else "en"
    edge = "" if lang in _UNSPACED else r"\b"
    return tuple((re.compile(rf"{edge}(?:{p})"), tuple(v)) for p, v in table(f"glossary/{lang}").items())


_UNSPACED = ("ja", "ko", "th", "ar", "he")  # words that stand without a blank before them, or behind a prefix


def message(name: str, language: str, /, **parts: object) -> str:
    """A connecting phrase in Chinese, or in English for every other language."""
    texts = table("messages")["zh" if language.startswith("zh") else "en"]
    return str(texts[name]).format(**parts) if parts else str(texts[name])


def yes_no(yes: bool, language: str) -> str:
    """Yes or no in the reader's language where the lexicon has it."""
    return str(table("messages")["yes" if yes else "no"].get(language, message("yes" if yes else "no", language)))
