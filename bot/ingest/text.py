"""Bytes to characters, and characters to the one canonical text that every offset refers to."""

from __future__ import annotations

import codecs
import functools
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from bot.errors import SourceError
from bot.types import LineHint, SourceText

Kind = Literal["text", "title", "heading", "list", "row", "header_row", "note"]

# A guide's longest paragraph has some thousand characters; a line beyond this is not prose.
MAX_LINE = 200_000


@dataclass(slots=True)
class RawLine:
    """One line as a reader found it, before cleaning.

    For a table row `cells` are the texts of the row's cells, one for each column, and `text` is not used. A cell
    that spans several columns stands once: `spans` gives for each column the place in `cells` that fills it.
    """

    text: str = ""
    kind: Kind = "text"
    level: int | None = None
    bold: bool = False
    centered: bool = False
    page: int | None = None
    table: int | None = None
    cells: tuple[str, ...] = ()
    spans: tuple[int, ...] = ()
    header: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """What a reader found in one file."""

    lines: list[RawLine] = field(default_factory=list)
    format: str = "txt"
    encoding: str = ""
    notes: list[str] = field(default_factory=list)


# --- cleaning -------------------------------------------------------------------------------------------------------

LINE_END = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BOOKMARK = re.compile(r"\[bookmark:[^\]\n]{0,200}\]", re.IGNORECASE)
# Field codes that a careless export leaves in the text: { HYPERLINK "…" }, { PAGE \* MERGEFORMAT }.
_FIELD_CODE = re.compile(
    r"\{\s*(?:HYPERLINK|PAGE|NUMPAGES|TOC|REF|PAGEREF|SEQ|MERGEFIELD|DATE|TIME|INCLUDEPICTURE)\b[^{}\n]{0,300}\}"
)


# Characters that no reader sees: controls, formats (zero-width, bidi, tags), variation selectors, surrogates,
# noncharacters. Line ends and blanks are treated before.
_INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # invisible, and yet printable to Python


def clean_line(text: str) -> str:
    """One line without what is not the guide's own words. Idempotent; "" for a line that holds nothing.

    Invisible characters, bookmark residue and field codes go; every run of blanks becomes one space, none at the
    ends. Nothing is normalised: full-width forms and compatibility characters stay as the guide writes them.
    """
    text = _BLANKS.sub(" ", text).strip()
    before = None
    while text != before and not _plain(text):  # taking one thing out can join another: "[book\u200bmark: x]"
        before = text
        for pattern in (_INVISIBLE, _BOOKMARK, _FIELD_CODE):
            text = pattern.sub("", text)
        text = _BLANKS.sub(" ", text).strip()
    return text


def _plain(text: str) -> bool:
    """Whether a line has nothing to take out, as most have not."""
    return text.isprintable() and not ("[" in text or "{" in text or _VARIATION.search(text))


def split_lines(text: str) -> list[str]:
    """The lines of a text, whatever ends them."""
    return LINE_END.split(text)


def assemble(source: str, sha256: str, reading: Reading, *, max_chars: int) -> SourceText:
    """The canonical text of a reading, with its hints at their offsets. Raises SourceError for one without text,
    or with more than `max_chars` characters, or with a line that is not prose."""
    parts: list[str] = []
    hints: list[LineHint] = []
    at = 0
    for raw in single_lines(reading.lines):
        text, cells = _row(raw) if raw.cells else (clean_line(raw.text), ())
        if not text:
            continue
        if len(text) > MAX_LINE:
            raise SourceError(
                source, f"有一行超过 {MAX_LINE} 字，不像申报指南，请分段后重试 / a line of {len(text)} characters"
            )
        if raw != RawLine(raw.text):  # the format knows something about it
            hints.append(_hint(raw, at, at + len(text), cells))
        parts.append(text)
        at += len(text) + 1
        if at > max_chars + 1:
            raise SourceError(source, f"正文超过 {max_chars} 字，请拆分文件或调大 max_text_chars / text too long")
    if not parts:
        raise SourceError(source, "文件里没有文字，请换一份有内容的文件 / the file holds no text")
    return SourceText(
        source=source,
        text="\n".join(parts),
        sha256=sha256,
        format=reading.format,
        encoding=reading.encoding,
        hints=tuple(hints),
        notes=tuple(reading.notes),
    )


def _hint(raw: RawLine, start: int, end: int, cells: tuple[tuple[int, int], ...]) -> LineHint:
    return LineHint(
        start=start,
        end=end,
        kind=raw.kind,
        level=raw.level,
        bold=raw.bold,
        centered=raw.centered,
        page=raw.page,
        table=raw.table,
        cells=tuple((start + a, start + b) for a, b in cells),
        header=tuple(clean_line(h) for h in raw.header),
    )


