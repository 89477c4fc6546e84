"""How the values of one weight are spread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py import ledger
from meadow_py.profiler.result import ValueDistribution
from meadow_py.quantize import quantize

_BLOCK = 1 << 22  # values widened at a time


def of_floats(matrix: npt.NDArray[Any], name: str, threads: int) -> ValueDistribution:
    """Of a weight of floating-point numbers; raises as `quantize` does for NaN and infinity."""
    made = quantize(matrix, 8, True, "tensor", name, threads)
    counts = ledger.symbol_counts(made.codes, 8, threads)
    return _distribution(matrix, -127, float(np.ravel(made.scales)[0]), np.roll(counts, 127)[:255])


def of_codes(matrix: npt.NDArray[Any], threads: int) -> ValueDistribution:
    """Of a weight that is stored as 8-bit integers."""
    counts = ledger.symbol_counts(matrix, 8, threads)
    if matrix.dtype.kind == "i":
        return _distribution(matrix, -128, 1.0, np.roll(counts, 128))
    return _distribution(matrix, 0, 1.0, counts)


def _distribution(
    matrix: npt.NDArray[Any], first: int, step: float, counts: npt.NDArray[np.uint64]
) -> ValueDistribution:
    mean = sum(float(block.sum()) for block in _blocks(matrix)) / matrix.size
    squares = sum(float(np.square(block - mean).sum()) for block in _blocks(matrix))
    return ValueDistribution(
        low=min(float(block.min()) for block in _blocks(matrix)),
        high=max(float(block.max()) for block in _blocks(matrix)),
        mean=mean,
        std=float(np.sqrt(squares / matrix.size)),
        first=first,
        step=step,
        counts=tuple(counts.tolist()),
    )


def _blocks(matrix: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.float64]]:
    flat = matrix.reshape(-1)
    for begin in range(0, flat.size, _BLOCK):
        yield flat[begin : begin + _BLOCK].astype(np.float64)
