"""How the application is served: uvicorn with limits of ours, and an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bot.errors import BotError
from bot.settings import Settings
from bot.web.app import create_app
from bot.web.gate import Gate
from bot.web.site import BotLike

if TYPE_CHECKING:
    import uvicorn

FINISH = 10  # seconds for the questions under way when the process is told to stop
CLOSE = 4  # seconds more for open streams
HEADER_DEADLINE = 10.0  # for the head of a request; uvicorn has none, and a trickled one would hold its connection


def _punctual() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Punctual(H11Protocol):
        """Closes a connection on which the head of a request is not there in time."""

        _due: asyncio.TimerHandle | None = None

        def _busy(self) -> bool:
            cycle: Any = self.cycle  # None until the first request
            return cycle is not None and not cycle.response_complete

        def _wait(self) -> None:
            if self._due is None:
                self._due = self.loop.call_later(HEADER_DEADLINE, self._late)

        def _late(self) -> None:
            self._due = None
            if not self._busy() and not self.transport.is_closing():
                self.transport.close()

        def _cancel(self) -> None:
            if self._due is not None:
                self._due.cancel()
                self._due = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._busy():
                self._cancel()
            else:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

    return Punctual


def server_config(gate: Gate, settings: Settings) -> uvicorn.Config:
    """One process (Gradio's queue is in memory), no proxy headers but those that the gate trusts, limits set."""
    import uvicorn

    return uvicorn.Config(
        gate,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http=_punctual(),
        ws="none",
        lifespan="on",
        timeout_keep_alive=20,
        timeout_graceful_shutdown=CLOSE,
        h11_max_incomplete_event_size=32 * 1024,
        backlog=2048,
    )


def _server(gate: Gate, settings: Settings) -> uvicorn.Server:
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
            while len(gate.admission) and time.monotonic() - began < FINISH:
                await asyncio.sleep(0.05)
            self.should_exit = True

    return Server(server_config(gate, settings))


def _bound(settings: Settings) -> socket.socket:
    """The listening socket, made before anything slow. Raises BotError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise BotError(
            f"不能在 {settings.host}:{settings.port} 上监听 cannot listen there ({reason}); 换一个端口 try another --port"
        ) from None
    return listener


def serve(settings: Settings, bot: BotLike | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code. Raises BotError when there is nothing to serve."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a question: several people ask at once
    listener = _bound(settings)
    with contextlib.closing(listener):
        gate = create_app(settings, bot)
        server = _server(gate, settings)
        shown = "localhost" if settings.host in ("0.0.0.0", "::") else settings.host
        port: Any = listener.getsockname()[1]
        sys.stderr.write(f"http://{shown}:{port}{settings.root_path}/  (Ctrl-C 停止 stops)\n")
        sys.stderr.flush()
        asyncio.run(server.serve([listener]))
    return 0 if server.started else 1
