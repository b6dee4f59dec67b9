"""A source's text → its clause tree: headings, labelled fields, numbered items, articles, table rows, paragraphs.

Knows the ways in which guides are numbered and labelled, and no guide: which style of number stands under which is
learned from the document itself. Data flows one way:

    text → lines → marked lines (what each begins with) → habits (how this document nests) → nodes → clauses

Pure, without recursion, in time linear in the text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot import numbering
from bot.numbering import LEGAL, STYLE_ORDER, Label, Number
from bot.slugs import make_slug, short_hash
from bot.types import Clause, ClauseId, ClauseKind, Guide, LineHint, SourceText

__all__ = ["ClauseTree", "make_slug", "parse"]

MAX_DEPTH: Final = 40  # deeper nesting is kept flat at this depth: paths stay bounded
TITLE_MAX: Final = 90  # characters of a document's title, over at most three lines
HEADING_MAX: Final = 40  # characters of a heading without its number


@dataclass(frozen=True, slots=True)
class ClauseTree:
    """`clauses` in document order; `unplaced` spans hold what is no clause (rules of dashes and the like);
    `gaps` are one sentence for each number that is missing, repeated or out of order."""

    clauses: tuple[Clause, ...]
    unplaced: tuple[tuple[int, int], ...] = ()
    gaps: tuple[str, ...] = ()


def parse(source: SourceText, guide: Guide) -> ClauseTree:
    """The clause tree of one source. Raises nothing: a text without any structure is a row of paragraphs."""
    lines = _settle(_mark(source))
    unplaced = tuple((line.start, line.end) for line in lines if line.role == "rule")
    lines = [line for line in lines if line.role != "rule"]
    builder = _Builder(lines, _learn(lines))
    nodes = builder.build()
    return ClauseTree(_clauses(source, guide, nodes), unplaced, _gaps(nodes))


# --- lines and marks ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """A line, or the part of one that is a clause of its own, with what it begins with."""

    text: str
    start: int
    end: int
    number: Number | None = None
    label: Label | None = None
    hint: LineHint | None = None
    role: str = "text"  # text, number, field, row, heading, annex, date, docnum, rule

    @property
    def words(self) -> str:
        return self.text[self.number.end :] if self.number else self.text

    @property
    def level(self) -> int | None:
        """Heading level that the format gives; a paragraph styled as a heading by mistake has none."""
        if self.hint is None or self.hint.level is None or len(self.text) > 2 * HEADING_MAX:
            return None
        return self.hint.level


_ANNEX = re.compile(r"(?:附件|附录|附表|附 件|附 录) ?(?:[一二三四五六七八九十]{1,3}|\d{1,2}(?:[-.]\d{1,2})?)? ?[:.、]? ?")
_WORDLESS = re.compile(r"[\W_]*")


def _mark(source: SourceText) -> list[_Line]:
    hints = {hint.start: hint for hint in source.hints}
    lines = []
    position = 0
    for text in source.text.split("\n"):
        if text.strip():
            start = position + len(text) - len(text.lstrip())
            clean = text.strip()
            lines.append(_mark_line(clean, start, hints.get(start) or hints.get(position)))
        position += len(text) + 1
    return list(_split_inline(lines))


def _mark_line(text: str, start: int, hint: LineHint | None) -> _Line:
    line = _Line(text, start, start + len(text), hint=hint)
    if hint is not None and hint.kind in ("row", "header_row"):
        line.role = "row"
    elif len(text) < 200 and _WORDLESS.fullmatch(text):
        line.role = "rule"
    elif numbering.is_date(text):
        line.role = "date"
    elif numbering.is_document_number(text):
        line.role = "docnum"
    elif _is_annex(text):
        line.role = "annex"
    else:
        _mark_start(line)
    return line


def _is_annex(text: str) -> bool:
    """ "附件", "附件2" alone on the line; "附件2 某表" counts too, "附件：某表" is a field."""
    head = numbering.fold(text)
    found = _ANNEX.match(head)
    if not found or len(text) > TITLE_MAX:
        return False
    return found.end() >= len(head.rstrip()) and not head.rstrip().endswith(":")


def _mark_start(line: _Line) -> None:
    line.number = numbering.number_of(line.text)
    if line.number is not None:
        line.role = "number"
        return
    line.label = numbering.label_of(line.text)
    if line.label is not None:
        line.role = "field"
    elif line.level is not None:
        line.role = "heading"


def _split_inline(lines: Sequence[_Line]) -> Iterator[_Line]:
    """ "附表：1. 申请表" whose list goes on in the next line "2. …" is a label and a first item."""
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        number = after.number if after else None
        if line.label and number and number.value == 2 and not line.label.enclosed:
            at = line.label.value
            first = numbering.number_of(line.text[at : at + numbering.PREFIX])
            if first and first.value == 1 and first.style == number.style:
                head = line.text[:at].rstrip()
                yield _Line(head, line.start, line.start + len(head), label=line.label, hint=line.hint, role="field")
                rest = line.text[at:]
                yield _Line(rest, line.start + at, line.end, number=first, hint=line.hint, role="number")
                continue
        yield line


def _settle(lines: list[_Line]) -> list[_Line]:
    """Drops what only looks like a number: "1.5 年" where no list is at 1.4, "A. Smith", "第五条…" as running text."""
    last: dict[str, Number] = {}
    for line in lines:
        number = line.number
        if number is None:
            continue
        if not number.sure and not _continues(number, last):
            line.number = None
            line.role = "text"
            line.label = numbering.label_of(line.text)
            if line.label is not None:
                line.role = "field"
            continue
        last[number.style] = number
    return lines


def _continues(number: Number, last: dict[str, Number]) -> bool:
    before = last.get(number.style)
    if number.levels:
        parent = number.levels[:-1]
        if before and before.levels[:-1] == parent:
            return before.value < number.value <= before.value + 2
        above = last.get(".".join("1" * len(parent))) or last.get("1.") or last.get("1、") or last.get("章")
        return number.value == 1 and (above is None or above.value == parent[-1] or not above.levels)
    return number.value == 1 or (before is not None and before.value < number.value <= before.value + 2)


# --- how this document nests -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Habits:
    """`inside[a][b]`: how often a list of style b began between two neighbours of a list of style a.
    `homes[label]`: the style under which a field of this label stands again and again."""

    inside: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    homes: dict[str, str] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)

    def above(self, outer: str, inner: str) -> bool:
        """Whether a list of style `outer` holds lists of style `inner` in this document, else by custom."""
        if outer == inner:
            return False
        down, up = self.inside[outer][inner], self.inside[inner][outer]
        if down != up:
            return down > up
        return _custom(outer) < _custom(inner)

    def known(self, outer: str, inner: str) -> bool:
        return self.inside[outer][inner] > self.inside[inner][outer]


def _custom(style: str) -> int:
    if style.startswith("1.1"):
        return STYLE_ORDER.index("1.1") * 10 + style.count(".")
    return STYLE_ORDER.index(style) * 10 if style in STYLE_ORDER else len(STYLE_ORDER) * 10


def _learn(lines: Sequence[_Line]) -> _Habits:
    habits = _Habits()
    last: dict[str, int] = {}
    begun: dict[str, set[str]] = defaultdict(set)
    credit: dict[str, Counter[str]] = defaultdict(Counter)
    open_for: dict[str, dict[str, int]] = defaultdict(dict)
    serial: Counter[str] = Counter()
    for line in lines:
        if line.number and line.number.style != "•":
            style, value = line.number.style, line.number.value
            serial[style] += 1
            if value == 1:
                for other in begun:
                    begun[other].add(style)
            elif last.get(style) == value - 1:
                habits.inside[style].update(begun[style] - {style})
            last[style] = value
            begun[style] = set()
        elif line.label:
            name = label_key(line.label.text)
            habits.repeated[name] += 1
            for style, count in serial.items():
                if open_for[name].get(style) != count:
                    open_for[name][style] = count
                    credit[name][style] += 1
    for name, count in habits.repeated.items():
        if count > 1:
            home = _home(credit[name], serial)
            if home:
                habits.homes[name] = home
    return habits


def _home(credit: Counter[str], serial: Counter[str]) -> str:
    """The deepest style of which at least half the numbers have a field of the label after them."""
    fit = [style for style, count in credit.items() if count > 1 and 2 * count > serial[style]]
    return max(fit, key=_custom, default="")


def label_key(text: str) -> str:
    """A label without blanks ("文　　号"), for comparing."""
    return re.sub(r"\s+", "", text)


# --- nodes ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Node:
    line: _Line
    kind: ClauseKind
    style: str  # number style, "title", "field", "level", "row" or "text"
    parent: int  # index, -1 for none
    end: int
    last: int  # index of its last line
    value: int = 0
    label: str = ""
    element: str = ""  # what it adds to the path of its children
    level: int | None = None
    lines: int = 1
    children: int = 0
    fat_children: int = 0  # children with children or further lines of their own
    strong: bool = True  # of a field: repeated, or one of several
    depth: int = 0


class _Builder:
    """Places line after line under the open nodes. `stack` holds the indices of the open ones, outermost first."""

    def __init__(self, lines: list[_Line], habits: _Habits) -> None:
        self.lines = lines
        self.habits = habits
        self.nodes: list[_Node] = []
        self.stack: list[int] = []
        self.titled = False
        self.signed = False  # the document so far ended with a date: what follows is another one
        self.next_mark = _next_marks(lines)

    def build(self) -> list[_Node]:
        at = 0
        while at < len(self.lines):
            at = self._place(at)
        return self.nodes

    def _place(self, at: int) -> int:
        line = self.lines[at]
        if line.role == "annex" and self._opens_annex(at):
            return self._title(at)
        if line.role in ("text", "heading") and self._is_title(at):
            return self._title(at)
        if line.role == "number":
            return self._number(at)
        if line.role == "field":
            return self._field(at)
        if line.role == "row":
            return self._row(at)
        if line.role == "heading":
            return self._heading(at)
        return self._text(at)

    # titles

    def _is_title(self, at: int) -> bool:
        line = self.lines[at]
        if line.hint and line.hint.kind == "title":
            return True
        if self.titled and not self.signed:
            return False
        return _title_like(line) and not self._remark(line) and (self.signed or not self._sentence_follows_as_same(at))

    def _sentence_follows_as_same(self, at: int) -> bool:
        """At the very start: a short line that is only the first of a list of short lines is no title."""
        return False

    def _remark(self, line: _Line) -> bool:
        head = numbering.fold(line.text)
        return head.startswith("(") and head.endswith(")")

    def _opens_annex(self, at: int) -> bool:
        return at + 1 < len(self.lines)

    def _title(self, at: int) -> int:
        first = self.lines[at]
        last = at
        name = "" if first.role == "annex" else first.text
        while last + 1 < len(self.lines) and self._joins(last, name, at):
            last += 1
            name += self.lines[last].text
        name = name or first.text
        level = first.level if first.level is not None else 0
        letterhead = name.endswith("文件") and last + 1 < len(self.lines) and self.lines[last + 1].role == "docnum"
        self.stack.clear()
        node = self._add(at, "heading", "title", label=name, element=name, level=level)
        self._extend(node, last)
        if letterhead:
            self.stack.clear()
        else:
            self.titled = True
        self.signed = False
        return last + 1

    def _joins(self, last: int, name: str, first: int) -> bool:
        """Whether the next line belongs to the title as well."""
        after = self.lines[last + 1]
        if after.role != "text" or not _title_like(after) or last + 1 - first > 3:
            return False
        if not name:
            return True
        if self._remark(after) or len(name) + len(after.text) > TITLE_MAX:
            return False
        if numbering.is_document_name(name):
            return False
        follows = self.lines[last + 2] if last + 2 < len(self.lines) else None
        return follows is None or follows.role != "date"

    # numbers

    def _number(self, at: int) -> int:
        line = self.lines[at]
        number = line.number
        assert number is not None
        style = number.style
        if line.level is not None:
            self._pop_level(line.level)
        else:
            style = self._pop_number(number)
        if self._is_question(at):
            return self._question(at)
        kind: ClauseKind = "article" if number.style == "条" else "heading" if number.style in LEGAL else "item"
        self._add(at, kind, style, value=number.value, level=line.level)
        return at + 1

    def _pop_number(self, number: Number) -> str:
        """Closes what this number does not stand under; gives the style of the list that it belongs to."""
        top = self._top()
        same = self._open(number.style)
        if same is not None:
            restart = number.value == 1 and self.nodes[self.stack[same]].value >= 1
            if not (restart and same < len(self.stack) - 1 and top is not None and self._introduces(top)):
                del self.stack[same:]
            return number.style
        kin = self._open_kin(number) if number.value > 1 else None
        if kin is not None:
            style = self.nodes[self.stack[kin]].style
            del self.stack[kin:]
            return style
        self._pop_for_new_list(number)
        return number.style

    def _open(self, style: str) -> int | None:
        for position in range(len(self.stack) - 1, -1, -1):
            if self.nodes[self.stack[position]].style == style:
                return position
        return None

    def _open_kin(self, number: Number) -> int | None:
        """An open number of another style that this one goes on from: "一、" then "2、"."""
        if number.style not in ("一、", "1、", "1."):
            return None
        for position in range(len(self.stack) - 1, -1, -1):
            node = self.nodes[self.stack[position]]
            if node.value == number.value - 1 and node.style in ("一、", "1、", "1."):
                return position
        return None

    def _pop_for_new_list(self, number: Number) -> None:
        while self.stack:
            top = self.nodes[self.stack[-1]]
            if top.style == "title" or (top.style == "level"):
                return
            if top.style == "field":
                if self._introduces(top) or not self._leaves_field(number.style):
                    return
            elif top.style in ("text", "row"):
                pass
            elif self._holds(top, number):
                return
            self.stack.pop()

    def _leaves_field(self, style: str) -> bool:
        return style in LEGAL or style in ("一、", "(一)") or style in self.habits.homes.values()

    def _holds(self, top: _Node, number: Number) -> bool:
        style = number.style
        if number.levels:
            levels = top.line.number.levels if top.line.number else ()
            if levels:
                return number.levels[: len(levels)] == levels and len(number.levels) > len(levels)
        if style in LEGAL or top.style in LEGAL:
            return self.habits.above(top.style, style)
        if self.habits.known(top.style, style):
            return True
        if self.habits.known(style, top.style):
            return False
        if number.value == 1 and (_titles(top.line) or self._introduces(top)):
            return True
        return _custom(top.style) < _custom(style)

    def _introduces(self, node: _Node) -> bool:
        """Whether a node's words announce a list."""
        text = self.lines[node.last].text
        if node.line.label and node.lines == 1 and not text[node.line.label.value :].strip():
            return True
        return text[-1:] in "：:" or re.search(r"如下|以下|下列", text[-24:]) is not None

    # questions and answers

    def _is_question(self, at: int) -> bool:
        line = self.lines[at]
        if line.text[-1:] not in "？?" or at + 1 >= len(self.lines):
            return False
        return _ANSWER.match(self.lines[at + 1].text) is not None

    def _question(self, at: int) -> int:
        """A question with its answer, to the next question of the same style, is one clause."""
        line = self.lines[at]
        number = line.number
        last = at + 1
        while last + 1 < len(self.lines) and not self._ends_answer(last + 1, number):
            last += 1
        node = self._add(at, "item", number.style if number else "问", value=number.value if number else 0)
        self.nodes[node].label = line.words or line.text
        self.nodes[node].element = line.text
        self._extend(node, last)
        return last + 1

    def _ends_answer(self, at: int, number: Number | None) -> bool:
        line = self.lines[at]
        if line.role in ("annex", "row") or line.level is not None or self._is_question(at):
            return True
        if line.number is None or number is None:
            return False
        return line.number.style in LEGAL or (
            line.number.style == number.style and line.number.value == number.value + 1
        )

    # fields

    def _field(self, at: int) -> int:
        line = self.lines[at]
        label = line.label
        assert label is not None
        name = label_key(label.text)
        empty = not line.text[label.value :].strip()
        if empty and not self._is_field_head(at, name):
            return self._text(at)
        strong = self._is_strong(at, name)
        if not (strong or label.enclosed or _FOR_ROOT.match(name)) and self._top_holds_sentence():
            return self._text(at)
        self._pop_field(name, strong)
        node = self._add(at, "field", "field")
        self.nodes[node].label = label.text
        self.nodes[node].element = label.text
        self.nodes[node].strong = strong
        return at + 1

    def _is_field_head(self, at: int, name: str) -> bool:
        """Whether a label with nothing after it heads a field, and is not a salutation or an opening clause."""
        if self.habits.repeated[name] > 1:
            return True
        after = self.lines[at + 1] if at + 1 < len(self.lines) else None
        if after is None or len(name) > 10:
            return False
        salutes = after.role in ("text", "field") and all(self.nodes[i].style == "title" for i in self.stack)
        return not (salutes and _SALUTES.search(name))

    def _is_strong(self, at: int, name: str) -> bool:
        if self.habits.repeated[name] > 1:
            return True
        neighbours = self.lines[max(at - 1, 0) : at] + self.lines[at + 1 : at + 2]
        return any(line.role == "field" for line in neighbours)

    def _top_holds_sentence(self) -> bool:
        top = self._top()
        if top is None or top.kind not in ("item", "article"):
            return False
        if any(self.nodes[i].style == "field" for i in self.stack):
            return False
        return not _name_only(top.line)

    def _pop_field(self, name: str, strong: bool) -> None:
        if _FOR_ROOT.match(name):
            self._pop_to_root()
            return
        home = self.habits.homes.get(name)
        position = self._open(home) if home else None
        if position is not None:
            del self.stack[position + 1 :]
            return
        position = self._open("field")
        if position is not None:
            del self.stack[position:]

    # rows and format headings

    def _row(self, at: int) -> int:
        while self.stack and self.nodes[self.stack[-1]].style in ("row", "text"):
            self.stack.pop()
        line = self.lines[at]
        node = self._add(at, "row", "row")
        self.nodes[node].label = _row_head(line)
        return at + 1

    def _heading(self, at: int) -> int:
        line = self.lines[at]
        assert line.level is not None
        self._pop_level(line.level)
        self._add(at, "heading", "level", level=line.level, label=line.text, element=line.text)
        self.titled = True
        return at + 1

    def _pop_level(self, level: int) -> None:
        while self.stack:
            held = self.nodes[self.stack[-1]].level
            if held is not None and held < level:
                return
            self.stack.pop()

    # running text

    def _text(self, at: int) -> int:
        line = self.lines[at]
        if line.role in ("date", "docnum") or self._is_signature(at) or self._remark(line) and self.signed:
            self._pop_to_root()
            self._add(at, "paragraph", "text")
            self.signed = self.signed or line.role == "date"
            return at + 1
        if numbering.is_closing(line.text) and not self._in_open_article():
            self._pop_to_root()
        else:
            owner = self._continued(at)
            if owner is not None:
                self._extend(owner, at)
                return at + 1
        self._pop_for_text()
        self._add(at, "paragraph", "text")
        return at + 1

    def _in_open_article(self) -> bool:
        return False

    def _is_signature(self, at: int) -> bool:
        line = self.lines[at]
        if len(line.text) > 40 or numbering.ends_sentence(line.text):
            return False
        follows = self.lines[at + 1] if at + 1 < len(self.lines) else None
        return follows is not None and follows.role == "date"

    def _continued(self, at: int) -> int | None:
        """The open node whose own words go on in this line, or None."""
        if not self.stack:
            return None
        index = self.stack[-1]
        top = self.nodes[index]
        if top.children or top.style in ("title", "level", "row", "text") or top.last != at - 1:
            return None
        if top.style == "field":
            enclosed = top.line.label is not None and top.line.label.enclosed
            return None if enclosed or self._is_metadata(top) else index
        if top.kind == "article":
            return index
        if top.kind == "heading" or self._is_heading_line(top):
            return None
        if _lead_only(top.line) and self._list_follows(at, top):
            return None
        return index if self._owns_next(top, at) else None

    def _is_metadata(self, node: _Node) -> bool:
        return node.parent < 0 or (
            self.nodes[node.parent].style == "title" and all(self.nodes[i].style in ("title", "field") for i in self.stack)
            and not node.strong
        )  # fmt: skip

    def _is_heading_line(self, node: _Node) -> bool:
        """A short number line without a full stop, not one of a list of such: what follows stands under it."""
        if not _name_only(node.line) or node.line.text[-1:] in "。.":
            return False
        return not self._last_of_plain_list(node)

    def _list_follows(self, at: int, node: _Node) -> bool:
        """A list inside this node begins right after this line."""
        after = self.next_mark[at + 1] if at + 1 < len(self.lines) else None
        if after is None or after.number is None or after.start != self.lines[at + 1].start:
            return False
        return after.number.style != node.style and after.number.value == 1

    def _last_of_plain_list(self, node: _Node) -> bool:
        if node.value <= 1 or node.parent < 0:
            return False
        parent = self.nodes[node.parent]
        return parent.fat_children == 0

    def _owns_next(self, node: _Node, at: int) -> bool:
        """Whether running text after an item is its second paragraph; else it closes the whole list."""
        short = _lead_only(node.line) or not numbering.ends_sentence(node.line.text)
        if short and not self._last_of_plain_list(node):
            return True
        after = self.next_mark[at + 1] if at + 1 < len(self.lines) else None
        if after and after.number and after.number.style == node.style and after.number.value > node.value:
            return True
        parent = self.nodes[node.parent] if node.parent >= 0 else None
        return parent is not None and 2 * parent.fat_children > parent.children - 1 > 0

    def _pop_for_text(self) -> None:
        """Text after a finished list or field closes it."""
        while self.stack:
            top = self.nodes[self.stack[-1]]
            if top.style in ("title", "level") or top.kind == "heading":
                return
            if top.style == "field":
                enclosed = top.line.label is not None and top.line.label.enclosed
                if not enclosed and top.children:
                    return
            elif top.style not in ("text", "row"):
                if top.children and top.kind in ("article", "item"):
                    return
                if self._is_heading_line(top) or (_lead_only(top.line) and not self._last_of_plain_list(top)):
                    return
            self.stack.pop()

    # the stack

    def _top(self) -> _Node | None:
        return self.nodes[self.stack[-1]] if self.stack else None

    def _pop_to_root(self) -> None:
        keep = 0
        while keep < len(self.stack) and self.nodes[self.stack[keep]].style == "title":
            keep += 1
        del self.stack[keep:]

    def _add(
        self,
        at: int,
        kind: ClauseKind,
        style: str,
        *,
        value: int = 0,
        label: str = "",
        element: str = "",
        level: int | None = None,
    ) -> int:
        del self.stack[MAX_DEPTH:]
        line = self.lines[at]
        parent = self.stack[-1] if self.stack else -1
        index = len(self.nodes)
        if parent >= 0:
            self._fatten(parent)
            self.nodes[parent].children += 1
        depth = len(self.stack)
        self.nodes.append(
            _Node(line, kind, style, parent, line.end, at, value, label, element, level, depth=depth)
        )
        self.stack.append(index)
        return index

    def _fatten(self, index: int) -> None:
        """Counts a node with its parent when it gets its first child or second line."""
        node = self.nodes[index]
        if node.parent >= 0 and node.lines == 1 and node.children == 0:
            self.nodes[node.parent].fat_children += 1

    def _extend(self, index: int, last: int) -> None:
        node = self.nodes[index]
        if last == node.last:
            return
        self._fatten(index)
        node.lines += last - node.last
        node.last = last
        node.end = self.lines[last].end


