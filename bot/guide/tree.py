"""Marked lines → nodes: what each line is, and which open node it stands under.

One pass over the lines with a stack of open nodes, outermost first. A line that begins a node first closes what it does
not stand under; running text either goes on with the innermost node or becomes a paragraph of one further out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

from bot.guide import numbering
from bot.guide.habits import Habits, squeeze
from bot.guide.lines import TITLE_MAX, Line, ends_sentence, is_annex, is_remark, title_like
from bot.guide.numbering import LEGAL, Number
from bot.types import ClauseKind

MAX_DEPTH: Final = 40  # deeper nesting is kept flat at this depth, so that paths stay bounded
NAME_MAX: Final = 40  # characters of a numbered name that is no sentence

# Styles of number that people mix up in one list.
_KINDRED = ({"一、", "1、"}, {"1、", "1."}, {"1.", "1 "}, {"(一)", "(1)"}, {"(1)", "1)"})
_INTRODUCES = re.compile(r"如下|以下|下列|[下附]表|follow|below")
_ADDRESSED = re.compile(r"^(?:各|有关|全[市省县区校体]|校内|尊敬|致)|[、,]|(?:单位|企业|机构|同志)$")
_OF_ROOT = re.compile(r"附件|附表|附录|附$")


@dataclass(slots=True)
class Node:
    """A clause in the making. `last` is the index of its last own line."""

    line: Line
    kind: ClauseKind
    style: str  # of its number, or title, h1 …, bare, caption, field, question, row, text
    parent: int  # index of the node that it stands under, -1 for none
    end: int
    last: int
    value: int = 0
    level: int | None = None
    label: str = ""
    element: str = ""  # what it adds to the path of its children
    lines: int = 1
    children: int = 0


def build(lines: Sequence[Line], habits: Habits) -> list[Node]:
    """The nodes of a document in order; the parent of a node comes before it."""
    return _Builder(lines, habits).build()


class _Builder:
    def __init__(self, lines: Sequence[Line], habits: Habits) -> None:
        self.lines = lines
        self.habits = habits
        self.nodes: list[Node] = []
        self.stack: list[int] = []
        self.titled = False  # the document has its title
        self.body = -1  # title of a document that goes on behind an annex in its midst, -1 for none
        self.signed = False  # a signature closed the document so far: what follows has a title of its own
        # Of each list, that is of the nodes of one style under one parent: how many, and how many that have children
        # or further lines.
        self.members: Counter[tuple[int, str]] = Counter()
        self.fat: Counter[tuple[int, str]] = Counter()
        numbered = [line.level for line in lines if line.number is not None and line.level is not None]
        self.top_level = min(numbered, default=0)  # outermost format level of a numbered heading, 0 for none

        # Titles that a list of annexes, or the like, names before they come.
        self.announced = {squeeze(line.value or line.words) for line in lines if len(line.text) < 2 * TITLE_MAX}

    def build(self) -> list[Node]:
        at = 0
        while at < len(self.lines):
            at = self._place(at)
        return self.nodes

    def _place(self, at: int) -> int:
        """Places the line, and those that go with it; gives the index of the next one."""
        line = self.lines[at]
        if self._is_title(at):
            return self._title(at)
        if line.role in ("number", "question", "heading", "text") and self._is_question(at):
            return self._question(at)
        if line.role == "number":
            return self._number(at)
        if line.role == "field":
            return self._field(at)
        if line.role in ("heading", "caption"):
            return self._heading(at)
        if line.role == "row":
            return self._row(at)
        return self._text(at)

    # --- titles

    def _is_title(self, at: int) -> bool:
        line = self.lines[at]
        if line.role == "annex" or (line.role == "field" and self._may_be_annex(at)):
            return self._opens_annex(at)
        if line.hint is not None and line.hint.kind == "title":
            return True
        if line.role not in ("text", "heading") or line.mark or (self.titled and not self.signed) or self._is_question(at):
            return False
        return title_like(line) and not is_remark(line.text)

    def _may_be_annex(self, at: int) -> bool:
        """A field "附件2：…" after the signature, right above a table, or with its title in the next line, is the annex
        itself."""
        line = self.lines[at]
        if is_annex_field(line):
            return self.signed or not line.value.strip() or self._above_table(at)
        return self.signed and is_annex(line.text.rstrip("：:"))

    def _above_table(self, at: int) -> bool:
        return at + 1 < len(self.lines) and self.lines[at + 1].role == "row"

    def _opens_annex(self, at: int) -> bool:
        """An annex, and not one entry of a list of annexes."""
        listed = any(is_annex(near.text) or is_annex_field(near) for near in self._neighbours(at))
        titled = bool(_annex_name(self.lines[at])) or (at + 1 < len(self.lines) and title_like(self.lines[at + 1]))
        return titled and not listed

    def _title(self, at: int) -> int:
        last = at
        name = _annex_name(self.lines[at])
        while last + 1 < len(self.lines) and self._title_goes_on(at, last, name):
            last += 1
            name += self.lines[last].text
        name = name or self.lines[at].text
        early = not self.signed and self.titled and is_annex_field(self.lines[at]) and self._above_table(at)
        self.body = (self.body if self.body >= 0 else self._root()) if early else -1
        self.stack.clear()
        whole = self.lines[at].text if last == at else name  # "附件1：某表" is known by its number as well
        node = self._add(at, "heading", "title", label=name, element=whole, level=self._title_level(at))
        self._extend(node, last)
        self.signed = False
        if name.endswith("文件") and last + 1 < len(self.lines) and self.lines[last + 1].role == "docnum":
            self.stack.clear()  # a letterhead; the title is still to come
        else:
            self.titled = True
        return last + 1

    def _title_level(self, at: int) -> int:
        """Its heading level in the format, unless numbered headings share that: then it stands above them."""
        level = self.lines[at].level or 0
        return 0 if self.top_level and level >= self.top_level else level

    def _title_goes_on(self, first: int, last: int, name: str) -> bool:
        after = self.lines[last + 1]
        if last + 1 - first > 3 or after.role not in ("text", "heading") or not title_like(after):
            return False
        if self._is_question(last + 1):
            return False
        if not name or squeeze(name + after.text) in self.announced:
            return True
        if self.lines[last].level is not None or after.role == "heading" or is_remark(after.text):
            return False
        if numbering.is_document_name(name) or len(name) + len(after.text) > TITLE_MAX:
            return False
        return not self._is_signature(last + 1)

    # --- numbers

    def _number(self, at: int) -> int:
        line = self.lines[at]
        number = line.number
        assert number is not None
        style = number.style
        if line.level is not None:
            self._pop_level(line.level)
        else:
            style = self._pop_for_number(number)
        self.titled = True
        kind: ClauseKind = "article" if style == "条" else "heading" if style in LEGAL else "item"
        self._add(at, kind, style, value=number.value, level=line.level)
        return at + 1

    def _pop_for_number(self, number: Number) -> str:
        """Closes what the number does not stand under; gives the style of the list that it goes on with."""
        outer = self._open_outer(number)
        if outer is not None:
            del self.stack[outer + 1 :]
            return number.style
        same = self._open(number.style)
        if same is not None:
            if not self._restarts_inside(number, same):
                del self.stack[same:]
            return number.style
        kin = self._open_kin(number)
        if kin is not None:
            style = self.nodes[self.stack[kin]].style
            del self.stack[kin:]
            return style
        self._pop_for_new_list(number)
        return number.style

    def _open(self, style: str) -> int | None:
        """Position in the stack of the innermost open node of a style."""
        for position in range(len(self.stack) - 1, -1, -1):
            if self.nodes[self.stack[position]].style == style:
                return position
        return None

    def _open_outer(self, number: Number) -> int | None:
        """Position of the open "1.1" that a "1.1.1" stands under."""
        for position in range(len(self.stack) - 1, -1, -1):
            held = self.nodes[self.stack[position]].line.number
            levels = held.levels if held else ()
            if levels and len(levels) < len(number.levels) and number.levels[: len(levels)] == levels:
                return position
        return None

    def _restarts_inside(self, number: Number, same: int) -> bool:
        """A list of the style of an open one that begins again under something that announces it."""
        top = self.nodes[self.stack[-1]]
        inner = same < len(self.stack) - 1 and top.style not in ("text", "row")
        return number.value == 1 and inner and self._introduces(top)

    def _open_kin(self, number: Number) -> int | None:
        """Position of an open number in another style that this one goes on from: "一、", then "2、"."""
        if number.value <= 1:
            return None
        for position in range(len(self.stack) - 1, -1, -1):
            node = self.nodes[self.stack[position]]
            if node.value == number.value - 1 and {node.line.style, number.style} in _KINDRED:
                return None if self.habits.holds(node.style, number.style) else position
        return None

    def _pop_for_new_list(self, number: Number) -> None:
        while self.stack and not self._takes_list(self.nodes[self.stack[-1]], number):
            self.stack.pop()

    def _takes_list(self, top: Node, number: Number) -> bool:
        """Whether a list that begins with this number stands under an open node."""
        style = number.style
        if top.style in ("title", "caption"):
            return True
        if top.style in ("text", "row", "question"):
            return False
        if top.style == "field":
            return self._introduces(top) or not self._leaves_field(top, style)
        if style in LEGAL or top.style in LEGAL:
            return self.habits.above(top.style, style)
        if self.habits.holds(style, top.style):
            return False
        announced = is_name(top.line) or self._introduces(top)
        return announced or self.habits.above(top.style, style)

    def _leaves_field(self, node: Node, style: str) -> bool:
        """Whether a list that nothing announces stands beside a field and not in it."""
        outer = node.parent < 0 or self.nodes[node.parent].style == "title"
        return outer or style in LEGAL or style in ("一、", "(一)") or style in self.habits.homes.values()

    def _introduces(self, node: Node) -> bool:
        """Whether a node's words announce a list: "符合下列条件：", or a label with nothing after it."""
        if node.line.label is not None and node.lines == 1 and not node.line.value.strip():
            return True
        text = self.lines[node.last].text
        return text[-1] in "：:" or _INTRODUCES.search(text[-24:]) is not None

    # --- questions and answers

    def _is_question(self, at: int) -> bool:
        line = self.lines[at]
        after = self.lines[at + 1] if at + 1 < len(self.lines) else None
        if line.role == "question" or numbering.asked_inside(line.text):
            return True
        answered = after is not None and numbering.is_reply(after.text)
        marked = line.number is not None and numbering.question_mark(line.words) > 0
        return answered and (marked or line.text[-1] in "？?")

    def _question(self, at: int) -> int:
        """A question and its answer, lists in it included, are one clause."""
        line = self.lines[at]
        self._pop_questions(line)
        label = line.text[_question_mark(line) : numbering.asked_inside(line.text) or len(line.text)]
        # Under a mark on a line of its own the question comes next.
        last = at + 1 if not label and at + 1 < len(self.lines) and self.lines[at + 1].role != "question" else at
        label = label or self.lines[last].text
        listed: set[str] = set()  # styles of the lists that began in the answer
        while last + 1 < len(self.lines) and not self._ends_answer(last + 1, line.number, listed):
            last += 1
            number = self.lines[last].number
            if number is not None and number.value == 1:
                listed.add(number.style)
        node = self._add(at, "item", "question", value=line.number.value if line.number else 0)
        self.nodes[node].label = label
        self.nodes[node].element = line.text if label in line.text else label
        self._extend(node, last)
        return last + 1

    def _pop_questions(self, line: Line) -> None:
        same = self._open("question")
        if same is not None:
            del self.stack[same:]
        elif line.number is not None:
            self._pop_for_number(line.number)
        else:
            self._pop_text()

    def _ends_answer(self, at: int, number: Number | None, listed: Container[str]) -> bool:
        line = self.lines[at]
        if line.role in ("annex", "row", "date", "heading", "caption") or line.level is not None:
            return True
        if self._is_question(at) or self._is_signature(at):
            return True
        if line.number is None or line.number.style in listed:
            return False
        if line.number.style in LEGAL or self._open(line.number.style) is not None:
            return True
        return number is not None and (line.number.style, line.number.value) == (number.style, number.value + 1)

    # --- fields

    def _field(self, at: int) -> int:
        line = self.lines[at]
        label = line.label
        assert label is not None
        key = squeeze(label.text)
        of_root = _OF_ROOT.match(key) is not None
        if not line.value.strip() and not of_root and not self._heads_field(at, key):
            return self._text(at)
        if not (of_root or label.enclosed or self._is_one_of_several(at, key)) and self._inside_sentence():
            return self._text(at)
        if of_root:
            self._pop_to_root()
        else:
            self._pop_for_field(key)
        self._add(at, "field", "field", label=label.text, element=label.text)
        return at + 1

    def _heads_field(self, at: int, key: str) -> bool:
        """Whether a label with nothing after it heads a field, and is no salutation or opening sentence."""
        if self.habits.labels[key] > 1:
            return True
        after = self.lines[at + 1] if at + 1 < len(self.lines) else None
        if _ADDRESSED.match(key) and after is not None and after.role == "text" and self._in_particulars():
            return False
        if any(near.role == "field" for near in self._neighbours(at)):
            return True
        if after is None or len(key) > 10:
            return False
        at_top = all(self.nodes[index].style in ("title", "text") for index in self.stack)
        addressed = _ADDRESSED.search(key) is not None or numbering.names_body(key)
        return not (at_top and addressed and after.role == "text")

    def _in_particulars(self) -> bool:
        """Whether nothing is open but a title and the particulars under it ("发布时间：…")."""
        return all(self.nodes[index].style in ("title", "text", "field") for index in self.stack)

    def _is_one_of_several(self, at: int, key: str) -> bool:
        return self.habits.labels[key] > 1 or any(near.role == "field" for near in self._neighbours(at))

    def _inside_sentence(self) -> bool:
        """Whether the innermost open node is an item or article that says something: a lone label goes on with it."""
        if not self.stack or any(self.nodes[index].style == "field" for index in self.stack):
            return False
        top = self.nodes[self.stack[-1]]
        return top.kind in ("item", "article") and not is_name(top.line)

    def _pop_for_field(self, key: str) -> None:
        home = self.habits.homes.get(key)
        position = self._open(home) if home else None
        if position is not None:
            del self.stack[position + 1 :]
            return
        position = self._open("field")
        if position is not None:
            del self.stack[position:]
            return
        while self.stack:
            top = self.nodes[self.stack[-1]]
            if top.style not in ("text", "row", "caption", "question") and (top.kind != "item" or is_name(top.line)):
                return
            self.stack.pop()

    # --- headings without a number, tables

    def _heading(self, at: int) -> int:
        line = self.lines[at]
        style = line.style or "caption"
        if line.level is not None:
            self._pop_level(line.level)
        elif style == "caption":
            self._pop_text()
        else:
            self._pop_for_bare(style)
        name = line.label.text if line.label is not None else line.text
        self._add(at, "heading", style, level=line.level, label=name, element=name)
        self.titled = True
        return at + 1

    def _pop_for_bare(self, style: str) -> None:
        same = self._open(style)
        if same is not None and not any(self._holds_bare(index, style) for index in self.stack[same + 1 :]):
            del self.stack[same:]
            return
        while self.stack and self.nodes[self.stack[-1]].style != "title":
            top = self.nodes[self.stack[-1]]
            if top.style.startswith("h") or self._holds_bare(self.stack[-1], style):
                return
            self.stack.pop()

    def _holds_bare(self, index: int, style: str) -> bool:
        held = self.nodes[index].style
        above = self.habits.above if held.startswith("bare") else self.habits.holds
        return held != style and above(held, style)

    def _pop_level(self, level: int) -> None:
        while self.stack:
            held = self.nodes[self.stack[-1]].level
            if held is not None and held < level:
                return
            self.stack.pop()

    def _row(self, at: int) -> int:
        line = self.lines[at]
        table = line.hint.table if line.hint else None
        while self.stack:
            top = self.nodes[self.stack[-1]]
            if top.style == "caption":
                closed = top.children > 0 and self._table_of(self.nodes[-1]) != table
            else:
                closed = top.style in ("text", "row") or (top.style == "field" and not self._introduces(top))
            if not closed:
                break
            self.stack.pop()
        header = line.hint is not None and line.hint.kind == "header_row"
        self._add(at, "paragraph" if header else "row", "row", label="" if header else _row_head(line))
        return at + 1

    def _table_of(self, node: Node) -> int | None:
        return node.line.hint.table if node.line.hint else None

    # --- running text

    def _text(self, at: int) -> int:
        line = self.lines[at]
        if line.role == "date" and self._closes(at):
            self.signed = True
        owner = None
        if self._is_of_root(at):
            self._pop_to_root()
        else:
            owner = self._owner(at)
        if owner is not None:
            self._extend(owner, at)
            return at + 1
        self._pop_for_text()
        self._add(at, "paragraph", "text")
        self.titled = self.titled or len(line.text) > NAME_MAX  # too late for a title
        return at + 1

    def _is_of_root(self, at: int) -> bool:
        """Signature, date, number of the document, "本办法自…起施行": of the whole, wherever it stands."""
        line = self.lines[at]
        if line.role == "date" or is_remark(line.text):
            return self.signed or not self.titled
        if line.role in ("docnum", "annex") or self._is_signature(at):
            return True
        return numbering.is_closing(line.text) and not self._in_closing_section()

    def _in_closing_section(self) -> bool:
        """Whether such a sentence is what the open heading holds ("附则"), and not one more paragraph after others."""
        if not self.stack:
            return False
        top = self.nodes[self.stack[-1]]
        if top.style == "text" and top.parent >= 0 and numbering.is_closing(top.line.text):
            return self.nodes[top.parent].style != "title"
        heads = top.kind == "heading" or (top.line.number is not None and self._is_open_name(top))
        return heads and top.style != "title" and not top.children

    def _closes(self, at: int) -> bool:
        """Whether a date ends the document: below a signature or above another title, and not right under its own."""
        after = self.lines[at + 1 : at + 2]
        if at == 0 or not (self._is_signature(at - 1) or any(self._is_document_name(line) for line in after)):
            return False
        parent = self.nodes[-1].parent
        return parent < 0 or self.nodes[parent].last < at - 2

    def _is_document_name(self, line: Line) -> bool:
        return line.role == "text" and title_like(line) and numbering.is_document_name(line.text)

    def _is_signature(self, at: int) -> bool:
        """The name of a body above a date."""
        line = self.lines[at]
        dated = at + 1 < len(self.lines) and self.lines[at + 1].role == "date"
        return dated and line.role == "text" and not ends_sentence(line.text) and numbering.names_body(line.text)

    def _owner(self, at: int) -> int | None:
        """The innermost open node, if its own words go on in this line."""
        if not self.stack:
            return None
        index = self.stack[-1]
        top = self.nodes[index]
        if top.children or top.last != at - 1 or top.kind in ("heading", "row"):
            return None
        if self.lines[top.last].text[-1] in "，、,":
            return index  # broken off in mid-sentence
        if top.kind == "paragraph":
            return None
        if top.style == "field":
            return index if self._field_goes_on(top) else None
        if top.kind == "article":
            return index
        if self._is_open_name(top) or (is_lead(top.line) and self._list_follows(at, top)):
            return None
        return index if self._item_goes_on(top, at) else None

    def _field_goes_on(self, node: Node) -> bool:
        """Not "（责任单位：…）", and not the particulars under a title ("发布日期：…")."""
        assert node.line.label is not None
        if node.line.label.enclosed:
            return False
        under_title = node.parent < 0 or self.nodes[node.parent].style == "title"
        return not under_title or not node.line.value.strip() or node.lines > 1

    def _is_open_name(self, node: Node) -> bool:
        """ "一、申报条件": a name under which what follows stands. The last of a list of mere names is none."""
        named = node.style != "•" and is_name(node.line) and node.line.text[-1] not in "。."
        return named and not self._in_plain_list(node)

    def _in_plain_list(self, node: Node) -> bool:
        """Whether the numbers before this one had nothing under them."""
        key = (node.parent, node.style)
        return node.value > 1 and self.members[key] > 1 and self.fat[key] == 0

    def _list_follows(self, at: int, node: Node) -> bool:
        """The line announces a list that begins in the next one, inside the node."""
        after = self.lines[at + 1].number if at + 1 < len(self.lines) else None
        return after is not None and after.value == 1 and after.style != node.style

    def _item_goes_on(self, node: Node, at: int) -> bool:
        """Whether running text after an item is its second paragraph, and not one that closes the whole list."""
        if (is_lead(node.line) or not ends_sentence(node.line.text)) and not self._in_plain_list(node):
            return True
        after = self._next_number(at + 1)
        if after is not None and after.style == node.line.style and after.value > node.value:
            return True
        key = (node.parent, node.style)
        return 2 * self.fat[key] > self.members[key] - 1 > 0

    def _next_number(self, at: int) -> Number | None:
        """The number of the next line that is no running text; looks a few lines ahead."""
        for line in self.lines[at : at + 8]:
            if line.role != "text":
                return line.number
        return None

    def _pop_text(self) -> None:
        while self.stack and self.nodes[self.stack[-1]].style in ("text", "row"):
            self.stack.pop()

    def _pop_for_text(self) -> None:
        """Closes finished lists and fields: the text belongs to what holds them."""
        while self.stack and not self._takes_text(self.nodes[self.stack[-1]]):
            self.stack.pop()

    def _takes_text(self, top: Node) -> bool:
        if top.style in ("text", "row", "question", "caption"):
            return False
        if top.kind == "heading":
            return True
        if top.style == "field":
            return top.children > 0 and top.line.label is not None and not top.line.label.enclosed
        if top.children:
            return True
        return self._is_open_name(top) or (is_lead(top.line) and not self._in_plain_list(top))

    def _neighbours(self, at: int) -> list[Line]:
        """The lines right before and after."""
        return [*self.lines[max(at - 1, 0) : at], *self.lines[at + 1 : at + 2]]

    # --- the stack

    def _root(self) -> int:
        """Index of the open title, -1 for none."""
        return self.stack[0] if self.stack and self.nodes[self.stack[0]].style == "title" else -1

    def _pop_to_root(self) -> None:
        if self.body >= 0:
            self.stack = [self.body]
        del self.stack[1 if self._root() >= 0 else 0 :]

    def _add(
        self,
        at: int,
        kind: ClauseKind,
        style: str,
        *,
        value: int = 0,
        level: int | None = None,
        label: str = "",
        element: str = "",
    ) -> int:
        """A new open node for the line, under the innermost open one."""
        del self.stack[MAX_DEPTH:]
        parent = self.stack[-1] if self.stack else -1
        if parent >= 0:
            self._fatten(parent)
            self.nodes[parent].children += 1
        self.members[parent, style] += 1
        line = self.lines[at]
        self.nodes.append(Node(line, kind, style, parent, line.end, at, value, level, label, element))
        self.stack.append(len(self.nodes) - 1)
        return len(self.nodes) - 1

    def _extend(self, index: int, last: int) -> None:
        """The node's own words go on to the end of line `last`."""
        node = self.nodes[index]
        if last > node.last:
            self._fatten(index)
            node.lines += last - node.last
            node.last = last
            node.end = self.lines[last].end

    def _fatten(self, index: int) -> None:
        """Counts a node in its list when it gets its first child or second line."""
        node = self.nodes[index]
        if node.lines == 1 and node.children == 0:
            self.fat[node.parent, node.style] += 1


