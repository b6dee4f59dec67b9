"""Things that a question names beside one another: in two items, in two parts of one sentence, in rows, in sections;
with what each is asked, which is more, and whether they are the same. One made-up set of measures."""

from __future__ import annotations

import pytest

from bot.bot import GuideBot
from tests.conftest import bot_over

MEASURES = """禾田市乡村工坊扶持办法
第一章 总则
第一条 为扶持乡村工坊，制定本办法。
第二章 认定
第二条 申报示范工坊的，应当符合下列条件：
（一）每年带动农户不少于30户；
（二）场地面积不少于500平方米；
（三）有专职技师3人以上。
第三条 申报普通工坊的，应当符合下列条件：
（一）每年带动农户不少于12户；
（二）场地面积不少于500平方米。
第四条 支持2023年度考核为“良好”的县级工坊、2024年度考核为“优秀”的镇级工坊的承办单位，与院校合作开展技能培训。
第三章 支持
第五条 示范工坊可以使用市展销中心展位，免租金2年；普通工坊租金减半。
第六条 工坊每年评价一次，评价采取材料评审的方式，由市农业农村局组织。
第七条 工坊补贴按季度拨付，拨付前由镇政府核对。
第八条 技师津贴按照下列标准一次性发放：
（一）高级技师研修生6万元；
（二）中级技师研修生2万元。
第九条 企业自建的工坊补助40万元，合作社自建的工坊补助25万元。
"""


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("sides"), MEASURES, "measures.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "opening", "told", "untold"),
    [
        # items under two lead-ins
        ("示范工坊和普通工坊，带动农户哪个要求多", "示范工坊", ["不少于30户", "不少于12户"], ["500"]),
        ("示范工坊和普通工坊的场地面积要求一样吗", "相同", ["500平方米"], []),
        ("示范工坊跟普通工坊带动农户数有什么区别", "不同", ["不少于30户", "不少于12户"], []),
        # two parts of one sentence, and of one clause
        ("展位租金示范工坊和普通工坊一样吗", "不同", ["免租金2年", "租金减半"], []),
        ("企业和合作社自建工坊分别补助多少", "", ["企业自建的工坊补助40万元", "合作社自建的工坊补助25万元"], []),
        ("企业和合作社自建工坊，哪个补助少", "合作社", ["40万元", "25万元"], []),
        ("企业和合作社自建补助差多少", "相差15万元：", ["40万元", "25万元"], []),
        ("高级和中级技师津贴差多少", "相差4万元：", ["6万元", "2万元"], []),
        # the name after its value
        ("县级工坊和镇级工坊要求的考核年度一样吗", "不同", ["2023年度", "2024年度"], []),
    ],
)
def test_each_side_is_told(
    measures: GuideBot, question: str, opening: str, told: list[str], untold: list[str]
) -> None:
    answer = measures.ask(question)
    assert answer.status == "answered"
    assert answer.text.startswith(opening), answer.text
    assert all(t in answer.text for t in told), answer.text
    assert not any(t in answer.text for t in untold), answer.text


@pytest.mark.parametrize(
    ("question", "opening", "told"),
    [
        ("工坊评价是材料评审还是现场答辩", "材料评审：", "评价采取材料评审的方式"),
        ("工坊补贴按月拨还是按季度拨", "按季度：", "工坊补贴按季度拨付"),
        ("技师津贴是一次性发还是分期发", "一次性：", "一次性发放"),
    ],
)
def test_one_of_two_is_told(measures: GuideBot, question: str, opening: str, told: str) -> None:
    answer = measures.ask(question)
    assert answer.status == "answered"
    assert answer.text.startswith(opening) and told in answer.text, answer.text


def test_neither_of_two_is_made_up(measures: GuideBot) -> None:
    assert not measures.ask("工坊评价是线上打分还是现场答辩").text.startswith(("线上", "现场"))


def test_a_side_that_the_guide_does_not_hold_is_not_made_up(measures: GuideBot) -> None:
    answer = measures.ask("示范工坊和共享工厂，带动农户哪个要求多")
    assert not answer.text.startswith(("示范工坊；", "共享工厂"))


PROJECTS = """禾田市2027年度乡村协作项目申报指南
一、竹艺协作项目
绩效目标：开发竹编新品1套，建立展示点不少于2个，通过集市推广，培训当地竹艺学员不少于30人，带动周边村镇增收
补助经费：60万元以内
驻点时间：每次不少于6小时
二、茶艺协作项目
绩效目标：开发茶艺课程1套，建立体验点不少于2个，通过学校推广，培训当地茶艺学员不少于45人，带动周边村镇增收
补助经费：8万美元以内
驻点时间：每次不少于2天
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("projects"), PROJECTS, "guide.txt", today="2027-03-01")


def test_of_several_values_those_that_are_asked_about_are_compared(projects: GuideBot) -> None:
    text = projects.ask("竹艺协作项目和茶艺协作项目，培训当地学员的人数哪个多").text
    assert text.startswith("茶艺协作项目；"), text
    assert "不少于30人" in text and "不少于45人" in text and "1套" not in text, text


@pytest.mark.parametrize("question", ["哪个补助多", "补助一样吗", "补助差多少", "驻点时间哪个长"])
def test_no_verdict_over_two_currencies_or_hours_and_days(projects: GuideBot, question: str) -> None:
    text = projects.ask(f"竹艺协作项目和茶艺协作项目{question}").text
    assert not text.startswith(("竹艺协作项目；", "茶艺协作项目；", "相同", "相差")), text


@pytest.mark.parametrize("question", ["高级和中级技师津贴最高多少", "示范工坊和普通工坊带动农户至少多少户"])
def test_no_difference_is_told_where_none_is_asked(measures: GuideBot, question: str) -> None:
    assert "相差" not in measures.ask(question).text
