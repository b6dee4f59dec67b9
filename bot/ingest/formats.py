"""The readers by form. This is what runs in the child process."""

from __future__ import annotations

from bot.errors import SourceError
from bot.ingest.drawn import with_tables
from bot.ingest.sniff import Form, check_zip, zip_form
from bot.ingest.text import Reading, read_txt

READ_THROUGH_OFFICE: tuple[Form, ...] = ("ole", "rtf", "wordxml")


def zip_is(data: bytes, source: str, max_unpacked: int) -> str:
    """ "docx" or "odt", after the sizes in the zip were found harmless. Raises SourceError."""
    return zip_form(check_zip(data, source, max_unpacked), source)


def read_bytes(form: str, data: bytes, source: str, max_unpacked: int) -> Reading:
    """A file's lines, tables that it draws with characters among them as rows. Whatever a library raises on a damaged file becomes a SourceError; MemoryError passes."""
    try:
        reading = _read(form, data, source, max_unpacked)
        if form != "pdf":  # its reader sees where on the page a cell stands, and does so itself
            reading.lines = with_tables(reading.lines)
        return reading
    except (SourceError, MemoryError):
        raise
    except RecursionError as error:
        raise SourceError(source, "结构嵌套过深，像是恶意文件 / nested too deeply") from error
    except Exception as error:  # a library's own failure on a damaged file
        kind = type(error).__name__
        raise SourceError(
            source, f"解析失败（{kind}），文件可能已损坏，请另存后重试 / damaged: save it again"
        ) from error


def _read(form: str, data: bytes, source: str, max_unpacked: int) -> Reading:
    match form:
        case "zip":
            if zip_is(data, source, max_unpacked) != "docx":
                raise SourceError(source, "不是 docx / not a docx")
            from bot.ingest.docx import read_docx

            return read_docx(data, source)
        case "pdf":
            from bot.ingest.pdf import read_pdf

            return read_pdf(data, source)
        case "html":
            from bot.ingest.html import read_html

            return read_html(data, source)
        case "md":
            from bot.ingest.markdown import read_md

            return read_md(data, source)
        case _:
            return read_txt(data, source)
