"""Clause text → typed facts with spans: amounts, dates, durations, counts, ratios, URLs, bodies, places.

The same scanner reads questions (for premises such as "100万") and answers (for the law that every number shown
stands in a cited clause), so that all three agree on what a number is. No fact is computed here, only normalised.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.types import Clause, ClauseId, Fact, FactKind

_CN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "○": 0}
_CN_DIGITS |= dict(zip("壹贰叁肆伍陆柒捌玖", range(1, 10), strict=True))
_CN_SCALES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000, "亿": 100_000_000}
_HAN_NUM = r"(?<![零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟半])[零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟半]+"
_FULLWIDTH = str.maketrans("０１２３４５６７８９．，％：／－", "0123456789.,%:/-")
_ARABIC = r"(?<![0-9０-９])(?<!\.\d\.)(?<!\.\d\d\.)[0-9０-９]+(?:[,，][0-9０-９]{3})*(?:[.．][0-9０-９]+)?"
_RANGE = r"(?:\s*(?:[-–—~～至到]|to)\s*)"
_NUM = rf"(?:{_ARABIC}|{_HAN_NUM})"
_HAN_DECIMAL = rf"{_HAN_NUM}点[零〇一二三四五六七八九]+"
_MIXED = rf"{_ARABIC}(?:亿{_ARABIC}(?:千万|万)?|万{_ARABIC}千?)"  # 1亿5000万, 3万5千, 3万5
_WHOLE = rf"(?:{_MIXED}|{_HAN_DECIMAL}|{_NUM})"  # any one number; the plain ones are enough where units follow closely

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDED = rf"\b(?:{'|'.join(_WORDS)})\b"  # an English number before its unit

_BEFORE = (
    "不满|不足|未满|不到|不超过|没有超过|没超过|未超过|不会超过|不高于|不多于|不得超过|最高不超过|最高|最多|最长不超过|最长|上限不超过|上限|封顶|至多|以内|"
    "不少于|不少|不低于|不小于|不得少于|不得低于|至少|最低|最少|超过|满|连续|累计不少于|累计不超过|累计|"
    "up to|(?:no|not) (?:more|later|longer|higher) than|not exceed(?:ing)?|at most|maximum of|at least|(?:no|not) (?:fewer|less) than|minimum of|"
    "fewer than|less than|more than|within|under|below|over|"
    "每年|每月|每个|每项|每家|每人|每次|每|单个项目|总额|一次性|限报|各限报|原则上|一般|达到|大于|小于|低于|高于"
)
_AFTER = "以内|以下|以上|之内|及以上|及以下|或以上|以前|之前|前|内|左右|封顶|起"
_BEFORE_RE = re.compile(rf"(?:(?:{_BEFORE})[^，。；、,;（(：:\d]{{0,3}}?)+$", re.IGNORECASE)
_AFTER_RE = re.compile(rf"^\s*(?:（[^）]{{0,8}}）)?(?:{_AFTER})")

_SCALE_WORDS = {
    "万亿": 10**12, "亿": 10**8, "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "千": 1000, "百": 100,
    "million": 10**6, "billion": 10**9, "thousand": 1000, "w": 10**4, "k": 1000, "m": 10**6, "bn": 10**9,
}  # fmt: skip
_CURRENCY = {
    "元": "CNY", "圆": "CNY", "块": "CNY", "块钱": "CNY", "元人民币": "CNY", "人民币": "CNY", "rmb": "CNY",
    "cny": "CNY", "yuan": "CNY", "¥": "CNY", "￥": "CNY", "美元": "USD", "usd": "USD", "dollars": "USD",
    "$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "gbp": "GBP", "hkd": "HKD", "jpy": "JPY",
    "欧元": "EUR", "eur": "EUR", "euros": "EUR", "euro": "EUR", "港元": "HKD", "港币": "HKD", "日元": "JPY",
}  # fmt: skip
_AMOUNT_RE = re.compile(
    rf"(?P<pre>RMB|CNY|USD|EUR|GBP|HKD|JPY|US\$|人民币|[¥￥€$£])?\s*(?:{_NUM}\s*(?:万|亿)?{_RANGE})?(?P<num>{_WHOLE})\s*(?P<scale>万亿|千万|百万|亿|万|千|million|billion|thousand|(?:w|k|m|bn)(?![a-z]))?"
    rf"\s*(?P<cur>元人民币|元|圆|块钱|块|美元|欧元|港元|港币|日元|yuan|RMB|CNY|USD|euros?|EUR|dollars|人民币)?"
    rf"(?:\s*/\s*(?P<per>人|年|月|项|个|家|套|亩|次|户|件))?",
    re.IGNORECASE,
)
_DATE_RE = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d{2}|[一二][〇零○一二三四五六七八九]{3})\s*(?:年|[-/.])\s*(?P<m>\d{1,2}|十[一二]?|[一二三四五六七八九])"
    r"(?:\s*(?:月|[-/.])\s*(?:(?P<d>\d{1,2}|[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])\s*[日号]?)?)?(?!\d)"
)
_MONTHDAY_RE = re.compile(
    r"(?<![\d年])(?P<m>\d{1,2}|十[一二]?|[一二三四五六七八九])\s*月\s*(?P<d>\d{1,2}|[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])\s*[日号]"
)
_YEARLY_RE = re.compile(
    r"每(?:年|季度)\s*(?P<m>\d{1,2})\s*月(?:\s*[、,，和及]\s*\d{1,2}\s*月)*(?:的?\s*\d{1,2}\s*日(?:\s*[至到-]\s*\d{1,2}\s*日)?)?"
)
_LEAP = 2000  # a year that has every day there is
_ENGLISH_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENGLISH_MONTH = r"(?P<mon>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ENGLISH_DATE_RES = (
    re.compile(
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_ENGLISH_MONTH},?\s+(?P<y>20\d{{2}})", re.IGNORECASE
    ),
    re.compile(rf"{_ENGLISH_MONTH}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>20\d{{2}})", re.IGNORECASE),
)
_PENDING_RE = re.compile(r"(?:时间|日期|期限)(?:为|是|：|:)?\s*(?P<v>待定|另行通知|另行公布|另行确定)")
_DURATION_UNITS = {
    "个工作日": "WD", "工作日": "WD", "个月": "M", "年": "Y", "周年": "Y", "周岁": "岁", "岁": "岁", "天": "D", "日": "D",
    "周": "W", "个星期": "W", "星期": "W", "小时": "H", "个小时": "H", "学期": "学期", "个学期": "学期", "分钟": "分钟",
    "years": "Y", "year": "Y", "months": "M", "month": "M", "days": "D", "day": "D", "weeks": "W", "week": "W",
    "working days": "WD", "business days": "WD", "hours": "H", "个半月": "M", "个半小时": "H", "个半星期": "W", "个半学期": "学期",
}  # fmt: skip
_DURATION_RE = re.compile(
    rf"(?<![\d年第.．/-])(?P<num>{_HAN_DECIMAL}|{_NUM}(?:{_RANGE}{_NUM})?|{_WORDED})\s*-?\s*"
    r"(?P<unit>个工作日|工作日|(?:working|business) days|个半月|个半小时|个半星期|个半学期|"
    r"个月|周年|周岁|年|岁|天|日|个星期|星期|周|个小时|小时|分钟|个学期|学期|"
    r"years?|months?|days?|weeks?|hours)(?!度|份|月|代|级|[a-z])"
    rf"(?:(?P<half>半(?![年个月天日数周径导成]))|(?<=年)[零又]?\s*(?P<months>\d{{1,2}}|[一二两三四五六七八九十]{{1,3}})\s*个月)?",
    re.IGNORECASE,
)
_AGE_RE = re.compile(
    rf"(?:\bage (?:of |limit (?:is |of )?)?|\baged )(?P<num>\d{{1,2}}(?:{_RANGE}\d{{1,2}})?)(?![\d%]|\.\d)"
    rf"|(?<![\d.])(?P<old>\d{{1,2}}) years (?:old|of age)", re.IGNORECASE
)
_COUNT_UNITS = (
    "项|个|人|名|家|套|条|次|所|篇|件|种|类|州|县|市|区|户|位|批|期|份|门|台|例|亩|倍|步|场|支|款|辆|座|间|层|级|只|头|"
    "课时|学时|学分|分|people|persons|items?|projects?|candidates?|applicants?|applications?|employees|experts?|points?|copies|"
    "participants?|members?|partners?|proposals?|reviewers?|reports?|pages?"
)
_COUNT_RE = re.compile(
    rf"(?P<num>{_NUM}(?:{_RANGE}{_NUM})?|{_WORDED})\s*(?:个(?=[县市州区镇村]))?(?P<unit>{_COUNT_UNITS})(?![a-z])", re.IGNORECASE
)
_PERCENT_RE = re.compile(
    rf"(?P<bp>(?:LPR\s*[+＋-]?\s*)?{_ARABIC}\s*(?:BP|个?基点))|(?P<num>{_ARABIC}(?:{_RANGE}{_ARABIC})?)\s*(?:[%％]|percent|per cent)|百分之(?P<han>{_HAN_DECIMAL}|{_NUM})"
    rf"|千分之(?P<mille>{_HAN_DECIMAL}|{_NUM})|(?P<den>{_NUM})分之(?P<part>{_NUM})"
    r"|(?P<cheng>[一二三四五六七八九])成(?![立果员功效本为套])(?P<tenth>[一二三四五六七八九半](?![十百千万亿个人项名家年月天]))?",
    re.IGNORECASE,
)
_PROPORTION_RE = re.compile(rf"(?P<a>{_ARABIC})\s*[:：∶]\s*(?P<b>{_ARABIC})(?![:：\d])")
_URL_RE = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+[A-Za-z0-9/=_-]", re.IGNORECASE)
_BODY_RE = re.compile(
    r"(?:主管部门|主管机构|主管单位|经办机构|受理部门|受理单位|初核机构|复核机构|责任单位|发布机关|牵头单位|承办单位|实施单位)"
    r"[：:为是]+(?P<name>[^，。；;：:\n]{2,40})"
)
_PLACE_RE = re.compile(r"(?:范围|地区|区域|地点|地址)(?:为|是|：|:)\s*(?P<name>[^。；;\n]{2,60})")
_PER_RE = re.compile(r"每(个|家|人|项|所|位|名)[^，。；、]{0,20}(?:限报|限|最多|可报|不超过|不多于)$")
_UNIT_AFTER_BARE = re.compile(r"^\s*(?:个|项|人|名|家|套|条|次|年|月|天|日|%|％)")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A typed value found in any text; `start`, `end` are offsets into that text. `number` is None for dates, URLs."""

    kind: FactKind
    value: str
    qualifier: str
    start: int
    end: int
    number: float | None = None
    unit: str = ""