def single_lines(lines: Iterable[RawLine]) -> Iterable[RawLine]:
    """Line ends inside a line's text make lines of their own."""
    for raw in lines:
        if raw.cells or not LINE_END.search(raw.text):
            yield raw
            continue
        for part in split_lines(raw.text):
            yield RawLine(part, raw.kind, raw.level, raw.bold, raw.centered, raw.page, raw.table, (), (), raw.header)


def _row(raw: RawLine) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A row as one line, cells parted by a tab, which stands nowhere else in a canonical text."""
    texts = [clean_line(LINE_END.sub(" ", c)) for c in raw.cells]
    places: list[tuple[int, int]] = []
    at = 0
    for text in texts:
        places.append((at, at + len(text)))
        at += len(text) + 1
    joined = "\t".join(texts)
    line = joined.strip("\t")
    lead = len(joined) - len(joined.lstrip("\t"))
    if not line:
        return "", ()
    limit = len(line)
    spans = raw.spans or tuple(range(len(texts)))
    return line, tuple(
        (min(max(places[i][0] - lead, 0), limit), min(max(places[i][1] - lead, 0), limit)) for i in spans
    )


# --- decoding -------------------------------------------------------------------------------------------------------

# The commonest characters of Chinese prose, official prose above all: about two in five characters of a text.
_FREQUENT = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学"
    "法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社"
    "义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题"
    "党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做"
    "必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打"
    "請們個國會發經這為務資關應開業機與對學實報項條長東產動過後來時說電處參"
    "项目申报单位企业支持补助科技标准审核办理材料条例范围奖励万元附件通知印市省县厅局委院校"
)


@functools.cache
def _usual_han() -> frozenset[str]:
    """Characters in everyday use: the first level of GB 2312 and the frequent part of Big5."""
    usual = bytes(b for row in range(0xB0, 0xD8) for col in range(0xA1, 0xFF) for b in (row, col))
    simplified = usual.decode("gb2312", "ignore")
    big5 = bytes(b for row in range(0xA4, 0xC7) for col in (*range(0x40, 0x7F), *range(0xA1, 0xFF)) for b in (row, col))
    return frozenset(simplified) | frozenset(c for c in big5.decode("big5", "ignore") if _is_han(c))


def _is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\U00020000" <= char <= "\U0003ffff"


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much a text looks like prose that someone wrote: shares between 0 and 1 over a sample."""

    han: int
    usual: float  # of the Han characters, those in everyday use
    frequent: float  # of the Han characters, those among the few hundred commonest
    odd: float  # of all characters, replacement characters, private use, unassigned, controls

    @classmethod
    def of(cls, text: str) -> Likeness:
        sample = text if len(text) <= 60_000 else text[:30_000] + text[-30_000:]
        han = [c for c in sample if _is_han(c)]
        odd = sum(
            1 for c in sample if c == "\ufffd" or (not c.isspace() and unicodedata.category(c) in ("Co", "Cn", "Cc"))
        )
        n = len(han) or 1
        return cls(
            han=len(han),
            usual=sum(c in _usual_han() for c in han) / n,
            frequent=sum(c in _FREQUENT for c in han) / n,
            odd=odd / (len(sample) or 1),
        )


def garbled(text: str) -> bool:
    """Characters that decode and yet say nothing: text once read in a wrong encoding and saved so."""
    seen = Likeness.of(text)
    if not seen.han and _western_mask(text[:20_000]):
        return True
    return seen.odd > 0.01 or "锟斤拷" in text or (seen.han >= 20 and seen.usual < 0.75 and seen.frequent < 0.2)


def _western_mask(text: str) -> bool:
    """Chinese bytes once read as Latin-1 or Windows-1252: "Äê¸½¼þ"."""
    high = [c for c in text if not c.isascii()]
    if len(high) < 20 or sum(c <= "\u00ff" for c in high) < 0.7 * len(high):
        return False
    for codec in ("latin-1", "cp1252"):
        data = text.encode(codec, "ignore")
        for guess in ("utf-8", "gb18030"):
            seen = Likeness.of(data.decode(guess, "ignore"))
            if seen.han > len(high) / 4 and seen.usual > 0.9 and seen.frequent > 0.3:
                return True
    return False


def _chinese(text: str) -> bool:
    seen = Likeness.of(text)
    if seen.odd > 0.005:
        return False
    if seen.han < 8:
        return seen.usual >= 0.75 or not seen.han
    return seen.usual >= 0.85 and seen.frequent >= (0.2 if seen.han >= 40 else 0.1)


_NUL = "含空字节，不是文本文件或已损坏，请重新导出为 UTF-8 / null bytes: not a text file, or a damaged one"
_BROKEN = "编码不是 UTF-8、GB18030 或 UTF-16{guess}，请另存为 UTF-8 / not UTF-8, GB18030 or UTF-16: save it as UTF-8"
GARBLED = (
    "文字是乱码（曾按错误的编码保存），请从原文件重新导出 / the text is garbled: export it again from the original"
)


