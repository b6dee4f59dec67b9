"""The staff page: questions that were refused or disliked, grouped by likeness, with export as draft eval cases.

It is served only while a password hash is set. `python -m bot.web.staff` asks for a password and prints its hash.
"""

import asyncio
import base64
import difflib
import hashlib
import hmac
import html
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from bot.web import render
from bot.web.site import Site

if TYPE_CHECKING:
    from fastapi import FastAPI

COOKIE = "bot_staff"
SESSION_SECONDS = 8 * 3600.0
LIKENESS = 0.6  # of two questions, for one group
_N, _R, _P = 2**14, 8, 1  # scrypt: 16 MB and about 50 ms a guess


def hash_password(password: str, salt: bytes | None = None) -> str:
    """A scrypt hash to put in `staff_password_hash`: "scrypt:salt:hash" in URL-safe base64."""
    salt = os.urandom(16) if salt is None else salt
    key = hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=_N, r=_R, p=_P)
    return ":".join(("scrypt", *(base64.urlsafe_b64encode(b).decode() for b in (salt, key))))


def check_password(password: str, stored: str) -> bool:
    """Is it the password of that hash? False also for a malformed hash."""
    try:
        kind, salt, _ = stored.split(":")
        wanted = hash_password(password, base64.urlsafe_b64decode(salt))
    except ValueError:
        return False
    return kind == "scrypt" and hmac.compare_digest(wanted, stored)


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that are alike, newest first."""

    rows: tuple[dict[str, Any], ...]

    @property
    def title(self) -> str:
        return str(self.rows[0]["question"])


def grouped(rows: Sequence[dict[str, Any]], likeness: float = LIKENESS) -> list[Group]:
    """Rows put together when their questions are alike (difflib's ratio); largest groups first."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        question = "".join(str(row["question"]).lower().split())
        for group in groups:
            head = "".join(str(group[0]["question"]).lower().split())
            matcher = difflib.SequenceMatcher(None, head, question, autojunk=False)
            if matcher.quick_ratio() >= likeness and matcher.ratio() >= likeness:
                group.append(row)
                break
        else:
            groups.append([row])
    return [Group(tuple(g)) for g in sorted(groups, key=lambda g: -len(g))]


def draft_cases(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """One draft case a group, in the format of the question sets; a person fills in facts and evidence."""
    cases = []
    for group in groups:
        row = group.rows[0]
        note = f"草稿，来自 {len(group.rows)} 次提问；当时 {row['status']}：{str(row['answer'])[:80]}"
        reasons = [str(r["reason"]) for r in group.rows if r.get("reason")]
        case: dict[str, Any] = {
            "id": f"log-{row['id']}",
            "type": "unanswerable" if row["status"] == "refused" else "lookup",
            "lang": row["language"] or "zh",
            "persona": "applicant",
            "question": row["question"],
            "expect": "refuse" if row["status"] == "refused" else "answer",
            "facts": [],
            "forbid": [],
            "evidence": [],
            "note": note + (f"；意见：{reasons[0][:80]}" if reasons else ""),
        }
        history = json.loads(str(row["history"]) or "[]")
        if history:
            case["history"] = history
        cases.append(case)
    return cases


def add_routes(app: "FastAPI", site: Site) -> None:
    """Put /staff on the application."""
    from fastapi import Request
    from fastapi.responses import HTMLResponse, RedirectResponse, Response

    sessions: dict[str, float] = {}  # token → monotonic deadline; forgotten on restart

    def known(request: Request) -> bool:
        now = time.monotonic()
        for token in [t for t, deadline in sessions.items() if deadline < now]:
            del sessions[token]
        return request.cookies.get(COOKIE, "") in sessions

    def home() -> str:
        return site.settings.root_path.rstrip("/") + "/staff"

    @app.get("/staff")
    async def staff_page(request: Request) -> Response:
        if not known(request):
            return HTMLResponse(_login_page(home()), headers={"cache-control": "no-store"})
        rows = await asyncio.to_thread(_rows, site)
        return HTMLResponse(_groups_page(grouped(rows), home()), headers={"cache-control": "no-store"})

    @app.post("/staff/login")
    async def staff_login(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        password = form.get("password", [""])[0]
        right = await asyncio.to_thread(check_password, password, site.settings.staff_password_hash)
        if not right:
            return HTMLResponse(_login_page(home(), wrong=True), 403)
        token = secrets.token_urlsafe(32)
        sessions[token] = time.monotonic() + SESSION_SECONDS
        answer = RedirectResponse(home(), 303)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION_SECONDS),
            path=home(),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @app.post("/staff/logout")
    async def staff_logout(request: Request) -> Response:
        sessions.pop(request.cookies.get(COOKIE, ""), None)
        answer = RedirectResponse(home(), 303)
        answer.delete_cookie(COOKIE, path=home())
        return answer

    @app.get("/staff/cases.jsonl")
    async def staff_cases(request: Request) -> Response:
        if not known(request):
            return RedirectResponse(home(), 303)
        cases = draft_cases(grouped(await asyncio.to_thread(_rows, site)))
        lines = "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in cases)
        headers = {"content-disposition": 'attachment; filename="draft-cases.jsonl"', "cache-control": "no-store"}
        return Response(lines, media_type="application/x-ndjson; charset=utf-8", headers=headers)


def _rows(site: Site) -> list[dict[str, Any]]:
    return site.log.rows(days=site.settings.log_retention_days or 3650) if site.log is not None else []


_STYLE = """
:root { color-scheme: light dark; } body { font-family: system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; max-width: 960px;
margin: 24px auto; padding: 0 16px; line-height: 1.6; } h1 { font-size: 1.2rem } details { border: 1px solid #8885;
border-radius: 8px; padding: 8px 12px; margin: 8px 0 } summary { cursor: pointer } .q { color: inherit; opacity: .8; font-size: .9rem }
input, button { font: inherit; padding: 8px 12px; border-radius: 8px; border: 1px solid #888 } form { display: inline }
.wrong { color: #c0392b } table { border-collapse: collapse; width: 100% } td { border-top: 1px solid #8884; padding: 6px 8px; vertical-align: top; overflow-wrap: anywhere }
"""


def _document(body: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>工作人员</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _login_page(action: str, wrong: bool = False) -> str:
    said = '<p class="wrong" role="alert">密码不对。 Wrong password.</p>' if wrong else ""
    return _document(
        f'<h1>工作人员登录</h1>{said}<form method="post" action="{html.escape(action)}/login"><label>密码 '
        '<input type="password" name="password" autocomplete="current-password" required autofocus></label> '
        "<button>登录</button></form>"
    )


def _groups_page(groups: Sequence[Group], home: str) -> str:
    out = [
        f"<h1>未答与差评的问题（{sum(len(g.rows) for g in groups)} 次，{len(groups)} 组）</h1>"
        f'<p><a href="{html.escape(home)}/cases.jsonl">导出为评测草稿（JSONL）</a> '
        f'<form method="post" action="{html.escape(home)}/logout"><button>退出</button></form></p>'
    ]
    for group in groups[:500]:
        rows = "".join(
            f"<tr><td>{render.escape(str(r['at'])[:16].replace('T', ' '))}</td><td>{render.escape(str(r['question']))}"
            f'<div class="q">{render.escape(str(r["status"]))}{" · 👎" if r["verdict"] == "down" else ""} · '
            f"{render.escape(str(r['answer'])[:300])}</div>"
            + (f'<div class="q">意见：{render.escape(str(r["reason"]))}</div>' if r["reason"] else "")
            + "</td></tr>"
            for r in group.rows[:50]
        )
        out.append(
            f"<details><summary>{render.escape(group.title[:120])}（{len(group.rows)}）</summary><table>{rows}</table></details>"
        )
    if not groups:
        out.append("<p>还没有。</p>")
    return _document("".join(out))


def main() -> int:
    """Ask for a password twice and print its hash."""
    import getpass

    first = getpass.getpass("密码 password: ")
    if len(first) < 8 or first != getpass.getpass("再输一次 again: "):
        sys.stderr.write("两次须相同，至少 8 个字符。 Both must be the same, at least 8 characters.\n")
        return 2
    sys.stdout.write(f'staff_password_hash = "{hash_password(first)}"\n')
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
