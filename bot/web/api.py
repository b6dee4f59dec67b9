"""Our own JSON routes: what the script of the page calls, and what others may call."""

import asyncio
import csv
import difflib
import io
import json
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from bot import __version__
from bot.bot import fact_json
from bot.errors import NotFoundError
from bot.names import bare_name
from bot.types import Clause, Fact, Guide
from bot.web import render
from bot.web.lookup import Found
from bot.web.page import at_once
from bot.web.site import Site, View

if TYPE_CHECKING:
    from fastapi import FastAPI

T = TypeVar("T")
SNIPPET = 400  # characters of a clause in a list of results; the whole clause is one request away
_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def add_routes(app: "FastAPI", site: Site) -> None:
    """Put the routes under /api/v1 on the application."""
    from fastapi import Request, Response
    from fastapi.responses import JSONResponse

    asking = ThreadPoolExecutor(at_once(site.settings), "ask")

    async def aside(call: Callable[[], T], pool: Executor | None = None) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, call)

    @app.get("/api/v1/page")
    async def page(lang: str = "zh") -> Response:
        return JSONResponse(await aside(lambda: page_json(site, lang)), headers={"cache-control": "no-store"})

    @app.post("/api/v1/ask")
    async def ask(request: Request) -> Response:
        body = await request.json()
        wrong = _check_ask(body, site.settings.max_question)
        if wrong:
            return JSONResponse({"error": wrong}, 422)
        exchange = await aside(
            lambda: site.ask(
                body["question"],
                body.get("history") or (),
                guide=body.get("guide") or None,
                edition=body.get("edition") or None,
                section=body.get("section") or None,
                field=body.get("field") or None,
                session="api",
            ),
            asking,
        )
        if exchange.answer is None:
            return JSONResponse({"error": exchange.problem}, 422)
        from bot.bot import answer_json

        return JSONResponse(answer_json(exchange.answer, id=exchange.id))

    @app.get("/api/v1/lookup")
    async def lookup(q: str = "", guide: str = "", section: str = "", field: str = "", k: int = 20) -> Response:
        if len(q) > 200:
            return JSONResponse({"error": "检索词太长。 The search words are too long."}, 422)
        began = time.perf_counter()
        k = max(1, min(k, 100))
        found, total, how = await aside(lambda: site.find(q, k, guide=guide, section=section, field=field))
        view = site.view
        results = [found_json(f, view) for f in found]
        took = (time.perf_counter() - began) * 1000
        return JSONResponse({"results": results, "total": total, "how": how, "ms": round(took, 1)})

    @app.get("/api/v1/clause/{clause_id:path}")
    async def clause(clause_id: str) -> Response:
        try:
            return JSONResponse(clause_json(site.view, clause_id))
        except NotFoundError as error:
            near = difflib.get_close_matches(clause_id, list(site.view.index.by_id), 3, 0.75)
            return JSONResponse({"error": str(error), "near": [brief_json(site.view, n) for n in near]}, 404)

    @app.get("/api/v1/guide/{slug}")
    async def guide(slug: str) -> Response:
        view = site.view
        if slug not in view.guides:
            return JSONResponse({"error": "没有这份指南。 No such guide."}, 404)
        return JSONResponse(await aside(lambda: guide_json(view, slug)))

    @app.get("/api/v1/table")
    async def table(guide: str = "") -> Response:
        return JSONResponse(await aside(lambda: table_json(site.view, guide)))

    @app.get("/api/v1/table.csv")
    async def table_csv(guide: str = "") -> Response:
        data = await aside(lambda: csv_bytes(site.view, guide))
        return Response(data, media_type="text/csv; charset=utf-8", headers=_attachment("csv"))

    @app.get("/api/v1/table.xlsx")
    async def table_xlsx(guide: str = "") -> Response:
        data = await aside(lambda: xlsx_bytes(site.view, guide))
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return Response(data, media_type=kind, headers=_attachment("xlsx"))

    @app.post("/api/v1/feedback")
    async def feedback(request: Request) -> Response:
        body = await request.json()
        wrong = _check_feedback(body)
        if wrong:
            return JSONResponse({"error": wrong}, 422)
        if site.log is None:
            return JSONResponse({"error": "服务没有开启记录。 The log is switched off."}, 409)
        done = site.log.feedback(body["id"], body["verdict"], body.get("reason") or "")
        try:
            kept = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), 3)
        except TimeoutError:
            return JSONResponse({"saved": False, "queued": True}, 202)
        return JSONResponse({"saved": kept}, 200 if kept else 503)


