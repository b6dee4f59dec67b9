"""What the beginning of one line says: a number and its style, a field's label, a date, a signature.

Every function looks at a bounded prefix or suffix of the line, so a line of megabytes costs no more than a short one.
Offsets are into the line as given: the folding to half width replaces characters one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

PREFIX: Final = 160  # characters of a line that are looked at
LABEL_MAX: Final = 14  # Han characters (two Latin letters count as one) of a field's label

_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLD |= {0x3000: 0x20, 0xA0: 0x20, 0x09: 0x20}
_HAN = "〇零一二三四五六七八九十百两"
_VALUES = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}

# Styles in the order in which they usually nest; a document's own nesting goes before this (see bot.guide.habits).
STYLE_ORDER: Final = (
    "部分", "编", "篇", "章", "节", "条", "I.", "一、", "A.", "(一)", "1 ", "1.1", "1、", "1.", "(1)", "1)", "①",
    "(a)", "a)", "(i)", "i)", "•",
)  # fmt: skip
LETTERS: Final = frozenset(("A.", "(a)", "a)", "I.", "(i)", "i)"))
LEGAL: Final = frozenset(("部分", "编", "篇", "章", "节", "条"))


@dataclass(frozen=True, slots=True)
class Number:
    """A number at the start of a line. `end` is the offset where the line's own words begin."""

    style: str  # one of STYLE_ORDER; "1.1.1" … for more levels
    value: int  # of the last level; 0 for a bullet
    text: str  # as it stands, without the blank after it
    end: int
    sure: bool = True  # False: only a number if it continues a list (letters, "1.1", "第五条" with no blank after it)
    levels: tuple[int, ...] = ()  # of "1.1.2": (1, 1, 2)


@dataclass(frozen=True, slots=True)
class Label:
    """A field's label at the start of a line: `text` stands at [start, end), the value begins at `value`."""

    text: str
    start: int
    end: int
    value: int
    enclosed: bool = False  # （label：value）


def fold(line: str) -> str:
    """The line's prefix in half width, character by character (offsets stay)."""
    return line[:PREFIX].translate(_FOLD)


def han_value(text: str) -> int:
    """The value of a Chinese or Arabic number such as 十二, 二〇, 1 0; 0 if it is none."""
    text = re.sub(r"\s", "", text)
    if text.isascii():
        return int(text) if text.isdigit() else 0
    if not any(unit in text for unit in "十百"):
        return int("".join(str(_VALUES.get(char, 0)) for char in text) or 0)
    total, digit = 0, 0
    for char in text:
        if char in "十百":
            total += (digit or 1) * (10 if char == "十" else 100)
            digit = 0
        else:
            digit = _VALUES.get(char, 0)
    return total + digit


def _roman_value(text: str) -> int:
    values = [_ROMAN[char] for char in text.lower()]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


