"""The nouns that flow from a file to an answer. Frozen, slotted, no behaviour beyond small conveniences.

Offsets are always counted in characters of a source's one canonical text (`SourceText.text`):
`source_text[x.start:x.end] == x.text` for every clause, chunk, fact and citation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NewType

ClauseId = NewType("ClauseId", str)

RefusedBy = Literal["", "understanding", "evidence", "verification"]
ClauseKind = Literal["heading", "field", "item", "article", "row", "paragraph"]
FactKind = Literal["amount", "date", "duration", "count", "ratio", "rate", "url", "body", "place"]
AnswerKind = Literal["value", "list", "yesno", "compare", "procedure", "definition", "overview"]
Status = Literal["answered", "clarify", "refused"]
HitSource = Literal["dense", "lexical", "structure", "fused", "reranked"]
SegmentKind = Literal["verbatim", "template", "mark"]


# What stands before the answer in a question and its answer: "答：", "【答】", "A1 ", "答" on a line of its own.
_REPLY = re.compile(
    r"\s*(?:[【\[（(] ?(?:回答|答复|解答|答|A(?:nswer)?) ?\d{0,3} ?[】\]）)] ?[:：]?|(?:回答|答复|解答|答|A(?:nswer)?) ?\d{0,3} ?[:：.、]"
    r"|A ?\d{1,3} |答(?=\n))\s*"
)


@dataclass(frozen=True, slots=True)
class LineHint:
    """What a file format knows of one line of the canonical text, beyond its characters.

    `level` is a heading level (1 = outermost) from a style, Markdown or HTML; None where the format says nothing.
    `cells` are the spans of a table row's cells, `header` the texts of the table's header cells for them
    (merged cells are filled, so both have the same length).
    """

    start: int
    end: int
    kind: Literal["text", "title", "heading", "list", "row", "header_row", "note"] = "text"
    level: int | None = None
    bold: bool = False
    centered: bool = False
    page: int | None = None
    table: int | None = None
    cells: tuple[tuple[int, int], ...] = ()
    header: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceText:
    """One file as clean text. Lines are separated by one "\\n", stripped at both ends, never blank."""

    source: str  # path relative to the corpus folder, "/" separators
    text: str
    sha256: str  # of the file's bytes
    format: str  # "txt", "md", "docx", "pdf", "html", "doc"
    encoding: str = ""
    hints: tuple[LineHint, ...] = ()  # sorted by start; only for lines the format knows something about
    notes: tuple[str, ...] = ()  # what was skipped or repaired, one human sentence each


@dataclass(frozen=True, slots=True)
class Guide:
    """What is known of one source as a publication; from corpus.toml, or guessed from its text."""

    slug: str
    title: str
    source: str
    edition: str = ""  # usually a year
    issuer: str = ""
    url: str = ""  # the official page, http(s)
    valid_from: str = ""  # ISO dates
    valid_to: str = ""
    sha256: str = ""
    series: str = ""  # editions of one guide share it
    guessed: tuple[str, ...] = ()  # names of the fields above that were guessed, not stated


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a guide. `text` is its own slice, number and label included; for a clause with children
    the part before the first child. `path` holds the enclosing headings, outermost first, as their lines stand."""

    clause_id: ClauseId
    path: tuple[str, ...]
    label: str
    text: str
    source: str
    start: int
    end: int
    kind: ClauseKind
    children: tuple[ClauseId, ...] = ()
    parent: ClauseId | None = None
    number: str = ""  # "（四）", "第五条", "1." as it stands, "" where there is none
    guide: str = ""  # Guide.slug
    page: int | None = None
    refs: tuple[ClauseId, ...] = ()  # clauses that this one refers to ("按照第五条")
    stale: bool = False  # the last good clauses of a file that cannot be read now
    cells: tuple[tuple[int, int, str], ...] = ()  # of a table row: each column's span in `text` and its header

    @property
    def body_offset(self) -> int:
        """Characters of `text` taken by number and label, with the mark and blanks that close them."""
        head = self.number
        at = self.text.find(self.label) if self.label else -1
        if self.kind in ("field", "item") and 0 <= at <= len(head) + 5:
            at += len(self.label)
        elif head and self.text.startswith(head):
            at = len(head)
        elif self.label and self.text.startswith((f"{self.label}：", f"{self.label}:")):
            at = len(self.label)  # a label that became a heading because items follow it
        else:
            return 0
        skipped = " \t\u3000：:.．、）)】］]」*\n？?"
        while at < len(self.text) and self.text[at] in skipped:
            at += 1
        reply = _REPLY.match(self.text, at)
        return reply.end() if reply else at


