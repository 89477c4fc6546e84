"""Matrices of integers through the core, on made-up and on real weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from meadow_py import _core
from meadow_py.dispatch import open_checkpoint
from meadow_py.quantizers import quantize, quantize_q8

MODELS = ("gpt2-attention", "gpt-neo-125m-attention")


def _q8_0_error(weight: npt.NDArray[np.float32]) -> float:
    """Squared error of GGUF's Q8_0: max|w| / 127 of 32 inputs, stored as F16."""
    groups = weight.reshape(-1, 32)
    scales = (np.abs(groups).max(axis=1, keepdims=True) / np.float32(127)).astype(np.float32)
    inverse = np.where(scales > 0, 1 / np.where(scales > 0, scales, 1), 0).astype(np.float32)
    back = np.rint(groups * inverse) * scales.astype(np.float16).astype(np.float32)
    return float(((groups.astype(np.float64) - back) ** 2).sum())


def _real_weights(shared_data: Path) -> list[npt.NDArray[np.float32]]:
    found = []
    for model in MODELS:
        with open_checkpoint(shared_data / "weights" / model) as checkpoint:
            found += [
                np.asarray(weight.array()).astype(np.float32)
                for weight in checkpoint.weights
                if "attention" in weight.role
            ]
    return found


def _activations(tokens: int, columns: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(3).standard_normal((tokens, columns)).astype(np.float32)


def _rounded(x: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    scales = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
    return np.rint(x / scales).astype(np.int64), scales


def test_real_weights_in_narrow_planes(shared_data: Path) -> None:
    x = _activations(3, 768)
    codes_of_x, scales_of_x = _rounded(x)
    bits = []
    for weight in _real_weights(shared_data):
        quantized = quantize(weight)
        scales = quantized.scales.ravel()
        packed = _core.integer_matrix(quantized.codes, scales, 0, True)
        dense = _core.integer_matrix(quantized.codes, scales, 0, False)
        dots = codes_of_x @ quantized.codes.T.astype(np.int64)
        expected = dots.astype(np.float32) * (scales[0] * scales_of_x)
        assert np.array_equal(packed.multiply(x), expected)
        assert np.array_equal(dense.multiply(x), expected)
        again = np.stack([packed.row(row) for row in range(packed.rows)])
        assert np.array_equal(again, quantized.dequantize())
        bits.append(packed.nbytes * 8 / weight.size)
        assert 8 <= dense.nbytes * 8 / weight.size < 8.02
    assert len(bits) == 36
    # The symbol floor of these codes is 5.29 on average, 3.19 to 6.60.
    assert 5.29 < np.mean(bits) < 6.3
    assert 4 < min(bits) < 4.3
    assert 7 < max(bits) < 7.3


def test_real_weights_in_q8_have_less_error_than_q8_0(shared_data: Path) -> None:
    ratios = []
    for weight in _real_weights(shared_data):
        quantized = quantize_q8(weight)
        error = ((weight.astype(np.float64) - quantized.dequantize()) ** 2).sum()
        ratios.append(float(error) / _q8_0_error(weight))
        matrix = _core.q8_matrix(
            quantized.codes, quantized.row_scales, quantized.coded_scales, False
        )
        assert quantized.nbytes * 8 / weight.size < 8.3
        assert matrix.nbytes * 8 / weight.size < 8.32
    assert max(ratios) < 1
    assert 0.75 < np.mean(ratios) < 0.9


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("granularity", ["tensor", "row", "group:32", "group:96"])
def test_products_follow_the_formula(granularity: str, packed: bool) -> None:
    weight = np.random.default_rng(1).standard_t(4, (50, 200)).astype(np.float32)
    quantized = quantize(weight, granularity=granularity)
    per_scale = {"tensor": 0, "row": 200, "group:32": 32, "group:96": 96}[granularity]
    x = _activations(5, 200)
    codes_of_x, scales_of_x = _rounded(x)
    matrix = _core.integer_matrix(quantized.codes, quantized.scales.ravel(), per_scale, packed)
    found = matrix.multiply(x)
    columns = np.arange(200) // (per_scale or 200)
    terms = codes_of_x[:, None, :] * quantized.codes[None].astype(np.int64)
    exact = np.zeros((5, 50))
    for group in range(quantized.scales.shape[1]):
        dots = terms[:, :, columns == group].sum(axis=2)
        exact += dots * quantized.scales[:, group].astype(np.float64)
    np.testing.assert_allclose(found, exact * scales_of_x, rtol=2e-6, atol=1e-4)
    assert matrix.form == ("INT8 planes" if packed else "INT8")


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("activations", ["int8", "none"])
def test_packed_is_dense_to_the_bit(bits: int, activations: Any) -> None:
    weight = np.random.default_rng(2).standard_t(3, (70, 333)).astype(np.float32)
    x = _activations(7, 333)
    for granularity, per_scale in (("tensor", 0), ("row", 333), ("group:64", 64)):
        quantized = quantize(weight, bits=bits, granularity=granularity)
        scales = quantized.scales.ravel()
        made = [
            _core.integer_matrix(quantized.codes, scales, per_scale, packed, activations)
            for packed in (False, True)
        ]
        products = [matrix.multiply(x, threads) for matrix in made for threads in (1, 2)]
        for other in products[1:]:
            assert other.tobytes() == products[0].tobytes()
        exact = x.astype(np.float64) @ quantized.dequantize().T.astype(np.float64)
        rounding = 1e-5 if activations == "none" else 0.02
        limit = rounding * np.abs(x).max() * np.abs(quantized.dequantize()).sum(axis=1)
        assert (np.abs(products[0] - exact) <= limit).all()


def test_heavy_tails_pack_below_their_bits() -> None:
    weight = np.random.default_rng(4).standard_t(3, (256, 1024)).astype(np.float32)
    int4 = quantize(weight, bits=4)
    dense = _core.integer_matrix(int4.codes, int4.scales.ravel(), 0, False)
    packed = _core.integer_matrix(int4.codes, int4.scales.ravel(), 0, True)
    assert dense.nbytes * 8 / weight.size == pytest.approx(4, abs=0.02)
    assert packed.nbytes * 8 / weight.size < 2.1


def test_q8_keeps_a_row_of_zeros_and_a_short_group() -> None:
    weight = np.random.default_rng(5).standard_normal((40, 70)).astype(np.float32)
    weight[7] = 0
    quantized = quantize_q8(weight)
    assert not quantized.codes[7].any()
    assert quantized.coded_scales.shape == (40, 3)
    assert quantized.coded_scales.min() >= 1
    matrix = _core.q8_matrix(quantized.codes, quantized.row_scales, quantized.coded_scales)
    rows = np.stack([matrix.row(row) for row in range(40)])
    assert np.array_equal(rows, quantized.dequantize())
    assert np.abs(weight - rows).max() < 0.02


def test_q8_refuses_what_is_no_weight() -> None:
    weight = np.ones((3, 40), np.float32)
    weight[1, 2] = np.inf
    with pytest.raises(ValueError, match=r"up: expected finite values, found inf at \[1, 2\]"):
        quantize_q8(weight, name="up")
    with pytest.raises(TypeError, match="floating-point"):
        quantize_q8(np.ones((3, 4), np.int8))
    with pytest.raises(ValueError, match="1 dimensions"):
        quantize_q8(np.ones(4, np.float32))


def test_bad_arguments_are_named() -> None:
    codes = np.zeros((4, 64), np.int8)
    one = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="scales: expected 4 elements, found 1"):
        _core.integer_matrix(codes, one, 64)
    with pytest.raises(ValueError, match="multiple of 32, found 30"):
        _core.integer_matrix(codes, one, 30)
    with pytest.raises(TypeError, match="codes: expected int8"):
        _core.integer_matrix(codes.astype(np.int16), one, 0)
    with pytest.raises(TypeError, match="scales: expected float32"):
        _core.integer_matrix(codes, np.ones(1), 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="activations"):
        _core.integer_matrix(codes, one, 0, True, "int4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="found none"):
        _core.integer_matrix(np.zeros((0, 64), np.int8), one, 0)
    with pytest.raises(ValueError, match="at most 131072 columns"):
        _core.integer_matrix(np.zeros((1, 131073), np.int8), one, 0)
