"""Damaged and hostile safetensors files are refused, never half-read, never a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError


def build(header: Any, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(begin: Any, end: Any, shape: Any = (4,), dtype: Any = "U8") -> dict[str, Any]:
    shape = list(shape) if isinstance(shape, tuple) else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def refuse(path: Path, content: bytes, match: str) -> None:
    path.write_bytes(content)
    with pytest.raises(FormatError, match=match) as caught:
        open_checkpoint(path)
    assert str(path) in str(caught.value)


HUGE = 2**62
LIES = {
    "overlap": ({"a": entry(0, 4), "b": entry(2, 6)}, "overlap with tensor 'b'"),
    "same bytes twice": ({"a": entry(0, 4), "b": entry(0, 4)}, "overlap"),
    "hole": ({"a": entry(0, 4), "b": entry(5, 8, (3,))}, "hole before tensor 'b'"),
    "hole at the start": ({"a": entry(1, 5)}, "hole before tensor 'a'"),
    "unclaimed end": ({"a": entry(0, 4)}, "belong to no tensor"),
    "past the end": ({"a": entry(0, 16, (16,))}, "'a' ends at byte 16.*holds 8"),
    "far past the end": ({"a": entry(0, HUGE, (HUGE,))}, "too large|ends at byte"),
    "wrong size": ({"a": entry(0, 8, (4,))}, r"'a'.*takes 4 B, but data_offsets span 8"),
    "wrong width": ({"a": entry(0, 8, (8,), "F32")}, "takes 32 B"),
    "negative offset": ({"a": entry(-4, 0)}, "'a'.*data_offsets"),
    "backwards": ({"a": entry(8, 4)}, "data_offsets"),
    "negative size": ({"a": entry(0, 4, (-4,))}, "shape"),
    "two negative sizes": ({"a": entry(0, 4, (-2, -2))}, "shape"),
    "fractional offset": ({"a": entry(0, 4.0)}, "data_offsets"),
    "boolean offset": ({"a": entry(False, 8, (8,))}, "data_offsets"),
    "boolean size": ({"a": entry(0, 8, [True])}, "shape"),
    "shape overflows": ({"a": entry(0, 8, (2**33, 2**33))}, "too large"),
    "zero hides overflow": ({"a": entry(0, 0, (0, 2**62)), "b": entry(0, 8, (8,))}, "too large"),
    "too many dimensions": ({"a": entry(0, 8, (1,) * 99 + (8,))}, "dimensions"),
    "unknown dtype": ({"a": entry(0, 4, (4,), "F7")}, "'a'.*unknown dtype 'F7'"),
    "dtype is a number": ({"a": entry(0, 4, (4,), 3)}, "unknown dtype 3"),
    "half a byte": ({"a": entry(0, 2, (3,), "F4")}, "whole bytes"),
    "three offsets": ({"a": {**entry(0, 4), "data_offsets": [0, 2, 4]}}, "data_offsets"),
    "no shape": ({"a": {"dtype": "U8", "data_offsets": [0, 8]}}, "exactly the keys"),
    "unknown key": ({"a": {**entry(0, 8, (8,)), "x": 1}}, "exactly the keys"),
    "no object": ({"a": [0, 8]}, "exactly the keys"),
    "metadata of numbers": ({"__metadata__": {"k": 1}, "a": entry(0, 8, (8,))}, "strings"),
    "metadata is a list": ({"__metadata__": [], "a": entry(0, 8, (8,))}, "strings"),
    "metadata of nulls": ({"__metadata__": {"k": None}, "a": entry(0, 8, (8,))}, "strings"),
    "array": (b"[]", "not a JSON object"),
    "not JSON": (b"{'a': 1}", "not valid JSON"),
    "leading space": (b" {}", "not a JSON object"),
    "empty header": (b"", "not a JSON object"),
    "bad UTF-8": (b'{"\xff": 1}', "not valid JSON"),
    "lone surrogate": (b'{"\\ud800": 1}', "not valid JSON"),
    "duplicate name": (b'{"a": 1, "a": 2}', "'a' appears twice"),
    "duplicate field": (b'{"a": {"shape": [8], "shape": [8]}}', "'shape' appears twice"),
    "deep nesting": (b'{"a":' + b"[" * 200_000, "not valid JSON"),
    "endless number": (b'{"a": ' + b"9" * 20_000 + b"}", "not valid JSON|exactly"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(lie: str, tmp_path: Path) -> None:
    header, match = LIES[lie]
    refuse(tmp_path / "x.safetensors", build(header, bytes(8)), match)


def test_truth_beside_the_lies(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(build({"b": entry(4, 8), "e": entry(4, 4, (0,)), "a": entry(0, 4)}, bytes(8)))
    assert list(open_checkpoint(path).tensors) == ["a", "e", "b"]


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 100_000_001, 1000])
def test_header_length(length: int, tmp_path: Path) -> None:
    content = length.to_bytes(8, "little") + b"{}"
    refuse(tmp_path / "x.safetensors", content, "at most 100000000|truncated")


def test_git_lfs_pointer(tmp_path: Path) -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    refuse(tmp_path / "x.safetensors", text, "git lfs pull")


def test_no_tensors(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(build({}, b""))
    with pytest.raises(ValueError, match="no tensors"):
        open_checkpoint(tmp_path / "x.safetensors")


def small_file() -> bytes:
    from safetensors.numpy import save

    return save(
        {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(3, dtype=np.int8)}
    )


def test_every_truncated_prefix(tmp_path: Path) -> None:
    whole = small_file()
    for size in range(len(whole)):
        refuse(tmp_path / "x.safetensors", whole[:size], "truncated|empty|not valid JSON")
    refuse(tmp_path / "x.safetensors", whole + b"\0", "belong to no tensor")


def test_every_flipped_header_bit(tmp_path: Path) -> None:
    """Either refused, or read as a file that tiles its data (another name, another dtype)."""
    whole = small_file()
    start = 8 + int.from_bytes(whole[:8], "little")
    path = tmp_path / "x.safetensors"
    refused = 0
    for bit in range(start * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            tensors = open_checkpoint(path).tensors
        except FormatError:
            refused += 1
            continue
        data = b"".join(tensor.raw().tobytes() for tensor in tensors.values())
        assert data == whole[start:]
        assert all(tensor.array().nbytes == tensor.nbytes for tensor in tensors.values())
    assert refused > start * 4


@given(st.binary(max_size=200))
def test_garbage(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("garbage") / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.safetensors"):
        open_checkpoint(path)


def test_null_metadata_is_none_as_the_safetensors_package_reads_it(tmp_path: Path) -> None:
    content = build({"__metadata__": None, "a": entry(0, 4)}, b"abcd")
    (tmp_path / "x.safetensors").write_bytes(content)
    theirs = safetensors.numpy.load(content)["a"]
    assert open_checkpoint(tmp_path / "x.safetensors").tensors["a"].raw().tobytes() == b"abcd"
    assert theirs.tobytes() == b"abcd"


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F" * 3_000_000, "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": ["9" * 3_000_000], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1] * 1_000_000, "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [10**4000] * 8, "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0] * 1_000_000},
    ],
    ids=["dtype", "size", "sizes", "digits", "offsets"],
)
@pytest.mark.parametrize("name", ["w", "w" * 1_000_000], ids=["short", "long"])
def test_messages_stay_short(name: str, entry: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps({name: entry}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(FormatError) as caught:
        open_checkpoint(path)
    assert len(str(caught.value)) < 1500
