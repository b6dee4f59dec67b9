"""How one document nests: which style of number stands inside which, and under which one a field stands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.guide.lines import Line
from bot.guide.numbering import BRACKETS, STYLE_ORDER

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
    if style.startswith("bare"):
        return -1 if style == "bare" else -2 if style[4:] in BRACKETS else -3
    if style.startswith("h"):
        return int(style[1:]) - 10
    if style.startswith("~"):
        return 10 * STYLE_ORDER.index("A.") + 5
    if style.startswith("1.1"):
        return STYLE_ORDER.index("1.1") * 10 + style.count(".")
    return 10 * (STYLE_ORDER.index(style) if style in STYLE_ORDER else len(STYLE_ORDER))


def squeeze(text: str) -> str:
    """The text without blanks ("文　　号"), for comparing."""
    return re.sub(r"\s+", "", text)


def learn(lines: Sequence[Line]) -> Habits:
    """What lies between two neighbours of a style is inside it: lists of other styles that begin there, and fields."""
    habits = Habits()
    fields: Counts = defaultdict(Counter)  # label → how often it stands between two neighbours of each style
    pairs: Counter[str] = Counter()  # neighbours seen of each style
    last: dict[str, int] = {}
    begun: dict[str, set[str]] = {}  # since the last number of each style: the styles that began
    named: dict[str, set[str]] = {}  # and the labels that stood
    for line in lines:
        if line.label is not None:
            label = squeeze(line.label.text)
            habits.labels[label] += 1
            for labels in named.values():
                labels.add(label)
        style = line.style
        if not style or style == "•":
            continue
        value = line.number.value if line.number else 1
        if value == 1:
            for other in begun.keys() - {style}:
                begun[other].add(style)
        if style in last and (line.number is None or last[style] == value - 1):
            pairs[style] += 1
            habits.inside[style].update(begun[style])
            for label in named[style]:
                fields[label][style] += 1
        last[style] = value
        begun[style], named[style] = set(), set()
    _settle_homes(habits, fields, pairs)
    return habits


def _settle_homes(habits: Habits, fields: Counts, pairs: Counter[str]) -> None:
    """A field belongs to the deepest style that has it between most of its neighbours."""
    for label, styles in fields.items():
        home = ""
        for style, count in styles.items():
            if 2 * count > pairs[style] and (not home or habits.above(home, style)):
                home = style
        if home and habits.labels[label] > 1:
            habits.homes[label] = home
