"""Checks of arguments that many functions take."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_THREADS = 1024


def check_threads(threads: int | None) -> int:
    """Return `threads` as an int, if it is a number of threads; None and 0 mean all cores.

    Returns
    -------
    int
        From 0 to 1024; 0 stands for all cores that the process may use.

    Raises
    ------
    ValueError
        If it is neither None nor an integer from 0 to 1024.
    """
    if threads is None:
        return 0
    whole = isinstance(threads, int | np.integer) and not isinstance(threads, bool)
    if not whole or not 0 <= threads <= MAX_THREADS:
        raise ValueError(
            f"threads={reprlib.repr(threads)}: expected 1 to {MAX_THREADS}, or 0 for all cores"
        )
    return int(threads)


def check_flag(flag: bool, name: str) -> bool:
    """Return `flag` as a bool; a value that merely counts as one, such as ``"no"``, is refused.

    Raises
    ------
    TypeError
        If it is no bool.
    """
    if not isinstance(flag, bool | np.bool_):
        raise TypeError(f"{name}={reprlib.repr(flag)}: expected True or False")
    return bool(flag)


def check_matrix(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return `array`, if it is a 2-D numpy array with at least one value.

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
