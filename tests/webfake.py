"""A small bot over made-up guides, so that tests of the page need no model and can say exactly what is answered.

It is built of the real dataclasses; only the understanding is simple: a section and a field are found by their name.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bot import lexicon
from bot.errors import QuestionError
from bot.facts import extract
from bot.settings import Settings
from bot.types import Answer, Citation, Clause, ClauseId, Guide, Hit, Query, Segment, Table

FIELDS = ("申报主体", "资助金额", "实施期限", "申报要求")
GUIDE = """示范市2030年度协作计划申报指南
一、协作类项目
（一）海岛协作项目
主要内容：面向海岛县，支持渔业加工、海水淡化等联合攻关。详见https://www.example.org/island。
申报主体：企业、高校
资助金额：80万元以内
实施期限：2年内
申报要求：海岛县须提供合作证明，每家单位限报1项。
（二）山区协作项目
主要内容：面向山区县，支持中药材种植与加工。
申报主体：科研机构
资助金额：45万元以内
实施期限：3年内
"""
# The next edition: one project is new, one was renamed and moved, one is gone.
RENEWED = """示范市2031年度协作计划申报指南
一、协作类项目
（一）草原协作项目
主要内容：面向牧区，支持牧草育种、乳品加工与马业联合攻关。
申报主体：企业、高校
资助金额：30万元以内
实施期限：1年内
申报要求：牧区县须提供草场证明。
（二）山区特色协作项目
主要内容：面向山区县，支持中药材种植与加工。
申报主体：科研机构、企业
资助金额：55万元以内
实施期限：3年内
"""


def guide_of(text: str, slug: str, title: str = "", **more: str) -> tuple[Guide, tuple[Clause, ...], str]:
    """A guide and its clauses from lines: "一、" and "（一）" headings, "标签：" fields."""
    lines = text.strip().split("\n")
    name = title or lines[0]
    clauses: list[Clause] = []
    stack: list[Clause] = []
    at = 0
    for i, line in enumerate(lines):
        start = text.index(line, at)
        at = start + len(line)
        level = (
            0 if i == 0 else 1 if re.match(r"[一二三四五六七八九十]+、", line) else 2 if line.startswith("（") else 3
        )
        stack = stack[:level]
        field = re.match(r"(.{2,8})：", line) if level == 3 else None
        number = m[0] if (m := re.match(r"[一二三四五六七八九十]+、|（.）", line)) else ""
        label = field[1] if field else line
        parent = stack[-1].clause_id if stack else None
        cid = ClauseId(f"{slug}.{i}-{hashlib.sha256(line.encode()).hexdigest()[:4]}")
        clause = Clause(
            cid,
            tuple(c.label for c in stack),
            label,
            line,
            f"{slug}.txt",
            start,
            at,
            "field" if field else "heading" if level < 3 else "paragraph",
            parent=parent,
            number=number,
            guide=slug,
        )
        clauses.append(clause)
        if level < 3:
            stack.append(clause)
    return Guide(slug, name, f"{slug}.txt", **{"url": "https://www.example.org/guide", **more}), tuple(clauses), text


class FakeBot:
    """Answers "<part of a section> … <field>" out of its guides and refuses the rest. `wait` seconds of work."""

    def __init__(self, guides: Sequence[tuple[Guide, tuple[Clause, ...], str]] = (), wait: float = 0.0) -> None:
        self.wait = wait
        self.asked: list[tuple[str, tuple[str, ...], str | None, str | None]] = []
        self._lock = threading.Lock()
        self.load(guides or [guide_of(GUIDE, "demo", edition="2030", issuer="示范市科技局")])

    def load(self, guides: Sequence[tuple[Guide, tuple[Clause, ...], str]]) -> None:
        clauses = tuple(c for _, cs, _ in guides for c in cs)
        facts = extract(clauses)
        mark = hashlib.sha256("".join(c.clause_id for c in clauses).encode()).hexdigest()[:8]
        self.index = SimpleNamespace(
            guides=tuple(g for g, _, _ in guides),
            clauses=clauses,
            by_id={c.clause_id: c for c in clauses},
            facts=facts,
            fingerprint=mark,
            facts_of=lambda i: tuple(f for f in facts if f.clause_id == i),
        )

    def reload_if_changed(self) -> bool:
        return False

    def search(self, words: str, k: int = 10, guide: str | None = None) -> list[Hit]:
        kept = [c for c in self.index.clauses if not guide or c.guide == guide]
        return [Hit(c, 1.0 / (i + 1), i + 1, "dense") for i, c in enumerate(kept[:k])]

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        guide: str | None = None,
        edition: str | None = None,
        section: str | None = None,
        field: str | None = None,
    ) -> Answer:
        if not question.strip():
            raise QuestionError("问题是空的")
        if len(question) > 2000:
            raise QuestionError("问题超过 2000 字，请缩短")
        if self.wait:
            time.sleep(self.wait)
        with self._lock:
            self.asked.append((question, tuple(history), section, field))
        clauses = self.index.clauses
        heads = [c for c in clauses if c.number.startswith("（")]
        heads = (
            [c for c in heads if c.clause_id == section] if section else [c for c in heads if self._named(c, question)]
        )
        labels = [field] if field else [f for f in FIELDS if f in question or _in_english(f) in question]
        found = [c for c in clauses if c.parent in {h.clause_id for h in heads} and c.label in labels]
        hits = tuple(Hit(c, 1.0, i + 1, "fused") for i, c in enumerate((found or list(clauses))[:10]))
        query = Query(question, "zh", question, tuple(h.clause_id for h in heads), tuple(labels))
        if not found:
            text = "指南中没有这一内容。"
            missing = "、".join(labels) or "所问事项"
            return Answer("refused", text, (Segment("template", text),), (), hits, "", 0.9, (), query, missing=missing)
        by_slug = {g.slug: g for g in self.index.guides}
        citations, segments, rows = [], [], []
        for n, c in enumerate(found):
            start, end = c.text.index("：") + 1, len(c.text)
            g = by_slug[c.guide]
            citations.append(
                Citation(
                    c.clause_id,
                    c.path,
                    c.label,
                    c.text,
                    ((start, end),),
                    c.source,
                    c.start,
                    c.end,
                    g.title,
                    g.edition,
                    g.url,
                    None,
                    g.slug,
                )
            )
            said = (
                Segment("template", f"{c.path[-1].split('）')[-1]}的{c.label}为"),
                Segment("verbatim", c.text[start:end], n, start, end),
                Segment("mark", f"[{n + 1}]", n),
            )
            rows.append(((said[0],), said[1:]))
            segments += [*said, Segment("template", "\n" if n < len(found) - 1 else "。")]
        table = Table(("项目", "内容"), tuple(rows)) if len(found) > 1 else None
        more = tuple(f"{found[0].path[-1].split('）')[-1]}的{f}是什么？" for f in FIELDS if f not in labels)[:3]
        return Answer(
            "answered",
            "".join(s.text for s in segments),
            tuple(segments),
            tuple(citations),
            hits,
            f"{heads[0].label} · {labels[0]}",
            0.95,
            more,
            query,
            table,
            latency_ms=1.0,
        )

    @staticmethod
    def _named(clause: Clause, question: str) -> bool:
        name = re.sub(r"^（.）|协作|项目", "", clause.label)
        return name in question or "各项目" in question


def _in_english(label: str) -> str:
    concept = lexicon.concept_of_label(label)
    return lexicon.concepts()[concept].en if concept else label


class Served:
    """An application served on a free port by a thread of this process: `with Served(settings, bot) as at:`."""

    def __init__(self, settings: Settings, bot: Any = None) -> None:
        from bot.web import create_app

        self.gate = create_app(settings, bot)
        self.settings = settings

    def __enter__(self) -> Served:
        import uvicorn

        from bot.web.server import server_config

        self._server = uvicorn.Server(server_config(self.gate, replace(self.settings, port=0)))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.config.timeout_graceful_shutdown = 1  # open heartbeats are cut
        self._server.should_exit = True
        self._thread.join(20)
