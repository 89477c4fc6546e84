"""Integers with scales, dense or in planes, multiplied with 8-bit activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.forms.form import FloatWeight, Form

if TYPE_CHECKING:
    from meadow_py._core import Matrix
    from meadow_py.quantizers import QuantizedIntegers, QuantizedQ8

# The requests, and the quantiser that each of them asks for.
_INT8 = {"int8": "int8:row", "int8-tensor": "int8:tensor"}
_Q8 = {"q8": "q8"}
_CODES = {"heads": "uint8", "data": "uint8", "outer": "float32"}
_INT8_PARTS = {**_CODES, "scales": "float32"}
_Q8_PARTS = {**_CODES, "coded_scales": "uint8"}


class Int8Form(Form):
    """8-bit codes with one scale per row, or one for the weight."""

    requests = _INT8
    parts = _INT8_PARTS
    is_lossless = False

    def __init__(self, packed: bool) -> None:
        self.id = "INT8 planes" if packed else "INT8"
        self._packed = packed

    def make(self, weight: FloatWeight, request: str, /) -> Matrix:
        """The quantised weight; forms made of one weight share its codes."""
        from meadow_py import _core
        from meadow_py.quantizers import quantize

        key = self.requests[request]
        granularity = str(key).removeprefix("int8:")
        made: QuantizedIntegers = weight.once(
            str(key), lambda: quantize(weight.floats, granularity=granularity, name=weight.name)
        )
        per_scale = weight.shape[1] if granularity == "row" else 0
        return _core.integer_matrix(made.codes, made.scales.ravel(), per_scale, self._packed)


class Q8Form(Form):
    """8-bit codes; 32 inputs share a scale, which is an 8-bit number times the row's scale."""

    requests = _Q8
    parts = _Q8_PARTS
    is_lossless = False

    def __init__(self, packed: bool) -> None:
        self.id = "Q8 planes" if packed else "Q8"
        self._packed = packed

    def make(self, weight: FloatWeight, _request: str, /) -> Matrix:
        """The quantised weight; forms made of one weight share its codes."""
        from meadow_py import _core
        from meadow_py.quantizers import quantize_q8

        made: QuantizedQ8 = weight.once("q8", lambda: quantize_q8(weight.floats, weight.name))
        return _core.q8_matrix(made.codes, made.row_scales, made.coded_scales, self._packed)


FORMS = (Int8Form(packed=False), Int8Form(packed=True), Q8Form(packed=False), Q8Form(packed=True))
