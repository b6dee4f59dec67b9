"""What an answer must pass before it leaves, whoever wrote it: the words of the guide are the guide's, and every
number, date, URL and name stands in a cited clause, is a cited fact in another notation, or is counted from them.

The method is deterministic quoting: text is proved by slicing the source, not by asking a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.facts import Quantity, plain, quantities
from bot.lexical import normalise
from bot.names import bare_name
from bot.types import Answer, Citation, Clause, ClauseId, Reckoning, Segment

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_URL = re.compile(r"(?:https?://|www\.)[^\s，。；）)]+", re.IGNORECASE)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip


def slices_hold(answer: Answer, source_texts: Mapping[str, str]) -> bool:
    """Every citation and every verbatim segment equals its slice of the source's canonical text."""
    for c in answer.citations:
        if source_texts.get(c.source, "")[c.start : c.end] != c.text:
            return False
        if not all(0 <= start <= end <= len(c.text) for start, end in c.spans):
            return False
    return all(_segment_holds(s, answer.citations) for s in answer.segments)


def _segment_holds(segment: Segment, citations: Sequence[Citation]) -> bool:
    if segment.kind == "template":
        return True
    if segment.citation is None or not 0 <= segment.citation < len(citations):
        return False
    if segment.kind == "mark":
        return segment.text == f"[{segment.citation + 1}]"
    text = citations[segment.citation].text
    return text[segment.start : segment.end] == segment.text and not _cuts_number(text, segment.start, segment.end)


def _cuts_number(text: str, start: int, end: int) -> bool:
    """Whether a slice begins or ends inside a number: "25" of "25,000" is another amount."""
    before = text[max(0, start - 2) : start]
    inside = text[start : start + 1].isdigit() and before[-1:].isdigit()
    thousands = re.match(r"\d{3}(?!\d)", text[start : start + 4]) and re.fullmatch(r"\d[,，]", before)
    closes = text[end - 1 : end].isdigit() and re.match(r"\d|[,，]\d{3}(?!\d)|[.．]\d", text[end : end + 5])
    between = re.fullmatch(r"\d[,，]", text[max(0, end - 2) : end]) and re.match(r"\d{3}(?!\d)", text[end : end + 4])
    return bool(inside or thousands or closes or between)


def allowed_numbers(citations: Sequence[Citation], question: str, today: str, counts: Sequence[int]) -> set[str]:
    """Numbers that connecting words may show: of cited clauses and their paths, their facts in other notations,
    of the question (to deny it), of today's date where one is given, and counts of cited things."""
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
    return all(
        (n.replace(",", "").lstrip("0") or "0") in allowed or n.replace(",", "") in allowed
        for n in _NUMBER.findall(normalise(text))
    )


def _keys(quantity: Quantity) -> set[tuple[str, object, str]]:
    """What two quantities share when they say the same in other words: years of age and of time are told apart by no
    language but the guide's, and a unit of counting is a word of its own in each."""
    if quantity.number is None:
        return {(quantity.kind, quantity.value, "")}
    kind = {"rate": "duration" if quantity.unit.isupper() else "count"}.get(quantity.kind, quantity.kind)
    if kind == "count" and quantity.unit.isascii():
        return set()  # its digits are looked for all the same
    unit = "Y" if quantity.unit == "岁" else quantity.unit
    return {(kind, quantity.number, unit)}


def sums_hold(sums: Sequence[Reckoning], citations: Sequence[Citation], question: str) -> bool:
    """Every sum is worked out anew, from a number of the question and those of cited clauses; a difference from two values
    of one unit in those words of them that were used."""
    asked = {q.number for q in quantities(question, bare=True)}
    stated = {q.number for c in citations for q in quantities(c.text)}
    used = {(q.number, q.unit) for c in citations for start, end in c.spans for q in quantities(c.text[start:end])}

    def holds(s: Reckoning) -> bool:
        if s.difference:
            return (s.given, s.unit) in used and (s.by, s.unit) in used and s.limit is None
        return s.given in asked and s.by in stated and (s.limit is None or s.limit in stated)

    return all(holds(s) and s.value == s.result for s in sums)


