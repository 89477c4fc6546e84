"""Quantisation, content and histograms against numpy, by bits."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from meadow_py import _core

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def weights(draw: st.DrawFn) -> np.ndarray:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20))
    return draw(hnp.arrays(np.float32, shape, elements=FINITE))


def numpy_symmetric(values: np.ndarray, bits: int) -> tuple[np.ndarray, np.float32]:
    """One scale for all: the textbook formula in float32."""
    highest = 2 ** (bits - 1) - 1
    magnitude = np.abs(values).max()
    scale = np.float32(magnitude) / np.float32(highest) if magnitude > 0 else np.float32(1)
    if scale == 0:
        scale = np.float32(1e-45)
    with np.errstate(over="ignore"):
        return np.clip(np.rint(values / scale), -highest, highest).astype(np.int8), scale


@given(weights(), st.sampled_from([2, 4, 8]))
def test_symmetric_codes_equal_numpy(values: np.ndarray, bits: int) -> None:
    if np.abs(values).max() > 1e38:
        values = values * np.float32(0.5)
    codes, scales, zero_points, signal, noise = _core.quantize(
        values, "F32", bits, True, "tensor", 0
    )
    expected, scale = numpy_symmetric(values, bits)
    assert scales.tobytes() == np.float32(scale).tobytes()
    np.testing.assert_array_equal(codes, expected)
    assert zero_points is None
    again = _core.dequantize(codes, scales, None, values.shape[1])
    errors = values.astype(np.float64) - again.astype(np.float64)
    assert signal == pytest.approx((values.astype(np.float64) ** 2).sum(), rel=1e-12)
    assert noise == pytest.approx((errors**2).sum(), rel=1e-12)


@given(weights(), st.sampled_from([4, 8]), st.booleans(), st.integers(1, 25))
def test_groups_equal_one_weight_for_each_group(
    values: np.ndarray, bits: int, symmetric: bool, group: int
) -> None:
    codes, scales, zero_points, _, _ = _core.quantize(
        values, "F32", bits, symmetric, "group", group
    )
    assert scales.shape == (values.shape[0], -(-values.shape[1] // group))
    for row in range(values.shape[0]):
        for n, start in enumerate(range(0, values.shape[1], group)):
            part = np.ascontiguousarray(values[row : row + 1, start : start + group])
            alone, scale, zero, _, _ = _core.quantize(part, "F32", bits, symmetric, "tensor", 0)
            np.testing.assert_array_equal(codes[row, start : start + group], alone[0])
            assert scales[row, n] == scale[0, 0]
            if zero is not None and zero_points is not None:
                assert zero_points[row, n] == zero[0, 0]


@given(weights(), st.sampled_from([4, 8]))
def test_asymmetric_errors_stay_within_a_step(values: np.ndarray, bits: int) -> None:
    codes, scales, zero_points, _, _ = _core.quantize(values, "F32", bits, False, "row", 0)
    assert codes.dtype == np.uint8
    assert int(codes.max()) < 2**bits
    assert zero_points is not None
    assert ((zero_points >= 0) & (zero_points < 2**bits)).all()
    again = _core.dequantize(codes, scales, zero_points, values.shape[1])
    assert np.isfinite(again).all()
    error = np.abs(values.astype(np.float64) - again.astype(np.float64))
    limit = scales.astype(np.float64) * (2.0 if np.abs(values).max() > 1e38 else 1.0001)
    # A denormal scale is rounded to a multiple of 1.4e-45, and so is each step that it makes.
    assert (error <= limit + 2**bits * 0.71e-45).all()


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_sixteen_bit_floats_quantise_as_their_float32_values(dtype: str) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "BF16" else np.float16
    stored = np.random.default_rng(0).normal(0, 0.05, (33, 65)).astype(kind)
    found = _core.quantize(stored.view(np.uint16), dtype, 8, True, "group", 16)
    expected = _core.quantize(stored.astype(np.float32), "F32", 8, True, "group", 16)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].tobytes() == expected[1].tobytes()
    assert found[3:] == expected[3:]


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("granularity", ["tensor", "row", "group"])
def test_weights_that_are_not_finite_are_named(bad: float, word: str, granularity: str) -> None:
    values = np.ones((40, 50), np.float32)
    values[17, 3] = bad
    with pytest.raises(ValueError, match=rf"layer\.q: expected finite.*{word} at \[17, 3\]"):
        _core.quantize(values, "F32", 8, True, granularity, 8, "layer.q")


@given(hnp.arrays(np.uint16, st.integers(1, 200)), st.sampled_from(["BF16", "F16"]))
def test_widened_floats_are_recognised(bits: np.ndarray, dtype: str) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "BF16" else np.float16
    narrow = bits.view(kind)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        narrow = np.where(np.isnan(narrow), kind(1.5), narrow)
    found = _core.content_dtype(narrow.astype(np.float32).view(np.uint32), "F32")
    assert found in ("BF16", dtype)
    as_found = narrow.astype(np.float32).astype(
        ml_dtypes.bfloat16 if found == "BF16" else np.float16
    )
    assert as_found.astype(np.float32).tobytes() == narrow.astype(np.float32).tobytes()


def test_float32_that_is_really_float32_is_left_alone() -> None:
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert _core.content_dtype(values.view(np.uint32), "F32") == "F32"


def test_histograms_equal_numpy() -> None:
    codes = np.random.default_rng(0).integers(-128, 128, (100, 333)).astype(np.int8)
    counts = np.bincount(codes.view(np.uint8).ravel(), minlength=256)
    np.testing.assert_array_equal(_core.symbol_counts(codes, 8), counts)
    p = counts[counts > 0] / counts.sum()
    assert _core.entropy(_core.symbol_counts(codes, 8)) == pytest.approx(-(p * np.log2(p)).sum())


def test_fields_equal_numpy() -> None:
    values = np.random.default_rng(0).normal(size=5000).astype(ml_dtypes.bfloat16).view(np.uint16)
    sign, exponent, mantissa = _core.field_counts(values, "BF16")
    np.testing.assert_array_equal(sign, np.bincount(values >> 15, minlength=2))
    np.testing.assert_array_equal(exponent, np.bincount((values >> 7) & 0xFF, minlength=256))
    np.testing.assert_array_equal(mantissa, np.bincount(values & 0x7F, minlength=128))


def test_isas_are_listed_and_a_wrong_one_is_refused() -> None:
    assert _core.isa_available()[0] == "scalar"
    assert _core.isa_active() in _core.isa_available()
    with pytest.raises(ValueError, match="expected one of scalar"):
        _core.isa_select("mmx")