def parse_number(text: str) -> float | None:
    """The value of one Arabic or Chinese numeral ("1,500", "一百五十", "2000万", "半"), None when it is none."""
    raw = text.translate(_FULLWIDTH).replace(",", "").strip()
    if raw.lower() in _WORDS:
        return float(_WORDS.index(raw.lower()) + 1)
    if "点" in raw:
        whole, _, tenths = raw.partition("点")
        value = _parse_han(whole)
        return None if value is None else float(f"{int(value)}." + "".join(str(_CN_DIGITS[c]) for c in tenths))
    if re.fullmatch(r"\d+(\.\d+)?", raw):
        return float(raw)
    mixed = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(万亿|千万|百万|亿|万|千|百)", raw)
    if mixed:
        return float(mixed[1]) * _SCALE_WORDS[mixed[2]]
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)(亿|万)(\d+(?:\.\d+)?)(千万|万|千)?", raw)
    if parts:
        scale = _SCALE_WORDS[parts[2]]
        # "3万5" is 35,000 as "3万5千" is; in "3万500" the digits say themselves what they are worth
        rest = _SCALE_WORDS[parts[4]] if parts[4] else scale // 10 if len(parts[3]) == 1 else 1
        lower = float(parts[3]) * rest
        return float(parts[1]) * scale + lower if lower < scale else None
    return _parse_han(raw)


