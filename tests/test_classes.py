"""Values for each of several classes, and values in the order of the names before them. One made-up set of measures."""

from __future__ import annotations

import pytest

from bot.bot import GuideBot
from bot.evidence import Evidence
from bot.statements import of_asked_classes
from bot.types import Clause, ClauseId
from tests.conftest import bot_over

MEASURES = """南屏市人才住房与平台扶持办法
第一章 住房
第一条 人才公寓租金。A类人才免租金，B类人才按市场租金的30%缴纳，C类人才按市场租金的50%缴纳，D类人才按市场租金的70%缴纳。
第二条 购房补贴。A类最高150万元，B类80万元，C类30万元，D类10万元，分五年发放。
第三条 租房补贴最长领取期限：A类、B类最长60个月，C类最长48个月。
第二章 平台
第四条 对首次认定为国家级、省级、市级重点实验室的，分别给予100万元、50万元、20万元奖励。
第五条 对获得发明专利和实用新型专利的，分别奖励3万元和5000元。
第六条 创业大赛获奖项目资助：一等奖20万元，二等奖15万元，优胜奖5万元，由主办方一次性发放。
第七条 上述奖励由市科技局审核后拨付，企业应当于每年3月31日前提出申请。
第九条 获得全国技能大赛一、二、三等奖的单位，分别给予最高90万元、60万元、30万元奖励。
第三章 附则
第八条 本办法由市人社局负责解释，自2027年1月1日起施行。
"""


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("classes"), MEASURES, "measures.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("B类人才住人才公寓租金怎么交", "B类人才按市场租金的30%缴纳", ["免租金", "50%", "70%"]),
        ("B类和D类人才公寓租金交多少", "D类人才按市场租金的70%缴纳", ["免租金", "50%"]),
        ("D类人才公寓要交租金吗", "需要，D类人才按市场租金的70%缴纳", ["免租金"]),
        ("C类购房补贴多少", "C类30万元……分五年发放", ["150万元", "80万元", "10万元"]),  # the last part is for all
        ("创业大赛拿了二等奖，资助几万", "二等奖15万元", ["20万元", "5万元，"]),
        ("创业大赛优胜奖资助多少", "优胜奖5万元", ["20万元", "15万元"]),
        ("A类租房补贴最长领多久", "A类、B类最长60个月", ["48个月"]),
    ],
)
def test_only_the_classes_that_are_asked_about_are_told(measures: GuideBot, question: str, told: str, untold: list[str]) -> None:
    text = measures.ask(question).text
    assert told in text and not any(t in text for t in untold), text


@pytest.mark.parametrize("question", ["E类购房补贴多少", "购房补贴各类多少", "B类以外的购房补贴多少"])
def test_all_classes_are_told_where_no_one_of_them_is_asked(measures: GuideBot, question: str) -> None:
    text = measures.ask(question).text
    assert all(t in text for t in ("150万元", "80万元", "30万元", "10万元")), text


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("省级重点实验室奖励多少", "省级：50万元；"),
        ("市级实验室首次认定给多少奖励", "市级：20万元；"),
        ("全国技能大赛拿了二等奖奖多少", "二等奖：最高60万元；"),  # the bound of the first is that of all
        ("发明专利奖多少", "发明专利：3万元；"),
        ("实用新型专利奖励多少钱", "实用新型专利：5000元；"),
        ("重点实验室奖励多少", "对首次认定为国家级"),
    ],
)
def test_values_in_the_order_of_the_names_before_them(measures: GuideBot, question: str, opening: str) -> None:
    answer = measures.ask(question)
    assert answer.text.startswith(opening), answer.text
    assert "分别" in answer.text


def test_a_number_of_classes_is_no_class(measures: GuideBot) -> None:
    text = "工坊分为三类，A类补助5万元，B类补助3万元，C类补助1万元"
    clause = Clause(ClauseId("c"), (), "", text, "g", 0, len(text), "paragraph")
    found = Evidence(clause, ((0, len(text)),), clause.clause_id, 1.0)
    assert of_asked_classes(measures.read("工坊的三类是什么"), found) == found
    assert of_asked_classes(measures.read("工坊B类补多少"), found).quote == "B类补助3万元"
