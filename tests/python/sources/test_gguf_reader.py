"""GGUF files that the gguf package wrote: plain tensors, blocks, damage."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError

gguf = pytest.importorskip("gguf")

BLOCKS = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]


def write(path: Path, tensors: dict[str, tuple[Any, Any]]) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    for name, (data, kind) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def random_blocks(kind: Any, rows: int, values: int) -> Any:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    raw = np.random.default_rng(6).integers(0, 256, (rows, values // block, size), np.uint8)
    raw[..., 1::2] &= 0x3F  # keeps f16 scales finite, wherever in the block they are
    return raw.reshape(rows, -1)


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_and_their_values(name: str, tmp_path: Path) -> None:
    kind = gguf.GGMLQuantizationType[name]
    raw = random_blocks(kind, 3, 512)
    path = write(tmp_path / "x.gguf", {"blk.0.attn_q.weight": (raw, kind)})
    checkpoint = open_checkpoint(path)
    tensor = checkpoint.tensors["blk.0.attn_q.weight"]
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == (name, (3, 512), raw.nbytes)
    assert tensor.raw().tobytes() == raw.tobytes()
    assert not tensor.raw().flags.writeable
    expected = gguf.quants.dequantize(raw, kind)
    assert expected.shape == (3, 512)
    np.testing.assert_array_equal(tensor.dequantized(), expected)
    assert tensor.content_dtype() == name
    with pytest.raises(TypeError, match=rf"attn_q.*{name} blocks.*dequantized\(\)"):
        tensor.array()
    (weight,) = checkpoint.weights
    assert (weight.role, weight.shape, weight.count) == ("attention.q", (3, 512), 1536)
    np.testing.assert_array_equal(weight.array(), expected)


@pytest.mark.parametrize("name", ["F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"])
def test_plain_tensors(name: str, tmp_path: Path) -> None:
    from meadow_py.sources.dtypes import NUMPY

    kind = gguf.GGMLQuantizationType[name]
    data = np.frombuffer(np.random.default_rng(7).bytes(6 * NUMPY[name].itemsize), NUMPY[name])
    data = data.reshape(2, 3)
    stored = data.view(np.uint8) if name == "BF16" else data
    tensor = open_checkpoint(write(tmp_path / "x.gguf", {"w": (stored, kind)})).tensors["w"]
    assert (tensor.dtype, tensor.shape) == (name, (2, 3))
    assert tensor.raw().tobytes() == tensor.array().tobytes() == data.tobytes()


def test_agrees_with_the_packages_own_reader(tiny_gguf: Path) -> None:
    checkpoint = open_checkpoint(tiny_gguf)
    reader = gguf.GGUFReader(tiny_gguf)
    assert list(checkpoint.tensors) == [tensor.name for tensor in reader.tensors]
    for theirs in reader.tensors:
        ours = checkpoint.tensors[theirs.name]
        assert ours.dtype == theirs.tensor_type.name
        assert ours.shape == tuple(reversed(theirs.shape.tolist()))
        assert ours.raw().tobytes() == theirs.data.tobytes()


def test_metadata_is_the_config(tiny_gguf: Path) -> None:
    checkpoint = open_checkpoint(tiny_gguf)
    assert checkpoint.format == "gguf"
    assert checkpoint.config == {
        "general.architecture": "llama",
        "llama.block_count": 1,
        "llama.embedding_length": 64,
        "llama.odd_sizes": [1, 2, 3],
    }
    assert checkpoint.architecture.family == "llama"


def refuse(path: Path, content: bytes, match: str) -> None:
    path.write_bytes(content)
    with pytest.raises(FormatError, match=match) as caught:
        open_checkpoint(path)
    assert str(path) in str(caught.value)


def test_every_truncated_prefix(tiny_gguf: Path, tmp_path: Path) -> None:
    whole = tiny_gguf.read_bytes()
    last = list(open_checkpoint(tiny_gguf).tensors.values())[-1]
    padding = -last.nbytes % 32  # behind the last tensor; nothing is lost with it
    for size in range(len(whole) - padding):
        refuse(tmp_path / "x.gguf", whole[:size], "truncated|empty")


def test_every_flipped_header_bit(tiny_gguf: Path, tmp_path: Path) -> None:
    whole = tiny_gguf.read_bytes()
    start = whole.rindex(b"blk.0.ffn_down.weight") + 60
    path = tmp_path / "x.gguf"
    assert start
    for bit in range(start * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            checkpoint = open_checkpoint(path)
        except ValueError:
            continue
        assert all(t.raw().nbytes == t.nbytes for t in checkpoint.tensors.values())


def header(tensors: int, pairs: int, rest: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + rest


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def table(shape: tuple[int, ...], kind: int = 0, offset: int = 0, name: bytes = b"w") -> bytes:
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


NESTED = struct.pack("<IQ", 9, 1) * 50_000
LIES = {
    "no magic": (b"GGML" + bytes(60), "does not start with GGUF"),
    "version 1": (header(0, 0, version=1), "version 1"),
    "version 9": (header(0, 0, version=9), "version 9"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "2^63 tensors": (header(2**63, 0), "tensors do not fit"),
    "2^63 fields": (header(0, 2**63), "metadata fields do not fit"),
    "2^63 elements": (header(0, 1, text(b"k") + struct.pack("<IIQ", 9, 4, 2**63)), "expected here"),
    "2^62 strings": (header(0, 1, text(b"k") + struct.pack("<IIQ", 9, 8, 2**62)), "do not fit"),
    "long name": (header(0, 1, struct.pack("<Q", 2**64 - 1) + bytes(9)), "expected here"),
    "unknown value": (header(0, 1, text(b"k") + struct.pack("<I", 77) + bytes(9)), "type 77"),
    "nested arrays": (header(0, 1, text(b"k") + struct.pack("<I", 9) + NESTED), "unknown type 9"),
    "repeated key": (
        header(0, 2, (text(b"k") + struct.pack("<IB", 0, 1)) * 2),
        "'k' appears twice",
    ),
    "bad UTF-8": (header(0, 1, text(b"\xff") + struct.pack("<IQ", 0, 1)), "not UTF-8"),
    "bad alignment": (
        header(0, 1, text(b"general.alignment") + struct.pack("<II", 4, 7)),
        "power of two",
    ),
    "repeated tensor": (header(2, 0, table((1,)) * 2 + bytes(99)), "'w' appears twice"),
    "unknown block type": (header(1, 0, table((1,), 250) + bytes(99)), "unknown block type 250"),
    "many dimensions": (header(1, 0, table((1,) * 9) + bytes(99)), "9 dimensions"),
    "shape overflows": (header(1, 0, table((2**40, 2**40)) + bytes(99)), "too large"),
    "zero hides overflow": (header(1, 0, table((2**63, 0)) + bytes(99)), "too large"),
    "past the end": (header(1, 0, table((99,)) + bytes(99)), "'w'.*truncated.*ends at byte"),
    "far offset": (header(1, 0, table((1,), 0, 2**63) + bytes(99)), "truncated"),
    "unaligned": (header(1, 0, table((1,), 0, 3) + bytes(99)), "not aligned"),
    "part of a block": (
        header(1, 0, table((33,), 8) + bytes(99)),
        "not a whole number of Q8_0 blocks",
    ),
    "overlap": (header(2, 0, table((9,)) + table((9,), name=b"v") + bytes(199)), "overlaps"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(lie: str, tmp_path: Path) -> None:
    content, match = LIES[lie]
    refuse(tmp_path / "x.gguf", content, match)


@given(st.binary(max_size=200))
def test_garbage(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("garbage") / "x.gguf"
    for garbage in (content, header(1, 1, content)):
        path.write_bytes(garbage)
        with pytest.raises(ValueError, match=r"x\.gguf"):
            open_checkpoint(path)


def test_part_of_a_split_model(tmp_path: Path) -> None:
    pair = text(b"split.count") + struct.pack("<IH", 2, 3)
    (tmp_path / "x.gguf").write_bytes(header(0, 1, pair))
    with pytest.raises(ValueError, match="one of 3 parts"):
        open_checkpoint(tmp_path / "x.gguf")


def test_blocks_without_rows(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(header(1, 0, table((32, 0), 8) + bytes(99)))
    tensor = open_checkpoint(tmp_path / "x.gguf").tensors["w"]
    assert tensor.dequantized().shape == tensor.shape == (0, 32)


def test_no_tensors(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(header(0, 0))
    with pytest.raises(ValueError, match="no tensors"):
        open_checkpoint(tmp_path / "x.gguf")


def test_without_the_gguf_package(tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ImportError, match=r"needs the gguf package: pip install gguf"):
        open_checkpoint(tiny_gguf)
