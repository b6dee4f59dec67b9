"""Search as you type over clauses: words, parts of words, pinyin, numbers, field names. Pure Python, no model.

Every term of the input must be found in a clause: in its label, its path, its text, or the guide's title. What is
found in no clause as it stands is cut into words by `bot.lexical`; when that fails too the caller falls back on
`GuideBot.search`. Offsets of matches are offsets into the clause's own text.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.lexical import simplified, tokens
from bot.types import Clause, ClauseId, Fact, Guide

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A clause that holds every term, with where they stand in its text, label and path."""

    clause: Clause
    score: float
    text: tuple[Span, ...]
    label: tuple[Span, ...]
    path: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    clause: Clause
    label: str  # the next three are folded, character for character
    path: tuple[str, ...]
    text: str
    bare: str  # text without blanks and separators in numbers, and the facts' normalised values: not for offsets
    head: str  # the folded path, label and guide title
    initials: tuple[str, ...]  # of the path and, last, the label: one letter a character, "," for what is not Han
    syllables: str  # of path and label, " " before each syllable


def fold(text: str) -> str:
    """Half width, lower case, simplified; one character for one, so that offsets hold."""
    out = []
    for c in simplified(text):
        f = unicodedata.normalize("NFKC", c).lower()
        out.append(f if len(f) == 1 else c)
    return "".join(out)


def _bare(text: str) -> str:
    return re.sub(r"[\s,，]", "", text)