@dataclass(frozen=True, slots=True)
class Fact:
    """A typed value that stands in a clause. `value` is normalised: "600000 CNY", "2031-04-05", "P3Y",
    "15 day/year", "30 人", "20 %", a URL, a body's name. `qualifier` is the guide's word for its bound."""

    clause_id: ClauseId
    kind: FactKind
    value: str
    qualifier: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is embedded and searched: a clause, or a part of one too long to embed."""

    chunk_id: str
    clause_id: ClauseId
    text: str
    start: int
    end: int
    context: str = ""  # path and label, joined

    def default_text(self) -> str:
        """The one searched text, for both indexes, so that they cannot drift apart."""
        return f"{self.context}\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """A question as understood. `sections` are clause ids of headings or items, `fields` labels of the guide,
    `unknown` names in the question that the guide does not hold."""

    text: str
    language: str  # "zh", "zh-Hant", "en", "ja" …
    standalone: str
    sections: tuple[ClauseId, ...] = ()
    fields: tuple[str, ...] = ()
    kind: AnswerKind = "value"
    unknown: tuple[str, ...] = ()
    guides: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()  # content words left when names, fields and question words are taken out
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    clause: Clause
    score: float
    rank: int
    source: HitSource


@dataclass(frozen=True, slots=True)
class Citation:
    """A clause that an answer rests on. `spans` are offsets into `text`: the words that were used."""

    clause_id: ClauseId
    path: tuple[str, ...]
    label: str
    text: str
    spans: tuple[tuple[int, int], ...]
    source: str
    start: int
    end: int
    title: str = ""
    edition: str = ""
    url: str = ""
    page: int | None = None
    guide: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of an answer's text. A verbatim segment equals `citations[citation].text[start:end]`;
    a mark is the furniture "[n]" with n = citation + 1; a template is our own connecting words."""

    kind: SegmentKind
    text: str
    citation: int | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Reckoning:
    """A value worked out from one of the question and one of a cited clause: a share of it, or so much for each, not
    more than a cap of the clause; or what lies between two values of cited clauses."""

    given: float  # the question's; a clause's where it is a difference
    by: float  # the clause's: percent, or for each
    share: bool
    limit: float | None
    value: float
    unit: str
    difference: bool = False

    @property
    def kind(self) -> str:
        if self.unit in ("Y", "M", "W", "D"):
            return "duration"
        return "amount" if self.unit.isascii() else "count"

    @property
    def whole(self) -> float:
        """Without the cap."""
        if self.difference:
            return round(abs(self.given - self.by), 6)
        return round(self.given * self.by / (100 if self.share else 1), 6)

    @property
    def result(self) -> float:
        return self.whole if self.limit is None else min(self.whole, self.limit)


@dataclass(frozen=True, slots=True)
class Table:
    """A small table of an answer: each cell is a run of segments. `text` of the answer holds the same as lines."""

    header: tuple[str, ...]
    rows: tuple[tuple[tuple[Segment, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot says and why. `"".join(s.text for s in segments) == text`."""

    status: Status
    text: str
    segments: tuple[Segment, ...] = ()
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    understood: str = ""
    confidence: float = 0.0
    suggestions: tuple[str, ...] = ()
    query: Query | None = None
    table: Table | None = None
    missing: str = ""  # what a refusal, or a partial answer, lacks
    latency_ms: float = 0.0
    embed_ms: float = 0.0  # share of latency spent embedding the question
    refused_by: RefusedBy = ""  # of a refusal: the stage that decided it
    withheld: int = 0  # drafts that would have answered and did not pass the check of bot/verify.py
    notices: tuple[str, ...] = field(default=())  # "this guide expired on …", "stale"
