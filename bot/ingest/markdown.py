"""Markdown: what a reader of the rendered page sees, line by line."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from bot.errors import SourceError
from bot.ingest.table import Cell, Table
from bot.ingest.text import RawLine, Reading, decode, report_invisible, split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

_DEPTH = 100
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]{0,500}>", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])>", re.IGNORECASE)
# English prose wrapped by hand: the line goes on. Guides in Chinese end a line where they mean to.
_WRAPPED = re.compile(r"[A-Za-z,]$")
_STARTS = re.compile(r"[a-z]")


def read_md(data: bytes, source: str) -> Reading:
    """A Markdown file: headings with their level, list numbers as written, tables as rows, one line a line."""
    from markdown_it import MarkdownIt

    text, encoding = decode(data, source)
    reading = Reading(format="md", encoding=encoding)
    text = "\n".join(split_lines(_front_matter(text)))
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEPTH}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    if any(token.level >= _DEPTH - 1 for token in tokens):  # what is deeper the parser leaves out without a word
        raise SourceError(source, f"结构嵌套超过 {_DEPTH} 层，像是恶意文件 / nested too deeply")
    _Lines(reading).read(tokens)
    report_invisible(text, reading)
    return reading


def _front_matter(text: str) -> str:
    return re.sub(r"\A---[ \t]*\r?\n(?:[\w-]+:.*\r?\n|[ \t].*\r?\n){1,50}---[ \t]*\r?\n", "", text)


class _Lines:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.level: int | None = None
        self.marker = ""
        self.items = 0
        self.cells: list[Cell] = []
        self.row = self.column = 0
        self.table = False
        self.tables = 0

    def read(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            match token.type:
                case "heading_open":
                    self.level = int(token.tag[1])
                case "heading_close":
                    self.level = None
                case "list_item_open":
                    self.items += 1
                    self.marker = f"{token.info}{token.markup} " if token.info else ""
                case "list_item_close":
                    self.items -= 1
                    self.marker = ""
                case "table_open":
                    self.table, self.cells, self.row = True, [], -1
                case "tr_open":
                    self.row, self.column = self.row + 1, 0
                case "table_close":
                    self.table = False
                    self.reading.lines += Table(self.cells, self.tables).lines()
                    self.tables += 1
                case "th_close" | "td_close":
                    self.column += 1
                case "th_open":
                    self.cells.append(Cell("", self.column, 1, self.row, 1, True))
                case "td_open":
                    self.cells.append(Cell("", self.column, 1, self.row))
                case "inline" if self.table:
                    self.cells[-1].text = _plain(token.children or [])
                case "inline":
                    self._add(_plain(token.children or []), _all_strong(token.children or []))
                case "code_block" | "fence":
                    for line in token.content.split("\n"):
                        self._add(line)
                case "html_block":
                    for line in _without_tags(token.content).split("\n"):
                        self._add(line)

    def _add(self, text: str, bold: bool = False) -> None:
        for line in _joined(text.split("\n")):
            if not line.strip():
                continue
            raw = RawLine(self.marker + line, bold=bold, level=self.level)
            raw.kind = "heading" if self.level else "list" if self.items else "text"
            self.marker = ""
            self.reading.lines.append(raw)


def _joined(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        if out and len(out[-1]) >= 60 and _WRAPPED.search(out[-1]) and _STARTS.match(line):
            out[-1] += " " + line
        else:
            out.append(line)
    return out


def _plain(tokens: Sequence[Token]) -> str:
    out: list[str] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "text_special":
                out.append(token.content)
            case "softbreak" | "hardbreak":
                out.append("\n")
            case "html_inline":
                out.append("\n" if _BREAK.fullmatch(token.content) else "")
            case "image":
                out.append(token.content)
    return "".join(out)


def _without_tags(text: str) -> str:
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))


def _all_strong(tokens: Sequence[Token]) -> bool:
    depth = 0
    seen = False
    for token in tokens:
        depth += (token.type == "strong_open") - (token.type == "strong_close")
        if token.type in ("text", "code_inline") and token.content.strip():
            if not depth:
                return False
            seen = True
    return seen
