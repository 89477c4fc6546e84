"""The cost of packed weights: bytes moved, memory for tables, and the decoder's speed.

This is the interface for everything that stores weights in fewer bytes. A packing is any object
with the attributes of `Packing`; special hardware, such as Huffman decoders, extends `Decoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class PackedWeight:
    """Bytes of one weight as it is moved.

    Attributes
    ----------
    payload_bytes : float
        Indices, codes, planes, escapes, scales and headers: everything but the table.
    table_bytes : float
        Dictionary (MEADOW: unique matrix) or code tables, read from off-chip memory with the
        payload.
    on_chip_table_bytes : float
        On-chip bytes that the same table takes while the weight is decoded.
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
        Weights that all decoders together deliver per cycle; infinity means that decoding is never
        the limit.
    weights_per_second : float
        The same per second, for decoders without a known clock (software on a CPU). The lower of
        the two speeds counts.
    start_cycles : float
        Cycles before the first value of a weight matrix, for instance to load tables.
    on_chip_compressed : bool
        Whether the weight buffer holds packed bytes, so that on-chip reads shrink as well.
    energy_pj_per_weight : float
        Picojoules to decode one weight.
    """

    weights_per_cycle: float = float("inf")
    weights_per_second: float = float("inf")
    start_cycles: float = 0.0
    on_chip_compressed: bool = False
    energy_pj_per_weight: float = 0.0

    def seconds(self, weights: float, clock_hz: float | None) -> float:
        """Seconds to decode a matrix.

        Parameters
        ----------
        weights : float
            Number of weights in the matrix.
        clock_hz : float or None
            Clock of the decoder in hertz.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the decoder's speed is given in cycles and the device gives no clock.
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
    """A way to store weights; see `packing_of` for the named ones.

    Attributes
    ----------
    name : str
    decoder : Decoder
    """

    @property
    def name(self) -> str:
        """The name shown in tables and plots."""

    @property
    def decoder(self) -> Decoder:
        """The unit that decodes this packing."""

    def weight(self, layer: int | None, role: str, weights: int, bits: float) -> PackedWeight:
        """Bytes of one weight matrix as it is moved.

        Parameters
        ----------
        layer : int or None
            Index of the block; None for the embedding and the head.
        role : str
            As in `architectures`: ``attention.q``, ``mlp.up``, ``head``, ...
        weights : int
            Number of weights in the matrix.
        bits : float
            Bits of a dense weight.

        Returns
        -------
        PackedWeight
        """


PackingChoice = str | float | Packing | None
"""What arguments take: the name of a packing, a ratio, or a packing itself; see `packing_of`."""
