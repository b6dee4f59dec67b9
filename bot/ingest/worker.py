"""The child process that reads untrusted files: one request a time on standard input, one reply on standard output.

A request is a line of JSON with the length of the file, then its bytes; a reply is a line of JSON. The child opens no
file of the corpus, writes none, and lives under limits of memory and processor time.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from bot.errors import SourceError
from bot.ingest.formats import read_bytes
from bot.ingest.text import assemble, sha256_of


def main() -> None:
    """Serve requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what a library prints must not stand among the replies
        os.dup2(silent, stream)
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        _limit(request)
        data = requests.read(request["size"])
        if len(data) < request["size"]:
            return
        reply = _answer(request, data)
        del data
        replies.write(json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        replies.flush()
        if reply.get("memory"):
            return


def _answer(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    name = request["name"]
    try:
        reading = read_bytes(request["form"], data, name, request["max_unpacked"])
        source = assemble(name, sha256_of(data), reading, max_chars=request["max_chars"])
    except SourceError as error:
        return {"error": error.reason}
    except MemoryError:
        return {"error": "", "memory": True}
    out = asdict(source)
    out["hints"] = [
        (h.start, h.end, h.kind, h.level, h.bold, h.centered, h.page, h.table, h.cells, h.header) for h in source.hints
    ]
    return {"source": out}


def _limit(request: dict[str, Any]) -> None:
    """Bound memory, processor time and files for the request. Where the platform has no such limits the parent's
    clock still holds."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + request["seconds"]) + 5
    for what, most in (
        (resource.RLIMIT_AS, request["memory"]),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (wanted, hard))
        except (ValueError, OSError):
            continue


if __name__ == "__main__":
    main()
