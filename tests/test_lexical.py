"""The tokenizer and BM25."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.lexical import Bm25, build_table, normalise, tokens
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("西藏项目", ["西", "藏", "项", "目", "西藏", "藏项", "项目"]),
        ("省", ["省"]),
        ("最多1,500.5万元", ["最", "多", "最多", "1500.5", "万", "元", "万元"]),
        ("２０２６年ＡＢＣ", ["2026", "年", "abc"]),
        ("Innovation Norway's", ["innovation", "norway", "s"]),
        ("", []),
        ("：；，。", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_both_sides_meet() -> None:
    """Traditional, full width, upper case and invisible characters make no difference."""
    assert tokens("對口支援專案") == tokens("对口支援专案")
    assert tokens("ＡＩ 技術") == tokens("ai 技术")
    assert tokens("西\u200b藏") == tokens("西藏")
    assert tokens("60 万元")[0] == tokens("６０万元")[0] == "60"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_tokens_are_clean_and_stable(text: str) -> None:
    found = tokens(text)
    assert all(w and not w.isspace() and w == w.strip() for w in found)
    assert tokens(text) == found
    assert tokens(normalise(text)) == found


@given(st.text(st.characters(codec=None, categories=["Cs", "Lo", "Nd", "Cf", "Cc"])))
def test_surrogates_and_controls_do_not_break_it(text: str) -> None:
    Bm25(build_table([tokens(text), ["x"]])).search(tokens(text), 3)


def by_hand(rows: list[list[str]], words: list[str]) -> list[float]:
    """BM25 as SQLite documents it: k1 = 1.2, b = 0.75, an idf that never falls below 1e-6."""
    n, average = len(rows), sum(map(len, rows)) / len(rows)
    out = []
    for row in rows:
        count = Counter(row)
        score = 0.0
        for word in dict.fromkeys(words):
            holding = sum(word in r for r in rows)
            idf = max(math.log((n - holding + 0.5) / (holding + 0.5)), 1e-6)
            score += idf * count[word] * 2.2 / (count[word] + 1.2 * (1 - 0.75 + 0.75 * len(row) / average))
        out.append(score)
    return out


def sqlite_says(data: bytes, words: list[str], k: int) -> list[tuple[int, float]]:
    """The ranking of SQLite itself over the same table."""
    db = sqlite3.connect(":memory:")
    db.deserialize(data)
    match = " OR ".join("x" + w.encode().hex() for w in dict.fromkeys(words))
    sql = "SELECT rowid, -bm25(t) AS s FROM t WHERE t MATCH ? ORDER BY s DESC, rowid LIMIT ?"
    try:
        return [(int(row), float(score)) for row, score in db.execute(sql, (match, k))]
    finally:
        db.close()


@given(st.lists(st.text("西藏项目补助经费万元3年 ", max_size=200), min_size=1, max_size=30), st.text("藏项补费元3年外", min_size=1, max_size=20))
def test_scores_are_those_of_sqlite_to_the_last_bit(texts: list[str], question: str) -> None:
    data = build_table([tokens(t) for t in texts])
    bm25 = Bm25(data)
    for _ in range(2):  # the second time from what the first has read
        assert bm25.search(tokens(question), 10) == sqlite_says(data, tokens(question), 10)


def test_scores_are_those_of_the_formula() -> None:
    texts = ["西藏科技对口支援项目", "新疆科技对口支援项目", "补助经费60万元以内", "实施期限3年内", "挪威 2025"]
    rows = [tokens(t) for t in texts]
    words = tokens("西藏项目补助60万元")
    expected = by_hand(rows, words)
    found = Bm25(build_table(rows)).search(words, 10)
    assert [r for r, _ in found] == [r for r in sorted(range(5), key=lambda r: -expected[r]) if expected[r] > 0]
    for row, score in found:
        assert score == pytest.approx(expected[row], rel=1e-5)


def test_ties_go_to_the_first_row_and_k_is_a_limit() -> None:
    table = Bm25(build_table([["a"], ["b"], ["b"], ["b"], ["c"], ["c"], ["c"]]))
    assert [r for r, _ in table.search(["b"], 2)] == [1, 2]
    assert table.search(["nothing"], 5) == []
    assert table.search([], 5) == []


def test_words_that_look_like_queries_are_words() -> None:
    """No word is taken for an operator, a quote or a column of the query language."""
    words = ["or", "and", "not", "near", "words", '"', "*", "a:b", "^", "(", "'; drop table t; --", "é", "𠮷"]
    table = Bm25(build_table([[w] for w in words] + [["x"]] * 20))
    for row, word in enumerate(words):
        assert [r for r, _ in table.search([word], 5)] == [row]


def test_the_same_texts_give_the_same_bytes() -> None:
    rows = [tokens("西藏项目"), tokens("新疆")]
    assert build_table(rows) == build_table(rows)


def test_many_threads_search_at_once() -> None:
    table = Bm25(build_table([tokens(f"第{n}条 花园 {n}") for n in range(200)]))
    expected = table.search(tokens("花园 7"), 5)
    wrong: list[object] = []

    def search() -> None:
        for _ in range(50):
            found = table.search(tokens("花园 7"), 5)
            if found != expected:
                wrong.append(found)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_ascii_needs_no_converter() -> None:
    code = "import sys\nfrom bot.lexical import tokens\ntokens('plain text 12')\nassert 'opencc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
