"""From a stored weight to the matrix that the engine multiplies with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from meadow_py import _core
    from meadow_py.sources import Weight

FORMS = ("dense",)

_DENSE: dict[str, np.dtype[Any]] = {
    "F32": np.dtype(np.float32),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F16": np.dtype(np.float16),
}

DENSE_BYTES = {name: dtype.itemsize for name, dtype in _DENSE.items()}
"""Bytes of a value in each dtype that the engine multiplies with as it is."""


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


def matrix_of(weight: EngineWeight, form: str = "dense", dtype: str | None = None) -> _core.Matrix:
    """A weight in the form in which it is multiplied.

    Parameters
    ----------
    weight : EngineWeight
        Which.
    form : str
        One of `FORMS`.
    dtype : {"F32", "BF16"}, optional
        What its values are converted to, rounded to nearest even where they do not fit; by
        default they stay what they are.

    Raises
    ------
    ValueError
        For an unknown form or dtype, or a weight that the engine cannot multiply with.
    """
    if form not in FORMS:
        raise ValueError(f"form={form!r}: expected one of {', '.join(FORMS)}")
    if dtype not in (None, "F32", "BF16"):
        raise ValueError(f"dtype={dtype!r}: expected 'F32', 'BF16' or None")
    values = weight.values()
    return _dense(values if dtype is None else values.astype(_DENSE[dtype], copy=False))


def unpaired(values: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Rows (or values) of q or k in Hugging Face's order, from that of GGUF's Llama.

    There row ``2 i + h`` of a head is row ``i + h * head_dim / 2`` of the original: the converter
    puts rotated pairs side by side.
    """
    pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)


def _dense(values: npt.NDArray[Any]) -> _core.Matrix:
    from meadow_py import _core

    dtype = next(name for name, dtype in _DENSE.items() if dtype == values.dtype)
    rows, columns = values.shape
    return _core.dense_matrix(values.reshape(-1).view(np.uint8), dtype, rows, columns)
