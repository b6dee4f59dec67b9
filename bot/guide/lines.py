"""The lines of a source, each with what it begins with; broken lines joined, look-alikes of numbers dropped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Final, Literal

from bot import lexicon
from bot.guide import numbering
from bot.guide.numbering import LETTERS, Label, Number
from bot.types import LineHint, SourceText

TITLE_MAX: Final = 90  # characters of a document's title, over at most three lines
HEADING_MAX: Final = 60  # characters of a heading without its number
BARE_MAX: Final = 20  # characters of a heading that has neither a number nor a format to show it

Role = Literal[
    "text", "number", "field", "question", "heading", "caption", "row", "annex", "date", "docnum", "toc", "rule"
]  # fmt: skip


@dataclass(slots=True)
class Line:
    """A line, several that were one before a file broke them, or the part of one that is a clause of its own."""

    text: str
    start: int
    end: int
    role: Role = "text"
    number: Number | None = None
    label: Label | None = None
    hint: LineHint | None = None
    mark: str = ""  # of a heading that a drawn mark or brackets show: "■", "【"

    @property
    def words(self) -> str:
        """The text without its number."""
        return self.text[self.number.end :] if self.number else self.text

    @property
    def value(self) -> str:
        """What stands after a field's label."""
        return self.text[self.label.value :] if self.label else ""

    @property
    def level(self) -> int | None:
        """Heading level that the format gives; a whole paragraph styled as a heading by mistake has none."""
        if self.hint is None or self.hint.kind == "list" or len(self.text) > 2 * HEADING_MAX:
            return None
        return self.hint.level

    @property
    def style(self) -> str:
        """How its kind of heading looks: the number's style, a level of the format, bare, or bare with its mark; "" for
        no heading."""
        if self.number is not None:
            return self.number.style
        if self.role != "heading":
            return ""
        return f"bare{self.mark}" if self.level is None else f"h{self.level}"


def read_lines(source: SourceText) -> list[Line]:
    """Every non-blank line of the source in order, marked."""
    lines = _mark_all(source)
    lines = list(_split_inline(_rejoin(source.text, lines)))
    _drop_false_numbers(lines)
    _find_named_numbers(lines)
    _find_captions(lines)
    _find_marked_headings(lines)
    _find_bare_headings(lines)
    return lines


# --- marks ------------------------------------------------------------------------------------------------------------

_PAGE = re.compile(r"[\W_]*(?:第? ?\d{1,4} ?页?(?: ?[/共] ?\d{1,4} ?页?)?[\W_]*)?")
_TOC = re.compile(r"(?:\.{4,}|…{2,}|·{4,}|_{4,}) ?\d{1,4}$")


def _mark_all(source: SourceText) -> list[Line]:
    hints = {hint.start: hint for hint in source.hints}
    lines = []
    position = 0
    for raw in source.text.split("\n"):
        text = raw.strip()
        if text:
            start = position + raw.index(text[0])
            line = Line(text, start, start + len(text), hint=hints.get(position) or hints.get(start))
            _mark(line)
            lines.append(line)
        position += len(raw) + 1
    return lines


def _mark(line: Line) -> None:
    """Sets role, number and label from the line's own characters and hint."""
    text, hint = line.text, line.hint
    if hint is not None and hint.kind in ("row", "header_row"):
        line.role = "row"
    elif len(text) <= 20 and _PAGE.fullmatch(text) and not text[:1].isdigit():
        line.role = "rule"
    elif numbering.is_date(text):
        line.role = "date"
    elif numbering.is_document_number(text):
        line.role = "docnum"
    elif len(text) <= TITLE_MAX and _TOC.search(text):
        line.role = "toc"
    elif is_annex(text):
        line.role = "annex"
    elif numbering.question_mark(text):
        line.role = "question"
    else:
        _mark_start(line)


def _mark_start(line: Line) -> None:
    line.number = numbering.number_of(line.text)
    if line.number is None and line.hint is not None and line.hint.kind == "list":
        line.number = Number("•", 0, "", 0)  # a bullet that the format draws
    if line.number is not None:
        line.role = "number"
        return
    _mark_unnumbered(line)


def _mark_unnumbered(line: Line) -> None:
    line.number = None
    line.label = numbering.label_of(line.text)
    if line.label is not None:
        line.role = "field"
    else:
        line.role = "text" if line.level is None else "heading"


