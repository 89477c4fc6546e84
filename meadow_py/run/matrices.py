"""Makes the matrix that the engine multiplies with from a stored weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import forms
from meadow_py.errors import FormatError
from meadow_py.forms import FLOATS, FloatWeight, float_dtype, numpy_dtype

if TYPE_CHECKING:
    from meadow_py import _core
    from meadow_py.sources import Tensor, Weight


@dataclass(frozen=True)
class EngineWeight:
    """A stored weight as the engine wants it.

    Attributes
    ----------
    name : str
        The engine's name, such as ``layers.0.q``.
    weight : Weight
        The stored weight.
    paired_heads : int
        The number of heads whose rows are stored in pairs and have to be put back in order; 0 if
        the rows are in order.
    """

    name: str
    weight: Weight
    paired_heads: int = 0

    def values(self) -> npt.NDArray[Any]:
        """Return ``[out, in]``, contiguous and aligned: a view of the file where possible.

        Transposed and interleaved weights, reordered rows and GGUF blocks, which become float32,
        are copied.

        Raises
        ------
        ValueError
            If the engine does not multiply with the dtype of the weight.
        """
        values = self.weight.array()
        if float_dtype(values.dtype) is None:
            raise ValueError(
                f"{self.weight.name}: {self.weight.dtype} is not supported by the engine: expected "
                f"{', '.join(FLOATS)} or blocks of GGUF"
            )
        if self.paired_heads:
            values = unpaired(values, self.paired_heads)
        return np.require(values, requirements=["C", "A"])

    def dense_bytes(self, dtype: str | None = None) -> int:
        """Size of `values` in bytes, in `dtype` if it is given; reads nothing."""
        wanted = dtype or self.weight.dtype
        return self.weight.count * numpy_dtype(wanted if wanted in FLOATS else "F32").itemsize


def matrix_of(
    weight: EngineWeight, form: str = "auto", dtype: str | None = None, mapped: bool = True
) -> _core.Matrix:
    """A weight in the form in which it is multiplied.

    Parameters
    ----------
    weight : EngineWeight
        The weight.
    form : str
        One of `meadow_py.forms.requests`: see `meadow_py.forms.make`. With ``packed`` and ``auto``,
        planes in a packed file are multiplied from there, without decoding.
    dtype : {"F32", "BF16"}, optional
        The dtype to convert values to, rounding to nearest even where they do not fit; by default
        they keep their own.
    mapped : bool
        Whether dense values and stored planes may stay in a mapped file; otherwise they are copied
        to memory.

    Raises
    ------
    ValueError
        If the form or dtype is unknown, or the engine cannot multiply with the weight.
    FormatError
        If stored planes are damaged. For mapped planes only the headers are checked.
    """
    check_form(form, dtype)
    if form in (forms.AUTO, forms.PACKED) and dtype is None:
        stored = _stored_planes(weight, mapped)
        if stored is not None:
            return stored
    values = weight.values()
    if dtype is not None:
        values = values.astype(numpy_dtype(dtype), copy=False)
    return forms.make(FloatWeight.of(values, weight.weight.name), form, mapped)


def check_form(form: str, dtype: str | None) -> None:
    """Raise ValueError if a form or dtype is unknown to `matrix_of`."""
    forms.check_request(form)
    if dtype not in (None, "F32", "BF16"):
        raise ValueError(f"dtype={dtype!r}: expected 'F32', 'BF16' or None")


def unpaired(values: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Put rows (or values) of q or k from the order of GGUF's Llama into Hugging Face's.

    In GGUF, row ``2 i + h`` of a head is row ``i + h * head_dim / 2`` of the original, because the
    converter puts rotated pairs side by side.
    """
    pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)


def _stored_planes(weight: EngineWeight, mapped: bool) -> _core.Matrix | None:
    """A matrix over the planes in a packed file; None if it holds none of exactly this matrix."""
    from meadow_py import _core

    spec, tensor = weight.weight.spec, weight.weight.tensor
    whole = spec.part is None and not spec.transposed and tensor.shape == spec.shape
    blob = tensor.planes() if whole and not weight.paired_heads else None
    if blob is None:
        return None
    return _core.mapped_matrix(blob if mapped else _checked_copy(blob, tensor))


def _checked_copy(blob: npt.NDArray[np.uint8], tensor: Tensor) -> npt.NDArray[np.uint8]:
    """A copy whose checksums were compared: it is read whole anyway, unlike a mapped blob."""
    from meadow_py import _core

    copy = np.array(blob)
    try:
        _core.verify_planes(copy)
    except FormatError as error:
        raise FormatError(f"{tensor.file}: tensor {tensor.name!r}: {error}") from error
    return copy
