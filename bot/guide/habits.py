"""How one document nests: which style of number stands inside which, and under which one a field stands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.guide.lines import Line
from bot.guide.numbering import STYLE_ORDER

Counts = defaultdict[str, Counter[str]]


@dataclass(slots=True)
class Habits:
    """`inside[a][b]`: how often a list of style b began between two neighbours of style a.
    `labels`: how often each field label stands in the document.
    `homes[label]`: the style under which fields of this label stand again and again."""

    inside: Counts = field(default_factory=lambda: defaultdict(Counter))
    labels: Counter[str] = field(default_factory=Counter)
    homes: dict[str, str] = field(default_factory=dict)

    def holds(self, outer: str, inner: str) -> bool:
        """Whether the document was seen to put `inner` inside `outer`."""
        return self.inside[outer][inner] > self.inside[inner][outer]

    def above(self, outer: str, inner: str) -> bool:
        """Whether `outer` stands above `inner`: in this document, else by custom."""
        return self.holds(outer, inner) or (not self.holds(inner, outer) and custom(outer) < custom(inner))


def custom(style: str) -> int:
    """Depth at which a style is usually found."""
    if style.startswith("h") or style == "bare":
        return -10 + (int(style[1:]) if style != "bare" else 9)
    if style.startswith("~"):
        return 10 * STYLE_ORDER.index("A.") + 5
    if style.startswith("1.1"):
        return STYLE_ORDER.index("1.1") * 10 + style.count(".")
    return 10 * (STYLE_ORDER.index(style) if style in STYLE_ORDER else len(STYLE_ORDER))


def label_key(text: str) -> str:
    """A label without blanks ("文　　号"), for comparing."""
    return re.sub(r"\s+", "", text)


def learn(lines: Sequence[Line]) -> Habits:
    habits = Habits()
    habits.labels.update(label_key(line.label.text) for line in lines if line.label)
    _learn_nesting(lines, habits)
    _learn_homes(lines, habits)
    return habits


def _learn_nesting(lines: Sequence[Line], habits: Habits) -> None:
    """Between "（一）" and "（二）" a list "1." began: then "1." stands inside "（一）" here."""
    last: dict[str, int] = {}
    begun: dict[str, set[str]] = {}  # for each style, what began since its last number
    for line in lines:
        style = line.style
        if not style or style == "•":
            continue
        value = line.number.value if line.number else 1
        if value == 1:
            for other in begun:
                if other != style:
                    begun[other].add(style)
        if style in last and (line.number is None or last[style] == value - 1):
            habits.inside[style].update(begun[style])
        last[style] = value
        begun[style] = set()


def _learn_homes(lines: Sequence[Line], habits: Habits) -> None:
    """A repeated label belongs under the deepest style of which more than half the headings have such a field."""
    headings: Counter[str] = Counter()
    credited: dict[tuple[str, str], int] = {}  # (label, style) → the heading that has been counted already
    credit: Counts = defaultdict(Counter)
    for line in lines:
        if line.style:
            headings[line.style] += 1
        elif line.label is not None:
            label = label_key(line.label.text)
            if habits.labels[label] < 2:
                continue
            for style, count in headings.items():
                if credited.get((label, style)) != count:
                    credited[label, style] = count
                    credit[label][style] += 1
    for label, styles in credit.items():
        home = ""
        for style, count in styles.items():
            if count > 1 and 2 * count > headings[style] and (not home or habits.above(home, style)):
                home = style
        if home:
            habits.homes[label] = home