def is_annex(text: str) -> bool:
    """ "附件", "附件2", "附表1 某表": the first line of an annex, or one of a list of them; "附件：某表" is a field."""
    if len(text) > TITLE_MAX or text[:1] != "附":
        return False
    at = numbering.annex_mark(text)
    if not at or ends_sentence(text):
        return False
    numbered = re.search(r"[\d一二三四五六七八九十]", text[:at]) is not None
    return at >= len(text) or (numbered and "：" not in text and ":" not in text)


def ends_sentence(text: str) -> bool:
    return text[-1:] in numbering.SENTENCE_END


def title_like(line: Line) -> bool:
    """Short, and not closed as a sentence is."""
    return len(line.text) < TITLE_MAX - 10 and not ends_sentence(line.text)


def is_remark(text: str) -> bool:
    """All in brackets: "（此件公开发布）"."""
    return text[:1] in "(（" and text[-1:] in ")）"


# --- lines that a file broke ------------------------------------------------------------------------------------------


def _rejoin(text: str, lines: list[Line]) -> list[Line]:
    """Joins the lines of a paragraph in a text that was wrapped at a fixed width."""
    width = _wrap_width(lines)
    if not width:
        return lines
    joined: list[Line] = []
    full = False
    for line in lines:
        filled = _columns(line.text) >= width - 3
        before = joined[-1] if joined else None
        if before and full and line.role == "text" and _breaks_off(before):
            before.end = line.end
            before.text = text[before.start : before.end]
        else:
            joined.append(line)
        full = filled
    return joined


def _breaks_off(line: Line) -> bool:
    return line.role in ("text", "number", "field", "question") and line.text[-1] not in "。；;：:"


def _wrap_width(lines: Sequence[Line]) -> int:
    """The width in columns at which the text was wrapped, 0 if it was not: then many lines end there in mid-sentence."""
    if not lines or any(len(line.text) > 100 for line in lines):
        return 0
    columns = [_columns(line.text) for line in lines]
    width = max(columns)
    broken = sum(c >= width - 3 and _breaks_off(line) for c, line in zip(columns, lines, strict=True))
    return width if 40 <= width <= 160 and broken >= 3 and broken * 8 >= len(lines) else 0


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


# --- corrections in sight of the other lines ---------------------------------------------------------------------------


def _split_inline(lines: Sequence[Line]) -> Iterator[Line]:
    """ "附表：1. 申请表", whose list goes on in the next line as "2. …", is a label and a first item."""
    for line, after in zip_longest(lines, lines[1:]):
        second = after.number if after else None
        if line.label is None or line.label.enclosed or second is None or second.value != 2:
            yield line
            continue
        first = numbering.number_of(line.value)
        if first is None or first.value != 1 or first.style != second.style:
            yield line
            continue
        head = line.text[: line.label.value].rstrip()
        yield Line(head, line.start, line.start + len(head), "field", label=line.label, hint=line.hint)
        yield Line(line.value, line.start + line.label.value, line.end, "number", number=first, hint=line.hint)


def _drop_false_numbers(lines: Sequence[Line]) -> None:
    """Takes back what only looked like a number: "1.5 years" where no list stands at 1.4, "第五条…" in running text."""
    numbers = [line.number for line in lines if line.number is not None]
    known = _Known({(n.style, n.value) for n in numbers}, {n.levels[:1] for n in numbers if len(n.levels) > 1})
    for line in lines:
        if line.number is None:
            continue
        if not line.number.sure and not known.goes_on(line.number):
            line.number = numbering.letter_of(line.text) if line.number.style in LETTERS else None
        if line.number is None or not (line.number.sure or known.goes_on(line.number)):
            _mark_unnumbered(line)
        else:
            known.last[line.number.style] = line.number


@dataclass(slots=True)
class _Known:
    """Numbers of a document that show whether an unsure one belongs to a list."""

    seen: set[tuple[str, int]]  # (style, value) anywhere
    parents: set[tuple[int, ...]]  # (1,) where a "1.2" stands
    last: dict[str, Number] = field(default_factory=dict)  # the number before, of each style

    def goes_on(self, number: Number) -> bool:
        """Whether the number begins a list or goes on with one."""
        before = self.last.get(number.style)
        follows = before is not None and before.value < number.value <= before.value + 2
        if len(number.levels) == 1:
            return number.levels in self.parents or (follows and bool(self.parents))
        if number.levels:
            return self._has_parent(number, before, follows)
        if number.style in LETTERS:
            first = number.value == 1 and (number.style, 2) in self.seen
            return follows or (first and not self._is_letter_nine(number))
        return number.value == 1 or follows

    def _has_parent(self, number: Number, before: Number | None, follows: bool) -> bool:
        outer = number.levels[:-1]
        if before is not None and before.levels[:-1] == outer:
            return follows
        styles = (".".join("1" * len(outer)),) if len(outer) > 1 else ("1 ", "1.", "1、", "一、", "章")
        above = [self.last[style].value for style in styles if style in self.last]
        return number.value <= 2 and (outer[-1] in above or not above)

    def _is_letter_nine(self, number: Number) -> bool:
        """ "(i)" after "(h)" is a letter and no Roman one."""
        letters = self.last.get({"I.": "A.", "(i)": "(a)", "i)": "a)"}.get(number.style, ""))
        return letters is not None and letters.value == 8


