"""The parent's side of the child process that reads untrusted files."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, cast

from bot.errors import SourceError
from bot.settings import Settings
from bot.types import LineHint, SourceText

# The child looks for modules where the parent does, and nowhere else.
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from bot.ingest.worker import main; main()"


class Sandbox:
    """One child at a time, started when first needed and again after it died. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def read(self, form: str, data: bytes, name: str) -> SourceText:
        """The canonical text of `data`. Raises SourceError, also when the child ran out of memory or time, or died
        on the file."""
        fresh = self._child is None or self._served == 0
        reply, why = self._ask(form, data, name)
        if reply is None and why != "time" and not fresh:
            # Memory that earlier files left behind must not decide over this one.
            reply, why = self._ask(form, data, name)
        if reply is None:
            raise SourceError(name, self._reason(why))
        if "source" not in reply:
            raise SourceError(name, str(reply["error"]))
        return _source(cast("dict[str, Any]", reply["source"]))

    def _reason(self, why: str) -> str:
        s = self.settings
        return {
            "time": f"{s.read_timeout:g} 秒内没有读完，请拆分或简化文件 / not read in time: split it (read_timeout)",
            "memory": f"读它要超过 {s.read_memory >> 20} MB 内存，请拆分文件 / needs too much memory: split it (read_memory)",
        }.get(why, "文件已损坏，读它的程序崩溃了，请另存后重试 / damaged: its reader crashed; save it again")

    def _ask(self, form: str, data: bytes, name: str) -> tuple[dict[str, Any] | None, str]:
        """(reply, "") or (None, "time", "memory" or "crash")."""
        child = self._started()
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        clock = threading.Timer(self.settings.read_timeout, stop)
        clock.daemon = True
        clock.start()
        header = {
            "form": form,
            "name": name,
            "size": len(data),
            "memory": self.settings.read_memory,
            "seconds": self.settings.read_timeout,
            "max_chars": self.settings.max_text_chars,
            "max_unpacked": self.settings.max_unpacked_bytes,
        }
        line = b""
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps(header).encode("ascii") + b"\n")
            child.stdin.write(data)
            child.stdin.flush()
            line = child.stdout.readline()
        except OSError:
            pass  # the child died while it was written to
        finally:
            clock.cancel()
        self._served += 1
        if line.endswith(b"\n"):
            reply = json.loads(line)
            if not reply.get("memory"):
                return reply, ""
            self.close()
            return None, "memory"
        child.wait()
        self.close()
        cpu = getattr(signal, "SIGXCPU", None)
        return None, "time" if late.is_set() or (cpu and child.returncode == -cpu) else "crash"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        self._served = 0
        self._child = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps([p or "." for p in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._child


def _source(raw: dict[str, Any]) -> SourceText:
    hints = tuple(
        LineHint(start, end, kind, level, bold, centered, page, table, tuple((a, b) for a, b in cells), tuple(header))
        for start, end, kind, level, bold, centered, page, table, cells, header in raw["hints"]
    )
    return SourceText(
        source=raw["source"],
        text=raw["text"],
        sha256=raw["sha256"],
        format=raw["format"],
        encoding=raw["encoding"],
        hints=hints,
        notes=tuple(raw["notes"]),
    )
