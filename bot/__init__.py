"""A Q&A bot over application guides: right, with its source, and silent where the guide is."""

from bot.errors import BotError
from bot.settings import Settings
from bot.types import Answer, Citation

__all__ = ["Answer", "BotError", "Citation", "GuideBot", "Settings", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # GuideBot brings numpy and faiss; `bot --help` must not pay for them.
    if name == "GuideBot":
        from bot.bot import GuideBot

        return GuideBot
    raise AttributeError(f"module 'bot' has no attribute {name!r}")
