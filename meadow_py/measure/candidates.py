"""The lossless forms of a weight, as input for comparisons of products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from meadow_py import forms
from meadow_py.forms import AUTO, FLOATS, FloatWeight, Form

if TYPE_CHECKING:
    import numpy.typing as npt

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