def _parse_han(raw: str) -> float | None:
    if raw == "半":
        return 0.5
    if not raw or any(c not in _CN_DIGITS and c not in _CN_SCALES for c in raw):
        return None
    if all(c in _CN_DIGITS for c in raw):
        # Digits in a row are read as a plain number only as years are written; one digit is itself.
        return float("".join(str(_CN_DIGITS[c]) for c in raw)) if len(raw) in (1, 4) else None
    total, section, digit = 0, 0, 0
    for c in raw:
        if c in _CN_DIGITS:
            digit = _CN_DIGITS[c]
        elif _CN_SCALES[c] < 10_000:
            section += (digit or 1) * _CN_SCALES[c]
            digit = 0
        else:
            total = (
                (total + section + digit) * _CN_SCALES[c]
                if _CN_SCALES[c] > 10**4
                else total + (section + digit) * 10**4
            )
            section = digit = 0
    if digit and len(raw) > 1 and _CN_SCALES.get(raw[-2], 0) >= 100:
        digit *= _CN_SCALES[raw[-2]] // 10  # "三万五" is 35,000, "一百五" 150: the last digit counts in the next tens
    return float(total + section + digit)


def plain(number: float) -> str:
    """A number without a needless fraction: 600000, 0.5."""
    return str(int(number)) if number == int(number) else f"{number:g}"


