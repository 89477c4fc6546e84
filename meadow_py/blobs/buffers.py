"""Buffers that callers pass, seen as arrays of bytes without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def flat(data: Any, what: str) -> Bytes:
    """The bytes of a buffer as a 1-D array.

    Raises
    ------
    TypeError
        If it is not a contiguous buffer, or is an array other than a 1-D array of bytes.
    """
    if isinstance(data, np.ndarray):
        if data.ndim != 1 or data.dtype.itemsize != 1 or not data.flags.c_contiguous:
            raise TypeError(_expected(data, what))
        return data.view(np.uint8)
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, BufferError) as error:
        raise TypeError(f"{what}: expected bytes in a row, found {type(data).__name__}") from error


def writable(out: Any) -> Bytes:
    """`out` as an array of bytes that can be written to.

    Raises
    ------
    TypeError
        As for `flat`.
    ValueError
        If it is read-only.
    """
    array = flat(out, "out")
    if not array.flags.writeable:
        raise ValueError("out: expected memory that may be written, found a read-only buffer")
    return array


def _expected(array: npt.NDArray[Any], what: str) -> str:
    kind = "an array" if array.flags.c_contiguous else "a non-contiguous array"
    return (
        f"{what}: expected a contiguous 1-D array of uint8, found {kind} of "
        f"{array.dtype} with shape {array.shape}; try .reshape(-1).view(numpy.uint8)"
    )
