"""Sizes from a profile: every codec a row, tables counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

import meadow_py as mp
from meadow_py import demo
from meadow_py.planner.model_forms import stored_weights
from meadow_py.workload import shape_of


@pytest.fixture(scope="module")
def profile() -> mp.Profile:
    return mp.profile(demo.folder(), bits=(8,), granularity=("tensor",), chunk_sizes=(2, 4))


@pytest.fixture(scope="module")
def made(profile: mp.Profile) -> mp.Plan:
    return mp.plan(demo.folder(), "stm32h743", profile=profile, context=64, prompt=16)


def test_a_row_for_every_codec(made: mp.Plan) -> None:
    names = [option.packing for option in made.options]
    assert names == [
        f"{codec}, tensor"
        for codec in ("dense", "naive", "packets", "reindexed", "huffman", "storage")
    ]
    assert {option.size_source for option in made.options} == {"profile"}
    assert not any("nominal" in note for note in made.notes)
    assert len({option.footprint.file for option in made.options}) == len(names)


def test_sizes_are_those_of_the_profile(made: mp.Plan, profile: mp.Profile) -> None:
    shape = shape_of(demo.folder())
    counted = sum(weight.count for weight in profile.weights)
    left_out = max(stored_weights(shape) - counted, 0)
    assert made.options
    for option in made.options:
        codec = option.packing.split(",")[0]
        by_chunk = {
            size: sum(
                weight.count * packing.bits_per_weight[codec] / 8
                for weight in profile.weights
                for packing in weight.packings
                if packing.chunk_size == size
            )
            for size in (2, 4)
        }
        assert option.footprint.file == pytest.approx(min(by_chunk.values()) + left_out)


def test_packed_weights_are_read_faster(made: mp.Plan) -> None:
    dense, best = made.options[0], min(made.options, key=lambda o: o.footprint.file)
    assert best.footprint.file < dense.footprint.file
    flash = [option.storages[1].read_s.typical for option in (dense, best)]
    share = best.footprint.file / dense.footprint.file
    assert flash[1] / flash[0] == pytest.approx(share)


def test_the_storage_codec_is_decoded_when_loaded(made: mp.Plan, profile: mp.Profile) -> None:
    dense, *_, storage = mp.plan(demo.folder(), "raspberry-pi-5", profile=profile).options
    assert storage.packing == "storage, tensor"
    assert storage.footprint.weights == dense.footprint.weights
    assert storage.footprint.file < dense.footprint.file
    assert storage.tokens_per_s == dense.tokens_per_s
    assert storage.first_token_s is not None
    assert dense.first_token_s is not None
    assert storage.first_token_s.typical < dense.first_token_s.typical
    assert any("decoded when weights are loaded" in note for note in made.notes)


def test_activations_beside_codes(profile: mp.Profile) -> None:
    made = mp.plan(demo.folder(), "raspberry-pi-5", profile=profile, activation_bits=16)
    assert str(made.options[0].precision) == "w8a16"


def test_a_profile_of_another_model(profile: mp.Profile) -> None:
    from test_plan_places import TINY

    with pytest.raises(
        ValueError,
        match="must be of tiny, which has 90112 weights, not of",
    ):
        mp.plan(TINY, "raspberry-pi-5", profile=profile)


def test_a_file_of_known_size() -> None:
    made = mp.plan(demo.folder(), "raspberry-pi-5", weight_bytes=1e6)
    (option,) = made.options
    assert (option.packing, option.size_source) == ("as stored", "given")
    assert option.footprint.weights == 1e6


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"precisions": []}, "at least one"),
        ({"precisions": ["int4"]}, "precision: expected"),
        ({"prompt": 0}, "prompt=0"),
        ({"batch": 0}, "batch=0"),
        ({"context": -1}, "context=-1"),
        ({"context": 4, "prompt": 8}, "at least the 8 tokens"),
        ({"context": 4096}, "at most 2048"),
        ({"weight_bytes": 0}, "weight_bytes=0"),
        ({"weight_bytes": float("nan")}, "weight_bytes=nan"),
        ({"bandwidth": "12"}, "unit is missing"),
        ({"read_efficiency": 0}, "read_efficiency=0"),
        ({"usable_memory": 1.5}, "usable_memory=1.5"),
        ({"usable_memory": float("nan")}, "value is nan"),
    ],
)
def test_arguments_out_of_range(options: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        mp.plan("opt-125m", "raspberry-pi-5", **options)  # type: ignore[arg-type]


def test_unknown_models_and_devices() -> None:
    with pytest.raises(ValueError, match="no such device"):
        mp.plan("opt-125m", "abacus")
    with pytest.raises(OSError, match="no-such-model"):
        mp.plan("./no-such-model", "raspberry-pi-5")


def test_a_profile_with_a_few_more_weights_is_named_in_the_notes(profile: mp.Profile) -> None:
    shape = shape_of(demo.folder())
    counted = sum(weight.count for weight in profile.weights)
    fewer = replace(
        shape, vocab=shape.vocab - 1 - (stored_weights(shape) - counted) // shape.hidden
    )
    more = counted - stored_weights(fewer)
    assert 0 < more < 0.05 * counted
    notes = mp.plan(fewer, "zcu102", profile=profile, context=64, prompt=16).notes
    assert any(f"{more} weights more than the {stored_weights(fewer)}" in note for note in notes)
    same = mp.plan(shape, "zcu102", profile=profile, context=64, prompt=16).notes
    assert any("weights more" in note for note in same) == (counted > stored_weights(shape))
