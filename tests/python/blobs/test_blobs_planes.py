"""Blobs of planes: what they hold, what they say of themselves, what others code in their place."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import reference_planes

from meadow_py import FormatError, _core, blobs

BF16 = np.dtype(ml_dtypes.bfloat16)


def normal(rows: int, columns: int, seed: int = 1) -> np.ndarray:
    """BF16 values, a few of them special."""
    random = np.random.default_rng(seed)
    values = (random.standard_normal((rows, columns)) * 0.02).astype(BF16)
    bits = values.view(np.uint16)
    at = random.integers(0, bits.size, bits.size // 200)
    bits.reshape(-1)[at] = random.integers(0, 1 << 16, at.size)
    return values


def planes_of(values: np.ndarray, dtype: str = "BF16") -> np.ndarray:
    blob = blobs.encode(values.tobytes(), dtype, values.shape, codec="planes")
    assert blobs.info(blob).codec == "planes"
    return blob


@pytest.mark.parametrize("shape", [(64, 128), (67, 260), (1100, 256), (130, 2100), (4, 5000)])
def test_planes_come_back_and_are_as_the_document_says(shape: tuple[int, int]) -> None:
    values = normal(*shape)
    blob = planes_of(values)
    assert blobs.decode(blob).tobytes() == values.tobytes()
    assert reference_planes.decode(blob.tobytes() + bytes(5)) == values.tobytes()
    blobs.verify(blob)


def test_floats_that_are_bf16_in_truth_come_back_as_they_were_stored() -> None:
    wide = normal(96, 96).astype(np.float32)
    narrow = (np.random.default_rng(2).standard_normal((96, 96)) * 4).astype(np.float16)
    narrow = (narrow.view(np.uint16) & 0xFFF8).view(np.float16)
    for values, dtype in ((wide, "F32"), (narrow, "F16")):
        blob = planes_of(values, dtype)
        assert blobs.info(blob).dtype == dtype
        assert blobs.decode(blob).tobytes() == values.tobytes()
        assert reference_planes.decode(blob.tobytes()) == values.tobytes()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.full(4096, 1.5, BF16), "BF16"),
        (np.ones((4, 32, 64), BF16), "BF16"),
        (np.ones((1, 4096), BF16), "BF16"),
        (np.ones((0, 64), BF16), "BF16"),
        (np.random.default_rng(3).standard_normal((64, 64)).astype(np.float32), "F32"),
        (np.random.default_rng(3).standard_normal((64, 64)).astype(np.float16), "F16"),
        (np.random.default_rng(3).integers(0, 1 << 16, (64, 64)).astype(np.uint16), "BF16"),
        (np.ones((64, 64), np.int8), "I8"),
    ],
)
def test_what_planes_do_not_hold_is_coded_as_by_auto(values: np.ndarray, dtype: str) -> None:
    blob = blobs.encode(values.tobytes(), dtype, values.shape, codec="planes")
    assert blob.tobytes() == blobs.encode(values.tobytes(), dtype, values.shape).tobytes()
    assert blobs.info(blob).kind != "planes"


def test_info_counts_every_byte() -> None:
    values = normal(1000, 640)
    blob = planes_of(values)
    about = blobs.info(blob)
    assert (about.kind, about.content, about.nbytes) == ("planes", "BF16", values.nbytes)
    assert about.bytes == blob.size == sum(about.sections[n] for n in ("head", "codes", "lower"))
    assert sum(about.tiles) == about.sections["codes"] + about.sections["lower"]
    assert about.sections["codes"] == values.size // 2
    assert about.sections["lower"] == values.size
    assert about.sections["escapes"] > 0
    assert 8 * values.size < about.floor_bits < 8 * blob.size
    assert blob.size < 0.77 * values.nbytes


def test_the_floor_is_the_entropy_of_upper_bytes_by_64_rows() -> None:
    values = normal(150, 320)
    upper = values.view(np.uint16) >> 8
    bits = 8.0 * values.size
    for begin in range(0, 150, 64):
        counts = np.bincount(upper[begin : begin + 64].reshape(-1))
        shares = counts[counts > 0] / counts.sum()
        bits -= counts.sum() * float((shares * np.log2(shares)).sum())
    assert blobs.info(planes_of(values)).floor_bits == pytest.approx(bits, abs=1)


def test_ranges_are_parts_and_read_no_other_block() -> None:
    values = normal(1100, 1024)
    raw, blob = values.tobytes(), planes_of(values)
    step = blobs.info(blob).tile_nbytes
    for begin, end in ((0, 0), (1, 5), (step - 1, step + 1), (step, 2 * step), (0, len(raw))):
        assert blobs.decode_range(blob, begin, end).tobytes() == raw[begin:end]
    blob[-1] ^= 1  # in the last block
    assert blobs.decode_range(blob, 0, step).tobytes() == raw[:step]
    with pytest.raises(FormatError, match="rows 1024 to 1099 do not match their checksum"):
        blobs.verify(blob)
    with pytest.raises(FormatError, match="do not match their checksum"):
        blobs.decode(blob)


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, 63])
def test_planes_are_decoded_at_any_address_and_multiplied_at_aligned_ones(offset: int) -> None:
    values = normal(64, 256)
    blob = planes_of(values)
    room = np.empty(blob.size + 128, np.uint8)
    begin = -room.ctypes.data % 64 + offset
    view = room[begin : begin + blob.size]
    view[:] = blob
    assert blobs.decode(view).tobytes() == values.tobytes()
    if offset % 4:
        with pytest.raises(ValueError, match="multiple of 4"):
            _core.mapped_matrix(view)
    else:
        assert _core.mapped_matrix(view).rows == 64


def test_a_mapped_matrix_multiplies_bit_for_bit_and_keeps_its_blob() -> None:
    values = normal(131, 1000, 5)
    values = np.where(np.isfinite(values.astype(np.float32)), values, BF16.type(0))
    dense = _core.dense_matrix(values.reshape(-1).view(np.uint8), "BF16", *values.shape)
    mapped = _core.mapped_matrix(planes_of(values))
    assert (mapped.rows, mapped.columns, mapped.form) == (131, 1000, "planes")
    assert mapped.nbytes < dense.nbytes
    x = np.random.default_rng(6).standard_normal((40, 1000)).astype(np.float32)
    for tokens in (1, 3, 40):
        assert mapped.multiply(x[:tokens]).tobytes() == dense.multiply(x[:tokens]).tobytes()
    assert mapped.row(130).tobytes() == values[130].astype(np.float32).tobytes()


def test_damage_is_a_format_error() -> None:
    blob = planes_of(normal(64, 256))
    for size in (0, 3, 63, 64, 500, blob.size - 1):
        with pytest.raises(FormatError):
            blobs.info(blob[:size])
    for at in (0, 4, 8, 30, 70, blobs.info(blob).sections["head"] - 1):
        damaged = blob.copy()
        damaged[at] ^= 255
        with pytest.raises(FormatError):
            blobs.decode(damaged)
        with pytest.raises(FormatError):
            _core.mapped_matrix(damaged)


def test_groups_are_not_for_planes() -> None:
    with pytest.raises(ValueError, match="groups need codec='huffman'"):
        blobs.encode(bytes(128), "BF16", (8, 8), codec="planes", groups=(1, 8, 7))
