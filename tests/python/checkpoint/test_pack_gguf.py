"""GGUF files: every block type, metadata kept, tensors as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.checkpoint.original.gguf import BLOCK_TYPES
from meadow_py.errors import FormatError

gguf = pytest.importorskip("gguf")


def write(path: Path, tensors: dict[str, tuple[int, list[int], bytes]], split: int = 1) -> None:
    """A GGUF file, written here so that block types may be new to the gguf package."""
    parts = [b"GGUF", _pack("I", 3), _pack("Q", len(tensors)), _pack("Q", 3)]
    parts += [_text("general.architecture"), _pack("I", 8), _text("llama")]
    parts += [_text("tokenizer.ggml.tokens"), _pack("I", 9), _pack("I", 8), _pack("Q", 2)]
    parts += [_text("a"), _text("b"), _text("split.count"), _pack("I", 2), _pack("H", split)]
    data = b""
    for name, (kind, shape, raw) in tensors.items():
        parts += [_text(name), _pack("I", len(shape)), *(_pack("Q", n) for n in reversed(shape))]
        parts += [_pack("I", kind), _pack("Q", len(data))]
        data += raw + bytes(-len(raw) % 32)
    head = b"".join(parts)
    path.write_bytes(head + bytes(-len(head) % 32) + data)


def _pack(code: str, value: int) -> bytes:
    return value.to_bytes({"H": 2, "I": 4, "Q": 8}[code], "little")


def _text(text: str) -> bytes:
    return _pack("Q", len(text)) + text.encode()


def round_trip(source: Path, tmp_path: Path) -> mp.Inspection:
    made = mp.pack(source, tmp_path / "p.safetensors", overwrite=True)
    mp.verify(tmp_path / "p.safetensors")
    mp.unpack(tmp_path / "p.safetensors", tmp_path / "again", overwrite=True)
    assert (tmp_path / "again").read_bytes() == source.read_bytes()
    return made.inspection


def test_block_types_are_those_of_the_package() -> None:
    known = {
        int(kind): (kind.name, *sizes)
        for kind, sizes in gguf.GGML_QUANT_SIZES.items()
        if int(kind) in BLOCK_TYPES
    }
    assert {number: BLOCK_TYPES[number] for number in known} == known
    assert len(known) > 30


@pytest.mark.parametrize("number", sorted(BLOCK_TYPES))
def test_every_block_type(number: int, tmp_path: Path) -> None:
    name, values, size = BLOCK_TYPES[number]
    random = np.random.default_rng(number)
    rows, columns = 5, 3 * values if values > 1 else 37
    raw = random.integers(0, 256, rows * columns // values * size, np.uint8).tobytes()
    path = tmp_path / "x.gguf"
    write(path, {"blk.0.attn_q.weight": (number, [rows, columns], raw)})
    made = round_trip(path, tmp_path)
    assert [(t.dtype, t.shape) for t in made.tensors] == [(name, (rows, columns))]
    with mp.open_checkpoint(tmp_path / "p.safetensors") as checkpoint:
        (tensor,) = checkpoint.tensors.values()
        assert tensor.raw().tobytes() == raw
        assert checkpoint.architecture.family == "llama"
        assert checkpoint.config == {"general.architecture": "llama", "split.count": 1}


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "TQ1_0", "TQ2_0"])
def test_quantised_weights(kind: str, tmp_path: Path) -> None:
    values = np.random.default_rng(8).standard_normal((64, 512)).astype(np.float32)
    number = gguf.GGMLQuantizationType[kind]
    raw = gguf.quants.quantize(values, number).tobytes()
    path = tmp_path / "x.gguf"
    write(path, {"blk.0.attn_q.weight": (int(number), [64, 512], raw)})
    round_trip(path, tmp_path)
    with mp.open_checkpoint(path) as before, mp.open_checkpoint(tmp_path / "p.safetensors") as now:
        name = "blk.0.attn_q.weight"
        assert (before.tensors[name].dequantized() == now.tensors[name].dequantized()).all()


def same_profile(one: Any, other: Any) -> bool:
    settings = {"granularity": "tensor", "chunk_sizes": 2, "progress": False}
    return bool(mp.profile(one, **settings).weights == mp.profile(other, **settings).weights)


def test_profile_of_a_packed_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    values = np.random.default_rng(8).standard_normal((64, 64)).astype(np.float16)
    tensors = {f"blk.0.{part}.weight": (1, [64, 64], values.tobytes()) for part in ("attn_q", "x")}
    write(tmp_path / "model/x.gguf", tensors)
    mp.pack(tmp_path / "model", tmp_path / "packed")
    assert (tmp_path / "packed/x.gguf.meadow.safetensors").is_file()
    assert same_profile(tmp_path / "packed", tmp_path / "model")


def test_unknown_block_types_are_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    write(path, {"a": (0, [8], bytes(32)), "new": (99, [7], bytes(96)), "z": (0, [8], bytes(32))})
    made = round_trip(path, tmp_path)
    assert [(t.dtype, t.bytes_original) for t in made.tensors] == [
        ("F32", 32),
        ("U8", 96),
        ("F32", 32),
    ]
    with pytest.raises(FormatError, match="unknown block types"):
        mp.open_checkpoint(tmp_path / "p.safetensors")


def test_a_vocabulary_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    write(path, {})
    assert round_trip(path, tmp_path).tensors == ()


def test_parts_of_a_split_model(tmp_path: Path) -> None:
    path = tmp_path / "x-00001-of-00002.gguf"
    write(path, {"a": (0, [8], bytes(32))}, split=2)
    round_trip(path, tmp_path)
    with pytest.raises(ValueError, match="one of 2 parts"):
        mp.open_checkpoint(tmp_path / "p.safetensors")


def test_truncated_sources_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    write(path, {"a": (0, [64], bytes(256))})
    content = path.read_bytes()
    for size in (0, 3, 30, len(content) - 200, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(FormatError):
            mp.pack(path, tmp_path / "p.safetensors")
    assert not (tmp_path / "p.safetensors").exists()
