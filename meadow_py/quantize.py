"""Integer quantisation of a weight, and what it costs: the signal-to-noise ratio."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from typing import Any, Literal

import ml_dtypes
import numpy as np
import numpy.typing as npt

MIN_BITS, MAX_BITS = 2, 8
MAX_GROUP = 2**31 - 1  # longer than any row
MAX_THREADS = 1024
SCALE_BITS = 32  # a scale is stored as F32
ZERO_POINT_BITS = 8  # a zero point is itself a code of up to 8 bits

# Both go to the core as bit patterns, because numpy itself has no BF16.
_BIT_PATTERNS = {np.dtype(ml_dtypes.bfloat16): "BF16", np.dtype(np.float16): "F16"}
_PLAIN = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64"}
_WIDENED = frozenset(
    np.dtype(getattr(ml_dtypes, name))
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
)


@dataclass(frozen=True)
class Granularity:
    """What shares one quantisation scale.

    Attributes
    ----------
    kind : {"tensor", "row", "group"}
        The whole weight, an output channel, or `group` neighbouring inputs of a row.
    group : int
        Inputs per scale of kind ``"group"``, 0 otherwise. The last group of a row may be short.
    """

    kind: Literal["tensor", "row", "group"]
    group: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("tensor", "row", "group"):
            raise ValueError(f"granularity kind {self.kind!r}: expected tensor, row or group")
        if (self.kind == "group") != (self.group > 0):
            raise ValueError(f"granularity {self.kind} does not take a group of {self.group}")
        if self.group > MAX_GROUP:
            raise ValueError(f"granularity group: expected 1 to {MAX_GROUP} inputs per scale")

    @classmethod
    def parse(cls, spelling: str | Granularity) -> Granularity:
        """From its spelling: ``tensor``, ``row`` or ``group:128``.

        Raises
        ------
        ValueError
            For any other spelling.
        """
        if isinstance(spelling, Granularity):
            return spelling
        if spelling == "tensor":
            return cls("tensor")
        if spelling == "row":
            return cls("row")
        kind, _, size = str(spelling).partition(":")
        digits = size.lstrip("0") if size.isascii() and size.isdigit() else ""
        if kind == "group" and 0 < len(digits) <= len(str(MAX_GROUP)) and int(digits) <= MAX_GROUP:
            return cls("group", int(digits))
        raise ValueError(
            f"granularity {reprlib.repr(spelling)}: expected tensor, row, or group:N with N inputs "
            f"per scale, 1 to {MAX_GROUP}, such as group:128"
        )

    def per_scale(self, inputs: int) -> int:
        """How many inputs of a row share a scale, in a weight with `inputs` of them."""
        return self.group if self.kind == "group" else inputs

    def __str__(self) -> str:
        return f"group:{self.group}" if self.kind == "group" else self.kind


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantised ``[out, in]`` weight.

    Attributes
    ----------
    codes : ndarray of int8 (symmetric) or uint8, shape (out, in)
    scales : ndarray of float32, shape (1, 1), (out, 1) or (out, ceil(in / group))
        1 for an all-zero group.
    zero_points : ndarray of int32, shape of `scales`, or None if symmetric
    bits : int
        Bits per code, 2 to 8.
    granularity : Granularity
    symmetric : bool
    snr_db : float or None
        ``10 log10(sum w^2 / sum (w - w_hat)^2)`` in decibels; infinite if nothing is lost, None
        for an all-zero weight, which has no signal.
    """

    codes: npt.NDArray[Any]
    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int32] | None
    bits: int
    granularity: Granularity
    symmetric: bool
    snr_db: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """``(out, in)``."""
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def scale_bits(self) -> int:
        """Stored size of all scales, in bits."""
        return self.scales.size * SCALE_BITS

    @property
    def zero_point_bits(self) -> int:
        """Stored size of all zero points, in bits."""
        return 0 if self.zero_points is None else self.zero_points.size * ZERO_POINT_BITS

    @property
    def nbytes(self) -> int:
        """Bytes of the dense form: codes at `bits` each, scales and zero points."""
        bits = self.codes.size * self.bits + self.scale_bits + self.zero_point_bits
        return -(-bits // 8)

    def dequantize(self, threads: int = 0) -> npt.NDArray[np.float32]:
        """``(code - zero point) * scale`` in float32, shape (out, in)."""
        from meadow_py import _core

        group = self.granularity.per_scale(self.shape[1])
        used = check_threads(threads)
        return _core.dequantize(self.codes, self.scales, self.zero_points, group, used)


def quantize(
    array: npt.NDArray[Any],
    bits: int = 8,
    symmetric: bool = True,
    granularity: str | Granularity = "tensor",
    name: str = "weight",
    threads: int = 0,
) -> Quantized:
    """Quantise an ``[out, in]`` weight to integers, rounding half to even.

    Symmetric codes run from ``-(2**(bits-1) - 1)`` to ``2**(bits-1) - 1`` (INT8: -127 to 127),
    asymmetric ones from 0 to ``2**bits - 1`` with a zero point, and zero is always representable.

    Parameters
    ----------
    array : ndarray, shape (out, in)
        Real floating-point numbers of any byte order and memory layout: float64, float32,
        float16, and bfloat16 or float8 of ml_dtypes (float8 is widened to float32 first).
    bits : int
        2 to 8.
    granularity : str or Granularity
        ``"tensor"``, ``"row"`` or ``"group:N"``.
    name : str
        What messages call the weight.
    threads : int
        0 means all cores. The result does not depend on it.

    Raises
    ------
    ValueError
        If the weight is not 2-D, is empty, or holds NaN or infinity (the first is named), or an
        argument is out of its range.
    TypeError
        If `array` is no array of real floating-point numbers, or `symmetric` no bool.
    """
    from meadow_py import _core

    width, scope = check_bits(bits), Granularity.parse(granularity)
    around_zero, threads = check_flag(symmetric, "symmetric"), check_threads(threads)
    matrix = check_matrix(array, name)
    values, dtype = _core_operand(matrix, name)
    codes, scales, zero_points, signal, noise = _core.quantize(
        values, dtype, width, around_zero, scope.kind, scope.group, name, threads
    )
    ratio = snr_db(signal, noise)
    return Quantized(codes, scales, zero_points, width, scope, around_zero, ratio)


def snr_db(signal: float, noise: float) -> float | None:
    """Decibels from the sums of squares of weights and errors; None without a signal."""
    if signal == 0:
        return None
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)


