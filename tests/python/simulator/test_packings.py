"""Packings: ratios, and measured bytes of a profile."""

from __future__ import annotations

import numpy as np
import pytest

import meadow_py as mp
from meadow_py import demo
from meadow_py.simulator import ProfilePacking, packing_of, simulate


@pytest.fixture(scope="module")
def profile() -> mp.Profile:
    return mp.profile(demo.folder(), bits=(8,), granularity=("tensor",), chunk_sizes=(2, 4))


def test_ratios() -> None:
    for packing in ("1.5x", 1.5, "1.50X"):
        made = packing_of(packing)
        assert made.weight(0, "mlp.up", 300, 8).moved_bytes == 200
    assert packing_of(None).weight(0, "mlp.up", 300, 4).moved_bytes == 150


@pytest.mark.parametrize("codec", ["dense", "naive", "reindexed", "huffman", "storage"])
def test_bytes_of_a_profile_are_what_is_moved(profile: mp.Profile, codec: str) -> None:
    made = simulate(
        demo.folder(), device="zcu102", packing=codec, profile=profile, chunk_size=2, prompt=4
    )
    ledgers = {
        w.name: next(p for p in w.packings if p.chunk_size == 2).ledgers[codec]
        for w in profile.weights
    }
    blocks = sum(ledgers[w.name].total / 8 for w in profile.weights if w.layer is not None)
    rows = [row for row in made.decode.layers if row.name.startswith("layers.")]
    assert sum(row.weight_bytes for row in rows) == pytest.approx(blocks)
    assert made.packing == codec


def test_the_dictionary_is_traffic_and_memory(profile: mp.Profile) -> None:
    packed = ProfilePacking.of(profile, "naive", chunk_size=4)
    weight = next(w for w in profile.weights if w.role == "mlp.up" and w.layer == 0)
    packing = next(p for p in weight.packings if p.chunk_size == 4)
    found = packed.weight(0, "mlp.up", weight.count, 8)
    assert found.table_bytes == packing.ledgers["naive"].dictionary / 8 > 0
    assert found.on_chip_table_bytes == packing.dictionary_bytes
    assert found.moved_bytes == packing.ledgers["naive"].total / 8


def test_the_best_chunk_size_is_taken(profile: mp.Profile) -> None:
    totals = {
        size: sum(
            p.ledgers["reindexed"].total
            for w in profile.weights
            for p in w.packings
            if p.chunk_size == size
        )
        for size in (2, 4)
    }
    best, chosen = min(totals, key=totals.__getitem__), ProfilePacking.of(profile, "reindexed")
    assert chosen == ProfilePacking.of(profile, "reindexed", chunk_size=best)


def test_a_tied_head_is_the_embedding(profile: mp.Profile) -> None:
    packed = ProfilePacking.of(profile, "huffman")
    shape = mp.workload.shape_of(demo.folder())
    head = packed.weight(None, "head", shape.head_weights, 8)
    assert head.moved_bytes < shape.head_weights


def test_another_model_is_refused(profile: mp.Profile) -> None:
    with pytest.raises(ValueError, match="another model"):
        simulate("opt-125m", device="zcu102", packing="huffman", profile=profile)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codec": "zip"}, "zip"),
        ({"codec": "naive", "bits": 4}, "4 bits"),
        ({"codec": "naive", "granularity": "row"}, "row"),
        ({"codec": "naive", "chunk_size": 3}, "chunk size .* found 3"),
    ],
)
def test_what_a_profile_lacks_is_refused(
    profile: mp.Profile, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ProfilePacking.of(profile, **arguments)


def test_stored_floats(profile: mp.Profile) -> None:
    packed = ProfilePacking.of(profile, "stored.storage")
    weight = next(w for w in profile.weights if w.role == "mlp.down" and w.layer == 0)
    found = packed.weight(0, "mlp.down", weight.count, 16)
    assert found.moved_bytes == pytest.approx(weight.stored.ledgers["storage"].total / 8)
    codes = mp.profile({"layers.0.fc1.weight": np.zeros((8, 8), np.int8)}, chunk_sizes=(2,))
    with pytest.raises(ValueError, match="floats"):
        ProfilePacking.of(codes, "stored.huffman")
