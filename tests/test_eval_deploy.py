"""The files that run the evaluation every night, each checked by its own tool where there is one, and the commands of
the evaluation as a user starts them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.settings import Settings
from eval import calibrate, compare, metrics, propose, public
from eval.__main__ import TODAY
from eval.__main__ import main as evaluate
from eval.cases import CasesError, load, parse
from eval.repeat import repeatability
from eval.run import evaluate as run_cases
from tests.conftest import ROOT

if TYPE_CHECKING:
    from bot.bot import GuideBot

DEPLOY = ROOT / "deploy"


def tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


# ── unit files, cron line, workflow ─────────────────────────────────────────────────────────────────────────────


def test_systemd_units_are_valid() -> None:
    command = [tool("systemd-analyze"), "verify", *map(str, sorted((DEPLOY / "systemd").iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_timer_has_a_next_time() -> None:
    calendar = re.search(r"^OnCalendar=(.+)$", (DEPLOY / "systemd/bot-nightly.timer").read_text("utf-8"), re.M)
    assert calendar
    done = subprocess.run([tool("systemd-analyze"), "calendar", calendar[1]], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Next elapse" in done.stdout


def test_the_cron_line_is_one_for_cron_d_and_its_command_is_shell() -> None:
    text = (DEPLOY / "bot-nightly.cron").read_text("utf-8")
    assert text.endswith("\n")  # cron ignores a last line without one
    lines = [x for x in text.splitlines() if x and not x.startswith("#") and not re.match(r"[A-Z_]+=", x)]
    assert len(lines) == 1
    times, user, command = lines[0].split()[:5], lines[0].split()[5], lines[0].split(None, 6)[6]
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    assert all(t == "*" or low <= int(t) <= high for t, (low, high) in zip(times, limits, strict=True))
    assert user == "guidebot"
    assert "%" not in command  # cron would make a new line of it
    assert subprocess.run(["/bin/sh", "-n", "-c", command], check=False).returncode == 0
    assert "make nightly" in command


def test_the_cron_lock_lets_one_night_run(tmp_path: Path) -> None:
    flock = tool("flock")
    lock = tmp_path / "lock"
    with subprocess.Popen([flock, "-n", str(lock), "sleep", "5"]) as first:
        for _ in range(100):
            if lock.exists() and subprocess.run([flock, "-n", str(lock), "true"], check=False).returncode == 1:
                break
            time.sleep(0.02)
        else:
            pytest.fail("a second night ran beside the first")
        first.terminate()


def test_the_workflow_is_what_github_reads() -> None:
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))
    assert workflow[True]["schedule"][0]["cron"].count(" ") == 4  # YAML reads the key "on" as true
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["evaluate"]["steps"]
    assert any("make nightly" in step.get("run", "") for step in steps)
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert all(re.fullmatch(r"[\w./-]+@v\d+", step["uses"]) for step in steps if "uses" in step)


def test_the_workflow_passes_actionlint() -> None:
    done = subprocess.run([tool("actionlint"), str(ROOT / ".github/workflows/nightly.yml")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_make_has_the_targets_that_the_files_call() -> None:
    done = subprocess.run([tool("make"), "-n", "nightly"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "-m eval.nightly" in done.stdout


# ── the commands ────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_starts_without_the_heavy_parts() -> None:
    code = "import sys, eval.__main__, eval.nightly; print(sorted({'torch', 'transformers', 'gradio', 'jinja2', 'httpx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["eval", "eval.nightly", "eval.propose", "eval.calibrate", "eval.public", "eval.compare"])
def test_every_command_has_help(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "usage: python -m eval" in done.stdout


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(["--cases", str(tmp_path / "none.jsonl")]) == 1
    assert evaluate(["--only", "no-such-case"]) == 1
    assert evaluate(["--index", str(tmp_path / "no-index"), "--only", "g-lookup-001"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("eval: ") for line in lines)
    assert "bot index" in lines[2]


@pytest.mark.model
def test_a_run_writes_its_report_and_the_gate_decides_the_exit_code(
    real_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [c.id for c in load() if not c.guide][:12]
    common = ["--index", str(real_index), "--only", *ids, "--baseline", str(tmp_path / "baseline.json")]
    assert evaluate([*common, "--accept"]) == 0
    assert evaluate([*common, "--out", str(tmp_path / "out")]) == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"report.html", "report.json", "report.md"}
    report = json.loads((tmp_path / "out/report.json").read_text("utf-8"))
    assert [row["id"] for row in report["cases"]] == ids
    assert report["circumstances"]["corpus"]
    assert report["latency"]["p50"] > 0
    # A case that passed and is now expected to fail: the baseline says it passed with the same question.
    baseline = json.loads((tmp_path / "baseline.json").read_text("utf-8"))
    failing = next((r for r in report["cases"] if not (r["right"] and r["cited"])), None)
    if failing:
        baseline["cases"][failing["id"]] |= {"right": True, "cited": True}
        (tmp_path / "baseline.json").write_text(json.dumps(baseline), "utf-8")
        assert evaluate(common) == 1
        assert f"变差 broken: {failing['id']}" in capsys.readouterr().out


@pytest.mark.model
def test_a_run_over_an_index_of_an_older_parser_says_so(
    real_index: Path, real_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_CORPUS", str(real_settings.corpus))
    ids = [c.id for c in load() if not c.guide][:1]
    evaluate(["--index", str(real_index), "--only", *ids])
    assert "not up to date" not in capsys.readouterr().err
    monkeypatch.setattr("bot.index.code_version", lambda: "of tomorrow")
    evaluate(["--index", str(real_index), "--only", *ids])
    assert "the program that reads guides changed" in capsys.readouterr().err


@pytest.mark.model
def test_answers_are_the_same_bytes_in_fresh_processes(real_settings: Settings, real_index: Path) -> None:
    cases = [c for c in load() if not c.guide]
    found = repeatability(cases[:: len(cases) // 8][:8], real_settings, runs=2)
    assert found == {"share": 1.0, "cases": 8, "runs": 2, "differ": []}


@pytest.mark.model
def test_answers_written_by_something_else_can_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = next(c for c in load() if c.expect == "refuse" and not c.guide)
    said = tmp_path / "out.jsonl"
    said.write_text(json.dumps({"id": case.id, "status": "refused", "answer": "没有", "citations": [], "hits": []}) + "\n", "utf-8")
    assert evaluate(["--answers", str(said), "--json", "--only", case.id]) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["right"]["value"] == 1.0


@pytest.mark.model
def test_a_guide_of_ones_own_with_cases_of_ones_own(tmp_path: Path, real_settings: Settings) -> None:
    """What somebody with another guide does: a folder of guides, a file of cases that name them."""
    (tmp_path / "my.txt").write_text(
        "某镇养蜂补贴办法\n一、蜂箱补贴\n补贴标准：每箱补贴35元\n申报主体：养蜂合作社\n二、转场补贴\n补贴标准：每车补贴420元\n申报主体：养蜂户\n", "utf-8"
    )
    base = {"type": "numeric", "lang": "zh", "persona": "applicant", "expect": "answer", "forbid": [], "note": "", "guide": "my.txt"}
    mine = parse({
        **base, "id": "m-1", "question": "转场补贴的补贴标准是多少？", "facts": [["420元"]],
        "evidence": [{"section": "转场补贴", "quote": "每车补贴420元"}],
    })  # fmt: skip
    other = replace(mine, id="m-2", guide="not-there.txt")
    done = run_cases([mine, other], real_settings, tmp_path)
    assert [(r.case.id, r.verdict.right_and_cited, r.stage) for r in done.results] == [("m-1", True, None)]
    assert [c.id for c in done.skipped] == ["m-2"]


# ── proposals ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.model
def test_proposals_are_valid_drafts_that_count_for_nothing(bot: GuideBot, corpus_dir: Path) -> None:
    from eval.cases import problems

    drafts = propose.from_tree(bot.index.clauses, bot.index.facts)
    text = "\n".join(bot.index.source_text(s.source) for s in bot.index.sources)
    assert len(drafts) > 40
    assert all(d.draft and d.expect == "answer" for d in drafts)
    assert len({d.id for d in drafts}) == len(drafts)
    standing = [p for d in drafts for p in problems([replace(d, guide="")], {"": text})]
    assert standing == []
    labels = {c.label for c in bot.index.clauses if c.kind == "field"}
    assert all(any(label in d.question for d in drafts) for label in labels)
    known = load()
    assert len(propose.new_only(drafts, known)) <= len(drafts)
    assert propose.new_only(drafts, drafts) == []


def test_proposals_from_the_log_of_the_chat_page(tmp_path: Path) -> None:
    """Through the log's own schema: what was refused or thumbed down, the most frequent first."""
    import sqlite3

    from bot.web.log import SCHEMA

    path = tmp_path / "log.sqlite3"
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    rows = [
        ("1", "去年批了几项？", "[]", "refused"), ("2", "去年批了几项？", "[]", "refused"), ("3", "补多少？", "[]", "answered"),
        ("4", "那乙呢？", '["甲补多少？"]', "answered"), ("5", "谁能报？", "[]", "answered"),
    ]  # fmt: skip
    for id_, question, past, status in rows:
        db.execute(
            "INSERT INTO asked(id, at, session, question, history, language, understood, status, answer, citations, confidence, latency_ms, fingerprint)"
            " VALUES (?, '2026-01-01T00:00:00Z', 's', ?, ?, 'zh', '', ?, '', '[]', 0.5, 1.0, 'f')",
            (id_, question, past, status),
        )
    db.execute("INSERT INTO feedback VALUES ('4', '2026-01-01T00:00:00Z', 'down', '数字不对')")
    db.execute("INSERT INTO feedback VALUES ('5', '2026-01-01T00:00:00Z', 'up', '')")
    db.commit()
    db.close()
    drafts = propose.from_log(path)
    assert [(d.question, d.expect, d.type) for d in drafts] == [
        ("去年批了几项？", "refuse", "unanswerable"),
        ("那乙呢？", "answer", "followup"),
    ]
    assert drafts[1].history == ("甲补多少？",)
    assert "2 times" in drafts[0].note
    assert "数字不对" in drafts[1].note
    with pytest.raises(CasesError, match="no such log"):
        propose.from_log(tmp_path / "none.sqlite3")