_LEGAL = re.compile(rf"第 ?((?:[{_HAN}] ?){{1,8}}|(?:\d ?){{1,4}})(部分|编|篇|章|节|条|編|節|條)")
_SIMPLE = {"編": "编", "節": "节", "條": "条"}
_NAMED = re.compile(
    rf"([\u4e00-\u9fff]{{2,4}}?|[A-Z][a-z]{{3,9}}) ?([{_HAN}]{{1,3}}|\d{{1,2}}(?: ?\. ?\d{{1,2}})*|[A-Z])(?:[ :.、]+|$)"
)
_COUNTED = re.compile(rf"()([{_HAN}]{{1,3}}|\d{{1,2}}) (?=[^\W\d])")
_LEGAL_TAIL = re.compile(r"第|[所的中为是之、和及与或至到,。;)]|规定|款|项(?!目)|要求|约定")
_PAREN_TAIL = re.compile(r"项(?!目)|[款至和]")
_HAN_MARK = re.compile(rf"((?:[{_HAN}] ?){{1,4}})([、.]) ?")
_HAN_PAREN = re.compile(rf"\( ?((?:[{_HAN}] ?){{1,4}})\) ?[、.:]? ?")
_NUM_PAREN = re.compile(r"\( ?(\d{1,3}) ?\) ?[、.]? ?")
_NUM_HALF = re.compile(r"(\d{1,3}) ?\) ?")
_NUM_MARK = re.compile(r"(\d{1,3}) ?([、.]) ?")
_MULTI = re.compile(r"(\d{1,3}(?: ?\. ?\d{1,3}){1,7})\.?(?![\d.%‰])( ?)")
_CIRCLED = re.compile(r"([①-⑳㉑-㉟㊱-㊿❶-❿⓵-⓾]) ?[、.]? ?")
_BOXED = re.compile(r"([⑴-⒇⒈-⒛]) ?[、.]? ?")
_LETTER = re.compile(r"([A-Za-z]) ?([、.)])(?![A-Za-z][.)]) ?")
_LETTER_PAREN = re.compile(r"\(([a-zA-Z])\) ?")
_ROMAN_SIGN = re.compile(r"([Ⅰ-Ⅻⅰ-ⅻ]) ?([、.)]) ?")
_ROMAN_MARK = re.compile(r"([IVXL]{1,6}|[ivxl]{1,6}) ?([、.)])(?![A-Za-z][.)]) ?")
_ROMAN_PAREN = re.compile(r"\(([ivxl]{1,6})\) ?")
_BULLET = re.compile(r"([•●○■□◆◇▪▶➢★※·]) ?|([-*+–—]) (?=\S)")
BRACKETS: Final = frozenset("【〖〔『")
_MARKED = re.compile(r"[●○■□◆◇▪▶➢★※] ?(\S.{0,28}?)[:]?$|[【〖〔『]([^】〗〕』]{2,40})[】〗〕』]$")
_MAY_NUMBER = re.compile(rf"[\d（(第{_HAN}A-Za-zＡ-Ｚａ-ｚⅠ-ⅻ①-⒛㉑-㉟㊱-㊿❶-❿⓵-⓾•●○■□◆◇▪▶➢★※·*+–—-]")
_PLAIN = re.compile(r"(\d{1,2}) (?=[^\W\d])")
_SENTENCE_MARK = re.compile(r"[,;:。!?]")
_UNIT = re.compile(r"[年月日天个万亿元%‰倍米吨℃]|小时|千|百|公里|平方")
_ENUM_TAIL = re.compile(rf"(?:[{_HAN}]+|\d{{1,3}})(?:[、.)]|等|号|类|级)|\(?(?:[{_HAN}]+|\d{{1,3}})\)")


def number_of(line: str) -> Number | None:
    """The number that the line begins with, or None. Dates, amounts and decimals are none."""
    if not _MAY_NUMBER.match(line):
        return None
    head = fold(line)
    for reader in (_read_legal, _read_han, _read_multi, _read_arabic, _read_plain, _read_symbol, _read_letter):
        number = reader(head)
        if number is not None:
            return replace(number, text=line[: len(number.text)])
    return None


def named_number_of(line: str) -> Number | None:
    """ "专题一 海洋装备", "方向1.1 …", "Task 2: …", "一 总则": only other lines that count on show that it is one."""
    head = fold(line)
    found = _NAMED.match(head) or _COUNTED.match(head)
    if found is None or found[1].startswith(("第", "附")) or _UNIT.match(head, found.end()):
        return None
    last = re.split(r" ?\. ?", found[2])[-1]
    value = ord(last) - 64 if "A" <= last <= "Z" else han_value(last)
    kind = "1" if last.isascii() else "一"
    return Number(f"~{found[1]}{kind}", value, line[: found.end(2)], found.end()) if value else None


def _made(
    style: str, value: int, found: re.Match[str], sure: bool = True, levels: tuple[int, ...] = ()
) -> Number | None:
    if value <= 0:
        return None
    return Number(style, value, found.group().rstrip(), found.end(), sure, levels)


def _read_legal(head: str) -> Number | None:
    found = _LEGAL.match(head)
    if not found:
        return None
    rest = head[found.end() :]
    blank = len(rest) - len(rest.lstrip(" "))
    if not blank and _LEGAL_TAIL.match(rest):
        return None  # "第五条所列条件": running text that refers to an article
    end = found.end() + blank
    if rest[blank : blank + 1] in (":", "、"):
        end += 1
    style = _SIMPLE.get(found[2], found[2])
    value = han_value(found[1])
    sure = bool(blank) or not rest or style != "条"
    return Number(style, value, found.group(), end, sure) if value else None


