"""The tier that the asker's own value reaches, and the share for the case that it falls under. One made-up set of measures."""

from __future__ import annotations

import pytest

from bot.bot import GuideBot
from tests.conftest import bot_over

MEASURES = """青石市电商产业扶持办法
第一章 支持标准
第一条 网络零售奖励。年度网络零售额达到1000万元的，给予10万元奖励；达到5000万元的，给予40万元奖励；达到1亿元的，给予80万元奖励。
第二条 吸纳就业奖励。对吸纳就业的企业，按下列标准给予奖励：
（一）吸纳就业10人以上不足50人的，一次性奖励2万元；
（二）吸纳就业50人以上不足100人的，一次性奖励6万元；
（三）吸纳就业100人及以上的，一次性奖励15万元。
第三条 企业实缴投资额超过2000万元的，按实缴投资额的5%给予补助；超过1亿元的，按实缴投资额的8%给予补助，最高1000万元。
第四条 公益培训。公益培训学员人数应当达到企业从业人员人数的10%（超过50人的企业达到6%）。
第五条 入驻补贴。甲类企业按照核定租金的30%补贴；乙类企业按照50%补贴。补贴总额不超过合同总价的40%。
第六条 展会补助。境外展位占展位总数60%以上的，按实际支出的45%补助；其他展会按实际支出的25%补助。
第七条 带动就业补贴。招用3人以下的，每人补贴2000元；招用4人以上的，每增加1人给予3000元补贴。
第二章 附则
第八条 本办法由市商务局负责解释，自2027年1月1日起施行。
"""


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("reckon"), MEASURES, "measures.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        # tiers of one sentence
        ("去年网络零售额六千万，能拿多少奖励", "达到5000万元的，给予40万元奖励", ["10万元", "80万元"]),
        ("网络零售做了1200万，奖励多少", "达到1000万元的，给予10万元奖励", ["40万元", "80万元"]),
        ("零售额1.2亿能奖励几万", "达到1亿元的，给予80万元奖励", ["10万元", "40万元"]),
        # tiers that are items, each from a least value to just under another
        ("我们吸纳就业30人，奖励多少钱", "奖励2万元", ["6万元", "15万元"]),
        ("吸纳就业50个人奖多少", "奖励6万元", ["2万元", "15万元"]),
        ("吸纳就业200人能拿多少", "奖励15万元", ["2万元", "奖励6万元"]),
    ],
)
def test_the_tier_that_a_value_reaches_is_told_alone(measures: GuideBot, question: str, told: str, untold: list[str]) -> None:
    text = measures.ask(question).text
    assert told in text and not any(t in text for t in untold), text


def test_a_value_of_something_else_reaches_no_tier(measures: GuideBot) -> None:
    assert "给予40万元奖励[1]（" not in measures.ask("注册资本6000万，网络零售奖励多少").text


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("实缴投资额3000万，补助多少", "150万元（3000万×5%）"),
        ("实缴投资额2亿，补助多少", "1000万元（2亿×8%=1600万元）"),
        ("从业人员40人，公益培训学员要几个人", "4人（40人×10%）"),
        ("从业人员50人，公益培训学员要几个人", "5人（50人×10%）"),  # not over 50
        ("从业人员100人，公益培训学员要几个人", "6人（100人×6%）"),
    ],
)
def test_the_share_is_that_of_the_case_whose_bound_holds(measures: GuideBot, question: str, opening: str) -> None:
    assert measures.ask(question).text.startswith(opening)


def test_below_every_bound_nothing_is_reckoned(measures: GuideBot) -> None:
    assert "×" not in measures.ask("实缴投资额1000万，补助多少").text


def test_a_claim_that_one_tier_confirms_is_not_denied(measures: GuideBot) -> None:
    assert "不符" not in measures.ask("听说网络零售额奖励80万，要做到多少").text


@pytest.mark.parametrize(
    "question",
    [
        "我们是丙类企业，核定租金3000元，补贴多少",  # the shares of other classes
        "办展会实际支出60万，境外展位占两成，补助多少",  # a share that the asker does not reach
        "办展会实际支出60万，补助多少",  # nor says that it does not
        "入驻合同总价80万，补贴多少",  # a share that only caps
        "带动就业招用6个人，补贴多少",  # so much for each one more
    ],
)
def test_no_sum_is_reckoned_by_a_rule_that_may_be_for_others(measures: GuideBot, question: str) -> None:
    assert "×" not in measures.ask(question).text


def test_the_share_of_a_class_is_reckoned_for_it(measures: GuideBot) -> None:
    assert "900元（3000元×30%）" in measures.ask("我们是甲类企业，核定租金3000元，补贴多少").text
