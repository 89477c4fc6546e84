"""Dense weights: the values themselves, row after row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.forms.form import FLOATS, Form

if TYPE_CHECKING:
    from meadow_py._core import Matrix
    from meadow_py.forms.form import FloatWeight

DENSE = "dense"


class DenseForm(Form):
    """Values of one dtype, used in the memory that holds them, which may be a mapped file."""

    keeps_values = True

    def __init__(self, dtype: str) -> None:
        self.id = dtype
        self.requests = {DENSE: None}
        self.dtypes = (dtype,)
        self.parts = {"values": "float32" if dtype == "F32" else "uint16"}

    def make(self, weight: FloatWeight, _request: str, /) -> Matrix:
        """A matrix over the memory of the weight, which it keeps alive and does not copy."""
        from meadow_py import _core

        return _core.dense_matrix(weight.raw, weight.dtype, *weight.shape)


FORMS = tuple(DenseForm(dtype) for dtype in FLOATS)
