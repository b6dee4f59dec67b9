"""The runner, the stages, the gate, the report, the nightly run, and that the evaluation bites: each broken bot is
caught by the figure that should catch it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.bot import answer_json
from bot.errors import BotError
from bot.settings import Settings
from bot.types import Answer, Citation, Clause, ClauseId, Hit, Query
from eval import gate, history, nightly, score
from eval import run as runner
from eval.cases import Case, Evidence
from eval.gate import compare
from eval.record import Record, circumstances, dumps, record
from eval.report import html
from eval.run import Result, Run
from eval.text import markdown, shown, table, verdict_line

# ── a small world: eight projects with the same fields, and a bot that is always right about them ────────────────

PROJECTS = {
    "（一）甲方向": ("40万元以内", "2年内", "企业、高校"),
    "（二）乙方向": ("60万元以内", "3年内", "企业"),
    "（三）丙方向": ("80万元以内", "3年内", "科研机构、高校"),
    "（四）丁方向": ("95万元以内", "3年内", "合作社"),
    "（五）戊方向": ("120万元以内", "1年内", "企业、合作社"),
    "（六）己方向": ("150万元以内", "3年内", "高校"),
    "（七）庚方向": ("175万元以内", "5年内", "医院"),
    "（八）辛方向": ("210万元以内", "3年内", "企业、医院"),
}
FIELDS = ("补助经费", "实施期限", "申报主体")


def world() -> list[Clause]:
    out: list[Clause] = []
    at = 0
    for heading, bodies in PROJECTS.items():
        parent = ClauseId(f"g.{heading[3]}")
        out.append(Clause(parent, ("某计划指南",), heading, heading, "g.txt", at, at + len(heading), "heading"))
        at += len(heading) + 1
        for label, body in zip(FIELDS, bodies, strict=True):
            text = f"{label}：{body}。" + "项目实施应当突出实效，按年度报告进展。" * 3
            out.append(
                Clause(ClauseId(f"{parent}.{label}"), ("某计划指南", heading), label, text, "g.txt", at, at + len(text), "field", parent=parent)
            )
            at += len(text) + 1
    return out


CLAUSES = world()
POOL = runner.pool_of(CLAUSES)


def cases() -> list[Case]:
    out = []
    for n, (heading, bodies) in enumerate(PROJECTS.items()):
        for label, body in zip(FIELDS, bodies, strict=True):
            out.append(Case(
                id=f"w-{n}-{label}", type="numeric" if label != "申报主体" else "lookup", lang="zh" if n % 2 else "en", persona="applicant",
                question=f"{heading[3:]}的{label}？", expect="answer", facts=tuple((f,) for f in body.removesuffix("以内").split("、")),
                evidence=(Evidence(heading, body),),
            ))  # fmt: skip
        out.append(Case(
            id=f"w-{n}-none", type="unanswerable", lang="zh", persona="applicant", question=f"{heading[3:]}去年批了几项？", expect="refuse",
        ))  # fmt: skip
    return out


CASES = cases()
BY_QUESTION = {c.question: c for c in CASES}
Bot = Callable[[str, Sequence[str]], Answer]


def hits(first: Sequence[Clause]) -> tuple[Hit, ...]:
    rest = [c for c in CLAUSES if c not in first]
    return tuple(Hit(c, 1 / n, n, "fused") for n, c in enumerate([*first, *rest][:10], 1))


def cite(clause: Clause, words: str) -> Citation:
    at = clause.text.find(words)
    spans = ((at, at + len(words)),) if at >= 0 else ((0, len(clause.text)),)
    return Citation(clause.clause_id, clause.path, clause.label, clause.text, spans, clause.source, clause.start, clause.end)


def good_bot(question: str, history: Sequence[str] = ()) -> Answer:
    case = BY_QUESTION[question]
    if case.expect == "refuse":
        return Answer("refused", "指南没有写明。", hits=hits([]), confidence=0.95, latency_ms=20.0, embed_ms=15.0)
    item = case.evidence[0]
    clause = next(c for c in CLAUSES if item.section in c.path and item.quote in c.text)
    query = Query(question, "zh", question, sections=(clause.parent or clause.clause_id,), fields=(clause.label,))
    return Answer(
        "answered", f"{item.quote}[1]", citations=(cite(clause, item.quote),), hits=hits([clause]), confidence=0.95, query=query,
        latency_ms=20.0, embed_ms=15.0,
    )  # fmt: skip


def results(bot: Bot = good_bot, asked: Sequence[Case] = CASES) -> list[Result]:
    return runner.run(asked, bot, POOL)


def rec(bot: Bot = good_bot, asked: Sequence[Case] = CASES) -> Record:
    return record(Run(tuple(results(bot, asked)), (), 1.0), CASES, circumstances(Settings(today="2025-09-01")))


def figure(name: str, bot: Bot = good_bot) -> float:
    return score.figure(name, results(bot)).value


@pytest.fixture
def baseline(tmp_path: Path) -> dict[str, Any]:
    gate.accept(rec(), tmp_path / "baseline.json")
    found = gate.read(tmp_path / "baseline.json")
    assert found is not None
    return found


# ── the good bot is good ────────────────────────────────────────────────────────────────────────────────────────


def test_a_right_bot_has_full_marks() -> None:
    figures = score.figures(results())
    for name in ("right", "right and cited", "CRAG", "hit@1", "MRR", "nDCG@10", "citation recall", "citation precision", "refusal recall", "refusal precision", "span precision", "span recall"):
        assert figures[name].value == 1, name
    for name in ("wrong numbers", "false refusal rate"):
        assert figures[name].value == 0, name
    assert figures["refusal recall"].n == len(PROJECTS)
    assert score.stages(results()) == {}


def test_a_callable_may_answer_with_the_contract_json() -> None:
    line = {"id": "x", "status": "refused", "answer": "没有", "citations": [], "hits": [], "confidence": 0.5, "latency_ms": 3.0}
    only = runner.run([c for c in CASES if c.expect == "refuse"], lambda q, h: line)
    assert all(r.verdict.right and r.reply.latency_ms == 3.0 for r in only)


def test_a_crash_is_a_wrong_case_and_not_the_end() -> None:
    def bot(question: str, history: Sequence[str]) -> Answer:
        if "甲方向的补助" in question:
            raise ZeroDivisionError("oops")
        return good_bot(question)

    found = results(bot)
    assert len(found) == len(CASES)
    assert [(r.stage, r.reply.error) for r in found if r.stage] == [("crash", "ZeroDivisionError: oops")]


# ── it bites ────────────────────────────────────────────────────────────────────────────────────────────────────


def always_refuses(question: str, history: Sequence[str] = ()) -> Answer:
    return replace(good_bot(question), status="refused", text="指南没有写明。", citations=())


def quotes_the_top_paragraph(question: str, history: Sequence[str] = ()) -> Answer:
    answer = good_bot(question)
    top = answer.hits[0].clause
    return replace(answer, status="answered", text=top.text * 5, citations=(cite(top, top.text),))


def swaps_two_amounts(question: str, history: Sequence[str] = ()) -> Answer:
    answer = good_bot(question)
    other = {"60": "150", "150": "60"}
    text = answer.text
    for amount, wrong in other.items():
        if answer.text.startswith(f"{amount}万"):
            text = answer.text.replace(f"{amount}万", f"{wrong}万")
    return replace(answer, text=text)


def cites_the_wrong_project(question: str, history: Sequence[str] = ()) -> Answer:
    """The words are right: several projects have the same term; the citation is of another one."""
    answer = good_bot(question)
    if not answer.citations:
        return answer
    own = answer.citations[0]
    body = BY_QUESTION[question].evidence[0].quote
    twin = next((c for c in CLAUSES if body in c.text and c.label == own.label and c.clause_id != own.clause_id), None)
    return replace(answer, citations=(cite(twin, body),)) if twin else answer


def shuffles_retrieval(question: str, history: Sequence[str] = ()) -> Answer:
    answer = good_bot(question)
    shuffled = list(answer.hits)
    random.Random(question).shuffle(shuffled)
    return replace(answer, hits=tuple(replace(h, rank=n) for n, h in enumerate(shuffled, 1)))


def slower_by_half(question: str, history: Sequence[str] = ()) -> Answer:
    answer = good_bot(question)
    return replace(answer, latency_ms=answer.latency_ms * 1.5)


def test_always_refusing_is_caught_by_false_refusals(baseline: dict) -> None:
    assert figure("refusal recall", always_refuses) == 1  # perfect, and useless
    assert figure("false refusal rate", always_refuses) == 1
    assert figure("right", always_refuses) == pytest.approx(8 / 32)
    assert figure("CRAG", always_refuses) == pytest.approx(8 / 32)
    found = compare(rec(always_refuses), baseline)
    assert len(found.broken) == 24
    assert found.figures["right and cited"].significant
    assert set(score.stages(results(always_refuses))) == {"refusal"}


def test_quoting_the_top_paragraph_is_caught_by_length_and_span_precision(baseline: dict) -> None:
    assert figure("citation recall", quotes_the_top_paragraph) == 1  # the shortcut that citation scores alone reward
    assert figure("hit@1", quotes_the_top_paragraph) == 1
    assert figure("right", quotes_the_top_paragraph) == 0
    assert figure("span precision", quotes_the_top_paragraph) < 0.2
    assert figure("refusal recall", quotes_the_top_paragraph) == 0
    assert score.length(results(quotes_the_top_paragraph))["mean"] > 250
    assert not compare(rec(quotes_the_top_paragraph), baseline).ok


def test_two_swapped_amounts_are_caught_by_wrong_numbers(baseline: dict) -> None:
    found = results(swaps_two_amounts)
    assert [r.case.id for r in found if r.wrong_numbers] == ["w-1-补助经费", "w-5-补助经费"]
    assert {r.wrong_numbers for r in found if r.wrong_numbers} == {("150万",), ("60万",)}
    assert score.figure("CRAG", found).value < 1 - 2 * 2 / 32 + 1e-9  # a wrong answer costs twice
    assert compare(rec(swaps_two_amounts), baseline).broken == ("w-1-补助经费", "w-5-补助经费")
    assert score.stages(found) == {"composing": 2}


def test_the_wrong_project_with_the_same_words_is_caught_by_citations(baseline: dict) -> None:
    assert figure("right", cites_the_wrong_project) == 1  # the words are right
    assert figure("wrong numbers", cites_the_wrong_project) == 0
    assert figure("right and cited", cites_the_wrong_project) < 1
    assert figure("citation recall", cites_the_wrong_project) < 1
    broken = compare(rec(cites_the_wrong_project), baseline).broken
    assert {"w-1-实施期限", "w-2-实施期限"} <= set(broken)


def test_shuffled_retrieval_is_caught_by_ranking_figures(baseline: dict) -> None:
    assert figure("right and cited", shuffles_retrieval) == 1  # the answers do not show it
    assert figure("hit@1", shuffles_retrieval) < 0.5
    assert figure("MRR", shuffles_retrieval) < 0.6
    found = compare(rec(shuffles_retrieval), baseline)
    assert found.ok
    assert found.figures["nDCG@10"].significant
    assert found.figures["nDCG@10"].after < found.figures["nDCG@10"].before


def test_slower_by_half_is_caught_by_the_paired_latency(baseline: dict) -> None:
    found = compare(rec(slower_by_half), baseline)
    assert found.latency_ratio == pytest.approx(1.5)
    assert found.slower
    assert not compare(rec(), baseline).slower
    elsewhere = {**baseline, "machine": {"processor": "another"}}
    assert compare(rec(slower_by_half), elsewhere).latency_ratio is None


def test_overconfidence_is_caught_by_calibration() -> None:
    def bot(question: str, history: Sequence[str] = ()) -> Answer:
        return replace(always_refuses(question), confidence=1.0)

    assert score.calibration(results(bot))["ECE"] == pytest.approx(24 / 32)
    assert score.calibration(results())["ECE"] == pytest.approx(0.05)


# ── stages ──────────────────────────────────────────────────────────────────────────────────────────────────────


def stage(bot: Bot, case_id: str = "w-1-补助经费", pool: runner.Pool = POOL) -> str | None:
    return runner.run([next(c for c in CASES if c.id == case_id)], bot, pool)[0].stage


def test_stage_parsing() -> None:
    without = runner.pool_of([c for c in CLAUSES if not c.text.startswith("补助经费")])
    assert stage(always_refuses, pool=without) == "parsing"


def other_clause(question: str, **query: Any) -> Answer:
    """Answers from a clause of another project."""
    answer = good_bot(question)
    wrong = next(c for c in CLAUSES if c.label == "补助经费" and c.parent == "g.辛")
    return replace(answer, text="210万元以内", citations=(cite(wrong, "210万元"),), query=Query(question, "zh", question, **query))


def test_stage_understanding() -> None:
    assert stage(lambda q, h: other_clause(q, sections=(ClauseId("g.辛"),))) == "understanding"
    assert stage(lambda q, h: other_clause(q, sections=(ClauseId("g.乙"),), fields=("实施期限",))) == "understanding"
    assert stage(lambda q, h: replace(good_bot(q), status="clarify", text="哪个方向？")) == "understanding"


def test_stage_retrieval() -> None:
    lost = [c for c in CLAUSES if c.parent != "g.乙"]
    nothing = tuple(Hit(c, 0.1, n, "fused") for n, c in enumerate(lost[:10], 1))
    assert stage(lambda q, h: replace(other_clause(q), hits=nothing)) == "retrieval"


def test_stage_ranking_and_composing() -> None:
    def low(question: str, history: Sequence[str]) -> Answer:
        answer = other_clause(question)
        order = [*answer.hits[1:6], answer.hits[0], *answer.hits[6:]]
        return replace(answer, hits=tuple(order))

    assert stage(low) == "ranking"
    assert stage(lambda q, h: other_clause(q)) == "composing"
    assert stage(lambda q, h: replace(good_bot(q), text="按规定执行")) == "composing"


def test_stage_refusal_and_verification() -> None:
    assert stage(always_refuses) == "refusal"
    assert stage(lambda q, h: replace(good_bot(q), status="answered", text="12项"), "w-1-none") == "refusal"
    assert stage(good_bot) is None


def removed(question: str, history: Sequence[str] = ()) -> Answer:
    """Found the clause; what was drafted from it did not pass the bot's own check."""
    return replace(good_bot(question), status="refused", text="没有把握。", citations=(), refused_by="verification", withheld=1)


