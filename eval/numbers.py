"""Numbers shown in an answer that no cited clause holds. Independent of the bot's own check, so that it can fail it.

A number is compared by value: 60万 is 600,000 is 0.6 million; 2025-09-05 is 2025, 9 and 5.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from eval.judge import Reply

_SCALES = {
    "十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "만": 1e4, "亿": 1e8, "億": 1e8, "억": 1e8,
    "thousand": 1e3, "k": 1e3, "million": 1e6, "billion": 1e9,
}  # fmt: skip
_ARABIC = re.compile(
    r"(\d{1,3}(?:[, \u00a0]\d{3})+(?!\d)|\d+)(\.\d+)?\s?(十|百|千|万|萬|만|亿|億|억|thousand\b|k\b|million\b|billion\b)*", re.I
)
_SCALE = re.compile("|".join(_SCALES), re.I)
_URL = re.compile(r"(?:https?://|www\.)[^\s，。；、）)]+")
# "1. " at the start of a line is layout, before a year too ("3.2024、2025年度")
_ORDINAL = re.compile(r"^\s*(?:\d{1,3}[.．、)）]|[（(]\d{1,3}[)）])(?!\d)|^\s*\d{1,3}[.．](?=(?:19|20)\d\d[年、，,和至])", re.M)
_DATE = re.compile(r"((?:19|20)\d{2})\s?(?:年|[-/.])\s?(\d{1,2})\s?(?:月|[-/.])\s?(\d{1,2})(?:\s?[日号])?(?!\d)")
_COMPUTES = re.compile(r"差|合计|共|总|加起来|还有|剩|total|difference|together|sum|altogether|left|more|less", re.I)
_MARK = re.compile(r"\[\d{1,3}\]")  # a citation mark
_DIGITS = dict(zip("零〇一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)) | {"两": 2, "兩": 2}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟貳參陸萬億", "一二三四五六七八九十百千二三六万亿")
_HAN_ALL = re.compile(r"[零〇一二三四五六七八九两兩十百千万亿]+")
# A Han numeral counts as shown only before a unit: 一 and 三 stand in many words (一致, 第三方, 一次性, 一般).
_HAN_SHOWN = re.compile(
    r"(?<![第之统专唯同单零〇一二三四五六七八九两兩十百千万亿])([零〇一二三四五六七八九两兩十][零〇一二三四五六七八九两兩十百千万亿]{0,11})"
    r"(?:个百分点|个?工作日|个月|[年月日天元项名人家套岁周%倍成])"
)


def _han_value(text: str) -> float:
    """Value of a Han numeral: by place (一百五十万), or digit by digit (二〇二五)."""
    if len(text) > 1 and all(c in _DIGITS for c in text):
        return float("".join(str(_DIGITS[c]) for c in text))
    total, section, digit = 0, 0, 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _HAN_SCALES:
            section += (digit or 1) * _HAN_SCALES[c]
            digit = 0
        else:
            whole = (total + section + digit) or 1
            total, section, digit = whole * (10**4 if c == "万" else 10**8), 0, 0
    return float(total + section + digit)


def _dates(text: str) -> Iterable[tuple[str, float]]:
    """Whole dates, each as one number (20250925): its parts may well stand elsewhere."""
    for m in _DATE.finditer(text):
        yield m[0], float(int(m[1]) * 10000 + int(m[2]) * 100 + int(m[3]))


def _arabic(text: str) -> Iterable[tuple[str, float]]:
    for m in _ARABIC.finditer(text):
        value = float(re.sub(r"[, \u00a0]", "", m[1]) + (m[2] or ""))
        for scale in _SCALE.findall(m[0]):
            value *= _SCALES[scale.lower()]
        yield m[0].strip(), round(value, 6)


def shown(text: str) -> list[tuple[str, float]]:
    """Numbers that a reader sees in an answer, as they stand and by value; marks, list numbers and URLs left out."""
    plain = unicodedata.normalize("NFKC", text)
    plain = _URL.sub(" ", _ORDINAL.sub(" ", _MARK.sub(" ", plain))).translate(_FORMAL)
    rest = _DATE.sub(" ", plain)
    return [*_dates(plain), *_arabic(rest), *((m[1], _han_value(m[1])) for m in _HAN_SHOWN.finditer(rest))]


def values(text: str) -> set[float]:
    """All numbers of a text by value, read generously: every Han numeral, and scaled ones also without their scale."""
    plain = unicodedata.normalize("NFKC", text)
    plain = f"{plain}\n{_ORDINAL.sub(' ', plain)}".translate(_FORMAL)
    found = {value for _, value in (*_arabic(plain), *_dates(plain))}
    found |= {float(re.sub(r"[, \u00a0]", "", m[1]) + (m[2] or "")) for m in _ARABIC.finditer(plain)}
    return found | {_han_value(m[0]) for m in _HAN_ALL.finditer(plain)}


def _computed(known: set[float]) -> set[float]:
    """Sums and differences of what is cited."""
    return {value for a in known for b in known for value in (a + b, abs(a - b))}


# "60万元（200万×30%）", "80万元（250万×40%=100万元）": what a value of the question comes to, with its parts
_PRODUCT = re.compile(r"\(([^()×=]+)×([^()×=]+)(?:=([^()]+))?\)")


def _products(answer: str, asked: set[float], cited: set[float]) -> set[float]:
    """Products that an answer shows with their parts, of a number of the question and one of a cited clause, worked out
    anew; of a percentage its share."""
    found: set[float] = set()
    for m in _PRODUCT.finditer(unicodedata.normalize("NFKC", answer)):
        first, second = values(m[1]) & asked, values(m[2]) & cited
        found |= {round(a * b / (100 if "%" in m[2] else 1), 6) for a in first for b in second}
    return found


def unsupported(reply: Reply, question: str = "", furniture: str = "") -> list[str]:
    """Numbers of the answer that stand in no cited clause, its path or label, nor in the question or `furniture` (a
    contact line), and are neither counts of what is listed nor computed: differences and sums in an answer that says so
    ("相差"), products that it shows with their parts.
    """
    numbers = shown(reply.answer)
    if not numbers:
        return []
    cited = ["\n".join((*c.path, c.label, c.text, c.title)) for c in reply.citations]
    stated = set().union(*(values(text) for text in cited))
    known = stated | values(question) | values(furniture)
    known |= _products(reply.answer, values(question), stated)
    listed = max(reply.answer.count("\n"), reply.answer.count("、"), reply.answer.count("；"), len(reply.citations) - 1) + 1
    known |= {float(n) for n in range(listed + 1)}
    if _COMPUTES.search(reply.answer):
        known |= _computed(known)
    return [text for text, value in numbers if value not in known]
