"""Every dtype, every bit pattern and every odd name of safetensors files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import meadow_py as mp
from meadow_py.checkpoint.format.layout import REGIONS, REST
from meadow_py.errors import FormatError
from meadow_py.sources.dtypes import BITS

SPECIAL = {  # bit patterns: NaN payloads, -0, denormals, infinities
    "BF16": [0x7FC1, 0xFFFF, 0x7F81, 0x8000, 0x0001, 0x7F80, 0xFF80, 0x3F80],
    "F16": [0x7E01, 0xFFFF, 0x7C01, 0x8000, 0x0001, 0x7C00, 0xFC00, 0x3C00],
    "F32": [0x7FC00001, 0xFFFFFFFF, 0x7F800001, 0x80000000, 1, 0x7F800000, 0xFF800000, 0x3F800000],
}


def build(tensors: dict[str, tuple[str, list[int], bytes]], extra: dict[str, Any]) -> bytes:
    """A safetensors file in the given order, without a library that would sort it."""
    header: dict[str, Any] = dict(extra)
    data = b""
    for name, (dtype, shape, raw) in tensors.items():
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def round_trip(content: bytes, folder: Path, codec: str = "auto") -> mp.Inspection:
    source = folder / "model.safetensors"
    source.write_bytes(content)
    made = mp.pack(source, folder / "p.safetensors", codec=codec, overwrite=True)
    mp.unpack(folder / "p.safetensors", folder / "again", overwrite=True)
    assert (folder / "again").read_bytes() == content
    with mp.open_checkpoint(source) as before, mp.open_checkpoint(folder / "p.safetensors") as now:
        assert list(now.tensors) == list(before.tensors)
        for name, tensor in before.tensors.items():
            found = now.tensors[name]
            assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
            assert found.raw().tobytes() == tensor.raw().tobytes()
    return made.inspection


@pytest.mark.parametrize("codec", ["auto", "fast", "small", "huffman", "raw"])
@pytest.mark.parametrize("dtype", sorted(BITS))
def test_every_dtype(dtype: str, codec: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    tensors = {}
    for name, shape in {"a": [24, 40], "prime": [8, 13], "one": [8], "none": [0, 8]}.items():
        size = int(np.prod(shape)) * BITS[dtype] // 8
        tensors[name] = (dtype, shape, random.integers(0, 256, size, np.uint8).tobytes())
    round_trip(build(tensors, {}), tmp_path, codec)


@pytest.mark.parametrize("dtype", sorted(SPECIAL))
def test_special_values(dtype: str, tmp_path: Path) -> None:
    kind = np.uint32 if dtype == "F32" else np.uint16
    patterns = np.resize(np.array(SPECIAL[dtype], kind), (512, 65))
    one = np.array(SPECIAL[dtype][:1], kind).tobytes()
    tensors = {"a": (dtype, [512, 65], patterns.tobytes()), "scalar": (dtype, [], one)}
    round_trip(build(tensors, {}), tmp_path)


def test_order_metadata_and_padding_of_the_header(tmp_path: Path) -> None:
    content = build(
        {"z": ("U8", [4], b"abcd"), "a": ("F32", [2], bytes(8)), "m": ("U8", [0], b"")},
        {"__metadata__": {"format": "pt", "note": "\u2014 kept"}},
    )
    size = int.from_bytes(content[:8], "little") + 24
    padded = size.to_bytes(8, "little") + content[8 : size - 16] + b" " * 24 + content[size - 16 :]
    round_trip(padded, tmp_path)
    first = content.replace(b'"__metadata__"', b'"__metadata__" ')
    header = len(first) - len(content) + int.from_bytes(content[:8], "little")
    round_trip(header.to_bytes(8, "little") + first[8:], tmp_path)


def test_names_that_packing_uses_itself(tmp_path: Path) -> None:
    names = [
        REST,
        REGIONS,
        "__meadow__.region.0",
        "__meadow__.region.4",
        "checksum",
        "",
        "a b\n\u00e9",
    ]
    tensors = {name: ("U8", [3], bytes([n] * 3)) for n, name in enumerate(names)}
    made = round_trip(build(tensors, {}), tmp_path)
    assert [tensor.name for tensor in made.tensors] == names


def test_a_file_without_values(tmp_path: Path) -> None:
    round_trip(build({"none": ("F32", [0], b"")}, {}), tmp_path)


def test_small_tensors_cost_no_more_than_before(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    tensors = {
        f"norm.{n}": ("U8", [64], random.integers(0, 256, 64, np.uint8).tobytes()) for n in range(9)
    }
    made = round_trip(build(tensors, {}), tmp_path)
    assert {tensor.codec for tensor in made.tensors} == {"stored"}
    assert all(tensor.bytes_packed == tensor.bytes_original for tensor in made.tensors)


def test_corrupt_sources_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "model.safetensors"
    content = build({"a": ("F32", [4], bytes(16))}, {})
    for bad in (content[:-1], content + b"x", b"", content[:20]):
        source.write_bytes(bad)
        with pytest.raises(FormatError, match=r"model\.safetensors"):
            mp.pack(source, tmp_path / "p.safetensors")
        assert not (tmp_path / "p.safetensors").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    tensors=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(
            lambda name: name != "__metadata__"
        ),
        st.tuples(st.sampled_from(["U8", "I8", "BOOL", "F8_E4M3"]), st.binary(max_size=300)),
        min_size=1,
        max_size=8,
    )
)
def test_any_names_and_bytes(tensors: dict[str, tuple[str, bytes]], tmp_path: Path) -> None:
    given_as = {name: (dtype, [len(raw)], raw) for name, (dtype, raw) in tensors.items()}
    round_trip(build(given_as, {}), tmp_path)