def test_what_the_check_removed_is_lost_to_verification_and_not_to_refusal() -> None:
    assert stage(removed) == "verification"
    assert stage(lambda q, h: replace(removed(q), refused_by="evidence", withheld=0)) == "refusal"
    # a poorer draft that took the place of the one removed
    assert stage(lambda q, h: replace(good_bot(q), text="按规定执行", withheld=1)) == "verification"
    assert stage(lambda q, h: replace(good_bot(q), withheld=1)) is None
    # what was never found was lost before the check
    far = tuple(Hit(c, 0.1, n, "fused") for n, c in enumerate([c for c in CLAUSES if c.parent != "g.乙"][:10], 1))
    assert stage(lambda q, h: replace(removed(q), hits=far)) == "retrieval"
    lost = runner.run([CASES[4]], removed, POOL)[0]
    assert "withheld by the check: 1 draft(s)" in lost.pieces


def test_a_question_turned_away_before_the_guide_is_looked_into_is_misunderstood() -> None:
    assert stage(lambda q, h: replace(always_refuses(q), refused_by="understanding")) == "understanding"


def test_the_stage_marks_survive_the_contract_json() -> None:
    assert stage(lambda q, h: answer_json(removed(q))) == "verification"


def test_a_lost_case_shows_the_pieces() -> None:
    lost = runner.run([CASES[4]], lambda q, h: other_clause(q, sections=(ClauseId("g.辛"),)), POOL)[0]
    text = "\n".join(lost.pieces)
    assert "（八）辛方向" in text
    assert "rank 1" in text
    assert "in 1 clause(s), first （二）乙方向 › 补助经费; rank 1" in text
    assert "first hit: （二）乙方向 › 补助经费" in text