# --- what a numbered line is ---------------------------------------------------------------------------------------------


def is_name(line: Line) -> bool:
    """A number with a short name and nothing else: "一、申报条件", "（一）就业见习基地。", "一、项目名称：某项目"."""
    words = line.words
    return 0 < len(words) <= NAME_MAX and not re.search(r"[。；;！!](?=.)|[；;：:，,]$", words)


def is_lead(line: Line) -> bool:
    """A short numbered name closed by a full stop: "1.申请对象。"; its text stands in the lines below."""
    words = line.words
    return 0 < len(words) <= 24 and words[-1] == "。" and not re.search(r"[，,；;：:。](?=.)", words)


def is_annex_field(line: Line) -> bool:
    """ "附件2：申报书": an entry of a list of annexes, or the first line of one."""
    label = line.label.text if line.label is not None else ""
    return label[-1:] not in ("件", "表", "录", "图") and is_annex(label)


def _annex_name(line: Line) -> str:
    """The title that stands on an annex's first line, "" where it stands below."""
    if line.role == "field":
        return line.value.strip()
    if line.role != "annex":
        return line.text
    return line.text[numbering.annex_mark(line.text) :].strip()


def _question_mark(line: Line) -> int:
    """Characters of the number and the "问：" before a question."""
    return (line.number.end if line.number else 0) + numbering.question_mark(line.words)


def _row_head(line: Line) -> str:
    """The first cell of a table row that is more than a serial number or a code ("Z03")."""
    hint = line.hint
    cells = [line.text[a - hint.start : b - hint.start] for a, b in hint.cells] if hint else line.text.split("\t")
    named = [cell.strip() for cell in cells if cell.strip()]
    return next((cell for cell in named if not re.fullmatch(r"[A-Za-z]{0,3}-?[\d.、]+", cell)), named[0] if named else "")[:NAME_MAX]
