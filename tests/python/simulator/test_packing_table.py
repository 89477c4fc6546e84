"""Which packing on which device: every figure of the table worked out again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import meadow_py as mp
from meadow_py import demo
from meadow_py.simulator import (
    Decoder,
    PackingRow,
    ProfilePacking,
    Ratio,
    packing_table,
    simulate,
)


@pytest.fixture(scope="module")
def profile() -> mp.Profile:
    return mp.profile(demo.folder(), bits=(8,), granularity=("tensor",), chunk_sizes=(2,))


@pytest.fixture(scope="module")
def table(profile: mp.Profile) -> mp.simulator.PackingTable:
    return packing_table(demo.folder(), profile, devices=["zcu102", "raspberry-pi-5"], prompt=16)


def test_one_row_for_every_device_and_packing(table: mp.simulator.PackingTable) -> None:
    names = ["none", "naive", "packets", "reindexed", "huffman", "storage"]
    expected = [(d, p) for d in ("zcu102", "raspberry-pi-5") for p in names]
    assert [(row.device, row.packing) for row in table] == expected
    assert table.profiled_share == 1
    assert list(table.to_dataframe().columns) == list(table.to_dict()["rows"][0])


def test_rows_are_what_simulate_says(table: mp.simulator.PackingTable, profile: mp.Profile) -> None:
    dense = simulate(demo.folder(), device="zcu102", prompt=16)
    made = simulate(demo.folder(), device="zcu102", prompt=16, packing="huffman", profile=profile)
    row = next(row for row in table if (row.device, row.packing) == ("zcu102", "huffman"))
    assert row.decode_s_per_token == made.decode.seconds
    assert row.speedup == pytest.approx(dense.decode.seconds / made.decode.seconds)
    assert row.energy_per_token_j == made.decode.energy.total.typical


def test_bits_and_tables_are_the_ledgers(
    table: mp.simulator.PackingTable, profile: mp.Profile
) -> None:
    used = [w for w in profile.weights if w.layer is not None or w.name.endswith("tokens.weight")]
    ledgers = [w.packings[0].ledgers["naive"] for w in used]
    row = next(row for row in table if row.packing == "naive")
    values = sum(w.count for w in used)
    assert row.bits_per_weight == pytest.approx(sum(b.total for b in ledgers) / values)
    assert row.table_bytes == pytest.approx(sum(b.dictionary for b in ledgers) / 8)
    assert row.on_chip_table_bytes == max(w.packings[0].dictionary_bytes for w in used)


def test_a_decoder_as_fast_as_the_memory_costs_nothing(profile: mp.Profile) -> None:
    def made(unit: Decoder | None) -> PackingRow:
        units = None if unit is None else {"huffman": unit}
        return packing_table(
            demo.folder(), profile, devices=["raspberry-pi-5"], packings=["huffman"], decoders=units
        ).rows[-1]

    free = made(None)
    # A little faster than on average: rows of the table differ in their bits per weight.
    enough = made(Decoder(weights_per_second=1.3 * free.decoder_weights_per_s))
    slow = made(Decoder(weights_per_second=free.decoder_weights_per_s / 4))
    assert enough.decode_s_per_token == pytest.approx(free.decode_s_per_token)
    assert enough.decoder_bound_share == 0
    assert slow.decode_s_per_token > 1.5 * free.decode_s_per_token
    assert slow.decoder_bound_share > 0.8


def test_ratios_need_no_profile() -> None:
    table = packing_table("opt-125m", devices=["zcu102"], packings=["2x", Ratio(4.0)], prompt=8)
    assert [row.bits_per_weight for row in table] == pytest.approx([8, 4, 2])
    assert table.profiled_share == 0
    assert table.best("zcu102").packing == "4x"


def test_weights_that_were_not_profiled(profile: mp.Profile) -> None:
    part = [w for w in profile.weights if w.role.startswith("attention.") and w.layer == 0]
    some = dataclasses.replace(profile, weights=tuple(part))
    dense = packing_table(demo.folder(), some, devices=["zcu102"], packings=["huffman"], head=False)
    mean = packing_table(
        demo.folder(), some, devices=["zcu102"], packings=["huffman"], head=False, unprofiled="mean"
    )
    measured = sum(w.packings[0].ledgers["huffman"].total for w in part)
    values = sum(w.count for w in part)
    total = sum(w.count for w in profile.weights if w.layer is not None)
    assert mean.profiled_share == dense.profiled_share == pytest.approx(values / total)
    assert mean.rows[-1].bits_per_weight == pytest.approx(measured / values)
    assert dense.rows[-1].bits_per_weight == pytest.approx(
        (measured + 8 * (total - values)) / total
    )


def test_the_text_says_what_is_measured(table: mp.simulator.PackingTable) -> None:
    text = repr(table)
    assert "bytes of 100% of the weights measured" in text
    assert "storage" in text
    ratios = packing_table("opt-125m", devices=["zcu102"], packings=["2x"])
    assert "nothing measured" in repr(ratios)


def test_planes_are_what_products_read() -> None:
    values = np.random.default_rng(1).normal(0, 0.02, (128, 256)).astype(np.float32)
    import ml_dtypes

    weights = {"model.layers.0.mlp.up_proj.weight": values.astype(ml_dtypes.bfloat16)}
    measured = mp.profile(weights, measure=True, chunk_sizes=(2,))
    found = ProfilePacking.of(measured, "planes").weight(0, "mlp.up", values.size, 16)
    assert found.moved_bytes == measured.weights[0].products.packed_nbytes < 2 * values.size
    with pytest.raises(ValueError, match="not measured"):
        ProfilePacking.of(mp.profile(weights, chunk_sizes=(2,)), "planes")


def test_other_bits_than_those_of_the_profile_are_refused(profile: mp.Profile) -> None:
    packed = ProfilePacking.of(profile, "stored.huffman")
    with pytest.raises(ValueError, match="precision"):
        simulate(demo.folder(), device="raspberry-pi-5", packing=packed, precision="w8a8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "packings"),
        ({"devices": [], "packings": ["2x"]}, "devices"),
        ({"packings": ["2x"], "decoders": {"3x": Decoder()}}, "3x"),
        ({"packings": ["huffman"]}, "profile"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        packing_table("opt-125m", **{"devices": ["zcu102"], **arguments})
