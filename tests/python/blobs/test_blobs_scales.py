"""Exponents are coded near their entropy at every magnitude."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from meadow_py import blobs

# Standard deviations over the whole range of BF16 and F32.
SPREADS = (1e-37, 1e-30, 1e-12, 1e-5, 0.02, 1.0, 100.0, 1e10, 1e30, 1e37)


def _share(values: np.ndarray, dtype: str) -> float:
    raw = values.view(np.uint8).ravel()
    blob = blobs.encode(raw, dtype, values.shape)
    assert np.array_equal(blobs.decode(blob), raw)
    return blob.size / raw.size


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("shape", [(300, 300), (90_000,)])
def test_gaussian_weights_of_any_magnitude(spread: float, shape: tuple[int, ...]) -> None:
    # 2.55 bits of exponent, sign and mantissa: 10.55 of 16 bits, and 26.55 of 32
    values = np.random.default_rng(3).standard_normal(shape) * spread
    assert 0.60 < _share(values.astype(ml_dtypes.bfloat16), "BF16") < 0.68
    assert 0.75 < _share(values.astype(np.float32), "F32") < 0.845


def test_a_scale_for_each_column_and_row_costs_next_to_nothing() -> None:
    random = np.random.default_rng(4)
    plain = random.standard_normal((512, 768)).astype(np.float32)
    columns = np.exp2(random.integers(-9, 9, 768)).astype(np.float32)
    rows = np.exp2(random.integers(-9, 9, (512, 1))).astype(np.float32)
    even = _share(plain.astype(ml_dtypes.bfloat16), "BF16")
    scaled = _share((plain * columns * rows).astype(ml_dtypes.bfloat16), "BF16")
    assert scaled < even + 0.005
