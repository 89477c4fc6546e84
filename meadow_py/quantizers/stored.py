"""Weights that a file holds as 8-bit integers: nothing is quantised here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.checks import check_matrix
from meadow_py.quantizers.quantizer import Quantized, Quantizer

STORED = "stored"


@dataclass(frozen=True, eq=False)
class StoredCodes(Quantized):
    """Codes as a file holds them. Any scales the file has for them are weights of their own.

    Attributes
    ----------
    codes : ndarray of int8 or uint8, shape (out, in)
    snr_db : None
        Nothing is lost.
    """

    codes: npt.NDArray[Any]
    snr_db: float | None = None

    @property
    def alphabet(self) -> int:
        """Number of bit patterns of a code: 256, because codes are bytes."""
        return 256

    @property
    def scale_bits(self) -> int:
        """0, because scales are not counted here."""
        return 0

    def dequantize(self) -> npt.NDArray[np.float32]:
        """The codes themselves, in float32."""
        return self.codes.astype(np.float32)


class Stored(Quantizer):
    """8-bit integers as they are, under the key ``stored``. A profile chooses it by itself."""

    spelling = STORED

    def __init__(self) -> None:
        super().__init__(
            key=STORED,
            title="INT8 codes as stored",
            short_title="INT8 stored",
            alphabet=256,
            granularity=STORED,
        )

    @classmethod
    def parse(cls, key: str) -> Stored | None:
        """See `Quantizer.parse`."""
        return cls() if key == STORED else None

    def quantize(
        self,
        array: npt.NDArray[Any],
        name: str = "weight",
        threads: int = 0,  # noqa: ARG002
    ) -> StoredCodes:
        """The codes of `array`, which is int8 or uint8.

        Raises
        ------
        ValueError
            If the weight is not 2-D or is empty.
        TypeError
            If `array` has another dtype.
        """
        codes = check_matrix(array, name)
        if codes.dtype not in (np.dtype(np.int8), np.dtype(np.uint8)):
            raise TypeError(f"{name} has dtype {codes.dtype}: expected int8 or uint8 codes")
        return StoredCodes(codes)

    def side_bits(self, shape: tuple[int, int]) -> int:  # noqa: ARG002
        """0, because scales are not counted here."""
        return 0
