"""A form in one file: the values of a weight as indices into a table of those that occur."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from meadow_py import forms
from meadow_py._core import Matrix
from meadow_py.forms import FloatWeight, Form, MatrixParts

_REQUESTS: dict[str, str | None] = {"toy": None}
_PARTS = {"table": "float32", "indices": "uint16"}


class ToyForm(Form):
    id = "toy indices"
    requests = _REQUESTS
    parts = _PARTS

    def holds(self, weight: FloatWeight) -> bool:
        return len(np.unique(_bits(weight))) <= 1 << 16

    def make(self, weight: FloatWeight, _request: str, /) -> Matrix:
        table, indices = np.unique(_bits(weight), return_inverse=True)
        rows, columns = weight.shape
        arrays = {
            "table": table.view(np.float32),
            "indices": indices.reshape(-1).astype(np.uint16),
        }
        return self.matrix_of(MatrixParts(self.id, rows, columns, {}, arrays), False)

    def matrix_of(self, parts: MatrixParts, _copy: bool, /) -> Matrix:
        table, indices = parts.arrays["table"], parts.arrays["indices"]
        if indices.size != parts.rows * parts.columns or indices.max(initial=0) >= len(table):
            raise ValueError("toy: expected an index into the table for every value")
        values = table[indices].reshape(parts.rows, parts.columns)
        dense = forms.form_of("F32").make(FloatWeight.of(values), "dense")
        return forms.decoded(parts, dense)


def _bits(weight: FloatWeight) -> npt.NDArray[np.uint32]:
    return weight.floats.astype(np.float32).view(np.uint32)