def _numbers(text: str) -> list[float]:
    out = []
    for piece in re.findall(rf"{_HAN_DECIMAL}|{_NUM}|[A-Za-z]+(?= *$)", text):
        value = parse_number(piece)
        if value is None:
            return []
        out.append(value)
    return out


def _qualifier(text: str, start: int, end: int) -> str:
    before = _BEFORE_RE.search(text[max(0, start - 14) : start])
    after = _AFTER_RE.search(text[end : end + 12])
    words = [m.strip() for m in (re.findall(_BEFORE, before[0].lower()) if before else [])]
    if after:
        words.append(re.sub(r"^\s*（[^）]*）", "", after[0]).strip())
    return " ".join(words)


class _Scan:
    """Collects quantities; the first pattern to claim a character keeps it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.taken = bytearray(len(text))
        self.found: list[Quantity] = []

    def add(
        self, kind: FactKind, value: str, start: int, end: int, number: float | None = None, unit: str = ""
    ) -> None:
        if end <= start or any(self.taken[start:end]):
            return
        self.taken[start:end] = b"\x01" * (end - start)
        self.found.append(Quantity(kind, value, _qualifier(self.text, start, end), start, end, number, unit))


def _urls(scan: _Scan) -> None:
    for m in _URL_RE.finditer(scan.text):
        scan.add("url", m[0], *m.span())


def _dates(scan: _Scan) -> None:
    for m in _DATE_RE.finditer(scan.text):
        year, month = year_digits(m["y"]), parse_number(m["m"])
        if month is None or not 1 <= month <= 12:
            continue
        value = f"{year}-{int(month):02d}"
        day = parse_number(m["d"]) if m["d"] else None
        if day is not None:
            if not _in_month(int(year), int(month), int(day)):
                continue
            value += f"-{int(day):02d}"
        elif "月" not in m[0]:
            continue
        scan.add("date", value, m.start(), m.start() + len(m[0].rstrip()))
    for pattern in _ENGLISH_DATE_RES:
        for m in pattern.finditer(scan.text):
            month_number = _ENGLISH_MONTHS.index(m["mon"].lower()) + 1
            if _in_month(int(m["y"]), month_number, int(m["d"])):
                scan.add("date", f"{m['y']}-{month_number:02d}-{int(m['d']):02d}", *m.span())
    for m in _MONTHDAY_RE.finditer(scan.text):
        month, day = parse_number(m["m"]), parse_number(m["d"])
        if month and day and month <= 12 and _in_month(_LEAP, int(month), int(day)):
            scan.add("date", f"--{int(month):02d}-{int(day):02d}", *m.span())
    for m in _YEARLY_RE.finditer(scan.text):
        if 1 <= int(m["m"]) <= 12:
            scan.add("date", f"--{int(m['m']):02d}", *m.span())
    for m in _PENDING_RE.finditer(scan.text):
        scan.add("date", m["v"], *m.span("v"))


def _in_month(year: int, month: int, day: int) -> bool:
    """Whether the day is in the calendar: "2025年2月30日" is a slip of somebody's, and no date."""
    return 1 <= day <= monthrange(year, month)[1]


def year_digits(raw: str) -> str:
    """A year in Arabic digits: "二〇二六" → "2026"; one that is in them already stays."""
    return raw if raw.isdigit() and raw.isascii() else "".join(str(_CN_DIGITS.get(c, c)) for c in raw)


def _amounts(scan: _Scan, bare: bool) -> None:
    for m in _AMOUNT_RE.finditer(scan.text):
        scale, cur = (m["scale"] or "").lower(), (m["cur"] or m["pre"] or "").lower()
        scaled = scale or any(c in m["num"] for c in "万亿")
        if scale in ("k", "m", "bn") and not (m["pre"] or m["cur"]):
            continue  # "100 m" is a length
        if (
            (scale == "w" and not bare)
            or not (cur or (bare and scaled))
            or (not cur and _UNIT_AFTER_BARE.match(scan.text[m.end() :]))
        ):
            continue
        number = parse_number(m["num"])
        if not number or (m["num"] == "一" and cur == "块") or (m["num"][0] in "十百千万亿" and not scale):
            continue
        number *= _SCALE_WORDS.get(scale, 1)
        unit = _CURRENCY.get(cur, "CNY")
        value = f"{plain(number)} {unit}" + (f"/{m['per']}" if m["per"] else "")
        start = m.start() + (len(m[0]) - len(m[0].lstrip()))
        scan.add("amount", value, start, m.start() + len(m[0].rstrip()), number, unit)
    # "200万元、100万元、50万元" is covered above; "一、二、三等奖20万" style lists need no more than that.


