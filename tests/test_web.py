"""The page without a browser: rendering, look-up, log, staff page, gate and server, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import json
import math
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BotError
from bot.library import diff
from bot.settings import Settings
from bot.types import Answer, Citation, ClauseId, Hit, Query, Segment, Table
from bot.web import api, gate, page, render, staff
from bot.web.bench import look_ups, p95
from bot.web.log import Asked, Log, mask
from bot.web.lookup import Lookup, fold
from bot.web.server import HEADER_DEADLINE
from bot.web.site import Site, View
from tests.conftest import ROOT, full
from tests.webfake import GUIDE, RENEWED, FakeBot, Served, guide_of

HOSTILE = (
    "<script>document.title='x'</script>", "<img src=x onerror=alert(1)>", "![a](http://evil.example/p)",
    "[a](javascript:alert(1))", "<a href='http://evil.example'>x</a>", "<style>*{display:none}</style>",
    "\"><svg onload=alert(1)>", "<iframe srcdoc='<p>'></iframe>", "</div></pre><form action=//evil.example>",
    "`x` **b** # h\n- l\n| a | b |", "&lt;b&gt;", "$$\\href{javascript:1}{x}$$", "\u202etxt.exe\u202c", "a\x00b",
)  # fmt: skip
ANY = st.text(max_size=60) | st.sampled_from(HOSTILE)


def settings_in(folder: Path, **more: Any) -> Settings:
    fixed = {
        "log_path": folder / "log.sqlite3",
        "contact": "咨询：示范市科技局",
        "reload_seconds": 0.0,
        "rate_per_minute": 100_000,
    }
    return Settings(**(fixed | more))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = settings_in(
        tmp_path_factory.mktemp("web"),
        allowed_hosts=("guide.example.test",),
        staff_password_hash=staff.hash_password("rosebud-9"),
    )
    with Served(settings, FakeBot()) as at:
        yield at


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as c:
        yield c


def chat(client: httpx.Client, question: str, session: str = "s1", chosen: str = "", prefix: str = "") -> list[str]:
    """Ask as the browser does: join the queue, read the events; the messages of the conversation as HTML."""
    body = {
        "data": [question, chosen, None],
        "fn_index": 0,
        "session_hash": session,
        "trigger_id": 1,
        "event_data": None,
    }
    joined = client.post(f"{prefix}/gradio_api/queue/join", json=body)
    joined.raise_for_status()
    with client.stream("GET", f"{prefix}/gradio_api/queue/data", params={"session_hash": session}) as events:
        for line in events.iter_lines():
            if line.startswith("data:"):
                message = json.loads(line[5:])
                if message["msg"] == "process_completed":
                    assert message["success"], message
                    return [m["content"][0]["text"] for m in message["output"]["data"][2]]
    raise AssertionError("the stream ended without an answer")


# --- rendering -------------------------------------------------------------------------------------------------------


def answer_of(texts: tuple[str, ...], status: str = "answered", **more: Any) -> Answer:
    """An answer made of the same hostile text in every place where text of others can stand."""
    a, b, c = (texts * 3)[:3]
    clause = guide_of(GUIDE, "demo")[1][4]
    clause = replace(clause, text=a, label=b, path=(c, a))
    cited = Citation(ClauseId(b), (c, a), b, a, ((0, len(a)),), c, 0, len(a), a, b, more.pop("url", a))
    segments = (Segment("template", b), Segment("verbatim", a, 0, 0, len(a)), Segment("mark", "[1]", 0))
    query = Query(a, "zh", b)
    return Answer(
        status, "".join(s.text for s in segments), segments, (cited,), (Hit(clause, 1.0, 1, "fused"),), c, 0.5, (a, b), query,
        missing=c, notices=(a,), **more,
    )  # type: ignore[arg-type]  # fmt: skip


TAGS = frozenset(
    [
        "div",
        "p",
        "span",
        "a",
        "details",
        "summary",
        "ol",
        "ul",
        "li",
        "blockquote",
        "mark",
        "button",
        "pre",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ]
)


@given(st.tuples(ANY, ANY, ANY), st.sampled_from(["answered", "refused", "clarify"]))
def test_nothing_of_a_text_becomes_markup(texts: tuple[str, str, str], status: str) -> None:
    from lxml import html

    page_html = render.answer_html(answer_of(texts, status), "k1", question=texts[0], contact=texts[1])
    assert "\n" not in page_html
    tree = html.fragment_fromstring(page_html)
    for node in tree.iter():
        assert node.tag in TAGS
        assert not [k for k in node.attrib if k.startswith("on") or k in ("style", "src", "srcdoc")]
        href = node.get("href", "")
        assert href == "" or href.startswith("?") or re.match(r"https?://[a-z0-9.\-]+", href)
        if href.startswith("http"):
            assert node.get("rel") == "noopener noreferrer"


def test_an_answer_shows_its_parts() -> None:
    bot = FakeBot()
    shown = render.answer_html(bot.ask("海岛的资助金额"), "k", question="海岛的资助金额")
    assert '<span class="said">80万元以内</span>' in shown
    assert 'href="?clause=' in shown
    assert "以原文为准" in shown
    assert 'href="https://www.example.org/guide"' in shown
    assert "您还可以问" in shown
    refused = render.answer_html(bot.ask("海岛的验收标准"), "k", question="", contact="咨询：某处")
    for part in ("指南中没有找到答案", "缺少：", "最接近的条款", "咨询：某处"):
        assert part in refused


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.example.org/a?b=1", True), ("http://example.org", True), ("javascript:alert(1)", False),
        ("https://a@evil.example", False), ("https://ехample.org", False), ("data:text/html,x", False), ("//evil.example", False),
        ("https://example.org/\u202egnp", False), ("ftp://example.org", False), ("https://[::1", False),
    ],
)  # fmt: skip
def test_only_plain_links_are_links(url: str, kept: bool) -> None:
    assert bool(render.safe_url(url)) is kept
    assert ("<a " in render.linked(f"见{url}。")) is kept


def test_copied_markdown_shows_the_same_text() -> None:
    """Rendered by a Markdown reader, what was copied is text: no link but the official one, no image, no HTML."""
    from markdown_it import MarkdownIt

    for text in HOSTILE:
        shown = (
            MarkdownIt("commonmark", {"html": True})
            .enable("table")
            .render(render.answer_markdown(answer_of((text,) * 3)))
        )
        assert not re.search(r"<(script|img|svg|iframe|form|style|h1|ul)\b", shown), text
        assert not re.search(r"href=\"(?!https?://)", shown)


def test_copied_clause_names_where_it_stands() -> None:
    guide, clauses, _ = guide_of(GUIDE, "demo", edition="2030", title="某指南")
    text = render.clause_text(clauses[5], guide)
    assert text.split("\n")[0] == "资助金额：80万元以内"
    assert (
        "《某指南》（2030） › 示范市2030年度协作计划申报指南 › 一、协作类项目 › （一）海岛协作项目 › 资助金额" in text
    )
    assert text.endswith("官方原文：https://www.example.org/guide\n以原文为准")


# --- look-up and table -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def view() -> View:
    return View(FakeBot().index)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("海岛 金额", "资助金额：80万元以内"), ("hdxz 金额", "资助金额：80万元以内"), ("haidao 主体", "申报主体：企业、高校"), ("45万", "资助金额：45万元以内"),
        ("450000", "资助金额：45万元以内"), ("４５ 万元", "资助金额：45万元以内"), ("海島 金額", "资助金额：80万元以内"), ("中药材", "主要内容：面向山区县，支持中药材种植与加工。"),
        ("sqxz资助", "资助金额：45万元以内"), ("山区的资助金额", "资助金额：45万元以内"), ("限报1项", "申报要求：海岛县须提供合作证明，每家单位限报1项。"),
    ],
)  # fmt: skip
def test_lookup_finds(view: View, words: str, first: str) -> None:
    found, total = view.lookup.search(words, 5)
    assert total >= 1
    assert found[0].clause.text == first


def test_lookup_filters_and_marks(view: View) -> None:
    section = next(c for c in view.index.clauses if c.label == "（二）山区协作项目")
    found, total = view.lookup.search("", 50, section=section.clause_id)
    assert total == 5  # the heading and its four fields
    assert {f.clause.parent for f in found[1:]} == {section.clause_id}
    found, _ = view.lookup.search("万元", 5, field="资助金额")
    assert [f.clause.text[s:e] for f in found for s, e in f.text] == ["万元", "万元"]
    found, _ = view.lookup.search("sq 金额", 5)  # initials at the start of a section's name come first, and are marked
    assert [found[0].clause.path[-1][s:e] for s, e in found[0].path[-1]] == ["山区"]


@given(st.text(max_size=12))
def test_lookup_bears_anything_and_marks_what_it_found(words: str) -> None:
    lookup = Lookup(*(FAKE.clauses, FAKE.facts, FAKE.guides))
    found, total = lookup.search(words, 8)
    assert total >= len(found)
    for f in found:
        assert all(0 <= s < e <= len(f.clause.text) for s, e in f.text)


FAKE = FakeBot().index


@given(st.text(max_size=30))
def test_folding_keeps_offsets(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_table_and_its_files(view: View) -> None:
    from openpyxl import load_workbook

    data = api.table_json(view, "demo")
    assert data["labels"][:3] == ["主要内容", "申报主体", "资助金额"]
    assert [[c["sort"] for c in r["cells"][2:4]] for r in data["rows"]] == [[800_000.0, 24.0], [450_000.0, 36.0]]
    text = api.csv_bytes(view, "demo").decode("utf-8-sig")
    assert "80万元以内" in text
    sheet = load_workbook(io.BytesIO(api.xlsx_bytes(view, "demo"))).worksheets[0]
    assert [c.value for c in sheet[1]][:2] == ["指南", "项目"]
    assert sheet.cell(2, 5).value == "80万元以内"


@given(st.text(min_size=1, max_size=20) | st.sampled_from(["=1+1", "＝1", "@x", "\t=1", "-1", "+1", "\u200b=1", " =1"]))
def test_no_cell_is_a_formula(text: str) -> None:
    assert not api.safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


# --- log -------------------------------------------------------------------------------------------------------------


def personal(rng: random.Random) -> str:
    """A made-up personal number of a random kind in a random writing."""
    digits = "".join(rng.choice("0123456789") for _ in range(20))
    kind = rng.randrange(4)
    if kind == 0:
        raw = f"1{rng.choice('3456789')}{digits[:9]}"
        return rng.choice(
            [raw, f"{raw[:3]}-{raw[3:7]}-{raw[7:]}", f"{raw[:3]} {raw[3:7]} {raw[7:]}", f"+86{raw}", f"+86 {raw}"]
        )
    if kind == 1:
        body = f"{rng.randrange(110000, 659999)}19{rng.randrange(50, 99)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{digits[:3]}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]
    if kind == 2:
        body = "62" + digits[:16]
        total = sum(
            d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(int(c) for c in reversed(body))
        )
        card = body + str(-total % 10)
        return rng.choice([card, " ".join(card[i : i + 4] for i in range(0, 19, 4))])
    return f"u{digits[:6]}@{rng.choice(['example.com', 'mail.example.com.cn'])}"


def asked(key: str, question: str = "问", status: str = "refused", **more: Any) -> Asked:
    return Asked(key, "s", question, (), "zh", "", status, more.pop("answer", "答"), (), 0.5, 1.0, "f")


def test_no_personal_number_reaches_the_disk(tmp_path: Path) -> None:
    rng = random.Random(7)
    log = Log(tmp_path / "log.sqlite3")
    secrets_ = [personal(rng) for _ in range(1000)]
    for i, secret in enumerate(secrets_):
        wide = secret.translate({ord("0") + d: chr(0xFF10 + d) for d in range(10)}) if i % 7 == 0 else secret
        log.asked(replace(asked(str(i), f"我的号码{wide}，西藏能报吗", answer=f"您问的{secret}"), history=(wide,)))
        assert log.feedback(str(i), "down", f"联系{wide}")
    assert log.flush(30)
    on_disk = b"".join(f.read_bytes() for f in tmp_path.iterdir()).decode("utf-8", "replace")
    leaked = [s for s in secrets_ if s in on_disk or re.sub(r"[ \-]", "", s).removeprefix("+86") in on_disk]
    assert leaked == []
    assert "西藏能报吗" in on_disk
    log.close()


def test_amounts_and_document_numbers_stay() -> None:
    rng = random.Random(3)
    kept = 0
    for i in range(1000):
        n = rng.randrange(1, 10**9)
        text = rng.choice(
            [f"{n}元", f"{n / 100:.2f}万元", f"国科发〔20{i % 90 + 10}〕{n % 900}号", f"2025年{i % 12 + 1}月{i % 28 + 1}日", f"第{n % 99}条", f"{n},{n % 1000:03}元"]
        )  # fmt: skip
        kept += mask(text) == text
    assert kept >= 990


def test_log_survives_a_lock_and_a_full_buffer(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    log = Log(path)
    log.asked(asked("first"))
    assert log.flush()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.perf_counter()
        for i in range(500):
            log.asked(asked(str(i)))
        assert time.perf_counter() - began < 0.5  # the answers do not wait
        time.sleep(6 if full() else 2.5)
        other.execute("COMMIT")
    assert log.flush(20)
    assert (log.dropped, len(log.rows())) == (0, 501)
    log.close()


@pytest.mark.parametrize("fault", ["folder", "garbage", "newer", "missing"])
def test_log_that_cannot_be_written_breaks_nothing(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "log.sqlite3"
    if fault == "folder":
        path.mkdir()
    elif fault == "garbage":
        path.write_bytes(b"not a database" * 1000)
    elif fault == "missing":
        path = tmp_path / "no such folder" / "log.sqlite3"
    else:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 99")
    log = Log(path)
    log.asked(asked("x"))
    assert log.feedback("x", "up", "").result(10) is False
    assert log.problem
    assert log.dropped >= 1
    assert log.rows() == []
    log.close()


def test_retention_and_deletion(tmp_path: Path) -> None:
    now = [dt.datetime(2030, 1, 1, tzinfo=dt.UTC)]
    path = tmp_path / "log.sqlite3"
    log = Log(path, 30, now=lambda: now[0])
    for i in range(5):
        log.asked(asked(f"old{i}", "很久以前的问题"))
    log.flush()
    log.close()
    now[0] += dt.timedelta(days=31)
    log = Log(path, 30, now=lambda: now[0])
    log.asked(asked("new", "现在的问题"))
    log.feedback("new", "down", "不对")
    log.flush()
    log.close()
    on_disk = b"".join(f.read_bytes() for f in tmp_path.iterdir()).decode("utf-8", "replace")
    assert "很久以前的问题" not in on_disk
    log = Log(path, 30, now=lambda: now[0])
    assert [r["id"] for r in log.rows()] == ["new"]
    assert log.delete("new").result(5)
    log.close()
    assert "现在的问题" not in b"".join(f.read_bytes() for f in tmp_path.iterdir()).decode("utf-8", "replace")


def test_a_clock_that_jumps_does_not_empty_the_log(tmp_path: Path) -> None:
    now = [dt.datetime(2030, 1, 1, tzinfo=dt.UTC)]
    path = tmp_path / "log.sqlite3"
    log = Log(path, 30, now=lambda: now[0])
    for i in range(100):
        log.asked(asked(str(i)))
    log.flush()
    log.close()
    now[0] += dt.timedelta(days=365)
    log = Log(path, 30, now=lambda: now[0])
    log.asked(asked("x"))
    log.flush()
    log.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM asked").fetchone()[0] >= 50


KILLED = """
import sys
from pathlib import Path
from bot.web.log import Asked, Log
log = Log(Path(sys.argv[1]))
n = 0
while True:
    key = f"{sys.argv[2]}-{n}"
    log.asked(Asked(key, "s", "q", (), "zh", "", "refused", "a", (), 0.5, 1.0, "f"))
    if log.feedback(key, "down", "r").result(10):
        print(key, flush=True)
    n += 1