# ── the gate ────────────────────────────────────────────────────────────────────────────────────────────────────


def without_one(question: str, history: Sequence[str] = ()) -> Answer:
    return always_refuses(question) if question == "乙方向的补助经费？" else good_bot(question)


def test_a_case_that_breaks_closes_the_gate_and_one_that_mends_does_not(tmp_path: Path, baseline: dict) -> None:
    found = compare(rec(without_one), baseline)
    assert found.broken == ("w-1-补助经费",)
    assert not found.ok
    assert not found.figures["right and cited"].significant  # one case is no significant change, and still broken
    gate.accept(rec(without_one), tmp_path / "b.json")
    mended = compare(rec(), gate.read(tmp_path / "b.json") or {})
    assert mended.mended == ("w-1-补助经费",)
    assert mended.ok


def test_a_reworded_case_says_nothing_about_the_bot(baseline: dict) -> None:
    reworded = [replace(CASES[0], facts=(("999万",),)), *CASES[1:]]
    found = compare(rec(asked=reworded), baseline)
    assert found.changed == (CASES[0].id,)
    assert found.ok


def test_a_case_that_is_not_asked_any_more_closes_the_gate_unless_only_a_part_was_asked(baseline: dict) -> None:
    found = compare(rec(asked=CASES[1:]), baseline)
    assert found.gone == (CASES[0].id,)
    assert not found.ok
    assert compare(rec(asked=CASES[1:]), baseline, partial=True).ok