def _ratios(scan: _Scan) -> None:
    for m in _PERCENT_RE.finditer(scan.text):
        if m["bp"]:
            scan.add("ratio", m["bp"].replace(" ", ""), *m.span())
            continue
        if m["den"] or m["mille"]:
            _fraction(scan, m)
            continue
        if m["cheng"]:
            tenth = 5 if m["tenth"] == "半" else _CN_DIGITS.get(m["tenth"] or "", 0)
            numbers = [_CN_DIGITS[m["cheng"]] * 10.0 + tenth]
        else:
            numbers = _numbers(m["num"] or m["han"])
        if numbers:
            scan.add("ratio", "-".join(plain(n) for n in numbers) + " %", *m.span(), numbers[-1], "%")
    for m in _PROPORTION_RE.finditer(scan.text):
        scan.add("ratio", f"{m['a']}:{m['b']}", *m.span())


def _fraction(scan: _Scan, m: re.Match[str]) -> None:
    """千分之五 → 5 ‰, 三分之一 → 1/3."""
    if m["mille"]:
        number = parse_number(m["mille"])
        if number is not None:
            scan.add("ratio", f"{plain(number)} ‰", *m.span(), number, "‰")
        return
    whole, part = parse_number(m["den"]), parse_number(m["part"])
    if whole and part is not None:
        scan.add("ratio", f"{plain(part)}/{plain(whole)}", *m.span(), part / whole, "/")


def _durations(scan: _Scan) -> None:
    for m in _DURATION_RE.finditer(scan.text):
        unit = _DURATION_UNITS[m["unit"].lower()]
        numbers = _numbers(m["num"])
        if not numbers or (unit == "Y" and numbers[0] >= 1900) or _calendar(scan.text, m, numbers[0]):
            continue
        if m["half"] or "个半" in m["unit"]:
            numbers[-1] += 0.5
        span = "-".join(plain(n) for n in numbers)
        if m["months"] and (more := parse_number(m["months"])) is not None:
            span, unit = plain(numbers[-1] * 12 + more), "M"  # "3年6个月" is 42 months
            numbers = [numbers[-1] * 12 + more]
        per = "/year" if "每年" in _qualifier(scan.text, *m.span()) or _yearly(scan.text, m.start()) else ""
        value = (
            f"{span} {unit}"
            if unit in ("岁", "学期", "分钟")
            else (f"P{span}{unit}" if not per else f"{span} {_LONG[unit]}{per}")
        )
        scan.add("duration" if not per else "rate", value, *m.span(), numbers[-1], unit)


def _ages(scan: _Scan) -> None:
    for m in _AGE_RE.finditer(scan.text):
        numbers = _numbers(m["num"] or m["old"])
        if numbers:
            scan.add("duration", f"{'-'.join(plain(n) for n in numbers)} 岁", *m.span("num" if m["num"] else "old"), numbers[-1], "岁")


def _calendar(text: str, m: re.Match[str], number: float) -> bool:
    """A day or a year of the calendar, not a length of time: 日 after 月 ("13月40日", "每月15日"), 年 before a month."""
    if m["unit"] == "日":
        return number > 366 or text[: m.start()].rstrip().endswith("月")
    return m["unit"] == "年" and bool(re.match(r"\s*\d{1,2}\s*月", text[m.end("unit") :]))


_LONG = {
    "Y": "year",
    "M": "month",
    "D": "day",
    "W": "week",
    "WD": "workday",
    "H": "hour",
    "岁": "岁",
    "学期": "学期",
    "分钟": "minute",
}


def _yearly(text: str, start: int) -> bool:
    clause = re.split(r"[，。；,;\n]", text[max(0, start - 40) : start])[-1]
    return "每年" in clause and bool(re.search(r"累计|不少于|至少|合计", clause))