def _read_han(head: str) -> Number | None:
    found = _HAN_PAREN.match(head)
    if found:
        if _ENUM_TAIL.match(head, found.end()) or _PAREN_TAIL.match(head, found.end()):
            return None
        return _made("(一)", han_value(found[1]), found)
    found = _HAN_MARK.match(head)
    if found and not _ENUM_TAIL.match(head, found.end()):
        return _made("一、", han_value(found[1]), found)
    return None


def _read_multi(head: str) -> Number | None:
    found = _MULTI.match(head)
    if not found:
        return None
    levels = tuple(int(part) for part in re.split(r" ?\. ?", found[1]))
    after = head[found.end() : found.end() + 1]
    decimal = len(levels) == 2 and not found[2] and _UNIT.match(head, found.end())
    if not after or levels[0] == 0 or decimal:
        return None
    style = ".".join("1" * len(levels))
    return Number(style, levels[-1], found.group().rstrip(), found.end(), False, levels)


def _read_arabic(head: str) -> Number | None:
    found = _NUM_PAREN.match(head)
    if found:
        return None if _ENUM_TAIL.match(head, found.end()) else _made("(1)", int(found[1]), found)
    found = _NUM_HALF.match(head)
    if found:
        return _made("1)", int(found[1]), found)
    found = _NUM_MARK.match(head)
    if not found:
        return None
    rest = head[found.end() :]
    years = re.match(r"(?:19|20)\d\d ?(?:[、,和及与或至] ?(?:19|20)\d\d ?)+年", rest)  # "3.2024、2025年度财务报告"
    if years:
        return _made("1" + found[2], int(found[1]), found)
    if rest[:1].isdigit() and not re.match(r"(?:19|20)\d\d ?[年\-—/.]|\d{1,4}[^\d、.,%]*[\u4e00-\u9fff]", rest):
        return None
    if rest[:1].isdigit() and found[2] == "." and not re.match(r"(?:19|20)\d\d", rest):
        return None  # "1.5年"
    if found[2] == "、" and _ENUM_TAIL.match(rest):
        return None  # "1、2号楼"
    return _made("1" + found[2], int(found[1]), found)


def _read_plain(head: str) -> Number | None:
    """ "1 总体要求": a bare number before a short name, where "1.1" follows."""
    found = _PLAIN.match(head)
    if not found or _UNIT.match(head, found.end()) or _SENTENCE_MARK.search(head, found.end()):
        return None
    return _made("1 ", int(found[1]), found, sure=False, levels=(int(found[1]),))


def _read_symbol(head: str) -> Number | None:
    found = _CIRCLED.match(head)
    if found:
        char = found[1]
        bases = (("①", 1), ("㉑", 21), ("㊱", 36), ("❶", 1), ("⓵", 1))
        base, first = max((pair for pair in bases if pair[0] <= char), key=lambda pair: ord(pair[0]))
        return _made("①", ord(char) - ord(base) + first, found)
    found = _BOXED.match(head)
    if found:
        base, style = ("⒈", "1.") if found[1] >= "⒈" else ("⑴", "(1)")
        return _made(style, ord(found[1]) - ord(base) + 1, found)
    found = _BULLET.match(head)
    return Number("•", 0, found.group().rstrip(), found.end()) if found else None


def _read_letter(head: str) -> Number | None:
    found = _ROMAN_SIGN.match(head)
    if found:
        base, style = ("Ⅰ", "I.") if found[1] <= "Ⅻ" else ("ⅰ", "i)")
        return _made(style, ord(found[1]) - ord(base) + 1, found)
    found = _ROMAN_PAREN.match(head) or _ROMAN_MARK.match(head)
    if found:
        style = "(i)" if found.re is _ROMAN_PAREN else "I." if found[1].isupper() else "i)"
        return _made(style, _roman_value(found[1]), found, sure=False)
    return letter_of(head)


def letter_of(line: str) -> Number | None:
    """ "A.", "b)", "(c)" at the start of the line; "i)" too, which `number_of` takes for a Roman one."""
    head = fold(line)
    found = _LETTER_PAREN.match(head) or _LETTER.match(head)
    if not found:
        return None
    style = "(a)" if found.re is _LETTER_PAREN else "A." if found[1].isupper() else "a)"
    return Number(style, ord(found[1].lower()) - 96, line[: found.end()].rstrip(), found.end(), sure=False)