def test_a_partial_acceptance_keeps_the_other_cases(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    gate.accept(rec(without_one), file)
    gate.accept(rec(asked=CASES[:2]), file, partial=True)
    assert len((gate.read(file) or {})["cases"]) == len(CASES)
    lines = file.read_text("utf-8").splitlines()
    assert sum(line.startswith('  "w-') for line in lines) == len(CASES)  # one case a line: a diff can be read


def test_a_damaged_baseline_is_said(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    assert gate.read(file) is None
    for text in ("{", '{"schema": 99}', "[]"):
        file.write_text(text, "utf-8")
        with pytest.raises(gate.BaselineError, match="--accept"):
            gate.read(file)


# ── the record and the report ───────────────────────────────────────────────────────────────────────────────────


def test_a_record_says_what_it_takes_to_run_it_again() -> None:
    settings = Settings(today="2025-09-01", llm_api_key="secret-key", webhook_url="https://example.org/secret-hook")
    where = circumstances(settings)
    assert len(where["commit"]) in (0, 40)
    assert where["today"] == "2025-09-01"
    assert where["machine"]["cores"] >= 1
    assert where["packages"]["numpy"]
    assert "secret" not in json.dumps(where)


def test_a_record_is_plain_json_without_nan() -> None:
    data = json.loads(dumps(rec()))
    assert data["figures"]["right"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": len(CASES)}
    assert data["groups"]["type"]["numeric"]["refusal recall"]["value"] is None
    assert {row["half"] for row in data["cases"]} == {"tune", "check"}
    assert "NaN" not in dumps(rec())


def test_two_runs_have_the_same_record_but_for_the_time() -> None:
    one, two = rec(), rec()
    for data in (one, two):
        data.pop("at")
    assert dumps(one) == dumps(two)


def test_history_survives_a_line_that_was_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    history.append(file, history.row(rec()))
    with file.open("a", encoding="utf-8") as out:
        out.write('{"at": "2025-01-')
        out.write("\n")
    history.append(file, history.row(rec(without_one)))
    rows = history.read(file)
    assert [r["figures"]["right"] for r in rows] == [1.0, pytest.approx(31 / 32, abs=1e-5)]
    assert history.read(tmp_path / "none.jsonl") == []
    assert len(history.read(file, last=1)) == 1


def attack(question: str, history: Sequence[str] = ()) -> Answer:
    return replace(good_bot(question), text="<script>alert(1)</script></script><img src=x onerror=alert(2)> \u2028 60万", understood="<b>x</b>")


def test_the_page_is_self_contained_and_escapes_what_people_typed(baseline: dict) -> None:
    data = rec(attack)
    page = html(data, compare(data, baseline), [history.row(rec()), history.row(data)])
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>x" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "src=" not in page.split('<script type="application/json"')[0]
    inner = page.split('id="data">')[1].split("</script>")[0]
    assert len(json.loads(inner)["cases"]) == len(CASES)
    assert all(f'id="case-{c.id}"' in page for c in CASES)


def test_the_page_shows_a_first_run_without_baseline_or_history() -> None:
    page = html(rec())
    assert "尚无基线" in page
    assert "no baseline yet" in page


def test_markdown_lines_up_and_lists_what_failed(baseline: dict) -> None:
    data = rec(without_one)
    text = markdown(data, compare(data, baseline))
    assert "变差 broken: w-1-补助经费" in text
    assert "**w-1-补助经费**" in text
    assert "拒答 refusal" in text
    assert "w-2-补助经费" not in text
    rows = table(["名 name", "n"], [["甲", "1"], ["long", "22"]]).splitlines()
    assert rows[2] == "| 甲      |  1 |"


def test_figures_are_shown_as_people_read_them() -> None:
    assert shown("right", 0.9625) == "96.2 %"
    assert shown("MRR", 0.87419) == "0.874"
    assert shown("right", -0.021, signed=True) == "−2.1 %"
    assert shown("right", None) == shown("right", float("nan")) == "–"


def test_a_page_of_six_hundred_cases_is_small() -> None:
    many = [replace(c, id=f"{c.id}-{n}", question=c.question) for n in range(20) for c in CASES]
    began = time.perf_counter()
    data = record(Run(tuple(results(asked=many)), (), 1.0), many[:40], circumstances(Settings(today="2025-09-01")))
    page = html(data)
    assert len(data["cases"]) == 640
    assert len(page.encode()) < 3_000_000
    assert time.perf_counter() - began < 20


# ── the nightly message ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_message_names_what_broke_in_two_languages(baseline: dict) -> None:
    data = rec(without_one)
    found = compare(data, baseline)
    worse = nightly.drops(data, found)
    text = nightly.compose(data, found, worse, Path("eval/out/report.html"))
    chinese, english = text.split("\n\n")
    assert "变差 w-1-补助经费（拒答）乙方向的补助经费？" in chinese
    assert "1 题变差" in chinese
    assert "broken w-1-补助经费 (refusal)" in english
    assert "1 broken" in english
    assert nightly.drops(rec(), compare(rec(), baseline)) == []


def test_the_message_stays_short(baseline: dict) -> None:
    data = rec(always_refuses)
    found = compare(data, baseline)
    text = nightly.compose(data, found, nightly.drops(data, found), Path("r.html"))
    assert "另有 19 题变差" in text
    assert len(text) < 2000


def test_unrepeatable_answers_and_faulty_sets_are_drops() -> None:
    data = rec() | {"repeatability": {"share": 0.5, "cases": 2, "runs": 3, "differ": ["w-1"]}}
    assert [zh for zh, _ in nightly.drops(data, None, ["x: quote missing"])] == [
        "题集有 1 处问题：x: quote missing",
        "重复提问答案不一：w-1",
    ]
    failed = rec() | {"repeatability": {"share": None, "cases": 0, "runs": 0, "differ": [], "fault": "bot ask failed"}}
    assert [en for _, en in nightly.drops(failed, None)] == ["could not be asked again: bot ask failed"]
    assert "bot ask failed" not in html(failed)  # shown in the message; the page shows no share that was not measured
    assert "repeatability: –" in markdown(failed)


class Robot:
    """A local server that answers like a group robot, and keeps what it was sent."""

    def __init__(self, *replies: tuple[int, str]) -> None:
        self.bodies: list[dict] = []
        waiting = list(replies)
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                robot.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, text = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/robot?key=top-secret"

    def __enter__(self) -> Robot:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


MESSAGE = "【评测】a < b & 变差\n· 一\n"


@pytest.mark.parametrize(
    ("style", "answer", "text"),
    [
        ("wecom", '{"errcode":0,"errmsg":"ok"}', lambda b: b["markdown"]["content"]),
        ("dingtalk", '{"errcode":0,"errmsg":"ok"}', lambda b: b["markdown"]["text"].replace("\n\n", "\n")),
        ("slack", "ok", lambda b: b["text"].replace("&lt;", "<").replace("&amp;", "&")),
    ],
)
def test_webhook(style: str, answer: str, text: Callable[[dict], str]) -> None:
    with Robot((200, answer)) as robot:
        nightly.post(MESSAGE, robot.url, style)
    assert [text(b) for b in robot.bodies] == [MESSAGE]


def test_webhook_tries_again_when_the_server_is_busy() -> None:
    with Robot((503, "busy"), (200, '{"errcode":0}')) as robot:
        nightly.post(MESSAGE, robot.url, "wecom", pause=0.01)
    assert len(robot.bodies) == 2


@pytest.mark.parametrize(
    ("style", "reply", "words"),
    [
        ("wecom", (200, '{"errcode":93000,"errmsg":"invalid webhook url"}'), "93000"),
        ("dingtalk", (200, "<html>"), "not JSON"),
        ("slack", (404, "no_service"), "HTTP 404"),
        ("slack", (200, "invalid_payload"), "invalid_payload"),
    ],
)
def test_a_webhook_that_refuses_is_said_without_its_secret(style: str, reply: tuple[int, str], words: str) -> None:
    with Robot(reply) as robot, pytest.raises(BotError, match=words) as caught:
        nightly.post(MESSAGE, robot.url, style, pause=0.01)
    assert "top-secret" not in str(caught.value)
    assert len(robot.bodies) == 1


def test_a_webhook_that_is_not_there_ends_in_one_line() -> None:
    with pytest.raises(BotError, match="ConnectError"):
        nightly.post(MESSAGE, "http://127.0.0.1:9/robot", "slack", tries=2, pause=0.01)
    with pytest.raises(BotError, match="webhook_format"):
        nightly.payload(MESSAGE, "pigeon")


def test_wecom_gets_no_more_than_it_takes() -> None:
    content = nightly.payload("变差" * 4000, "wecom")["markdown"]["content"]
    assert len(content.encode()) <= nightly.WECOM_BYTES


def test_a_second_measurement_forgives_a_busy_machine(baseline: dict) -> None:
    slow = Run(tuple(results(slower_by_half)), (), 1.0)
    calm = nightly.steady(slow, Run(tuple(results()), (), 1.0))
    data = record(calm, CASES, circumstances(Settings(today="2025-09-01")))
    assert not compare(data, baseline).slower
    still = nightly.steady(slow, slow)
    assert compare(record(still, CASES, circumstances(Settings(today="2025-09-01"))), baseline).slower


def test_the_verdict_is_one_sentence_in_each_language(baseline: dict) -> None:
    zh, en = verdict_line(rec(without_one), compare(rec(without_one), baseline))
    assert zh == "32 题，96.9 % 正确且有出处；1 题变差。"
    assert en == "32 cases, 96.9 % right and cited; 1 broken."
