"""How long products take whose weights come from memory, not from a cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.checks import check_threads
from meadow_py.measure.bandwidth import beyond_cache_bytes
from meadow_py.measure.candidates import Candidate
from meadow_py.measure.host import host
from meadow_py.measure.memory import anonymous
from meadow_py.measure.timing import ROUNDS, Timing, in_turn

if TYPE_CHECKING:
    from meadow_py._core import Matrix

_SEED = 20  # of activations: any would do
_MOST_COPIES = 64  # of one form: making thousands of a small weight would take longest
_BUDGET_SECONDS = 2.0  # for one weight: models have hundreds


@dataclass(frozen=True)
class ProductTime:
    """One form of a weight, multiplied.

    Attributes
    ----------
    seconds : float
        Of one product, the median of the runs.
    seconds_min, seconds_max : float
    runs : int
    nbytes : int
        What one product reads of the weight.
    copies : int
        Matrices that the products went round over, so that each was read from memory.
    form : str
        As the core names it.
    """

    seconds: float
    seconds_min: float
    seconds_max: float
    runs: int
    nbytes: int
    copies: int
    form: str

    @property
    def bytes_per_second(self) -> float:
        """Of the weight, read."""
        return self.nbytes / self.seconds

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {**vars(self), "bytes_per_second": self.bytes_per_second}


@dataclass(frozen=True)
class Comparison:
    """Forms of one weight, multiplied in turn.

    Attributes
    ----------
    times : dict of str to ProductTime
        By name of the form.
    tokens, threads : int
    from_memory : bool
        Whether more than the last-level cache is read before a copy is read again; False where
        memory is too small for that.
    same_bits : bool
        Whether all forms gave the same results, bit for bit.
    """

    times: dict[str, ProductTime]
    tokens: int
    threads: int
    from_memory: bool
    same_bits: bool

    def speedup(self, over: str, of: str) -> float:
        """How many times faster `of` is than `over`."""
        return self.times[over].seconds / self.times[of].seconds

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        times = {name: time.to_dict() for name, time in self.times.items()}
        return {**vars(self), "times": times}


def product_seconds(
    make: Callable[[], Matrix],
    tokens: int = 1,
    threads: int = 0,
    rounds: int = ROUNDS,
) -> ProductTime:
    """Measure one product ``[tokens, in] x [in, out]`` of a weight that lies in memory.

    Parameters
    ----------
    make : callable
        Gives the matrix, at every call with memory of its own: small ones are multiplied in turn
        with their copies, so that none is still in a cache. Of very small ones there are few
        copies, and other memory is read between the rounds.
    tokens : int
        Vectors that one product takes.
    threads : int
        0 means all cores.
    rounds : int
        How often it is measured; the median counts.
    """
    compared = compare_products([Candidate("only", make)], tokens, threads, rounds)
    return compared.times["only"]


def compare_products(
    candidates: Sequence[Candidate],
    tokens: int = 1,
    threads: int = 0,
    rounds: int = ROUNDS,
    keep_bytes: int | None = None,
) -> Comparison:
    """Measure forms of one weight in turn, in one run, and compare their results bit for bit.

    Parameters
    ----------
    candidates : sequence of Candidate
        Of the same rows and columns.
    tokens, threads, rounds : int
        As of `product_seconds`.
    keep_bytes : int, optional
        How much must be read before a copy is read again. None: four times the last-level cache, as
        far as half of the free memory goes.

    Raises
    ------
    ValueError
        For no candidates, or ones of different shapes.
    """
    if not candidates:
        raise ValueError("no candidates: expected at least one form of the weight")
    if tokens < 1:
        raise ValueError(f"tokens={tokens}: expected at least 1")
    threads, wanted = check_threads(threads), keep_bytes
    if wanted is None:
        wanted = beyond_cache_bytes()
    rings = {form.name: _copies(form, wanted // len(candidates)) for form in candidates}
    x = _activations(tokens, rings)
    tasks = {name: _round_trip(ring, x, threads) for name, ring in rings.items()}
    evict = _eviction(rings, wanted, threads)
    timings = in_turn(tasks, rounds, evict, _BUDGET_SECONDS)
    return Comparison(
        times={name: _time_of(timings[name], rings[name]) for name in rings},
        tokens=tokens,
        threads=threads,
        from_memory=_read_between(rings, wanted, evict) > host().last_level_cache_bytes,
        same_bits=_same_bits([ring[0].multiply(x, threads) for ring in rings.values()]),
    )


def _copies(form: Candidate, wanted: int) -> list[Matrix]:
    """At least one, and as many as make `wanted` bytes, but not more than a few dozen."""
    first = form.make()
    count = min(max(1, -(-wanted // first.nbytes)), _MOST_COPIES)
    return [first, *(form.make() for _ in range(count - 1))]


def _round_trip(ring: list[Matrix], x: npt.NDArray[np.float32], threads: int) -> Callable[[], None]:
    def multiply_all() -> None:
        for matrix in ring:
            matrix.multiply(x, threads)

    return multiply_all


def _time_of(timing: Timing, ring: list[Matrix]) -> ProductTime:
    one = timing.per(len(ring))
    return ProductTime(
        one.seconds,
        one.seconds_min,
        one.seconds_max,
        one.runs,
        nbytes=ring[0].nbytes,
        copies=len(ring),
        form=ring[0].form,
    )


def _activations(tokens: int, rings: dict[str, list[Matrix]]) -> npt.NDArray[np.float32]:
    shapes = {(ring[0].rows, ring[0].columns) for ring in rings.values()}
    if len(shapes) > 1:
        raise ValueError(f"forms of one weight have one shape, found {sorted(shapes)}")
    ((_, columns),) = shapes
    return np.random.default_rng(_SEED).standard_normal((tokens, columns), np.float32)


def _eviction(
    rings: dict[str, list[Matrix]], wanted: int, threads: int
) -> Callable[[], object] | None:
    """Reads so much else that no copy is in a cache; None where the copies do that themselves."""
    from meadow_py import _core

    if _nbytes_of(rings) >= wanted:
        return None
    others = anonymous(max(wanted - wanted % 8, 8), "huge")
    return lambda: _core.read_stream(others, threads)


def _read_between(
    rings: dict[str, list[Matrix]], wanted: int, evict: Callable[[], object] | None
) -> int:
    """Bytes that are read between two products of the same copy."""
    return _nbytes_of(rings) if evict is None else wanted


def _nbytes_of(rings: dict[str, list[Matrix]]) -> int:
    return sum(len(ring) * ring[0].nbytes for ring in rings.values())


def _same_bits(results: list[npt.NDArray[np.float32]]) -> bool:
    bits = [result.view(np.uint32) for result in results]
    return all(np.array_equal(bits[0], other) for other in bits[1:])
