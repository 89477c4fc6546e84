"""Distribution of the values of one weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py import ledger
from meadow_py.profiler.result import ValueDistribution
from meadow_py.quantizers import QuantizedIntegers

_BLOCK = 1 << 16  # values widened at a time: they stay in the cache


def of_floats(
    matrix: npt.NDArray[Any], coded: QuantizedIntegers, threads: int, check: Callable[[], None]
) -> ValueDistribution:
    """The distribution of floating-point numbers, from their symmetric INT8 codes under one scale.

    `check` is called for every block, and may raise to end the work.
    """
    counts = ledger.symbol_counts(coded.codes, 8, threads)
    step = float(coded.scales[0, 0])
    return _distribution(matrix, -127, step, np.roll(counts, 127)[:255], check)


def of_codes(
    matrix: npt.NDArray[Any], threads: int, check: Callable[[], None]
) -> ValueDistribution:
    """The distribution of a weight that is stored as 8-bit integers."""
    counts = ledger.symbol_counts(matrix, 8, threads)
    if matrix.dtype.kind == "i":
        return _distribution(matrix, -128, 1.0, np.roll(counts, 128), check)
    return _distribution(matrix, 0, 1.0, counts, check)


def _distribution(
    matrix: npt.NDArray[Any],
    first: int,
    step: float,
    counts: npt.NDArray[np.uint64],
    check: Callable[[], None],
) -> ValueDistribution:
    parts = [(block.sum(), block.min(), block.max()) for block in _blocks(matrix, check)]
    sums, lows, highs = (np.array(column) for column in zip(*parts, strict=True))
    mean = float(sums.sum()) / matrix.size
    # Not np.dot: on blocks of this size its threads cost more than they save.
    squares = sum(float(np.square(block - mean).sum()) for block in _blocks(matrix, check))
    return ValueDistribution(
        low=float(lows.min()),
        high=float(highs.max()),
        mean=mean,
        std=float(np.sqrt(squares / matrix.size)),
        first=first,
        step=step,
        counts=tuple(counts.tolist()),
    )


def _blocks(
    matrix: npt.NDArray[Any], check: Callable[[], None]
) -> Iterator[npt.NDArray[np.float64]]:
    flat = matrix.reshape(-1)
    for begin in range(0, flat.size, _BLOCK):
        check()
        yield flat[begin : begin + _BLOCK].astype(np.float64)
