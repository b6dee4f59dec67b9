"""What a guide's text says of itself: title, edition, issuing body, validity. Guesses, for a person to correct."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.types import SourceText

_HEAD = 60  # lines in which a text introduces itself
# Words that end a title; the second kind may also end its first line ("…科技计划 / …申报指南").
_STRONG = r"指南|办法|细则|措施|通知|公告|通告|意见|方案|规定|条例|规程|须知|指引|规则|章程|问答|解读|手册"
_WEAK = r"政策|说明|清单|目录|问题|计划|制度|标准|申请|补贴|资助|奖励"
_TAIL = r"\s*(?:[（(〔\[][^（()）]{1,20}[)）〕\]])?$"
_ENDS = re.compile(rf"(?:{_STRONG}|{_WEAK}){_TAIL}")
_ENDS_STRONGLY = re.compile(rf"(?:{_STRONG}){_TAIL}")
_META = re.compile(r"^\s*([\u4e00-\u9fff\s\u3000]{2,8})[：:]\s*(.+)$")
_NUMBERED = re.compile(
    r"^(?:第[一二三四五六七八九十百\d]+[章节条]|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十\d]+[)）]|\d+[、.．])"
)
_NOT_TITLE = re.compile(
    r"^(?:附\s*件|附\s*表|目\s*录)\s*[\d一二三四五六七八九十]*\s*[:：]?$|〔\d{4}〕|\[\d{4}\]\d+号|^\d{4}年\d{1,2}月\d{1,2}日$|各有关单位|[：:]$|[。；]$"
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_YEAR_NAMED = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*(?:年度|年版|年|版|届)")
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*[年\-/.]\s*(\d{1,2})\s*[月\-/.]\s*(\d{1,2})\s*日?")
_BODY = re.compile(
    r"^[\u4e00-\u9fff（）()·]{2,40}?(?:人民政府|政府|办公厅|办公室|委员会|厅|局|部|署|院|中心|大学|学院|学校|协会|学会|基金会|集团|公司|管委会|处)$"
)
_ISSUERS = ("发布机关", "发文机关", "发文单位", "制定机关", "发布机构", "发布单位", "主办单位", "印发机关", "印发单位")
_ORIGINS = ("信息来源", "文章来源", "来源", "稿件来源")
_FROM = ("实施日期", "施行日期", "生效日期", "执行日期", "有效期起")
_TO = ("失效日期", "废止日期", "有效期至", "截止日期", "有效期止")
_PUBLISHED = ("发布日期", "成文日期", "印发日期", "发文日期", "发表时间", "发布时间", "公开日期", "日期")
_ABOUT = re.compile(r"关于(?:印发|发布|公布|修订|颁布|下达|转发|做好|组织)\s*[《〈]?(.+?)[》〉]?的(?:通知|公告|通告)")


def guess(source: SourceText) -> dict[str, str]:
    """Guessed values of the fields of a Guide; a field that the text is silent on is missing."""
    lines = source.text.split("\n")
    meta = _metadata(lines[:_HEAD])
    title = _title(source, lines)
    begins, ends = _validity(source.text, meta, lines)
    found = {
        "title": title,
        "edition": _edition(title, source, meta, lines),
        "issuer": _issuer(title, meta, lines),
        "valid_from": begins,
        "valid_to": ends,
    }
    return {k: v for k, v in found.items() if v}


def _metadata(lines: Sequence[str]) -> dict[str, str]:
    """Labelled lines of the kind a web page or a register puts before a text ("发布机关：…")."""
    out: dict[str, str] = {}
    for line in lines:
        if match := _META.match(line):
            out.setdefault(re.sub(r"\s", "", match[1]), match[2].strip())
    return out


# --- title -----------------------------------------------------------------------------------------------------------


def _title(source: SourceText, lines: Sequence[str]) -> str:
    """The title as the text gives it: marked by the format, or the first lines that read like one."""
    marked = _marked(source)
    title = marked or _first_block(lines)
    if about := _ABOUT.search(title):
        # A covering notice: the text it brings bears its own title further down.
        inner = about[1].strip("《》〈〉 ")
        if len(inner) >= 6 and any(_same(line, inner) for line in lines[1:200]):
            return inner
    return title


def _same(line: str, title: str) -> bool:
    return re.sub(r"\W", "", line) == re.sub(r"\W", "", title)


def _marked(source: SourceText) -> str:
    """Lines that the format itself calls title, or the only heading of the first level before any text."""
    first = [h for h in source.hints if h.start < 1200]
    titles = [source.text[h.start : h.end] for h in first if h.kind == "title"]
    titles = [t for t in titles if len(t) <= 60 and not _NOT_TITLE.search(t)]
    if titles:
        return "".join(titles[:3])
    tops = [h for h in source.hints if h.kind == "heading" and h.level == 1]
    if len(tops) == 1 and tops[0].start < 400:
        text = source.text[tops[0].start : tops[0].end]
        return "" if _NUMBERED.match(text) or _NOT_TITLE.search(text) else text
    return ""


def _first_block(lines: Sequence[str]) -> str:
    """The first lines up to one that ends like a title; the very first line where none does."""
    first = ""
    for at, line in enumerate(lines[:_HEAD]):
        if _NUMBERED.match(line):
            break
        if len(line) > 60 or _NOT_TITLE.search(line) or (_META.match(line) and not _ENDS.search(line)):
            continue
        if at and _BODY.match(line) and not first:
            continue
        block = line
        for following in lines[at + 1 : at + 3]:
            if _complete(block) and _ENDS_STRONGLY.search(block):
                break
            if (
                len(following) > 45
                or _NUMBERED.match(following)
                or _NOT_TITLE.search(following)
                or _META.match(following)
            ):
                break
            longer = block + following
            if _ENDS_STRONGLY.search(longer) or (_ENDS.search(longer) and not _complete(block)):
                block = longer
                break
        if _complete(block):
            return block
        first = first or line
    return first


def _complete(title: str) -> bool:
    """Ends like a title, with nothing left open."""
    pairs = (("《", "》"), ("〈", "〉"), ("（", "）"), ("“", "”"))
    return bool(_ENDS.search(title)) and all(title.count(a) == title.count(b) for a, b in pairs)


# --- edition and issuer ----------------------------------------------------------------------------------------------


def _edition(title: str, source: SourceText, meta: dict[str, str], lines: Sequence[str]) -> str:
    """The year that names the edition: in the title, the file's name, the document number, the date of issue."""
    stem = PurePosixPath(source.source).stem
    number = next(
        (m[1] for line in lines[:_HEAD] if (m := re.search(r"[〔\[]((?:19|20)\d\d)[〕\]]\s*\d+\s*号", line))), ""
    )
    dated = next((meta[k] for k in _PUBLISHED if k in meta), "")
    for text, pattern in (
        (title, _YEAR_NAMED),
        (title, _YEAR),
        (stem, _YEAR_NAMED),
        (stem, _YEAR),
        (number, _YEAR),
        (dated, _YEAR),
    ):
        if match := pattern.search(text):
            return match[1]
    signed = _signature(lines)
    return signed[1][:4] if signed else ""


