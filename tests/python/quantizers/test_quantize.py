"""Quantisers against a reference in numpy, written first and separately."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from meadow_py.quantizers import Granularity, quantize


def weight(rows: int = 24, columns: int = 40, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_t(4, (rows, columns)) * 0.02).astype(np.float32)


def groups(values: np.ndarray, granularity: str) -> list[tuple[slice, slice]]:
    """Slices of the values that share a scale, in the order of the scales."""
    rows, columns = values.shape
    if granularity == "tensor":
        return [(slice(0, rows), slice(0, columns))]
    step = columns if granularity == "row" else int(granularity.split(":")[1])
    return [
        (slice(r, r + 1), slice(c, min(c + step, columns)))
        for r in range(rows)
        for c in range(0, columns, step)
    ]


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("granularity", ["tensor", "row", "group:16", "group:7", "group:999"])
def test_symmetric_codes_and_scales(bits: int, granularity: str) -> None:
    values, top = weight(), 2 ** (bits - 1) - 1
    made = quantize(values, bits=bits, granularity=granularity)
    assert made.zero_points is None
    assert made.codes.dtype == np.int8
    scales = made.scales.reshape(-1)
    for scale, where in zip(scales, groups(values, granularity), strict=True):
        assert scale == pytest.approx(np.abs(values[where]).max() / top, rel=1e-6)
        expected = np.clip(np.rint(values[where] / scale), -top, top)
        assert np.abs(made.codes[where] - expected).max() <= 1
        # A quotient within rounding of a half may fall either way; others may not.
        clear = np.abs(values[where] / scale % 1 - 0.5) > 1e-4
        np.testing.assert_array_equal(made.codes[where][clear], expected[clear])


@pytest.mark.parametrize("granularity", ["tensor", "row", "group:16"])
@pytest.mark.parametrize("bits", [4, 8])
def test_asymmetric_codes_reach_both_ends_and_hold_zero(bits: int, granularity: str) -> None:
    values = weight() + np.float32(0.03)
    made = quantize(values, bits=bits, symmetric=False, granularity=granularity)
    assert made.codes.dtype == np.uint8
    assert made.zero_points is not None
    assert made.zero_points.shape == made.scales.shape
    again = made.dequantize()
    for n, where in enumerate(groups(values, granularity)):
        scale = made.scales.reshape(-1)[n]
        zero = np.float32(made.zero_points.reshape(-1)[n])
        assert 0 <= zero < 2**bits
        span = max(values[where].max(), 0) - min(values[where].min(), 0)
        assert scale == pytest.approx(span / (2**bits - 1), rel=1e-5)
        assert np.abs(again[where] - values[where]).max() <= scale * 1.001
        np.testing.assert_array_equal(
            again[where], (made.codes[where].astype(np.float32) - zero) * scale
        )


def test_half_is_rounded_to_even() -> None:
    values = np.array([[127.0, 0.5, 1.5, 2.5, -0.5, -1.5]], np.float32)
    assert quantize(values).codes.tolist() == [[127, 0, 2, 2, 0, -2]]


def test_an_all_zero_group_has_scale_one() -> None:
    values = weight(3, 8)
    values[1] = 0
    made = quantize(values, granularity="row")
    assert made.scales[1, 0] == 1
    assert not made.codes[1].any()


def test_signal_to_noise() -> None:
    values = weight()
    for granularity in ("tensor", "row", "group:16"):
        made = quantize(values, granularity=granularity)
        exact = values.astype(np.float64)
        error = exact - made.dequantize().astype(np.float64)
        expected = 10 * math.log10((exact**2).sum() / (error**2).sum())
        assert made.snr_db == pytest.approx(expected, abs=1e-4)


def test_nothing_lost_is_infinite_and_nothing_there_is_none() -> None:
    on_the_grid = np.arange(-127, 128, dtype=np.float32).reshape(1, -1)
    assert quantize(on_the_grid).snr_db == math.inf
    assert quantize(np.zeros((2, 3), np.float32)).snr_db is None


def test_finer_scales_and_more_bits_lose_less() -> None:
    values = weight(64, 256)
    ratios = [quantize(values, granularity=g).snr_db for g in ("tensor", "row", "group:16")]
    assert ratios == sorted(ratios, key=lambda ratio: ratio or 0)
    four, eight = quantize(values, bits=4).snr_db, quantize(values, bits=8).snr_db
    assert four is not None
    assert eight is not None
    assert eight - four == pytest.approx(6.02 * 4, abs=3)  # 6.02 dB a bit


@pytest.mark.parametrize(
    ("symmetric", "granularity", "expected"),
    [
        (True, "tensor", 40 * 24 + 4),
        (True, "row", 40 * 24 + 4 * 24),
        (False, "row", 40 * 24 + 5 * 24),
        (True, "group:16", 40 * 24 + 4 * 24 * 3),
    ],
)
def test_dense_bytes(symmetric: bool, granularity: str, expected: int) -> None:
    made = quantize(weight(), symmetric=symmetric, granularity=granularity)
    assert made.nbytes == expected
    assert quantize(weight(3, 3), bits=3).nbytes == 4 + 4  # 27 bits of codes and a scale


@pytest.mark.parametrize(
    "dtype", [np.float64, np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, "e5m2"]
)
def test_every_float_is_taken_for_its_value(dtype: Any) -> None:
    dtype = ml_dtypes.float8_e5m2 if dtype == "e5m2" else dtype
    values = weight().astype(dtype)
    made, wide = quantize(values), quantize(values.astype(np.float32))
    np.testing.assert_array_equal(made.codes, wide.codes)
    np.testing.assert_array_equal(made.scales, wide.scales)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_memory_layout_does_not_matter(dtype: Any) -> None:
    values = weight().astype(dtype)
    expected = quantize(values).codes
    for same in (np.asfortranarray(values), np.repeat(values, 2, axis=1)[:, ::2]):
        assert not same.flags.c_contiguous
        np.testing.assert_array_equal(quantize(same).codes, expected)
    if dtype is not ml_dtypes.bfloat16:
        swapped = values.astype(values.dtype.newbyteorder(">"))
        np.testing.assert_array_equal(quantize(swapped).codes, expected)


def test_threads_do_not_matter() -> None:
    values = weight(333, 777)
    one, many = quantize(values, threads=1), quantize(values, threads=5)
    assert one.codes.tobytes() == many.codes.tobytes()
    assert one.scales.tobytes() == many.scales.tobytes()
    assert one.snr_db == many.snr_db


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("tensor", Granularity("tensor")),
        ("row", Granularity("row")),
        ("group:128", Granularity("group", 128)),
        (Granularity("group", 3), Granularity("group", 3)),
    ],
)
def test_granularity_spelling(spelling: str, expected: Granularity) -> None:
    assert Granularity.parse(spelling) == expected
    assert Granularity.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "spelling", ["", "channel", "group", "group:", "group:0", "group:-1", "group:1.5", "row:3", 8]
)
def test_granularity_misspelt(spelling: Any) -> None:
    with pytest.raises(ValueError, match="expected tensor, row, or group:N"):
        Granularity.parse(spelling)
