"""`python -m bot.web.bench`: how quick the served page is on this machine, with the real index and bot.

Prints the time from Enter to the visible answer in a browser (median, warm), from opening the page to a usable text
box, of twenty people who ask at once through Gradio's queue, and of the look-up with fifty guides. JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.errors import BotError
from bot.names import bare_name
from bot.settings import Settings, load
from bot.types import ClauseId
from bot.web.app import create_app
from bot.web.gate import Gate
from bot.web.lookup import Lookup
from bot.web.server import server_config
from bot.web.site import IndexLike, Site

PEOPLE = 20


@contextmanager
def running(settings: Settings) -> Iterator[tuple[str, Gate]]:
    """The page served on a free port by a thread; its URL and its gate."""
    import uvicorn

    gate = create_app(settings)
    server = uvicorn.Server(server_config(gate, replace(settings, port=0)))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise BotError("the server did not start; run `bot serve` to see why")
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", gate
    server.config.timeout_graceful_shutdown = 1
    server.should_exit = True
    thread.join(10)


def p95(values: list[float]) -> float:
    """The 95th percentile, interpolated; infinite where nothing was measured."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else max(values, default=math.inf)


def look_ups(index: IndexLike) -> list[str]:
    """What a help desk would type, from the loaded guides: beginnings and parts of names, pinyin and its initials,
    numbers and dates as written and as normalised, two words of one clause, and what stands nowhere."""
    from pypinyin import lazy_pinyin

    words = ["没有这样的词", "zzqqx"]
    for c in index.clauses:
        name = bare_name(c)
        words += [*(name[:k] for k in (1, 2, 4, 8)), c.text[-6:], c.text[4:7], f"{name[:4]} {c.text[-3:]}"]
        spelt = lazy_pinyin(re.sub(r"[^\u4e00-\u9fff]", "", name)[:8])
        words += ["".join(s[0] for s in spelt), "".join(spelt[:3])]
    by_id = index.by_id
    for f in index.facts[:200]:
        words += [f.value, by_id[f.clause_id].text[f.start : f.end]]
    return [w for w in dict.fromkeys(words) if w.strip()]


def in_browser(url: str, questions: list[str], rounds: int = 20) -> dict[str, float]:
    """Seconds in Chromium: opening until the text box is there (second visit), Enter until the answer is visible."""
    program = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if program is None:
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(locale="zh-CN")
        opened = []
        for _ in range(3):
            began = time.perf_counter()
            page.goto(url)
            page.locator("#question textarea").wait_for()
            opened.append(time.perf_counter() - began)
        answered = []
        for i in range(rounds + 3):
            page.fill("#question textarea", questions[i % len(questions)])
            n = page.locator(".answer").count()
            # Measured inside the page: from the key to the frame after the answer is in the document.
            page.evaluate(
                """(n) => { window.took = new Promise((done) => {
                  let began = 0;
                  addEventListener('keydown', () => { began = performance.now(); }, {once: true, capture: true});
                  const seen = new MutationObserver(() => { if (document.querySelectorAll('.answer').length > n) {
                    seen.disconnect(); requestAnimationFrame(() => done(performance.now() - began)); } });
                  seen.observe(document.body, {childList: true, subtree: true}); }); }""",
                min(n, 29),
            )
            page.keyboard.press("Enter")
            answered.append(float(page.evaluate("window.took")) / 1000)
            if n >= 20:
                page.locator("#new-chat").click()
                page.locator(".answer").first.wait_for(state="detached")
        browser.close()
    return {"page_usable_s": opened[-1], "enter_to_answer_median_s": statistics.median(answered[3:])}


def at_once(url: str, questions: list[str], people: int = PEOPLE, rounds: int = 3) -> dict[str, float]:
    """Seconds for people who press Enter at the same moment, through Gradio's queue; and how many were answered."""
    import httpx

    took: list[float] = []
    lost = 0

    def one(client: httpx.Client, i: int, start: threading.Barrier) -> None:
        nonlocal lost
        session = f"bench{i}r{time.perf_counter_ns()}"
        start.wait()
        began = time.perf_counter()
        body = {"data": [questions[i % len(questions)], "", None], "fn_index": 0, "session_hash": session}
        joined = client.post("/gradio_api/queue/join", json=body | {"trigger_id": 1, "event_data": None})
        done = False
        if joined.status_code == 200:
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
                done = any('"process_completed"' in line and '"success":true' in line for line in events.iter_lines())
        if done:
            took.append(time.perf_counter() - began)
        else:
            lost += 1

    clients = [httpx.Client(base_url=url, trust_env=False, timeout=30) for _ in range(people)]
    for _ in range(rounds):
        start = threading.Barrier(people)
        threads = [threading.Thread(target=one, args=(c, i, start)) for i, c in enumerate(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    for c in clients:
        c.close()
    return {"people": people, "lost": lost, "at_once_p95_s": p95(took)}


def lookup_of_fifty(site: Site) -> dict[str, float]:
    """Seconds of a look-up over fifty guides: the loaded ones, repeated under other names."""
    index = site.view.index
    clauses, facts, guides = [], [], []
    for n in range(50):
        renamed = {c.clause_id: ClauseId(f"{c.clause_id}~{n}") for c in index.clauses}
        source = index.guides[n % len(index.guides)]
        guides.append(replace(source, slug=f"{source.slug}~{n}"))
        kept = [c for c in index.clauses if c.guide == source.slug]
        clauses += [
            replace(
                c, clause_id=renamed[c.clause_id], guide=guides[-1].slug, parent=renamed[c.parent] if c.parent else None
            )
            for c in kept
        ]
        facts += [replace(f, clause_id=renamed[f.clause_id]) for f in index.facts if index.by_id[f.clause_id] in kept]
    began = time.perf_counter()
    lookup = Lookup(clauses, facts, guides)
    built = time.perf_counter() - began
    took = [_timed(lambda w=w: lookup.search(w, 30)) for w in look_ups(index)]  # type: ignore[misc]
    return {
        "clauses": len(clauses),
        "built_s": built,
        "lookup_p95_s": p95(took),
        "lookup_max_s": max(took),
    }


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main(argv: list[str] | None = None) -> int:
    """Run all measurements and print them; 1 when a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m bot.web.bench", description=__doc__)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        settings = replace(
            load({"index": args.index}), log_path=Path(folder) / "log.sqlite3", rate_per_minute=1_000_000, port=0
        )
        try:
            with running(settings) as (url, gate):
                site: Site = gate.app.state.site  # type: ignore[attr-defined]
                questions = list(site.examples())
                figures = at_once(url, questions) | in_browser(url, questions) | lookup_of_fifty(site)
        except BotError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    goals = {
        "enter_to_answer_median_s": 0.25,
        "at_once_p95_s": 2.0,
        "lookup_p95_s": 0.3,
        "page_usable_s": 2.0,
        "lost": 0.5,
    }
    missed = [name for name, goal in goals.items() if figures.get(name, 0) > goal]
    if args.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            goal = f"   (goal {goals[name]:g})" if name in goals and name != "lost" else ""
            sys.stdout.write(f"{name:28} {value:10.4g}{goal}{'   MISSED' if name in missed else ''}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
