"""Question sets, the judge, the numbers check, and the metrics against worked examples and trec_eval."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from eval import metrics
from eval.cases import (
    CASES_DIR,
    GUIDES_DIR,
    Case,
    CasesError,
    Evidence,
    halves,
    load,
    near_pairs,
    normal,
    parse,
    problems,
    to_json,
)
from eval.judge import Place, Reply, judge, reply_of
from eval.numbers import shown, unsupported, values
from eval.stages import Pool, gold_spans, locate, on_one_line

JUDGED = Path(__file__).parent / "data" / "judged.jsonl"


def case(**given: object) -> Case:
    base = {
        "id": "x-1", "type": "lookup", "lang": "zh", "persona": "applicant", "question": "补多少？", "expect": "answer",
        "facts": [["80万"]], "forbid": [], "evidence": [{"section": "甲", "quote": "80万元"}], "note": "",
    }  # fmt: skip
    return parse({**base, **given})


# ── the judge ───────────────────────────────────────────────────────────────────────────────────────────────────


def judged() -> list[dict]:
    return [json.loads(line) for line in JUDGED.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", judged(), ids=lambda r: str(r["n"]))
def test_judge_agrees_with_a_person(row: dict) -> None:
    verdict = judge(parse(row["case"]), reply_of(row["reply"]))
    assert (verdict.right, verdict.cited) == (row["right"], row["cited"]), row["why"]
    assert verdict.right_and_cited == (row["right"] and row["cited"])
    assert bool(verdict.why) != verdict.right_and_cited


def test_judged_answers_are_many_and_of_mixed_quality() -> None:
    rows = judged()
    kinds = {(r["right"], r["cited"]) for r in rows}
    assert len(rows) >= 100
    assert len(kinds) == 4
    assert 0.3 < sum(r["right"] for r in rows) / len(rows) < 0.7
    assert {r["case"]["expect"] for r in rows} == {"answer", "refuse", "clarify"}


@given(st.text())
def test_normal_form_is_stable_and_drops_what_the_rules_name(text: str) -> None:
    plain = normal(text)
    assert not any(c.isspace() for c in plain)
    assert not set("*_`#|>\\,，") & set(plain)
    assert normal(plain) == normal(normal(plain))


# ── question sets ───────────────────────────────────────────────────────────────────────────────────────────────


def test_cases_survive_a_round_trip() -> None:
    one = case(history=["甲呢？"], guide="g.txt", edition="2026", half="check", draft=True)
    assert parse(to_json(one)) == one


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"type": "riddle"}, "type"),
        ({"persona": "king"}, "persona"),
        ({"expect": "maybe"}, "expect"),
        ({"question": " "}, "question"),
        ({"facts": [[]]}, "empty"),
        ({"facts": [["，"]]}, "empty"),
        ({"facts": "80万"}, "facts"),
        ({"half": "both"}, "half"),
        ({"evidence": [{"quote": "x"}]}, "evidence"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, change: dict, fault: str) -> None:
    file = tmp_path / "set.jsonl"
    good = to_json(case())
    file.write_text(json.dumps(good) + "\n" + json.dumps({**good, "id": "x-2", **change}) + "\n", "utf-8")
    with pytest.raises(CasesError, match=rf"set\.jsonl:2: .*{fault}"):
        load([file])


def test_ids_are_unique_over_all_files(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(json.dumps(to_json(case())) + "\n", "utf-8")
    with pytest.raises(CasesError, match=r"x-1.*used already"):
        load([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])


SOURCE = "一、甲项目\n补助经费：80万元以内\n二、乙项目\n补助经费：30万元以内"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"evidence": [{"section": "甲项目", "quote": "90万元"}]}, "does not stand in the source"),
        ({"evidence": [{"section": "丙项目", "quote": "80万元"}]}, "section .* does not stand"),
        ({"evidence": [{"section": "乙项目", "quote": "80万元"}]}, "stands before section"),
        ({"forbid": ["元"]}, "own evidence"),
        ({"forbid": ["80万"], "evidence": [{"section": "", "quote": "补助经费"}]}, "every spelling"),
        ({"evidence": []}, "needs facts and evidence"),
        ({"expect": "refuse"}, "neither facts nor evidence"),
    ],
)
def test_validator(changes: dict, fault: str | None) -> None:
    found = problems([case(**{"evidence": [{"section": "甲项目", "quote": "80万元"}], **changes})], {"": SOURCE})
    if fault is None:
        assert found == []
    else:
        assert len(found) == 1
        assert re.search(fault, found[0])


def test_validator_finds_the_same_question_twice() -> None:
    twins = [case(id="a"), case(id="b", question="补多少"), case(id="c", question="补多少？", history=["甲呢"])]
    assert near_pairs(twins) == [(0, 1)]
    assert [p[:2] for p in problems(twins)] == ["b:"]


def test_near_doubles_stand_in_one_half() -> None:
    long = "请问今年申报这个项目的话，单位注册时间要满几年才可以牵头呢"
    cases = [case(id=f"n{i}", question=f"{long}{'？' * i}", type="yesno") for i in range(6)]
    others = [case(id=f"o{i}", question=q) for i, q in enumerate(("谁能报", "几年做完", "找谁盖章", "网址是什么"))]
    half = halves([*cases, *others])
    assert len({half[c.id] for c in cases}) == 1
    assert not any("nearly the same" in p for p in problems([*cases, *others]))


def test_numbers_tell_questions_apart() -> None:
    pair = [case(id="a", question="第3条对牵头单位的注册时间是怎么规定的"), case(id="b", question="第4条对牵头单位的注册时间是怎么规定的")]
    assert near_pairs(pair) == []


def test_halves_are_even_and_an_appended_case_moves_none() -> None:
    rng = random.Random(7)
    cases = [
        case(id=f"c{i}", question="".join(rng.choices("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳", k=12)), type=rng.choice(["lookup", "list", "numeric"]),
             evidence=[{"section": rng.choice("甲乙丙"), "quote": "80万元"}])
        for i in range(90)
    ]  # fmt: skip
    half = halves(cases)
    for kind in ("lookup", "list", "numeric"):
        own = [half[c.id] for c in cases if c.type == kind]
        assert abs(own.count("tune") - own.count("check")) <= 3
    fixed = [replace(c, half="check" if half[c.id] == "tune" else "tune") for c in cases[:3]]
    assert {c.id: c.half for c in fixed}.items() <= halves([*fixed, *cases[3:]]).items()
    first = halves(cases[:60])
    assert all(half[i] == first[i] for i in first)


def test_the_sets_of_the_repository_are_valid(corpus_dir: Path) -> None:
    """Quotes stand in the sources, under their sections; nothing is asked twice; no double stands in both halves."""
    from bot.settings import Settings
    from eval.__main__ import sources_of

    cases = load()
    assert len(cases) >= 80
    assert problems(cases, sources_of(cases, Settings(corpus=corpus_dir), GUIDES_DIR)) == []
    assert {c.type for c in cases} >= {"lookup", "numeric", "list", "unanswerable", "followup", "injection"}


def test_the_questions_on_twenty_guides_are_valid() -> None:
    pairs = CASES_DIR.parent / "pairs"
    cases = load([pairs / "questions.jsonl"])
    texts = {f.name: f.read_text("utf-8") for f in (pairs / "guides").iterdir()}
    assert len(texts) == 20
    assert all(e.quote in texts[c.guide] for c in cases for e in c.evidence)
    assert all(len({c.half for c in cases if c.guide == name}) == 1 for name in texts)  # halves are whole guides


def test_every_guide_that_a_case_names_is_there() -> None:
    names = {c.guide for c in load() if c.guide}
    assert all((GUIDES_DIR / n).is_file() for n in names)
    assert all(f.suffix == ".jsonl" for f in CASES_DIR.iterdir() if f.is_file())


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def clause(text: str, path: tuple[str, ...] = (), label: str = "", source: str = "g.txt", start: int = 0) -> Place:
    return Place(f"c{abs(hash((text, path))) % 10**6}", path, label, text, ((0, len(text)),), source, start, start + len(text))


def said(answer: str, *cited: Place) -> Reply:
    return Reply("answered", answer, cited)


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("60万元以内[1]", []),
        ("RMB 600,000 or 0.6 million", []),
        ("六十万元，3年内", []),
        ("三年内", []),
        ("2025-09-05", []),
        ("2025年9月5日", []),
        ("1. 60万元\n2. 3年", []),
        ("150万元以内[1]", ["150万"]),
        ("六十五万元", ["六十五万"]),
        ("2025年9月6日", ["2025年9月6日"]),
        ("2025-09-06", ["2025-09-06"]),
        ("两者相差57年", []),
        ("57年", ["57"]),
        ("第三方机构，一致同意，统一申报", []),
        ("见 https://example.org/2099", []),
        ("共2项", []),
    ],
)
def test_numbers_that_no_cited_clause_holds(answer: str, wrong: list[str]) -> None:
    cited = clause("经费60万元以内，3年内，截止2025年9月5日", ("第1章",))
    assert unsupported(said(answer, cited, clause("另一条"))) == wrong


def test_the_number_of_an_item_is_no_part_of_the_year_behind_it() -> None:
    assert unsupported(said("2024、2025年度审计报告", clause("3.2024、2025年度审计报告", ("一、材料",), "3."))) == []


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("60万元（200万×30%）：按造价的30%补助", []),
        ("50万元（200万×30%=60万元）：按造价的30%补助，最高50万元", []),
        ("24万元（4台×6万元）：每台6万元", []),
        ("70万元（200万×30%）", ["70万"]),  # reckoned wrongly
        ("80万元（200万×40%）", ["80万", "40"]),  # by a share that no clause states
        ("90万元（300万×30%）", ["90万", "300万"]),  # of a value that nobody gave
        ("60万元", ["60万"]),  # without its parts
    ],
)
def test_a_product_is_worked_out_anew(answer: str, wrong: list[str]) -> None:
    cited = clause("按造价的30%补助，最高50万元；每台6万元")
    assert unsupported(said(answer, cited), "造价200万，4台，能补多少") == wrong


def test_a_number_of_the_question_may_be_repeated() -> None:
    assert unsupported(said("不是100万元，是60万元", clause("60万元")), "是100万吗") == []
    assert unsupported(said("不是100万元，是60万元", clause("60万元"))) == ["100万"]


@given(st.integers(1, 99_999_999))
def test_a_number_is_itself_with_and_without_commas(number: int) -> None:
    assert [v for _, v in shown(f"共{number:,}元")] == [float(number)]
    assert float(number) in values(f"{number}")


@given(st.integers(1, 9999), st.sampled_from(["万", "亿"]))
def test_a_scaled_number_equals_the_plain_one(number: int, scale: str) -> None:
    factor = 10**4 if scale == "万" else 10**8
    assert shown(f"{number}{scale}元")[0][1] == float(number * factor)


# ── metrics: worked examples ────────────────────────────────────────────────────────────────────────────────────


def test_ranking_by_hand() -> None:
    gains, ideal = (0.0, 1.0, 0.0, 1.0), (1.0, 1.0, 1.0)
    assert metrics.hit_at(gains, 1) == 0
    assert metrics.hit_at(gains, 2) == 1
    assert metrics.recall_at(gains, 3, 2) == pytest.approx(1 / 3)
    assert metrics.recall_at(gains, 3, 10) == pytest.approx(2 / 3)
    assert metrics.reciprocal_rank(gains) == 0.5
    assert metrics.average_precision(gains, 3) == pytest.approx(float((Fraction(1, 2) + Fraction(2, 4)) / 3))
    dcg = 1 / math.log2(3) + 1 / math.log2(5)
    assert metrics.ndcg_at(gains, ideal, 10) == pytest.approx(dcg / (1 + 1 / math.log2(3) + 1 / 2))


def test_nothing_is_nan_not_zero() -> None:
    assert math.isnan(metrics.mean([]))
    assert math.isnan(metrics.refusal_precision([(True, False)]))
    assert math.isnan(metrics.percentile([], 50))
    assert math.isnan(metrics.bootstrap([])[0])


def test_spans_by_hand() -> None:
    used, gold = [(0, 10), (5, 20)], [(15, 35)]  # 20 used characters, 20 gold, 5 in common
    assert metrics.overlap(used, gold) == 5
    assert metrics.span_precision(used, gold) == 0.25
    assert metrics.span_recall(used, gold) == 0.25
    assert metrics.merged([(3, 3), (5, 6), (0, 2), (2, 4)]) == [(0, 4), (5, 6)]


def test_refusals_by_hand() -> None:
    pairs = [(True, True), (True, True), (True, False), (False, True), (False, False), (False, False), (False, False)]
    assert metrics.refusal_recall(pairs) == pytest.approx(2 / 3)
    assert metrics.refusal_precision(pairs) == pytest.approx(2 / 3)
    assert metrics.false_refusal_rate(pairs) == pytest.approx(1 / 4)


def test_crag_by_hand() -> None:
    assert metrics.crag_score(True, "answered") == metrics.crag_score(True, "refused") == 1
    assert metrics.crag_score(False, "refused") == metrics.crag_score(False, "clarify") == 0
    assert metrics.crag_score(False, "answered") == -1


def test_calibration_by_hand() -> None:
    # Two bins: three of mean confidence 0.9 of which two are right, one of 0.2 that is wrong.
    confidence, right = [0.9, 0.9, 0.9, 0.2], [True, True, False, False]
    assert metrics.expected_calibration_error(confidence, right) == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.2)
    assert metrics.brier(confidence, right) == pytest.approx((0.01 + 0.01 + 0.81 + 0.04) / 4)
    assert metrics.risk_coverage(confidence, right) == [(0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert metrics.area_under_risk_coverage(confidence, right) == pytest.approx(0.75 / 3 + 0.25 * 0.5)


def test_confidence_one_falls_into_the_last_bin() -> None:
    assert metrics.reliability([1.0, 0.0], [True, False]) == [(0.0, 0.0, 1), (1.0, 1.0, 1)]


def test_reading_by_hand() -> None:
    assert metrics.exact_match("三年", ["三年", "3年"]) == 1
    assert metrics.character_f1("共三年", ["三年"]) == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert metrics.character_f1("", ["三年"]) == 0


def test_percentile_agrees_with_numpy() -> None:
    import numpy as np

    data = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]
    for q in (0, 5, 50, 95, 100):
        assert metrics.percentile(data, q) == pytest.approx(float(np.percentile(data, q)))


def test_repeatability_by_hand() -> None:
    assert metrics.repeatability([["a", "b"], ["a", "b"], ["a", "c"]]) == 0.5


def test_mcnemar_by_hand_and_by_scipy() -> None:
    assert metrics.mcnemar(0, 0) == 1
    assert metrics.mcnemar(1, 0) == 1  # one lucky case is no progress
    assert metrics.mcnemar(6, 0) == pytest.approx(2 / 64)
    scipy = pytest.importorskip("scipy.stats")
    assert metrics.mcnemar(9, 2) == pytest.approx(scipy.binomtest(2, 11).pvalue)


def test_paired_bootstrap_sees_a_real_difference_and_no_lucky_one() -> None:
    before = [0.0] * 40 + [1.0] * 60
    assert metrics.paired_bootstrap(before, [1.0] * 100) < 0.001
    assert metrics.paired_bootstrap(before, [1.0, *before[1:]]) > 0.3
    assert metrics.paired_bootstrap(before, before) == 1


def test_bootstrap_interval_is_that_of_the_binomial() -> None:
    low, high = metrics.bootstrap([1.0] * 80 + [0.0] * 20)
    assert low == pytest.approx(0.72, abs=0.02)
    assert high == pytest.approx(0.88, abs=0.02)
    assert metrics.bootstrap([1.0, 0.0, 1.0]) == metrics.bootstrap([1.0, 0.0, 1.0])  # a fixed seed
    assert metrics.bootstrap([1.0, 5.0, 9.0], max, rounds=200)[1] == 9.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_figures_lie_between_0_and_1(rows: list[tuple[float, bool]]) -> None:
    confidence, right = [c for c, _ in rows], [r for _, r in rows]
    for of in (metrics.expected_calibration_error, metrics.brier, metrics.area_under_risk_coverage):
        assert 0 <= of(confidence, right) <= 1
    coverage = [c for c, _ in metrics.risk_coverage(confidence, right)]
    assert coverage == sorted(set(coverage))
    assert coverage[-1] == 1
    assert sum(n for _, _, n in metrics.reliability(confidence, right)) == len(rows)


@given(st.lists(st.integers(0, 2), max_size=12), st.integers(1, 12))
def test_ranking_figures_lie_between_0_and_1(found: list[int], k: int) -> None:
    gains = [float(g) for g in found]
    ideal = sorted(gains, reverse=True) or [1.0]
    if not sum(ideal):
        ideal = [1.0]
    for value in (metrics.hit_at(gains, k), metrics.recall_at(gains, sum(ideal), k), metrics.reciprocal_rank(gains), metrics.ndcg_at(gains, ideal, k)):
        assert 0 <= value <= 1 + 1e-12


# ── metrics: a second opinion ───────────────────────────────────────────────────────────────────────────────────


def test_ranking_agrees_with_trec_eval() -> None:
    """ir-measures over pytrec-eval, on a hundred random rankings with graded gains."""
    ir_measures = pytest.importorskip("ir_measures")
    from ir_measures import AP, RR, R, Success, nDCG

    rng = random.Random(11)
    for round_ in range(100):
        size, relevant = rng.randint(1, 20), rng.randint(1, 5)
        gains = [0.0] * size
        grades = [float(rng.randint(1, 3)) if round_ % 2 else 1.0 for _ in range(relevant)]
        places = rng.sample(range(size), min(size, relevant))
        for place, grade in zip(places, grades, strict=False):
            gains[place] = grade
        qrels = {"q": {f"d{p}": int(gains[p]) for p in places} | {f"lost{i}": int(g) for i, g in enumerate(grades[len(places):])}}
        run = {"q": {f"d{i}": float(size - i) for i in range(size)}}
        wanted = [nDCG @ 10, RR, AP, Success @ 1, Success @ 5, R @ 5, R @ 10]
        theirs = ir_measures.calc_aggregate(wanted, qrels, run)
        assert metrics.ndcg_at(gains, grades, 10) == pytest.approx(theirs[nDCG @ 10])
        assert metrics.reciprocal_rank(gains) == pytest.approx(theirs[RR])
        assert metrics.average_precision(gains, relevant) == pytest.approx(theirs[AP])
        assert metrics.hit_at(gains, 1) == theirs[Success @ 1]
        assert metrics.hit_at(gains, 5) == theirs[Success @ 5]
        binary = [float(g > 0) for g in gains]
        assert metrics.recall_at(binary, relevant, 5) == pytest.approx(theirs[R @ 5])
        assert metrics.recall_at(binary, relevant, 10) == pytest.approx(theirs[R @ 10])


# ── spans of evidence ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_quote_is_located_also_where_only_its_normal_form_stands() -> None:
    text = "经费： ６０ 万元，以内"
    start, end = locate(text, "60万元") or (0, 0)
    assert text[start:end] == "６０ 万元"
    assert locate(text, "70万元") is None
    assert locate("abc", "bc") == (1, 3)


def test_gold_spans_prefer_the_clause_that_is_cited() -> None:
    one, two = clause("期限：3年内", ("甲",), start=0), clause("期限：3年内", ("乙",), start=100)
    anywhere = case(facts=[["3年"]], evidence=[{"section": "", "quote": "3年内"}])
    pool = Pool([one, two])
    assert gold_spans(anywhere, said("3年内", two), pool) == [("g.txt", (103, 106))]
    assert gold_spans(anywhere, said("3年内"), pool) == [("g.txt", (3, 6))]
    assert pool.holders(Evidence("乙", "3年内")) == (two,)


def test_sources_do_not_overlap_on_one_line() -> None:
    gold, used = on_one_line([("a", (0, 5)), ("b", (0, 5))], [("b", (3, 5))])
    assert metrics.overlap(gold, used) == 2
