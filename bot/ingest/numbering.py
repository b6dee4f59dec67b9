"""Word's automatic numbers, as Word shows them.

A paragraph names a list (numId) and a level; the list names an abstract list whose levels say how a number is written
(numFmt, lvlText), where it starts, and when it starts again. ECMA-376 Part 1, 17.9. Word counts per abstract list:
two lists of one abstract list go on counting, unless the second has a startOverride.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BULLET = "•"


# --- how a number is written -----------------------------------------------------------------------------------------

_DIGITS = "〇一二三四五六七八九"
_LEGAL = "零壹贰叁肆伍陆柒捌玖"
_LEGAL_TRADITIONAL = "零壹貳參肆伍陸柒捌玖"


def chinese(number: int, digits: str = "零一二三四五六七八九", units: str = "十百千万", lone_ten: bool = True) -> str:
    """A number from 0 to 99,999,999 in Chinese: 10 十, 11 十一, 105 一百零五."""
    if number <= 0:
        return digits[0]
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        gap = digits[0] if 0 < low < 1000 else ""
        rest = gap + chinese(low, digits, units, False) if low else ""
        return chinese(high, digits, units, lone_ten) + units[3] + rest
    out = ""
    pending = False
    for place in (1000, 100, 10, 1):
        digit, number = divmod(number, place)
        if digit:
            out += (digits[0] if pending else "") + digits[digit] + ("" if place == 1 else units[len(str(place)) - 2])
            pending = False
        else:
            pending = bool(out)
    if lone_ten and out.startswith(digits[1] + units[0]):
        out = out[1:]
    return out


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return str(number)
    out = ""
    for value, letters in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    ):
        count, number = divmod(number, value)
        out += letters * count
    return out


def _letter(number: int) -> str:
    """a … z, aa, bb …, as Word does it (not aa, ab)."""
    if not 0 < number < 26 * 30:
        return str(number)
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _run(first: str, count: int, number: int, otherwise: str) -> str:
    return chr(ord(first) + number - 1) if 1 <= number <= count else otherwise


def _ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"


def circled(number: int) -> str:
    """① to ⑳, ㉑ to ㊿; plain beyond."""
    if number <= 20:
        return _run("①", 20, number, str(number)) if number else "⓪"
    if number <= 35:
        return chr(ord("㉑") + number - 21)
    return chr(ord("㊱") + number - 36) if number <= 50 else str(number)


def written(number: int, fmt: str) -> str:
    """`number` in the number format `fmt` (an ST_NumberFormat); decimal for those that no guide uses."""
    match fmt:
        case "none":
            return ""
        case "decimalZero":
            return f"{number:02d}"
        case "upperRoman":
            return _roman(number)
        case "lowerRoman":
            return _roman(number).lower()
        case "upperLetter":
            return _letter(number).upper()
        case "lowerLetter":
            return _letter(number)
        case "ordinal":
            return _ordinal(number)
        case (
            "chineseCounting"
            | "chineseCountingThousand"
            | "japaneseCounting"
            | "taiwaneseCounting"
            | "taiwaneseCountingThousand"
            | "koreanCounting"
        ):
            # Word and LibreOffice write zero as 〇 in counting formats only where the number is nought.
            return chinese(number) if number else "〇"
        case "ideographDigital" | "japaneseDigitalTenThousand" | "taiwaneseDigital" | "koreanDigital2":
            return "".join(_DIGITS[int(d)] for d in str(number))
        case "chineseLegalSimplified":
            return chinese(number, _LEGAL, "拾佰仟万", False)
        case "ideographLegalTraditional" | "japaneseLegal":
            return chinese(number, _LEGAL_TRADITIONAL, "拾佰仟萬", False)
        case "ideographTraditional":
            return "甲乙丙丁戊己庚辛壬癸"[number - 1] if 1 <= number <= 10 else str(number)
        case "ideographZodiac":
            return "子丑寅卯辰巳午未申酉戌亥"[number - 1] if 1 <= number <= 12 else str(number)
        case "ideographEnclosedCircle":
            return _run("㊀", 10, number, str(number))
        case "decimalEnclosedCircle" | "decimalEnclosedCircleChinese":
            return circled(number)
        case "decimalEnclosedParen":
            return _run("⑴", 20, number, f"({number})")
        case "decimalEnclosedFullstop":
            return _run("⒈", 20, number, f"{number}.")
        case "decimalFullWidth" | "decimalFullWidth2":
            return str(number).translate({ord("0") + i: 0xFF10 + i for i in range(10)})
        case "numberInDash":
            return f"- {number} -"
        case "hex":
            return f"{number:X}"
        case _:
            return str(number)


# --- lists -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Level:
    start: int = 1
    fmt: str = "decimal"
    text: str = ""
    restart: int | None = None  # lvlRestart: 0 never, k after a level k (counted from 1) or a higher one
    legal: bool = False
    suffix: str = "tab"
    style: str = ""


@dataclass(slots=True)
class _List:
    abstract: str
    levels: dict[int, Level]
    starts: dict[int, int] = field(default_factory=dict)  # startOverride by level


def _val(element: Any, tag: str, default: str = "") -> str:
    child = element.find(W + tag) if element is not None else None
    return str(child.get(W + "val", default)) if child is not None else default


def integer(text: str, default: int = 0) -> int:
    try:
        return max(-1, min(int(text), 10_000_000))
    except ValueError:
        return default


def _level(element: Any) -> Level:
    fmt = _val(element, "numFmt")
    if not fmt:  # a newer format, with an older one to fall back on
        inner = next(element.iter(W + "numFmt"), None)
        fmt = inner.get(W + "val", "decimal") if inner is not None else "decimal"
        fmt = {"custom": "decimal"}.get(fmt, fmt)
    restart = _val(element, "lvlRestart")
    legal = element.find(W + "isLgl")
    return Level(
        start=integer(_val(element, "start", "0"), 0),
        fmt=fmt,
        text=_val(element, "lvlText"),
        restart=integer(restart) if restart else None,
        legal=legal is not None and legal.get(W + "val", "1") not in ("0", "false", "off"),
        suffix=_val(element, "suff", "tab"),
        style=_val(element, "pStyle"),
    )


class Numbering:
    """The lists of a document and where each stands. Call `next` for every numbered paragraph, in order."""

    def __init__(self, root: Any | None, style_lists: dict[str, str] | None = None) -> None:
        """`root` is numbering.xml's element or None; `style_lists` the numId of every numbering style by its id."""
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[tuple[str, int]] = set()
        if root is None:
            return
        abstracts: dict[str, dict[int, Level]] = {}
        links: dict[str, str] = {}
        for element in root.findall(W + "abstractNum"):
            key = element.get(W + "abstractNumId", "")
            abstracts[key] = {integer(e.get(W + "ilvl", "0")): _level(e) for e in element.findall(W + "lvl")[:9]}
            if link := _val(element, "numStyleLink"):
                links[key] = link
        of = {e.get(W + "numId", ""): _val(e, "abstractNumId") for e in root.findall(W + "num")}
        for element in root.findall(W + "num"):
            number = element.get(W + "numId", "")
            abstract = of[number]
            if abstract in links:  # the levels stand in the list of a numbering style
                abstract = of.get((style_lists or {}).get(links[abstract], ""), abstract)
            made = _List(abstract, dict(abstracts.get(abstract, {})))
            for override in element.findall(W + "lvlOverride"):
                level = integer(override.get(W + "ilvl", "0"))
                inner = override.find(W + "lvl")
                if inner is not None:
                    made.levels[level] = _level(inner)
                if start := _val(override, "startOverride"):
                    made.starts[level] = integer(start)
            self._lists[number] = made

    def level_of_style(self, number: str, style: str) -> int | None:
        """The level of a list that is tied to a paragraph style."""
        found = self._lists.get(number)
        return next((i for i, lv in found.levels.items() if lv.style == style), None) if found else None

    def next(self, number: str, level: int) -> tuple[str, Level] | None:
        """The number of the next paragraph of list `number` at `level` (0 = outermost), counting it; None if the
        paragraph has none. A bullet is "•" whatever its font draws."""
        found = self._lists.get(number)
        if found is None or not 0 <= level <= 8:
            return None
        here = found.levels.get(level)
        if here is None:
            return None
        counts = self._counts.setdefault(found.abstract, {})
        if (number, level) not in self._begun and level in found.starts:
            counts[level] = found.starts[level]
        elif level in counts:
            counts[level] += 1
        else:
            counts[level] = found.starts.get(level, here.start)
        self._begun.add((number, level))
        for deeper in range(level + 1, 9):
            restart = found.levels[deeper].restart if deeper in found.levels else None
            if restart is None or (restart and level < restart):
                counts.pop(deeper, None)
        if here.fmt == "bullet":
            return (BULLET, here) if here.text.strip() else None
        return self._shown(found, here, counts), here

    def _shown(self, found: _List, here: Level, counts: dict[int, int]) -> str:
        def place(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            level = found.levels.get(at, Level())
            value = counts.get(at, found.starts.get(at, level.start))
            return written(value, "decimal" if here.legal and level.fmt != "decimalZero" else level.fmt)

        return re.sub(r"%([1-9])", place, here.text)


def joint(number: str, level: Level) -> str:
    """What stands between a number and its text: Word's tab is one blank, or nothing after a mark that is wide
    itself ("一、", "（一）")."""
    if not number or level.suffix == "nothing":
        return ""
    if level.suffix == "tab" and number[-1] in "、）．：。】〕》①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳":
        return ""
    return " "


# --- styles ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph style gives a paragraph, its ancestors' share included."""

    number: str = ""
    level: int | None = None
    outline: int | None = None
    bold: bool = False
    centered: bool = False
    name: str = ""
    own_number: bool = False  # the list is named by the style itself, not by an ancestor


def on(element: Any, tag: str) -> bool | None:
    """A toggle property: None where it is not set."""
    child = element.find(W + tag) if element is not None else None
    if child is None:
        return None
    return child.get(W + "val", "1") not in ("0", "false", "off", "none")


def _chain(style: str, by_id: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    while style in by_id and style not in seen:
        seen.add(style)
        yield style, by_id[style]
        style = _val(by_id[style], "basedOn")


def styles(root: Any | None) -> tuple[dict[str, Style], dict[str, str], str]:
    """(paragraph and character styles by id, numId of numbering styles by id, id of the default paragraph style)."""
    if root is None:
        return {}, {}, ""
    by_id = {e.get(W + "styleId", ""): e for e in root.findall(W + "style")}
    lists: dict[str, str] = {}
    default = ""
    for key, element in by_id.items():
        if element.get(W + "type") == "numbering":
            lists[key] = _val(element.find(f"{W}pPr/{W}numPr"), "numId")
        if element.get(W + "type") == "paragraph" and element.get(W + "default") in ("1", "true", "on"):
            default = key
    return {key: _style(key, by_id) for key in by_id}, lists, default


def _style(key: str, by_id: dict[str, Any]) -> Style:
    out = Style(name=_val(by_id[key], "name").lower())
    bold: bool | None = None
    align = ""
    for at, element in _chain(key, by_id):
        paragraph = element.find(W + "pPr")
        listed = paragraph.find(W + "numPr") if paragraph is not None else None
        if listed is not None:
            number, level = _val(listed, "numId"), _val(listed, "ilvl")
            if number and not out.number:
                out = replace(out, number=number, own_number=at == key)
            if level and out.level is None:
                out = replace(out, level=integer(level))
        if paragraph is not None and out.outline is None and (outline := _val(paragraph, "outlineLvl")):
            out = replace(out, outline=integer(outline, 9))
        align = align or _val(paragraph, "jc")
        if bold is None:
            bold = on(element.find(W + "rPr"), "b")
    if out.outline is None and (match := re.fullmatch(r"(?:heading|标题) ?([1-9])", out.name)):
        out = replace(out, outline=int(match[1]) - 1)
    return replace(out, bold=bool(bold), centered=align == "center")
