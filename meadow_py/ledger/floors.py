"""Floors: the order-0 entropy of a named alphabet, per weight (Shannon, 1948)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from meadow_py._core import Chunks


def symbol_counts(codes: npt.NDArray[Any], bits: int, threads: int = 0) -> npt.NDArray[np.uint64]:
    """How often each code occurs.

    Parameters
    ----------
    codes : ndarray, shape (out, in)
        Integers of 8 or 16 bits; of signed ones the low `bits` bits count.
    bits : int
        Bits per code, at most 16.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    ndarray of uint64, shape (2**bits,)
        Occurrences of each bit pattern.
    """
    from meadow_py import _core

    return _core.symbol_counts(codes, bits, threads)


def symbol_floor(counts: npt.NDArray[np.uint64]) -> float:
    """Entropy of single codes.

    Parameters
    ----------
    counts : ndarray
        Occurrences of every code, as `symbol_counts` returns them.

    Returns
    -------
    float
        Bits per weight.
    """
    from meadow_py import _core

    return _core.entropy(counts)


def chunk_floor(chunks: Chunks, count: int) -> float:
    """Entropy of whole chunks.

    With few chunks per distinct chunk this flatters, because the dictionary is not counted.

    Parameters
    ----------
    chunks : Chunks
        The chunks of a matrix: ``CodeMatrix(...).chunks``.
    count : int
        Number of weights in the matrix.

    Returns
    -------
    float
        Bits per weight.
    """
    return chunks.entropy() * chunks.count / count


def index_only(chunks: Chunks, count: int) -> float:
    """Size of fixed-width indices alone; the dictionary is not counted.

    Parameters
    ----------
    chunks : Chunks
        The chunks of a matrix: ``CodeMatrix(...).chunks``.
    count : int
        Number of weights in the matrix.

    Returns
    -------
    float
        Bits per weight.
    """
    return (chunks.unique - 1).bit_length() * chunks.count / count


def fields_floor(values: npt.NDArray[Any], dtype: str, threads: int = 0) -> float | None:
    """Entropy of stored floats whose sign, exponent and mantissa are coded separately.

    The mantissa of F32 is coded in slices of 7, 8 and 8 bits.

    Parameters
    ----------
    values : ndarray
        The stored values; 16-bit and 8-bit floats may be bit patterns.
    dtype : str
        Their dtype, such as ``"BF16"``.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    float or None
        Bits per weight. None for a dtype whose fields are not counted here: F64, F8 formats other
        than F8_E4M3 and F8_E5M2, blocks of GGUF.
    """
    from meadow_py import _core

    pattern = _FIELD_PATTERNS.get(dtype)
    if pattern is None:
        return None
    counts = _core.field_counts(values.view(pattern), dtype, threads)
    return sum(_core.entropy(table) for table in counts)


def joint_floor(
    values: npt.NDArray[Any], dtype: str, content_dtype: str, threads: int = 0
) -> float | None:
    """Entropy of whole stored values of up to 16 bits.

    F32 values that hold nothing more than 16-bit values are counted as those.

    Parameters
    ----------
    values : ndarray
        The stored values; 16-bit and 8-bit floats may be bit patterns.
    dtype, content_dtype : str
        Their dtype, and the narrowest dtype that holds every one of them.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    float or None
        Bits per weight. None for values that need more than 16 bits: a table of 2**32 values says
        nothing about a weight that has fewer.
    """
    from meadow_py import _core

    narrow = _narrowed(values, dtype, content_dtype)
    if narrow is None:
        return None
    return _core.entropy(_core.symbol_counts(narrow, narrow.dtype.itemsize * 8, threads))


_FIELD_PATTERNS = {
    "F32": np.uint32,
    "F16": np.uint16,
    "BF16": np.uint16,
    "F8_E4M3": np.uint8,
    "F8_E5M2": np.uint8,
}


def _narrowed(values: npt.NDArray[Any], dtype: str, content_dtype: str) -> npt.NDArray[Any] | None:
    """The values one to one as bit patterns of 8 or 16 bits; None if they need more."""
    if dtype in ("F16", "BF16"):
        return values.view(np.uint16)
    if dtype.startswith("F8_"):
        return values.view(np.uint8)
    if dtype == "F32" and content_dtype == "BF16":
        high = 1 if sys.byteorder == "little" else 0  # BF16 is the more significant half
        return np.ascontiguousarray(values.view(np.uint16)[:, high::2])
    if dtype == "F32" and content_dtype == "F16":
        return values.astype(np.float16).view(np.uint16)
    return None
