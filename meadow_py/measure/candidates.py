"""The forms in which a weight can be multiplied. All knowledge of the core's makers is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from meadow_py._core import Matrix

FLOATS = ("F32", "BF16", "F16")  # dtypes that the core multiplies
DENSE, PACKED = "dense", "packed"
_PATTERNS = {2: np.uint16, 4: np.uint32}  # as the core sees floats


@dataclass(frozen=True)
class Candidate:
    """One form of a weight.

    Attributes
    ----------
    name : str
        ``dense`` or ``packed``.
    make : callable
        Makes a matrix with memory of its own at every call: one more copy.
    """

    name: str
    make: Callable[[], Matrix]


def candidates_of(values: npt.NDArray[Any], dtype: str) -> tuple[Candidate, ...]:
    """The forms of a weight of floating-point numbers, ``dense`` first.

    Packed are weights whose values BF16 holds, bit for bit.

    Parameters
    ----------
    values : ndarray
        ``[out, in]``, C-contiguous, of 2 or 4 bytes an element.
    dtype : str
        F32, BF16 or F16.

    Returns
    -------
    tuple of Candidate
        Empty for a dtype that the core does not multiply.
    """
    from meadow_py import _core

    if dtype not in FLOATS or values.size == 0:
        return ()
    rows, columns = values.shape
    raw = values.reshape(-1).view(np.uint8)
    forms = [Candidate(DENSE, lambda: _core.dense_matrix(raw.copy(), dtype, rows, columns))]
    if _core.content_dtype(values.view(_PATTERNS[values.itemsize]), dtype) == "BF16":
        forms.append(Candidate(PACKED, lambda: _core.packed_matrix(raw, dtype, rows, columns)))
    return tuple(forms)