"""


def test_acknowledged_feedback_survives_kill(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    acknowledged: set[str] = set()
    rng = random.Random(1)
    for i in range(60 if full() else 6):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), str(i)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert child.stdout is not None
        acknowledged.add(child.stdout.readline().strip())
        time.sleep(rng.random() * 0.2)
        child.kill()
        acknowledged |= {line.strip() for line in child.stdout.read().splitlines(True) if line.endswith("\n")}
        child.stdout.close()
        child.wait()
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        kept = {r[0] for r in db.execute("SELECT asked_id FROM feedback")}
    assert acknowledged - {""} <= kept
    assert len(acknowledged) > 6


# --- staff -----------------------------------------------------------------------------------------------------------


def test_password_hash() -> None:
    stored = staff.hash_password("open sesame")
    assert staff.check_password("open sesame", stored)
    assert not staff.check_password("open sesam", stored)
    assert not staff.check_password("open sesame", "nonsense")
    assert stored != staff.hash_password("open sesame")


def test_staff_page_groups_and_exports(client: httpx.Client, served: Served) -> None:
    for q in ("火星移民补贴多少钱", "火星移民补贴多少", "<b>木星</b>怎么去"):
        client.post("/api/v1/ask", json={"question": q})
    served.gate.app.state.site.log.flush()
    assert "密码" in client.get("/staff").text
    assert client.get("/staff/cases.jsonl").status_code == 303
    assert client.post("/staff/login", data={"password": "wrong"}).status_code == 403
    ok = client.post("/staff/login", data={"password": "rosebud-9"})
    assert ok.status_code == 303
    assert "HttpOnly" in ok.headers["set-cookie"]
    shown = client.get("/staff").text
    assert "火星移民补贴多少（2）" in shown
    assert "<b>木星" not in shown
    cases = [json.loads(line) for line in client.get("/staff/cases.jsonl").text.splitlines()]
    assert {"id", "type", "lang", "persona", "question", "expect", "facts", "evidence", "note"} <= set(cases[0])
    assert cases[0]["expect"] == "refuse"
    client.post("/staff/logout")
    assert "密码" in client.get("/staff").text
    codes = [client.post("/staff/login", data={"password": "guess"}).status_code for _ in range(8)]
    assert codes[-1] == 429  # guessing is slow


# --- the gate over real sockets --------------------------------------------------------------------------------------


def test_chat_through_the_queue(client: httpx.Client, served: Served) -> None:
    one = chat(client, "海岛的资助金额", "chat1")
    assert "80万元以内" in one[1]
    two = chat(client, "那申报主体呢", "chat1")
    assert len(two) == 4
    bot = served.gate.app.state.site.bot
    assert bot.asked[-1][:2] == ("那申报主体呢", ("海岛的资助金额",))
    section = next(c.clause_id for c in bot.index.clauses if "山区" in c.label)
    three = chat(client, "那申报主体呢", "chat1", json.dumps({"section": section, "field": "申报主体"}))
    assert "科研机构" in three[-1]
    assert "80万元以内" not in "".join(chat(client, "山区的实施期限", "chat2"))  # another tab knows nothing of it
    assert "问题超过" in chat(client, "长" * 2001, "chat3")[-1]


def gradio_routes(served: Served) -> set[tuple[str, str]]:
    """Every route that the application has, with its parts filled in, as (method, path)."""
    found: set[tuple[str, str]] = set()

    def walk(routes: Any, prefix: str) -> None:
        for route in routes:
            path = prefix + getattr(route, "path", "")
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            if inner:
                walk(inner, path.rstrip("/") + (getattr(route, "prefix", "") or ""))
            for method in getattr(route, "methods", None) or ():
                found.add((method, re.sub(r"\{[^}]*\}", "x1", path)))

    walk(served.gate.app.routes, "")
    return found


def test_only_the_listed_routes_answer(client: httpx.Client, served: Served) -> None:
    """All routes are probed. A Gradio that brings a new one is noticed: the number of its routes is pinned."""
    routes = gradio_routes(served)
    reachable = set()
    for method, path in sorted(routes):
        if path.startswith(("/gradio_api/heartbeat", "/gradio_api/queue/data")):
            reachable.add((method, path))  # streams; asked for below
            continue
        answer = client.request(method, path, json={} if method in ("POST", "PUT") else None)
        if answer.status_code not in (404, 405):
            reachable.add((method, path))
    assert {p for _, p in reachable} == {
        "/", "/healthz", "/readyz", "/favicon.ico", "/bot/app.js", "/bot/app.css", "/theme.css", "/api/v1/page",
        "/api/v1/ask", "/api/v1/lookup", "/api/v1/table", "/api/v1/table.csv", "/api/v1/table.xlsx", "/api/v1/feedback",
        "/gradio_api/heartbeat/x1", "/gradio_api/queue/data", "/gradio_api/app_id", "/staff", "/staff/login", "/staff/logout", "/staff/cases.jsonl",
    }  # fmt: skip
    gradio = {path for _, path in routes if not path.startswith(("/api/v1", "/staff", "/bot", "/healthz", "/readyz"))}
    known = json.loads((ROOT / "tests" / "data" / "gradio_routes.json").read_text("utf-8"))
    assert sorted(gradio) == known, "Gradio's routes changed: read what the new ones do, then update the list"


DANGEROUS = [
    ("GET", "/config"), ("GET", "/gradio_api/info"), ("POST", "/gradio_api/upload"), ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/gradio_api/file=http://127.0.0.1:1/x"), ("GET", "/gradio_api/proxy=http://127.0.0.1:1/x"), ("POST", "/gradio_api/run/ask"),
    ("POST", "/gradio_api/api/ask"), ("POST", "/gradio_api/call/ask"), ("POST", "/gradio_api/component_server"), ("GET", "/monitoring"),
    ("GET", "/monitoring/summary"), ("POST", "/gradio_api/process_recording"), ("GET", "/gradio_api/mcp/sse"), ("POST", "/login"),
    ("GET", "/openapi.json"), ("GET", "/docs"), ("POST", "/gradio_api/reset"), ("POST", "/gradio_api/cancel"), ("DELETE", "/"),
    ("GET", "//etc/passwd"), ("GET", "/assets/..%2f..%2froutes.py"), ("GET", "/assets/%2e%2e/%2e%2e/routes.py"), ("GET", "/static/..%5c..%5cx"),
    ("GET", "/bot/..%2f..%2fapp.py"), ("GET", "/api/v1/guide/..%2f..%2fetc"), ("TRACE", "/"), ("GET", "/%00"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), DANGEROUS)
def test_dangerous_routes_are_shut(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code in (404, 405)
    assert "root:" not in answer.text
    assert "access-control-allow-origin" not in answer.headers


def test_no_file_comes_out(client: httpx.Client) -> None:
    """Traversal paths × prefixes: never a byte of a file that is not the page's."""
    steps = ["../" * n + target for n in (1, 4, 9) for target in ("etc/passwd", "pyproject.toml", "log.sqlite3")]
    coded = [s.replace("../", e) for s in steps for e in ("..%2f", "%2e%2e/", "..%5c", "%252e%252e%252f", "....//")]
    for prefix in ("/", "/assets/", "/static/fonts/", "/bot/", "/api/v1/clause/", "/gradio_api/file=", "/static/js/"):
        for path in coded if full() else coded[::3]:
            text = client.get(prefix + path).text
            assert "root:x" not in text
            assert "[project]" not in text
            assert "SQLite format" not in text


