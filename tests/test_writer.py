"""The optional language model: obedient, hostile, slow and broken endpoints change nothing that the guide does not say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.settings import Settings
from bot.types import Clause, ClauseId
from bot.writer import BREAK_AFTER, EndpointWriter, drafted

MONEY = Clause(
    ClauseId("g.money"), ("某指南", "（一）北山项目"), "补助经费", "补助经费：80万元以内", "a.txt", 10, 22, "field"
)
LINK = Clause(
    ClauseId("g.link"), ("某指南", "（一）北山项目"), "网址", "网址：https://apply.example.org/a，2027年3月1日截止", "a.txt", 30, 64, "field"
)


def reply(*statements: Any) -> bytes:
    content = json.dumps({"statements": list(statements)}, ensure_ascii=False)
    return json.dumps({"choices": [{"message": {"content": content}}]}, ensure_ascii=False).encode()


def written(*statements: Any) -> list[str]:
    writer = EndpointWriter(Settings(llm_base_url="http://127.0.0.1:9/v1"), lambda *_: reply(*statements))
    return [s.text for s in writer.write("北山项目最多补助多少", [MONEY, LINK])]


@pytest.mark.parametrize(
    "statement",
    [
        {"text": "最多补助80万元。", "ids": ["c1"]},
        {"text": "Up to RMB 800,000.", "ids": ["c1"]},
        {"text": "指南写明“80万元以内”。", "ids": ["c1"]},
        {"text": "在 https://apply.example.org/a 申报，2027年3月1日截止。", "ids": ["c2"]},
    ],
)
def test_what_the_clauses_hold_is_kept(statement: dict[str, Any]) -> None:
    assert len(written(statement)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        {"text": "最多补助500万元。", "ids": ["c1"]},  # another number
        {"text": "最多补助80万元。", "ids": ["c2"]},  # the number of another clause
        {"text": "最多补助80万元。", "ids": ["c9"]},  # no such clause
        {"text": "最多补助80万元。", "ids": []},
        {"text": "见 https://evil.example/a 。", "ids": ["c2"]},
        {"text": "2027年3月2日截止。", "ids": ["c2"]},
        {"text": "指南写明“80万元以上”。", "ids": ["c1"]},  # not the guide's words
        {"text": "挪威也可以申报。", "ids": ["c1"]},  # a place that no clause names
        {"text": "", "ids": ["c1"]},
        {"text": 7, "ids": ["c1"]},
        {"ids": ["c1"]},
        "最多补助80万元",
    ],
)
def test_what_they_do_not_hold_is_dropped(statement: Any) -> None:
    assert written(statement) == []


def test_a_good_statement_survives_beside_a_bad_one() -> None:
    kept = written({"text": "最多补助80万元。", "ids": ["c1"]}, {"text": "实际可达900万元。", "ids": ["c1"]})
    assert kept == ["最多补助80万元。"]


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"{}", b'{"choices": []}', b"[" * 5000, json.dumps({"choices": [{"message": {"content": "no json"}}]}).encode()]
)
def test_nonsense_gives_nothing(raw: bytes) -> None:
    writer = EndpointWriter(Settings(llm_base_url="http://127.0.0.1:9/v1"), lambda *_: raw)
    assert writer.write("问题", [MONEY]) == []


def test_a_broken_endpoint_is_left_alone_for_a_while() -> None:
    calls = []

    def post(*_: Any) -> bytes:
        calls.append(1)
        raise OSError("down")

    writer = EndpointWriter(Settings(llm_base_url="http://127.0.0.1:9/v1"), post)
    for _ in range(BREAK_AFTER + 5):
        assert writer.write("问题", [MONEY]) == []
    assert len(calls) == BREAK_AFTER


class _Slow(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def trickling() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_an_endpoint_that_trickles_is_cut_off(trickling: str) -> None:
    began = time.monotonic()
    assert EndpointWriter(Settings(llm_base_url=trickling, llm_timeout=0.5)).write("问题", [MONEY]) == []
    assert time.monotonic() - began < 5


def test_statements_carry_their_marks() -> None:
    writer = EndpointWriter(Settings(llm_base_url="http://127.0.0.1:9/v1"), lambda *_: reply({"text": "最多80万元。", "ids": ["c1"]}))
    draft = drafted(writer.write("问题", [MONEY]), "zh")
    assert draft.text() == "最多80万元。[1]"
    assert [c.clause_id for c in draft.citations(())] == ["g.money"]
