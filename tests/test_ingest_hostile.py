"""Damaged and hostile files: refused by name with the reason, in bounded time and memory; the others go on."""

from __future__ import annotations

import http.server
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.ingest import read_corpus, read_source
from bot.ingest.formats import read_bytes
from bot.ingest.read import Reader
from bot.ingest.sniff import sniff
from bot.ingest.text import assemble
from bot.settings import Settings
from tests import make_forms as forms
from tests.conftest import ROOT, full

GOOD = "一、申报条件\n申报主体：企业\n补助经费：60万元以内"
SETTINGS = Settings(read_timeout=20)
MB = 1 << 20


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus with one good file, first and last by name."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name in ("0好.txt", "zz好.txt"):
        (folder / name).write_text(GOOD, "utf-8")
    return folder


def refused(folder: Path, name: str, data: bytes | None, *words: str, limits: Settings = SETTINGS) -> None:
    """The file is refused by name, for one of the reasons, and the good ones are read."""
    if data is not None:
        (folder / name).write_bytes(data)
    read = read_corpus(replace(limits, corpus=folder))
    assert [s.source for s in read.sources] == ["0好.txt", "zz好.txt"]
    assert [p.source for p in read.problems] == [name]
    assert any(w in read.problems[0].reason for w in words), read.problems[0].reason
    assert "\n" not in str(read.problems[0])


# --- zip bombs and XML ---------------------------------------------------------------------------------------------------


def _bombs() -> dict[str, bytes]:
    filler = b"<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 2_000_000
    document = b'<w:document xmlns:w="' + forms.W.encode() + b'"><w:body>' + filler + b"</w:body></w:document>"
    small = forms.raw_docx(forms.para("字"))
    many = {f"word/part{i}.xml": "<x/>" for i in range(3000)}
    lying = bytearray(forms.zipped({"word/document.xml": document[: 30 * MB]}))
    at = lying.rfind(b"PK\x01\x02")
    struct.pack_into("<I", lying, at + 24, 1000)  # says that it is small
    return {
        "70 MB of paragraphs": forms.zipped({"word/document.xml": document}),
        "40 MB of one byte": forms.zipped({"word/document.xml": b" " * (40 * MB)}),
        "3000 entries": forms.zipped({"word/document.xml": "<x/>", **many}),
        "a zip inside": forms.zipped({"word/document.xml": "<x/>", "word/42.zip": small}),
        "a hundred parts of 1 MB": forms.zipped({f"word/media/{i}.bin": b"\0" * MB for i in range(100)}),
        "wrong about its size": bytes(lying),
    }


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    return _bombs()


def test_zip_bombs_are_refused_before_they_are_unpacked(bombs: dict[str, bytes], corpus: Path) -> None:
    for kind, data in bombs.items():
        assert len(data) < MB, kind
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        refused(corpus, "弹.docx", data, "炸弹", "压缩包里", "损坏", "内存")
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 5, kind


