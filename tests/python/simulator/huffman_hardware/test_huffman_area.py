"""Area, tables, cycles and energy of a design, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from meadow_py.devices import energy_table
from meadow_py.simulator.huffman_hardware import (
    Circuits,
    HuffmanDesign,
    Unit,
    WeightCode,
    decoder_area,
    mac_area,
    table_bits,
    weight_code,
)


@pytest.fixture(scope="module")
def code() -> WeightCode:
    """Exponents 1, 2, 3 with codes of 1, 2 and 2 bits; sign and mantissa random, raw."""
    rng = np.random.default_rng(0)
    exponents = np.repeat(np.array([1, 2, 3], np.uint16), [32768, 16384, 16384])
    noise = rng.integers(0, 2, 65536, np.uint16) << 15 | rng.integers(0, 128, 65536, np.uint16)
    return weight_code((exponents << 7 | noise).reshape(64, 1024), (1, 8, 7))


CIRCUITS = Circuits().with_(
    full_adder=10,
    flip_flop=8,
    multiplexer=2,
    gate=1,
    sram_bit=6,
    sram_density=3,
    sram_periphery=1.5,
    table_periphery=2,
)


def test_tables_by_hand(code: WeightCode) -> None:
    (exponent,) = code.coded
    # 3 symbols of 8 bits; 2 lengths with a first code of 2 bits and a count of up to 3: 2 bits.
    assert table_bits(exponent, "canonical") == 3 * 8 + 2 * (2 + 2)
    # 4 patterns with a symbol of 8 bits and a length of up to 2: 2 bits.
    assert table_bits(exponent, "lookup") == 4 * (8 + 2)
    with pytest.raises(ValueError, match="tree"):
        table_bits(exponent, "tree")


def test_a_decoder_by_hand(code: WeightCode) -> None:
    (exponent,) = code.coded
    area = decoder_area(exponent, 32, CIRCUITS, "canonical")
    assert area["fifo"] == 32 * 8
    # A shifter of 2 bits over 32 places, 5 steps; a position of 5 bits.
    assert area["aligner"] == 2 * 5 * 2 + 5 * (10 + 8)
    assert area["table"] == 32 * 6 / 3 * 2
    # Two comparators of 2 bits, an address of 2 bits, one of two lengths chosen.
    assert area["match"] == 2 * 2 * 10 + 2 * 10 + 2 * 2 * 2
    assert decoder_area(exponent, 32, CIRCUITS, "lookup")["match"] == 0


def test_multipliers_by_hand() -> None:
    # 64 gates, 56 adders, a sum of 32 bits; registers of 8 + 8 + 32.
    assert mac_area("I8", CIRCUITS) == 64 + 56 * 10 + 32 * 10 + 48 * 8
    # 64 gates, 56 adders, a sum of 24; registers of 16 + 16 + 24 + 8; two exponent adders of 8;
    # two shifters of 24 bits and 5 steps.
    expected = 64 + 56 * 10 + 24 * 10 + 64 * 8 + 2 * 8 * 10 + 2 * 24 * 5 * 2
    assert mac_area("BF16", CIRCUITS) == expected
    assert mac_area("F16", CIRCUITS) > expected
    with pytest.raises(ValueError, match="F64"):
        mac_area("F64", CIRCUITS)


def test_overhead_by_hand(code: WeightCode) -> None:
    design = HuffmanDesign(
        Unit("systolic", 4, 8), code, "BF16", 1024, fifo_bits=32, circuits=CIRCUITS
    )
    decoders = 8 * (256 + 110 + 128 + 68)
    base = 32 * mac_area("BF16", CIRCUITS) + 8192 * 6 / 3 * 1.5
    assert sum(design.decoder_area().values()) == decoders
    assert design.area_overhead() == pytest.approx(decoders / base)
    saved = 8192 * 6 / 3 * 1.5 * 0.5 * (1 - code.bits_per_weight / 16)
    assert design.area_overhead(shrink_buffer=True) == pytest.approx((decoders - saved) / base)
    assert design.table_bytes == 8 * 32 / 8


def test_a_vector_unit_needs_a_decoder_for_every_multiplier(code: WeightCode) -> None:
    systolic, vector = (
        HuffmanDesign(Unit(kind, 16, 32), code, "BF16", 1 << 16) for kind in ("systolic", "vector")
    )
    assert (systolic.unit.lanes, vector.unit.lanes) == (32, 512)
    assert vector.area_overhead() == pytest.approx(16 * systolic.area_overhead())


def test_cycles_of_a_product_by_hand() -> None:
    systolic, vector = Unit("systolic", 4, 8), Unit("vector", 4, 8)
    # 16 inputs over 4 rows, 16 outputs over 8 columns: 8 tiles. One token: loading takes 4 cycles.
    assert systolic.cycles(16, 16, 1) == 4 + 8 * 4
    assert systolic.cycles(16, 16, 10) == 4 + 8 * 10
    # With stalls, half as many weights per cycle.
    assert systolic.cycles(16, 16, 1, 0.5) == 8 + 8 * 8
    assert systolic.cycles(16, 16, 10, 0.5) == 8 + 8 * 10
    # 16 outputs over 4 lanes, 16 inputs over 8: 8 tiles, each loaded in a cycle.
    assert vector.cycles(16, 16, 1) == 1 + 8
    assert vector.cycles(16, 16, 10) == 1 + 80


def test_the_port_is_what_raw_bits_leave(code: WeightCode) -> None:
    # 8 lanes of 16 bits less 8 raw ones: 64 bits, 4 words.
    design = HuffmanDesign(Unit("systolic", 4, 8), code, "BF16", 1024)
    assert code.raw_bits == 8
    assert design.port.words_per_cycle == 4
    narrow = HuffmanDesign(Unit("systolic", 4, 8), code, "BF16", 1024, port_share=0.65)
    assert narrow.port.words_per_cycle == 1
    with pytest.raises(ValueError, match="port_share"):
        _ = HuffmanDesign(Unit("systolic", 4, 8), code, "BF16", 1024, port_share=0.5).port


def test_what_the_simulator_is_told(code: WeightCode) -> None:
    design = HuffmanDesign(Unit("systolic", 4, 8), code, "BF16", 1024)
    table = energy_table("lpddr4")
    words = np.tile((np.array([1, 2], np.uint16) << 7), (8, 100))
    run = design.run(words)
    unit = design.packed_decoder(table, run)
    assert unit.weights_per_cycle == 8 * run.throughput
    # A table of 256 lengths of 8 bits through 4 words of 16.
    assert unit.start_cycles == run.start_cycles + 32
    assert unit.on_chip_compressed
    # FIFO in and out, 1.5 bits each; the table's 8 bits and a length of 2; 2 comparators.
    smallest = table.on_chip_pj_per_bit[0][1].value
    expected = smallest * (2 * 1.5 + 10) + 2 * table.mac(8).value
    assert unit.energy_pj_per_weight == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decoder": "tree"}, "tree"),
        ({"weight_share": 0}, "weight_share"),
        ({"port_share": 0}, "port_share"),
    ],
)
def test_bad_designs_are_refused(
    code: WeightCode, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        HuffmanDesign(Unit("systolic", 4, 8), code, "BF16", 1024, **arguments)  # type: ignore[arg-type]


def test_bad_units_circuits_and_codes_are_refused(code: WeightCode) -> None:
    with pytest.raises(ValueError, match="kind"):
        Unit("scalar", 1, 1)
    with pytest.raises(ValueError, match="at least 1"):
        Unit("vector", 0, 1)
    with pytest.raises(ValueError, match="half_adder"):
        Circuits().with_(half_adder=1)
    with pytest.raises(ValueError, match="gate"):
        Circuits().with_(gate=0)
    noise = np.random.default_rng(1).integers(0, 65536, 256, np.uint16)
    with pytest.raises(ValueError, match="at least one bit group with a Huffman code"):
        HuffmanDesign(Unit("vector", 1, 1), weight_code(noise, (8, 8)), "BF16", 1024)
    with pytest.raises(ValueError, match="expected at least 8 rows"):
        HuffmanDesign(Unit("systolic", 4, 8), code, "BF16", 1024).run(noise.reshape(1, 256))
