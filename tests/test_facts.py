"""Typed facts: every notation of a value is one value, with its bound, at its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.facts import extract, parse_number, plain, quantities, table
from bot.guide import parse
from bot.types import Clause, ClauseId, Guide, SourceText

# fmt: off
AMOUNTS = {
    "600000 CNY": ["60万元", "六十万元", "600,000元", "600000元", "RMB 0.6 million", "RMB 600,000", "0.6 million yuan", "¥600,000", "６０万元", "人民币六十万元", "陆拾万元"],
    "35000 CNY": ["3万5千元", "三万五千元", "3.5万元", "三点五万元"],
    "30500 CNY": ["3万500元", "三万零五百元"],
    "1500000 CNY": ["150万元", "一百五十万元", "1.5 million yuan", "CNY 1,500,000"],
    "1000000 CNY": ["壹佰万元", "一百万元", "100万块", "RMB 1 million"],
    "150000000 CNY": ["1.5亿元", "一亿五千万元", "1亿5000万元"],
    "2000 CNY": ["两千元", "2,000元", "2000块钱"],
    "1200 CNY/人": ["1200元/人", "1,200元/人"],
    "5000000 USD": ["500万美元", "USD 5 million", "5 million dollars"],
    "30000 EUR": ["3万欧元", "EUR 30,000"],
}
DATES = {
    "2031-04-05": ["2031年4月5日", "2031-04-05", "2031/4/5", "2031.4.5", "二〇三一年四月五日", "2031 年 4 月 5 日", "5 April 2031", "April 5, 2031", "5th of April 2031", "Apr 5 2031", "5 Apr. 2031"],
    "2031-12-31": ["2031年12月31日", "二〇三一年十二月三十一日", "31 December 2031", "December 31st, 2031"],
    "2031-10": ["2031年10月", "二〇三一年十月"],
    "--04-05": ["4月5日", "四月五日", "4月5号"],
}
DURATIONS = {
    "P3Y": ["3年", "三年", "3 years", "3-year"],
    "P18M": ["18个月", "十八个月", "18 months"],
    "P1.5Y": ["一年半", "1年半", "1.5年", "1.5 years"], "P2.5Y": ["两年半", "2年半", "两点五年"],
    "P1.5M": ["一个半月", "1个半月", "1.5个月"], "P42M": ["3年6个月", "三年零六个月", "三年又六个月"],
    "P10WD": ["10个工作日", "十个工作日", "10 working days"],
    "P3-5Y": ["3-5年", "3至5年", "三到五年", "3 to 5 years"],
    "P0.5Y": ["半年"],
    "P2H": ["2小时", "两小时", "2 hours"],
    "35 岁": ["35周岁", "35岁", "三十五周岁"],
}
COUNTS = {
    "30 人": ["30人", "三十人", "３０人"],
    "1200 人": ["1,200人", "一千二百人"],
    "12 市": ["12市"], "68 县": ["68县", "六十八县"], "2 套": ["2套", "2 套"], "15 个": ["15个", "十五个"],
}
RATIOS = {
    "30 %": ["30%", "30％", "百分之三十", "三成", "30 percent", "30 %"],
    "35 %": ["35%", "百分之三十五", "三成五", "三成半"], "3.5 %": ["3.5%", "百分之三点五"],
    "5 ‰": ["千分之五"], "1/3": ["三分之一"], "5/12": ["12分之5"],
    "10-20 %": ["10-20%"],
    "1:2": ["1:2", "1：2"],
    "LPR+50BP": ["LPR+50BP", "LPR + 50 BP"],
}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
# fmt: on
FORMS = [
    (kind, value, form)
    for kind, table_ in {"amount": AMOUNTS, "date": DATES, "duration": DURATIONS, "count": COUNTS, "ratio": RATIOS}.items()
    for value, forms in table_.items()
    for form in forms
]


@pytest.mark.parametrize(("kind", "value", "form"), FORMS, ids=[f for _, _, f in FORMS])
@pytest.mark.parametrize(("before", "after"), [("", ""), ("（标准为", "）。"), ("the limit is ", ", as stated.")], ids=["alone", "zh", "en"])
def test_every_notation_is_one_value(kind: str, value: str, form: str, before: str, after: str) -> None:
    text = before + form + after
    found = [q for q in quantities(text) if q.kind == kind]
    assert [q.value for q in found] == [value]
    assert text[found[0].start : found[0].end] == form


@pytest.mark.parametrize(
    ("text", "value", "qualifier"),
    [
        ("60万元以内", "600000 CNY", "以内"), ("最高不超过60万元", "600000 CNY", "最高不超过"), ("不低于60万元", "600000 CNY", "不低于"),
        ("3年内", "P3Y", "内"), ("不超过36个月", "P36M", "不超过"), ("10个工作日内", "P10WD", "内"), ("35周岁以下", "35 岁", "以下"),
        ("不少于30人", "30 人", "不少于"), ("10名以上", "10 名", "以上"), ("至少一项", "1 项", "至少"), ("95%以上", "95 %", "以上"),
        ("4月5日前", "--04-05", "前"), ("每年赴当地工作时间累计不少于15天", "15 day/year", "累计不少于"),
        ("每个平台限报1项", "1 项/个", "每个 限报"), ("每家企业限报2项", "2 项/家", "每家 限报"), ("每人每月1200元", "1200 CNY", "每人 每月"),
        ("60万元", "600000 CNY", ""),
    ],
)  # fmt: skip
def test_the_bound_stays_with_the_value(text: str, value: str, qualifier: str) -> None:
    found = quantities(text)
    assert [(q.value, q.qualifier) for q in found] == [(value, qualifier)]


def test_dates_that_are_open() -> None:
    for text, value in (("截止时间待定", "待定"), ("报名时间：另行通知", "另行通知"), ("申报日期另行公布", "另行公布")):
        assert [(q.kind, q.value) for q in quantities(text)] == [("date", value)]
    assert not quantities("人选待定")


def test_addresses_end_where_the_sentence_goes_on() -> None:
    text = "网站链接：https://www.example.org/a?b=c&d=1#e。外方见www.example.net，附件（http://example.com/表）"
    found = [q for q in quantities(text) if q.kind == "url"]
    assert [q.value for q in found] == ["https://www.example.org/a?b=c&d=1#e", "www.example.net", "http://example.com/"]


def test_bodies_and_places() -> None:
    text = "外方主管部门为甲国创新署，网站见后。初核机构：乙市科技局。对口范围为丙省丁市、戊县。"
    assert [(q.kind, q.value) for q in quantities(text)] == [("body", "甲国创新署"), ("body", "乙市科技局"), ("place", "丙省丁市、戊县")]


@pytest.mark.parametrize(
    "text", ["（一）甲类", "第3项", "一项工作", "一体化", "2031年度", "万元", "第一师", "一带一路", "元首", "成功", "统一", "1.", "", "一、二、三",
             "2031年13月40日", "2031年2月30日", "31 June 2031", "每月15日", "31年9月", "两三年", "几十万元", "0.0.1万元", "1.2.30元"]
)  # fmt: skip
def test_what_is_no_value(text: str) -> None:
    assert quantities(text) == ()


def test_a_question_may_leave_the_currency_out() -> None:
    assert [q.value for q in quantities("青年的100万什么时候到账", bare=True)] == ["1000000 CNY"]
    assert not [q for q in quantities("青年的100万什么时候到账") if q.kind == "amount"]
    assert not [q for q in quantities("2万人、3万个", bare=True) if q.kind == "amount"]
    for text in ("三万五够吗", "3万5够吗", "3.5w够吗", "3.5 W 够吗"):
        assert [q.value for q in quantities(text, bare=True)] == ["35000 CNY"], text
    assert not quantities("三万五够吗") and not quantities("3.5w够吗")


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("0", 0), ("1,500", 1500), ("1.5", 1.5), ("５０", 50), ("一", 1), ("十", 10), ("十五", 15), ("二十", 20), ("一百零五", 105),
        ("一千二百三十四", 1234), ("一万", 10_000), ("十万", 100_000), ("一百五十万", 1_500_000), ("三亿", 3e8), ("二〇三一", 2031),
        ("两", 2), ("半", 0.5), ("2000万", 2e7), ("1.5亿", 1.5e8), ("壹佰贰拾", 120),
        ("三万五", 35_000), ("一百五", 150), ("两千三", 2300), ("3万5", 35_000), ("3万500", 30_500), ("二点五", 2.5),
    ],
)  # fmt: skip
def test_numerals(numeral: str, value: float) -> None:
    assert parse_number(numeral) == value


@pytest.mark.parametrize("text", ["", "abc", "一二", "1.2.3", "万元", "-", "１，２，３a", "3万50000"])
def test_what_is_no_numeral(text: str) -> None:
    assert parse_number(text) is None


def han(n: int) -> str:
    """A number below 10^8 as it is written out in Chinese: a second opinion on the reader of numerals."""
    digits = "零一二三四五六七八九"

    def below(m: int) -> str:
        out, zero = "", False
        for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            d = m // scale % 10
            if d:
                out += ("零" if zero and out else "") + digits[d] + name
            zero = not d
        return out

    high, low = divmod(n, 10_000)
    if not high:
        return below(low) or "零"
    return below(high) + "万" + (("零" if low < 1000 else "") + below(low) if low else "")


@given(st.integers(1, 99_999_999))
def test_numerals_written_out_read_back(n: int) -> None:
    assert parse_number(han(n)) == n
    assert parse_number(f"{n:,}") == n
    assert parse_number(plain(n)) == n
    assert parse_number(str(n).translate(str.maketrans("0123456789", "０１２３４５６７８９"))) == n


@given(st.integers(1, 9_999_999))
def test_amounts_in_every_notation_agree(n: int) -> None:
    for text in (f"补助{n}元。", f"补助{n:,}元。", f"补助{han(n)}元。", f"RMB {n:,} in all", f"CNY{n}"):
        assert [q.value for q in quantities(text) if q.kind == "amount"] == [f"{n} CNY"], text


@given(st.dates())
def test_dates_in_every_notation_agree(day: object) -> None:
    year, month, d = (int(p) for p in str(day).split("-"))
    year = 2000 + year % 100
    iso = f"{year}-{month:02d}-{d:02d}"
    name = MONTHS[month - 1]
    for text in (iso, f"{year}年{month}月{d}日", f"{year}/{month}/{d}", f"{d} {name} {year}", f"{name[:3]} {d}, {year}"):
        assert [q.value for q in quantities(text) if q.kind == "date"] == [iso], text


# --- laws ---------------------------------------------------------------------------------------------------------------

# Any text at all, lone surrogates too, and texts of the pieces that the patterns are made of.
PIECES = st.lists(
    st.sampled_from(
        [*"0123456789一二三十百千万亿半两零〇年月日元个项人天%％：:.,，/-~至内每第成", "以内", "不少于", "限报", "待定", "时间", "万元", "RMB ", "million",
         "https://", "www.", "a.b", " ", "\n", "\u3000", "\x00", "\ud800", "\u202e", "\ufdfa", "主管部门为", "范围为", "April ", "百分之", "LPR", "BP"]
    ),
    max_size=40,
).map("".join)  # fmt: skip
ANY = st.text(st.characters(), max_size=200)


def check(text: str) -> None:
    for bare in (False, True):
        found = quantities(text, bare=bare)
        assert list(found) == sorted(found, key=lambda q: (q.start, q.end))
        at = 0
        for q in found:
            assert 0 <= q.start < q.end <= len(text)
            piece = text[q.start : q.end]
            if q.kind == "url":
                assert q.value == piece
            if q.kind in ("body", "place"):
                assert q.value == "" or q.value in piece
                continue
            assert q.start >= at, "two values claim one character"
            at = q.end
            assert q.value
            if q.number is not None:
                assert q.number >= 0
    assert quantities(text) == quantities(text)


@given(ANY)
def test_any_text_is_read(text: str) -> None:
    check(text)


@given(PIECES)
def test_any_mixture_of_number_words_is_read(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", ["\ud800", "\x00" * 50, "\ufdfa" * 50, "一" * 300, "1" * 300, "1," * 300, "万" * 300, "每个" * 300, "https://" * 300, "（" * 300])
def test_hostile_texts_are_read_in_time(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(["60万元以内", "3年内", "不少于30人", "4月5日前", "每个平台限报1项", "30%", "无", "企业、高校"]), min_size=1, max_size=6))
def test_facts_slice_back_and_stay_in_their_clause(values: list[str]) -> None:
    lines = "一、项目名称：甲类项目\n" + "\n".join(f"（{n}）乙{n}项目\n补助经费：{v}\n实施期限：{v}" for n, v in zip("一二三四五六", values, strict=False))
    clauses = parse(SourceText("g.txt", lines, "", "txt"), Guide("g", "甲", "g.txt")).clauses
    by_id = {c.clause_id: c for c in clauses}
    facts = extract(clauses)
    assert facts == extract(clauses)
    for f in facts:
        c = by_id[f.clause_id]
        assert c.start <= f.start < f.end <= c.end
        again = quantities(c.text)
        assert any((q.value, q.qualifier, c.start + q.start, c.start + q.end) == (f.value, f.qualifier, f.start, f.end) for q in again)
    assert len([f for f in facts if "项目" not in lines[f.start : f.end]]) >= sum(bool(re.search(r"\d", v)) for v in values)


def test_the_number_of_a_clause_is_no_fact() -> None:
    clause = Clause(ClauseId("c"), (), "", "3年以上的项目，补助5万元", "g.txt", 7, 20, "item", number="3")
    assert [f.value for f in extract([clause])] == ["50000 CNY"]
    assert [f.start for f in extract([clause])] == [7 + clause.text.index("5万元")]


# --- the table section × field ----------------------------------------------------------------------------------------


def test_table_of_a_made_up_guide() -> None:
    text = (
        "一、项目名称：甲类项目\n（一）乙项目\n申报主体：企业\n补助经费：20万元以内\n实施期限：2年内\n"
        "（二）丙项目\n申报主体：高校\n补助经费：80万元以内\n（三）丁项目\n说明：无\n"
    )
    clauses = parse(SourceText("g.txt", text.strip(), "", "txt"), Guide("g", "甲", "g.txt")).clauses
    made = table(clauses, extract(clauses))
    assert [c.label for c in made.sections] == ["（一）乙项目", "（二）丙项目"]  # one field makes no row
    assert made.labels == ("申报主体", "补助经费", "实施期限")
    ids = [c.clause_id for c in made.sections]
    assert [f.value for f in made.cells[ids[0], "补助经费"].facts] == ["200000 CNY"]
    assert [f.value for f in made.cells[ids[1], "补助经费"].facts] == ["800000 CNY"]
    assert (ids[1], "实施期限") not in made.cells
    assert made.cells[ids[0], "申报主体"].facts == ()


@pytest.mark.parametrize(("text", "value"), [("up to 5m EUR", "5000000 EUR"), ("50k元", "50000 CNY"), ("不能超过100 m", "")])
def test_scaled_amounts_with_a_currency_behind(text: str, value: str) -> None:
    assert [q.value for q in quantities(text) if q.kind == "amount"] == ([value] if value else [])
