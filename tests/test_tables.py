"""Tables: drawn with characters in plain text, and answers out of their rows."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bot import GuideBot
from bot.errors import SourceError
from bot.ingest.drawn import with_tables
from bot.ingest.text import RawLine, Reading, assemble
from bot.types import SourceText
from tests.conftest import bot_over


def read(text: str) -> SourceText:
    return assemble("t.txt", "", Reading(with_tables(RawLine(line) for line in text.split("\n"))), max_chars=10**7)


def rows_of(text: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """(kind, cells, header) of each line that is a row."""
    source = read(text)
    return [
        (h.kind, tuple(source.text[a:b] for a, b in h.cells), h.header) for h in source.hints if h.kind.endswith("row")
    ]


TWO = [
    ("header_row", ("类别", "金额"), ()),
    ("row", ("博士", "3万元"), ("类别", "金额")),
    ("row", ("硕士", "1万元"), ("类别", "金额")),
]


@pytest.mark.parametrize(
    "table",
    [
        "类别\t金额\n博士\t3万元\n硕士\t1万元",
        "类别\t\t金额\n博士\t3万元\n硕士\t\t1万元",
        "类别 | 金额\n博士 | 3万元\n硕士 | 1万元",
        "| 类别 | 金额 |\n|---|---|\n| 博士 | 3万元 |\n| 硕士 | 1万元 |",
        "｜类别｜金额｜\n｜博士｜3万元｜\n｜硕士｜1万元｜",
        "┌──┬──┐\n│类别│金额│\n├──┼──┤\n│博士│3万元│\n│硕士│1万元│\n└──┴──┘",
        "+----+----+\n| 类别 | 金额 |\n+====+====+\n| 博士 | 3万 |\n|    | 元 |\n+----+----+\n| 硕士 | 1万元 |\n+----+----+",
        "类别\t金额\n\n博士\t3万元\n\n硕士\t1万元",
    ],
    ids=["tabs", "aligned", "bars", "markdown", "wide bars", "box", "grid with broken cells", "double spaced"],
)
def test_a_drawn_table_has_rows_with_their_header(table: str) -> None:
    assert rows_of(f"某市补贴办法\n\n{table}") == TWO
    assert rows_of(f"某市补贴办法\n\n一、标准\n\n{table}\n\n二、其他\n\n无。") == TWO


@pytest.mark.parametrize(
    "text",
    [
        "一、\t总则\n二、\t条件\n（一）\t甲\n（二）\t乙",
        "1.\t社保满6个月\n2.\t年龄不超过45岁",
        "1\t申请表\n2\t承诺书",
        "联系人：\t张三\n电话：\t0755-1",
        "申报单位：某公司\t联系人：李四\n地址：某路\t电话：123",
        "总则\t1\n申报条件\t3\n附则\t9",
        "首页 | 新闻 | 政策\n正文。",
        "单独一行\t有制表符\n正文。",
    ],
)
def test_what_is_only_aligned_is_no_table(text: str) -> None:
    assert rows_of(text) == []


def test_columns_that_only_stand_under_one_another() -> None:
    text = (
        "专题一览表\n编号    专题名称            拟立项数    自筹比例    执行期\nZ01     抗病水稻选育        3项         1.5:1       4年\n"
        "Z02     双低油菜选育        2项         0.8:1       4年\nZ03     生猪核心群选育      1项         1.5:1       5年\n云岭省科技厅    云岭省农业厅    2026年"
    )
    rows = rows_of(text)
    assert [kind for kind, _, _ in rows] == ["header_row", "row", "row", "row"]
    assert rows[2][1] == ("Z02", "双低油菜选育", "2项", "0.8:1", "4年") and rows[2][2][3] == "自筹比例"
    assert rows_of("甲方  乙方  丙方\n一  二  三") == []  # two lines are none
    assert rows_of("联系人：张三    电话：1    邮箱：a\n联系人：李四    电话：2    邮箱：b\n联系人：王五    电话：3    邮箱：c") == []


def test_a_cell_left_empty_below_another_goes_on_with_it() -> None:
    rows = rows_of("类别\t条件\t金额\n博士\t全职\t30万元\n\t兼职\t10万元\n硕士\t全职\t5万元")
    assert [cells for _, cells, _ in rows][2] == ("博士", "兼职", "10万元")


def test_a_cross_table_with_an_empty_corner_has_a_header() -> None:
    rows = rows_of("\t一等奖\t二等奖\n国家级\t30万元\t20万元\n省级\t10万元\t5万元")
    assert rows[0][0] == "header_row"
    assert rows[1] == ("row", ("国家级", "30万元", "20万元"), ("", "一等奖", "二等奖"))


@given(st.lists(st.text(alphabet="甲乙丙1元。：|｜│+-\t ", max_size=14), max_size=12))
def test_drawing_takes_no_word_away(lines: list[str]) -> None:
    """Cells may be filled from above and lines of a cell joined, but every word stays, in order."""
    before = "".join(lines)
    try:
        after = read("\n".join(lines)).text
    except SourceError:  # no word in it
        assert not re.search(r"\w", before)
        return
    kept = iter(re.sub(r"\W", "", after))
    assert all(char in kept for char in re.sub(r"\W", "", before))


@pytest.mark.parametrize("line", ["a\tb\tc", "| a | b", "a\tb：1", "+--+--+", "|" * 60])
def test_time_is_linear(line: str) -> None:
    took = []
    for count in (4_000, 16_000):
        began = time.perf_counter()
        with_tables([RawLine(line), RawLine("x\ty")] * (count // 2))
        took.append(time.perf_counter() - began)
    assert took[1] < 12 * took[0] + 0.5


def test_a_form_has_no_header() -> None:
    assert [kind for kind, _, _ in rows_of("受理部门\t市商务局\n联系方式\t电话 0888-5555555")] == ["row", "row"]


# --- answers ----------------------------------------------------------------------------------------------------------

GUIDE = """云岭市人才补贴申报指南
一、补贴标准
本市对引进人才按下表发放补贴：
类别	安家补贴（万元）	生活补贴（元/月）	发放年限
博士	30	3000	5年
硕士	10	1500	3年
本科	3	800	2年
二、展会补贴
展会类别	展会地区	最高金额（万元）
境外展	欧美	5
	其他地区	4