def _counts(scan: _Scan, bare: bool) -> None:
    for m in _COUNT_RE.finditer(scan.text):
        before = scan.text[m.start() - 1] if m.start() else ""
        numbers = _numbers(m["num"])
        if not numbers or (before and before in "第.．/"):
            continue
        if re.fullmatch("[十百千万亿]+", m["num"]) and numbers[-1] == 0:
            continue  # "万州" counts nothing
        # "一个" and "一项" are mostly articles; a Chinese "one" counts only next to a bound.
        if m["num"] in (("一", "半") if bare else ("一", "两", "半")) and not _qualifier(scan.text, *m.span()):
            continue
        if re.match(r"[一二三四五六七八九十百]+$", m["num"]) and re.match(
            r"(?:带|路|般|定|致|方面|体化|流|线|批|些)", scan.text[m.end("num") :]
        ):
            continue
        per = _PER_RE.search(scan.text[max(0, m.start() - 24) : m.start()])
        value = f"{'-'.join(plain(n) for n in numbers)} {m['unit']}" + (f"/{per[1]}" if per else "")
        scan.add("rate" if per else "count", value, *m.span(), numbers[-1], m["unit"])


def _names(scan: _Scan) -> None:
    for kind, pattern in (("body", _BODY_RE), ("place", _PLACE_RE)):
        for m in pattern.finditer(scan.text):
            start, end = m.span("name")
            if not any(scan.taken[start:end]) or kind == "place":
                name: FactKind = "body" if kind == "body" else "place"
                scan.found.append(Quantity(name, m["name"].strip("（）() "), "", start, end))


@lru_cache(maxsize=16384)
def quantities(text: str, *, bare: bool = False) -> tuple[Quantity, ...]:
    """Typed values in `text`, by position. `bare` also takes "100万" without a currency as money, as questions say it."""
    scan = _Scan(text)
    _urls(scan)
    _dates(scan)
    _amounts(scan, bare)
    _ratios(scan)
    _ages(scan)
    _durations(scan)
    _counts(scan, bare)
    _names(scan)
    return tuple(sorted(scan.found, key=lambda q: (q.start, q.end)))


def extract(clauses: Sequence[Clause]) -> tuple[Fact, ...]:
    """The facts of all clauses, in document order; offsets refer to the source's canonical text."""
    out: list[Fact] = []
    for c in clauses:
        skip = len(c.number) if c.text.startswith(c.number) else 0
        for q in quantities(c.text):
            if q.start >= skip:
                out.append(Fact(c.clause_id, q.kind, q.value, q.qualifier, c.start + q.start, c.start + q.end))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class FieldCell:
    """One cell of the table section × field: the field's clause and its facts."""

    clause: Clause
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class FieldTable:
    """Sections (headings that have labelled fields) × field labels, both in document order."""

    sections: tuple[Clause, ...]
    labels: tuple[str, ...]
    cells: dict[tuple[ClauseId, str], FieldCell]


def table(clauses: Sequence[Clause], facts: Iterable[Fact]) -> FieldTable:
    """The labelled fields of each section that has at least two of them."""
    by_clause: dict[ClauseId, list[Fact]] = {}
    for f in facts:
        by_clause.setdefault(f.clause_id, []).append(f)
    by_id = {c.clause_id: c for c in clauses}
    cells: dict[tuple[ClauseId, str], FieldCell] = {}
    for c in clauses:
        if is_field(c) and c.parent is not None:
            cells.setdefault((c.parent, c.label), FieldCell(c, tuple(by_clause.get(c.clause_id, ()))))
    counts: dict[ClauseId, int] = {}
    for section, _ in cells:
        counts[section] = counts.get(section, 0) + 1
    kept = {k: v for k, v in cells.items() if counts[k[0]] >= 2 and by_id[k[0]].number}
    labels = tuple(dict.fromkeys(label for _, label in kept))
    sections = tuple(c for c in clauses if c.clause_id in {s for s, _ in kept})
    return FieldTable(sections, labels, kept)


def is_field(clause: Clause) -> bool:
    """A labelled field, also one that became a heading because items follow its label ("申报条件：" + （1）…)."""
    if clause.kind == "field":
        return True
    return clause.kind == "heading" and not clause.number and bool(re.match(r"[^【〖〔『].{1,13}[：:]", clause.text))


def is_faq(clause: Clause) -> bool:
    """A question with its answer."""
    return clause.kind == "item" and clause.label.endswith(("？", "?"))
