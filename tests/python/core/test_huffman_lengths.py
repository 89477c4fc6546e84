"""The one builder of Huffman codes, against Huffman's own construction and package-merge."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from meadow_py import _core


def huffman_cost(counts: np.ndarray) -> int:
    """The sum of all merged weights (D. A. Huffman, 1952)."""
    heap = [int(count) for count in counts if count]
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        cost += merged
        heapq.heappush(heap, merged)
    return cost


def limited_cost(counts: np.ndarray, longest: int) -> int:
    """Package-merge on sums alone: the cheapest 2n - 2 coins of the last row."""
    singles = sorted(int(count) for count in counts if count)
    row = singles
    for _ in range(longest - 1):
        row = sorted(singles + [a + b for a, b in zip(row[::2], row[1::2], strict=False)])
    return sum(row[: 2 * len(singles) - 2])


def tables() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    flat = [np.full(n, 7, np.uint64) for n in (2, 3, 64, 65)]
    drawn = [random.integers(0, most, 256).astype(np.uint64) for most in (2, 5, 1 << 20)]
    steep = [(random.pareto(0.5, 200) * 3).clip(0, 1e9).astype(np.uint64)]
    wide = [random.integers(0, 9, 5000).astype(np.uint64)]
    return [*flat, *drawn, *steep, *wide]


@pytest.mark.parametrize("counts", tables(), ids=len)
def test_cost_is_the_least_with_and_without_a_limit(counts: np.ndarray) -> None:
    free = _core.huffman_lengths(counts)
    assert int(free @ counts) == huffman_cost(counts)
    assert np.array_equal(free > 0, counts > 0)
    least = int(np.count_nonzero(counts) - 1).bit_length()
    for longest in (least, least + 1, 12 if least <= 12 else least + 2):
        lengths = _core.huffman_lengths(counts, longest)
        assert lengths.max() <= longest
        assert sum(2.0 ** -int(one) for one in lengths if one) == 1
        assert int(lengths @ counts) == limited_cost(counts, longest)


def test_the_deepest_code_is_that_of_fibonacci_numbers() -> None:
    counts = [1, 1]
    while sum(counts) + counts[-1] + counts[-2] < 1 << 56:
        counts.append(counts[-1] + counts[-2])
    lengths = _core.huffman_lengths(np.array(counts, np.uint64))
    assert lengths.tolist() == [len(counts) - 1, *range(len(counts) - 1, 0, -1)]


def test_few_symbols() -> None:
    assert _core.huffman_lengths(np.zeros(4, np.uint64)).tolist() == [0, 0, 0, 0]
    assert _core.huffman_lengths(np.array([0, 5, 0], np.uint64)).tolist() == [0, 1, 0]
    assert _core.huffman_lengths(np.array([], np.uint64)).size == 0


def test_what_has_no_code_is_refused() -> None:
    with pytest.raises(ValueError, match="5 symbols, found 2"):
        _core.huffman_lengths(np.ones(5, np.uint64), 2)
    with pytest.raises(ValueError, match="2\\^56 occurrences"):
        _core.huffman_lengths(np.array([1 << 55, 1 << 55], np.uint64))
    with pytest.raises(TypeError, match="uint64"):
        _core.huffman_lengths(np.ones(5, np.int64))