def _find_named_numbers(lines: Sequence[Line]) -> None:
    """Headings such as "专题一 …" and "专题二 …": a word that counts on at the start of several short lines."""
    found: dict[str, list[tuple[Line, Number]]] = {}
    for line in lines:
        if line.role in ("text", "field") and len(line.text) <= HEADING_MAX and not ends_sentence(line.text):
            number = numbering.named_number_of(line.text)
            if number is not None:
                found.setdefault(number.style, []).append((line, number))
    for same in found.values():
        values = {number.value for _, number in same}
        if len(values) > 2 or values == {1, 2}:
            for line, number in same:
                line.number, line.label, line.role = number, None, "number"


def _find_captions(lines: Sequence[Line]) -> None:
    """A short line right above a table is its caption."""
    for line, after in pairwise(lines):
        if after.role == "row" and line.role in ("text", "field") and title_like(line) and not line.value.strip():
            line.role = "caption"


def _find_marked_headings(lines: Sequence[Line]) -> None:
    """Short names behind one drawn mark ("■ 申请须知") or in brackets ("【甲类：某项目】"), several in a document, that
    stand above other text as headings do and not one below another as a list does."""
    marked: dict[str, list[tuple[int, Label]]] = {}
    for n, line in enumerate(lines):
        found = numbering.marked_name_of(line.text) if line.role in ("number", "field", "text") else None
        if found is not None and line.level is None:
            marked.setdefault(line.text[0], []).append((n, found))
    for mark, same in marked.items():
        places = {n for n, _ in same}
        over = [lines[n + 1] for n in sorted(places) if n + 1 < len(lines) and n + 1 not in places]
        # A label in brackets over running text or a list is a field, and stays one.
        headed = mark not in numbering.BRACKETS or any(b.role == "field" for b in over)
        if len(same) > 1 and headed and len(over) >= len(same) - 1:
            for n, label in same:
                lines[n].role, lines[n].mark, lines[n].label, lines[n].number = "heading", mark, label, None


def _find_bare_headings(lines: Sequence[Line]) -> None:
    """Short lines without a number that stand above text as headings do; without bold type only where several do."""
    bold = sum(_is_bold(line) for line in lines)
    shown = 0 < bold * 2 < len(lines)
    able = [b for a, b, c in zip([None, *lines], lines, lines[1:], strict=False) if _may_head(a, b, c)]
    several = sum(len(line.text) <= BARE_MAX for line in able) > 1
    able += _labels_alone(lines) if several and not shown else []
    for line in able:
        if (shown and _is_bold(line)) or (several and len(line.text) <= BARE_MAX and not bold):
            line.role = "heading"


def _labels_alone(lines: Sequence[Line]) -> list[Line]:
    """Lines that are a label usual in the genre and nothing else ("申报材料"), above words that may be no sentence."""
    named = [line.role == "text" and lexicon.is_label(line.text) for line in lines]
    return [line for line, one, two in zip(lines, named, named[1:], strict=False) if one and not two]


def _is_bold(line: Line) -> bool:
    return line.hint is not None and line.hint.bold


def _may_head(before: Line | None, line: Line, after: Line) -> bool:
    goes_on = before is not None and before.role == "text" and title_like(before)
    if before is not None and goes_on and not numbering.is_document_name(before.text):
        return False  # the second line of a title
    if line.role != "text" or len(line.text) > HEADING_MAX or (numbering.names_body(line.text) and not _is_bold(line)):
        return False
    if not numbering.is_plain_name(line.text):
        return False
    opens_list = after.number is not None and after.number.value <= 1
    return opens_list or after.role in ("field", "row") or (after.role == "text" and ends_sentence(after.text))
