"""Integers of 2 to 8 bits, with one scale per weight, row or group of inputs."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import ml_dtypes
import numpy as np
import numpy.typing as npt

from meadow_py.checks import check_flag, check_matrix, check_threads
from meadow_py.quantizers.quantizer import Quantized, Quantizer, snr_db

MIN_BITS, MAX_BITS = 2, 8
MAX_GROUP = 2**31 - 1  # longer than any row
SCALE_BITS = 32  # a scale is stored as F32
ZERO_POINT_BITS = 8  # a zero point is itself a code of up to 8 bits

# Both are passed to the core as bit patterns, because numpy itself has no BF16.
_BIT_PATTERNS = {np.dtype(ml_dtypes.bfloat16): "BF16", np.dtype(np.float16): "F16"}
_PLAIN = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64"}
_WIDENED = frozenset(
    np.dtype(getattr(ml_dtypes, name))
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
)


@dataclass(frozen=True)
class Granularity:
    """Which numbers of a weight share a scale.

    Attributes
    ----------
    kind : {"tensor", "row", "group"}
        The whole weight, an output channel, or `group` neighbouring inputs of a row.
    group : int
        Inputs per scale for kind ``"group"``, 0 for the others. The last group of a row may be
        shorter.

    Raises
    ------
    ValueError
        For another kind, or a group that is out of range or does not match the kind.
    """

    kind: Literal["tensor", "row", "group"]
    group: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("tensor", "row", "group"):
            raise ValueError(f"granularity kind {self.kind!r}: expected tensor, row or group")
        if (self.kind == "group") != (self.group > 0):
            raise ValueError(f"granularity {self.kind} does not take a group of {self.group}")
        if self.group > MAX_GROUP:
            raise ValueError(
                f"granularity group: expected 1 to {MAX_GROUP} inputs per scale, found {self.group}"
            )

    @classmethod
    def parse(cls, spelling: str | Granularity) -> Granularity:
        """From its spelling: ``tensor``, ``row`` or ``group:128``.

        Parameters
        ----------
        spelling : str or Granularity
            A granularity is returned as it is.

        Returns
        -------
        Granularity

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
        """Number of inputs of a row that share a scale, in a weight with `inputs` inputs."""
        return self.group if self.kind == "group" else inputs

    def __str__(self) -> str:
        return f"group:{self.group}" if self.kind == "group" else self.kind


