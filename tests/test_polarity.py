"""Yes and no: what may be said, what must not be, and when neither is said. One made-up guide with two projects."""

from __future__ import annotations

import pytest

from bot.bot import GuideBot
from tests.conftest import bot_over

GUIDE = """禾田市2027年度乡村协作项目申报指南
一、竹艺协作项目
主要研究内容：优先支持竹编、漆器、织染等领域。
申报主体：企业、高校
组织方式：竞争性分配
补助经费：40万元以内
申报要求：申报单位须提交与村集体的合作协议。申报书须由镇级及以上工作站出具推荐函。
推荐限额：每个镇限报2项
支持对象：2025年度考核为“优秀”的县级工坊、2024年度考核为“优秀”的镇级工坊
截止时间：2027年3月20日
二、茶艺协作项目
主要研究内容：支持与临川、上饶等地区开展茶园管护合作。
申报主体：各茶叶平台的依托单位
组织方式：择优委托
补助经费：30万元以内。茶树、肥料的购置费用可以计入，旧设备不计入。
申报要求：由本市企业向市农业农村局单独申报，合作方不提交材料。
推荐限额：无
截止时间：待定
"""


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("polarity"), GUIDE, "guide.txt", today="2027-03-01")


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        # what is supposed not to be so
        ("竹艺协作项目是不是医院不能报", "是，"),
        ("竹艺协作项目高校不能报，对吧", "不是，"),
        ("竹艺协作项目不限名额了，是吧", "不是，"),
        ("茶艺协作项目是不是不用合作方也提交材料", "是，"),
        ("茶艺协作项目必须合作方那边也提交材料吗", "不需要，"),
        # what is said to be something else
        ("茶艺协作项目也是竞争性分配吗", "不是，"),
        ("竹艺协作项目是竞争性分配吗", "是，"),
        # what the asker is without
        ("竹艺协作项目还没签合作协议，可以先报吗", "不能，"),
        ("竹艺协作项目不交推荐函行吗", "不能，"),
        # another year, another month, another part of the sentence
        ("县级工坊2024年考核优秀，能参加竹艺协作项目吗", "不能，"),
        ("县级工坊2025年考核优秀，能参加竹艺协作项目吗", "可以，"),
        ("竹艺协作项目截止时间改到4月了吗", "不是，"),
        ("茶艺协作项目旧设备算不算购置费用", "不是，"),
        # time, in words of time
        ("竹艺协作项目3月25日交还来得及吗", "来不及，"),
        ("茶艺协作项目截止时间定了没有", "未定，"),
    ],
)
def test_the_verdict_is_the_guides(guide: GuideBot, question: str, opening: str) -> None:
    answer = guide.ask(question)
    assert answer.status == "answered", answer.text
    assert answer.text.startswith(opening), answer.text


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("茶艺协作项目医院能报吗", "各茶叶平台的依托单位"),  # which may be of any class
        ("竹艺协作项目推荐函是镇级财政所出具的吧", "镇级及以上工作站"),  # one word of two
        ("竹艺协作项目的主要研究内容包括剪纸吗", "竹编、漆器、织染等领域"),
    ],
)
def test_an_open_list_rules_nothing_out(guide: GuideBot, question: str, told: str) -> None:
    answer = guide.ask(question)
    assert not answer.text.startswith(("不", "可以", "是，")), answer.text
    assert told in answer.text
