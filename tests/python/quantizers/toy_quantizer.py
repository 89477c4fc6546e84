"""A quantiser in a file of its own: ternary codes, and a scale of F32 for each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.quantizers import Quantized, Quantizer, snr_db

KEY = "ternary:column"


@dataclass(frozen=True, eq=False)
class TernaryWeight(Quantized):
    codes: npt.NDArray[Any]
    scales: npt.NDArray[np.float32]
    snr_db: float | None

    @property
    def alphabet(self) -> int:
        return 3

    @property
    def scale_bits(self) -> int:
        return 32 * self.scales.size

    def dequantize(self) -> npt.NDArray[np.float32]:
        return (self.codes.astype(np.float32) - 1) * self.scales


class Ternary(Quantizer):
    spelling = KEY

    def __init__(self) -> None:
        super().__init__(
            key=KEY,
            title="ternary, one scale per column",
            short_title="ternary column",
            alphabet=3,
        )

    @classmethod
    def parse(cls, key: str) -> Ternary | None:
        return cls() if key == KEY else None

    def quantize(
        self,
        array: npt.NDArray[Any],
        name: str = "weight",  # noqa: ARG002
        threads: int = 0,  # noqa: ARG002
    ) -> TernaryWeight:
        values = array.astype(np.float32)
        scales = np.abs(values).max(axis=0, keepdims=True)
        codes = (np.rint(values / np.where(scales == 0, 1, scales)) + 1).astype(np.uint8)
        made = TernaryWeight(codes, scales, None)
        error = values.astype(np.float64) - made.dequantize()
        signal = float(np.square(values.astype(np.float64)).sum())
        return TernaryWeight(codes, scales, snr_db(signal, float(np.square(error).sum())))

    def side_bits(self, shape: tuple[int, int]) -> int:
        return 32 * shape[1]