def values_hold(
    text: str, citations: Sequence[Citation], question: str, today: str, counts: Sequence[int], sums: Sequence[Reckoning] = ()
) -> bool:
    """Every typed value in `text` equals one of a cited clause (path, label and title included), of the question, a
    count or a proved sum: the digits alone would let 万 pass for 亿, or one date be mixed out of two."""
    known: set[tuple[str, object, str]] = {("date", today, "")}
    known |= {(s.kind, number, s.unit) for s in sums for number in (s.value, s.whole)}
    for c in citations:
        for told in (c.text, c.label, c.title, *c.path):
            known |= {key for q in quantities(told) for key in _keys(q)}
    known |= {key for q in quantities(question, bare=True) for key in _keys(q)}
    counted = {float(n) for n in counts}
    for q in quantities(text):
        if q.kind in ("body", "place", "url") or (q.kind == "count" and q.number in counted):
            continue
        if not _keys(q) <= known:
            return False
    return True


def ids_hold(citations: Sequence[Citation], clauses: Mapping[ClauseId, Clause]) -> bool:
    """Every citation is the clause that it names, and says which words of it were used; a heading stands for itself."""
    for c in citations:
        clause = clauses.get(ClauseId(c.clause_id))
        if clause is not None and not c.spans and clause.kind != "heading":
            return False
        if clause is None or (clause.source, clause.start, clause.end, clause.path, clause.label) != (
            c.source,
            c.start,
            c.end,
            c.path,
            c.label,
        ):
            return False
    return True


def names_of(clauses: Iterable[Clause]) -> tuple[str, ...]:
    """The names of sections and items that an answer may not show without citing them; made once for an index."""
    told = (bare_name(c) for c in clauses if c.kind in ("heading", "item") and c.label not in ("", c.number))
    return tuple(dict.fromkeys(name for name in told if len(name) > 1))


def names_hold(text: str, citations: Sequence[Citation], names: Sequence[str]) -> bool:
    """Every section or item of the guide that `text` names stands in a citation or above it: words that are the same
    under two headings are cited from the right one."""
    cited = "\n".join(told for c in citations for told in (c.title, *c.path, c.label, c.text))
    return all(name in cited for name in names if name in text)


def urls_hold(text: str, citations: Sequence[Citation]) -> bool:
    cited = "\n".join(c.text for c in citations)
    return all(url.rstrip(".,;:") in cited for url in _URL.findall(text))


def verified(
    answer: Answer,
    source_texts: Mapping[str, str],
    *,
    question: str,
    today: str,
    counts: Sequence[int] = (),
    contact: str = "",
    clauses: Mapping[ClauseId, Clause] | None = None,
    names: Sequence[str] | None = None,
    sums: Sequence[Reckoning] = (),
) -> bool:
    """Whether everything shown may be shown. The furniture (citation marks, the configured contact line) is exempt.

    With `clauses` (of the index, by id) the citations are those clauses, and an answer names no section that it does
    not cite; a refusal may name the section that it speaks of. `names` are theirs, where the caller keeps them."""
    if "".join(s.text for s in answer.segments) != answer.text:
        return False
    if not slices_hold(answer, source_texts):
        return False
    templates = " ".join(s.text for s in answer.segments if s.kind == "template")
    if contact:
        templates = templates.replace(contact, " ")
    if clauses is not None:
        if not ids_hold(answer.citations, clauses):
            return False
        known = names_of(clauses.values()) if names is None else names
        if answer.status != "refused" and not names_hold(templates, answer.citations, known):
            return False
    if not sums_hold(sums, answer.citations, question):
        return False
    if not values_hold(templates, answer.citations, question, today, counts, sums):
        return False
    # Today is a whole date: its digits alone are no licence for a number.
    allowed = allowed_numbers(answer.citations, question, "", counts)
    allowed |= {n for s in sums for number in (s.value, s.whole) for n in _notations(plain(number))}
    return numbers_hold(templates.replace(today, " "), allowed) and urls_hold(templates, answer.citations)


def quote_holds(quote: str, citation_text: str) -> bool:
    """A quotation of a writer, white space and width apart, stands in the cited text."""
    squeeze = re.compile(r"\s+")
    return squeeze.sub("", normalise(quote)) in squeeze.sub("", normalise(citation_text))