class _Listener(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def listener() -> Iterator[str]:
    _Listener.asked.clear()
    server = http.server.HTTPServer(("127.0.0.1", 0), _Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_external_entities_read_no_file_and_ask_nobody(corpus: Path, listener: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("机密内容", "utf-8")
    body = f'<w:document xmlns:w="{forms.W}"><w:body><w:p><w:r><w:t>文&x;</w:t></w:r></w:p></w:body></w:document>'
    laughs = "<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10))
    types = {
        "file": f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]>',
        "network": f'<!DOCTYPE d [<!ENTITY x SYSTEM "{listener}/x">]>',
        "external type": f'<!DOCTYPE d SYSTEM "{listener}/d.dtd">',
        "parameter": f'<!DOCTYPE d [<!ENTITY % p SYSTEM "{listener}/p"> %p;]>',
        "billion laughs": f"<!DOCTYPE d [{laughs}<!ENTITY x '&a9;'>]>",
    }
    whole = forms.raw_docx(forms.para("字"))
    with Reader(SETTINGS) as reader:
        for kind, doctype in types.items():
            for part in ("word/document.xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/numbering.xml"):
                with zipfile.ZipFile(BytesIO(whole)) as archive:
                    files: dict[str, str | bytes] = {n: archive.read(n).decode() for n in archive.namelist()}
                files[part] = doctype + (body if part == "word/document.xml" else str(files.get(part, "<x/>")))
                if part == "word/numbering.xml":
                    files["word/_rels/document.xml.rels"] = (
                        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship'
                        ' Id="r" Type="http://x/numbering" Target="numbering.xml"/></Relationships>'
                    )
                assert "DOCTYPE" in outcome(reader, forms.zipped(files), "实.docx")[1], (kind, part)
            page = f"<?xml version='1.0'?>{doctype}<html><body><p>网页&x;文字</p></body></html>"
            text, reason = outcome(reader, page.encode(), "实.html")
            assert "机密" not in text and "haha" not in text and ("网页" in text or "实体" in reason), kind
    assert not _Listener.asked


def outcome(reader: Reader, data: bytes, name: str) -> tuple[str, str]:
    """(text, "") or ("", reason)."""
    try:
        return reader.read_bytes(data, name).text, ""
    except SourceError as error:
        return "", f"{error.reason}"


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_legacy_conversion_fetches_nothing_and_ends_in_time(corpus: Path, listener: str) -> None:
    rtf = f'{{\\rtf1 {{\\field{{\\*\\fldinst INCLUDEPICTURE "{listener}/a.png"}}{{\\fldrslt x}}}} 文\\par}}'
    with Reader(SETTINGS) as reader:
        outcome(reader, rtf.encode(), "远.rtf")
    assert not _Listener.asked
    started = time.monotonic()
    refused(
        corpus,
        "坏.doc",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.Random(1).randbytes(60_000),
        "LibreOffice",
        "损坏",
    )
    assert time.monotonic() - started < 60


# --- sizes and nesting ---------------------------------------------------------------------------------------------------


def test_huge_files_and_lines_are_refused_in_bounded_time(corpus: Path) -> None:
    with (corpus / "大.txt").open("wb") as file:
        file.truncate(200 * MB)  # sparse: no room needed
    started = time.monotonic()
    refused(corpus, "大.txt", None, "MB")
    assert time.monotonic() - started < 5
    (corpus / "大.txt").unlink()
    refused(corpus, "长.txt", ("补" * (5 * MB // 3)).encode(), "一行")
    (corpus / "长.txt").unlink()
    refused(corpus, "长.md", b"*" * (5 * MB), "没有文字")
    (corpus / "长.md").unlink()
    many = ("补助经费：60万元以内。\n" * 200_000).encode()
    refused(corpus, "多.txt", many, "max_text_chars", limits=replace(SETTINGS, max_text_chars=100_000))


def test_deep_nesting(corpus: Path) -> None:
    cells = "<w:tbl><w:tr><w:tc>" * 1000 + forms.para("底") + "</w:tc></w:tr></w:tbl>" * 1000
    refused(corpus, "深.docx", forms.raw_docx(cells), "嵌套")
    (corpus / "深.docx").unlink()
    sdt = "<w:sdt><w:sdtContent>" * 120 + forms.para("底") + "</w:sdtContent></w:sdt>" * 120
    refused(corpus, "深.docx", forms.raw_docx(sdt), "嵌套")
    (corpus / "深.docx").unlink()
    with Reader(SETTINGS) as reader:
        for name, text in {
            "深.html": "<ul><li>" * 1000 + "底" + "</li></ul>" * 1000,
            "块.html": "<div>" * 5000 + "底",
            "深.md": "\n".join("  " * i + f"- 第{i}层" for i in range(1000)),
            "引.md": "> " * 5000 + "底",
            "括.md": "[" * 20_000 + "底",
            "星.md": "**底" * 20_000,
        }.items():
            started = time.monotonic()
            got, reason = outcome(reader, text.encode(), name)
            assert "底" in got or "嵌套" in reason or "没有读完" in reason, (name, reason)
            assert time.monotonic() - started < 25, name


def test_a_thousand_list_levels_in_word(corpus: Path) -> None:
    """Word has nine levels; a number beyond them is no number."""
    numbering = forms.numbering({0: forms.levels("decimal|%1.")}, {1: (0, "")})
    body = "".join(forms.item(f"第{i}层", 1, i) for i in range(1000))
    source = read_source(_put(corpus / "层.docx", forms.raw_docx(body, numbering=numbering)), "层.docx", SETTINGS)
    assert source.text.split("\n")[:2] == ["1. 第0层", "第1层"]


def test_time_and_memory_limits_hold(corpus: Path) -> None:
    """A file that would take too long or too much is refused; the next one is read by a fresh child."""
    cells = "".join(
        f"<w:tr><w:tc>{forms.para('字' * 20)}</w:tc><w:tc>{forms.para('元')}</w:tc></w:tr>" for _ in range(40_000)
    )
    slow = forms.raw_docx(f"<w:tbl>{cells}</w:tbl>")
    started = time.monotonic()
    refused(corpus, "慢.docx", slow, "秒内没有读完", "炸弹", limits=replace(SETTINGS, read_timeout=0.3))
    assert time.monotonic() - started < 10
    refused(corpus, "慢.docx", slow, "内存", "炸弹", "解析失败", limits=replace(SETTINGS, read_memory=90 * MB))
    with Reader(replace(SETTINGS, read_timeout=0.05)) as reader:
        for _ in range(3):
            with pytest.raises(SourceError):
                reader.read_bytes(forms.pdf_form(GOOD * 200), "慢.pdf")
        reader.settings = SETTINGS
        reader._sandbox.settings = SETTINGS
        assert reader.read_bytes(forms.docx_form(GOOD), "好.docx").text == GOOD


# --- what a folder may hold ----------------------------------------------------------------------------------------------


def test_links_out_pipes_and_vanishing_files(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "外.txt").write_text("外面的文件", "utf-8")
    (corpus / "链.txt").symlink_to(tmp_path / "外.txt")
    refused(corpus, "链.txt", None, "符号链接")
    (corpus / "链.txt").unlink()
    (corpus / "断.txt").symlink_to(corpus / "没有.txt")
    refused(corpus, "断.txt", None, "不存在")
    (corpus / "断.txt").unlink()
    os.mkfifo(corpus / "管.txt")
    refused(corpus, "管.txt", None, "不是普通文件")
    (corpus / "管.txt").unlink()
    (corpus / "圈.txt").symlink_to(corpus / "圈.txt")
    refused(corpus, "圈.txt", None, "读不了", "符号链接", "不存在")
    (corpus / "圈.txt").unlink()
    for odd in (b"\n\xe6\x96\xb0.txt", b"\xff\xfe.txt"):
        path = os.fsencode(corpus) + b"/" + odd
        with open(path, "wb") as file:
            file.write(GOOD.encode())
        read = read_corpus(replace(SETTINGS, corpus=corpus))
        assert len(read.sources) == 2 and "改名" in read.problems[0].reason and str(read.problems[0]).isprintable()
        os.unlink(path)
    (tmp_path / "外").mkdir()
    (tmp_path / "外" / "a.txt").write_text("外面的文件", "utf-8")
    (corpus / "夹").symlink_to(tmp_path / "外")
    assert [s.source for s in read_corpus(replace(SETTINGS, corpus=corpus)).sources] == ["0好.txt", "zz好.txt"]


def test_a_file_that_vanishes_while_the_corpus_is_read(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (corpus / "走.txt").write_text(GOOD, "utf-8")
    opened = os.open

    def gone(path: object, *args: object, **how: object) -> int:
        if str(path).endswith("走.txt"):
            (corpus / "走.txt").unlink(missing_ok=True)
        return opened(path, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr("bot.ingest.read.os.open", gone)
    refused(corpus, "走.txt", None, "消失")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(corpus: Path) -> None:
    (corpus / "锁.txt").write_text(GOOD, "utf-8")
    (corpus / "锁.txt").chmod(0)
    refused(corpus, "锁.txt", None, "权限")


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("空.docx", b"", "空文件"),
        ("图.docx", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "PNG"),
        ("图.pdf", b"\xff\xd8\xff\xe0" + b"\0" * 50, "JPEG"),
        ("包.txt", b"Rar!\x1a\x07\0" + b"\0" * 50, "RAR"),
        ("表.docx", forms.zipped({"xl/workbook.xml": "<x/>"}), "Excel"),
        ("包.docx", forms.zipped({"a.txt": "x"}), "压缩包"),
        ("锁.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "加密"),
        ("表.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "Workbook".encode("utf-16-le"), ""),
        ("截.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<", "损坏"),
        ("空.html", b"<html><body><script>1</script></body></html>", "没有"),
        ("空.md", b"\n\n", "没有"),
        ("据.txt", b"<?xml version='1.0'?><a/>", "XML"),
    ],
)
def test_other_files_are_named(name: str, data: bytes, word: str, corpus: Path) -> None:
    refused(corpus, name, data, word)


def test_truncated_files() -> None:
    """Cut anywhere, a file is refused or gives no word that is not in it."""
    for name, data in (("截.docx", forms.docx_form(GOOD)), ("截.pdf", forms.pdf_form(GOOD))):
        with Reader(SETTINGS) as reader:
            for share in (0.02, 0.3, 0.6, 0.9, 0.99):
                text, reason = outcome(reader, data[: int(len(data) * share)], name)
                assert reason or (name == "截.pdf" and set(text.split("\n")) <= set(GOOD.split("\n")))


# --- fuzz ----------------------------------------------------------------------------------------------------------------

SEEDS = {
    "a.docx": forms.raw_docx(
        forms.item("条", 1) + forms.para("文") + "<w:tbl><w:tr><w:tc><w:p/></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>",
        numbering=forms.numbering({0: forms.levels("chineseCounting|第%1条")}, {1: (0, "")}),
        styles='<w:style w:type="paragraph" w:styleId="a"><w:basedOn w:val="a"/></w:style>',
    ),
    "a.pdf": forms.pdf_form(GOOD),
    "a.html": "<html><body><h1>办法</h1><ol start=3><li>甲</ol><table><tr><td colspan=2>乙<td rowspan=3>丙</table>".encode(),
    "a.md": "# 办法\n\n1. 甲\n\n| 一 | 二 |\n|---|---|\n| 三 | 四 |\n".encode(),
    "a.txt": GOOD.encode(),
}


def _read_here(data: bytes, name: str) -> None:
    """Without the child, so that a failure shows itself: only SourceError may come out."""
    form = sniff(data, name)
    if form in ("ole", "rtf", "wordxml"):
        return
    source = assemble(name, "", read_bytes(form, data, name, SETTINGS.max_unpacked_bytes), max_chars=1_000_000)
    assert source.text and "\0" not in source.text


def _survives(data: bytes, name: str) -> None:
    problem = None
    try:
        _read_here(data, name)
    except SourceError as error:
        problem = error
    assert problem is None or (problem.source == name and problem.reason and "\n" not in problem.reason)


@given(st.sampled_from(sorted(SEEDS)), st.binary(max_size=300))
def test_fuzz_random_bytes(name: str, data: bytes) -> None:
    _survives(data, name)


@settings(max_examples=2000 if full() else 150)
@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_fuzz_mutated_files(name: str, data: st.DataObject) -> None:
    """Bytes changed, cut out, doubled; in a docx inside its parts, so that the XML is reached."""
    seed = SEEDS[name]
    if name == "a.docx" and data.draw(st.booleans()):
        with zipfile.ZipFile(BytesIO(seed)) as archive:
            files: dict[str, str | bytes] = {n: archive.read(n) for n in archive.namelist()}
        part = data.draw(st.sampled_from(sorted(files)))
        inside = files[part]
        files[part] = _mutated(inside if isinstance(inside, bytes) else inside.encode(), data)
        _survives(forms.zipped(files), name)
    else:
        _survives(_mutated(seed, data), name)


def _mutated(seed: bytes, data: st.DataObject) -> bytes:
    out = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        if not out:
            break
        at = data.draw(st.integers(0, len(out) - 1))
        length = data.draw(st.integers(1, 40))
        match data.draw(st.sampled_from(["set", "cut", "double", "insert", "swap"])):
            case "set":
                out[at] = data.draw(st.integers(0, 255))
            case "cut":
                del out[at : at + length]
            case "double":
                out[at:at] = out[at : at + length] * data.draw(st.integers(1, 50))
            case "insert":
                out[at:at] = data.draw(st.binary(max_size=20))
            case "swap":
                other = data.draw(st.integers(0, len(out) - 1))
                out[at : at + length], out[other : other + length] = out[other : other + length], out[at : at + length]
    return bytes(out)


TAGS = [
    "p",
    "r",
    "tbl",
    "tr",
    "tc",
    "pPr",
    "rPr",
    "tcPr",
    "trPr",
    "ins",
    "del",
    "sdt",
    "sdtContent",
    "hyperlink",
    "pict",
    "txbxContent",
    "ruby",
]
XML = st.recursive(
    st.sampled_from(
        [
            "<w:t>字</w:t>",
            "<w:br/>",
            "<w:tab/>",
            '<w:fldChar w:fldCharType="begin"/>',
            '<w:fldChar w:fldCharType="end"/>',
            '<w:sym w:char="F0A8"/>',
            '<w:footnoteReference w:id="1"/>',
            '<w:numPr><w:ilvl w:val="3"/><w:numId w:val="1"/></w:numPr>',
            '<w:gridSpan w:val="999999999"/>',
            "<w:vMerge/>",
            '<w:outlineLvl w:val="x"/>',
            "<w:del/>",
        ]
    ),
    lambda inner: st.builds(
        lambda tag, parts: f"<w:{tag}>{''.join(parts)}</w:{tag}>",
        st.sampled_from(TAGS),
        st.lists(inner, max_size=4),
    ),
    max_leaves=30,
)


@settings(max_examples=2000 if full() else 150)
@given(st.lists(XML, max_size=6))
def test_fuzz_word_grammar(parts: list[str]) -> None:
    """Elements of Word in any order and depth: read or refused, never a crash."""
    numbering = forms.numbering({0: forms.levels("chineseCounting|第%1条", "decimal|%9.%2")}, {1: (0, "")})
    _survives(forms.raw_docx("".join(parts), numbering=numbering), "a.docx")


def test_fifty_documents_in_bounded_time_and_memory(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    text = "\n".join(f"第{i}条 申报主体为企业，补助经费{i}万元以内，实施期限{i}年。" for i in range(1, 120))
    made = {
        "txt": text.encode(),
        "docx": forms.docx_form(text),
        "pdf": forms.pdf_form(text),
        "md": text.encode(),
        "html": f"<p>{'<p>'.join(text.split(chr(10)))}".encode(),
    }
    for n in range(50):
        suffix = list(made)[n % 5]
        (folder / f"{n:02}.{suffix}").write_bytes(made[suffix])
    started = time.monotonic()
    read = read_corpus(replace(SETTINGS, corpus=folder))
    assert time.monotonic() - started < 20
    assert not read.problems and {s.text for s in read.sources} == {text}
    # The peak counts for a whole process, so it is read in one of its own; not with getrusage, which hands a child
    # the peak of its parent.
    script = (
        "import re, sys; from pathlib import Path; from bot.ingest import read_corpus; from bot.settings import Settings;"
        "assert len(read_corpus(Settings(corpus=Path(sys.argv[1]))).sources) == 50;"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env, timeout=120)
    assert int(done.stdout) < 400 * 1024
