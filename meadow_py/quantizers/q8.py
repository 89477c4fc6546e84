"""INT8 in groups of 32 inputs with 8-bit scales: less error than GGUF's Q8_0 with fewer bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.checks import check_matrix, check_threads
from meadow_py.quantizers.integers import SCALE_BITS
from meadow_py.quantizers.quantizer import Quantized, Quantizer, snr_db

GROUP = 32  # inputs that share a scale, as in Q8_0
CODED_SCALE_BITS = 8


@dataclass(frozen=True, eq=False)
class QuantizedQ8(Quantized):
    """A weight ``[out, in]`` whose groups of 32 inputs have coded scales.

    Attributes
    ----------
    codes : ndarray of int8, shape (out, in)
        -127 to 127.
    row_scales : ndarray of float32, shape (out,)
    coded_scales : ndarray of uint8, shape (out, ceil(in / 32))
        1 to 255. The scale of a group is this number times the row scale, in float32.
    snr_db : float or None
        Decibels; infinite if nothing is lost, None for an all-zero weight.
    """

    codes: npt.NDArray[np.int8]
    row_scales: npt.NDArray[np.float32]
    coded_scales: npt.NDArray[np.uint8]
    snr_db: float | None

    @property
    def alphabet(self) -> int:
        """Number of bit patterns of a code: 256, because codes are bytes."""
        return 256

    @property
    def scale_bits(self) -> int:
        """Stored size of all scales, in bits: 8 for each group and 32 for each row."""
        return self.coded_scales.size * CODED_SCALE_BITS + self.row_scales.size * SCALE_BITS

    def dequantize(self) -> npt.NDArray[np.float32]:
        """The values that the codes stand for: ``code * (coded scale * row scale)``.

        Returns
        -------
        ndarray of float32, shape (out, in)
        """
        scales = self.coded_scales.astype(np.float32) * self.row_scales[:, None]
        spread = np.repeat(scales, GROUP, axis=1)[:, : self.shape[1]]
        return self.codes.astype(np.float32) * spread


class Q8(Quantizer):
    """INT8 in groups of 32 inputs, with an 8-bit scale per group and an F32 scale per row.

    The key is ``int8:32+8:row``: INT8 codes, an 8-bit scale for every 32 of them, and for these
    scales a scale per row. ``q8`` is an alias. ``int8:group:32`` is another quantiser, with an F32
    scale per group.
    """

    spelling = "q8, short for int8:32+8:row"

    def __init__(self) -> None:
        super().__init__(
            key="int8:32+8:row",
            title=f"INT8, one 8-bit scale per {GROUP} inputs of a row",
            short_title="q8",
            alphabet=256,
            symmetric=True,
        )

    @classmethod
    def parse(cls, key: str) -> Q8 | None:
        """See `Quantizer.parse`."""
        return cls() if key in ("q8", "int8:32+8:row") else None

    def quantize(
        self, array: npt.NDArray[Any], name: str = "weight", threads: int = 0
    ) -> QuantizedQ8:
        """See `Quantizer.quantize` and `quantize_q8`."""
        return quantize_q8(array, name, threads)

    def side_bits(self, shape: tuple[int, int]) -> int:
        """Stored size of all scales, in bits: 8 for each group and 32 for each row."""
        return shape[0] * (-(-shape[1] // GROUP) * CODED_SCALE_BITS + SCALE_BITS)


def quantize_q8(array: npt.NDArray[Any], name: str = "weight", threads: int = 0) -> QuantizedQ8:
    """Quantise an ``[out, in]`` weight to q8.

    For each group, sixteen neighbouring coded scales are tried, beginning at ``max|w| / 127.5``,
    and the one with the smallest squared error is kept.

    Parameters
    ----------
    array : ndarray, shape (out, in)
        Real floating-point numbers; converted to float32 first.
    name : str
        Name of the weight in error messages.
    threads : int
        0 means all cores. The result does not depend on it.

    Returns
    -------
    QuantizedQ8

    Raises
    ------
    ValueError
        If the weight is not 2-D, is empty, or holds NaN or infinity (the first is named), or
        `threads` is out of its range.
    TypeError
        If `array` is not an array of real floating-point numbers.
    """
    from meadow_py import _core

    matrix = check_matrix(array, name)
    threads = check_threads(threads)
    if matrix.dtype.kind in "iubcOSU":
        raise TypeError(f"{name} has dtype {matrix.dtype}: expected floating-point numbers")
    with np.errstate(over="ignore"):  # values that become infinite are refused below
        values = np.ascontiguousarray(matrix, dtype=np.float32)
    codes, row_scales, coded, signal, noise = _core.quantize_q8(values, name, threads)
    return QuantizedQ8(codes, row_scales, coded, snr_db(signal, noise))
