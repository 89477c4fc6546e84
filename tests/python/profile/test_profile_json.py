"""The JSON contract, and profiles on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import meadow_py as mp
from meadow_py import FormatError

UP, NORM = "model.decoder.layers.0.fc1.weight", "model.decoder.layers.0.final_layer_norm.weight"


@pytest.fixture(scope="module")
def made() -> mp.Profile:
    random = np.random.default_rng(5)
    return mp.profile(
        {
            UP: random.standard_normal((16, 24)).astype(np.float32),
            "zeros": np.zeros((4, 6), np.float64),
            "codes": random.integers(-9, 9, (4, 6)).astype(np.int8),
            NORM: np.ones(24, np.float32),
        },
        granularity=("tensor", "group:8"),
        chunk_sizes=(2, 3),
    )


def test_the_contract(made: mp.Profile) -> None:
    data = json.loads(made.to_json())
    assert data["version"] == 1
    assert data["model"] == "arrays"
    by_name = {weight["name"]: weight for weight in data["weights"]}
    weight = by_name[UP]
    assert (weight["role"], weight["shape"], weight["dtype"]) == ("mlp.up", [16, 24], "F32")
    assert (weight["layer"], weight["content_dtype"]) == (0, "F32")
    assert set(weight["floors"]) == {"symbol", "fields", "joint"}
    packing = weight["packings"][3]
    assert (packing["bits"], packing["granularity"], packing["chunk_size"]) == (8, "group:8", 3)
    assert packing["quantizer"] == "int8:group:8"
    assert by_name["codes"]["packings"][0]["quantizer"] == "stored"
    assert data["settings"]["quantizers"] == ["int8:tensor", "int8:group:8"]
    assert {"unique_chunks", "reduction_ratio", "snr_db"} <= set(packing)
    assert {"length", "mode_bits", "widths"} <= set(packing["packet"])
    assert {
        *("dense", "floor_symbol", "floor_chunk", "index_only"),
        *("naive", "packets", "reindexed", "plain_huffman", "huffman", "storage", "scales"),
    } == set(packing["bits_per_weight"])


def test_it_is_strict_json(made: mp.Profile) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads(made.to_json(), parse_constant=refuse)
    assert data == json.loads(json.dumps(made.to_dict(), allow_nan=False))
    exact = [p["snr_db"] for w in data["weights"] if w["name"] != UP for p in w["packings"]]
    assert set(exact) == {None}


def test_tensors_that_are_no_matrices_are_totalled(made: mp.Profile) -> None:
    assert made.model.tensors == 4
    assert (made.model.other_tensors, made.model.other_values) == (1, 24)


def test_saved_and_loaded_is_equal(made: mp.Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    made.save(path)
    again = mp.Profile.load(path)
    assert again == made
    assert again.seconds == made.seconds
    assert repr(again) == repr(made)
    assert [entry.name for entry in tmp_path.iterdir()] == ["profile.json"]


def test_a_failed_save_leaves_what_was_there(
    made: mp.Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "profile.json"
    path.write_text("before")
    monkeypatch.setattr("os.fsync", _disk_full)
    with pytest.raises(OSError, match="disk full"):
        made.save(path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def _disk_full(_: int) -> None:
    raise OSError("disk full")


def test_a_folder_that_is_not_there(made: mp.Profile, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        made.save(tmp_path / "nowhere" / "profile.json")
    with pytest.raises(FileNotFoundError):
        mp.Profile.load(tmp_path / "profile.json")


def test_keys_of_later_versions_are_ignored(made: mp.Profile, tmp_path: Path) -> None:
    data = made.to_dict()
    data["host"]["later"] = 1
    data["weights"][0]["packings"][0]["bits_per_weight"]["later"] = 5.5
    data["weights"][0]["packings"][0]["packet"]["later"] = 1
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(data))
    loaded = mp.Profile.load(path)
    assert loaded.weights[0].packings[0].bits_per_weight["later"] == 5.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a profile"),
        ('{"version": 1}', "not a profile"),
        ('{"version": 2, "weights": []}', "version 2, but this library reads version 1: update"),
        ('{"version": "1", "weights": []}', "version '1'"),
        ('{"version": 1, "weights": []}', "damaged profile: .* must have the key 'model_info'"),
    ],
)
def test_files_that_are_no_profiles(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        mp.Profile.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not JSON"):
        mp.Profile.load(path)


_OPTIONAL = {
    *("layer", "content_dtype", "values", "growth"),
    *("stored", "products", "huffman", "storage_coding", "quantizer"),
}


def test_every_missing_or_wrong_value_is_a_format_error(made: mp.Profile, tmp_path: Path) -> None:
    """Entries of the first weight and its first packing, removed or replaced one by one."""
    path = tmp_path / "profile.json"
    data = made.to_dict()
    weight = data["weights"][0]
    for owner in (weight, weight["packings"][0], weight["packings"][0]["packet"]):
        for key in set(owner) - _OPTIONAL:
            kept = owner[key]
            del owner[key]
            _expect_damage(path, data)
            owner[key] = {"nonsense": "x"}
            _expect_damage(path, data)
            owner[key] = kept
    weight["packings"][0]["bits_per_weight"]["naive"] = float("nan")
    _expect_damage(path, data)


def test_files_that_name_no_quantizers(made: mp.Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    for symmetric in (True, False):
        again = made
        if not symmetric:
            weights = {UP: np.arange(24, dtype=np.float32).reshape(4, 6)}
            again = mp.profile(weights, symmetric=False, chunk_sizes=2)
        data = again.to_dict()
        del data["settings"]["quantizers"]
        for weight in data["weights"]:
            for packing in weight["packings"]:
                del packing["quantizer"]
        path.write_text(json.dumps(data))
        assert mp.Profile.load(path) == again


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quantizer", {"nonsense": "x"}),
        ("quantizer", None),
        ("quantizer", "int8:row"),  # of other granularity
        ("quantizer", "int4:tensor"),
        ("quantizer", "INT8:tensor"),  # not as results spell it
        ("granularity", None),
        ("bits", 4),
    ],
)
def test_a_quantizer_that_contradicts_what_is_derived_from_it(
    made: mp.Profile, tmp_path: Path, key: str, value: object
) -> None:
    data = made.to_dict()
    packing = data["weights"][0]["packings"][0]
    assert packing["quantizer"] == "int8:tensor"
    packing[key] = value
    _expect_damage(tmp_path / "profile.json", data)


def test_damaged_values_and_growth(made: mp.Profile, tmp_path: Path) -> None:
    for key in ("low", "std", "step", "first", "counts"):
        data = made.to_dict()
        data["weights"][0]["values"][key] = {"nonsense": "x"}
        _expect_damage(tmp_path / "profile.json", data)
    data = made.to_dict()
    data["weights"][0]["packings"][0]["growth"] = [[1, 2, 3]]
    _expect_damage(tmp_path / "profile.json", data)


def test_files_from_before_plots(made: mp.Profile, tmp_path: Path) -> None:
    """Version 1 without the keys that were added to it."""
    data = made.to_dict()
    for weight in data["weights"]:
        del weight["values"]
        for packing in weight["packings"]:
            del packing["growth"], packing["bits_per_weight"]["plain_huffman"]
            del packing["ledgers"]["plain_huffman"]
            for book in packing["ledgers"].values():
                del book["tables"]
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(data))
    loaded = mp.Profile.load(path).weights[0]
    assert (loaded.values, loaded.packings[0].growth) == (None, ())
    figures = loaded.packings[0].bits_per_weight
    assert figures["plain_huffman"] == figures["floor_symbol"] + figures["scales"]


def test_files_from_before_the_storage_codec(made: mp.Profile, tmp_path: Path) -> None:
    data = made.to_dict()
    for weight in data["weights"]:
        del weight["stored"]
        for packing in weight["packings"]:
            del packing["huffman"], packing["storage_coding"]
            for figures in (packing["bits_per_weight"], packing["ledgers"]):
                del figures["huffman"], figures["storage"]
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(data))
    loaded = mp.Profile.load(path)
    assert loaded.weights[0].stored is None
    packing = loaded.weights[0].packings[0]
    assert (packing.huffman, packing.storage_coding) == (None, None)
    total = loaded.summary()[0].total
    assert (total.huffman, total.storage) == (None, None)
    assert total.smallest[0] in ("dense", total.best.codec)
    text = repr(loaded)
    assert " -> " not in text
    assert "Smallest of all" not in text
    row = next(line for line in text.splitlines() if line.startswith("mlp.up"))
    assert row.split()[3:5] == ["-", "-"]
    assert "storage_bpw" not in loaded.to_dataframe().columns
    assert "Smallest of all" not in loaded._repr_html_()
    swept = mp.Sensitivity(loaded)
    assert {spot.storage for spot in swept.best()} == {None}
    assert "Attainable" not in repr(swept)
    codecs = set(swept.to_dataframe().codec)
    assert codecs == {"dense", "plain_huffman", "naive", "packets", "reindexed"}


def test_damaged_figures_of_coders(made: mp.Profile, tmp_path: Path) -> None:
    def damaged(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
        data = made.to_dict()
        weight = data["weights"][0]
        change(weight["stored"], weight["packings"][0])
        _expect_damage(tmp_path / "profile.json", data)

    for key in ("bits", "bits_per_weight", "floors", "ledgers", "coding", "huffman"):
        damaged(lambda stored, _, key=key: stored.pop(key))
        damaged(lambda stored, _, key=key: stored.update({key: {"nonsense": "x"}}))
    damaged(lambda stored, _: stored.update(bits=0))
    damaged(lambda stored, _: stored["bits_per_weight"].update(storage=0))
    damaged(lambda stored, _: stored["floors"].update(storage="inf"))
    damaged(lambda stored, _: stored["ledgers"].pop("storage"))
    damaged(lambda _, packing: packing.update(huffman={"nonsense": "x"}))
    damaged(lambda _, packing: packing.update(storage_coding=7))
    damaged(lambda _, packing: packing["bits_per_weight"].pop("storage"))
    table = {"symbol_bits": 8, "entries": 9, "longest": 5, "table_bits": 117, "streams": 6}
    for wrong in ({"entries": 0}, {"longest": "12"}, {"symbol_bits": 9}, {"table_bits": None}):
        damaged(lambda _, packing, wrong=wrong: packing.update(huffman=table | wrong))


def _expect_damage(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data))
    with pytest.raises(FormatError, match="damaged profile"):
        mp.Profile.load(path)


def test_dataframe(made: mp.Profile) -> None:
    frame = made.to_dataframe()
    assert len(frame) == sum(len(weight.packings) for weight in made.weights)
    row = frame[(frame.name == UP) & (frame.granularity == "tensor") & (frame.chunk_size == 3)]
    packing = next(w for w in made.weights if w.name == UP).packings[1]
    assert row["naive_bpw"].item() == packing.bits_per_weight["naive"]
    assert (row["out"].item(), row["in"].item()) == (16, 24)


def test_hostile_files_are_format_errors(made: mp.Profile, tmp_path: Path) -> None:
    """Values of the right JSON type that cannot be: nothing later has to fear them."""

    def mutated(change: Callable[[dict[str, Any]], object]) -> None:
        data = made.to_dict()
        change(data)
        _expect_damage(tmp_path / "profile.json", data)

    mutated(lambda d: d["weights"][0].update(shape=[0, 8]))
    mutated(lambda d: d["weights"][0].update(role="nonsense"))
    mutated(lambda d: d["weights"][0].update(layer="zz"))
    mutated(lambda d: d["weights"][0].update(packings=[]))
    mutated(lambda d: d["weights"][0]["packings"].pop(0))
    mutated(lambda d: d["weights"][0]["floors"].pop("fields"))
    mutated(lambda d: d["weights"][0]["packings"][0].update(bits=10**400))
    mutated(lambda d: d["weights"][0]["packings"][0].update(chunk_size=17))
    mutated(lambda d: d["weights"][0]["packings"][0]["ledgers"].pop("naive"))
    mutated(lambda d: d["weights"][0]["packings"][0]["bits_per_weight"].update(naive=0))
    mutated(lambda d: d["weights"].append(d["weights"][0]))
    mutated(lambda d: d.update(weights=[]))
    mutated(lambda d: d["model_info"].update(source={}))
    mutated(lambda d: d["model_info"].update(nbytes=None))
    mutated(lambda d: d["host"].update(threads=None))


def test_integers_too_long_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text('{"version": ' + "9" * 5000 + "}")
    with pytest.raises(FormatError, match=r"profile\.json"):
        mp.Profile.load(path)
