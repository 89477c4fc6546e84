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
PLANES, F16_PLANES = "planes", "F16 planes"  # what `_core.Matrix.form` says of packed floats
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


@dataclass(frozen=True)
class PackedForm:
    """The packed form that holds a weight bit for bit.

    Attributes
    ----------
    form : str
        As `_core.Matrix.form`.
    make : callable
        Makes a matrix with memory of its own.
    """

    form: str
    make: Callable[[], Matrix]


def packed_form_of(values: npt.NDArray[Any], dtype: str) -> PackedForm | None:
    """The smallest packed form of a weight of floating-point numbers; None where there is none.

    That is one for values that BF16 holds, and one for finite values that F16 holds.

    Parameters
    ----------
    values : ndarray
        ``[out, in]``, C-contiguous, of 2 or 4 bytes an element.
    dtype : str
        F32, BF16 or F16.

    Returns
    -------
    PackedForm or None
        Whether it is smaller than the dense weight, only the made matrix tells.
    """
    from meadow_py import _core

    rows, columns = values.shape
    content = _core.content_dtype(values.view(_PATTERNS[values.itemsize]), dtype)
    raw = values.reshape(-1).view(np.uint8)
    if content == "BF16":
        return PackedForm(PLANES, lambda: _core.packed_matrix(raw, dtype, rows, columns))
    if content != "F16":
        return None
    halves = raw.view(np.float16) if dtype == "F16" else values.reshape(-1).astype(np.float16)
    if not _are_finite(halves.view(np.uint16)):
        return None
    coded = halves.view(np.uint8)
    return PackedForm(F16_PLANES, lambda: _core.packed_f16_matrix(coded, rows, columns))


def _are_finite(halves: npt.NDArray[np.uint16]) -> bool:
    step = 1 << 20  # so that what `&` makes stays small
    starts = range(0, halves.size, step)
    return all(int((halves[at : at + step] & 0x7FFF).max()) < 0x7C00 for at in starts)


def candidates_of(values: npt.NDArray[Any], dtype: str) -> tuple[Candidate, ...]:
    """The forms of a weight of floating-point numbers, ``dense`` first.

    Packed are weights whose values BF16 holds, or F16 if all of them are finite, bit for bit.

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
    packed = packed_form_of(values, dtype)
    if packed is not None:
        forms.append(Candidate(PACKED, packed.make))
    return tuple(forms)
