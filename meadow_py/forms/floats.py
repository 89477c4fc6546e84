"""Lossless forms of floats: the values themselves, and planes (BF16 in 12 bits, F16 in 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.forms.form import FLOATS, FloatWeight, Form

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meadow_py._core import Matrix


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


PACKED = "packed"
_REQUESTS = {PACKED: None}
_PARTS = {
    "codes": "uint8",
    "lower": "uint8",
    "tables": "uint8",
    "escapes": "uint8",
    "escaped": "uint32",
}


class Bf16Planes(Form):
    """Values of any dtype that BF16 holds: codes for their upper bytes, and their lower bytes."""

    id = "planes"
    requests = _REQUESTS
    parts = _PARTS

    def holds(self, weight: FloatWeight) -> bool:
        """Whether BF16 holds every value."""
        return weight.content == "BF16"

    def make(self, weight: FloatWeight, _request: str, /) -> Matrix:
        """The planes, which do not refer to the weight."""
        from meadow_py import _core

        return _core.bf16_planes_matrix(weight.raw, weight.dtype, *weight.shape)


class F16Planes(Form):
    """Finite values that F16 holds and BF16 does not."""

    id = "F16 planes"
    requests = _REQUESTS
    dtypes = ("F32", "F16")
    parts = _PARTS
    slower_than_dense = ("avx2",)

    def holds(self, weight: FloatWeight) -> bool:
        """Whether F16 holds every value, BF16 does not, and all values are finite."""
        import numpy as np

        return weight.content == "F16" and _are_finite(_halves(weight).view(np.uint16))

    def make(self, weight: FloatWeight, _request: str, /) -> Matrix:
        """The planes, which do not refer to the weight."""
        import numpy as np

        from meadow_py import _core

        return _core.f16_planes_matrix(_halves(weight).view(np.uint8), *weight.shape)


def _halves(weight: FloatWeight) -> npt.NDArray[np.float16]:
    import numpy as np

    if weight.dtype == "F16":
        return weight.raw.view(np.float16)
    made: npt.NDArray[np.float16] = weight.once(
        "F16", lambda: weight.floats.reshape(-1).astype(np.float16)
    )
    return made


def _are_finite(halves: npt.NDArray[np.uint16]) -> bool:
    step = 1 << 20  # keeps the temporary array of `&` small
    starts = range(0, halves.size, step)
    return all(int((halves[at : at + step] & 0x7FFF).max()) < 0x7C00 for at in starts)


FORMS = (*(DenseForm(dtype) for dtype in FLOATS), Bf16Planes(), F16Planes())
