"""Several guides in one index: which one a question is about, editions, contradictions, and what changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.bot import GuideBot
from bot.embed import encoder_name
from bot.errors import NotFoundError
from bot.index import Index, build
from bot.library import Library, counterparts, diff, newest
from bot.settings import Settings
from bot.types import Guide
from tests.fakes import BigramEncoder
from tests.webfake import GUIDE, RENEWED, guide_of

SPRING = """2027年度云岭市科技合作项目申报指南
一、北山科技合作项目
主要研究内容：支持高山茶叶、食用菌的品种选育和加工技术推广。
申报主体：企业、高校
建议财政补助经费：80万元以内
实施期限：2年内
二、南湾科技合作项目
主要研究内容：支持近海养殖、海洋装备的联合研发。
申报主体：企业、科研机构
建议财政补助经费：120万元以内
实施期限：3年内
"""
HOUSING = """白沙区人才租房补贴办法
第一条 为做好人才租房补贴发放工作，制定本办法。
第二条 博士研究生每人每月补贴1500元，硕士研究生每人每月补贴900元。
第三条 租房补贴发放期限累计不超过24个月。
"""


@pytest.fixture(scope="module")
def two_editions(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("library")
    corpus = root / "corpus"
    corpus.mkdir()
    (corpus / "a2027.txt").write_text(SPRING, "utf-8")
    older = SPRING.replace("2027年度", "2026年度").replace("80万元以内", "50万元以内").replace("、高校", "")
    (corpus / "a2026.txt").write_text(older, "utf-8")
    (corpus / "housing.txt").write_text(HOUSING, "utf-8")
    settings = Settings(corpus=corpus, index=root / "index", today="2027-03-01")
    build(settings)
    return settings


@pytest.fixture(scope="module")
def many(two_editions: Settings) -> GuideBot:
    return GuideBot.open(two_editions)


def test_the_newer_edition_answers_by_default(many: GuideBot) -> None:
    answer = many.ask("北山项目最多补助多少")
    assert "80万元以内" in answer.text
    assert {c.edition for c in answer.citations} == {"2027"}


@pytest.mark.parametrize(
    ("question", "history"),
    [("2026年度北山项目最多补助多少", ()), ("2026年度的呢", ("北山项目最多补助多少",))],
)
def test_the_older_edition_answers_on_request(many: GuideBot, question: str, history: tuple[str, ...]) -> None:
    answer = many.ask(question, history)
    assert "50万元以内" in answer.text
    assert {c.edition for c in answer.citations} == {"2026"}


def test_an_edition_that_is_not_there_is_refused(many: GuideBot) -> None:
    answer = many.ask("2019年度北山项目最多补助多少")
    assert answer.status == "refused"
    assert "万元" not in answer.text.split("最接近")[0]


@pytest.mark.parametrize(
    ("question", "words"),
    [("硕士租房补贴一个月多少钱", "900元"), ("南湾项目能做几年", "3年内"), ("租房补贴最长发多久", "24个月")],
)
def test_each_question_finds_its_guide(many: GuideBot, question: str, words: str) -> None:
    assert words in many.ask(question).text


def test_one_question_among_several_guides_is_embedded_once(two_editions: Settings) -> None:
    """Choosing the guide and searching in it take the same vector."""

    asked: list[str] = []

    class Counted(BigramEncoder):
        def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return super().encode_queries(texts)

    index = Index.open(two_editions.index, two_editions)
    bot = GuideBot(index, two_editions, Counted(dim=index.vectors.shape[1]))
    assert bot.ask("北山项目最多补助多少").status == "answered"
    assert asked == ["北山项目最多补助多少"]


def calls_of(tmp_path: Path, projects: int) -> int:
    """Function calls that one question costs over a guide of so many projects, once others were asked."""
    signs = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"
    names = [signs[i % 20] + signs[i // 20] + signs[i * 7 % 20] for i in range(projects)]
    lines = [f"（{n}）{name}\n申报主体：企业\n补助标准：不超过{n + 20}万元\n实施期限：2年\n" for n, name in enumerate(names, 1)]
    settings = Settings(corpus=tmp_path / str(projects), index=tmp_path / f"index{projects}", today="2031-03-01")
    settings.corpus.mkdir()
    (settings.corpus / "guide.txt").write_text("2031年度云岭市专项申报指南\n" + "".join(lines), "utf-8")
    encoder = BigramEncoder(name=encoder_name(settings))
    build(settings, encoder=encoder)
    bot = GuideBot.open(settings, encoder)
    for question in ("有什么要求", "补助多少"):
        bot.ask(question)
    calls = 0

    def count(_frame: object, event: str, _told: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        answer = bot.ask("丁甲乙能补助多少钱")
    finally:
        sys.setprofile(None)
    assert "不超过24万元" in answer.text
    return calls


def test_an_answer_hardly_costs_more_in_a_longer_guide(tmp_path: Path) -> None:
    """What depends on the guide alone is worked out once, not for every question; names and the order of hits are what
    is left for each clause."""
    more = calls_of(tmp_path, 150) - calls_of(tmp_path, 30)
    assert more < 6 * 4 * 120, f"{more / 480:.1f} calls for each clause more"


def test_a_guide_can_be_named(many: GuideBot) -> None:
    slug = next(g.slug for g in many.index.guides if "租房" in g.title)
    answer = many.ask("补助多少", guide=slug)
    assert all(c.guide == slug for c in answer.citations)
    with pytest.raises(NotFoundError, match="no such guide"):
        many.ask("补助多少", guide="nowhere")


def test_every_citation_says_which_guide(many: GuideBot) -> None:
    for question in ("北山项目最多补助多少", "硕士租房补贴一个月多少钱"):
        for citation in many.ask(question).citations:
            assert citation.title
            assert citation.guide in {g.slug for g in many.index.guides}


def test_contradicting_guides_are_both_shown(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text(HOUSING, "utf-8")
    (corpus / "two.txt").write_text(
        HOUSING.replace("白沙区人才租房补贴办法", "白沙区人才租房补贴实施细则").replace("900元", "700元"), "utf-8"
    )
    settings = Settings(corpus=corpus, index=tmp_path / "index", today="2027-03-01")
    build(settings)
    answer = GuideBot.open(settings).ask("硕士研究生每人每月补贴多少钱")
    assert "900元" in answer.text
    assert "700元" in answer.text
    assert len({c.guide for c in answer.citations}) == 2


def test_newest_of_each_series() -> None:
    guides = [
        Guide("a-1", "甲", "a1.txt", edition="2024", series="a"),
        Guide("a-2", "甲", "a2.txt", edition="2025", series="a"),
        Guide("b-1", "乙", "b1.txt", edition="2020", series="b"),
        Guide("c", "丙", "c.txt"),
    ]
    assert newest(guides) == ("a-2", "b-1", "c")


def test_diff_tells_what_changed(two_editions: Settings) -> None:
    index = Index.open(two_editions.index, two_editions)
    library = Library(index, two_editions)
    sides = []
    for source in ("a2026.txt", "a2027.txt"):
        slugs = set(library.scope("", (), source, None))
        sides.append([c for c in index.clauses if c.guide in slugs])
    changes = {(c.kind, c.new.label) for c in diff(*sides) if c.kind != "same" and c.new is not None and c.new.path}
    assert changes == {("changed", "建议财政补助经费"), ("changed", "申报主体")}
    assert all(c.kind == "same" for c in diff(sides[0], sides[0]))
    gone = diff(sides[0], [c for c in sides[1] if "南湾" not in "".join((*c.path, c.label))])
    assert {c.kind for c in gone if c.old is not None and "南湾" in "".join((*c.old.path, c.old.label))} == {"gone"}


AGENCIES = {
    "a.txt": "白沙市2027年度人才租房补贴申报指南\n一、补贴对象\n博士、硕士。\n二、补贴标准\n博士每人每月2000元，硕士每人每月1000元。\n"
    "三、申报材料\n身份证、学历证书。\n",
    "b.txt": "白沙市住房和城乡建设局租房补贴实施细则\n第一条 为解决人才住房困难，制定本细则。\n"
    "第二条 对在本市工作的硕士，按每人每月900元发放租房补贴。\n第三条 补贴最长发放36个月。\n",
    "c.txt": "东溪县创业补贴办法\n第一条 为支持创业，制定本办法。\n第二条 首次创业的给予一次性补贴5000元。\n"
    "第三条 本办法自2020年1月1日起施行，有效期至2023年12月31日。\n",
}


@pytest.fixture(scope="module")
def agencies(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    root = tmp_path_factory.mktemp("agencies")
    (root / "corpus").mkdir()
    for name, text in AGENCIES.items():
        (root / "corpus" / name).write_text(text, "utf-8")
    settings = Settings(corpus=root / "corpus", index=root / "index", today="2027-03-01")
    build(settings)
    return GuideBot.open(settings)


def test_another_agency_that_says_otherwise_is_shown_beside(agencies: GuideBot) -> None:
    answer = agencies.ask("硕士租房补贴每月多少")
    assert "1000元" in answer.text
    assert "900元" in answer.text
    assert all(f"《{c.title}》" in answer.text for c in answer.citations)


@pytest.mark.parametrize("question", ["博士租房补贴每月多少", "首次创业补贴多少钱", "申报要什么材料"])
def test_a_guide_of_another_matter_is_not_shown_beside(agencies: GuideBot, question: str) -> None:
    answer = agencies.ask(question)
    assert answer.status == "answered"
    assert len({c.guide for c in answer.citations}) == 1


def test_an_expired_guide_says_so(agencies: GuideBot) -> None:
    assert any("2023-12-31" in notice for notice in agencies.ask("首次创业补贴多少钱").notices)


def test_counterparts_follow_a_renamed_heading_and_not_another_project() -> None:
    """A project that was renamed and moved keeps its fields; one that is gone does not lend its fields to a new one
    whose heading reads nearly the same."""
    old, new = guide_of(GUIDE, "demo-2030")[1], guide_of(RENEWED, "demo-2031")[1]
    twins = counterparts(old, new)
    pairs = {c.text: twins[c.clause_id].text for c in new if c.clause_id in twins}
    assert pairs["（二）山区特色协作项目"] == "（二）山区协作项目"
    assert pairs["资助金额：55万元以内"] == "资助金额：45万元以内"
    assert pairs["申报主体：科研机构、企业"] == "申报主体：科研机构"
    assert not {"（一）草原协作项目", "资助金额：30万元以内", "实施期限：1年内"} & set(pairs)
    assert pairs["示范市2031年度协作计划申报指南"].startswith("示范市2030年度")
    assert len(set(pairs.values())) == len(pairs)
