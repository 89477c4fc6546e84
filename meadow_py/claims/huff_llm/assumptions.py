"""Huff-LLM's claims retraced: the assumptions under which they hold, and those where they cannot.

The sources at hand give three figures of arXiv 2502.00922 (up to 31 % less latency, up to 26 % less
energy, 6 % more area), but not its models, devices, bit groups, array sizes, buffers, bandwidth or
process. So each of these is a named axis of a sweep, and the answer is a set, not a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meadow_py.simulator.huffman_hardware.codes import WeightCode, Words
from meadow_py.simulator.huffman_hardware.design import Unit

BANDS = ("low", "typical", "high")
_SOURCE = "Huff-LLM, arXiv 2502.00922, as told by third parties' summaries of it"
_MIB = 1 << 20


@dataclass(frozen=True)
class HuffmanClaim:
    """A published figure, as a share of the design with dense weights."""

    name: str
    value: float
    text: str
    source: str = _SOURCE


CLAIMS = (
    HuffmanClaim("latency", 0.31, "up to 31 % lower latency"),
    HuffmanClaim("energy", 0.26, "up to 26 % less energy"),
    HuffmanClaim("area", 0.06, "about 6 % more area"),
    HuffmanClaim("size", 0.32, "up to 32 % smaller models"),
)

AXES: dict[str, tuple[Any, ...]] = {
    "unit": (Unit("systolic", 128, 128), Unit("systolic", 32, 32), Unit("vector", 16, 64)),
    "port": ((1.0, "demand"), (1.05, "static")),
    "buffer_bytes": (1 * _MIB, 8 * _MIB),
    "bandwidth": (25.6e9, 68e9, 204.8e9),
    "overlap": (0.0, 1.0),
    "batch": (1, 8),
    "tokens": ((512, 0), (512, 128), (32, 512)),
    "static_w": (0.0, 2.0),
}
"""The values that are swept for time and energy.

``port``: its width, and how streams are stored. The width 1.0 is that of dense weights; a width
above 1 is that multiple of the mean length of the codes. ``tokens``: prompt, generated. The
bandwidths are those of Jetson Nano, Orin Nano and AGX Orin; no source gives the other values."""

AREA_AXES: dict[str, tuple[Any, ...]] = {
    "decoder": ("canonical", "lookup"),
    "longest": (8, 12),
    "fifo_bits": (32, 64),
    "sram_density": (1.0, 3.0, 4.0),
    "table_periphery": (1.3, 2.0, 4.0),
}
"""The values that are swept for area, for every unit and buffer."""

CLOCK = 1e9
"""Hertz of every design: an assumption. Only its ratio to the bandwidth matters."""


@dataclass(frozen=True, eq=False)
class WeightsMeasured:
    """Real weights and the codes that were built from them.

    Attributes
    ----------
    name, dtype : str
        A description of the weights, and a key of `MULTIPLIERS`.
    code : WeightCode
    words : array, shape (outputs, inputs)
        A sample of the weights, with which stalls are counted.
    """

    name: str
    dtype: str
    code: WeightCode
    words: Words

    @property
    def size_saving(self) -> float:
        """Share of the weights' size that the code saves, with tables counted."""
        return 1 - self.code.bits_per_weight / self.code.bits