@dataclass(frozen=True, eq=False)
class QuantizedIntegers(Quantized):
    """A weight ``[out, in]`` of integer codes.

    Attributes
    ----------
    codes : ndarray of int8 (symmetric) or uint8, shape (out, in)
    scales : ndarray of float32, shape (1, 1), (out, 1) or (out, ceil(in / group))
        The scale of all-zero values is 1.
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
    def alphabet(self) -> int:
        """``2**bits``."""
        return int(2**self.bits)

    @property
    def scale_bits(self) -> int:
        """Stored size of all scales, in bits."""
        return self.scales.size * SCALE_BITS

    @property
    def zero_point_bits(self) -> int:
        """Stored size of all zero points, in bits."""
        return 0 if self.zero_points is None else self.zero_points.size * ZERO_POINT_BITS

    def dequantize(self, threads: int = 0) -> npt.NDArray[np.float32]:
        """The values that the codes stand for: ``(code - zero point) * scale``.

        Parameters
        ----------
        threads : int
            0 means all cores. The result does not depend on it.

        Returns
        -------
        ndarray of float32, shape (out, in)
        """
        from meadow_py import _core

        group = self.granularity.per_scale(self.shape[1])
        used = check_threads(threads)
        return _core.dequantize(self.codes, self.scales, self.zero_points, group, used)


class Integers(Quantizer):
    """Integer codes, rounded half to even; see `quantize`.

    The key is ``intB[:GRANULARITY][:asym]``: ``int8:row``, ``int4:group:128:asym``; ``int8`` is
    short for ``int8:tensor``.

    Parameters
    ----------
    bits : int
        2 to 8.
    granularity : str or Granularity
        ``"tensor"``, ``"row"`` or ``"group:N"``.
    symmetric : bool
        True gives codes around zero; False adds zero points.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If `bits` is not an integer, or `symmetric` is not a bool.
    """

    spelling = "intB[:tensor|:row|:group:N][:asym] with B from 2 to 8"

    def __init__(
        self,
        bits: int = 8,
        granularity: str | Granularity = "tensor",
        symmetric: bool = True,
    ) -> None:
        width, scope = check_bits(bits), Granularity.parse(granularity)
        around_zero = check_flag(symmetric, "symmetric")
        name, shared = f"INT{width}", "tensor" if scope.kind == "tensor" else "row"
        if scope.kind == "group":
            shared = f"{scope.group} inputs of a row"
        super().__init__(
            key=integers_key(width, str(scope), around_zero),
            title=f"{name}{'' if around_zero else ' with zero points'}, one scale per {shared}",
            short_title=f"{name} {scope}{'' if around_zero else ' asym'}",
            alphabet=2**width,
            granularity=str(scope),
            symmetric=around_zero,
        )

    @classmethod
    def parse(cls, key: str) -> Integers | None:
        """See `Quantizer.parse`."""
        name, *parts = key.split(":")
        digits = name.removeprefix("int")
        if digits == name or not (digits.isascii() and digits.isdigit()) or len(digits) > 2:
            return None
        symmetric = parts[-1:] != ["asym"]
        parts = parts if symmetric else parts[:-1]
        return cls(int(digits), ":".join(parts) if parts else "tensor", symmetric)

    def quantize(
        self, array: npt.NDArray[Any], name: str = "weight", threads: int = 0
    ) -> QuantizedIntegers:
        """See `Quantizer.quantize`."""
        scope = Granularity.parse(self.granularity or "")
        return quantize(array, self.bits, bool(self.symmetric), scope, name, threads)

    def side_bits(self, shape: tuple[int, int]) -> int:
        """Bits of all scales (32 each) and, if asymmetric, of all zero points (8 each)."""
        scope = Granularity.parse(self.granularity or "")
        rows = 1 if scope.kind == "tensor" else shape[0]
        scales = rows * (-(-shape[1] // scope.group) if scope.kind == "group" else 1)
        return scales * (SCALE_BITS + (0 if self.symmetric else ZERO_POINT_BITS))


def integers_key(bits: int, granularity: str, symmetric: bool) -> str:
    """The key of `Integers`. Whether such integers exist is not checked."""
    return f"int{bits}:{granularity}{'' if symmetric else ':asym'}"


def product_keys(
    bits: Iterable[int], granularity: Iterable[str], symmetric: bool
) -> tuple[str, ...]:
    """Keys of integers for every pair of bits and granularity; bits are the outer loop."""
    scopes = tuple(granularity)
    return tuple(integers_key(width, scope, symmetric) for width in bits for scope in scopes)


def quantize(
    array: npt.NDArray[Any],
    bits: int = 8,
    symmetric: bool = True,
    granularity: str | Granularity = "tensor",
    name: str = "weight",
    threads: int = 0,
) -> QuantizedIntegers:
    """Quantise an ``[out, in]`` weight to integers, rounding half to even.

    Symmetric codes run from ``-(2**(bits-1) - 1)`` to ``2**(bits-1) - 1`` (INT8: -127 to 127).
    Asymmetric codes run from 0 to ``2**bits - 1`` and have a zero point. Zero is always
    representable.

    Parameters
    ----------
    array : ndarray, shape (out, in)
        Real floating-point numbers of any byte order and memory layout: float64, float32,
        float16, and bfloat16 or float8 of ml_dtypes (float8 is widened to float32 first).
    bits : int
        Bits per code, 2 to 8.
    symmetric : bool
        True gives codes around zero; False adds zero points.
    granularity : str or Granularity
        ``"tensor"``, ``"row"`` or ``"group:N"``.
    name : str
        Name of the weight in error messages.
    threads : int
        0 means all cores. The result does not depend on it.

    Returns
    -------
    QuantizedIntegers

    Raises
    ------
    ValueError
        If the weight is not 2-D, is empty, or holds NaN or infinity (the first is named), or an
        argument is out of its range.
    TypeError
        If `array` is not an array of real floating-point numbers, `bits` is not an integer, or
        `symmetric` is not a bool.
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
    return QuantizedIntegers(codes, scales, zero_points, width, scope, around_zero, ratio)


def check_bits(bits: int) -> int:
    """`bits` as an int, if codes can be that wide.

    Raises
    ------
    ValueError
        If they are not 2 to 8.
    TypeError
        If they are not an integer.
    """
    if isinstance(bits, bool) or not isinstance(bits, int | np.integer):
        raise TypeError(f"bits must be an integer, not {type(bits).__name__}: {bits!r}")
    if not MIN_BITS <= bits <= MAX_BITS:
        raise ValueError(f"bits={bits}: expected {MIN_BITS} to {MAX_BITS}")
    return int(bits)


def _core_operand(matrix: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], str]:
    """The values as the core takes them, and their dtype; a view where possible."""
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
    """The array in native byte order and row by row; itself if it is already."""
    return np.require(matrix, matrix.dtype.newbyteorder("="), ["C", "A"])
