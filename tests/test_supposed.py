"""Values that a question brings along: held against the guide's bound, or corrected. One made-up set of measures."""

from __future__ import annotations

import pytest

from bot.bot import GuideBot
from bot.compose import bound
from bot.facts import quantities
from tests.conftest import bot_over

MEASURES = """禾田市乡村工坊扶持办法
第一章 认定
第一条 申报示范工坊的，应当符合下列条件：
（一）登记注册满24个月，申报当月前连续3个月有学徒在册；
（二）每年带动农户不少于30户，专职技师不少于4人；
（三）主理人年龄不超过50周岁，残疾人可放宽至55周岁。
第二条 手作改良和技艺传承实行限额推荐，每个乡镇限报2项，驻点服务不占限额。
第三条 认定结果公示5个工作日。对结果有异议的，可以书面提出。
第二章 扶持
第四条 扶持期为三年，扶持资金分期拨付。
第五条 工坊每年为学徒开展技能培训累计不少于20天。
第六条 设备补贴不超过设备投入的25%，自筹资金占比不低于20%。
第七条 带头人年龄不超过60周岁，专题二不超过65周岁。驻点服务不受年龄限制。
第八条 申报书应当于2026年12月18日前寄送至市农业农村局。
第三章 专题
一、专题一 手作改良
支持方向：竹编、漆器的改良。
补助额度：每项不超过20万元
考核指标：每年开展驻点授课累计不少于15天。
二、专题二 技艺传承
支持方向：织染技艺的记录和传承。
补助额度：每项不超过15万元
三、驻点服务
支持方向：技师驻点授课。
补助额度：每项5万元
"""


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("supposed"), MEASURES, "measures.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "opening", "told"),
    [
        # the asker's own value against the bound
        ("我们工坊刚注册8个月，能报示范工坊吗", "不", "满24个月"),
        ("工坊营业执照办了4个月，可以申报示范工坊吗", "不", "满24个月"),  # of two values that of its own words
        ("注册3年了，能报示范工坊吗", "可以", "满24个月"),
        ("营业执照办下来还不满2年，能报示范工坊不", "不", "满24个月"),
        ("专职技师只有3个，符合示范工坊的条件吗", "不符合", "不少于4人"),
        ("我们带动农户40户，够不够", "够", "不少于30户"),
        ("主理人52岁能报吗", "", "不超过50周岁，残疾人可放宽至55周岁"),
        ("主理人是残疾人，52岁能报吗", "可以", "55周岁"),
        ("学徒的技能培训一年搞三次，每次一个星期，够不够", "够", "不少于20天"),
        ("学徒的技能培训一年搞两次，每次一个星期，够不够", "不够", "不少于20天"),
        ("主理人52岁，本科，能报吗", "不", "不超过50周岁"),
        # a case with a bound of its own, and one that is taken out
        ("带头人62岁能报专题二吗", "可以", "专题二不超过65周岁"),
        ("带头人62岁能报吗", "不", "不超过60周岁"),
        ("带头人68岁能报驻点服务吗", "可以", "驻点服务不受年龄限制"),
        # a day against the last, a share against the least
        ("12月20日寄送申报书行不行", "不", "12月18日前"),
        ("12月10日寄送申报书行不行", "可以", "12月18日前"),
        ("自筹资金只占15%可以吗", "不", "不低于20%"),
        # what it takes for the guide's
        ("公示期是10天，对吧，到时怎么提异议", "与“10天”不符", "5个工作日"),
        ("听说扶持期是五年，五年里钱怎么发", "与“五年”不符", "扶持期为三年"),
        ("学徒技能培训三年加起来20天就够了，没理解错吧？", "不", "每年"),
    ],
)
def test_the_value_of_a_question_is_held_against_the_guides(
    measures: GuideBot, question: str, opening: str, told: str
) -> None:
    answer = measures.ask(question)
    assert answer.status == "answered"
    assert answer.text.startswith(opening), answer.text
    assert told in answer.text, answer.text


def test_a_value_that_nothing_in_the_guide_bounds_gets_no_verdict(measures: GuideBot) -> None:
    for question in ("食堂面积80平方米可以吗", "贷款利率5%可以吗"):
        assert not measures.ask(question).text.startswith(("可以", "不能"))


def test_a_denied_verb_of_the_named_thing_is_a_no(measures: GuideBot) -> None:
    answer = measures.ask("驻点服务占限额吗")
    assert answer.text.startswith("不") and "驻点服务不占限额" in answer.text


def test_what_if_after_a_bound_is_a_yes_or_no(measures: GuideBot) -> None:
    answer = measures.ask("那要是只讲10天呢", ["专题一每年要授课多少天"])
    assert answer.text.startswith("不能") and "不少于15天" in answer.text


def test_not_less_than_is_no_upper_bound() -> None:
    assert [bound(q) for q in quantities("比例不低于2%，不小于3项，低于5%")] == ["lower", "lower", "upper"]


def test_a_place_name_that_begins_with_a_numeral_counts_nothing() -> None:
    assert not [q for q in quantities("去万州三趟") if q.unit == "州"]


@pytest.mark.parametrize(
    "question",
    [
        "手作改良项目核定投资400万，补助额度怎么算",  # the asker's own case
        "手作改良项目合同额400万，补助多少",
        "专题一年流水三千万，补多少",
        "专题一花了30万，补助额度是多少",
        "专题一我们打算做400万的项目，补助额度多少",
        "专题一有50名学徒，补助额度多少",
        "专题一我们申请15万，补助额度怎么定",  # within the bound
    ],
)
def test_what_the_asker_tells_of_the_own_case_is_not_denied(measures: GuideBot, question: str) -> None:
    answer = measures.ask(question)
    assert "不符" not in answer.text
    assert "每项不超过20万元" in answer.text


@pytest.mark.parametrize("question", ["专题一有100万的补助，分几期拨付", "听说专题一补助100万，到底多少", "专题一补助100万，多久能拨下来"])
def test_what_it_takes_for_the_guides_amount_is_corrected(measures: GuideBot, question: str) -> None:
    assert measures.ask(question).text.startswith("与“100万”不符：每项不超过20万元")