class _Pinyin:
    """Spelling of Han text, cached by run: headings repeat from clause to clause."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def spell(self, run: str) -> list[str]:
        """One syllable a character, "," where there is none."""
        from pypinyin import lazy_pinyin  # 0.3 s to import

        if run not in self._known:
            spelt = lazy_pinyin(run, errors=lambda unknown: "," * len(unknown))
            self._known[run] = [s.replace("ü", "v") for s in spelt]
        return self._known[run]

    def initials(self, text: str) -> str:
        parts = re.findall(r"[\u3400-\u9fff]+|[^\u3400-\u9fff]", text)
        return "".join("".join(s[0] for s in self.spell(p)) if "\u3400" <= p[0] <= "\u9fff" else "," for p in parts)

    def syllables(self, text: str) -> str:
        return " " + " ".join(s for run in re.findall(r"[\u3400-\u9fff]+", text) for s in self.spell(run))


class Lookup:
    """Built once for an index; about 15 microseconds a clause for a search."""

    def __init__(self, clauses: Sequence[Clause], facts: Iterable[Fact], guides: Sequence[Guide]) -> None:
        titles = {g.slug: fold(f"{g.title} {g.edition}") for g in guides}
        values: dict[ClauseId, list[str]] = {}
        for f in facts:
            values.setdefault(f.clause_id, []).append(fold(f.value))
        pinyin = _Pinyin()
        self._parents: Mapping[ClauseId, ClauseId | None] = {c.clause_id: c.parent for c in clauses}
        self._rows = []
        for c in clauses:
            label, path, text = fold(c.label), tuple(fold(p) for p in c.path), fold(c.text)
            near = f"{path[-1] if path else ''}\n{label}"
            self._rows.append(
                _Row(
                    c,
                    label,
                    path,
                    text,
                    _bare(text) + "\n" + "\n".join(values.get(c.clause_id, ())),
                    "\n".join((*path, label, titles.get(c.guide, ""))),
                    tuple(pinyin.initials(p) for p in (*path, label)),
                    pinyin.syllables(near),
                )
            )
        self._order = {c.clause_id: i for i, c in enumerate(clauses)}

    def search(
        self, words: str, k: int = 20, *, guide: str = "", section: str = "", field: str = ""
    ) -> tuple[list[Found], int]:
        """The `k` best clauses, best first, and how many there are. Without words: all, in document order."""
        rows = [r for r in self._rows if self._passes(r.clause, guide, section, field)]
        terms = [t for t in fold(words).split() if _bare(t)]
        if not terms:
            found = [Found(r.clause, 0.0, (), (), ()) for r in rows]
            return found[:k], len(found)
        scored = self._all(rows, terms)
        if not scored:
            smaller = list(itertools.chain.from_iterable(self._smaller(rows, t) for t in terms))
            scored = self._all(rows, smaller) if smaller and smaller != terms else []
            terms = smaller
        scored.sort(key=lambda s: (-s[0], self._order[s[1].clause.clause_id]))
        return [_marked(row, terms, score) for score, row in scored[:k]], len(scored)

    def _passes(self, clause: Clause, guide: str, section: str, field: str) -> bool:
        if (guide and clause.guide != guide) or (field and clause.label != field):
            return False
        if not section:
            return True
        at: ClauseId | None = clause.clause_id
        while at is not None and at != section:
            at = self._parents.get(at)
        return at is not None

    def _all(self, rows: Sequence[_Row], terms: Sequence[str]) -> list[tuple[float, _Row]]:
        wanted = [(t, _bare(t), re.fullmatch(r"[a-z]{2,}", t) is not None) for t in terms]
        out = []
        for row in rows:
            total = 0.0
            for term, bare, latin in wanted:
                points = _points(row, term, bare, latin)
                if not points:
                    break
                total += points
            else:
                out.append((total + (1 / (20 + len(row.text)) if total <= 3 else 0), row))
        return out

    def _smaller(self, rows: Sequence[_Row], term: str) -> list[str]:
        """The words of a term that stands in no clause as it is; those found nowhere are left out."""
        bare, latin = _bare(term), re.fullmatch(r"[a-z]{2,}", term) is not None
        if any(_points(r, term, bare, latin) for r in rows):
            return [term]
        runs = re.findall(r"[a-z]+|[^a-z]+", term)  # "xz经费": initials beside words
        words = [w for run in runs for w in ([run] if run.isascii() else [run, *tokens(run)]) if w != term]
        kept: list[str] = []
        for w in dict.fromkeys(words):
            if w not in "".join(kept) and any(_points(r, w, _bare(w), w.isascii() and w.isalpha()) for r in rows):
                kept.append(w)
        return kept


def _points(row: _Row, term: str, bare: str, latin: bool) -> float:
    """How well one term fits one clause; 0 where it does not."""
    points = 0.0
    if term in row.label:
        points = 12.0 if term == row.label else 9.0
    elif row.path and term in row.path[-1]:
        points = 7.0
    elif term in row.head:
        points = 4.0
    elif term in row.text or bare in row.bare:
        points = 3.0
    elif latin:
        points = _pinyin_points(row, term)
    if points and row.clause.kind == "heading" and row.clause.children:
        points -= 0.5  # the field or item below is what is wanted
    return points


def _pinyin_points(row: _Row, term: str) -> float:
    """Initials count most where the name of the field, or of the section it stands in, begins with them."""
    near = row.initials[-2:]
    if any(part.startswith(term) for i in near for part in i.split(",")):
        return 5.0
    if any(term in i for i in near):
        return 3.5
    spelt = len(term) > 2 and _spelt(row.syllables, term)
    return 2.5 if spelt or any(term in i for i in row.initials) else 0.0


def _spelt(syllables: str, term: str) -> bool:
    """Does `term` read as whole syllables, the last one perhaps in part ("xizangke" in " xi zang ke ji")?"""
    joined = syllables.replace(" ", "")
    at = joined.find(term)
    if at < 0:
        return False
    starts = set(itertools.accumulate((len(s) for s in syllables.split()), initial=0))
    while at >= 0:
        if at in starts:
            return True
        at = joined.find(term, at + 1)
    return False


def _spans(text: str, terms: Sequence[str], initials: str = "") -> tuple[Span, ...]:
    """Where the terms stand in a folded text, merged, in order; with `initials`, also where they are its initials."""
    spans: list[Span] = []
    for term in terms:
        pattern = r"[\s,，]*".join(re.escape(c) for c in term)  # "85万元" also as "85 万元"
        found = [m.span() for m in re.finditer(pattern, text)]
        if not found and len(initials) == len(text) and re.fullmatch(r"[a-z]{2,}", term):
            found = [m.span() for m in re.finditer(term, initials)]
        spans += found
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _marked(row: _Row, terms: Sequence[str], score: float) -> Found:
    return Found(
        row.clause,
        round(score, 4),
        _spans(row.text, terms),
        _spans(row.label, terms, row.initials[-1]),
        tuple(_spans(p, terms, i) for p, i in zip(row.path, row.initials, strict=False)),
    )
