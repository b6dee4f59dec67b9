"""Prints docs/help.md: the help of every command, as the command line itself gives it (`make docs`)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def help_of(*command: str) -> str:
    env = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", *command, "--help"], check=True, capture_output=True, text=True, encoding="utf-8", env=env
    )
    return done.stdout.rstrip()


def main() -> None:
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    first = help_of("bot")
    commands = re.findall(r"^    ([a-z][a-z-]*)(?=\s|$)", first.partition("options:")[0], re.MULTILINE)
    if not commands:
        raise SystemExit("bot --help lists no commands")
    pages = [("bot", first)]
    pages += [(f"bot {name}", help_of("bot", name)) for name in commands]
    pages += [(f"python -m {name}", help_of(name)) for name in ("eval", "eval.nightly")]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"<!-- Python {version} wrote this page: make docs -->\n# Every command\n")
    print("\n\n".join(f"## {title}\n\n```text\n{text}\n```" for title, text in pages))


if __name__ == "__main__":
    main()