# ── calibration ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_fit_mends_overconfidence_and_keeps_the_order() -> None:
    raw = [0.9] * 60 + [0.6] * 40
    right = [True] * 42 + [False] * 18 + [True] * 12 + [False] * 28
    platt = calibrate.fit(raw, right)
    assert platt(0.9) == pytest.approx(0.7, abs=0.04)
    assert platt(0.6) == pytest.approx(0.3, abs=0.06)
    assert platt(0.2) < platt(0.5) < platt(0.8)
    after = [platt(r) for r in raw]
    assert metrics.expected_calibration_error(after, right) < metrics.expected_calibration_error(raw, right) / 3


@pytest.mark.parametrize("right", [True, False])
def test_the_fit_promises_no_certainty_from_few_cases(right: bool) -> None:
    platt = calibrate.fit([0.7] * 5, [right] * 5)
    assert 0.05 < platt(0.7) < 0.95


def test_a_map_is_read_as_written_and_can_be_undone(tmp_path: Path) -> None:
    maps = {"answered": calibrate.Platt(0.8, -0.3), "refused": calibrate.Platt(1.4, 0.2)}
    file = tmp_path / "confidence.toml"
    file.write_text(calibrate.toml(maps, {"answered": 3, "refused": 4}), "utf-8")
    assert calibrate.read(file) == maps
    assert calibrate.read(tmp_path / "none.toml") == {}
    for raw in (0.05, 0.5, 0.9):
        assert maps["answered"].inverse(maps["answered"](raw)) == pytest.approx(raw)


