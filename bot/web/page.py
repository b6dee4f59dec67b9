"""The chat as a Gradio Blocks: a Chatbot and a text box. Rendering only; the rest of the page is static/app.js."""

import json
import re
from typing import Any

from bot.settings import Settings
from bot.web import render
from bot.web.site import Exchange, Site

TURNS_KEPT = 30
PUBLIC = frozenset({"ask", "clear"})  # names of the functions that may be called from outside
TITLE = "申报指南问答"


HEAD = f"""<title>{TITLE}</title>
<meta name="description" content="按指南原文回答，句句有出处。">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="bot/app.css">
<script defer src="bot/app.js"></script>
"""
# What Gradio's page brings that we do not want: its own description for other sites, and an absolute manifest.
_FOREIGN = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*|<link rel="manifest"[^>]*>\s*')


def own_head(page: bytes) -> bytes:
    """Gradio's page with our language, title, style and script; they load before Gradio does."""
    page = _FOREIGN.sub(b"", page)
    page = re.sub(rb'<html\s+lang="en"', b'<html lang="zh-CN"', page, count=1)
    return page.replace(b"</head>", HEAD.encode() + b"</head>", 1)


def _override(text: str | None) -> dict[str, str]:
    """The choices made in the chip or with a filter, as the script sends them."""
    try:
        chosen = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(chosen, dict):
        return {}
    names = ("guide", "section", "field")
    return {n: v for n in names if isinstance(v := chosen.get(n), str) and v and len(v) <= 400}


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def at_once(settings: Settings) -> int:
    """Questions worked on at the same time: as many as help the processor, or more where a language model is waited
    for, so that one that hangs holds up nobody else."""
    return 16 if settings.llm_base_url else 2


def exchange_html(exchange: Exchange, contact: str) -> str:
    """The bot's side of one exchange."""
    if exchange.answer is None:
        return render.notice_html(exchange.problem)
    return render.answer_html(
        exchange.answer,
        exchange.id,
        question=exchange.question,
        contact=contact,
        section=exchange.section,
        field=exchange.field,
    )


def _override_note(site: Site, chosen: dict[str, str]) -> str:
    parts = []
    section = chosen.get("section")
    if section:
        clause = site.view.index.by_id.get(section)  # type: ignore[call-overload]
        parts.append(clause.label if clause else section)
    if chosen.get("field"):
        parts.append(chosen["field"])
    return " · ".join(parts)


def blocks(site: Site) -> Any:
    """The Blocks. Its state is the list of turns of this browser tab, kept on the server."""
    import gradio as gr

    Turn = tuple[str, str, str]  # question, the person's side and the bot's side as HTML

    def messages(turns: list[Turn]) -> list[dict[str, str]]:
        return [m for _, mine, theirs in turns for m in (_message("user", mine), _message("assistant", theirs))]

    def ask(question: str, chosen_json: str, turns: list[Turn] | None, request: gr.Request) -> tuple[Any, ...]:
        turns = list(turns or [])
        question = (question or "").strip()
        if not question:
            return "", "", messages(turns), turns
        chosen = _override(chosen_json)
        history = [q for q, _, _ in turns]
        session = str(getattr(request, "session_hash", "") or "")
        exchange = site.ask(
            question,
            history,
            guide=chosen.get("guide"),
            section=chosen.get("section"),
            field=chosen.get("field"),
            session=session,
        )
        mine = render.question_html(question[: site.settings.max_question], _override_note(site, chosen))
        kept = question if exchange.answer is not None else ""
        turns = [*turns, (kept, mine, exchange_html(exchange, site.settings.contact))][-TURNS_KEPT:]
        return "", "", messages(turns), turns

    def clear() -> tuple[Any, ...]:
        return [], []

    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        turns = gr.State([], time_to_live=4 * 3600)
        chat = gr.Chatbot(
            elem_id="chat",
            show_label=False,
            label="问答 Chat",
            render_markdown=False,
            sanitize_html=True,
            allow_tags=False,
            latex_delimiters=[],
            buttons=[],
            feedback_options=None,
            allow_file_downloads=False,
            group_consecutive_messages=False,
            autoscroll=False,
            layout="bubble",
            container=False,
            height=None,
            placeholder='<div id="welcome"></div>',
        )
        with gr.Row(elem_id="composer"):
            box = gr.Textbox(
                elem_id="question",
                label="您的问题 Your question",
                placeholder="输入问题，按 Enter 发送",
                lines=1,
                max_lines=6,
                max_length=site.settings.max_question,
                submit_btn=True,
                container=False,
            )
            chosen = gr.Textbox(elem_id="chosen", visible="hidden", label="chosen", container=False)
            wipe = gr.Button("新对话", elem_id="new-chat", size="sm")
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        box.submit(
            ask, [box, chosen, turns], [box, chosen, chat, turns], concurrency_limit=at_once(site.settings), **quiet
        )
        wipe.click(clear, None, [chat, turns], **quiet)
    page.queue(api_open=False, max_size=64, default_concurrency_limit=2)
    return page


def public_functions(page: Any) -> frozenset[int]:
    """The numbers of the functions that the gate lets through: those named in PUBLIC."""
    return frozenset(number for number, fn in page.fns.items() if fn.name in PUBLIC)
