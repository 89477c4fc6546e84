"""From a stored weight to the matrix that the engine multiplies with."""

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
        What stores it.
    paired_heads : int
        Of so many heads the rows stand in pairs and are put back; 0: as they are.
    """

    name: str
    weight: Weight
    paired_heads: int = 0

    def values(self) -> npt.NDArray[Any]:
        """``[out, in]``, contiguous and aligned: a view of the file where it holds just that.

        Else a copy: of transposed and interleaved weights, of rows that are put back, and of
        GGUF blocks, which become float32.

        Raises
        ------
        ValueError
            If the weight is of a dtype that the engine does not multiply with.
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
        """What `values` take in bytes, in `dtype` if there is one; reads nothing."""
        wanted = dtype or self.weight.dtype
        return self.weight.count * numpy_dtype(wanted if wanted in FLOATS else "F32").itemsize


def matrix_of(
    weight: EngineWeight, form: str = "auto", dtype: str | None = None, mapped: bool = True
) -> _core.Matrix:
    """A weight in the form in which it is multiplied.

    Parameters
    ----------
    weight : EngineWeight
        Which.
    form : str
        One of `meadow_py.forms.requests`: see `meadow_py.forms.make`. For ``packed`` and ``auto``,
        planes that a packed file holds are multiplied from there, without being decoded.
    dtype : {"F32", "BF16"}, optional
        What its values are converted to, rounded to nearest even where they do not fit; by
        default they stay what they are.
    mapped : bool
        Whether dense values and stored planes may stay in a mapped file; else they are copied to
        memory.

    Raises
    ------
    ValueError
        For an unknown form or dtype, or a weight that the engine cannot multiply with.
    FormatError
        If stored planes are damaged; of mapped ones, if their heads are.
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
    """A ValueError for an unknown form or dtype of `matrix_of`."""
    forms.check_request(form)
    if dtype not in (None, "F32", "BF16"):
        raise ValueError(f"dtype={dtype!r}: expected 'F32', 'BF16' or None")


def unpaired(values: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Rows (or values) of q or k in Hugging Face's order, from that of GGUF's Llama.

    There row ``2 i + h`` of a head is row ``i + h * head_dim / 2`` of the original: the converter
    puts rotated pairs side by side.
    """
    pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)


def _stored_planes(weight: EngineWeight, mapped: bool) -> _core.Matrix | None:
    """Over the planes of a packed file; None where it has none of just this matrix."""
    from meadow_py import _core

    spec, tensor = weight.weight.spec, weight.weight.tensor
    whole = spec.part is None and not spec.transposed and tensor.shape == spec.shape
    blob = tensor.planes() if whole and not weight.paired_heads else None
    if blob is None:
        return None
    return _core.mapped_matrix(blob if mapped else _checked_copy(blob, tensor))


def _checked_copy(blob: npt.NDArray[np.uint8], tensor: Tensor) -> npt.NDArray[np.uint8]:
    """All of it is read anyway; so its checksums are compared, which a mapped one's are not."""
    from meadow_py import _core

    copy = np.array(blob)
    try:
        _core.verify_planes(copy)
    except FormatError as error:
        raise FormatError(f"{tensor.file}: tensor {tensor.name!r}: {error}") from error
    return copy