# ── public yardstick ────────────────────────────────────────────────────────────────────────────────────────────


def squad(texts: list[tuple[str, str, str]]) -> str:
    paragraphs = [
        {"context": c, "qas": [{"id": f"q{n}", "question": q, "answers": [{"text": a, "answer_start": c.find(a)}]}]}
        for n, (c, q, a) in enumerate(texts)
    ]
    return json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]})


@pytest.mark.model
def test_public_measures_on_a_small_set_in_its_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chinese = [
        ("青石河发源于白云岭，全长一百二十公里，流经三个县，沿岸以种植柑橘为主要产业。", "青石河发源于哪里？", "白云岭"),
        ("沙湾天文台建于一九五八年，主镜口径为一点二米，台长由大学天文系教授兼任。", "沙湾天文台建于哪一年？", "一九五八年"),
        ("银杏镇的集市每逢农历初五开放，主要交易竹器、茶叶和手工纸，吸引四方商贩。", "银杏镇集市什么时候开放？", "农历初五"),
    ]
    english = [("c", "Where does the Qingshi river rise?", "c"), ("c", "When was the observatory built?", "c"), ("c", "When is the market open?", "c")]
    (tmp_path / "xquad.zh.json").write_text(squad(chinese), "utf-8")
    (tmp_path / "xquad.en.json").write_text(squad(english), "utf-8")
    data = public.measure(tmp_path, Settings(today=TODAY))
    assert (data["questions"], data["paragraphs"]) == (3, 3)
    assert data["retrieval"]["zh→zh"]["BM25"]["hit@1"] == 1
    assert data["retrieval"]["zh→zh"]["default path"]["hit@1"] == 1
    assert set(data["retrieval"]["en→zh"]) == {"BM25", "first encoder alone", "default path"}
    text = public.report(data)
    assert "XLM-R Large" in text
    assert "goal of the default path" in text


