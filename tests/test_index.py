"""Build, open, search, and build again: what the index promises when nothing goes wrong."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot import index as index_module
from bot.chunk import MAX_CHARS, chunks
from bot.errors import CorpusError, IndexDamagedError, IndexError_, IndexMissingError, IndexStaleError
from bot.index import Index, build
from bot.settings import Settings
from bot.types import Clause, ClauseId
from tests.conftest import ROOT
from tests.fakes import BigramEncoder

GUIDE = """2026年度花园补助申报指南
一、花圃项目
申报主体：街道、学校
补助标准：每个花圃不超过3万元
二、屋顶绿化项目
申报主体：业主委员会
补助标准：每平方米100元
"""
NAME = "bigram"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A corpus of one small guide, and settings whose encoder is the fake one."""
    monkeypatch.setattr(index_module.embed, "encoder_name", lambda settings: NAME)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "garden.txt").write_text(GUIDE, "utf-8")
    return Settings(corpus=corpus, index=tmp_path / "index")


def opened(settings: Settings) -> Index:
    return Index.open(settings.index, settings)


def test_every_offset_slices_back(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    index = opened(home)
    assert index.clauses and index.chunks and index.facts
    for piece in (*index.clauses, *index.chunks):
        source = index.by_id[piece.clause_id].source
        assert index.source_text(source)[piece.start : piece.end] == piece.text
    for fact in index.facts:
        assert fact in index.facts_of(fact.clause_id)


def test_what_is_opened_is_what_was_built(home: Settings) -> None:
    from bot import facts, guide, ingest

    corpus = ingest.read_corpus(home)
    clauses = guide.parse(corpus.sources[0], corpus.guides[0]).clauses
    build(home, encoder=BigramEncoder())
    index = opened(home)
    assert index.clauses == clauses
    assert index.chunks == chunks(clauses)
    assert index.facts == facts.extract(clauses)
    assert index.guides == corpus.guides
    assert index.source_text("garden.txt") == corpus.sources[0].text


def test_dense_search_ranks_by_the_rule_of_the_encoder(home: Settings) -> None:
    encoder = BigramEncoder()
    build(home, encoder=encoder)
    index = opened(home)
    query = encoder.encode_queries(["屋顶绿化 业主委员会"])[0]
    expected = encoder.encode_queries([c.default_text() for c in index.chunks]) @ query
    found = index.dense(query, 3)
    assert [row for row, _ in found] == sorted(range(len(expected)), key=lambda r: (-expected[r], r))[:3]
    assert [score for _, score in found] == pytest.approx([float(expected[row]) for row, _ in found], abs=1e-6)
    assert "业主委员会" in index.chunks[found[0][0]].text
    assert np.allclose(index.vectors @ query, expected, atol=1e-6)


def test_more_than_there_is_gives_what_there_is(home: Settings) -> None:
    encoder = BigramEncoder()
    build(home, encoder=encoder)
    index = opened(home)
    assert len(index.dense(encoder.encode_queries(["花圃"])[0], 999)) == len(index.chunks)
    assert index.dense(np.full(encoder.dim, np.nan, np.float32), 5) == []
    assert index.lexical([], 5) == []
    assert index.lexical(["花圃"], 0) == []


def test_second_build_embeds_nothing_and_publishes_nothing(home: Settings) -> None:
    first = build(home, encoder=BigramEncoder())
    encoder = BigramEncoder()
    second = build(home, encoder=encoder)
    assert first.published and first.embedded == first.chunks
    assert second.unchanged and not second.published and encoder.passages == []
    assert second.sources == first.sources and second.generation == first.generation


def test_one_changed_clause_is_the_only_one_embedded(home: Settings) -> None:
    for number in range(9):
        (home.corpus / f"other{number}.txt").write_text(GUIDE.replace("花园", f"第{number}号花园"), "utf-8")
    build(home, encoder=BigramEncoder())
    before = opened(home)
    (home.corpus / "garden.txt").write_text(GUIDE.replace("3万元", "5万元"), "utf-8")
    encoder = BigramEncoder()
    report = build(home, encoder=encoder)
    assert report.embedded == 1
    assert len(encoder.passages) == 1 and "5万元" in encoder.passages[0]
    after = opened(home)
    assert before.fingerprint != after.fingerprint
    assert [c.clause_id for c in before.clauses] == [c.clause_id for c in after.clauses]


def test_step_by_step_equals_at_once(home: Settings, tmp_path: Path) -> None:
    build(home, encoder=BigramEncoder())
    (home.corpus / "second.txt").write_text(GUIDE.replace("花园", "果园"), "utf-8")
    build(home, encoder=BigramEncoder())
    (home.corpus / "garden.txt").write_text(GUIDE.replace("3万元", "5万元"), "utf-8")
    build(home, encoder=BigramEncoder())
    at_once = dataclasses.replace(home, index=tmp_path / "fresh")
    build(at_once, encoder=BigramEncoder())
    left, right = opened(home), opened(at_once)
    assert left.fingerprint == right.fingerprint
    assert left.clauses == right.clauses and np.array_equal(left.vectors, right.vectors)


def test_a_removed_file_takes_its_clauses_along(home: Settings) -> None:
    (home.corpus / "second.txt").write_text(GUIDE.replace("花园", "果园"), "utf-8")
    build(home, encoder=BigramEncoder())
    (home.corpus / "second.txt").unlink()
    report = build(home, encoder=BigramEncoder())
    assert {c.source for c in opened(home).clauses} == {"garden.txt"}
    assert report.embedded == 0 and report.published


def test_an_unreadable_file_keeps_its_last_good_clauses_marked_stale(home: Settings) -> None:
    (home.corpus / "second.txt").write_text(GUIDE.replace("花园", "果园"), "utf-8")
    build(home, encoder=BigramEncoder())
    good = [c for c in opened(home).clauses if c.source == "second.txt"]
    (home.corpus / "second.txt").write_bytes(b"\x00\xff\xfe\x01" * 100)
    report = build(home, encoder=BigramEncoder())
    index = opened(home)
    assert not report.ok and "second.txt" in report.problems[0] and report.embedded == 0
    kept = [c for c in index.clauses if c.source == "second.txt"]
    assert kept and all(c.stale for c in kept)
    assert [dataclasses.replace(c, stale=False) for c in kept] == good
    assert not any(c.stale for c in index.clauses if c.source == "garden.txt")
    again = build(home, encoder=BigramEncoder())
    assert again.problems == report.problems and not again.published, "the same again is not published again"
    (home.corpus / "second.txt").unlink()
    build(home, encoder=BigramEncoder())
    assert not [c for c in opened(home).clauses if c.source == "second.txt"]


def test_rebuild_takes_nothing_from_the_old_index(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    encoder = BigramEncoder()
    report = build(home, rebuild=True, encoder=encoder)
    assert report.embedded == report.chunks == len(encoder.passages) and report.published


def test_check_reports_without_embedding_or_writing(home: Settings) -> None:
    report = build(home, check=True)
    assert report.check and report.embedded == 0 and not home.index.exists()
    source = report.sources[0]
    assert source.coverage == 1.0 and source.unplaced == ()
    assert set(source.fields) == {"申报主体", "补助标准"}
    assert sum(source.clauses.values()) == report.clauses
    assert json.loads(json.dumps(report.to_json()))["sources"][0]["source"] == "garden.txt"
    assert any("garden.txt" in line for line in report.lines())


def test_files_given_by_name_need_no_corpus_folder(home: Settings, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.txt"
    file.write_text(GUIDE, "utf-8")
    settings = dataclasses.replace(home, corpus=tmp_path / "none")
    report = build(settings, [file], encoder=BigramEncoder())
    assert report.published and report.sources[0].source == "elsewhere.txt"
    assert build(settings, [file], encoder=BigramEncoder()).unchanged
    assert not opened(settings).is_stale(settings)
    file.write_text(GUIDE + "联系人：张三\n", "utf-8")
    assert opened(settings).is_stale(settings)


def test_staleness_names_what_changed(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    index = opened(home)
    assert index.stale_reasons(home) == ()
    os.utime(home.corpus / "garden.txt", (1, 1))  # touched, not changed
    assert not index.is_stale(home)
    (home.corpus / "new.txt").write_text("新的指南", "utf-8")
    (home.corpus / "garden.txt").write_text(GUIDE + "备注：无\n", "utf-8")
    assert index.stale_reasons(home) == ("garden.txt changed", "new.txt is new")
    (home.corpus / "garden.txt").unlink()
    assert "garden.txt was removed" in index.stale_reasons(home)
    other = dataclasses.replace(home, second_encoder="none")
    assert "the setting second_encoder changed" in index.stale_reasons(other)
    gone = dataclasses.replace(home, corpus=home.corpus / "nowhere")
    assert index.stale_reasons(gone) == (), "an index that was copied without its corpus is not stale"


def test_checksums_written_into_corpus_toml_do_not_make_it_stale(home: Settings) -> None:
    toml = home.corpus / "corpus.toml"
    toml.write_text('[[guide]]\nfile = "garden.txt"\ntitle = "花园补助"\nsha256 = ""\n', "utf-8")
    build(home, encoder=BigramEncoder())
    assert opened(home).guides[0].sha256 in toml.read_text("utf-8")
    assert not opened(home).is_stale(home)
    toml.write_text(toml.read_text("utf-8").replace("花园补助", "公园补助"), "utf-8")
    assert opened(home).stale_reasons(home) == ("corpus.toml changed",)


def test_another_model_is_refused_with_the_command(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build(home, encoder=BigramEncoder())
    index = opened(home)
    index.check_encoder(BigramEncoder())
    for other in (BigramEncoder(name="other"), BigramEncoder(dim=128), BigramEncoder(salt="x")):
        with pytest.raises(IndexStaleError, match="run: bot index"):
            index.check_encoder(other)
    monkeypatch.setattr(index_module.embed, "encoder_name", lambda settings: "other")
    with pytest.raises(IndexStaleError, match=r"bigram.*other.*run: bot index"):
        opened(home)
    encoder = BigramEncoder(name="other")
    assert build(home, encoder=encoder).embedded == len(encoder.passages) > 0, "no vector of the old model is used"


def test_other_weights_under_one_name_are_embedded_anew(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    (home.corpus / "second.txt").write_text(GUIDE.replace("花园", "果园"), "utf-8")
    report = build(home, encoder=BigramEncoder(salt="x"))
    assert report.embedded == report.chunks


def test_missing_index_and_empty_corpus(home: Settings) -> None:
    with pytest.raises(IndexMissingError, match="run: bot index"):
        opened(home)
    build(home, encoder=BigramEncoder())
    (home.corpus / "garden.txt").write_text(" \n", "utf-8")
    report = build(home, encoder=BigramEncoder())
    assert report.problems and opened(home).clauses, "the last good clauses stay"
    (home.corpus / "garden.txt").unlink()
    with pytest.raises(CorpusError):
        build(home, encoder=BigramEncoder())
    assert opened(home).clauses, "an empty corpus never replaces a good index"


def test_a_corpus_without_guides_leaves_no_index_folder(home: Settings) -> None:
    for path in home.corpus.iterdir():
        path.unlink()
    for content in (None, b""):
        if content is not None:
            (home.corpus / "empty.txt").write_bytes(content)
        with pytest.raises(CorpusError):
            build(home, encoder=BigramEncoder())
        assert not home.index.exists()


def test_two_sources_of_one_clause_id_are_named(home: Settings) -> None:
    (home.corpus / "corpus.toml").write_text(
        "".join(
            f'[[guide]]\nfile = "{n}.txt"\nslug = "garden"\nedition = "2026"\ntitle = "花园"\n' for n in ("garden", "b")
        ),
        "utf-8",
    )
    (home.corpus / "b.txt").write_text(GUIDE, "utf-8")
    report = build(home, encoder=BigramEncoder())
    ids = [c.clause_id for c in opened(home).clauses]
    assert report.published and len(ids) == len(set(ids))


def test_newer_format_is_refused_not_half_loaded(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    path = home.index / "gen-1" / "manifest.json"
    sealed = json.loads(path.read_text("utf-8"))
    sealed["manifest"]["format"] = 99
    sealed["sha256"] = index_module._sha(index_module._canonical(sealed["manifest"]))
    path.write_text(json.dumps(sealed, ensure_ascii=False), "utf-8")
    with pytest.raises(IndexStaleError, match=r"format 99.*run: bot index"):
        opened(home)
    assert build(home, encoder=BigramEncoder()).published


def test_keeps_two_generations(home: Settings) -> None:
    for number in range(4):
        (home.corpus / "garden.txt").write_text(GUIDE + f"编号：{number}\n", "utf-8")
        build(home, encoder=BigramEncoder())
    assert sorted(p.name for p in home.index.glob("gen-*")) == ["gen-3", "gen-4"]
    (home.index / "gen-4" / "vectors.faiss").write_bytes(b"")
    index = opened(home)
    assert index.folder.name == "gen-3" and "vectors.faiss" in index.warnings[0]
    report = build(home, encoder=BigramEncoder())
    assert report.published and opened(home).warnings == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_unwritable_folder_is_one_line(home: Settings) -> None:
    home.index.mkdir()
    home.index.chmod(0o500)
    with pytest.raises(IndexError_, match="cannot be written"):
        build(home, encoder=BigramEncoder())


def test_index_folder_that_is_a_file_is_one_line(home: Settings) -> None:
    home.index.write_text("x")
    with pytest.raises(IndexError_, match="cannot be written"):
        build(home, encoder=BigramEncoder())
    with pytest.raises(IndexMissingError):
        opened(home)


def test_current_that_names_nothing(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    (home.index / "CURRENT").write_bytes(b"../../etc\n")
    index = opened(home)
    assert index.folder.name == "gen-1" and "CURRENT" in index.warnings[0]
    (home.index / "gen-1" / "clauses.jsonl").unlink()
    with pytest.raises(IndexDamagedError, match="run: bot index"):
        opened(home)
    assert build(home, encoder=BigramEncoder()).published
    assert opened(home).warnings == ()


def test_nothing_is_pickled(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    code = "".join(p.read_text("utf-8") for p in (ROOT / "bot").rglob("*.py"))
    assert "import pickle" not in code and "allow_pickle=True" not in code and "torch.load" not in code
    for path in (home.index / "gen-1").iterdir():
        assert path.suffix in (".json", ".jsonl", ".sqlite3", ".faiss")
        assert not path.read_bytes().startswith(b"\x80")  # a pickle's first byte


def test_opening_imports_nothing_heavy(home: Settings) -> None:
    build(home, encoder=BigramEncoder())
    code = (
        "import sys\nfrom pathlib import Path\nfrom bot import embed, index\nfrom bot.settings import Settings\n"
        f"embed.encoder_name = lambda s: {NAME!r}\n"
        f"s = Settings(corpus=Path({str(home.corpus)!r}), index=Path({str(home.index)!r}))\n"
        "i = index.Index.open(s.index, s)\ni.lexical(['花圃'], 3)\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'gradio', 'fastapi', 'langchain_core',\n"
        "         'langchain_text_splitters', 'pandas', 'scipy', 'pypinyin'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_chunks_of_a_long_clause_rejoin() -> None:
    sentence = "申报单位应当具备独立法人资格，并按照要求提交材料。"
    text = "第一条 " + sentence * 60 + "\n" + "无标点" * 400
    clause = Clause(ClauseId("g-1"), ("总则",), "第一条", text, "s.txt", 7, 7 + len(text), "article")
    found = chunks([clause])
    assert len(found) > 3 and len({c.chunk_id for c in found}) == len(found)
    assert all(len(c.text) <= MAX_CHARS and c.context == "总则 / 第一条" for c in found)
    assert all(text[c.start - 7 : c.end - 7] == c.text for c in found)
    covered = {i for c in found for i in range(c.start - 7, c.end - 7)}
    assert all(i in covered or ch.isspace() for i, ch in enumerate(text))
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert sum(c.text.endswith("。") for c in found) >= 2, "split at the ends of sentences where there are any"


def test_a_short_clause_is_one_chunk_with_its_id() -> None:
    clause = Clause(ClauseId("g-1"), ("甲", "乙"), "丙", "丙：丁", "s", 0, 3, "field")
    (found,) = chunks([clause])
    assert (found.chunk_id, found.text, found.default_text()) == ("g-1", "丙：丁", "甲 / 乙 / 丙\n丙：丁")
