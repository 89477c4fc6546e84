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
    """Multipliers, and the number of weights that they take in per cycle.

    A weight-stationary systolic array of R x C takes in one row of C weights per cycle at its edge,
    so a tile takes R cycles; the next tile is loaded while one works. A vector unit has R lanes
    that each multiply C inputs. It holds no weights, so it takes in R x C per cycle, unless a
    register beside each multiplier keeps its weight for several tokens.

    Attributes
    ----------
    kind : {"systolic", "vector"}
    rows, columns : int
        Rows and columns of a systolic array; lanes and multipliers per lane of a vector unit.
    """

    kind: str
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.kind not in UNITS:
            raise ValueError(f"kind: expected one of {', '.join(UNITS)}, found {self.kind!r}")
        if self.rows < 1 or self.columns < 1:
            raise ValueError(
                f"rows and columns: expected at least 1 each, found {self.rows} and {self.columns}"
            )

    @property
    def name(self) -> str:
        """Kind and size, such as ``systolic-128x128``."""
        return f"{self.kind}-{self.rows}x{self.columns}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates per cycle."""
        return self.rows * self.columns

    @property
    def lanes(self) -> int:
        """Weights taken in per cycle, and so the number of decoders that deliver one each."""
        return self.columns if self.kind == "systolic" else self.macs

    def cycles(self, outputs: int, inputs: int, tokens: int, throughput: float = 1.0) -> float:
        """Cycles to multiply a weight of ``outputs x inputs`` with `tokens` vectors.

        Each tile takes the longer of loading weights and multiplying; before that, the first tile
        is loaded. Inputs map to the rows of a systolic array and outputs to its columns; outputs
        map to the lanes of a vector unit.

        Parameters
        ----------
        outputs, inputs : int
            Shape of the weight.
        tokens : int
            Number of vectors.
        throughput : float
            Weights per cycle of a decoder, stalls included; see `DecoderRun`.

        Returns
        -------
        float
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
        The code of the weights.
    dtype : str
        A key of `MULTIPLIERS`.
    buffer_bytes : float
        Bytes of all on-chip buffers in the design with dense weights.
    weight_share : float
        Share of the buffers that holds weights.
    decoder : {"canonical", "lookup"}
    fifo_bits, word_bits : int
        Bits of each decoder's FIFO, and of a word of the buffer's port.
    port_share : float
        Width of the port, divided by the width of a port for dense weights. At 1 the buffer stays
        as it is; at the compression ratio the port is as narrow as the codes are on average. Raw
        bit groups count in both widths.
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
            raise ValueError(
                f"weight_share: expected more than 0 and at most 1, found {self.weight_share!r}"
            )
        if not self.code.coded:
            raise ValueError(
                "code: expected at least one bit group with a Huffman code, found none"
            )
        if not self.port_share > 0:
            raise ValueError(f"port_share: expected more than 0, found {self.port_share!r}")

    # -- time ---------------------------------------------------------------------------------

    @property
    def port(self) -> DecoderPort:
        """The port for coded groups: the buffer's port less the raw bits, in whole words."""
        left = self.unit.lanes * (self.code.bits * self.port_share - self.code.raw_bits)
        words = int(left // self.word_bits)
        if words < 1:
            raise ValueError(
                f"port_share={self.port_share:g}: {self.code.raw_bits} raw bits of a weight leave "
                f"no word of {self.word_bits} bits to the decoders"
            )
        return DecoderPort(words, self.word_bits, self.fifo_bits, self.repartition, self.ahead)

    def run(self, words: Words, groups_apart: bool = True) -> DecoderRun:
        """Count the cycles to decode a weight matrix; see `run_decoders`.

        Rows of the matrix go to decoders in turn; each coded bit group has its own stream.

        Parameters
        ----------
        words : array, shape (outputs, inputs)
            The bits of the weights. Outputs that do not fill all decoders evenly are left out.
        groups_apart : bool
            False puts all groups of a weight into one stream.

        Returns
        -------
        DecoderRun
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
        """Bytes of the tables of all decoders; each decoder has its own."""
        each = sum(table_bits(group, self.decoder) for group in self.code.coded)
        return each * self.unit.lanes / 8

    def decoder_area(self) -> dict[str, float]:
        """Area of all decoders by part.

        Returns
        -------
        dict of str to float
            In transistors of logic.
        """
        one = lane_area(self.code, self.fifo_bits, self.circuits, self.decoder)
        return {name: area * self.unit.lanes for name, area in one.items()}

    def base_area(self) -> dict[str, float]:
        """Area of multipliers and buffers in the design with dense weights.

        Returns
        -------
        dict of str to float
            In transistors of logic.
        """
        return {
            "multipliers": self.unit.macs * mac_area(self.dtype, self.circuits),
            "buffers": self.circuits.sram(8 * self.buffer_bytes),
        }

    def area_overhead(self, shrink_buffer: bool = False) -> float:
        """Area that the decoders add, as a share of the design with dense weights.

        Parameters
        ----------
        shrink_buffer : bool
            Whether the weight buffer shrinks so as to hold as many weights as before; otherwise it
            keeps its bytes. With a smaller buffer the overhead may be negative.

        Returns
        -------
        float
        """
        added = sum(self.decoder_area().values())
        base = self.base_area()
        if shrink_buffer:
            saved = 1 - self.code.bits_per_weight / self.code.bits
            added -= base["buffers"] * self.weight_share * saved
        return added / sum(base.values())

    # -- for the simulator ----------------------------------------------------------------------

    def energy_pj_per_weight(self, table: EnergyTable) -> float:
        """Picojoules to decode a weight: writing and reading the FIFO, reading a table, comparing.

        Memories of up to 8 KiB are given the energy of the smallest memory in the energy table, an
        upper bound because they are smaller. For each length, a comparator of a canonical decoder
        counts as an 8-bit multiply-accumulate of the table, an upper bound as well.

        Returns
        -------
        float
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
        """The decoder to pass to `simulate` as ``decoder=``.

        Before each matrix, the tables are loaded through the port into all decoders at once.

        Parameters
        ----------
        table : EnergyTable
        run : DecoderRun, optional
            Counted stalls and start; None assumes none.

        Returns
        -------
        Decoder
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
    """Rearrange bits by group, output and input into bits by decoder and symbol.

    Output o goes to lane ``o mod lanes``; the outputs of a lane follow one another.
    """
    groups, outputs, inputs = lengths.shape
    parted = lengths.reshape(groups, outputs // lanes, lanes, inputs).swapaxes(1, 2)
    made: npt.NDArray[np.int64] = parted.reshape(groups * lanes, -1)
    return made