def _signature(lines: Sequence[str]) -> tuple[str, str] | None:
    """(body or bodies, ISO date) where a text or its covering notice is signed."""
    for at in range(1, len(lines)):
        if (
            len(lines[at]) > 20
            or not (date := _date(lines[at]))
            or not re.fullmatch(r"\s*[^\u4e00-\u9fff]*年?.*日\s*", lines[at])
        ):
            continue
        bodies: list[str] = []
        for line in reversed(lines[max(0, at - 4) : at]):
            names = re.split(r"[ 、]+", line)
            if not all(_BODY.match(n) for n in names):
                break
            bodies[:0] = names
        if bodies:
            return "、".join(bodies), date
    return None


def _issuer(title: str, meta: dict[str, str], lines: Sequence[str]) -> str:
    """The issuing body: named as such, signing the text, in the title of the notice, or the page's source."""
    for key in _ISSUERS:
        if key in meta:
            return meta[key]
    if signed := _signature(lines):
        return signed[0]
    for text in (title, *lines[:_HEAD]):
        if (match := re.match(r"([\u4e00-\u9fff（） ]{3,60}?)关于", text)) and _BODY.match(match[1].replace(" ", "")):
            return "、".join(_bodies(match[1]))
    for key in _ORIGINS:
        if key in meta:
            return re.sub(r"(?:官方)?(?:网站|官网|微信公众号)", "", "、".join(re.split(r"[ 、]+", meta[key])))
    return ""


def _bodies(text: str) -> list[str]:
    """Bodies written one after the other ("某市财政局某市教育局")."""
    parts = [p for p in re.split(r"[ 、]+", text) if p]
    if len(parts) > 1:
        return parts
    place = re.match(r"[\u4e00-\u9fff]{2,6}?[省市县区]", text)
    if place and text.count(place[0]) > 1:
        return [place[0] + p for p in text.split(place[0]) if p]
    return [text]


# --- validity --------------------------------------------------------------------------------------------------------

_NUMBER = {c: i for i, c in enumerate("零一二三四五六七八九十")} | {"两": 2}


def _date(text: str) -> str:
    match = _DATE.search(text)
    if not match:
        return ""
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return ""


def _validity(text: str, meta: dict[str, str], lines: Sequence[str]) -> tuple[str, str]:
    """(first day, last day) of validity as ISO dates, "" where unsaid: from labelled lines, else from the closing
    words ("自2024年1月1日起施行，有效期5年")."""
    begins = next((d for k in _FROM if k in meta and (d := _date(meta[k]))), "")
    ends = next((d for k in _TO if k in meta and (d := _date(meta[k]))), "")
    if not begins and (match := re.search(r"自\s*(.{6,16}?)\s*起(?:施行|实施|执行|生效|试行)", text)):
        begins = _date(match[1])
    if not begins and re.search(r"自(?:发布|印发|公布)之日起(?:施行|实施|执行|生效|试行)", text):
        signed = _signature(lines)
        begins = signed[1] if signed else next((d for k in _PUBLISHED if k in meta and (d := _date(meta[k]))), "")
    if not ends and (match := re.search(r"(?:有效期(?:限)?(?:截)?至|实施至|执行至|有效期到)\s*(.{6,16})", text)):
        ends = _date(match[1])
    span = re.search(r"有效期(?:限)?\s*(?:为|暂定)?\s*(\d{1,2}|[一二两三四五六七八九十])\s*年", text)
    if not ends and begins and span:
        years = _NUMBER[span[1]] if span[1] in _NUMBER else int(span[1])
        ends = _years_on(begins, years)
    return begins, ends if not begins or not ends or ends >= begins else ""


def _years_on(begins: str, years: int) -> str:
    """The last day of `years` years that begin on `begins`."""
    first = dt.date.fromisoformat(begins)
    try:
        after = first.replace(year=first.year + years)
    except ValueError:  # 29 February
        after = dt.date(first.year + years, 3, 1)
    return (after - dt.timedelta(days=1)).isoformat()
