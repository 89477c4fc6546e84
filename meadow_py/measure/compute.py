"""How fast this host computes: products of the core with everything in cache, and copies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.checks import check_threads
from meadow_py.measure.bandwidth import beyond_cache_bytes
from meadow_py.measure.memory import anonymous
from meadow_py.measure.timing import in_turn

if TYPE_CHECKING:
    from meadow_py._core import Matrix

# The weights take 256 KiB in F32 or less, which fits the second-level cache of a core. There are
# enough tokens that conversions and the start of a product cost little in comparison.
_ROWS, _COLUMNS, _TOKENS = 128, 512, 64
_REPEAT = 8


@dataclass(frozen=True)
class ComputeSpeed:
    """Peak speed of the core's own products, and of copying memory.

    Attributes
    ----------
    f32_operations_per_second, bf16_operations_per_second : float
        Multiplications and additions per second in products of F32 or BF16 weights with F32
        activations; a fused multiply-add counts as two.
    copy_bytes_per_second : float
        Bytes read plus bytes written, by copies much larger than the last-level cache.
    threads : int
        Number of threads; 0 means one per core.
    isa : str
        Instruction set that the core used.
    """

    f32_operations_per_second: float
    bf16_operations_per_second: float
    copy_bytes_per_second: float
    threads: int
    isa: str

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types.

        Returns
        -------
        dict
        """
        return dict(vars(self))


def compute_speed(threads: int | None = 0) -> ComputeSpeed:
    """Measure how fast the core multiplies matrices in cache, and how fast memory is copied.

    Parameters
    ----------
    threads : int, optional
        None and 0 mean all cores.

    Returns
    -------
    ComputeSpeed
    """
    from meadow_py import _core

    used = check_threads(threads)
    tasks = {dtype: _product(dtype, used) for dtype in ("F32", "BF16")}
    timings = in_turn(tasks)
    operations = 2 * _REPEAT * _ROWS * _COLUMNS * _TOKENS * _width(used)
    return ComputeSpeed(
        f32_operations_per_second=operations / timings["F32"].seconds,
        bf16_operations_per_second=operations / timings["BF16"].seconds,
        copy_bytes_per_second=_copy_speed(used),
        threads=used,
        isa=_core.isa_active(),
    )


def int8_operations_per_second(threads: int | None = 0) -> float:
    """Measure products of INT8 weights and activations in cache.

    Parameters
    ----------
    threads : int, optional
        None and 0 mean all cores.

    Returns
    -------
    float
        Multiplications and additions per second, as in `ComputeSpeed`. The time includes rounding
        the activations to 8 bits, which each product does.
    """
    from meadow_py import _core

    used = check_threads(threads)
    random, rows = np.random.default_rng(1), _ROWS * _width(used)
    codes = random.integers(-127, 128, (rows, _COLUMNS), np.int8)
    scales = np.full(rows, 1 / 127, np.float32)
    matrix = _core.integer_matrix(codes, scales, _COLUMNS, packed=False, threads=used)
    timing = in_turn({"INT8": _multiply(matrix, random, used)})["INT8"]
    return 2 * _REPEAT * rows * _COLUMNS * _TOKENS / timing.seconds


def _width(threads: int) -> int:
    from meadow_py import _core

    return threads or _core.hardware_threads()


def _product(dtype: str, threads: int) -> Callable[[], None]:
    from meadow_py import _core

    random, rows = np.random.default_rng(1), _ROWS * _width(threads)  # some for each thread
    weights = random.standard_normal((rows, _COLUMNS), np.float32)
    bits = weights.view(np.uint32) if dtype == "F32" else (weights.view(np.uint32) >> 16)
    stored = bits if dtype == "F32" else bits.astype(np.uint16)
    matrix = _core.dense_matrix(stored.reshape(-1).view(np.uint8), dtype, rows, _COLUMNS)
    return _multiply(matrix, random, threads)


def _multiply(matrix: Matrix, random: np.random.Generator, threads: int) -> Callable[[], None]:
    x = random.standard_normal((_TOKENS, _COLUMNS), np.float32)

    def multiply() -> None:
        for _ in range(_REPEAT):
            matrix.multiply(x, threads)

    return multiply


def _copy_speed(threads: int) -> float:
    """Copies one share on each thread; numpy copies without the GIL."""
    parts, nbytes = _width(threads), beyond_cache_bytes() // 2
    source, target = anonymous(nbytes, "huge"), anonymous(nbytes, "huge")
    shares = list(zip(np.array_split(target, parts), np.array_split(source, parts), strict=True))
    with ThreadPoolExecutor(parts, "meadow") as pool:
        timing = in_turn({"copy": lambda: list(pool.map(lambda pair: np.copyto(*pair), shares))})
    return 2 * nbytes / timing["copy"].seconds
