"""Errors of the bot. Every message says what to do next.

BotError
├── SettingsError        a setting is unknown or has a wrong value
├── QuestionError        the question is empty or too long
├── SourceError          one source file cannot be read (encoding, damage, limits); the others go on
├── CorpusError          no source at all could be read
├── IndexError_          the index cannot be used or written
│   ├── IndexMissingError    there is none yet
│   ├── IndexStaleError      the corpus, the settings or the model changed since it was built
│   ├── IndexDamagedError    a file's checksum differs
│   └── IndexBusyError       another build is running
├── ModelMissingError    the embedding model is not installed or not for this machine
└── NotFoundError        no such clause or source
"""

from __future__ import annotations


class BotError(Exception):
    """Root of the tree; the command line prints its message as one line."""


class SettingsError(BotError):
    """A setting is unknown or has a wrong value."""


class QuestionError(BotError):
    """The question is empty or too long."""


class SourceError(BotError):
    """One source file cannot be read. `source` names it, `reason` says why and what to do."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason

    def __reduce__(self) -> tuple[type[SourceError], tuple[str, str]]:
        return (SourceError, (self.source, self.reason))


class CorpusError(BotError):
    """No source could be read, so there is nothing to index."""


class IndexError_(BotError):
    """The index cannot be used or written."""


class IndexMissingError(IndexError_):
    """There is no index yet."""


class IndexStaleError(IndexError_):
    """The corpus, the settings or the model differ from what the index was built with."""


class IndexDamagedError(IndexError_):
    """A file of the index is missing or its checksum differs."""


class IndexBusyError(IndexError_):
    """Another build holds the lock."""


class ModelMissingError(BotError):
    """The embedding model is not installed, or this processor cannot run it."""


class NotFoundError(BotError):
    """No clause or source of that name."""