def test_private_functions_are_not_reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that somebody adds to the Blocks is not callable until it is named in PUBLIC."""
    import gradio as gr

    ran: list[str] = []
    build = page.blocks

    def with_admin(site: Site) -> Any:
        demo = build(site)
        with demo:
            gr.Button(visible=False).click(lambda: ran.append("admin"), None, None, api_name="admin")
        return demo

    monkeypatch.setattr(page, "blocks", with_admin)
    with Served(settings_in(tmp_path), FakeBot()) as at, httpx.Client(base_url=at.url, trust_env=False) as client:
        assert at.gate.settings.functions == {0, 1}
        for fn in (2, "2", 2.0, True, None, -1, [2], "admin"):
            body = {"data": [], "fn_index": fn, "session_hash": "x", "api_name": "admin"}
            answer = client.post("/gradio_api/queue/join", json=body)
            assert answer.status_code in (400, 404), (fn, answer.text)
        for path in ("/gradio_api/call/admin", "/gradio_api/run/admin", "/gradio_api/api/admin"):
            assert client.post(path, json={"data": []}).status_code == 404
        time.sleep(0.3)
        assert ran == []
        assert "80万元以内" in chat(client, "海岛的资助金额")[1]


@pytest.mark.parametrize(
    "data", [[{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], ["x", {"a": 1}], "x", None, [["x"]], [1]]
)
def test_only_plain_values_go_into_the_queue(client: httpx.Client, data: Any) -> None:
    answer = client.post("/gradio_api/queue/join", json={"data": data, "fn_index": 0, "session_hash": "x"})
    assert answer.status_code == 400


def test_large_bodies_are_refused_unread(served: Served) -> None:
    """413 comes while the client has sent only the head: the body is not read."""
    for path in ("/gradio_api/queue/join", "/api/v1/ask", "/api/v1/feedback"):
        with socket.create_connection(("127.0.0.1", served.port), 5) as s:
            began = time.perf_counter()
            s.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n".encode())
            assert s.recv(4096).startswith(b"HTTP/1.1 413")
            assert time.perf_counter() - began < 1
    with httpx.Client(base_url=served.url, trust_env=False) as c:
        chunks = (b"x" * 1024 for _ in range(40))
        assert c.post("/api/v1/ask", content=chunks).status_code == 413
        assert c.post("/api/v1/ask", json={"question": "长" * 2001}).status_code == 422


EVIL = "https://evil.example"


def test_foreign_hosts_and_origins_are_refused(client: httpx.Client, served: Served) -> None:
    paths = [("GET", "/"), ("GET", "/api/v1/page"), ("POST", "/api/v1/ask"), ("POST", "/gradio_api/queue/join")]
    for method, path in paths:
        for host in (
            "evil.example",
            "evil.example:7860",
            "guide.example.test.evil.example",
            "",
            "127.0.0.1.evil.example",
            "10.1.2.3",
        ):
            assert client.request(method, path, headers={"host": host}).status_code == 421
        for origin in (EVIL, "null", "http://localhost.evil.example", "https://guide.example.test@evil.example"):
            answer = client.request(method, path, headers={"origin": origin})
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
    good = {"host": "guide.example.test", "origin": "https://guide.example.test"}
    assert client.get("/", headers=good).status_code == 200
    assert client.post("/api/v1/ask", json={"question": "海岛的资助金额"}, headers=good).status_code == 200
    cross = {"sec-fetch-site": "cross-site"}
    assert client.post("/api/v1/ask", json={"question": "x"}, headers=cross).status_code == 403
    spoofed = {"x-forwarded-host": "evil.example"}  # not from a trusted proxy: as if it were not there
    assert "evil.example" not in client.get("/", headers=spoofed).text


def test_security_headers_everywhere(client: httpx.Client) -> None:
    for path in ("/", "/healthz", "/nothing", "/bot/app.js", "/theme.css", "/api/v1/page"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    first, second = (client.get("/").headers["content-security-policy"] for _ in range(2))
    assert first != second  # the nonce is fresh


def test_page_names_no_other_host(client: httpx.Client) -> None:
    shown = client.get("/").text
    scripts = re.sub(r"window\.gradio_config = .*?</script>", "", shown, flags=re.S)
    assert not re.findall(r"(?:src|href|content)=\"https?://[^\"]*", scripts)


HOSTILE_TEXT = st.text(st.characters(codec=None), max_size=80) | st.sampled_from(
    [
        "\ud800",
        "\udfff\ud800",
        "a\x00b",
        "\u202e\u2066",
        "\U000e0041" * 5,
        "\ufdfa" * 50,
        "=cmd|' /C calc'!A0",
        "\x1b[2J",
        "NaN",
        "\u2028",
    ]
)


def test_hostile_input_gives_no_server_error(client: httpx.Client, served: Served) -> None:
    """Through JSON, the queue, the look-up and the address: no 5xx, no traceback, one parseable log row each."""

    @given(HOSTILE_TEXT)
    def one(text: str) -> None:
        raw = json.dumps({"question": text, "history": [text]}).encode()
        answers = [
            client.post("/api/v1/ask", content=raw, headers={"content-type": "application/json"}),
            client.post("/api/v1/feedback", content=json.dumps({"id": text, "verdict": "up", "reason": text}).encode()),
            client.get("/api/v1/lookup", params={"q": text.encode("utf-8", "replace")}),
            client.get("/api/v1/guide/" + text.encode("utf-8", "replace").hex()[:80]),
        ]
        for answer in answers:
            assert answer.status_code < 500 or answer.json() == {"saved": False}, answer.text
            assert "Traceback" not in answer.text

    one()
    for body in (b"{", b"[" * 100_00, b'{"question": NaN}', b"\xff\xfe", b'"x"', b"", b'{"question": 1}', b"[]"):
        assert 400 <= client.post("/api/v1/ask", content=body).status_code < 500
    log = served.gate.app.state.site.log
    assert log.flush(20)
    with contextlib.closing(sqlite3.connect(log.path)) as db:
        rows = db.execute("SELECT question, history, answer FROM asked").fetchall()
    assert all("\x00" not in "".join(r) and isinstance(json.loads(r[1]), list) for r in rows)
    for text in ("\ud800" * 3, "\x00海岛的资助金额\x00"):
        body = json.dumps({"data": [text, "", None], "fn_index": 0, "session_hash": "sur"})
        headers = {"content-type": "application/json"}
        assert client.post("/gradio_api/queue/join", content=body.encode(), headers=headers).status_code == 200


def test_feedback_needs_a_known_answer(client: httpx.Client) -> None:
    key = client.post("/api/v1/ask", json={"question": "海岛的资助金额"}).json()["id"]
    assert client.post(
        "/api/v1/feedback", json={"id": key, "verdict": "down", "reason": "不对 13800138000"}
    ).json() == {"saved": True}
    assert client.post("/api/v1/feedback", json={"id": key, "verdict": "up"}).json() == {"saved": True}
    assert client.post("/api/v1/feedback", json={"id": "nobody", "verdict": "up"}).status_code == 503
    assert client.post("/api/v1/feedback", json={"id": key, "verdict": "maybe"}).status_code == 422


def test_json_routes(client: httpx.Client, served: Served) -> None:
    shown = client.get("/api/v1/page").json()
    assert shown["examples"]
    assert all(
        client.post("/api/v1/ask", json={"question": q}).json()["status"] == "answered" for q in shown["examples"]
    )
    found = client.get("/api/v1/lookup", params={"q": "海岛 金额"}).json()
    assert found["results"][0]["label"] == "资助金额"
    cid = found["results"][0]["clause_id"]
    clause = client.get(f"/api/v1/clause/{cid}").json()
    assert clause["text"] == "资助金额：80万元以内"
    assert clause["facts"][0]["value"] == "800000 CNY"
    missing = client.get(f"/api/v1/clause/{cid[:-2]}zz")
    assert missing.status_code == 404
    assert missing.json()["near"][0]["clause_id"] == cid
    guide = client.get("/api/v1/guide/demo").json()
    assert "".join(c["text"] for c in guide["clauses"]) == GUIDE.replace("\n", "")
    near = client.get("/api/v1/lookup", params={"q": "量子纠缠"}).json()
    assert near["how"] == "meaning"
    assert client.get("/api/v1/table.csv").headers["content-type"].startswith("text/csv")


def test_an_earlier_edition_says_so(tmp_path: Path) -> None:
    del tmp_path
    old = guide_of(GUIDE, "demo-2030", edition="2030", series="demo")
    new = guide_of(
        GUIDE.replace("2030", "2031").replace("80万元", "90万元"), "demo-2031", edition="2031", series="demo"
    )
    v = View(FakeBot([old, new]).index)
    clause = api.clause_json(v, old[1][5].clause_id)
    assert clause["newer"]["edition"] == "2031"
    assert clause["newer"]["clause_id"] == new[1][5].clause_id
    assert ["old", "8"] in clause["newer"]["diff"]
    assert ["new", "9"] in clause["newer"]["diff"]
    assert api.clause_json(v, new[1][5].clause_id)["newer"] is None


def test_the_page_and_the_command_find_the_same_counterpart() -> None:
    """`?clause=` of an earlier edition and `bot diff` take one rule, also where a project is gone and a new one reads
    nearly like it."""
    old = guide_of(GUIDE, "demo-2030", edition="2030", series="demo")
    new = guide_of(RENEWED, "demo-2031", edition="2031", series="demo")
    v = View(FakeBot([old, new]).index)
    told = {c.old.clause_id: c.new.clause_id for c in diff(old[1], new[1]) if c.old and c.new}
    shown = {c.clause_id: api.clause_json(v, c.clause_id)["newer"]["clause_id"] for c in old[1]}
    assert {old_id: new_id for old_id, new_id in shown.items() if new_id} == told
    gone = next(c for c in old[1] if c.text == "资助金额：80万元以内")
    assert shown[gone.clause_id] is None


def test_an_english_page_gets_english_examples(client: httpx.Client) -> None:
    examples = {lang: client.get(f"/api/v1/page?lang={lang}").json()["examples"] for lang in ("zh", "en", "fr")}
    assert "海岛协作项目的资助金额是多少？" in examples["zh"]
    assert "How much is the funding of 海岛协作项目?" in examples["en"]
    assert examples["fr"] == examples["en"]


def test_examples_are_answered_from_the_clause_they_are_made_of(bot: Any, real_settings: Settings) -> None:
    site = Site(real_settings, bot)
    for language in ("zh", "en"):
        made = site.examples(language)
        assert len(made) >= 4
        for example in made:
            answer = bot.ask(example)
            assert answer.status == "answered"
            assert answer.query.language.startswith(language)


def test_the_bench_looks_up_words_of_the_loaded_guides() -> None:
    index = FakeBot().index
    words = look_ups(index)
    assert {"hdxzxm", "haidaoxie", "资助金额", "800000 CNY", "80万元以内"} <= set(words)
    assert len(words) == len(set(words))
    assert p95([float(n) for n in range(101)]) == 95.0
    assert p95([2.0]) == 2.0
    assert p95([]) == math.inf


def test_a_table_stands_alone_only_where_it_says_all() -> None:
    def told(*texts: tuple[str, str]) -> Answer:
        cells = ((Segment("template", "甲项目"),), (Segment("verbatim", "10万元", 0, 0, 4), Segment("mark", "[1]", 0)))
        segments = tuple(Segment(kind, text) for kind, text in texts)  # type: ignore[arg-type]
        return Answer("answered", "".join(t for _, t in texts), segments, (), (), "", 0.9, table=Table(("项目", "金额"), (cells,)))

    repeats = told(("verbatim", "10万元"), ("template", "："), ("template", "甲项目"), ("mark", "[1]"))
    verdict = told(("template", "相同，均为"), ("verbatim", "10万元"))
    assert 'class="lead"' not in render.answer_html(repeats, "k", question="问")
    assert "相同，均为" in render.answer_html(verdict, "k", question="问")


# --- load, stopping, proxies -----------------------------------------------------------------------------------------


def test_buckets() -> None:
    now = [0.0]
    buckets = gate.Buckets(60, lambda: now[0])
    assert [buckets.wait("a") for _ in range(60)] == [0.0] * 60
    assert buckets.wait("a") == pytest.approx(1.0)
    assert buckets.wait("b") == 0
    now[0] = 1.01
    assert buckets.wait("a") == 0
    now[0] = -1e6  # a clock that runs back refuses nobody for long
    assert buckets.wait("c") == 0
    for i in range(gate.MAX_CLIENTS + 100):
        buckets.wait(str(i))
    assert len(buckets._buckets) <= gate.MAX_CLIENTS


def test_one_client_that_hammers_is_slowed_and_others_are_not(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, rate_per_minute=40, trusted_proxies=("127.0.0.1",))
    with Served(settings, FakeBot()) as at, httpx.Client(base_url=at.url, trust_env=False) as c:
        ask = {"question": "海岛的资助金额"}
        codes = [c.post("/api/v1/ask", json=ask, headers={"x-forwarded-for": "198.51.100.7"}) for _ in range(60)]
        assert [r.status_code for r in codes[:40]] == [200] * 40
        assert codes[-1].status_code == 429
        assert int(codes[-1].headers["retry-after"]) >= 1
        for i in range(20):  # others, and one who puts the hammerer's address in front of its own
            assert (
                c.post("/api/v1/ask", json=ask, headers={"x-forwarded-for": f"198.51.100.7, 203.0.113.{i}"}).status_code
                == 200
            )


async def burst(port: int, n: int, path: str, rate: float | None = None) -> list[tuple[int, float, dict[str, str]]]:
    """`n` questions, all at once or on a fixed schedule of `rate` a second, each on a connection of its own;
    status, seconds from the scheduled start, headers. An open model: a slow server does not slow the clients."""
    body = json.dumps({"question": "海岛的资助金额"}, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    began = time.perf_counter()

    async def one(i: int) -> tuple[int, float, dict[str, str]]:
        due = began + (i / rate if rate else 0)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        data = b""
        try:
            for _ in range(3):
                opened = time.perf_counter()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                late = time.perf_counter() - opened > HEADER_DEADLINE
                writer.write(head.encode() + body)
                data = await asyncio.wait_for(reader.read(), 180)  # who is answered, however busy the machine is
                writer.close()
                if data or not late:
                    break  # else it was this client that was held up, until its head came too late: it asks again
        except OSError:
            return 0, time.perf_counter() - due, {}
        lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split(" ")[1]) if lines[0] else 0, time.perf_counter() - due, fields

    return await asyncio.gather(*(one(i) for i in range(n)))


def test_overload_sheds_and_recovers(tmp_path: Path) -> None:
    """Far more than it can do: everybody is answered, with 200 or with 503 and Retry-After, and then all is well.
    The figures of an unloaded machine come from `python -m bot.web.bench`; here client and server share it with others."""
    with in_a_process(tmp_path, wait=0.02, max_in_flight=16) as (port, child):
        asyncio.run(burst(port, 40, "/api/v1/ask", 40))  # warm
        seconds = 10.0 if full() else 3.0
        held_up, began = waited(child.pid), time.perf_counter()
        results = asyncio.run(burst(port, int(400 * seconds), "/api/v1/ask", 400))
        at_work = time.perf_counter() - began - (waited(child.pid) - held_up)
        answered = sorted(r[1] for r in results if r[0] == 200)
        shed = [r for r in results if r[0] == 503]
        assert len(answered) + len(shed) == len(results)
        assert all("retry-after" in r[2] for r in shed)
        assert len(answered) > 15 * min(seconds, at_work)
        before, held_up = rss_mb(child.pid), waited(child.pid)
        n = 10_000 if full() else 1500
        results = asyncio.run(burst(port, n, "/api/v1/ask"))
        held_up = waited(child.pid) - held_up
        assert len([r for r in results if r[0] in (200, 503)]) == n
        assert shed or [r for r in results if r[0] == 503], "not an overload"
        assert max(r[1] for r in results) - held_up < 20
        assert rss_mb(child.pid) - before < 200
        time.sleep(1)
        began = time.perf_counter()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
        assert time.perf_counter() - began < 1
        assert [r[0] for r in asyncio.run(burst(port, 10, "/api/v1/ask", 10))] == [200] * 10


def waited(pid: int) -> float:
    """Seconds that the process's event loop was ready to run while others held the processors."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_a_question_whose_answer_is_not_fetched_frees_its_place() -> None:
    now = [0.0]
    admission = gate.Admission(2, lambda: now[0])
    admission.enter()
    token = admission.wait_for("gone")
    admission.enter()
    with pytest.raises(gate.Refused):
        admission.enter()
    now[0] = gate.TOKEN_LIFE + 1
    assert len(admission) == 1
    admission.drop(token)
    admission.leave()
    assert len(admission) == 0


