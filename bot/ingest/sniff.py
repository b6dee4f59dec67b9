"""What a file really is, by its first bytes; an extension is only a hint between kinds of text."""

from __future__ import annotations

import re
import struct
from pathlib import PurePosixPath
from typing import Literal

from bot.errors import SourceError

Form = Literal["txt", "md", "html", "pdf", "zip", "ole", "rtf", "wordxml"]

_FORMATS = "支持 txt、md、docx、pdf、html、doc、wps、rtf、odt / supported: those"

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "PNG 图片"),
    (b"\xff\xd8\xff", "JPEG 图片"),
    (b"GIF8", "GIF 图片"),
    (b"II*\0", "TIFF 图片"),
    (b"MM\0*", "TIFF 图片"),
    (b"BM", "BMP 图片"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"BZh", "bzip2 压缩包"),
    (b"\xfd7zXZ", "xz 压缩包"),
    (b"SQLite format 3", "SQLite 数据库"),
    (b"\x7fELF", "程序"),
    (b"MZ\x90", "程序"),
)
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
_MARKUP = re.compile(rb"^\s*<[!?a-zA-Z]")


def sniff(data: bytes, source: str) -> Form:
    """The form of a file's content. Raises SourceError for one that is not read, naming what it is."""
    head = data[:4096]
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")  # also of UTF-16
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return "zip"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole(data, source)
    if b"%PDF-" in head[:1024] and _binary_start(head):
        return "pdf"
    if plain.startswith(b"{\\rtf"):
        return "rtf"
    for magic, what in _MAGIC:
        # Two letters are no proof where text follows.
        if head.startswith(magic) and (len(magic) > 2 or b"\0" in head[:32] or magic == b"\x1f\x8b"):
            raise SourceError(source, f"是{what}，不是指南文本；{_FORMATS}")
    suffix = PurePosixPath(source).suffix.lower()
    if plain[:13].lower().startswith(b"mime-version:") or b"multipart/related" in head[:1024].lower():
        raise SourceError(source, "是网页归档（MHTML），请在浏览器里另存为 HTML / a web archive: save it as HTML")
    if suffix in (".md", ".markdown"):
        return "md"
    if _MARKUP.match(plain):
        if b"<?xml" in plain[:20] and (b"w:wordDocument" in plain or b"pkg:package" in plain):
            return "wordxml"
        if _HTML.search(plain):
            return "html"
        if b"<?xml" in plain[:20] and suffix not in (".html", ".htm", ".xhtml"):
            raise SourceError(source, f"是 XML 数据，不是指南文本；{_FORMATS}")
    return "html" if suffix in (".html", ".htm", ".xhtml", ".shtml") else "txt"


def _binary_start(head: bytes) -> bool:
    """A PDF begins with its mark, or some producers' rubbish before it; a text that speaks of %PDF- does not."""
    return head.lstrip(b"\xef\xbb\xbf\r\n\t \0").startswith(b"%PDF-") or b"\0" in head[:1024]


def _ole(data: bytes, source: str) -> Form:
    def has(name: str) -> bool:
        return name.encode("utf-16-le") in data

    if has("EncryptedPackage") or has("EncryptionInfo"):
        raise SourceError(source, "已加密，请先去掉打开密码再放入 / encrypted: remove its password first")
    if has("WordDocument") or (has("MatOST") and PurePosixPath(source).suffix.lower() == ".wps"):
        return "ole"
    if PurePosixPath(source).suffix.lower() in (".doc", ".wps") and not has("Workbook"):
        raise SourceError(source, "文件已损坏，里面没有 Word 文档，请重新取得 / damaged: no Word document in it")
    what = "Excel 表格" if has("Workbook") else "PowerPoint 演示" if has("PowerPoint Document") else "Office 文件"
    raise SourceError(
        source, f"是{what}，不是指南文本，请另存为 docx 或 pdf / not a text document: save it as docx or pdf"
    )


def check_zip(data: bytes, source: str, max_unpacked: int) -> list[str]:
    """The names in a zip file, after its sizes were found harmless; nothing is unpacked. Raises SourceError."""
    import io
    import zipfile

    bomb = "像是压缩炸弹（{}），未解压，请另存后重试 / looks like a zip bomb: not unpacked"
    entries, directory = _zip_end(data)
    if entries > 2000 or directory > 1 << 20:
        raise SourceError(source, bomb.format("超过 2000 个条目"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, struct.error, EOFError, OSError, NotImplementedError) as error:
        raise SourceError(
            source, "文件已损坏或被截断，请重新取得 / damaged or truncated: get the file again"
        ) from error
    if len(infos) > 2000:
        raise SourceError(source, bomb.format("超过 2000 个条目"))
    total = sum(i.file_size for i in infos)
    if total > max_unpacked:
        raise SourceError(source, bomb.format(f"解压后 {total // 1048576} MB"))
    for info in infos:
        # A white bitmap may shrink further; text does not.
        text = info.filename.endswith((".xml", ".rels"))
        if text and info.file_size > 1 << 20 and info.file_size > 100 * max(info.compress_size, 1):
            raise SourceError(source, bomb.format("压缩比超过 100"))
        if info.flag_bits & 1:
            raise SourceError(source, "已加密，请先去掉密码再放入 / encrypted: remove its password first")
        if re.search(r"\.(?:zip|rar|7z|gz|jar)$", info.filename, re.IGNORECASE) and "embeddings/" not in info.filename:
            raise SourceError(source, "压缩包里还有压缩包，未解压，请放入文件本身 / nested archives: not unpacked")
    if total > 10 << 20 and total > 100 * len(data):
        raise SourceError(source, bomb.format("压缩比超过 100"))
    names = [i.filename for i in infos]
    if len(set(names)) != len(names):
        raise SourceError(source, "压缩包里有重名条目，文件已损坏 / damaged: entries of the same name")
    return names


def _zip_end(data: bytes) -> tuple[int, int]:
    """(entries, bytes of the directory) by the record at the end, before anything is built from it."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if at < 0 or at + 22 > len(data):
        return 0, 0
    _, _, _, entries, directory, _ = struct.unpack_from("<HHHHII", data, at + 4)
    return entries, directory


def zip_form(names: list[str], source: str) -> Literal["docx", "odt"]:
    """Which document a zip file is. Raises SourceError for one that is not read."""
    have = set(names)
    if any(n.startswith("word/") and n.endswith(".xml") for n in have):
        return "docx"
    if "content.xml" in have and "mimetype" in have:
        return "odt"
    for folder, what in (("xl/", "Excel 表格"), ("ppt/", "PowerPoint 演示")):
        if any(n.startswith(folder) for n in have):
            raise SourceError(source, f"是{what}，不是指南文本，请另存为 docx 或 pdf / save it as docx or pdf")
    raise SourceError(source, f"是压缩包，请解压后放入里面的文件；{_FORMATS}")
