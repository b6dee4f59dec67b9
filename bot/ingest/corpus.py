"""The corpus folder: which files, what is known of them, and what had to be guessed."""

from __future__ import annotations

import datetime as dt
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from bot.errors import CorpusError, SourceError
from bot.ingest.read import SKIPPED, Reader
from bot.settings import Settings
from bot.slug import make_slug
from bot.types import Guide, SourceText

TOML = "corpus.toml"
_STATED = ("title", "edition", "issuer", "url", "valid_from", "valid_to", "series", "slug")


@dataclass(frozen=True, slots=True)
class CorpusRead:
    """What a corpus holds: `guides[i]` belongs to `sources[i]`; `problems` are the files that could not be read,
    `skipped` the names of those that were not meant to be: data, code, housekeeping; hidden files are not named."""

    sources: tuple[SourceText, ...]
    guides: tuple[Guide, ...]
    problems: tuple[SourceError, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str  # as it stands in SourceText.source
    entry: dict[str, str]
    root: Path | None = None  # the file must lie in this folder, links followed


def read_corpus(settings: Settings, files: Sequence[Path] = ()) -> CorpusRead:
    """Read `files`, or every readable file of the corpus folder, in the order of their names.

    What corpus.toml says of a file (the one in the corpus folder, or beside a file given by name) is taken as
    stated; the rest is guessed from the text and listed in `Guide.guessed`. A file that cannot be read is a problem
    and the others go on. Raises CorpusError where there is no file at all, or corpus.toml is not valid.
    """
    skipped: list[str] = []
    wanted, problems = _given(files, skipped) if files else _listed(settings.corpus, skipped)
    if not wanted and not problems:
        where = "、".join(str(f) for f in files) if files else str(settings.corpus)
        raise CorpusError(f"{where} 里没有指南文件，请放入 txt、md、docx、pdf 或 html / no guide files there")
    sources: list[SourceText] = []
    guides: list[Guide] = []
    with Reader(settings) as reader:
        for file in wanted:
            try:
                source = reader.read(file.path, file.name, root=file.root)
            except SourceError as error:
                problems.append(error)
                continue
            sources.append(source)
            guides.append(describe(source, file.entry))
    return CorpusRead(tuple(sources), tuple(_unique(guides)), tuple(problems), tuple(skipped))


def _given(files: Sequence[Path], skipped: list[str]) -> tuple[list[_File], list[SourceError]]:
    wanted: list[_File] = []
    problems: list[SourceError] = []
    names: set[str] = set()
    for path in files:
        if path.is_dir():
            more, bad = _listed(path, skipped)
            wanted += more
            problems += bad
            continue
        if path.name == TOML:
            continue
        name = path.name
        if name in names:
            name = f"{path.absolute().parent.name}/{path.name}"
        names.add(name)
        entries = {e["file"]: e for e in load_toml(path.parent / TOML)}
        wanted.append(_File(path, name, entries.get(path.name, {})))
    return wanted, problems


def _listed(folder: Path, skipped: list[str]) -> tuple[list[_File], list[SourceError]]:
    if not folder.is_dir():
        raise CorpusError(
            f"找不到语料文件夹 {folder}，请建立它并放入指南，或用 --corpus 指定 / no corpus folder {folder}"
        )
    entries = {e["file"]: e for e in load_toml(folder / TOML)}
    found = set(_walk(folder))
    names = sorted(n for n in found if n in entries or not SKIPPED.match(PurePosixPath(n).name))
    skipped += sorted(n for n in found.difference(names, [TOML]) if not PurePosixPath(n).name.startswith((".", "~")))
    problems = [
        SourceError(name, f"{TOML} 列了这个文件，但文件夹里没有，请放回或删去该条 / listed but missing")
        for name in entries
        if name not in names
    ]
    return [_File(folder / name, name, entries.get(name, {}), folder) for name in names], problems


def _walk(folder: Path) -> Iterable[str]:
    """Names of the files below `folder`, "/" between, not those in hidden folders. Links to folders are not followed;
    links to files are listed, and refused when read if they lead out."""
    for here, dirs, found in os.walk(folder):
        dirs[:] = sorted(d for d in dirs if not d.startswith((".", "__")))
        for file in found:
            yield (Path(here) / file).relative_to(folder).as_posix()


# --- corpus.toml ----------------------------------------------------------------------------------------------------


def load_toml(path: Path) -> list[dict[str, str]]:
    """The `[[guide]]` tables of a corpus.toml; none where there is no such file. Raises CorpusError."""
    try:
        if not path.is_file():
            return []
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CorpusError(f"{path} 不是有效的 TOML（{error}），请改正 / not valid TOML: correct it") from error
    tables = data.get("guide", [])
    unknown = sorted(set(data) - {"guide"})
    if unknown or not isinstance(tables, list):
        raise CorpusError(
            f"{path}: 只能有 [[guide]] 表{f'，不认识 {unknown[0]}' if unknown else ''} / only [[guide]] tables"
        )
    return [_entry(table, path, n) for n, table in enumerate(tables, 1)]


def _entry(table: Any, path: Path, number: int) -> dict[str, str]:
    where = f"{path}: 第 {number} 个 [[guide]]"
    if not isinstance(table, dict) or not isinstance(table.get("file"), str) or not table["file"].strip():
        raise CorpusError(f"{where} 没有 file，请写上文件名 / has no file")
    file = PurePosixPath(table["file"].strip().replace(os.sep, "/"))
    if file.is_absolute() or ".." in file.parts:
        raise CorpusError(f"{where} 的 file 必须在语料文件夹内 / file must lie in the corpus folder")
    entry = {"file": str(file)}
    for key, value in table.items():
        if key not in (*_STATED, "sha256", "file", "note"):
            raise CorpusError(f"{where} 有不认识的字段 {key}，可用：{'、'.join(_STATED)} / unknown field {key}")
        if key in ("file", "sha256", "note"):
            continue
        if isinstance(value, dt.date | int) and not isinstance(value, bool | dt.datetime):
            value = str(value)
        if not isinstance(value, str):
            raise CorpusError(f"{where} 的 {key} 应是文字，请加引号 / {key} must be a string")
        entry[key] = value.strip()
    for key in ("valid_from", "valid_to"):
        if entry.get(key) and not _iso(entry[key]):
            raise CorpusError(f"{where} 的 {key} 应是 2026-01-31 这样的日期 / {key} must be an ISO date")
    if entry.get("url") and urlsplit(entry["url"]).scheme not in ("http", "https"):
        raise CorpusError(f"{where} 的 url 应以 http:// 或 https:// 开头 / url must be http(s)")
    return entry


def _iso(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


_HEADER = re.compile(r"^\s*\[")
_GUIDE = re.compile(r"^\s*\[\[\s*guide\s*\]\]\s*(?:#.*)?$")
_FILE = re.compile(r"^\s*file\s*=")
_SHA = re.compile(r"^(\s*sha256\s*=\s*).*?(\s*#.*)?$")


def write_checksums(folder: Path, guides: Iterable[Guide]) -> bool:
    """Write the checksum of every guide into the corpus.toml of `folder`, everything else left as it stands.

    True if the file was changed; False where there is none or it is right already. Written aside and renamed, so
    that a reader sees the old or the new one. Raises CorpusError where the file cannot be written.
    """
    path = folder / TOML
    if not path.is_file():
        return False
    sums = {g.source: g.sha256 for g in guides}
    before = path.read_bytes().decode("utf-8-sig")
    after = _with_checksums(before, sums)
    if after == before:
        return False
    wanted = [
        {**t, **({"sha256": sums[t["file"]]} if t.get("file") in sums else {})} for t in tomllib.loads(before)["guide"]
    ]
    if tomllib.loads(after) != {"guide": wanted}:  # an unusual layout: better no checksum than a broken file
        return False
    aside = path.with_name(f".{TOML}.{os.getpid()}")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        with open(aside, "w", encoding="utf-8", newline="") as out:
            out.write(after)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(aside, mode)
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise CorpusError(f"写不了 {path}（{error.strerror}），请检查权限和空间 / cannot write it") from error
    return True


def _with_checksums(text: str, sums: dict[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    out: list[str] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and not _HEADER.match(lines[end]):
            end += 1
        block = lines[at:end]
        out += _block_with_checksum(block, sums) if _GUIDE.match(block[0].rstrip("\r\n")) else block
        at = end
    return "".join(out)


def _block_with_checksum(block: list[str], sums: dict[str, str]) -> list[str]:
    try:
        table = tomllib.loads("".join(block))["guide"][0]
    except tomllib.TOMLDecodeError:
        return block
    digest = sums.get(table.get("file", ""))
    if digest is None or table.get("sha256") == digest:
        return block
    for i, line in enumerate(block):
        body = line.rstrip("\r\n")
        if match := _SHA.match(body):
            return [*block[:i], f'{match[1]}"{digest}"{match[2] or ""}{line[len(body) :]}', *block[i + 1 :]]
    for i, line in enumerate(block):
        if _FILE.match(line):
            body = line.rstrip("\r\n")
            end = line[len(body) :] or "\n"
            return [*block[:i], body + end, f'sha256 = "{digest}"{end}', *block[i + 1 :]]
    return block


def suggest_toml(guides: Iterable[Guide]) -> str:
    """A corpus.toml of what is known and guessed, for a person to correct and save."""
    blocks = ["# 请核对后另存为 corpus.toml；标“猜测”的内容取自正文 / check, correct and save as corpus.toml"]
    for guide in guides:
        lines = ["[[guide]]", f"file = {_quoted(guide.source)}"]
        for key in _STATED:
            mark = "  # 猜测 / guessed" if key in guide.guessed and key != "slug" else ""
            lines.append(f"{key} = {_quoted(getattr(guide, key))}{mark}")
        lines.append(f'sha256 = "{guide.sha256}"')
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", out) + '"'


# --- what a text says of itself --------------------------------------------------------------------------------------


def describe(source: SourceText, entry: dict[str, str]) -> Guide:
    """The guide of a source: what `entry` (a table of corpus.toml) states, and guesses for what it leaves out.

    A field that the entry names is stated even when it is empty.
    """
    from bot.ingest.guess import guess

    found = {k: v for k, v in guess(source).items() if k not in entry}
    known = {**found, **{k: v for k, v in entry.items() if k in _STATED}}
    title = known.get("title") or PurePosixPath(source.source).stem
    edition = known.get("edition", "")
    slug = known.get("slug") or _slug(title, edition)
    return Guide(
        slug=slug,
        title=title,
        source=source.source,
        edition=edition,
        issuer=known.get("issuer", ""),
        url=known.get("url", ""),
        valid_from=known.get("valid_from", ""),
        valid_to=known.get("valid_to", ""),
        sha256=source.sha256,
        series=known.get("series") or make_slug(_without_year(title), 60),
        guessed=tuple(k for k in (*_STATED,) if found.get(k)),
    )


def _without_year(title: str) -> str:
    return re.sub(r"[（(]?\s*(?:19|20)\d\d\s*(?:年度?|版|届)*(?:版|修订)?\s*[）)]?", "", title) or title


def _slug(title: str, edition: str) -> str:
    """Short enough for a clause id, with the edition last: "kejihezuo-2026"."""
    name = make_slug(_without_year(title), 24)
    return f"{name}-{make_slug(edition, 12)}" if edition else name


def _unique(guides: Sequence[Guide]) -> Iterable[Guide]:
    """Guides with slugs of their own. Those that would share one get the file's name too, all of them, so that which
    of them came first does not matter."""
    count: dict[str, int] = {}
    for guide in guides:
        count[guide.slug] = count.get(guide.slug, 0) + 1
    taken: set[str] = set()
    for guide in guides:
        slug = guide.slug
        if count[slug] > 1:
            slug = f"{slug}-{make_slug(guide.source, 24)}"
        base, n = slug, 2
        while slug in taken:
            slug, n = f"{base}-{n}", n + 1
        taken.add(slug)
        yield replace(guide, slug=slug)
