"""Codes of bit groups: optimal, limited, and every bit counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from meadow_py import blobs
from meadow_py.simulator.huffman_hardware import GROUPS, limited_lengths, weight_code


def test_lengths_of_an_unlimited_code_by_hand() -> None:
    # 1 + 1 = 2, 2 + 2 = 4, 4 + 4 = 8, 8 + 8: one symbol of each length from 1, two of 4.
    assert limited_lengths(np.array([1, 1, 2, 4, 8, 0]), 12).tolist() == [4, 4, 3, 2, 1, 0]


def test_lengths_under_a_limit_by_hand() -> None:
    # With at most 3 bits: 8 at 1 bit leaves half of the codes, four of 3 bits, for the other four.
    assert limited_lengths(np.array([1, 1, 2, 4, 8, 0]), 3).tolist() == [3, 3, 3, 3, 1, 0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("longest", [3, 4, 5])
def test_no_other_code_of_limited_length_is_shorter(seed: int, longest: int) -> None:
    counts = np.random.default_rng(seed).integers(1, 100, 6) ** 2
    lengths = limited_lengths(counts, longest)
    assert sum(2.0**-length for length in lengths.tolist()) <= 1  # Kraft
    all_lengths = itertools.product(range(1, longest + 1), repeat=6)
    best = min(
        int(np.dot(found, counts)) for found in all_lengths if sum(2.0**-n for n in found) <= 1
    )
    assert int(lengths @ counts) == best


def test_a_lone_symbol_takes_one_bit_and_too_many_are_refused() -> None:
    assert limited_lengths(np.array([0, 7]), 4).tolist() == [0, 1]
    with pytest.raises(ValueError, match="17 symbols"):
        limited_lengths(np.ones(17, np.int64), 4)


def test_groups_by_hand() -> None:
    # Exponents: 3000 times 1, 500 times 2, 500 times 3: lengths 1, 2, 2.
    words = np.repeat(np.array([1, 2, 3], np.uint16) << 7, [3000, 500, 500])
    code = weight_code(words, (1, 8, 7))
    sign, exponent, mantissa = code.groups
    assert [exponent.lengths[symbol] for symbol in (1, 2, 3)] == [1, 2, 2]
    assert exponent.bits_per_symbol == (3000 + 2 * 1000) / 4000
    assert exponent.stored_table_bits == 256 * 8
    # Mantissas are all 0, and take one bit each; the sign would, too, so it stays as it is.
    assert mantissa.bits_per_symbol == 1
    assert not sign.coded
    assert code.raw_bits == 1
    expected = 1 + 1.25 + 1 + (256 + 128) * 8 / 4000
    assert code.bits_per_weight == pytest.approx(expected)
    assert code.lengths_of(words[:2]).tolist() == [[1, 1], [1, 1]]


def test_as_many_bits_as_the_coder_of_blobs() -> None:
    values = np.random.default_rng(3).normal(0, 0.02, (256, 512)).astype(np.float16)
    words = values.view(np.uint16)
    code = weight_code(words, GROUPS["F16"])
    blob = blobs.encode(values.view(np.uint8).reshape(-1), "F16", values.shape, codec="huffman")
    # The blob has a head, six streams a tile, and tables; all of it under a hundredth of a bit.
    stored = 8 * blob.size / values.size
    assert code.floor < code.bits_per_weight < stored < code.bits_per_weight + 0.05


def test_other_limits_of_the_same_symbols() -> None:
    words = np.random.default_rng(4).normal(0, 0.02, 4096).astype(np.float16).view(np.uint16)
    code = weight_code(words, GROUPS["F16"])
    shorter = code.with_longest(5)
    assert shorter.coded[0].longest == 5 < code.coded[0].longest
    assert shorter.bits_per_weight >= code.bits_per_weight
    assert code.with_longest(12).bits_per_weight == code.bits_per_weight


def test_bf16_values_in_f16_have_short_mantissas() -> None:
    """Why an FP16 checkpoint may pack as a BF16 one does: low mantissa bits are 0."""
    rng = np.random.default_rng(5)
    trained = (rng.normal(0, 0.02, (64, 512)).astype(np.float32).view(np.uint32) >> 16) << 16
    kept = trained.view(np.float32).astype(np.float16).view(np.uint16)
    rounded = rng.normal(0, 0.02, (64, 512)).astype(np.float16).view(np.uint16)
    narrow, full = (weight_code(words, GROUPS["F16"]) for words in (kept, rounded))
    assert narrow.groups[3].coded
    assert narrow.groups[3].bits_per_symbol == pytest.approx(2.25, abs=0.1)
    assert not full.groups[3].coded
    assert 16 - narrow.bits_per_weight > 2 * (16 - full.bits_per_weight)


@pytest.mark.parametrize(
    ("words", "widths", "error"),
    [
        (np.zeros(4, np.float16), (1, 5, 5, 5), TypeError),
        (np.zeros(4, np.uint16), (1, 5, 5), ValueError),
        (np.zeros(4, np.uint16), (), ValueError),
        (np.zeros(0, np.uint16), (1, 5, 5, 5), ValueError),
    ],
)
def test_bad_arguments_are_refused(
    words: np.ndarray, widths: tuple[int, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        weight_code(words, widths)