def test_public_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert public.main([str(tmp_path)]) == 1
    assert "xquad.zh.json is missing" in capsys.readouterr().err
    (tmp_path / "xquad.zh.json").write_text("[]", "utf-8")
    assert public.main([str(tmp_path)]) == 1
    assert "SQuAD form" in capsys.readouterr().err


def test_public_data_is_read_in_place(shared_dir: Path) -> None:
    paragraphs, asked = public.load(shared_dir / "data" / "xquad")
    assert (len(paragraphs), len(asked)) == (240, 1190)
    assert all("\n" not in p for p in paragraphs)
    assert not list(ROOT.glob("**/xquad*.json"))


def test_reading_by_hand() -> None:
    asked = [public.Asked("a", "", "", 0, ("三年",)), public.Asked("b", "", "", 0, ("甲、乙",))]
    found = public.reading([("answered", "共 三 年[1]。"), ("refused", "甲乙")], asked)
    assert found == {"answered": 0.5, "contains answer": 0.5, "EM": 0.0, "F1": pytest.approx(0.4)}
    assert os.sep not in public.plain("a/b·c")


# ── peers ───────────────────────────────────────────────────────────────────────────────────────────────────────

TWINS = "甲项目\n经费：60万元。期限：3年内\n乙项目\n经费：60万元。期限：2年内"


def test_a_piece_covers_the_evidence_at_its_place_only() -> None:
    second = TWINS.rfind("60万元")
    gold = [(second, second + 4)]
    assert not compare.covers("甲项目\n经费：60万元。", TWINS, gold)
    assert compare.covers("乙项目\n经费：60万元。", TWINS, gold)
    assert compare.covers("乙项目 经费：60万元。", TWINS, gold)  # a splitter made a blank of the line break
    assert not compare.covers("期限：2年内", TWINS, gold)
    assert not compare.covers("不在原文", TWINS, gold)
    figures = compare.score([["甲项目", "乙项目\n经费：60万元"], []], TWINS, [gold, gold])
    assert (figures["hit@1"], figures["hit@3"], figures["MRR"]) == (0.0, 0.5, 0.25)


@pytest.mark.model
def test_a_peer_that_is_not_installed_is_named_and_left_out(real_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        import txtai  # noqa: F401
    except ImportError:
        assert compare.main(["--index", str(real_index), "--limit", "3", "--systems", "txtai"]) == 0
        assert "- txtai: not installed; run: make compare" in capsys.readouterr().out


@pytest.mark.model
@pytest.mark.slow
def test_this_bot_is_measured_in_a_process_of_its_own(real_index: Path, tmp_path: Path) -> None:
    out = tmp_path / "compare.json"
    both = ["this bot", "this bot, one encoder"]
    assert compare.main(["--index", str(real_index), "--limit", "6", "--systems", *both, "--out", str(out)]) == 0
    figures, alone = (json.loads(out.read_text("utf-8"))["systems"][name] for name in both)
    assert figures["hit@10"] > 0.6
    assert alone["hit@10"] > 0.6
    assert alone["memory_mb"] < figures["memory_mb"] - 20  # the second encoder is not there
    assert figures["memory_mb"] > 10
    assert figures["p50_ms"] > 0
