"""Cross-references: "按照第五条", "见附件2", "第1和第2项", "上述办法的限额" → the clauses that they mean.

Only what is certain: a number that stands twice, or one of another document ("《条例》第五条"), is left alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from bot.guide import numbering
from bot.guide.numbering import LEGAL, han_value
from bot.guide.tree import Node

MOST: Final = 30  # references of one clause; more is a table of contents
SCOPE: Final = 60  # clauses before it that "上述" can mean
READ: Final = 4_000  # characters of a clause that are searched

_N = r"(?:[一二三四五六七八九十百零〇]{1,5}|\d{1,3})"
_ONE = rf"第? ?[（(]? ?{_N} ?[）)]?"
_MORE = rf"(?:项| ?[、,，和及与或至到] ?{_ONE})* ?项"
_ARTICLE = re.compile(rf"第 ?({_N}) ?(条|章|节)(?:至第 ?({_N}) ?条)?(?:第{_N}款)?({_ONE}{_MORE})?")
_LIST = re.compile(rf"(?<![条款])第 ?[（(]? ?{_N} ?[）)]?{_MORE}")
_NUMBER = re.compile(rf"([至到])? ?第? ?[（(]? ?({_N})")
_ANNEX = re.compile(rf"附件 ?({_N})?")
_ABOVE = re.compile(
    r"(?:上述|前述|(?<![^，。；：按照除])以上)[^，。；,;]{0,16}?(限额|名额|额度|标准|条件|材料|要求|对象|范围|期限|程序)"
)
_SAME = {"限额": r"限额|限[报推]|限申报", "名额": r"名额|限[报推]"}  # what a word is when it is not named


def find_refs(nodes: Sequence[Node], texts: Sequence[str]) -> list[tuple[int, ...]]:
    """For each node the indices of the nodes that its own words refer to, in their order there."""
    places = _Places(nodes)
    found = []
    for index, text in enumerate(texts):
        targets = dict.fromkeys(target for target in places.targets(index, text[:READ], texts) if target != index)
        found.append(tuple(targets) if len(targets) <= MOST else ())
    return found


class _Places:
    """Where the numbered things of a document are."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.children: dict[int, list[int]] = {}
        self.root: list[int] = []
        self.legal: dict[tuple[int, str, int], int | None] = {}  # None: stands twice
        self.annexes: dict[int, int] = {}
        self.titles: dict[str, int] = {}
        self.named: dict[str, int] = {}
        for index, node in enumerate(nodes):
            self.root.append(self.root[node.parent] if node.parent >= 0 else index)
            self.children.setdefault(node.parent, []).append(index)
            self._note(index, node)
        names = sorted(self.named, key=len, reverse=True)
        self.name = re.compile("|".join(map(re.escape, names))) if 0 < len(names) <= 200 else None

    def _note(self, index: int, node: Node) -> None:
        number = node.line.number
        if node.style in LEGAL:
            key = (self.root[index], node.style, node.value)
            self.legal[key] = None if key in self.legal else index
        elif node.style == "title":
            self.titles.setdefault(node.label, index)
            if node.line.text[:1] == "附":
                value = re.search(_N, node.line.text[: numbering.annex_mark(node.line.text)])
                self.annexes.setdefault(han_value(value[0]) if value else 0, index)
        elif number is not None and number.style.startswith("~"):
            self.named.setdefault(number.text, index)

    def targets(self, index: int, text: str, texts: Sequence[str]) -> Iterator[int]:
        if "第" in text:
            yield from self._articles(index, text)
            yield from self._items(index, text)
        if "附" in text:
            yield from self._annexes(text)
        if ("述" in text or "以上" in text) and self.nodes[index].style != "question":
            yield from self._above(index, text, texts)
        if self.name is not None:
            yield from (self.named[found[0]] for found in self.name.finditer(text))
        words = self.nodes[index].line.words.strip()
        if words in self.titles and self.nodes[index].style != "title":
            yield self.titles[words]

    def _articles(self, index: int, text: str) -> Iterator[int]:
        for found in _ARTICLE.finditer(text):
            if found.start() == 0 or text[found.start() - 1] in "》〉":
                continue
            first = han_value(found[1])
            last = han_value(found[3]) if found[3] else first
            for value in range(first, min(last, first + MOST) + 1):
                target = self.legal.get((self.root[index], found[2], value))
                if target is not None:
                    yield from self._numbered(target, found[4] or "") or [target]

    def _items(self, index: int, text: str) -> Iterator[int]:
        """ "第1和第2项": of the nearest list before, under the same parent; of its own list for an item."""
        for found in _LIST.finditer(text):
            for parent in self._lists_near(index):
                targets = self._numbered(parent, found[0])
                if targets:
                    yield from targets
                    break

    def _lists_near(self, index: int) -> Iterator[int]:
        node = self.nodes[index]
        yield index
        if node.line.number is not None:
            yield node.parent
        siblings = self.children[node.parent]
        here = bisect_left(siblings, index)
        yield from reversed(siblings[max(here - SCOPE, 0) : here])

    def _numbered(self, parent: int, words: str) -> list[int]:
        """The children of a node that the words number, all of them or none."""
        values: list[int] = []
        for found in _NUMBER.finditer(words):
            value = han_value(found[2])
            values.extend(range(values[-1] + 1, value) if found[1] and values else ())
            values.append(value)
        by_value = {
            self.nodes[child].value: child for child in self.children.get(parent, ()) if self.nodes[child].value
        }
        return [by_value[value] for value in values] if values and all(value in by_value for value in values) else []

    def _annexes(self, text: str) -> Iterator[int]:
        for found in _ANNEX.finditer(text):
            value = han_value(found[1]) if found[1] else 0
            if value in self.annexes and (value or len(self.annexes) == 1):
                yield self.annexes[value]

    def _above(self, index: int, text: str, texts: Sequence[str]) -> Iterator[int]:
        """ "上述…限额": the clauses before it in its section that speak of that."""
        found = _ABOVE.search(text)
        parent = self.nodes[index].parent
        if found is None or parent < 0:
            return
        word = re.compile(_SAME.get(found[1], found[1]))
        for other in range(max(parent, index - SCOPE), index):
            if word.search(texts[other][:READ]) and self._within(other, parent):
                yield other

    def _within(self, index: int, ancestor: int) -> bool:
        while index > ancestor:
            index = self.nodes[index].parent
        return index == ancestor
