"""A matrix of every form of the core."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from meadow_py import _core, forms
from meadow_py._core import Matrix
from meadow_py.forms import FloatWeight
from meadow_py.quantizers import quantize

ROWS, COLUMNS = 70, 1100  # more than one table, a strip of F16 and a tail of each unit


def values(rows: int = ROWS, columns: int = COLUMNS) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(3).standard_normal((rows, columns), np.float32)
    drawn[::7, ::11] *= 40  # so that there are escapes
    drawn[::9, ::13] *= 1e-4
    return 0.02 * drawn


def weight(dtype: str, rows: int = ROWS, columns: int = COLUMNS) -> FloatWeight:
    drawn = values(rows, columns).astype(forms.numpy_dtype(dtype))
    return FloatWeight.of(drawn)


def all_matrices(rows: int = ROWS, columns: int = COLUMNS) -> dict[str, Matrix]:
    """By a name; forms that take options stand there more than once."""
    dtypes = {"planes": "BF16", "F16 planes": "F16", "BF16": "BF16", "F16": "F16"}
    made = {}
    for form in forms.forms():
        of = weight(dtypes.get(form.id, "F32"), rows, columns)
        for request in form.requests:
            assert form.holds(of)
            made[f"{form.id} {request}"] = form.make(of, request)
    grouped = quantize(values(rows, columns), granularity="group:64")
    scales = grouped.scales.ravel()
    for packed in (False, True):
        for activations in ("int8", "none"):
            matrix = _core.integer_matrix(grouped.codes, scales, 64, packed, activations)
            made[f"{matrix.form} groups {activations}"] = matrix
    int4 = quantize(values(rows, columns), bits=4, granularity="row")
    made["INT8 of INT4"] = _core.integer_matrix(int4.codes, int4.scales.ravel(), columns, False)
    return made


def products(matrix: Matrix, tokens: int) -> npt.NDArray[np.uint32]:
    x = np.random.default_rng(tokens).standard_normal((tokens, matrix.columns), np.float32)
    return matrix.multiply(x).view(np.uint32)


def unit_bytes(matrix: Matrix) -> bytes:
    return b"".join(products(matrix, tokens).tobytes() for tokens in (1, 3, 35))