_ANSWER = re.compile(r"[答A] ?[:：]|答")
_SALUTES = re.compile(r"(?:局|厅|委|委员会|单位|部门|政府|办|公司|学院|学校|大学|中心|同志|企业|机构|院|所|会|园区)$")
_FOR_ROOT = re.compile(r"附件|附表$|附录")


def _next_marks(lines: Sequence[_Line]) -> list[_Line | None]:
    """For each line the next one (itself included) that is no running text."""
    found: list[_Line | None] = [None] * len(lines)
    after: _Line | None = None
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].role != "text":
            after = lines[at]
        found[at] = after
    return found


def _title_like(line: _Line) -> bool:
    text = line.text
    return len(text) <= TITLE_MAX - 10 and not numbering.ends_sentence(text)


def _name_only(line: _Line) -> bool:
    """A number with a short name and nothing else: "一、申报条件", "（一）就业见习基地。"."""
    words = line.words
    return 0 < len(words) <= HEADING_MAX and not re.search(r"[。；;！!：:](?=.)|[；;：:，,]$", words)


def _lead_only(line: _Line) -> bool:
    """A short numbered name closed by a full stop: "1.申请对象。"; its text stands in the lines below."""
    words = line.words
    return 0 < len(words) <= 24 and words[-1:] in "。" and not re.search(r"[，,；;：:。](?=.)", words)


