"""What all tests share: where things are, one real index per session, and how thorough to be.

`make test` runs the long checks with reduced counts; BOT_TEST_FULL=1 (`make test-all`) runs them in full:

    from tests.conftest import full
    COUNT = 1000 if full() else 50
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from bot.settings import Settings

if TYPE_CHECKING:
    from bot.bot import GuideBot
    from bot.types import Answer

ROOT = Path(__file__).resolve().parent.parent
TODAY = "2025-09-01"  # before the deadlines of the guide in corpus/, so that none of them has passed


def full() -> bool:
    """True when the long checks are to run in full."""
    return os.environ.get("BOT_TEST_FULL", "") not in ("", "0")


hypothesis.settings.register_profile(
    "ci",
    derandomize=True,  # the same examples for everybody: a red run can be repeated
    deadline=None,  # two busy cores make any deadline a coin toss
    max_examples=40,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("full", parent=hypothesis.settings.get_profile("ci"), max_examples=1000)
hypothesis.settings.load_profile("full" if full() else "ci")


def pytest_configure(config: pytest.Config) -> None:
    """A developer's own BOT_* settings must not decide what the tests see; nothing may reach for the network."""
    del config
    for name in [n for n in os.environ if n.startswith("BOT_")]:
        if name not in ("BOT_TEST_FULL", "BOT_SHARED"):
            del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"


def bot_over(home: Path, text: str, name: str = "guide.txt", *, today: str) -> GuideBot:
    """A bot over one guide with this text, its corpus and index under `home`."""
    (home / "corpus").mkdir()
    (home / "corpus" / name).write_text(text, "utf-8")
    from bot.bot import GuideBot
    from bot.index import build

    settings = Settings(corpus=home / "corpus", index=home / "index", log=False, today=today)
    build(settings)
    return GuideBot.open(settings)


def tell_apart(bot: GuideBot, question: str, twin: str, words: str) -> Answer:
    """The question is refused, its twin is answered with these words; gives the refusal."""
    refused, answered = bot.ask(question), bot.ask(twin)
    assert refused.status == "refused", refused.text
    assert answered.status == "answered" and words in answered.text, answered.text
    return refused


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Documents that may be read but not kept in the repository: BOT_SHARED, or `shared` beside the repository."""
    folder = Path(os.environ.get("BOT_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no folder of shared documents: set BOT_SHARED or put `shared` beside the repository")
    return folder


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """The guides of the repository. Read only: a test that indexes works on a copy (`real_index`)."""
    return ROOT / "corpus"


@pytest.fixture(scope="session")
def real_settings(corpus_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings over a copy of corpus/ with an index folder of their own, `today` fixed and no log."""
    home = tmp_path_factory.mktemp("real")
    shutil.copytree(corpus_dir, home / "corpus")
    return Settings(
        corpus=home / "corpus",
        index=home / "index",
        log_path=home / "log.sqlite3",
        log=False,
        today=TODAY,
    )


@pytest.fixture(scope="session")
def real_index(real_settings: Settings) -> Path:
    """The folder of an index of corpus/, built once with the real encoders."""
    from bot.index import build

    build(real_settings)
    return real_settings.index


@pytest.fixture(scope="session")
def bot(real_settings: Settings, real_index: Path) -> GuideBot:
    """The bot on that index."""
    from bot.bot import GuideBot

    assert real_index == real_settings.index
    return GuideBot.open(real_settings)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with nothing in it: no bot.toml, corpus or index is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOT_HOME", raising=False)
    return tmp_path