# --- labels -----------------------------------------------------------------------------------------------------

_LABEL = re.compile(r"\*{0,2}([^:*,;。!?…\[\]【】“”\"]{2,40}?)\*{0,2} ?:\*{0,2} ?")
_LABEL_BOX = re.compile(r"【([^】:,;。]{2,20})】 ?:? ?")
_LABEL_ENCLOSED = re.compile(r"\(([^:(),;。]{2,20}) ?: ?")
_SENTENCE = re.compile(
    r"如下|以下|下列|上述|包括|应当|必须|不得|具有|根据|按照|为了|可以|提出|认为|符合|其中|例如|分别|以及|并且|follow"
    r"|(?:(?<!行)为|是|即|(?<!所)有|(?<!名)称|说|须|将|等|了|和|与|或)$|^(?:但|若|凡|如[果有需]|即|采[用取]|实行|各[市县区]|https?|www|ftp)"
)
_LEAD_BREAK = re.compile(r"[,;!?]")
_LEAD_END = re.compile(r"[:。]")


def _weight(text: str) -> float:
    return sum(0.5 if char.isascii() else 1.0 for char in text if char != " ")


def is_name(text: str, longest: float = LABEL_MAX) -> bool:
    """Whether the (folded) text reads as a short name and not as a sentence: a label, an item's lead."""
    letters = sum(char.isalpha() for char in text)
    return letters >= 2 and _weight(text) <= longest and not _SENTENCE.search(text)


def label_of(line: str) -> Label | None:
    """The field label that the line begins with ("申报主体：", "【申报主体】", "（责任单位：…）"), or None."""
    head = fold(line)
    found = _LABEL_ENCLOSED.match(head)
    if found and line.rstrip()[-1:] in (")", "）") and is_name(found[1]):
        return Label(line[found.start(1) : found.end(1)], found.start(1), found.end(1), found.end(), enclosed=True)
    found = _LABEL_BOX.match(head) or _LABEL.match(head)
    if not found or not is_name(found[1]) or head[found.end() : found.end() + 2] == "//":
        return None
    start, end = found.start(1), found.start(1) + len(found[1].rstrip())
    return Label(line[start:end], start, end, found.end())


def marked_name_of(line: str) -> Label | None:
    """The name that a line consists of behind a drawn mark or in brackets ("◆ 申报条件", "【甲类：某项目】"), or None."""
    head = fold(line.rstrip()) if len(line) <= PREFIX else ""
    found = _MARKED.match(head)
    if not found:
        return None
    group = 1 if found[1] else 2
    if not is_plain_name(found[group].replace(":", " ") if group == 2 else found[group]):
        return None
    start, end = found.span(group)
    return Label(line[start:end], start, end, len(line))


def lead_of(words: str, longest: float = 24) -> str:
    """The name that a numbered line opens with, closed by "：" or "。" before more ("甲地：优先…"), or by "：" alone."""
    head = fold(words)
    found = _LEAD_END.search(head)
    if not found:
        return ""
    lead, rest = head[: found.start()], head[found.end() :]
    if not rest.strip():
        longest = LABEL_MAX if found[0] == ":" else 0  # a whole sentence is no lead
    if _LEAD_BREAK.search(lead) or not is_name(lead, longest) or rest.startswith("//"):
        return ""
    return words[: found.start()].strip()


# --- whole lines ------------------------------------------------------------------------------------------------