def _row_head(line: _Line) -> str:
    if line.hint is not None:
        for start, end in line.hint.cells:
            cell = line.text[start - line.start : end - line.start].strip()
            if cell:
                return cell
    return line.text.split("|")[0].strip()[:HEADING_MAX]


# --- clauses --------------------------------------------------------------------------------------------------------


def _clauses(source: SourceText, guide: Guide, nodes: list[_Node]) -> tuple[Clause, ...]:
    for node in nodes:
        _name(node)
    paths = _paths(nodes)
    ids = _identify(guide, source, nodes, paths)
    children: dict[int, list[ClauseId]] = defaultdict(list)
    for index, node in enumerate(nodes):
        if node.parent >= 0:
            children[node.parent].append(ids[index])
    return tuple(
        Clause(
            clause_id=ids[index],
            path=paths[index],
            label=node.label,
            text=source.text[node.line.start : node.end],
            source=source.source,
            start=node.line.start,
            end=node.end,
            kind=node.kind,
            children=tuple(children[index]),
            parent=ids[node.parent] if node.parent >= 0 else None,
            number=node.line.number.text if node.line.number else "",
            guide=guide.slug,
            page=node.line.hint.page if node.line.hint else None,
        )
        for index, node in enumerate(nodes)
    )


def _name(node: _Node) -> None:
    """Settles kind, label and path element, now that it is known whether the node has children."""
    line, number = node.line, node.line.number
    if number is None or node.label:
        if node.kind == "field" and node.children and node.lines == 1 and line.label is not None:
            if not line.text[line.label.value :].strip():
                node.kind = "heading"
        return
    if node.style == "条":
        node.label = node.element = number.text
        return
    single = node.lines == 1
    if single and len(line.words) <= HEADING_MAX and (node.style in LEGAL or (node.children and _titles(line))):
        node.kind = "heading"
        node.label = node.element = line.text
        return
    lead = line.words.rstrip("。") if _lead_only(line) and not single else numbering.lead_of(line.words)
    node.label = lead or number.text
    node.element = line.text[: number.end] + lead if lead else number.text


