"""What an answer must pass before it leaves, whoever wrote it: the words of the guide are the guide's, and every
number, date, URL and name stands in a cited clause, is a cited fact in another notation, or is counted from them.

The method is deterministic quoting: text is proved by slicing the source, not by asking a model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.facts import plain, quantities
from bot.lexical import normalise
from bot.types import Answer, Citation, Segment

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_URL = re.compile(r"(?:https?://|www\.)[^\s，。；）)]+", re.IGNORECASE)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip


def slices_hold(answer: Answer, source_texts: dict[str, str]) -> bool:
    """Every citation and every verbatim segment equals its slice of the source's canonical text."""
    for c in answer.citations:
        if source_texts.get(c.source, "")[c.start : c.end] != c.text:
            return False
    return all(_segment_holds(s, answer.citations) for s in answer.segments)


def _segment_holds(segment: Segment, citations: Sequence[Citation]) -> bool:
    if segment.kind == "template":
        return True
    if segment.citation is None or not 0 <= segment.citation < len(citations):
        return False
    if segment.kind == "mark":
        return segment.text == f"[{segment.citation + 1}]"
    return citations[segment.citation].text[segment.start : segment.end] == segment.text


def allowed_numbers(citations: Sequence[Citation], question: str, today: str, counts: Sequence[int]) -> set[str]:
    """Numbers that connecting words may show: of cited clauses and their paths, their facts in other notations,
    of the question (to deny it), of today's date, and counts of cited things."""
    out: set[str] = set()
    for text in (*[c.text for c in citations], *["\n".join(c.path) for c in citations], *[c.title for c in citations]):
        out |= _digits(text)
        for q in quantities(text):
            out |= _notations(q.value)
            if q.number is not None:
                out |= _notations(plain(q.number))
    out |= _digits(question) | {n for q in quantities(question, bare=True) for n in _notations(q.value)}
    out |= _notations(today)
    out |= {str(n) for n in counts}
    return out


def _digits(text: str) -> set[str]:
    return {m.replace(",", "") for m in _NUMBER.findall(normalise(text))}


def _notations(value: str) -> set[str]:
    found = {m.replace(",", "") for m in _NUMBER.findall(value)}
    out = set(found)
    for m in found:
        out.add(m.lstrip("0") or "0")
        if m.isdigit() and int(m) >= 10_000:
            out |= {plain(int(m) / 10_000), plain(int(m) / 1_000_000)}
    return out


def numbers_hold(text: str, allowed: set[str]) -> bool:
    return all((n.replace(",", "").lstrip("0") or "0") in allowed or n.replace(",", "") in allowed for n in _NUMBER.findall(normalise(text)))


def urls_hold(text: str, citations: Sequence[Citation]) -> bool:
    cited = "\n".join(c.text for c in citations)
    return all(url.rstrip(".,;:") in cited for url in _URL.findall(text))


def verified(
    answer: Answer, source_texts: dict[str, str], *, question: str, today: str, counts: Sequence[int] = (), contact: str = ""
) -> bool:
    """Whether everything shown may be shown. The furniture (citation marks, the configured contact line) is exempt."""
    if "".join(s.text for s in answer.segments) != answer.text:
        return False
    if not slices_hold(answer, source_texts):
        return False
    templates = " ".join(s.text for s in answer.segments if s.kind == "template")
    if contact:
        templates = templates.replace(contact, " ")
    allowed = allowed_numbers(answer.citations, question, today, (*counts, *range(len(answer.citations) + 1)))
    return numbers_hold(templates, allowed) and urls_hold(templates, answer.citations)


def quote_holds(quote: str, citation_text: str) -> bool:
    """A quotation of a writer, white space and width apart, stands in the cited text."""
    squeeze = re.compile(r"\s+")
    return squeeze.sub("", normalise(quote)) in squeeze.sub("", normalise(citation_text))
