"""One file → SourceText: what kind of file it really is, and the reader for it, within limits."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from types import TracebackType

from bot.errors import SourceError
from bot.ingest.text import assemble, read_txt, sha256_of
from bot.settings import Settings
from bot.types import SourceText

# Files of a corpus folder that are no guides: hidden ones, locks of office programs, housekeeping.
SKIPPED = re.compile(
    r"^(?:\..*|~\$.*|.*~|.*\.(?:toml|lock|tmp|part|crdownload|bak)|Thumbs\.db|desktop\.ini|README(?:\.\w+)*)$",
    re.IGNORECASE,
)


class Reader:
    """Reads files one after the other, within the limits of the settings. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def read(self, path: Path, name: str, *, root: Path | None = None) -> SourceText:
        """The canonical text of the file at `path`, called `name` in messages and citations. Raises SourceError.

        With `root`, a file that lies outside of that folder once links are followed is refused.
        """
        data = load(path, name, self.settings, root)
        return assemble(name, sha256_of(data), read_txt(data, name), max_chars=self.settings.max_text_chars)


def load(path: Path, name: str, settings: Settings, root: Path | None) -> bytes:
    """The bytes of an ordinary file within the size limit. Raises SourceError."""
    limit = settings.max_file_bytes
    try:
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise SourceError(name, "符号链接指向语料文件夹之外，请放入文件本身 / a symbolic link out of the corpus")
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SourceError(name, "不是普通文件 / not an ordinary file")
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise SourceError(
            name, "文件不存在或读取时消失了，请放回后重试 / no such file, or it vanished while being read"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(name, f"读不了（{reason}），请检查权限 / cannot be read: check its permissions") from None
    if len(data) > limit:
        raise SourceError(name, f"超过 {limit / 1048576:.0f} MB，请拆分文件或调大 max_file_bytes / file too large")
    if not data:
        raise SourceError(name, "空文件，请换一份有内容的文件 / an empty file")
    return data


def read_source(path: Path, name: str, settings: Settings) -> SourceText:
    """One file as clean text with its hints. Raises SourceError with the reason. For several, use `read_corpus`."""
    with Reader(settings) as reader:
        return reader.read(path, name)