def _attachment(suffix: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="table.{suffix}"', "cache-control": "no-store"}


def _check_ask(body: Any, limit: int) -> str:
    if not isinstance(body, dict) or not isinstance(body.get("question"), str):
        return "需要 question。 A question is needed."
    history = body.get("history") or []
    if not isinstance(history, list) or len(history) > 50 or not all(isinstance(h, str) for h in history):
        return "history 应为以前问题的列表。 history is a list of earlier questions."
    if any(len(t) > limit for t in (body["question"], *history)):
        return f"问题超过 {limit} 字，请缩短。 The question is longer than {limit} characters."
    names = ("guide", "edition", "section", "field")
    if any(not isinstance(body.get(n) or "", str) or len(body.get(n) or "") > 500 for n in names):
        return f"{', '.join(names)} 应为文字。 They are texts."
    return ""


def _check_feedback(body: Any) -> str:
    if not isinstance(body, dict) or not isinstance(body.get("id"), str) or len(body["id"]) > 40:
        return "需要 id。 An id is needed."
    if body.get("verdict") not in ("up", "down"):
        return "verdict 为 up 或 down。 verdict is up or down."
    if not isinstance(body.get("reason") or "", str) or len(body.get("reason") or "") > 1000:
        return "原因最多 1000 字。 At most 1000 characters of reason."
    return ""


def page_json(site: Site, language: str = "zh") -> dict[str, Any]:
    """What the page needs when it opens, for a reader of that language."""
    settings = site.settings
    return {
        "version": __version__,
        "fingerprint": site.view.index.fingerprint,
        "guides": site.view.choices,
        "examples": list(site.examples(language)),
        "contact": settings.contact,
        "log": settings.log,
        "retention": settings.log_retention_days,
        "max_question": settings.max_question,
        "today": settings.date().isoformat(),
    }


def brief_json(view: View, clause_id: str) -> dict[str, Any]:
    """A clause in a list: where it stands, without its text."""
    clause = view.clause(clause_id)
    guide = view.guides.get(clause.guide)
    return {
        "clause_id": clause.clause_id,
        "path": [render.visible(p) for p in clause.path],
        "label": render.visible(clause.label),
        "guide": clause.guide,
        "title": render.visible(guide.title) if guide else clause.source,
        "edition": guide.edition if guide else "",
        "url": render.safe_url(guide.url) if guide else "",
    }


def found_json(found: Found, view: View) -> dict[str, Any]:
    """A result of the look-up with its marks; a long clause is cut around its first match."""
    clause = found.clause
    first = found.text[0][0] if found.text else clause.body_offset
    start = 0 if first < SNIPPET - 100 else first - 100
    end = min(len(clause.text), start + SNIPPET)
    return brief_json(view, clause.clause_id) | {
        "text": clause.text[start:end],
        "body": max(0, min(clause.body_offset, end) - start),  # where what follows the label begins
        "cut": [start > 0, end < len(clause.text)],
        "marks": [[s - start, min(e, end) - start] for s, e in found.text if start <= s < end],
        "label_marks": [list(s) for s in found.label],
        "path_marks": [[list(s) for s in spans] for spans in found.path],
        "copy": render.clause_text(clause, view.guides.get(clause.guide)),
        "score": found.score,
    }


def clause_json(view: View, clause_id: str) -> dict[str, Any]:
    """One clause whole, with its facts, what to copy, its section, and whether a later edition is loaded."""
    clause = view.clause(clause_id)
    section = view.section_of(clause)
    return brief_json(view, clause_id) | {
        "text": clause.text,
        "kind": clause.kind,
        "source": clause.source,
        "start": clause.start,
        "end": clause.end,
        "page": clause.page,
        "stale": clause.stale,
        "parent": clause.parent,
        "children": list(clause.children),
        "section": section.clause_id if section else "",
        "copy": render.clause_text(clause, view.guides.get(clause.guide)),
        "facts": [fact_json(f) for f in view.index.facts_of(clause.clause_id)],
        "newer": newer_json(view, clause),
    }


def newer_json(view: View, clause: Clause) -> dict[str, Any] | None:
    """The counterpart in the latest edition of the same series, with what changed; None where this is the latest."""
    guide = view.guides.get(clause.guide)
    if guide is None or not guide.series:
        return None
    later = [g for g in view.guides.values() if g.series == guide.series and g.edition > guide.edition]
    if not later:
        return None
    latest: Guide = max(later, key=lambda g: g.edition)
    twin = view.twins(clause.guide, latest.slug).get(clause.clause_id)
    out: dict[str, Any] = {
        "title": render.visible(latest.title),
        "edition": latest.edition,
        "clause_id": None,
        "diff": [],
    }
    if twin is not None:
        out["clause_id"] = twin.clause_id
        out["diff"] = text_diff(clause.text, twin.text)
    return out


def text_diff(old: str, new: str) -> list[list[str]]:
    """What changed, as [["same"|"old"|"new", text], …]."""
    out: list[list[str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            out.append(["same", old[a:b]])
            continue
        if b > a:
            out.append(["old", old[a:b]])
        if d > c:
            out.append(["new", new[c:d]])
    return out


def guide_json(view: View, slug: str) -> dict[str, Any]:
    """A whole guide as a list of clauses in document order, each with its depth."""
    guide = view.guides[slug]
    depth: dict[str, int] = {}
    clauses = []
    for c in view.index.clauses:
        if c.guide != slug:
            continue
        depth[c.clause_id] = depth.get(c.parent or "", -1) + 1
        clauses.append(
            {
                "id": c.clause_id,
                "kind": c.kind,
                "label": render.visible(c.label),
                "depth": depth[c.clause_id],
                "text": c.text,
                "body": c.body_offset,
                "page": c.page,
                "stale": c.stale,
                "heading": c.kind == "heading" or bool(c.children),
            }
        )
    return {
        "slug": slug,
        "title": render.visible(guide.title or guide.source),
        "edition": guide.edition,
        "issuer": guide.issuer,
        "url": render.safe_url(guide.url),
        "valid_from": guide.valid_from,
        "valid_to": guide.valid_to,
        "clauses": clauses,
    }


# the table section × field


def sort_value(facts: tuple[Fact, ...]) -> float | str | None:
    """What a cell is sorted by: its first amount in yuan, date (ISO), duration in months, or count."""
    for kinds in (("amount",), ("date",), ("duration",), ("count", "ratio", "rate")):
        for fact in facts:
            if fact.kind not in kinds:
                continue
            if fact.kind == "date":
                return fact.value
            if fact.kind == "duration":
                return months(fact.value)
            number = fact.value.split(" ")[0]
            try:
                return float(number)
            except ValueError:
                continue
    return None


def months(duration: str) -> float | None:
    """An ISO duration in months ("P3Y" → 36)."""
    total, digits = 0.0, ""
    for c in duration.lstrip("P").split("T")[0]:
        if c.isdigit() or c == ".":
            digits += c
        elif digits:
            total += float(digits) * {"Y": 12, "M": 1, "W": 12 / 52, "D": 12 / 365}.get(c, 0)
            digits = ""
    return round(total, 3) if total else None


def _tables(view: View, guide: str) -> list[str]:
    return [slug for slug in view.tables if not guide or slug == guide]


def table_json(view: View, guide: str) -> dict[str, Any]:
    """The table of one guide, or of all: rows are sections, columns field labels in document order."""
    slugs = _tables(view, guide)
    labels = list(dict.fromkeys(label for slug in slugs for label in view.tables[slug].labels))
    rows = []
    for slug in slugs:
        t = view.tables[slug]
        for s in t.sections:
            cells: list[dict[str, Any] | None] = []
            for label in labels:
                cell = t.cells.get((s.clause_id, label))
                cells.append(
                    None
                    if cell is None
                    else {
                        "id": cell.clause.clause_id,
                        "text": cell.clause.text[cell.clause.body_offset :],
                        "sort": sort_value(cell.facts),
                    }
                )
            rows.append({"id": s.clause_id, "label": render.visible(bare_name(s)), "guide": slug, "cells": cells})
    return {"labels": labels, "rows": rows}


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = render.visible(text)
    return "'" + text if text.startswith(_TRIGGERS) else text


def _grid(view: View, guide: str) -> list[list[str]]:
    data = table_json(view, guide)
    names = {slug: f"{g.title}{f'（{g.edition}）' if g.edition else ''}" for slug, g in view.guides.items()}
    grid = [["指南", "项目", *data["labels"]]]
    for row in data["rows"]:
        grid.append([names[row["guide"]], row["label"], *(c["text"] if c else "" for c in row["cells"])])
    return [[safe_cell(c) for c in row] for row in grid]


def csv_bytes(view: View, guide: str) -> bytes:
    """The table as CSV: UTF-8 with BOM for Excel, every cell quoted."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(_grid(view, guide))
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def xlsx_bytes(view: View, guide: str) -> bytes:
    """The table as a workbook: header frozen and bold, columns wide enough to read, every cell a text."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "一览表"
    for r, row in enumerate(_grid(view, guide), 1):
        for c, text in enumerate(row, 1):
            cell = sheet.cell(r, c)
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)[:32000]
            cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if r == 1:
                cell.font = Font(bold=True)
    for column in sheet.columns:
        widest = max(len(str(cell.value or "")) for cell in column)
        sheet.column_dimensions[column[0].column_letter].width = min(60, max(12, widest * 2 + 2))
    sheet.freeze_panes = "C2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def jsonl(rows: list[dict[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
