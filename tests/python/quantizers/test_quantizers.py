"""Keys, the registry, and what the quantisers say of themselves."""

from __future__ import annotations

import importlib
import pickle
from typing import Any

import numpy as np
import pytest

import meadow_py as mp
from meadow_py import quantizers
from meadow_py.quantizers import Integers, QuantizedIntegers, Quantizer

Q8 = "int8:32+8:row"
KEYS = ["int8:tensor", "int8:row", "int4:group:128", "int3:group:7:asym", "int2:tensor:asym", Q8]


def weight(rows: int = 24, columns: int = 75, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_t(4, (rows, columns)) * 0.02).astype(np.float32)


@pytest.mark.parametrize("key", [*KEYS, "stored"])
def test_a_key_names_one_quantizer(key: str) -> None:
    made = quantizers.parse(key)
    assert made.key == key
    assert quantizers.parse(made) is made
    assert pickle.loads(pickle.dumps(made)) == made  # to processes of an executor


@pytest.mark.parametrize(
    ("spelled", "key"),
    [
        ("int8", "int8:tensor"),
        (" INT8:Row ", "int8:row"),
        ("int4:asym", "int4:tensor:asym"),
        ("int4:group:0128:asym", "int4:group:128:asym"),
        ("q8", Q8),
    ],
)
def test_other_spellings_of_a_key(spelled: str, key: str) -> None:
    assert quantizers.parse(spelled).key == quantizers.canonical(spelled) == key


def test_q8_is_not_int8_in_groups_of_32() -> None:
    coded, plain = quantizers.parse("q8"), quantizers.parse("int8:group:32")
    assert coded != plain
    shape = (24, 75)
    assert coded.side_bits(shape) == 24 * (3 * 8 + 32)
    assert plain.side_bits(shape) == 24 * 3 * 32


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("int9:row", "bits=9: expected 2 to 8"),
        ("int8:column", "expected tensor, row, or group:N"),
        ("int8:group:0", "expected tensor, row, or group:N"),
        ("int8:row:asym:asym", "expected tensor, row, or group:N"),
        ("int8:", "expected tensor, row, or group:N"),
        ("fp4", "expected q8, short for int8:32.8:row; intB"),
        ("", "expected q8"),
    ],
)
def test_what_is_no_key(key: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quantizers.parse(key)
    assert quantizers.find(key) is None
    assert quantizers.title(key) == quantizers.canonical(key) == key
    with pytest.raises(TypeError, match="not int"):
        quantizers.parse(8)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shape", [(24, 75), (1, 1), (3, 128), (5, 129)])
def test_what_is_said_holds_for_what_is_made(key: str, shape: tuple[int, int]) -> None:
    quantizer, values = quantizers.parse(key), weight(*shape)
    made = quantizer.quantize(values)
    assert made.alphabet == quantizer.alphabet == 2**quantizer.bits
    assert made.side_bits == quantizer.side_bits(shape) == made.scale_bits + made.zero_point_bits
    assert made.nbytes == -(-(values.size * quantizer.bits + made.side_bits) // 8)
    assert made.shape == made.dequantize().shape == shape
    exact = values.astype(np.float64)
    noise = np.square(exact - made.dequantize()).sum()
    if noise > 0 and made.snr_db is not None:
        assert made.snr_db == pytest.approx(10 * np.log10(np.square(exact).sum() / noise), abs=1e-3)


def test_a_product_of_keys() -> None:
    made = quantizers.product((8, 4), ("tensor", "group:32"), symmetric=False)
    keys = tuple(quantizer.key for quantizer in made)
    assert keys == quantizers.product_keys((8, 4), ("tensor", "group:32"), symmetric=False)
    assert keys[0] == "int8:tensor:asym"
    assert keys[-1] == "int4:group:32:asym"


def test_titles_tell_quantizers_apart() -> None:
    for short in (True, False):
        titles = [quantizers.title(key, short) for key in [*KEYS, "int8:group:32", "stored"]]
        assert len(set(titles)) == len(titles)
    assert quantizers.title("int8:row:asym") == "INT8 with zero points, one scale per row"
    assert quantizers.title("q8", short=True) == "q8"


@pytest.mark.parametrize(
    ("module", "name", "now"),
    [
        ("quantize", "quantize", quantizers.quantize),
        ("quantize", "Granularity", quantizers.Granularity),
        ("quantize", "Quantized", QuantizedIntegers),
        ("quantize_q8", "quantize_q8", quantizers.quantize_q8),
        ("quantize_q8", "QuantizedQ8", quantizers.QuantizedQ8),
    ],
)
def test_former_homes_warn(module: str, name: str, now: Any) -> None:
    former = importlib.import_module(f"meadow_py.{module}")
    with pytest.warns(DeprecationWarning, match=f"{module}.{name} is now meadow_py.quantizers"):
        assert getattr(former, name) is now
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = former.other


class _Wrong(Integers):
    """Says that it stores less than it does."""

    def side_bits(self, shape: tuple[int, int]) -> int:
        return super().side_bits(shape) - 1


def test_a_quantizer_that_counts_wrongly_is_found_out() -> None:
    wrong: Quantizer = _Wrong(8, "row")
    with pytest.raises(RuntimeError, match="int8:row: expected shape, alphabet"):
        mp.profile({"layers.0.fc1.weight": weight()}, quantizers=wrong, chunk_sizes=2)
