"""A systolic array or a vector unit with Huffman decoders in front of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meadow_py.devices import EnergyTable
from meadow_py.simulator.huffman_hardware.area import (
    DECODERS,
    Circuits,
    lane_area,
    mac_area,
    table_bits,
)
from meadow_py.simulator.huffman_hardware.codes import WeightCode, Words
from meadow_py.simulator.huffman_hardware.streams import DecoderPort, DecoderRun, run_decoders
from meadow_py.simulator.packing import Decoder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

UNITS = ("systolic", "vector")


@dataclass(frozen=True)
class Unit:
    """Multipliers, and how many weights they take in per cycle.

    A weight-stationary systolic array of R x C takes one row of C weights per cycle at its edge, R
    cycles for a tile; while one tile works the next is loaded. A vector unit of R lanes that each
    multiply C inputs holds no weights: it takes R x C per cycle, unless a register beside each
    multiplier keeps its weight for several tokens.

    Attributes
    ----------
    kind : {"systolic", "vector"}
    rows, columns : int
        Of the array; lanes, and multipliers in a lane.
    """

    kind: str
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.kind not in UNITS:
            raise ValueError(f"kind: expected one of {', '.join(UNITS)}, found {self.kind!r}")
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"rows, columns: expected at least 1, found {self.rows, self.columns}")

    @property
    def name(self) -> str:
        """``systolic-128x128``."""
        return f"{self.kind}-{self.rows}x{self.columns}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates per cycle."""
        return self.rows * self.columns

    @property
    def lanes(self) -> int:
        """Weights that it takes in per cycle: decoders that have to deliver one each."""
        return self.columns if self.kind == "systolic" else self.macs

    def cycles(self, outputs: int, inputs: int, tokens: int, throughput: float = 1.0) -> float:
        """Of a product of `tokens` vectors with a weight of ``outputs x inputs``.

        Each tile takes the longer of loading its weights and of its multiplications; loading the
        first tile comes before. Rows of a systolic array are inputs, its columns outputs; a vector
        unit's lanes are outputs.

        Parameters
        ----------
        throughput : float
            Weights per cycle of a decoder, with its stalls: see `DecoderRun`.
        """
        down, across = (inputs, outputs) if self.kind == "systolic" else (outputs, inputs)
        tiles = math.ceil(down / self.rows) * math.ceil(across / self.columns)
        load = self.macs / self.lanes / throughput
        return load + tiles * max(load, float(tokens))


