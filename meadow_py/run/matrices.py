"""From a stored weight to the matrix that the engine multiplies with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from meadow_py.errors import FormatError
from meadow_py.quantizers import quantize, quantize_q8

if TYPE_CHECKING:
    from meadow_py import _core
    from meadow_py.sources import Tensor, Weight

INTEGER_FORMS = ("int8", "int8-tensor", "q8")
FORMS = ("auto", "dense", "packed", *INTEGER_FORMS)

_DENSE: dict[str, np.dtype[Any]] = {
    "F32": np.dtype(np.float32),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F16": np.dtype(np.float16),
}
_HALF = 2  # bytes

# Where products of a packed form were measured to be slower than dense ones; see docs/speed.md.
_SLOWER_THAN_DENSE: dict[str, tuple[str, ...]] = {"F16 planes": ("avx2",)}


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
        if values.dtype not in _DENSE.values():
            raise ValueError(
                f"{self.weight.name}: {self.weight.dtype} is not supported by the engine: expected "
                f"{', '.join(_DENSE)} or blocks of GGUF"
            )
        if self.paired_heads:
            values = unpaired(values, self.paired_heads)
        return np.require(values, requirements=["C", "A"])

    def dense_bytes(self, dtype: str | None = None) -> int:
        """What `values` take in bytes, in `dtype` if there is one; reads nothing."""
        made = _DENSE.get(dtype or self.weight.dtype, _DENSE["F32"])
        return self.weight.count * made.itemsize


def matrix_of(
    weight: EngineWeight, form: str = "auto", dtype: str | None = None, mapped: bool = True
) -> _core.Matrix:
    """A weight in the form in which it is multiplied.

    Parameters
    ----------
    weight : EngineWeight
        Which.
    form : str
        ``dense``: as stored. ``packed``: in planes, bit for bit the same values, where BF16 or F16
        holds them and planes are smaller; else dense. Planes that a packed file holds are
        multiplied from there, without being decoded. ``auto``: the same, but dense where this
        CPU's instruction set was measured to lose by that form of planes. ``int8``,
        ``int8-tensor``, ``q8``: quantised, which loses precision, with one scale for a row, for
        the weight, or for 32 inputs; packed where that is smaller, and multiplied with activations
        of 8 bits.
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
    if form in ("auto", "packed") and dtype is None:
        stored = _stored_planes(weight, mapped)
        if stored is not None:
            return stored
    values = weight.values()
    if dtype is not None:
        values = values.astype(_DENSE[dtype], copy=False)
    if form in INTEGER_FORMS:
        return _quantised(values, form, weight.weight.name)
    packed = None if form == "dense" else _packed(values, form)
    if packed is not None:
        return packed
    return _dense(values if mapped else np.array(values))


def check_form(form: str, dtype: str | None) -> None:
    """A ValueError for an unknown form or dtype of `matrix_of`."""
    if form not in FORMS:
        raise ValueError(f"form={form!r}: expected one of {', '.join(FORMS)}")
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


def _packed(values: npt.NDArray[Any], form: str) -> _core.Matrix | None:
    """In planes; None where none hold the values, would be smaller, or pay for ``auto``."""
    from meadow_py import _core
    from meadow_py.measure.candidates import packed_form_of

    found = packed_form_of(values, _dtype_of(values))
    if found is None:
        return None
    is_slower = _core.isa_active() in _SLOWER_THAN_DENSE.get(found.form, ())
    if form == "auto" and is_slower and values.itemsize == _HALF:
        return None
    made = found.make()
    return made if made.nbytes < values.nbytes else None


def _quantised(values: npt.NDArray[Any], form: str, name: str) -> _core.Matrix:
    """Dense or in planes, whichever is smaller."""
    from meadow_py import _core

    if form == "q8":
        q8 = quantize_q8(values, name)
        parts = (q8.codes, q8.row_scales, q8.coded_scales)
        return _smaller(lambda packed: _core.q8_matrix(*parts, packed=packed))
    made = quantize(values, granularity="row" if form == "int8" else "tensor", name=name)
    scales = np.ascontiguousarray(made.scales.ravel())
    inputs = values.shape[1] if form == "int8" else 0
    return _smaller(lambda packed: _core.integer_matrix(made.codes, scales, inputs, packed=packed))


def _smaller(make: Callable[[bool], _core.Matrix]) -> _core.Matrix:
    packed = make(True)
    dense = make(False)
    return packed if packed.nbytes < dense.nbytes else dense


def _dense(values: npt.NDArray[Any]) -> _core.Matrix:
    from meadow_py import _core

    return _core.dense_matrix(_bytes_of(values), _dtype_of(values), *values.shape)


def _dtype_of(values: npt.NDArray[Any]) -> str:
    return next(name for name, dtype in _DENSE.items() if dtype == values.dtype)


def _bytes_of(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return values.reshape(-1).view(np.uint8)
