"""Putting it together: application, gate, server."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__
from bot.settings import Settings
from bot.web import api, page
from bot.web.gate import Gate, GateSettings
from bot.web.site import BotLike, Site

if TYPE_CHECKING:
    import uvicorn

logger = logging.getLogger("bot.web")

STATIC = Path(__file__).parent / "static"
GRACE = 15  # seconds for what is under way when the process is told to stop
_FONTS = ("system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")


def _quiet_environment() -> None:
    """Before Gradio is imported: no telemetry, and no SOCKS proxy, which its import cannot bear."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
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
        troubled = site.log is not None and (site.log.problem or site.log.dropped)
        state = {
            "status": "degraded" if troubled else "ok",
            "version": __version__,
            "index": site.bot.index.fingerprint,
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
    demo = page.blocks(site)
    theme = gr.themes.Default(font=[gr.themes.Font(f) for f in _FONTS], font_mono=[gr.themes.Font("monospace")])
    gr.mount_gradio_app(
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


async def _watch(site: Site) -> None:
    """Take up a new index within `reload_seconds` of its being published."""
    if site.settings.reload_seconds <= 0:
        return
    while True:
        await asyncio.sleep(site.settings.reload_seconds)
        await asyncio.to_thread(site.reload)


def server_config(gate: Gate, settings: Settings) -> "uvicorn.Config":
    """How uvicorn runs the gate: one process (the queue is in memory), no proxy headers of its own, limits set."""
    import uvicorn

    return uvicorn.Config(
        gate,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http="h11",
        ws="none",
        lifespan="on",
        timeout_keep_alive=20,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=32 * 1024,
        backlog=2048,
    )


def _server(gate: Gate, settings: Settings) -> "uvicorn.Server":
    import uvicorn

    class Server(uvicorn.Server):
        """Stops in order: not ready at once, what is under way is finished, then the listener closes. Exit code 0."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop)
            try:
                yield
            finally:
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.remove_signal_handler(number)

        def _stop(self) -> None:
            if gate.draining.is_set():
                self.force_exit = self.should_exit = True  # a second signal
                return
            gate.draining.set()
            self._drain = asyncio.ensure_future(self._drained())

        async def _drained(self) -> None:
            began = time.monotonic()
            await asyncio.sleep(0.3)  # a balancer that asks /readyz sees it
            while len(gate.admission) and time.monotonic() - began < GRACE - 5:
                await asyncio.sleep(0.05)
            self.should_exit = True

    return Server(server_config(gate, settings))


def serve(settings: Settings, bot: BotLike | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code. Raises BotError when there is nothing to serve."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a question: several people ask at once
    gate = create_app(settings, bot)
    server = _server(gate, settings)
    shown = "localhost" if settings.host in ("0.0.0.0", "::") else settings.host
    sys.stderr.write(f"http://{shown}:{settings.port}{settings.root_path}/  (Ctrl-C 停止 stops)\n")
    asyncio.run(server.serve())
    return 0 if server.started else 1