@dataclass(frozen=True)
class HuffmanDesign:
    """Decoders, FIFOs, port and buffers around a unit.

    Attributes
    ----------
    unit : Unit
    code : WeightCode
        Of the weights that are decoded.
    dtype : str
        A key of `MULTIPLIERS`.
    buffer_bytes : float
        All on-chip buffers of the design with dense weights.
    weight_share : float
        Part of them that holds weights.
    decoder : {"canonical", "lookup"}
    fifo_bits, word_bits : int
        Of every decoder, and of a word of the buffer's port.
    port_share : float
        Width of the port by that of a port for dense weights: 1 leaves the buffer as it is, the
        compressed ratio makes it as narrow as the codes are on average. Raw bit groups count in
        both.
    repartition, ahead
        See `DecoderPort`.
    circuits : Circuits
    """

    unit: Unit
    code: WeightCode
    dtype: str
    buffer_bytes: float
    weight_share: float = 0.5
    decoder: str = "canonical"
    fifo_bits: int = 64
    word_bits: int = 16
    port_share: float = 1.0
    repartition: str = "demand"
    ahead: int = 0
    circuits: Circuits = field(default_factory=Circuits)

    def __post_init__(self) -> None:
        if self.decoder not in DECODERS:
            raise ValueError(
                f"decoder: expected one of {', '.join(DECODERS)}, found {self.decoder!r}"
            )
        if not 0 < self.weight_share <= 1:
            raise ValueError(f"weight_share: expected 0 to 1, found {self.weight_share!r}")
        if not self.code.coded:
            raise ValueError("code: no bit group of it has a Huffman code: nothing to decode")
        if not self.port_share > 0:
            raise ValueError(f"port_share: expected more than 0, found {self.port_share!r}")

    # -- time ---------------------------------------------------------------------------------

    @property
    def port(self) -> DecoderPort:
        """Of the coded groups: what raw bits leave of the buffer's port, in whole words."""
        left = self.unit.lanes * (self.code.bits * self.port_share - self.code.raw_bits)
        words = int(left // self.word_bits)
        if words < 1:
            raise ValueError(
                f"port_share={self.port_share:g}: {self.code.raw_bits} raw bits of a weight leave "
                f"no word of {self.word_bits} bits to the decoders"
            )
        return DecoderPort(words, self.word_bits, self.fifo_bits, self.repartition, self.ahead)

    def run(self, words: Words, groups_apart: bool = True) -> DecoderRun:
        """Count the cycles of a weight matrix: see `run_decoders`.

        Rows of the matrix go to decoders in turn; each coded bit group has a stream of its own.

        Parameters
        ----------
        words : array, shape (outputs, inputs)
            The bits of its weights; outputs that do not fill all decoders evenly are left out.
        groups_apart : bool
            False: one stream for all groups of a weight.
        """
        lanes = self.unit.lanes
        used = words.shape[0] // lanes * lanes
        if not used:
            raise ValueError(f"words: expected at least {lanes} rows, found {words.shape[0]}")
        lengths = self.code.lengths_of(words[:used])
        lengths = lengths if groups_apart else lengths.sum(axis=0, keepdims=True)
        return run_decoders(streams(lengths, lanes), self.port)

    # -- memory and area ------------------------------------------------------------------------

    @property
    def table_bytes(self) -> float:
        """Tables of all decoders, each its own."""
        each = sum(table_bits(group, self.decoder) for group in self.code.coded)
        return each * self.unit.lanes / 8

    def decoder_area(self) -> dict[str, float]:
        """All decoders by part, in transistors of logic."""
        one = lane_area(self.code, self.fifo_bits, self.circuits, self.decoder)
        return {name: area * self.unit.lanes for name, area in one.items()}

    def base_area(self) -> dict[str, float]:
        """Multipliers and buffers of the design with dense weights."""
        return {
            "multipliers": self.unit.macs * mac_area(self.dtype, self.circuits),
            "buffers": self.circuits.sram(8 * self.buffer_bytes),
        }

    def area_overhead(self, shrink_buffer: bool = False) -> float:
        """Area that the decoders add, by that of the design with dense weights.

        Parameters
        ----------
        shrink_buffer : bool
            Whether the weight buffer holds as many weights as before, in fewer bytes, and not the
            same bytes: then the overhead may be negative.
        """
        added = sum(self.decoder_area().values())
        base = self.base_area()
        if shrink_buffer:
            saved = 1 - self.code.bits_per_weight / self.code.bits
            added -= base["buffers"] * self.weight_share * saved
        return added / sum(base.values())

    # -- for the simulator ----------------------------------------------------------------------

    def energy_pj_per_weight(self, table: EnergyTable) -> float:
        """Of decoding a weight: its FIFO written and read, a table read, comparators.

        Memories of up to 8 KiB have the energy of the smallest memory of the energy table; an upper
        bound, as they are smaller. A comparator of a canonical decoder counts as the table's
        multiply-accumulate of 8 bits for each length, an upper bound as well.
        """
        smallest = table.on_chip_pj_per_bit[0][1].value
        total = 0.0
        for group in self.code.coded:
            read = group.width + group.longest.bit_length()
            total += smallest * (2 * group.bits_per_symbol + read)
            if self.decoder == "canonical":
                total += group.longest * table.mac(8).value
        return total

    def packed_decoder(self, table: EnergyTable, run: DecoderRun | None = None) -> Decoder:
        """What `simulate` takes, as ``decoder=``.

        Parameters
        ----------
        table : EnergyTable
        run : DecoderRun, optional
            Its stalls and start; without it, there are none.

        Before each matrix the tables are loaded through the port, into all decoders at once.
        """
        throughput, start = (1.0, 0) if run is None else (run.throughput, run.start_cycles)
        tables = sum(group.stored_table_bits for group in self.code.coded)
        load = math.ceil(tables / (self.port.words_per_cycle * self.word_bits))
        return Decoder(
            weights_per_cycle=self.unit.lanes * throughput,
            start_cycles=float(start + load),
            on_chip_compressed=True,
            energy_pj_per_weight=self.energy_pj_per_weight(table),
        )


def streams(lengths: npt.NDArray[np.int64], lanes: int) -> npt.NDArray[np.int64]:
    """From bits by group, output and input to those by decoder and symbol.

    Output o goes to lane ``o mod lanes``; a lane's outputs follow one another.
    """
    groups, outputs, inputs = lengths.shape
    parted = lengths.reshape(groups, outputs // lanes, lanes, inputs).swapaxes(1, 2)
    made: npt.NDArray[np.int64] = parted.reshape(groups * lanes, -1)
    return made