def check_bits(bits: int) -> int:
    """`bits`, if codes can be that wide.

    Raises
    ------
    ValueError
        If it is not 2 to 8.
    TypeError
        If it is not an integer.
    """
    if isinstance(bits, bool) or not isinstance(bits, int | np.integer):
        raise TypeError(f"bits are an integer, not {type(bits).__name__}: {bits!r}")
    if not MIN_BITS <= bits <= MAX_BITS:
        raise ValueError(f"bits={bits}: expected {MIN_BITS} to {MAX_BITS}")
    return int(bits)


def check_threads(threads: int) -> int:
    """`threads`, if it is a number of threads; 0 means all cores.

    Raises
    ------
    ValueError
        If it is not 0 to 1024, or no integer.
    """
    whole = isinstance(threads, int | np.integer) and not isinstance(threads, bool)
    if not whole or not 0 <= threads <= MAX_THREADS:
        raise ValueError(
            f"threads={reprlib.repr(threads)}: expected 1 to {MAX_THREADS}, or 0 for all cores"
        )
    return int(threads)


def check_flag(flag: bool, name: str) -> bool:
    """`flag`, if it is True or False and nothing that only counts as one, such as ``"no"``.

    Raises
    ------
    TypeError
        If it is no bool.
    """
    if not isinstance(flag, bool | np.bool_):
        raise TypeError(f"{name}={reprlib.repr(flag)}: expected True or False")
    return bool(flag)


def check_matrix(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """`array`, if it is a 2-D numpy array that holds something.

    Raises
    ------
    ValueError
        If it is not 2-D or is empty.
    TypeError
        If it is no numpy array, or a masked one.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}: expected a numpy array [out, in]")
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: fill it first, as with .filled(0)")
    if array.ndim != 2:
        raise ValueError(
            f"{name} has {array.ndim} dimensions, shape {array.shape}: expected a matrix "
            "[out, in]; use array.reshape(out, -1) to make it one"
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: expected at least one value")
    return array


def _core_operand(matrix: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], str]:
    """The values as the core takes them, and their dtype; a view wherever that is possible."""
    native = matrix.dtype.newbyteorder("=")
    if native in _BIT_PATTERNS:
        return _contiguous(matrix).view(np.uint16), _BIT_PATTERNS[native]
    if native in _PLAIN:
        return _contiguous(matrix), _PLAIN[native]
    if native in _WIDENED:
        return _contiguous(matrix).astype(np.float32), "F32"
    advice = "integers are codes already" if matrix.dtype.kind in "iub" else "convert it first"
    raise TypeError(
        f"{name} has dtype {matrix.dtype}: expected float64, float32, float16, bfloat16 or "
        f"float8 ({advice})"
    )


def _contiguous(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Native byte order, row by row; the array itself if it is so already."""
    return np.require(matrix, matrix.dtype.newbyteorder("="), ["C", "A"])
