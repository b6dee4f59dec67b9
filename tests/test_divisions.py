"""Places within places: what lies in what is listed, and when that does not follow."""

from __future__ import annotations

import pytest

from bot.bot import GuideBot
from bot.divisions import lies_in
from tests.conftest import bot_over

GUIDE = """禾田市2027年度乡村协作项目申报指南
一、竹艺协作项目
主要研究内容：开展竹编、漆器、织染技术的推广。
对口范围：贵州黔东南州、毕节市
申报主体：企业、高校
补助经费：40万元以内
二、茶艺协作项目
主要研究内容：开展茶园管护技术的推广。
对口范围：云南9市（州）31县，江西上饶市
申报主体：企业、高校
补助经费：30万元以内
"""


@pytest.mark.parametrize(
    ("place", "listed", "verdict"),
    [
        ("凯里", "对口范围为贵州黔东南州", True),
        ("黔东南州", "对口范围为贵州黔东南州", True),
        ("遵义", "对口范围为贵州黔东南州", False),
        ("贵州", "对口范围为贵州黔东南州", None),  # wider than what is listed
        ("大理", "云南9市（州）31县，江西上饶市", None),  # only counted
        ("婺源县", "云南9市（州）31县，江西上饶市", True),
        ("景德镇", "云南9市（州）31县，江西上饶市", False),
        ("石河子", "新疆昌吉州", None),  # of the province alone: near what it lies no code says
        ("遵义", "贵州黔东南州等地区", None),  # an open list
        ("遵义", "由企业单独申报", None),
    ],
)
def test_a_place_within_a_place(place: str, listed: str, verdict: bool | None) -> None:
    assert lies_in(place, listed) is verdict


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("divisions"), GUIDE, "guide.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("竹艺协作项目能在凯里做吗", "可以，"),
        ("竹艺协作项目可以放在雷山县实施吗", "可以，"),
        ("竹艺协作项目能在遵义做吗", "不能，"),
        ("竹艺协作项目对口遵义，最高给40万对吧", "不是，"),
    ],
)
def test_a_place_of_the_question_is_held_against_the_guides(guide: GuideBot, question: str, opening: str) -> None:
    answer = guide.ask(question)
    assert answer.text.startswith(opening) and "黔东南州" in answer.text, answer.text


def test_what_is_only_counted_is_not_stated(guide: GuideBot) -> None:
    answer = guide.ask("茶艺协作项目能在大理做吗")
    assert answer.status == "refused" and answer.missing == "大理", answer.text


def test_where_the_asker_is_is_not_asked_about(guide: GuideBot) -> None:
    assert not guide.ask("我们公司在杭州，能报竹艺协作项目吗").text.startswith("不")
