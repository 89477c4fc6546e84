"""Runtime forms: how weights are kept for multiplying, how each form is made, and its parts."""

from __future__ import annotations

from meadow_py.forms.floats import DENSE, PACKED
from meadow_py.forms.form import FLOATS, FloatWeight, Form, float_dtype, numpy_dtype
from meadow_py.forms.parts import MatrixParts, decoded, matrix_of, parts_of
from meadow_py.forms.registry import (
    AUTO,
    candidates,
    check_request,
    form_of,
    forms,
    make,
    register,
    registered,
    requests,
)

__all__ = [
    "AUTO",
    "DENSE",
    "FLOATS",
    "PACKED",
    "FloatWeight",
    "Form",
    "MatrixParts",
    "candidates",
    "check_request",
    "decoded",
    "float_dtype",
    "form_of",
    "forms",
    "make",
    "matrix_of",
    "numpy_dtype",
    "parts_of",
    "register",
    "registered",
    "requests",
]