def decode(data: bytes, source: str) -> tuple[str, str]:
    """(text, encoding) of a text file's bytes: a byte order mark, then strict UTF-8, then UTF-16 without a mark
    where that is evident, then GB18030. Raises SourceError for anything else, naming what it looks like."""
    for mark, codec, name in (
        (codecs.BOM_UTF32_LE, "", "UTF-32"),
        (codecs.BOM_UTF32_BE, "", "UTF-32"),
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    ):
        if data.startswith(mark) and (codec or len(data) % 4 == 0):
            if not codec:
                raise SourceError(source, _BROKEN.format(guess=f"（像是 {name}）"))
            return _strict(data[len(mark) :], codec, name, source), name
    wide = _wide(data)
    if wide is not None:
        return wide
    if b"\0" in data:
        raise SourceError(source, _NUL)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _legacy(data, source, error), "gb18030"
    if garbled(text):
        raise SourceError(source, GARBLED)
    return text, "utf-8"


def _strict(data: bytes, codec: str, name: str, source: str) -> str:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        reason = f"第 {error.start + 1} 字节处不是有效的 {name}，文件已损坏或混用编码 / broken or mixed {name}"
        raise SourceError(source, reason + "，请重新导出 (export it again)") from None
    if "\0" in text:
        raise SourceError(source, _NUL)
    if garbled(text):
        raise SourceError(source, GARBLED)
    return text


def _wide(data: bytes) -> tuple[str, str] | None:
    """UTF-16 without a mark, where it is evident."""
    if len(data) < 4 or len(data) % 2:
        return None
    zeros = data.count(b"\0")
    if not zeros:
        try:
            data[:4096].decode("utf-8")
            return None
        except UnicodeDecodeError as error:
            if len(data) > 4096 and error.start > 4090:
                return None
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        seen = Likeness.of(text)
        latin = sum(c.isascii() for c in text[:20_000]) / min(len(text), 20_000)
        if "\0" in text or seen.odd > 0:
            continue
        if (seen.han >= 4 and seen.usual >= 0.9 and seen.frequent >= 0.3) or (zeros and latin > 0.8):
            return text, codec
    return None


def _legacy(data: bytes, source: str, error: UnicodeDecodeError) -> str:
    """GB18030, or a SourceError that says what the bytes look like."""
    if error.end == len(data) and error.reason == "unexpected end of data" and len(data) > 3:
        raise SourceError(source, "文件在一个字的中间断了，已被截断，请重新取得 / truncated: get the file again")
    line = _mixed(data)
    if line:
        raise SourceError(
            source, f"混用编码（第 {line} 行起不同），请统一另存为 UTF-8 / mixed encodings: save it as UTF-8"
        )
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    if text and _chinese(text):
        return text
    raise SourceError(source, _BROKEN.format(guess=_guess(data)))


def _mixed(data: bytes) -> int:
    """Number of the first line that is in another encoding than the lines before; 0 if all agree.

    Three Han characters in a row that are valid UTF-8 are as good as never GB18030.
    """
    han = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){3}")
    first: bool | None = None
    for number, line in enumerate(data.splitlines(), 1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8 = True
        except UnicodeDecodeError:
            utf8 = False
        if utf8 and not han.search(line):
            continue
        if not utf8 and len(line) > 8 and len(han.findall(line)) * 9 > len(line) / 2:
            return number  # UTF-8 with a damaged character in it
        if first is None:
            first = utf8
        elif utf8 != first:
            return number
    return 0


def _guess(data: bytes) -> str:
    for codec, name in (("big5", "Big5"), ("shift_jis", "Shift_JIS"), ("euc_jp", "EUC-JP"), ("euc_kr", "EUC-KR")):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        seen = Likeness.of(text)
        kana = sum("\u3041" <= c <= "\u30fa" or "\uac00" <= c <= "\ud7a3" for c in text)
        if (seen.han >= 8 and seen.usual > 0.85 and seen.frequent > 0.1) or kana > len(text) / 4:
            return f"（像是 {name}）"
    return ""


def read_txt(data: bytes, source: str) -> Reading:
    """A plain text file: one line of the file is one line of the text."""
    text, encoding = decode(data, source)
    reading = Reading([RawLine(line) for line in split_lines(text)], "txt", encoding)
    report_invisible(text, reading)
    return reading


def report_invisible(text: str, reading: Reading) -> None:
    """Note characters that nobody sees and that were taken out: they can hide words from a reader."""
    hidden = sum(len(m) for m in re.findall("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\U000e0000-\U000e0fff]+", text))
    if hidden:
        reading.notes.append(f"删去不可见字符 {hidden} 个 / removed {hidden} invisible characters")


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
