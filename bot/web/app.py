"""Putting it together: the application and its gate."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot import __version__
from bot.settings import Settings
from bot.web import api, page
from bot.web.gate import Gate, GateSettings
from bot.web.site import BotLike, Site

logger = logging.getLogger("bot.web")

T = TypeVar("T")

STATIC = Path(__file__).parent / "static"
_FONTS = ("system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")


def _quiet_environment() -> None:
    """Before Gradio is imported: no telemetry, and no SOCKS proxy, which its import cannot bear."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # Gradio sums up its last 10,000 events with pandas after every single one; nobody looks at it here.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
    for name in ("ALL_PROXY", "all_proxy"):
        if os.environ.get(name, "").startswith("socks"):
            del os.environ[name]


def create_app(settings: Settings, bot: BotLike | None = None) -> Gate:
    """The whole ASGI application behind its gate. Opens the bot unless one is given; raises BotError.

    The gate's `.app` is the FastAPI application, `.site` of its state the page's state.
    """
    _quiet_environment()
    import gradio as gr
    from fastapi import FastAPI, Request
    from fastapi.responses import FileResponse, JSONResponse, Response

    if bot is None:
        from bot.bot import GuideBot

        bot = GuideBot.open(settings)
    site = Site(settings, bot)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(site.warm)
        watcher = asyncio.create_task(_watch(site))
        app.state.ready = True
        yield
        watcher.cancel()
        await asyncio.to_thread(site.close)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, title=page.TITLE)
    app.state.site = site
    app.state.ready = False

    @app.get("/healthz")
    async def healthz() -> Response:
        warnings = list(getattr(site.bot.index, "warnings", ()))  # an older generation serves: the newest is damaged
        troubled = warnings or (site.log is not None and (site.log.problem or site.log.dropped))
        state = {
            "status": "degraded" if troubled else "ok",
            "version": __version__,
            "index": site.bot.index.fingerprint,
            "warnings": warnings,
            "log_dropped": site.log.dropped if site.log else 0,
        }
        return JSONResponse(state, headers={"cache-control": "no-store"})

    @app.get("/readyz")
    async def readyz() -> Response:
        ready = app.state.ready and not gate.draining.is_set()
        return JSONResponse({"ready": ready}, 200 if ready else 503, {"cache-control": "no-store"})

    @app.get("/bot/app.js")
    @app.get("/bot/app.css")
    async def static(request: Request) -> Response:
        name = str(request.url.path).rsplit("/", 1)[-1]
        return FileResponse(STATIC / name, headers={"cache-control": "no-cache"})

    @app.get("/favicon.ico")
    async def favicon() -> Response:
        return FileResponse(
            STATIC / "favicon.svg", media_type="image/svg+xml", headers={"cache-control": "max-age=86400"}
        )

    api.add_routes(app, site)
    if settings.staff_password_hash:
        from bot.web import staff

        staff.add_routes(app, site)
    demo = _in_a_loop(lambda: page.blocks(site))
    theme = gr.themes.Default(font=[gr.themes.Font(f) for f in _FONTS], font_mono=[gr.themes.Font("monospace")])
    mount = partial(
        gr.mount_gradio_app,
        app,
        demo,
        path="/",
        theme=theme,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        show_error=False,
        mcp_server=False,
        max_file_size=1,
        root_path=settings.root_path.rstrip("/") or None,
    )
    _in_a_loop(mount)
    gate = Gate(
        app,
        GateSettings(
            functions=page.public_functions(demo),
            allowed_hosts=settings.allowed_hosts,
            trusted_proxies=settings.trusted_proxies,
            root_path=settings.root_path,
            max_in_flight=settings.max_in_flight,
            rate_per_minute=settings.rate_per_minute,
            staff=bool(settings.staff_password_hash),
            rewrite=page.own_head,
        ),
    )
    return gate


def _in_a_loop(make: Callable[[], T]) -> T:
    """`make()` inside a running event loop: outside of one, Gradio makes loops of its own and never closes them."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:

        async def inside() -> T:
            return make()

        return asyncio.run(inside())
    return make()


async def _watch(site: Site) -> None:
    """Take up a new index within `reload_seconds` of its being published."""
    if site.settings.reload_seconds <= 0:
        return
    while True:
        await asyncio.sleep(site.settings.reload_seconds)
        await asyncio.to_thread(site.reload)
