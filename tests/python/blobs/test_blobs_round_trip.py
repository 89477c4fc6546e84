"""The public interface: every dtype comes back bit for bit, from any memory to any memory."""

from __future__ import annotations

import mmap
from pathlib import Path

import gguf
import numpy as np
import pytest

from meadow_py import FormatError, _core, blobs
from meadow_py.blobs.layout import LAYOUTS

# Bytes of an element, as safetensors has them; sub-byte types are stored as bytes.
SAFETENSORS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "F4": 1, "F6_E2M3": 1,
    "F6_E3M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "C64": 8,
    "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
GGUF = {kind.name: gguf.GGML_QUANT_SIZES[kind][1] for kind in gguf.GGMLQuantizationType}


def material(size: int, seed: int) -> list[np.ndarray]:
    """Any bytes, nearly equal ones, and all equal."""
    random = np.random.default_rng(seed)
    rare = np.where(random.random(size) < 0.1, random.integers(0, 256, size), 0x3C)
    return [
        random.integers(0, 256, size).astype(np.uint8),
        rare.astype(np.uint8),
        np.full(size, 0xFF, np.uint8),
    ]


@pytest.mark.parametrize("codec", blobs.CODECS)
@pytest.mark.parametrize(
    "dtype", [*SAFETENSORS, *(name for name in GGUF if name not in SAFETENSORS)]
)
def test_every_dtype_comes_back(dtype: str, codec: str) -> None:
    size = SAFETENSORS.get(dtype) or GGUF[dtype]
    assert material(size, 1)
    for records in (0, 1, 2, 31, 997):
        for raw in material(records * size, records):
            blob = blobs.encode(raw, dtype, (records,), codec=codec)
            np.testing.assert_array_equal(blobs.decode(blob), raw)
            about = blobs.info(blob)
            assert (about.dtype, about.nbytes, about.bytes) == (dtype, raw.size, blob.size)
            blobs.verify(blob)


def test_layouts_have_the_sizes_of_gguf_blocks() -> None:
    known = [name for name in LAYOUTS if name in GGUF]
    assert len(known) > 20
    for name in known:
        # ggml's block_q8_1 has two F16; the package gguf still counts two F32. No file holds it.
        assert LAYOUTS[name].record_bytes == (36 if name == "Q8_1" else GGUF[name])
    floats_and_integers = {"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"}
    assert set(GGUF) - set(LAYOUTS) <= floats_and_integers | {"NVFP4", "Q1_0"}


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (0,), (0, 64), (64, 0), (3, 5, 7), (40, 64)])
def test_every_shape_comes_back(shape: tuple[int, ...]) -> None:
    for dtype, kind in (("F32", "<f4"), ("F16", "<f2"), ("F64", "<f8")):
        values = np.random.default_rng(1).standard_normal(shape).astype(kind)
        blob = blobs.encode(values.tobytes(), dtype, shape)
        assert blobs.decode(blob).tobytes() == values.tobytes()


def test_special_floats_come_back() -> None:
    bits = np.array([0, 1, 0x7F800000, 0x7F800001, 0x7FC12345, 0x7FFFFFFF, 0x00400000], "<u4")
    both = np.concatenate([bits, bits | 0x80000000])
    for values in (both, np.tile(both, 500)):
        for codec in blobs.CODECS:
            blob = blobs.encode(values.tobytes(), "F32", values.shape, codec=codec)
            assert blobs.decode(blob).tobytes() == values.tobytes()


def test_threads_and_isas_change_no_byte() -> None:
    raw = np.random.default_rng(2).standard_normal(300_000).astype("<f4").view(np.uint8)
    expected = blobs.encode(raw, "F32", (3000, 100), threads=1)
    before = _core.isa_active()
    try:
        for isa in _core.isa_available():
            _core.isa_select(isa)
            for threads in (1, 2, 5):
                blob = blobs.encode(raw, "F32", (3000, 100), threads=threads)
                assert blob.tobytes() == expected.tobytes()
                assert blobs.decode(blob, threads=threads).tobytes() == raw.tobytes()
    finally:
        _core.isa_select(before)


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 7])
def test_mapped_files_are_read_at_any_offset(tmp_path: Path, offset: int) -> None:
    values = np.random.default_rng(3).standard_normal((64, 100)).astype("<f4")
    path = tmp_path / "mapped"
    path.write_bytes(bytes(offset) + values.tobytes())
    raw = np.memmap(path, np.uint8, "r", offset=0)[offset:]
    blob = blobs.encode(raw, "F32", values.shape)
    path.write_bytes(bytes(offset) + blob.tobytes())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)[offset:]
        out = np.empty(values.nbytes + offset, np.uint8)[offset:]
        assert blobs.decode(view, out=out) is not None
        assert out.tobytes() == values.tobytes()
        view.release()


def test_decoding_fills_the_memory_that_is_given() -> None:
    raw = material(5000, 4)[1]
    blob = blobs.encode(raw, "U8", raw.shape)
    room = np.full(5010, 0x5A, np.uint8)
    blobs.decode(blob, out=room[5:5005])
    np.testing.assert_array_equal(room[5:5005], raw)
    assert (room[:5] == 0x5A).all()
    assert (room[5005:] == 0x5A).all()


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("Q6_K", 210), ("U8", 1)])
def test_every_range_is_its_part(dtype: str, size: int) -> None:
    raw = material(400_000 // size * size, 5)[1]
    blob = blobs.encode(raw, dtype, (raw.size // size,))
    about = blobs.info(blob)
    assert len(about.tiles) > 1
    edges = {0, 1, raw.size - 1, raw.size}
    edges |= {n * about.tile_nbytes + d for n in range(len(about.tiles)) for d in (-1, 0, 1)}
    inside = sorted(edge for edge in edges if 0 <= edge <= raw.size)
    for begin in inside:
        for end in inside:
            if begin <= end:
                part = blobs.decode_range(blob, begin, end)
                np.testing.assert_array_equal(part, raw[begin:end])


def test_a_range_reads_no_other_tile() -> None:
    raw = material(400_000, 6)[1]
    blob = blobs.encode(raw, "U8", raw.shape)
    about = blobs.info(blob)
    damaged = blob.copy()
    damaged[-1] ^= 1  # in the last tile
    last = (len(about.tiles) - 1) * about.tile_nbytes
    np.testing.assert_array_equal(blobs.decode_range(damaged, 0, last), raw[:last])
    with pytest.raises(FormatError, match=f"tile {len(about.tiles) - 1} does not match"):
        blobs.decode_range(damaged, last, last + 1)