_ANNEX = re.compile(r"附 ?[件录表图] ?(?:[一二三四五六七八九十]{1,3}|\d{1,2}(?:[-.]\d{1,2})?)? ?[.、]? ?")
_COUNT = r"(?:\d{1,3}|[一二三四五六七八九十]{1,3})"
_ASK = "(?:问题?|提问|Q(?:uestion)?)"
_ASKS = re.compile(
    rf"[【\[(] ?{_ASK} ?{_COUNT}? ?[】\])] ?[:.、]? ?|{_ASK} ?{_COUNT}? ?[:.、] ?|Q ?\d{{1,3}} +|(?:问|提问|Q|(?:问题|Q) ?{_COUNT})$"
)
_REPLY = "(?:回答|答复|解答|答|A(?:nswer)?)"
_REPLIES = re.compile(
    rf"[【\[(] ?{_REPLY} ?{_COUNT}? ?[】\])] ?[:.、]? ?|{_REPLY} ?{_COUNT}? ?[:.、] ?|A ?\d{{1,3}} +|(?:回答|答复|解答|答|A ?\d{{0,3}})$|答"
)
_REPLY_INSIDE = re.compile(rf"[?？] ?(?={_REPLY} ?[:：]|[【\[(（]{_REPLY}[】\])）])")
_DIGIT = "[〇○零一二三四五六七八九]"
_DATE = re.compile(
    r"\(?\d{4} ?年 ?\d{1,2} ?月(?: ?\d{1,2} ?日)?\)?|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
    rf"|{_DIGIT}{{4}}年[一二三四五六七八九十]{{1,3}}月(?:[一二三四五六七八九十]{{1,3}}日)?"
)
_DOC_NUMBER = re.compile(r"[^,。;:]{1,20}[〔\[【(]\d{4}[〕\]】)] ?第? ?\d+ ?号")
SENTENCE_END: Final = frozenset("。；;！!：:，,、.…")
_BODY = re.compile(
    r"(?:局|厅|部|委|委员会|办|办公室|政府|大学|学院|学校|中心|协会|学会|联合会|公司|银行|医院|研究院|管委会|组|院|处|科|司|署|社|站"
    r"|Office|Department|Committee|Bureau|University|Ministry|Agency)$"
)
_NAME = re.compile(r"[^,;:。!?…\d][^,;:。!?…]*")
_CLOSING = re.compile(
    r"(?:本|该)(?:办法|措施|规定|细则|通知|意见|指南|方案|规则|条例|制度|政策|公告|指引|章程|标准|通告|程序)"
    r"[^。]{0,40}(?:自|由|从)[^。]{0,40}(?:施行|实施|执行|生效|解释|负责)"
)
_DOCUMENT = re.compile(
    r"(?:办法|指南|通知|细则|措施|意见|方案|规定|公告|规则|条例|章程|问答|问题|须知|手册|目录|清单|说明|程序|流程|通告|决定|指引|政策"
    r"|Guide|Guidelines|Notice|Measures|Rules)(?:\([^()]{1,20}\))?$"
)


def is_date(line: str) -> bool:
    return len(line) <= 24 and _DATE.fullmatch(fold(line).strip()) is not None


def annex_mark(line: str) -> int:
    """Length of the "附件2" that the line begins with, 0 if there is none."""
    found = _ANNEX.match(fold(line))
    return found.end() if found else 0


def question_mark(line: str) -> int:
    """Length of the "问：" or "Q1." that the line begins with, 0 if there is none."""
    found = _ASKS.match(fold(line))
    return found.end() if found else 0


def is_reply(line: str) -> bool:
    """Whether the line begins as the answer to a question does: "答：", "【答】", "A1 ", or "答" alone."""
    return _REPLIES.match(fold(line)) is not None


def asked_inside(line: str) -> int:
    """Length of the question with which a line begins that gives its answer too ("…？答：…"), 0 for another line."""
    found = _REPLY_INSIDE.search(line, 0, PREFIX)
    return found.start() + 1 if found else 0


def is_document_number(line: str) -> bool:
    """ "穗人社规字〔2019〕6号" alone on its line."""
    return len(line) <= 40 and _DOC_NUMBER.fullmatch(fold(line).strip()) is not None


def names_body(text: str) -> bool:
    """Whether each part of a short line ends as the name of a public body does: who signs, or is addressed."""
    return len(text) <= 60 and all(_BODY.search(part) for part in text.split()[:6])


def is_plain_name(text: str) -> bool:
    """Letters without any mark of a sentence, brackets and quotes closed; not a sentence by its words."""
    head = fold(text)
    if not _NAME.fullmatch(head) or sum(char.isalpha() for char in head) < 2 or _SENTENCE.search(head):
        return False
    return all(head.count(a) == head.count(b) for a, b in ("()", "《》", "“”", "[]", "【】"))


def is_closing(line: str) -> bool:
    """ "本办法自发布之日起施行。": about the whole document, wherever it stands."""
    return _CLOSING.match(fold(line)) is not None


def is_document_name(line: str) -> bool:
    """Whether a title line ends in the name of a kind of document and so needs no second line."""
    return len(line) <= 100 and _DOCUMENT.search(fold(line)) is not None
