"""Area of decoders, of the array that they feed and of its buffers, counted in transistors.

No source at hand gives the area of Huff-LLM's decoders, array or buffers, or its process. So every
part is built from textbook circuits and counted in transistors of static CMOS (N. Weste and
D. Harris, CMOS VLSI Design, 4th edition, chapters 11 and 12); a ratio of areas needs no process.
How much denser SRAM is than logic is an assumption with a range, as is every other number of
`Circuits`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from meadow_py.devices import Quantity
from meadow_py.simulator.huffman_hardware.codes import GroupCode, WeightCode

DECODERS = ("canonical", "lookup")


_ASSUMED = {
    "full_adder": Quantity(28, 24, 36, "mirror adder: 28; others from 24 to 36", "assumed"),
    "flip_flop": Quantity(24, 16, 30, "two latches, clock buffers and reset differ", "assumed"),
    "multiplexer": Quantity(6, 4, 12, "two transmission gates and an inverter: 6", "assumed"),
    "gate": Quantity(6, 4, 6, "AND: 6, NAND: 4", "assumed"),
    "sram_bit": Quantity(6, 6, 8, "6T cell; 8T with a read port of its own", "assumed"),
    "sram_density": Quantity(3, 1, 4, "no source at hand; 1: SRAM as dense as logic", "assumed"),
    "sram_periphery": Quantity(1.3, 1.1, 2, "no source at hand", "assumed"),
    "table_periphery": Quantity(
        2, 1.3, 4, "no source at hand; small memories are worse", "assumed"
    ),
}


@dataclass(frozen=True)
class Circuits:
    """Transistors of each circuit, and how they add up to area; all assumptions.

    Attributes
    ----------
    full_adder, flip_flop, multiplexer, gate : Quantity
        Transistors per bit of an adder or comparator, of a register and of a 2-to-1 multiplexer,
        and transistors of a gate with two inputs.
    sram_bit : Quantity
        Transistors of a bit of memory.
    sram_density : Quantity
        Number of SRAM transistors that take the area of one transistor of logic.
    sram_periphery : Quantity
        Area of a memory with its decoders and amplifiers, divided by the area of its cells.
    table_periphery : Quantity
        The same ratio for a decoder's table, which is small.
    """

    full_adder: Quantity = _ASSUMED["full_adder"]
    flip_flop: Quantity = _ASSUMED["flip_flop"]
    multiplexer: Quantity = _ASSUMED["multiplexer"]
    gate: Quantity = _ASSUMED["gate"]
    sram_bit: Quantity = _ASSUMED["sram_bit"]
    sram_density: Quantity = _ASSUMED["sram_density"]
    sram_periphery: Quantity = _ASSUMED["sram_periphery"]
    table_periphery: Quantity = _ASSUMED["table_periphery"]

    def with_(self, **values: float) -> Circuits:
        """A copy with other values.

        Returns
        -------
        Circuits

        Raises
        ------
        ValueError
            For an unknown name, or a value that is not positive.
        """
        known = [field.name for field in fields(self)]
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown value {name}: expected one of {', '.join(known)}")
            if not 0 < value < math.inf:
                raise ValueError(f"{name}: expected a positive number, found {value!r}")
        return replace(self, **{name: Quantity.given(value) for name, value in values.items()})

    def sram(self, bits: float) -> float:
        """Area of a memory of `bits` bits, in transistors of logic.

        Returns
        -------
        float
        """
        return bits * self.sram_bit.value / self.sram_density.value * self.sram_periphery.value

    def small_table(self, bits: float) -> float:
        """Area of a decoder's table of `bits` bits, in transistors of logic.

        Returns
        -------
        float
        """
        return bits * self.sram_bit.value / self.sram_density.value * self.table_periphery.value


def table_bits(code: GroupCode, decoder: str = "canonical") -> int:
    """Bits of memory in the decoder of one bit group.

    A ``canonical`` decoder holds the symbols in the order of their codes and, for every length
    from 1 to the longest, the first code and the number of codes (A. Moffat and A. Turpin, On the
    implementation of minimum redundancy prefix codes, IEEE Trans. Communications 45(10), 1997).
    A ``lookup`` decoder holds a symbol and a code length for each pattern of `longest` bits.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        For an unknown decoder.
    """
    longest = code.longest
    if decoder == "canonical":
        return code.entries * code.width + longest * (longest + code.entries.bit_length())
    if decoder == "lookup":
        return (1 << longest) * (code.width + longest.bit_length())
    raise ValueError(f"decoder: expected one of {', '.join(DECODERS)}, found {decoder!r}")


def decoder_area(
    code: GroupCode, fifo_bits: int, circuits: Circuits, decoder: str = "canonical"
) -> dict[str, float]:
    """Area of one decoder of one bit group, which delivers a symbol per cycle, by part.

    ``fifo``: a register for each bit. ``aligner``: a barrel shifter that brings the next `longest`
    bits of the FIFO to the front, and the adder of its position. ``table``: the memory of
    `table_bits`. ``match``, in a canonical decoder: a comparator for every length, the adder of
    the table's address, and the selection of the length.

    Returns
    -------
    dict
        Area by part, in transistors of logic.
    """
    steps = max(1, math.ceil(math.log2(fifo_bits)))
    adder, choice = circuits.full_adder.value, circuits.multiplexer.value
    longest = code.longest
    match = 0.0
    if decoder == "canonical":
        address = max(1, code.entries.bit_length())
        match = longest * longest * adder + address * adder + longest * address * choice
    return {
        "fifo": fifo_bits * circuits.flip_flop.value,
        "aligner": longest * steps * choice + steps * (adder + circuits.flip_flop.value),
        "table": circuits.small_table(table_bits(code, decoder)),
        "match": match,
    }


def lane_area(
    code: WeightCode, fifo_bits: int, circuits: Circuits, decoder: str = "canonical"
) -> dict[str, float]:
    """Area, by part, of the decoders that deliver one weight per cycle: one per coded bit group."""
    parts: dict[str, float] = {}
    for group in code.coded:
        for name, area in decoder_area(group, fifo_bits, circuits, decoder).items():
            parts[name] = parts.get(name, 0.0) + area
    return parts


@dataclass(frozen=True)
class Multiplier:
    """Widths of a multiply-accumulate unit.

    Attributes
    ----------
    significand : int
        Bits that are multiplied; for floats, including the hidden bit.
    exponent : int
        Bits of the exponent; 0 for integers.
    accumulator : int
        Bits of the sum; for floats, of its significand.
    bits : int
        Bits of an operand.
    """

    significand: int
    exponent: int
    accumulator: int
    bits: int


MULTIPLIERS = {
    "BF16": Multiplier(8, 8, 24, 16),
    "F16": Multiplier(11, 5, 24, 16),
    "I8": Multiplier(8, 0, 32, 8),
}
"""FP32 sums for floats, INT32 for integers: an assumption, the usual choice."""


def mac_area(dtype: str, circuits: Circuits) -> float:
    """Area of one multiply-accumulate unit with the registers of both operands and of the sum.

    The unit is an array multiplier (n^2 gates, n (n - 1) full adders). Floats also need the sum of
    exponents, and the alignment and normalisation of the sum (a barrel shifter each).

    Returns
    -------
    float
        In transistors of logic.

    Raises
    ------
    ValueError
        For a dtype that `MULTIPLIERS` lacks.
    """
    if dtype not in MULTIPLIERS:
        raise ValueError(f"dtype: expected one of {', '.join(MULTIPLIERS)}, found {dtype!r}")
    m = MULTIPLIERS[dtype]
    n, adder = m.significand, circuits.full_adder.value
    area = n * n * circuits.gate.value + n * (n - 1) * adder + m.accumulator * adder
    exponent_bits = 8 if m.exponent else 0  # the sum is FP32
    registers = 2 * m.bits + m.accumulator + exponent_bits
    area += registers * circuits.flip_flop.value
    if m.exponent:
        shifter = m.accumulator * math.ceil(math.log2(m.accumulator)) * circuits.multiplexer.value
        area += 2 * exponent_bits * adder + 2 * shifter
    return area


def circuit_rows(circuits: Circuits) -> list[dict[str, Any]]:
    """Every assumption with its range and reason."""
    return [
        {"name": field.name, **getattr(circuits, field.name).to_dict()}
        for field in fields(circuits)
    ]
