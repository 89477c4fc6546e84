"""The list of runtime forms, the only place that knows which there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from meadow_py.forms import floats, integers
from meadow_py.forms.floats import DENSE, PACKED

if TYPE_CHECKING:
    from meadow_py._core import Matrix
    from meadow_py.forms.form import FloatWeight, Form

AUTO = "auto"  # packed, except where that was measured to be slower
_HALF = 2  # bytes

# Among forms of the same size, the first is chosen.
_FORMS: list[Form] = [*floats.FORMS, *integers.FORMS]


def forms() -> tuple[Form, ...]:
    """All forms that are known.

    Returns
    -------
    tuple of Form
        In the order in which they were registered.
    """
    return tuple(_FORMS)


def form_of(name: str) -> Form:
    """The form that ``Matrix.form`` names.

    Parameters
    ----------
    name : str
        Its id, such as ``BF16`` or ``INT8 planes``.

    Returns
    -------
    Form

    Raises
    ------
    ValueError
        For an unknown form.
    """
    found = next((form for form in _FORMS if form.id == name), None)
    if found is None:
        known = ", ".join(form.id for form in _FORMS)
        raise ValueError(f"form {name!r}: expected one of {known}")
    return found


def requests(lossless: bool | None = None) -> tuple[str, ...]:
    """The values that ``form=`` and ``--form`` take.

    Parameters
    ----------
    lossless : bool, optional
        True: only lossless forms. False: only the others. None: all.

    Returns
    -------
    tuple of str
        ``auto``, which is lossless, comes first.
    """
    asked = [form for form in _FORMS if lossless in (None, form.is_lossless)]
    first = () if lossless is False else (AUTO,)
    return (*first, *dict.fromkeys(request for form in asked for request in form.requests))


def register(form: Form) -> None:
    """Add a form for the rest of the process.

    Parameters
    ----------
    form : Form

    Raises
    ------
    ValueError
        If another form has the same id, or if ``auto`` is among its requests.
    """
    if any(known.id == form.id for known in _FORMS):
        raise ValueError(f"form {form.id!r} is registered already: expected an id of its own")
    if AUTO in form.requests:
        raise ValueError(f"form {form.id!r}: expected requests other than {AUTO!r}")
    _FORMS.append(form)


@contextmanager
def registered(form: Form) -> Iterator[None]:
    """Context manager: add a form for the duration of a ``with`` statement.

    Parameters
    ----------
    form : Form

    Raises
    ------
    ValueError
        As for `register`.
    """
    register(form)
    try:
        yield
    finally:
        _FORMS.remove(form)


def check_request(request: str) -> None:
    """Raise ValueError unless `request` is one of `requests`."""
    if request != AUTO and not any(request in form.requests for form in _FORMS):
        raise ValueError(f"form={request!r}: expected one of {', '.join(requests())}")


def candidates(weight: FloatWeight, request: str) -> tuple[Form, ...]:
    """The forms that a request names and that can hold a weight.

    Parameters
    ----------
    weight : FloatWeight
    request : str
        One of `requests`.

    Returns
    -------
    tuple of Form
        No matrix is made.

    Raises
    ------
    ValueError
        For an unknown request.
    """
    check_request(request)
    wanted = PACKED if request == AUTO else request
    return tuple(
        form
        for form in _FORMS
        if wanted in form.requests
        and weight.dtype in form.dtypes
        and not (request == AUTO and _is_slower(form, weight))
        and form.holds(weight)
    )


def make(weight: FloatWeight, request: str = AUTO, in_place: bool = True) -> Matrix:
    """Make a matrix of a weight in the smallest form that a request names.

    Parameters
    ----------
    weight : FloatWeight
    request : str
        One of `requests`. The matrix is dense if no form of the request can hold the weight or,
        for ``packed`` and ``auto``, if none would be smaller than the weight.
    in_place : bool
        Whether a dense matrix uses the memory of the weight (perhaps a mapped file) and keeps it
        alive. Otherwise the memory is copied. Other forms never refer to the weight.

    Returns
    -------
    Matrix

    Raises
    ------
    ValueError
        For an unknown request, and for a weight that the quantiser of the request refuses.
    """
    wanted = PACKED if request == AUTO else request
    made = [_made(form, weight, wanted, in_place) for form in candidates(weight, request)]
    if made:
        smallest = min(made, key=lambda matrix: matrix.nbytes)
        if wanted != PACKED or smallest.nbytes < weight.values.nbytes:
            return smallest
    return _made(form_of(weight.dtype), weight, DENSE, in_place)


def _made(form: Form, weight: FloatWeight, request: str, in_place: bool) -> Matrix:
    keeps = form.keeps_values and not in_place
    return form.make(weight.copied() if keeps else weight, request)


def _is_slower(form: Form, weight: FloatWeight) -> bool:
    from meadow_py import _core

    return weight.values.itemsize == _HALF and _core.isa_active() in form.slower_than_dense
