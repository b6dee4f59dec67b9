"""Clauses → chunks, never across a clause. Most clauses are one chunk; one too long to embed is split at
sentence ends by langchain-text-splitters, which is imported only then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.types import Chunk, Clause

# No text has more tokens than characters (but for a few that NFKC spreads), so with its context and the model's prompt
# a chunk fits the 512 tokens of the model's window, whatever it is made of.
MAX_CHARS = 380
_CONTEXT_CHARS = 110
_HEADINGS = 2
_SEPARATORS = ["\n", "。", "！", "？", "；", ". ", "; ", "，", "、", " ", ""]


def context(clause: Clause) -> str:
    """The two headings next above the clause and its label, in one line, the outer one first.

    Headings further out, the title above all, stand over most clauses alike: they tell none from another and only
    thin out what does (measured in docs/adr/0004-encoders.md). Cut from the left to what has room."""
    parts = [*clause.path[-_HEADINGS:]]
    if clause.label and clause.kind != "heading":
        parts.append(clause.label)
    parts += dict.fromkeys(name for _, _, name in clause.cells if name)  # a cell is found by what stands over it
    line = " / ".join(" ".join(p.split()) for p in parts)
    return line[-_CONTEXT_CHARS:]


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """Spans that cover every non-blank character of `text` once, each of at most MAX_CHARS characters."""
    if len(text) <= MAX_CHARS:
        yield 0, len(text)
        return
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        keep_separator="end",
        chunk_size=MAX_CHARS,
        chunk_overlap=0,
        strip_whitespace=False,
    )
    at = 0
    for piece in splitter.split_text(text):
        start = text.index(piece, at)  # pieces come in order and do not overlap
        yield start, start + len(piece)
        at = start + len(piece)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _of(clause: Clause) -> Iterable[Chunk]:
    spans = [_trimmed(clause.text, *span) for span in pieces(clause.text)]
    spans = [(start, end) for start, end in spans if start < end]
    line = context(clause)
    for number, (start, end) in enumerate(spans, 1):
        yield Chunk(
            chunk_id=str(clause.clause_id) if len(spans) == 1 else f"{clause.clause_id}#{number}",
            clause_id=clause.clause_id,
            text=clause.text[start:end],
            start=clause.start + start,
            end=clause.start + end,
            context=line,
        )


def chunks(clauses: Sequence[Clause]) -> tuple[Chunk, ...]:
    """The chunks of all clauses, in document order. Offsets are those of the source text."""
    return tuple(chunk for clause in clauses for chunk in _of(clause))
