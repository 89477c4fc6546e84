"""One matrix x vector of a peer from DRAM: the data, the check against numpy, and the timing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from process import Figures, Request

T = TypeVar("T")
Floats = npt.NDArray[np.float32]

DRAWN_ROWS = 1024  # repeated down to the asked number of rows: other memory, the same values
# Error of the result as a share of its length: rounded activations and weights, nothing worse.
TOLERANCE = 0.03
TOLERANCE_4_BITS = 0.15


@dataclass(frozen=True)
class Data:
    """`copies` times [rows, columns]; more than one so that a small matrix comes from DRAM too."""

    rows: int
    columns: int
    copies: int
    block: Floats  # [drawn rows, columns], values that BF16 holds exactly
    vector: Floats  # [columns]

    def matrix(self) -> Floats:
        return np.tile(self.block, (self.rows // len(self.block), 1))


def data_of(request: Request) -> Data:
    rows, columns = request["rows"], request["columns"]
    drawn = min(rows, DRAWN_ROWS)
    if rows % drawn:
        raise SystemExit(f"rows must be a multiple of {drawn}, not {rows}")
    rng = np.random.default_rng(0)
    block = rng.standard_normal((drawn, columns), np.float32)
    block *= np.float32(0.02)
    vector = rng.standard_normal((columns,), np.float32)
    return Data(rows, columns, request["copies"], from_words(to_words(block)), vector)


def to_words(values: Floats) -> npt.NDArray[np.uint16]:
    """BF16, rounded to nearest even."""
    bits = values.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype(np.uint16)


def from_words(words: npt.NDArray[np.uint16]) -> Floats:
    return (words.astype(np.uint32) << 16).view(np.float32)


def product_figures(
    data: Data,
    request: Request,
    multiply: Callable[[], T],
    read: Callable[[T], list[Floats]],
    nbytes: float,
) -> Figures:
    """`multiply` takes every copy once; `nbytes` is what one product reads of the weight.

    `read` makes arrays of what `multiply` gave; it is not in the time.
    """
    bits_per_weight = 8 * nbytes / (data.rows * data.columns)
    error = _relative_error(data, read(multiply()))
    tolerance = TOLERANCE if bits_per_weight > 6 else TOLERANCE_4_BITS
    assert error < tolerance, f"the product is off by {error:.3f} of its length"
    multiply()
    taken: list[float] = []
    while len(taken) < request["repeats"] or sum(taken) < request["least_seconds"]:
        start = time.perf_counter()
        multiply()
        taken.append((time.perf_counter() - start) / data.copies)
    seconds = statistics.median(taken)
    return {
        "seconds": seconds,
        "best_seconds": min(taken),
        "products": len(taken) * data.copies,
        "bytes": nbytes,
        "bits_per_weight": bits_per_weight,
        "gb_s": nbytes / seconds / 1e9,
        "giga_weights_s": data.rows * data.columns / seconds / 1e9,
        "relative_error": error,
    }


def _relative_error(data: Data, results: list[Floats]) -> float:
    """The largest over all copies, against numpy in F64; a wrong one is no figure."""
    expected = data.block.astype(np.float64) @ data.vector.astype(np.float64)
    expected = np.tile(expected, data.rows // len(data.block))
    length = np.linalg.norm(expected)
    assert len(results) == data.copies, f"{len(results)} results of {data.copies} copies"
    worst = 0.0
    for result in results:
        assert result.size == data.rows, f"{result.size} results of {data.rows} rows"
        worst = max(worst, float(np.linalg.norm(result.reshape(-1) - expected) / length))
    return worst