def test_twenty_people_chat_at_once(served: Served) -> None:
    results: list[str] = []

    def one(i: int) -> None:
        with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as c:
            results.append(chat(c, "海岛的资助金额", f"crowd{i}")[1])

    people = [threading.Thread(target=one, args=(i,)) for i in range(20)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(results) == 20
    assert all("80万元以内" in r for r in results)


SERVE = """
import sys
from pathlib import Path
from bot.settings import Settings
from bot.web import serve
from tests.webfake import FakeBot
port, log, in_flight, wait = sys.argv[1:]
settings = Settings(port=int(port), log_path=Path(log), max_in_flight=int(in_flight), rate_per_minute=1_000_000)
sys.exit(serve(settings, FakeBot(wait=float(wait))))
"""


@contextlib.contextmanager
def in_a_process(
    folder: Path, *, wait: float, max_in_flight: int, port: int = 0
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server in a process of its own, ready; killed at the end if it still runs."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        port = int(s.getsockname()[1])
    arguments = [str(port), str(folder / "log.sqlite3"), str(max_in_flight), str(wait)]
    with subprocess.Popen([sys.executable, "-c", SERVE, *arguments], cwd=ROOT) as child:
        try:
            deadline = time.monotonic() + 60
            with httpx.Client(trust_env=False) as c:
                while True:
                    assert child.poll() is None
                    assert time.monotonic() < deadline
                    with contextlib.suppress(httpx.TransportError):
                        if c.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                            break
                    time.sleep(0.1)
            yield port, child
        finally:
            child.kill()


def taken_up(port: int) -> int:
    """Connections to the server whose request it has read."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(r[1].endswith(f":{port:04X}") and r[3] == "01" and r[4].endswith(":00000000") for r in rows)


def test_sigterm_finishes_what_is_under_way(tmp_path: Path) -> None:
    n = 50 if full() else 20
    with in_a_process(tmp_path, wait=16 / n, max_in_flight=64) as (port, child):  # 8 s of work for its two threads
        base = f"http://127.0.0.1:{port}"
        with (
            httpx.Client(base_url=base, trust_env=False, timeout=20) as c,
            httpx.Client(base_url=base, trust_env=False) as own,
        ):
            chats: list[str] = []
            asked_: list[tuple[int, float, dict[str, str]]] = []
            workers = [
                threading.Thread(target=lambda: asked_.extend(asyncio.run(burst(port, n, "/api/v1/ask")))),
                threading.Thread(target=lambda: chats.append(chat(own, "海岛的资助金额", "term")[1])),
            ]
            heartbeat = socket.create_connection(("127.0.0.1", port))
            heartbeat.sendall(b"GET /gradio_api/heartbeat/abc HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert heartbeat.recv(100).startswith(b"HTTP/1.1 200")
            for worker in workers:
                worker.start()
            deadline = time.monotonic() + 6  # a busy machine takes a while until all have arrived
            while taken_up(port) < n + 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.7)
            began = time.monotonic()
            child.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            assert c.get("/readyz").status_code == 503
            assert c.post("/api/v1/ask", json={"question": "海岛的资助金额"}).status_code == 503
            for worker in workers:
                worker.join()
            assert [r[0] for r in asked_] == [200] * n
            assert "80万元以内" in chats[0]
            assert child.wait(20) == 0
            assert time.monotonic() - began < 15
            heartbeat.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "log.sqlite3")) as db:
        assert db.execute("SELECT count(*) FROM asked").fetchone()[0] == n + 1  # everything is in the log


def test_a_port_in_use_is_one_clear_line(tmp_path: Path, served: Served) -> None:
    from bot.web import serve

    with pytest.raises(BotError, match=rf"{served.port}.*--port"):
        serve(settings_in(tmp_path, port=served.port), FakeBot())


def test_slow_heads_are_cut(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.web import server

    monkeypatch.setattr(server, "HEADER_DEADLINE", 0.5)
    slow = [socket.create_connection(("127.0.0.1", served.port), 10) for _ in range(100 if full() else 20)]
    for s in slow:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
    assert httpx.get(served.url + "/healthz", trust_env=False).status_code == 200
    began = time.monotonic()
    assert all(s.recv(10) == b"" for s in slow)
    assert time.monotonic() - began < 5
    for s in slow:
        s.close()


class Proxy(threading.Thread):
    """A small reverse proxy: /guide/… on its port goes to the server, with or without the prefix, X-Forwarded-* set."""

    def __init__(self, upstream: int, strip: bool) -> None:
        super().__init__(daemon=True)
        self.upstream, self.strip = upstream, strip
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.relay, args=(self.listener.accept()[0],), daemon=True).start()

    def relay(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError, IndexError),
            client,
            socket.create_connection(("127.0.0.1", self.upstream)) as server,
        ):
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            if self.strip:
                lines[0] = lines[0].replace(b" /guide/", b" /", 1)
            lines = [line for line in lines if not line.lower().startswith(b"connection:")]
            lines += [
                b"X-Forwarded-For: 203.0.113.5",
                b"X-Forwarded-Proto: https",
                b"X-Forwarded-Host: guide.example.test",
                b"Connection: close",
            ]
            server.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
            self.pump(server, client)

    @staticmethod
    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)

    def close(self) -> None:
        self.listener.close()


@pytest.mark.parametrize("strip", [True, False])
def test_behind_a_reverse_proxy(tmp_path: Path, strip: bool) -> None:
    settings = settings_in(
        tmp_path, root_path="/guide", allowed_hosts=("guide.example.test",), trusted_proxies=("127.0.0.0/8",)
    )
    with Served(settings, FakeBot()) as at:
        proxy = Proxy(at.port, strip)
        proxy.start()
        headers = {"host": "guide.example.test"}
        with httpx.Client(base_url=f"http://127.0.0.1:{proxy.port}", trust_env=False, headers=headers, timeout=20) as c:
            shown = c.get("/guide/").text
            assert '"root":"https://guide.example.test/guide"' in shown
            for link in re.findall(r"(?:src|href)=\"(\./[^\"]+|bot/[^\"]+)\"", shown):
                assert c.get("/guide/" + link.removeprefix("./")).status_code == 200, link
            assert c.get("/guide/api/v1/page").status_code == 200
            assert "80万元以内" in chat(c, "海岛的资助金额", prefix="/guide")[1]
            assert (
                c.post(
                    "/guide/api/v1/ask",
                    json={"question": "海岛的资助金额"},
                    headers={"origin": "https://guide.example.test"},
                ).status_code
                == 200
            )
            assert c.post("/guide/api/v1/ask", json={"question": "x"}, headers={"origin": EVIL}).status_code == 403
            if not strip:
                assert c.get("/guide").headers["location"] == "/guide/"
        proxy.close()


def test_a_new_index_is_taken_up_while_serving(real_settings: Settings, real_index: Path, tmp_path: Path) -> None:
    """A changed guide answers within moments of `bot index`, without a restart, and no request fails meanwhile."""
    from bot.index import build

    shutil.copytree(real_settings.corpus, tmp_path / "corpus")
    shutil.copytree(real_index, tmp_path / "index")
    settings = replace(
        real_settings, corpus=tmp_path / "corpus", index=tmp_path / "index", reload_seconds=0.2, rate_per_minute=100_000
    )
    with Served(settings) as at, httpx.Client(base_url=at.url, trust_env=False, timeout=30) as c:
        before = c.get("/healthz").json()["index"]
        (tmp_path / "corpus" / "extra.txt").write_text(GUIDE, "utf-8")
        (tmp_path / "corpus" / "corpus.toml").unlink(missing_ok=True)
        builder = threading.Thread(target=build, args=(settings,))
        builder.start()
        deadline = time.monotonic() + 180
        while c.get("/healthz").json()["index"] == before:
            assert c.post("/api/v1/ask", json={"question": "西藏项目最多补助多少"}).status_code == 200
            assert time.monotonic() < deadline
            time.sleep(0.1)
        builder.join()
        assert c.get("/api/v1/lookup", params={"q": "海水淡化"}).json()["total"] == 1


def test_the_real_bot_on_the_page(bot: Any, tmp_path: Path) -> None:
    site = Site(settings_in(tmp_path, log=False), bot)
    examples = site.examples()
    assert len(examples) >= 4
    exchange = site.ask(examples[0])
    assert exchange.answer is not None
    assert exchange.answer.status == "answered"
    shown = page.exchange_html(exchange, "")
    assert 'class="said"' in shown
    assert 'class="cite"' in shown
    assert "".join(s.text for s in exchange.answer.segments) == exchange.answer.text
    assert api.table_json(site.view, "")["rows"]
    section, field = exchange.section, exchange.field
    assert section in site.view.index.by_id
    assert field in {label for g in site.view.choices for label in g["fields"]}


def test_what_stands_beside_an_answer_is_set_back_up_to_the_next_line() -> None:
    texts = [("verbatim", "甲"), ("template", "\n"), ("template", "另见："), ("verbatim", "乙"), ("template", "\n"), ("verbatim", "丙")]
    answer = replace(answer_of(["问", "甲"], "answered"), segments=tuple(Segment(kind, text) for kind, text in texts))  # type: ignore[arg-type]
    lead = render.answer_html(answer, "k", question="问").split('class="lead">')[1].split("</p>")[0]
    said = '<span class="said">{}</span>'.format
    assert lead == f'{said("甲")}<br><span class="also">另见：{said("乙")}</span><br>{said("丙")}'
