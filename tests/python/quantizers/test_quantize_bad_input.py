"""What cannot be quantised, and what the message says about it."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from meadow_py.quantizers import Granularity, quantize

ONES = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), "0 dimensions.*expected a matrix"),
        ((768,), r"1 dimensions, shape \(768,\).*reshape"),
        ((2, 3, 4, 5, 6), "5 dimensions.*reshape"),
        ((0, 5), r"empty, shape \(0, 5\)"),
        ((5, 0), r"empty, shape \(5, 0\)"),
    ],
)
def test_shape(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"fc1.*{message}"):
        quantize(np.ones(shape, np.float32), name="fc1")


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.bool_])
def test_integers_are_codes_already(dtype: Any) -> None:
    with pytest.raises(TypeError, match=f"fc1 has dtype {np.dtype(dtype)}.*codes already"):
        quantize(ONES.astype(dtype), name="fc1")


@pytest.mark.parametrize("dtype", [np.complex64, np.longdouble, object, "S1", ml_dtypes.int4])
def test_other_dtypes(dtype: Any) -> None:
    with pytest.raises(TypeError, match="expected float64, float32, float16, bfloat16 or float8"):
        quantize(ONES.astype(dtype))


def test_no_array() -> None:
    with pytest.raises(TypeError, match="fc1 is a list: expected a numpy array"):
        quantize([[1.0]], name="fc1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"masked array.*filled"):
        quantize(np.ma.masked_array(ONES, mask=ONES > 0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2]
)
@pytest.mark.parametrize("granularity", ["tensor", "row", "group:2"])
def test_nan_and_infinity_are_named(bad: float, dtype: Any, granularity: str) -> None:
    values = np.ones((5, 9))
    values[3, 7] = bad
    with pytest.raises(ValueError, match=r"fc1.*3, ?7") as caught:
        quantize(values.astype(dtype), granularity=granularity, name="fc1")
    assert ("nan" if np.isnan(bad) else "inf") in str(caught.value).lower()


@pytest.mark.parametrize("bits", [-1, 0, 1, 9, 16])
def test_bits_out_of_range(bits: int) -> None:
    with pytest.raises(ValueError, match=f"bits={bits}: expected 2 to 8"):
        quantize(ONES, bits=bits)


@pytest.mark.parametrize("bits", [8.0, "8", None, True])
def test_bits_of_another_type(bits: Any) -> None:
    with pytest.raises(TypeError, match="bits must be an integer"):
        quantize(ONES, bits=bits)


def test_groups_that_no_row_has() -> None:
    for spelling in (f"group:{2**31}", "group:" + "9" * 5000, "group:0", "group:000"):
        with pytest.raises(ValueError, match="1 to 2147483647") as caught:
            quantize(ONES, granularity=spelling)
        assert len(str(caught.value)) < 200
    with pytest.raises(ValueError, match="1 to 2147483647"):
        Granularity("group", 2**31)
    widest = quantize(ONES, granularity=f"group:{2**31 - 1}")
    assert widest.scales.shape == (2, 1)
    assert np.array_equal(widest.dequantize(), quantize(ONES, granularity="row").dequantize())
    assert Granularity.parse("group:" + "0" * 5000 + "7").group == 7


@pytest.mark.parametrize("threads", [-1, 1025, 2**70, 1.5, True, "2"])
def test_threads_that_cannot_be(threads: Any) -> None:
    with pytest.raises(ValueError, match=r"threads=.*: expected 1 to 1024, or 0 for all cores"):
        quantize(ONES, threads=threads)
    with pytest.raises(ValueError, match=r"threads="):
        quantize(ONES).dequantize(threads)


@pytest.mark.parametrize("flag", ["no", 0, None, [True]])
def test_flags_are_bools(flag: Any) -> None:
    with pytest.raises(TypeError, match=r"symmetric=.*expected True or False"):
        quantize(ONES, symmetric=flag)


def test_granularities_that_make_no_sense() -> None:
    for kind, group in (("tensor", 3), ("group", 0), ("row", 1)):
        with pytest.raises(ValueError, match="does not take a group"):
            Granularity(kind, group)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected tensor, row or group"):
        Granularity("channel")  # type: ignore[arg-type]
