"""What packed weights cost: bytes that are moved, memory for tables, and a decoder's speed.

This is the seam for everything that stores weights in fewer bytes. A packing is any object with
the attributes of `Packing`; hardware of its own (Huffman decoders and the like) extends `Decoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class PackedWeight:
    """One weight as it is moved.

    Attributes
    ----------
    payload_bytes : float
        Indices, codes, planes, escapes, scales, headers: everything but the table below.
    table_bytes : float
        Dictionary (MEADOW: unique matrix) or code tables, read from off-chip memory with it.
    on_chip_table_bytes : float
        What the same table takes in on-chip memory while the weight is decoded.
    """

    payload_bytes: float
    table_bytes: float = 0.0
    on_chip_table_bytes: float = 0.0

    @property
    def moved_bytes(self) -> float:
        """Off-chip bytes of one pass over the weight."""
        return self.payload_bytes + self.table_bytes


@dataclass(frozen=True)
class Decoder:
    """The unit that turns packed weights back into dense ones.

    Attributes
    ----------
    weights_per_cycle : float
        Weights that all decoders together deliver in a cycle; infinity: never the limit.
    weights_per_second : float
        The same where no clock is known (software on a CPU); the lower of the two counts.
    start_cycles : float
        Cycles before a weight matrix's first value, such as loading tables.
    on_chip_compressed : bool
        Whether the weight buffer holds packed bytes, so that on-chip reads shrink as well.
    energy_pj_per_weight : float
        What decoding one weight costs.
    """

    weights_per_cycle: float = float("inf")
    weights_per_second: float = float("inf")
    start_cycles: float = 0.0
    on_chip_compressed: bool = False
    energy_pj_per_weight: float = 0.0

    def seconds(self, weights: float, clock_hz: float | None) -> float:
        """Time to decode a matrix of so many weights.

        Raises
        ------
        ValueError
            If the decoder is given in cycles and the device tells no clock.
        """
        seconds = weights / self.weights_per_second
        if self.weights_per_cycle == float("inf") and not self.start_cycles:
            return seconds
        if not clock_hz:
            raise ValueError(
                "decoder: weights_per_cycle needs a device with a clock; expected "
                "weights_per_second for this one"
            )
        cycles = self.start_cycles + weights / self.weights_per_cycle
        return max(seconds, cycles / clock_hz)


@runtime_checkable
class Packing(Protocol):
    """A way to store weights; see `packing_of` for those that have names.

    Attributes
    ----------
    name : str
    decoder : Decoder
    """

    @property
    def name(self) -> str:
        """What tables and plots call it."""

    @property
    def decoder(self) -> Decoder:
        """What decodes it."""

    def weight(self, layer: int | None, role: str, weights: int, bits: float) -> PackedWeight:
        """One weight as it is moved.

        Parameters
        ----------
        layer : int or None
            Which block; None for the embedding and the head.
        role : str
            As in `architectures`: ``attention.q``, ``mlp.up``, ``head``, ...
        weights : int
            How many.
        bits : float
            Of a dense weight.
        """


PackingChoice = str | float | Packing | None
"""What arguments take: the name of a packing, a ratio, or a packing itself; see `packing_of`."""
