"""Products with the lossless forms of a weight, timed side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import forms
from meadow_py.checks import check_threads
from meadow_py.forms import AUTO, FLOATS, FloatWeight, Form
from meadow_py.measure.bandwidth import beyond_cache_bytes
from meadow_py.measure.host import host
from meadow_py.measure.memory import anonymous
from meadow_py.measure.timing import ROUNDS, TaskTime, in_turn

if TYPE_CHECKING:
    from meadow_py._core import Matrix


@dataclass(frozen=True)
class Candidate:
    """One form of a weight.

    Attributes
    ----------
    name : str
        The request for the form, such as ``dense`` or ``packed``; see `meadow_py.forms.requests`.
    make : callable
        Returns one more copy at every call: a matrix with memory of its own.
    """

    name: str
    make: Callable[[], Matrix]


def candidates_of(values: npt.NDArray[Any], dtype: str) -> tuple[Candidate, ...]:
    """The lossless forms of a weight of floating-point numbers, ``dense`` first.

    Parameters
    ----------
    values : ndarray
        Shape ``[out, in]``, C-contiguous, with elements of 2 or 4 bytes.
    dtype : str
        F32, BF16 or F16.

    Returns
    -------
    tuple of Candidate
        Empty for a dtype that the core does not multiply. A packed form may be larger than the
        dense weight; that is known only once the matrix has been made.
    """
    if dtype not in FLOATS or values.size == 0:
        return ()
    weight = FloatWeight(values, dtype)
    return tuple(
        Candidate(request, partial(_copy, form, weight, request))
        for request in forms.requests(lossless=True)
        if request != AUTO
        for form in forms.candidates(weight, request)[:1]
    )


def _copy(form: Form, weight: FloatWeight, request: str) -> Matrix:
    return form.make(weight.copied() if form.keeps_values else weight, request)


_SEED = 20  # of the activations; any would do
_MOST_COPIES = 64  # of one form; making thousands of a small weight would take most of the time
_BUDGET_SECONDS = 2.0  # for one weight, because models have hundreds


@dataclass(frozen=True)
class ProductTime:
    """Time of products with one form of a weight.

    Attributes
    ----------
    seconds : float
        Time of one product: the median of the runs.
    seconds_min, seconds_max : float
        Fastest and slowest run.
    runs : int
        Number of timed runs.
    nbytes : int
        Bytes of the weight that one product reads.
    copies : int
        Number of copies that were multiplied in turn, so that each was read from memory.
    form : str
        Name of the form in the core.
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
        """Bytes of the weight read per second."""
        return self.nbytes / self.seconds

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types.

        Returns
        -------
        dict
        """
        return {**vars(self), "bytes_per_second": self.bytes_per_second}


@dataclass(frozen=True)
class Comparison:
    """Forms of one weight, multiplied in turn.

    Attributes
    ----------
    times : dict of str to ProductTime
        Times, keyed by `Candidate.name`.
    tokens, threads : int
        Number of vectors in one product, and of threads.
    from_memory : bool
        Whether more than the last-level cache was read before a copy was read again; False where
        there is too little memory for that.
    same_bits : bool
        Whether all forms gave the same results, bit for bit.
    """

    times: dict[str, ProductTime]
    tokens: int
    threads: int
    from_memory: bool
    same_bits: bool

    def speedup(self, over: str, of: str) -> float:
        """How many times faster one form is than another.

        Parameters
        ----------
        over, of : str
            Names of the slower and the faster form: the baseline and the form in question.

        Returns
        -------
        float
            Seconds of `over` divided by seconds of `of`.
        """
        return self.times[over].seconds / self.times[of].seconds

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types.

        Returns
        -------
        dict
        """
        times = {name: time.to_dict() for name, time in self.times.items()}
        return {**vars(self), "times": times}


def product_seconds(
    make: Callable[[], Matrix],
    tokens: int = 1,
    threads: int | None = 0,
    rounds: int = ROUNDS,
) -> ProductTime:
    """Measure one product ``[tokens, in] x [in, out]`` whose weight is read from memory.

    Parameters
    ----------
    make : callable
        Returns the matrix, with memory of its own at every call. Copies of a small matrix are
        multiplied in turn, so that none is still in a cache. The number of copies is limited; if
        they are too small for that, other memory is read between the rounds.
    tokens : int
        Number of vectors in one product.
    threads : int, optional
        None and 0 mean all cores.
    rounds : int
        Number of measurements, whose median counts; fewer, but at least three, if they would take
        longer than two seconds.

    Returns
    -------
    ProductTime

    Raises
    ------
    ValueError
        For arguments out of range.
    """
    compared = compare_products([Candidate("only", make)], tokens, threads, rounds)
    return compared.times["only"]


def compare_products(
    candidates: Sequence[Candidate],
    tokens: int = 1,
    threads: int | None = 0,
    rounds: int = ROUNDS,
    keep_bytes: int | None = None,
) -> Comparison:
    """Measure forms of one weight in turn, in one run, and compare their results bit for bit.

    Parameters
    ----------
    candidates : sequence of Candidate
        Forms with the same rows and columns.
    tokens, threads, rounds : int
        As for `product_seconds`.
    keep_bytes : int, optional
        Bytes to read before a copy is read again. None means four times the last-level cache, but
        at most half of the free memory.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        For no candidates, candidates of different shapes, and other arguments out of range.
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
    """At least one copy, and enough for `wanted` bytes, but at most `_MOST_COPIES`."""
    first = form.make()
    count = min(max(1, -(-wanted // first.nbytes)), _MOST_COPIES)
    return [first, *(form.make() for _ in range(count - 1))]


def _round_trip(ring: list[Matrix], x: npt.NDArray[np.float32], threads: int) -> Callable[[], None]:
    def multiply_all() -> None:
        for matrix in ring:
            matrix.multiply(x, threads)

    return multiply_all


def _time_of(timing: TaskTime, ring: list[Matrix]) -> ProductTime:
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
        raise ValueError(f"forms of one weight must have one shape, found {sorted(shapes)}")
    ((_, columns),) = shapes
    return np.random.default_rng(_SEED).standard_normal((tokens, columns), np.float32)


def _eviction(
    rings: dict[str, list[Matrix]], wanted: int, threads: int
) -> Callable[[], object] | None:
    """Reads enough other memory that no copy stays in a cache; None if the copies are enough."""
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