境内展	全部	1
三、竞赛奖励
	一等奖	二等奖	三等奖
国家级	30万元	20万元	10万元
省级	12万元	5万元	2万元
四、材料清单
+------+--------------+----------+
| 序号 | 材料名称     | 份数     |
+------+--------------+----------+
| 1    | 身份证复印件 | 2份      |
+------+--------------+----------+
| 2    | 学位证书     | 1份      |
+------+--------------+----------+
五、申报时间
2027年3月1日至4月30日。
"""


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("tables"), GUIDE, "guide.txt", today="2027-02-01")


@pytest.mark.parametrize(
    ("question", "said", "unsaid"),
    [
        ("博士安家补贴多少", ["安家补贴30万元"], ["3000", "10"]),
        ("硕士每月生活补贴多少钱", ["生活补贴1500元/月"], ["3000"]),
        ("本科发几年", ["2年"], ["3年"]),
        ("省级二等奖奖励多少", ["5万元"], ["20万元"]),
        ("国家级一等奖多少钱", ["30万元"], ["12万元"]),
        ("境外展欧美最高补多少", ["欧美", "5万元"], ["4万元"]),
        ("境外展最高补多少", ["欧美", "5万元", "其他地区", "4万元"], ["1万元"]),
        ("境内展最高补多少", ["1万元"], ["5万元"]),
        ("学位证书要几份", ["1份"], ["2份"]),
        ("需要提交哪些材料", ["身份证复印件", "学位证书"], []),
        ("补贴标准是什么", ["博士", "30万元", "硕士", "10万元", "本科", "3万元"], []),
        ("什么时候申报", ["2027年3月1日至4月30日"], []),
    ],
)
def test_the_row_and_the_column_that_are_asked(
    bot: GuideBot, question: str, said: Sequence[str], unsaid: Sequence[str]
) -> None:
    answer = bot.ask(question)
    assert answer.status == "answered"
    assert all(words in answer.text for words in said), answer.text
    assert not any(words in answer.text for words in unsaid), answer.text


def test_the_header_is_cited_beside_the_row(bot: GuideBot) -> None:
    cited = bot.ask("博士安家补贴多少").citations
    assert [c.label or c.text.split("\t")[0] for c in cited] == ["博士", "类别"]


@pytest.mark.parametrize("question", ["专科补贴多少", "博士后安家补贴多少"])
def test_a_row_that_is_not_there_is_not_made_up(bot: GuideBot, question: str) -> None:
    assert bot.ask(question).status == "refused"
