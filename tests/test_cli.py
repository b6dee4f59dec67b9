"""The contract of the command line: exit codes, one-line errors, JSON shapes, batches, pipes, any locale."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from bot.cli import main
from bot.settings import Settings
from tests.conftest import ROOT, TODAY
from tests.test_general import specific

COMMANDS = ("index", "ask", "search", "show", "serve", "log", "export-model", "hash-password")
QUESTION = "西藏项目最多补助多少"
HEAVY = ("torch", "transformers", "sentence_transformers", "gradio", "fastapi", "langchain_text_splitters", "pandas")
GUIDE = "一、项目名称：甲类项目\n（一）乙项目\n申报主体：企业\n补助经费：20万元以内\n（二）丙项目\n申报主体：高校\n补助经费：80万元以内\n"


@pytest.fixture
def home(real_settings: Settings, real_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own; the settings point to the real index."""
    del real_index
    monkeypatch.chdir(tmp_path)
    for name, value in environment(real_settings).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def environment(real_settings: Settings) -> dict[str, str]:
    return {"BOT_CORPUS": str(real_settings.corpus), "BOT_INDEX": str(real_settings.index), "BOT_TODAY": TODAY, "BOT_LOG": "0"}


@pytest.fixture
def own(home: Path, real_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with a copy of corpus and index that may be spoiled."""
    shutil.copytree(real_settings.corpus, home / "corpus")
    shutil.copytree(real_settings.index, home / "index")
    monkeypatch.setenv("BOT_CORPUS", "corpus")
    monkeypatch.setenv("BOT_INDEX", "index")
    return home


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    try:
        code = main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def failed(capsys: pytest.CaptureFixture[str], code: int, *argv: str) -> str:
    """A command fails with this code, one line on standard error and nothing on standard output. Returns the line."""
    got, out, err = run(capsys, *argv)
    assert (got, out) == (code, ""), err
    assert err.startswith("bot: ") and err.count("\n") == 1 and err.endswith("\n"), err
    assert "Traceback" not in err
    return err


def spoken(env: dict[str, str], *argv: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "bot", *argv], env=os.environ | {"PYTHONPATH": str(ROOT)} | env, capture_output=True, timeout=120, **more)


# --- help -----------------------------------------------------------------------------------------------------------------


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"bot {__version__}\n", "")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_and_no_name_of_a_guide(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, err = run(capsys, *([command] if command else []), "--help")
    assert (code, err) == (0, "")
    assert "example" in out and "例子" in out and f"bot {command}".strip() in out.split("例子")[1]
    assert not [w for w in specific().words if w in out]


def test_every_command_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 2
    assert all(f"\n    {c}" in out for c in COMMANDS)


@pytest.mark.parametrize(
    "argv",
    [
        ["nope"], ["ask"], ["ask", "--nope"], ["ask", "a", "b"], ["ask", "--batch", "in.jsonl"], ["ask", "x", "--batch", "in.jsonl", "--out", "o"],
        ["ask", "--batch", "missing.jsonl", "--out", "o"], ["search"], ["search", "-k", "x", "a"], ["search", "-k", "0", "a"], ["search", "-k", "-3", "a"],
        ["show"], ["show", "a", "--tree", "b"], ["serve", "--port", "x"], ["export-model"], ["index", "--corpus"], ["index", "--corpus", "missing"],
        ["index", "--corpus", "missing\nfile"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_2_and_one_line(home: Path, capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    failed(capsys, 2, *argv)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("BOT_TODAY", "tomorrow"), ("BOT_PORT", "x"), ("BOT_LOG", "perhaps")])
def test_a_wrong_setting_is_2(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    del home
    monkeypatch.setenv(name, value)
    assert name[4:].lower() in failed(capsys, 2, "ask", QUESTION)


# --- ask ----------------------------------------------------------------------------------------------------------------------

ANSWER = {"id", "status", "answer", "citations", "hits", "understood", "confidence", "latency_ms"}
CITATION = {"clause_id", "path", "label", "text", "spans", "source", "start", "end"}
HIT = {"clause_id", "path", "label", "text", "score"}


def check_answer(row: dict[str, Any], source: str) -> None:
    """The shape of the contract; more fields may come."""
    assert row.keys() >= ANSWER
    assert row["status"] in ("answered", "clarify", "refused")
    assert isinstance(row["answer"], str) and isinstance(row["understood"], str)
    assert 0 <= row["confidence"] <= 1 and row["latency_ms"] > 0
    for c in row["citations"]:
        assert c.keys() >= CITATION
        assert source[c["start"] : c["end"]] == c["text"]
        assert all(0 <= a < b <= len(c["text"]) for a, b in c["spans"])
    for h in row["hits"]:
        assert h.keys() >= HIT and isinstance(h["score"], float)


@pytest.fixture(scope="module")
def source(bot: Any) -> str:
    return str(bot.index.source_text(bot.index.clauses[0].source))


def test_ask(home: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    del home
    code, out, err = run(capsys, "ask", QUESTION)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("60万元以内[1]") and lines[1].startswith("理解为：西藏科技对口支援项目")
    assert lines[2].startswith("[1] ") and "建议财政补助经费" in lines[2]
    code, out, err = run(capsys, "ask", QUESTION, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    row = json.loads(out)
    check_answer(row, source)
    assert row["status"] == "answered" and "60万元以内" in row["answer"] and row["citations"][0]["label"] == "建议财政补助经费"
    assert row["citations"][0]["path"][-1] == "（四）西藏科技对口支援项目" and len(row["hits"]) == 10


def test_a_refusal_is_3(home: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    del home
    code, out, err = run(capsys, "ask", "印度项目补助多少", "--json")
    assert (code, err) == (3, "")
    row = json.loads(out)
    check_answer(row, source)
    assert row["status"] == "refused" and row["hits"], "the best clauses are shown all the same"
    assert run(capsys, "ask", "印度项目补助多少")[0] == 3


def test_a_question_back_is_0(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del home
    code, out, _ = run(capsys, "ask", "申报要求是什么", "--json")
    assert (code, json.loads(out)["status"]) == (0, "clarify")


def test_options_of_ask(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del home
    assert run(capsys, "ask", "--history", QUESTION, "--history", "挪威的截止时间", "那以色列呢")[1].startswith("外方截止时间为2025年7月3日")
    assert run(capsys, "ask", "补助多少", "--section", "青海科技对口支援项目", "--field", "实施期限")[1].startswith("3年内[1]（青海")
    assert run(capsys, "ask", QUESTION, "--edition", "2026")[0] == 0
    assert "1999" in failed(capsys, 1, "ask", QUESTION, "--edition", "1999")
    assert "elsewhere" in failed(capsys, 1, "ask", QUESTION, "--guide", "elsewhere")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (QUESTION.encode(), 0), (b"\xef\xbb\xbf" + QUESTION.encode() + b"\r\n", 0), ("印度项目补助多少\n".encode(), 3), (b"", 2), (b" \n\t", 2), (b"\x00", 2),
        ("补".encode() * 400_000, 2), (b"x" * (1 << 20), 2), ("西藏\x00补助多少".encode(), 0), (b"\xff\xfe\xed\xa0\x80" + QUESTION.encode(), 0),
        (("\ufdfa" * 50).encode(), None), (QUESTION.encode("gb18030"), None),
    ],
    ids=["plain", "bom", "refused", "empty", "blank", "nul", "1MB zh", "1MB", "nul inside", "bad bytes", "grows", "gb18030"],
)  # fmt: skip
def test_a_question_on_standard_input(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: bytes, code: int | None
) -> None:
    del home
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
    if code == 2:
        failed(capsys, 2, "ask", "-")
        return
    got, out, err = run(capsys, "ask", "-")
    assert got in ((0, 3) if code is None else (code,)) and out and err == ""


@pytest.mark.parametrize("question", ["", " ", "\x00", "\u200b", "补" * 3000, "x" * 1_000_000], ids=["empty", "blank", "nul", "invisible", "long", "1MB"])
def test_empty_and_overlong_questions_are_2(home: Path, capsys: pytest.CaptureFixture[str], question: str) -> None:
    del home
    assert len(failed(capsys, 2, "ask", question)) < 300
    failed(capsys, 2, "search", question)


@pytest.mark.parametrize("question", ["\udcff西藏补助多少", "\ud800", "西藏\x00补助多少", "\u202e西藏补助多少", "\ufdfa" * 50], ids=range(5))
def test_odd_characters_break_no_output(home: Path, capsys: pytest.CaptureFixture[str], question: str) -> None:
    del home
    for more in ([], ["--json"]):
        code, out, err = run(capsys, "ask", question, *more)
        assert code in (0, 3) or (code, out, err.count("\n")) == (2, "", 1)
        assert not more or code == 2 or json.loads(out)


# --- batch --------------------------------------------------------------------------------------------------------------------


def test_a_batch_keeps_order_and_reports_damaged_lines(home: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    good = {"id": "a", "question": QUESTION}
    lines = [
        json.dumps(good).encode(), b"{broken", json.dumps({"id": "b", "question": "那四川呢", "history": [QUESTION]}).encode(), b"\xff\xfe", b"",
        b'{"id": "c"}', b'{"id": "d", "question": "x", "history": "y"}', b'["list"]', b'{"id": "e", "question": ""}',
        json.dumps({"id": "f", "question": "补" * 5000}).encode(), "{\"id\": \"g\", \"question\": \"印度项目补助多少\"}".encode(),
        b'{"id": "h", "question": "\\ud800"}', json.dumps({"question": "\ufdfa" * 50}).encode(), b"[" * 100_000,
        json.dumps({"id": "z", "question": "挪威的截止时间", "note": "more fields are no harm"}).encode(),
    ]  # fmt: skip
    (home / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    code, out, err = run(capsys, "ask", "--batch", "in.jsonl", "--out", "out.jsonl")
    assert (code, out) == (1, "")
    assert err.startswith("bot: ") and err.count("\n") == 1
    rows = [json.loads(line) for line in (home / "out.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == len(lines) - 1, "a line out for every line in that is not blank"
    bad = {r["line"]: r for r in rows if r["status"] == "error"}
    assert sorted(bad) == [2, 4, 6, 7, 8, 9, 10, 12, 14], "numbers as an editor shows them"
    assert str(len(bad)) in err
    for row in bad.values():
        assert row.keys() == {"id", "line", "status", "error"} and row["id"] is None and row["error"] and "\n" not in row["error"]
    told = [r for r in rows if r["status"] != "error"]
    assert [r["id"] for r in told] == ["a", "b", "g", None, "z"]
    for row in told:
        check_answer(row, source)
    assert "60万元以内" in told[0]["answer"] and "四川" in told[1]["understood"] and told[2]["status"] == "refused"
    assert "2025年9月25日" in told[-1]["answer"]
    assert sorted(p.name for p in home.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_batch_of_refusals_and_an_empty_one_are_0(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "in.jsonl").write_text('{"id": "a", "question": "印度项目补助多少"}\n', "utf-8")
    assert run(capsys, "ask", "--batch", "in.jsonl", "--out", "out.jsonl") == (0, "", "")
    (home / "in.jsonl").write_text("", "utf-8")
    assert run(capsys, "ask", "--batch", "in.jsonl", "--out", "out.jsonl") == (0, "", "")
    assert (home / "out.jsonl").read_text("utf-8") == ""


def test_a_batch_that_cannot_be_written_loses_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "in.jsonl").write_text(json.dumps({"id": "a", "question": QUESTION}), "utf-8")
    (home / "folder").mkdir()
    for out in ("missing/out.jsonl", "in.jsonl/out.jsonl", "folder"):
        assert out in failed(capsys, 2, "ask", "--batch", "in.jsonl", "--out", out)
    failed(capsys, 2, "ask", "--batch", "folder", "--out", "out.jsonl")
    assert sorted(p.name for p in home.iterdir()) == ["folder", "in.jsonl"]
    assert not list((home / "folder").iterdir())


# --- search, show ---------------------------------------------------------------------------------------------------------------


def test_search(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del home
    code, out, err = run(capsys, "search", "推荐函", "-k", "3", "--json")
    hits = json.loads(out)
    assert (code, err, len(hits)) == (0, "", 3)
    assert all(h.keys() >= HIT for h in hits) and "推荐函" in hits[0]["text"]
    assert [h["score"] for h in hits] == sorted((h["score"] for h in hits), reverse=True)
    code, out, _ = run(capsys, "search", "西藏", "补助经费", "-k", "1")
    assert code == 0 and "60万元以内" in out and out.startswith(" 1. ")
    assert len(json.loads(run(capsys, "search", "项目", "-k", "100000", "--json")[1])) > 10
    assert failed(capsys, 1, "search", "补助", "--guide", "elsewhere")


@pytest.mark.parametrize("words", ['"', "* OR", "NEAR(a b)", "补助:", "-x", "'; --", "()"])
def test_search_words_are_no_query_language(home: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    del home
    code, out, err = run(capsys, "search", "--json", "--", words)
    assert code == 0 and isinstance(json.loads(out), list) and "Traceback" not in err


def test_show(home: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    del home
    top = json.loads(run(capsys, "search", "西藏补助经费", "-k", "1", "--json")[1])[0]
    code, out, err = run(capsys, "show", top["clause_id"], "--json")
    shown = json.loads(out)
    assert (code, err) == (0, "")
    assert shown.keys() >= {"clause_id", "path", "label", "text", "source", "start", "end", "kind", "children", "facts"}
    assert [(f["kind"], f["value"], f["qualifier"]) for f in shown["facts"]] == [("amount", "600000 CNY", "以内")]
    assert source[shown["facts"][0]["start"] : shown["facts"][0]["end"]] == "60万元"
    assert "amount: 600000 CNY 以内" in run(capsys, "show", top["clause_id"])[1]
    code, out, _ = run(capsys, "show", "--tree", top["source"], "--json")
    tree = json.loads(out)
    assert code == 0 and top["clause_id"] in [c["clause_id"] for c in tree]
    assert [c["start"] for c in tree] == sorted(c["start"] for c in tree)
    code, plain, _ = run(capsys, "show", "--tree", top["source"])
    assert code == 0 and len(plain.splitlines()) == len(tree)
    assert failed(capsys, 1, "show", "no-such-clause")
    assert top["source"] in failed(capsys, 1, "show", "--tree", "no-such-file")


# --- index ------------------------------------------------------------------------------------------------------------------


def test_index_of_a_file_without_a_corpus(empty_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_LOG", "0")
    (empty_home / "guide.txt").write_text(GUIDE, "utf-8")
    code, out, err = run(capsys, "index", "--corpus", "guide.txt", "--index", "idx", "--check", "--json")
    assert (code, err) == (0, "") and isinstance(json.loads(out), dict)
    assert not (empty_home / "idx").exists(), "--check writes nothing"
    code, out, err = run(capsys, "index", "--corpus", "guide.txt", "--index", "idx")
    assert (code, err) == (0, "") and out
    code, out, err = run(capsys, "ask", "丙项目补助多少", "--index", "idx")
    assert code == 0 and "80万元以内" in out
    assert run(capsys, "index", "--corpus", "guide.txt", "--index", "idx", "--rebuild", "--json")[0] == 0
    (empty_home / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    code, out, err = run(capsys, "index", "--corpus", "guide.txt", "bad.pdf", "--index", "idx")
    assert code == 1 and "bad.pdf" in err and "Traceback" not in err
    assert run(capsys, "ask", "丙项目补助多少", "--index", "idx")[0] == 0, "the good file is still answered from"


def test_a_missing_index_is_1_and_says_how_to_build_one(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_home / "in.jsonl").write_text('{"question": "x"}\n', "utf-8")
    for argv in (["ask", "x"], ["search", "x"], ["show", "x"], ["serve"], ["ask", "--batch", "in.jsonl", "--out", "out.jsonl"], ["ask", "x", "--index", "no"]):
        assert "bot index" in failed(capsys, 1, *argv)
    assert failed(capsys, 1, "index"), "an empty corpus"
    assert not (empty_home / "out.jsonl").exists()


def test_a_stale_index_says_so(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guide = next(p for p in (own / "corpus").iterdir() if p.suffix == ".txt")
    guide.write_text(guide.read_text("utf-8") + "补充说明：无\n", "utf-8")
    code, out, err = run(capsys, "ask", QUESTION)
    assert (code, err.count("\n")) == (0, 1) and out
    assert guide.name in err and "bot index" in err


@pytest.mark.parametrize(("name", "how"), [("manifest.json", "cut"), ("vectors.faiss", "changed"), ("clauses.jsonl", "gone"), ("lexical.sqlite3", "cut")])
def test_a_damaged_index_is_1_and_says_how_to_mend_it(own: Path, capsys: pytest.CaptureFixture[str], name: str, how: str) -> None:
    file = next((own / "index").rglob(name))
    data = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(data[: len(data) // 2] if how == "cut" else data[:-9] + bytes(b ^ 1 for b in data[-9:]))
    assert "bot index" in failed(capsys, 1, "ask", QUESTION)


def test_an_index_of_another_model_is_1(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    del home
    monkeypatch.setenv("BOT_EMBEDDING_MODEL", "someone/another-model")
    assert "bot index" in failed(capsys, 1, "ask", QUESTION)


def test_an_unwritable_folder_is_1(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_home / "guide.txt").write_text(GUIDE, "utf-8")
    failed(capsys, 1, "index", "--corpus", "guide.txt", "--index", "guide.txt/idx")
    assert (empty_home / "guide.txt").read_text("utf-8") == GUIDE


# --- processes: imports, pipes, locales ------------------------------------------------------------------------------------


def test_ask_and_search_import_nothing_heavy(home: Path, real_settings: Settings) -> None:
    script = (
        "import sys\nfrom bot.cli import main\n"
        f"assert main(['ask', {QUESTION!r}]) == 0 and main(['search', '补助']) == 0 and main(['show', '--tree', 'keji-hezuo-2026']) == 0\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(ROOT)} | environment(real_settings), cwd=home, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stderr.decode()) == (0, "[]\n")


def test_utf8_whatever_the_locale(home: Path, real_settings: Settings) -> None:
    env = environment(real_settings) | {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = spoken(env, "ask", "-", cwd=home, input=QUESTION.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("utf-8").startswith("60万元以内[1]")
    assert b"\x1b" not in done.stdout, "no colours in a pipe"
    argument = spoken(env, "ask", QUESTION, "--json", cwd=home)
    assert argument.returncode == 0 and "60万元以内" in json.loads(argument.stdout.decode("utf-8"))["answer"]


def test_a_closed_pipe_is_no_error(home: Path, real_settings: Settings) -> None:
    command = f"{sys.executable} -m bot show --tree keji-hezuo-2026 --json | head -c 100"
    env = os.environ | {"PYTHONPATH": str(ROOT)} | environment(real_settings)
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], env=env, cwd=home, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr, len(done.stdout)) == (0, b"", 100)


@pytest.fixture
def kept(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of three questions, the middle one disliked."""
    from bot.web.log import Asked, Log

    path = empty_home / "log.sqlite3"
    monkeypatch.setenv("BOT_LOG_PATH", str(path))
    log = Log(path)
    for key, question in (("k1", "海岛项目补助多少"), ("k2", "山区医院能报吗"), ("k3", "Which hospital may apply?")):
        log.asked(Asked(key, "s", question, ("早先的问题",), "zh", "", "answered", f"答：{question}", ("c1",), 0.9, 1.0, "f"))
    log.feedback("k2", "down", "答非所问")
    log.close()
    return path


def on_disk(path: Path) -> str:
    return b"".join(p.read_bytes() for p in path.parent.glob(path.name + "*")).decode("utf-8", "replace")


def test_log_lists_what_was_asked(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "log", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["k3", "k2", "k1"]
    assert "👎" in out.splitlines()[1]
    code, out, _ = run(capsys, "log", "list", "HOSPITAL", "--json")
    row = json.loads(out)
    assert (row["id"], row["history"], row["citations"]) == ("k3", ["早先的问题"], ["c1"])
    assert [line.split()[0] for line in run(capsys, "log", "list", "答非所问")[1].splitlines()] == ["k2"]
    assert run(capsys, "log", "list", "没有人问过")[:2] == (0, "")


def test_log_deletes_by_id_and_its_bytes(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also while the page holds the file open."""
    from bot.web.log import Log

    serving = Log(kept)
    assert serving.flush()
    assert "山区医院能报吗" in on_disk(kept)
    assert run(capsys, "log", "delete", "k2")[0] == 0
    assert "山区医院能报吗" not in on_disk(kept)
    assert "答非所问" not in on_disk(kept)
    code, _, err = run(capsys, "log", "delete", "k2", "k1")
    assert (code, "no such id: k2" in err) == (1, True)
    assert [line.split()[0] for line in run(capsys, "log", "list")[1].splitlines()] == ["k3"]
    assert run(capsys, "log", "purge", "--days", "1")[0] == 0
    assert "k3" in run(capsys, "log", "list")[1]
    assert run(capsys, "log", "purge", "--days", "0")[0] == 0
    assert run(capsys, "log", "list")[1] == ""
    assert "hospital" not in on_disk(kept)
    serving.close()


@pytest.mark.parametrize("argv", [("delete",), ("purge",), ("purge", "k1", "--days", "3"), ("list", "--days", "-1")])
def test_log_wrong_usage(kept: Path, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    code, out, err = run(capsys, "log", *argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "海岛项目补助多少" in on_disk(kept)


def test_log_that_is_not_there_or_no_log(empty_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_LOG_PATH", "nowhere.sqlite3")
    assert run(capsys, "log", "list")[0] == 2
    assert not (empty_home / "nowhere.sqlite3").exists()
    (empty_home / "nowhere.sqlite3").write_text("这不是数据库" * 100, "utf-8")
    code, _, err = run(capsys, "log", "delete", "k1")
    assert (code, err.count("\n")) == (1, 1)
