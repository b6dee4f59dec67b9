"""One file → SourceText: what kind of file it really is, and the reader for it, within limits."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import TracebackType

from bot.errors import SourceError
from bot.ingest.formats import READ_THROUGH_OFFICE, read_bytes
from bot.ingest.office import convert
from bot.ingest.sandbox import Sandbox
from bot.ingest.sniff import check_zip, sniff
from bot.ingest.text import assemble, garbled, sha256_of
from bot.settings import Settings
from bot.types import SourceText

# Files of a corpus folder that are no guides: hidden ones, locks of office programs, housekeeping, data and code.
SKIPPED = re.compile(
    r"^(?:\..*|~\$.*|.*~|Thumbs\.db|desktop\.ini|README(?:\.\w+)*|.*\.(?:toml|lock|tmp|part|crdownload|bak"
    r"|jsonl?|ya?ml|csv|tsv|ini|cfg|log|sha256|py|js|css|sqlite3?))$",
    re.IGNORECASE,
)

IN_PROCESS = 1 << 20  # a plain text up to this size needs no child process

_SUFFIXES = {
    "txt": (".txt", ".text", ""),
    "md": (".md", ".markdown"),
    "html": (".html", ".htm", ".xhtml", ".shtml"),
    "pdf": (".pdf",),
    "docx": (".docx", ".docm", ".dotx", ".dotm"),
    "doc": (".doc", ".wps", ".wpt", ".dot", ".rtf", ".xml", ".odt"),
}


class Reader:
    """Reads files one after the other, within the limits of the settings. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sandbox = Sandbox(settings)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sandbox.close()

    def read(self, path: Path, name: str, *, root: Path | None = None) -> SourceText:
        """The canonical text of the file at `path`, called `name` in messages and citations. Raises SourceError.

        With `root`, a file that lies outside of that folder once links are followed is refused.
        """
        data = load(path, name, self.settings, root)
        return self.read_bytes(data, name)

    def read_bytes(self, data: bytes, name: str) -> SourceText:
        """The canonical text of a file's bytes. Raises SourceError."""
        form: str = sniff(data, name)
        if form == "txt" and len(data) <= IN_PROCESS:
            source = assemble(
                name, sha256_of(data), read_bytes("txt", data, name, 0), max_chars=self.settings.max_text_chars
            )
        elif form in READ_THROUGH_OFFICE or (form == "zip" and _is_odt(data)):
            if form == "zip":
                check_zip(data, name, self.settings.max_unpacked_bytes)
            converted = convert("odt" if form == "zip" else form, data, name, self.settings)
            source = self._sandbox.read("zip", converted, name)
            if garbled(source.text):  # LibreOffice reads a broken file as if it were plain text
                raise SourceError(
                    name, "文件已损坏，转换出来的是乱码，请用 Word 打开另存为 docx / damaged: garbled when converted"
                )
            source = replace(source, sha256=sha256_of(data), format="doc")
        else:
            source = self._sandbox.read(form, data, name)
        suffix = PurePosixPath(name).suffix.lower()
        if suffix not in _SUFFIXES.get(source.format, (suffix,)):
            note = f"扩展名是 {suffix}，内容是 {source.format}，已按 {source.format} 读取 / read as {source.format}, not {suffix}"
            source = replace(source, notes=(note, *source.notes))
        return source


def _is_odt(data: bytes) -> bool:
    """An OpenDocument text names itself at the start of the file."""
    return b"mimetypeapplication/vnd.oasis.opendocument.text" in data[:120]


def load(path: Path, name: str, settings: Settings, root: Path | None) -> bytes:
    """The bytes of an ordinary file within the size limit. Raises SourceError."""
    limit = settings.max_file_bytes
    if not name.isprintable():  # control characters, or bytes that are no UTF-8: fit for no message and no citation
        raise SourceError(
            ascii(name)[1:-1], "文件名含控制字符或不是 UTF-8，请改名 / odd characters in its name: rename it"
        )
    try:
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise SourceError(name, "符号链接指向语料文件夹之外，请放入文件本身 / a symbolic link out of the corpus")
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise SourceError(name, "不是普通文件 / not an ordinary file")
            data = file.read(limit + 1) if state.st_size <= limit else b""
    except FileNotFoundError:
        raise SourceError(
            name, "文件不存在或读取时消失了，请放回后重试 / no such file, or it vanished while being read"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(name, f"读不了（{reason}），请检查权限 / cannot be read: check its permissions") from None
    if max(len(data), state.st_size) > limit:
        raise SourceError(name, f"超过 {limit / 1048576:.0f} MB，请拆分文件或调大 max_file_bytes / file too large")
    if not data:
        raise SourceError(name, "空文件，请换一份有内容的文件 / an empty file")
    return data


def read_source(path: Path, name: str, settings: Settings) -> SourceText:
    """One file as clean text with its hints. Raises SourceError with the reason. For several, use `read_corpus`."""
    with Reader(settings) as reader:
        return reader.read(path, name)
