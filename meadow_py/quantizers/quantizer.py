"""The base classes of quantisers and of quantised weights."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Quantized(ABC):
    """A quantised ``[out, in]`` weight: its codes, and the side information that decodes them.

    Attributes
    ----------
    codes : ndarray of int8 or uint8, shape (out, in)
    snr_db : float or None
        ``10 log10(sum w^2 / sum (w - w_hat)^2)`` in decibels; infinite if nothing is lost, None
        for an all-zero weight, which has no signal.
    """

    codes: npt.NDArray[Any]
    snr_db: float | None

    @property
    @abstractmethod
    def alphabet(self) -> int:
        """Number of bit patterns a code can have, 2 to 256; 256 for INT8."""

    @property
    @abstractmethod
    def scale_bits(self) -> int:
        """Stored size of all scales in bits, with everything needed to decode them."""

    @property
    def zero_point_bits(self) -> int:
        """Stored size of all zero points, in bits."""
        return 0

    @abstractmethod
    def dequantize(self) -> npt.NDArray[np.float32]:
        """The values that the codes stand for.

        Returns
        -------
        ndarray of float32, shape (out, in)
        """

    @property
    def shape(self) -> tuple[int, int]:
        """``(out, in)``."""
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def side_bits(self) -> int:
        """Stored size of everything except the codes, in bits."""
        return self.scale_bits + self.zero_point_bits

    @property
    def nbytes(self) -> int:
        """Bytes of the dense form: the codes at a fixed width, and the side information."""
        return -(-(self.codes.size * bits_of(self.alphabet) + self.side_bits) // 8)


@dataclass(frozen=True)
class Quantizer(ABC):
    """A way of quantising, under the key that names it everywhere.

    A subclass passes its description to ``super().__init__`` and is registered with `register`.

    Attributes
    ----------
    key : str
        Its name on the command line, in Python and in JSON, such as ``int8:row``.
    title : str
        Its name in headings, such as ``INT8, one scale per row``.
    short_title : str
        Its name in legends and narrow columns, such as ``INT8 row``.
    alphabet : int
        Number of bit patterns a code can have, 2 to 256.
    granularity : str or None
        Which numbers share a scale: ``tensor``, ``row`` or ``group:N``; ``stored`` for codes that a
        file holds; None where none of these applies.
    symmetric : bool or None
        Whether codes lie around zero without a zero point; None where that has no meaning.
    """

    key: str
    title: str
    short_title: str
    alphabet: int
    granularity: str | None = None
    symmetric: bool | None = None

    spelling: ClassVar[str] = ""
    """How its keys are written, for messages."""

    @classmethod
    @abstractmethod
    def parse(cls, key: str) -> Quantizer | None:
        """The quantiser that a key names.

        Parameters
        ----------
        key : str
            In lower case.

        Returns
        -------
        Quantizer or None
            None if the key belongs to another family.

        Raises
        ------
        ValueError
            If the key belongs to this family but is misspelled.
        """

    @abstractmethod
    def quantize(
        self, array: npt.NDArray[Any], name: str = "weight", threads: int = 0
    ) -> Quantized:
        """Quantise an ``[out, in]`` weight.

        Parameters
        ----------
        array : ndarray, shape (out, in)
            Real floating-point numbers.
        name : str
            Name of the weight in error messages.
        threads : int
            0 means all cores. The result does not depend on it.

        Returns
        -------
        Quantized

        Raises
        ------
        ValueError
            If the weight is not 2-D, is empty, or holds NaN or infinity (the first is named), or
            `threads` is out of its range.
        TypeError
            If `array` is not an array of real floating-point numbers.
        """

    @abstractmethod
    def side_bits(self, shape: tuple[int, int]) -> int:
        """Stored size of all side information of a weight ``(out, in)``, in bits."""

    @property
    def bits(self) -> int:
        """Bits per code."""
        return bits_of(self.alphabet)


def bits_of(alphabet: int) -> int:
    """Bits of a code of fixed width: 8 for an alphabet of 256."""
    return (alphabet - 1).bit_length()


def snr_db(signal: float, noise: float) -> float | None:
    """SNR in decibels from the sums of squares of weights and of errors; None without a signal."""
    if signal == 0:
        return None
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)
