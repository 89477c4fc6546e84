"""The list of runtime forms. Whoever needs to know which there are asks here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from meadow_py.forms import dense, float_planes, integers
from meadow_py.forms.dense import DENSE
from meadow_py.forms.float_planes import PACKED

if TYPE_CHECKING:
    from meadow_py._core import Matrix
    from meadow_py.forms.form import FloatWeight, Form

AUTO = "auto"  # packed, where that was not measured to be slower
_HALF = 2  # bytes

# Of forms of the same size the first is taken.
_FORMS: list[Form] = [*dense.FORMS, *float_planes.FORMS, *integers.FORMS]


def forms() -> tuple[Form, ...]:
    """All forms, in the order of the registry.

    Returns
    -------
    tuple of Form
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
        Only those that keep every bit, or only those that do not.

    Returns
    -------
    tuple of str
        ``auto`` first, which keeps every bit.
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
        If another form has its id, or it asks to be called ``auto``.
    """
    if any(known.id == form.id for known in _FORMS):
        raise ValueError(f"form {form.id!r} is registered already: expected an id of its own")
    if AUTO in form.requests:
        raise ValueError(f"form {form.id!r}: expected requests other than {AUTO!r}")
    _FORMS.append(form)


@contextmanager
def registered(form: Form) -> Iterator[None]:
    """A form that is known inside a ``with`` statement only.

    Parameters
    ----------
    form : Form
    """
    register(form)
    try:
        yield
    finally:
        _FORMS.remove(form)


def check_request(request: str) -> None:
    """A ValueError for what is none of `requests`."""
    if request != AUTO and not any(request in form.requests for form in _FORMS):
        raise ValueError(f"form={request!r}: expected one of {', '.join(requests())}")


def candidates(weight: FloatWeight, request: str) -> tuple[Form, ...]:
    """The forms that a request names and that hold a weight.

    Parameters
    ----------
    weight : FloatWeight
    request : str
        One of `requests`.

    Returns
    -------
    tuple of Form
        Nothing is made yet.

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
    """A weight in the smallest form that a request names.

    Parameters
    ----------
    weight : FloatWeight
    request : str
        One of `requests`. ``packed`` and ``auto`` give a dense matrix where no packed form holds
        the weight or would be smaller, and others where theirs does not hold it.
    in_place : bool
        Whether a dense matrix multiplies the memory of the weight, a mapped file perhaps, and keeps
        it; else it is copied. Other forms need the weight no longer.

    Returns
    -------
    Matrix

    Raises
    ------
    ValueError
        For an unknown request, and for a weight that the request's quantiser refuses.
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
