"""Text without labelled fields: the sentence that answers comes first, a list comes whole, the same said of several
things comes with each, a condition is never dropped. One made-up set of measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.bot import GuideBot
from bot.bot import _joined as joined
from bot.passages import ENOUGH_SIGNS, enough
from bot.ranking import FEATURES, weights
from eval import ranker
from eval.cases import parse
from tests.conftest import bot_over

MEASURES = """清溪市青年工匠引育管理办法
第一章 总则
第一条 为加强青年工匠队伍建设，制定本办法。
第二条 青年工匠分为首席工匠、骨干工匠和新锐工匠，每两年遴选一次。
第二章 申报
第三条 申报首席工匠的，应当符合下列条件：
（一）年龄不超过45周岁；
（二）具有高级技师资格；
（三）每年带徒不少于6人。
第四条 申报新锐工匠的，应当符合下列条件：
（一）年龄不超过30周岁；
（二）具有高级工以上资格。
第五条 有下列情形之一的，不得申报：
（一）现任机关公务员的；
（二）三年内发生责任事故的；
（三）已获得同级称号的。
第六条 申报人应当提交下列材料：
（一）申报表；
（二）技能等级证书；
（三）单位推荐意见。
第三章 支持
第七条 入选者按下列标准给予津贴：
（一）首席工匠，每年津贴6万元；
（二）骨干工匠，每年津贴4万元；
（三）新锐工匠，每年津贴2万元。
第八条 遴选结果公示7个工作日；对结果有异议的，可以书面提出复核。
第九条 入选者可以申请工作室建设经费，最高20万元；但首席工匠已有省级工作室的除外。
第十条 企业为工匠购置实训设备、软件和耗材并在本市使用满一年的，经评审后按照设备投入的30%，给予最高80万元补助，补助分两年拨付。
第十一条 津贴按年发放，考核不合格的停发。本办法由市人力资源社会保障局负责解释。
"""


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("passages"), MEASURES, "measures.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("报首席工匠年龄不能超过多少岁", ["申报首席工匠的", "45周岁"], ["30周岁"]),  # an item with the words it stands under
        ("报新锐工匠年龄不能超过多少岁", ["申报新锐工匠的", "30周岁"], ["45周岁"]),
        ("遴选结果公示几个工作日", ["7个工作日"], []),
        ("办法由谁解释", ["市人力资源社会保障局"], []),
        ("首席工匠每年津贴多少", ["6万元"], ["4万元", "2万元"]),
    ],
)
def test_one_sentence_of_many_answers(measures: GuideBot, question: str, told: list[str], untold: list[str]) -> None:
    answer = measures.ask(question)
    assert answer.status == "answered"
    assert all(t in answer.text for t in told), answer.text
    assert not [t for t in untold if t in answer.text], answer.text


def test_the_same_said_of_several_things_comes_with_each(measures: GuideBot) -> None:
    answer = measures.ask("津贴每年多少钱")
    assert answer.status == "answered"
    assert all(t in answer.text for t in ("首席工匠", "6万元", "骨干工匠", "4万元", "新锐工匠", "2万元")), answer.text


@pytest.mark.parametrize(
    ("question", "items"),
    [
        ("申报要交哪些材料", ["申报表", "技能等级证书", "单位推荐意见"]),
        ("哪些人不能申报", ["现任机关公务员的", "三年内发生责任事故的", "已获得同级称号的"]),
    ],
)
def test_a_list_comes_whole(measures: GuideBot, question: str, items: list[str]) -> None:
    answer = measures.ask(question)
    assert answer.status == "answered"
    assert all(i in answer.text for i in items), answer.text


def test_a_short_question_goes_on_with_the_one_before(measures: GuideBot) -> None:
    now = measures.read("最多能拿多少", ["工作室建设经费怎么申请"])
    assert now.topic and any("工作室" in word or "经费" in word for word in now.story)
    assert "20万元" in measures.ask("最多能拿多少", ["工作室建设经费怎么申请"]).text
    assert not measures.read("新锐工匠年龄不超过多少岁", ["工作室建设经费怎么申请"]).topic


def test_what_one_sentence_answers_twice_is_said_once(measures: GuideBot) -> None:
    answer, other = measures.ask("首席工匠每年津贴多少"), measures.ask("遴选结果公示几天")
    assert joined([answer, answer]).text == answer.text
    both = joined([answer, other]).text
    assert both.startswith(f"{answer.text}\n") and "7个工作日" in both


def test_an_exception_is_not_dropped(measures: GuideBot) -> None:
    answer = measures.ask("工作室建设经费最高多少")
    assert "20万元" in answer.text
    assert "首席工匠已有省级工作室的除外" in answer.text


@pytest.mark.parametrize("question", ["购置实训设备最高补助多少钱", "购置实训设备按百分之几补助"])
def test_a_share_comes_with_its_cap(measures: GuideBot, question: str) -> None:
    answer = measures.ask(question)
    assert "30%" in answer.text and "80万元" in answer.text, answer.text


@pytest.mark.parametrize("question", ["明天下雨吗", "工作室的租金怎么减免", "评审专家有几位"])
def test_what_is_not_there_is_refused(measures: GuideBot, question: str) -> None:
    assert measures.ask(question).status == "refused"


def test_weights_are_whole(measures: GuideBot) -> None:
    rows, signs = measures.weighed("首席工匠每年津贴多少")
    assert all(len(row) == len(FEATURES) == len(weights()) for _, _, row in rows)
    assert len(signs) == len(ENOUGH_SIGNS)
    assert 0 < enough(signs) < 1


def test_fitting_finds_what_tells(measures: GuideBot) -> None:
    """Of made-up examples where one feature tells right from wrong and the others are noise, it takes most weight."""
    case = parse(
        {"id": "x", "type": "lookup", "lang": "zh", "persona": "applicant", "question": "津贴多少", "expect": "answer",
         "facts": [["6万元"]], "forbid": [], "evidence": [{"section": "", "quote": "每年津贴6万元"}], "note": ""}
    )  # fmt: skip
    made = ranker.example(case, "", measures)
    assert made is not None and made.held.sum() == 1
    noise = np.random.default_rng(3)
    rows = []
    for n in range(60):
        features = noise.random((5, len(FEATURES)))
        held = np.zeros(5)
        held[n % 5] = 1
        features[:, 4] = held * 0.6 + noise.random(5) * 0.4
        signs = noise.random(len(ENOUGH_SIGNS))
        signs[0], signs[3] = 1.0, float(n % 2)
        own = parse({**ranker_case(case), "id": f"x{n}", "expect": "answer" if n % 2 else "refuse"})
        rows.append(ranker.Example(own, "", features, held, ("a", "b", "c", "d", "e"), signs))
    theta = ranker.fit(rows, rounds=120)
    assert int(np.argmax(theta)) == 4
    assert ranker.first_right(rows, theta) > 0.9 > ranker.fused_right(rows)
    told = ranker.fit_enough(rows)
    assert int(np.argmax(told[1:])) + 1 == 3
    assert ranker.told_apart(rows, told) == "refusal recall 1.000, false refusals 0.000"
    text = ranker.toml(theta, told, 60)
    assert text.count(" = ") == len(FEATURES) + len(ENOUGH_SIGNS)


def ranker_case(case: object) -> dict[str, object]:
    from eval.cases import to_json

    return dict(to_json(case))  # type: ignore[arg-type]


NOTICE = """青竹市工坊评选公告
一、评分指标
（一）工艺水平：40分；
（二）带徒成效：35分；
（三）市场影响：25分。
二、不予受理的情形
1.上年度项目逾期未验收的；
2.弄虚作假的，取消本年度资格，且3年内不得再次申报；
3.个人申报的。
三、申报时间
第一批申报时间为2027年3月10日至3月31日，第二批申报时间为2027年9月9日至9月30日。
四、补贴
第一条 建坊补贴按照下列标准一次性发放：
（一）镇街工坊9万元；
（二）村级工坊4万元。
第二条 运营补贴按照下列标准发放：
（一）镇街工坊每月500元；
（二）村级工坊每月300元。
建坊补贴在公示结束后30日内发放。
第三条 对老街修缮项目，须修缮门面不少于6间，整修院落2处，培训修缮工匠不少于12人。
"""


@pytest.fixture(scope="module")
def notice(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("notice"), NOTICE, "notice.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("哪几种情况是不予受理的", ["逾期未验收", "弄虚作假", "个人申报"], []),  # of what kinds: the list, no number
        ("评分指标三项各多少分", ["工艺水平：40分", "带徒成效：35分", "市场影响：25分"], []),  # each with its name
        ("第二批什么时候报", ["9月9日至9月30日"], ["3月10日"]),
        ("村级工坊建坊一次性给多少钱", ["4万元"], ["9万元", "30日"]),  # the lead-in's words and the item's
        ("老街修缮的工匠要培训多少人", ["12人"], ["2处"]),  # the value in the unit that is asked in
    ],
)
def test_the_value_that_belongs_to_the_asked_thing(
    notice: GuideBot, question: str, told: list[str], untold: list[str]
) -> None:
    answer = notice.ask(question)
    assert answer.status == "answered", answer.text
    assert all(t in answer.text for t in told), answer.text
    assert not any(t in answer.text for t in untold), answer.text


# -- what else may answer ----------------------------------------------------------------------------------------------


def test_of_two_clauses_that_may_answer_both_are_told_each_with_its_citation(measures: GuideBot) -> None:
    answer = measures.ask("资格要求是什么")
    first, also = answer.text.split("\n")
    assert "具有高级技师资格" in first
    assert also.startswith("另见：申报新锐工匠的，应当符合下列条件"), also  # an item with the words it stands under
    assert "具有高级工以上资格" in also
    assert len({c.clause_id for c in answer.citations}) == 4
    assert [s.kind for s in answer.segments].count("mark") == 4


@pytest.mark.parametrize("question", ["公示多久", "结果公示几个工作日", "津贴发放考核不合格的怎么办"])
def test_where_one_clause_answers_nothing_stands_beside_it(measures: GuideBot, question: str) -> None:
    assert "另见" not in measures.ask(question).text


def test_a_refusal_shows_the_likeliest_sentence(measures: GuideBot) -> None:
    answer = measures.ask("去年出过责任事故的师傅能报吗")
    assert (answer.status, answer.segments[-2].text) == ("refused", "三年内发生责任事故的")


@pytest.mark.parametrize(("question", "verdict"), [("有工作室经费吗", "有，"), ("已有省级工作室的首席工匠有工作室经费吗", "没有，")])
def test_an_exception_denies_only_what_it_names(measures: GuideBot, question: str, verdict: str) -> None:
    assert measures.ask(question).text.startswith(verdict)


EXCEPTED = """清溪市人才支持办法
第一章 支持
第一条 入选者可以申请住房补贴，最高20万元；但本人已在本市购房的除外。
第二条 企业可以申请研发补贴，但资金中不包括人员工资。
第二章 附则
第三条 本办法由市人力资源社会保障局解释。
"""


@pytest.mark.parametrize(
    ("question", "verdict"),
    [("可以申请住房补贴吗", "可以，"), ("已经买房的可以申请住房补贴吗", "入选者可以申请住房补贴，最高20万元；但"), ("研发补贴可以发工资吗", "不能，")],
)
def test_an_exception_that_may_be_the_askers_case_leaves_no_yes(tmp_path: Path, question: str, verdict: str) -> None:
    assert bot_over(tmp_path, EXCEPTED, "a.txt", today="2027-03-01").ask(question).text.startswith(verdict)


@pytest.mark.parametrize("question", ["首席工匠年龄限制", "我是骨干工匠，年龄有要求吗"])
def test_the_same_of_another_class_stands_not_beside_an_answer(measures: GuideBot, question: str) -> None:
    assert "另见" not in measures.ask(question).text