def _titles(line: _Line) -> bool:
    """Whether a numbered line with children below it is their heading and not a sentence that announces them."""
    words = line.words
    return 0 < len(words) and not re.search(r"[。；;！!](?=.)|[；;：:，,]$", words)


def _paths(nodes: list[_Node]) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    inner: dict[int, tuple[str, ...]] = {-1: ()}
    for index, node in enumerate(nodes):
        path = inner[node.parent]
        paths.append(path)
        if node.children:
            inner[index] = (*path, node.element or node.label or node.line.text[:HEADING_MAX])
    return paths


# --- ids ------------------------------------------------------------------------------------------------------------


def _identify(
    guide: Guide, source: SourceText, nodes: list[_Node], paths: list[tuple[str, ...]]
) -> list[ClauseId]:
    """An id for each node from its own path, label and words, so that other clauses do not touch it."""
    base = guide.slug if not guide.edition or guide.edition in guide.slug else f"{guide.slug}-{guide.edition}"
    root = next((node.element for node in nodes if node.style == "title"), "")
    short: dict[str, str] = {}

    def name(text: str) -> str:
        if text not in short:
            short[text] = _short_name(text)
        return short[text]

    plain = []
    for index, node in enumerate(nodes):
        parts = [base, *(name(element) for element in paths[index] if element != root)]
        own = source.text[node.line.start : node.end]
        if node.label:
            parts.append(name(node.label))
        else:
            parts.append(f"{name(own[:6])}-{short_hash(own)}")
        plain.append(".".join(parts))
    seen = Counter(plain)
    texts: Counter[str] = Counter()
    ids = []
    for index, node in enumerate(nodes):
        chosen = plain[index]
        if seen[chosen] > 1:
            chosen += "-" + short_hash(source.text[node.line.start : node.end], 6)
        texts[chosen] += 1
        ids.append(ClauseId(chosen if texts[chosen] == 1 else f"{chosen}-{texts[chosen]}"))
    return ids


def _short_name(text: str) -> str:
    number = numbering.number_of(text)
    words = text[number.end :].strip() if number else text
    label = numbering.label_of(words) if number else None
    words = (words[label.value :] if label else "") or words
    return make_slug(words, words=8, joiner="") if words else _number_name(text, number)


def _number_name(text: str, number: Number | None) -> str:
    return str(number.value) if number and number.value else make_slug(text)


# --- numbering gaps -------------------------------------------------------------------------------------------------


def _gaps(nodes: list[_Node]) -> tuple[str, ...]:
    """A sentence for each number that does not follow the one before it in its list."""
    found = []
    last: dict[tuple[int, str], _Node] = {}
    for node in nodes:
        if not node.value:
            continue
        key = (-1 if node.style == "条" else node.parent, node.style)
        before = last.get(key)
        if before is not None:
            if node.value == before.value:
                found.append(f"编号重复：“{_shown(node)}”与“{_shown(before)}”")
            elif node.value > before.value + 1:
                found.append(f"编号不连续：“{_shown(before)}”之后是“{_shown(node)}”")
        last[key] = node
    return tuple(found)


def _shown(node: _Node) -> str:
    return node.line.text[:16]

