"""Writes the two locks from pyproject.toml: what pip would install today on this platform, every version pinned.

    python .ci/lock.py [--torch VERSION] [--extra NAME]…

`constraints.txt` holds everything with the extras; `constraints-slim.txt` the same without sentence-transformers and
what only it needs. torch stays at the version that the present lock names (another one: --torch), because a plain
torch on Linux brings gigabytes of CUDA; its CUDA packages are left out of the lock, so the same lock serves the
CPU build and, with their newest versions, the other one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FULL, SLIM = ROOT / "constraints.txt", ROOT / "constraints-slim.txt"
HEAVY = "sentence-transformers"
CUDA = re.compile(r"(nvidia|cuda|triton)([-_].*)?")


def normal(name: str) -> str:
    """A package's name as the registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    if found is None:
        raise SystemExit(f"pyproject.toml: cannot read the requirement {requirement!r}")
    return normal(found.group())


def resolve(requirements: Sequence[str], pins: Sequence[str]) -> dict[str, str]:
    """name → version for everything pip would install for `requirements` into an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        pinned, report = Path(folder, "pins.txt"), Path(folder, "report.json")
        pinned.write_text("\n".join(pins) + "\n", "utf-8")
        command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "-c", str(pinned)]
        subprocess.run([*command, "--report", str(report), *requirements], check=True)
        installs = json.loads(report.read_text("utf-8"))["install"]
    found = {normal(i["metadata"]["name"]): i["metadata"]["version"].split("+")[0] for i in installs}
    return {name: version for name, version in found.items() if not CUDA.fullmatch(name)}


def write(path: Path, what: str, found: dict[str, str]) -> None:
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    head = f"# {what}\n# Made by `make lock`; do not edit.\n"
    path.write_text(head + "\n".join(lines) + "\n", "utf-8")
    print(f"{path.name}: {len(lines)} packages")


def present_torch() -> str:
    found = re.search(r"^torch==(\S+)$", FULL.read_text("utf-8") if FULL.exists() else "", re.MULTILINE)
    return found.group(1) if found else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Write constraints.txt and constraints-slim.txt.")
    parser.add_argument("--torch", default=present_torch(), help="its version (default: as in constraints.txt)")
    torch = parser.parse_args().torch
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base, extras = project["dependencies"], project["optional-dependencies"]
    pins = [f"torch=={torch}"] if torch else []
    everything = [*base, *(r for extra in extras.values() for r in extra)]
    full = resolve(everything, pins)
    # The slim lock takes its versions from the full one, so that both run the same code.
    same = [f"{name}=={version}" for name, version in full.items()]
    slim = resolve([r for r in [*base, *extras["dev"]] if name_of(r) != HEAVY], same)
    if "torch" in slim or HEAVY in slim:
        raise SystemExit("the slim set still needs torch; see which package brings it: pip install --dry-run --report")
    write(FULL, "Every package, pinned; `make env` installs with it.", full)
    write(SLIM, f"Every package but {HEAVY} and what only it needs; `make env SLIM=1` installs exactly this.", slim)


if __name__ == "__main__":
    main()
