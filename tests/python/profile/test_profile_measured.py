"""Profiles with the time that products of the weights take on this host."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py import FormatError
from meadow_py.cli.app import app
from meadow_py.profiler import MeasuredHost, MeasuredProducts
from meadow_py.profiler.product_table import product_table
from meadow_py.views.products import verdict

LAYER = "model.decoder.layers.0."
UP, DOWN, CODES = (f"{LAYER}{name}.weight" for name in ("fc1", "fc2", "self_attn.q_proj"))
SETTINGS = {"granularity": "tensor", "chunk_sizes": 2, "threads": 1}


def tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(8)
    return {
        UP: random.standard_normal((96, 128)).astype(ml_dtypes.bfloat16),
        DOWN: random.standard_normal((128, 96), np.float32),
        CODES: random.integers(-9, 9, (16, 16)).astype(np.int8),
    }


@pytest.fixture(scope="module")
def made() -> mp.Profile:
    return mp.profile(tensors(), measure=True, **SETTINGS)


def with_figures(made: mp.Profile) -> mp.Profile:
    """The same with times that everybody can reckon with."""
    known = {
        UP: MeasuredProducts(20.0, 16.0, 24576, 18432, "planes", True),
        DOWN: MeasuredProducts(30.0, None, 49152, None, None, True),
        CODES: None,
    }
    host = MeasuredHost("A <CPU>", "avx2", 2, 1 << 25, 2e9, False)
    weights = tuple(replace(weight, products=known[weight.name]) for weight in made.weights)
    return replace(made, weights=weights, measured=host)


def test_products_of_floats_are_measured(made: mp.Profile) -> None:
    by_name = {weight.name: weight.products for weight in made.weights}
    assert by_name[CODES] is None
    up, down = by_name[UP], by_name[DOWN]
    assert up is not None
    assert down is not None
    assert (up.dense_nbytes, down.dense_nbytes) == (96 * 128 * 2, 96 * 128 * 4)
    assert up.packed_nbytes is not None
    assert up.packed_microseconds is not None
    for figure in (up.dense_microseconds, up.packed_microseconds, down.dense_microseconds):
        assert 0 < figure < math.inf
    assert up.packed_nbytes < up.dense_nbytes
    assert up.byte_ratio == up.dense_nbytes / up.packed_nbytes
    assert up.speedup == up.dense_microseconds / up.packed_microseconds
    # F32 of full precision: no packed form holds it.
    assert (down.packed_microseconds, down.packed_nbytes, down.packed_form) == (None, None, None)
    assert (down.speedup, down.byte_ratio) == (None, None)
    assert made.measured is not None
    assert made.measured.threads == 1
    assert 0 < made.measured.read_bytes_per_second < math.inf
    assert "measure" in made.seconds


def test_measuring_changes_no_other_figure(made: mp.Profile) -> None:
    plain = mp.profile(tensors(), **SETTINGS)
    assert plain == made
    assert {weight.products for weight in plain.weights} == {None}
    assert plain.measured is None
    data, other = made.to_dict(), plain.to_dict()
    for one in (data, other):
        del one["measured"], one["seconds"]
        for weight in one["weights"]:
            del weight["products"]
    assert data == other
    assert "One vector" not in repr(plain) + plain._repr_html_()


def test_products_are_saved_and_loaded(made: mp.Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    made.save(path)
    loaded = mp.Profile.load(path)
    assert loaded.measured == made.measured
    assert [w.products for w in loaded.weights] == [w.products for w in made.weights]
    assert repr(loaded) == repr(made)


def test_files_from_before_measuring(made: mp.Profile, tmp_path: Path) -> None:
    data = made.to_dict()
    del data["measured"]
    for weight in data["weights"]:
        del weight["products"]
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(data))
    loaded = mp.Profile.load(path)
    assert loaded == made
    assert loaded.measured is None
    assert {weight.products for weight in loaded.weights} == {None}
    assert loaded.to_dataframe().dense_microseconds.isna().all()


@pytest.mark.parametrize(
    "damage",
    [
        {"dense_microseconds": 0},
        {"dense_microseconds": "fast"},
        {"dense_microseconds": True},
        {"packed_microseconds": -1.0},
        {"packed_nbytes": None},
        {"packed_form": 3},
        {"dense_nbytes": 0},
        {"from_memory": "yes"},
    ],
)
def test_damaged_products_are_told(
    made: mp.Profile, tmp_path: Path, damage: dict[str, object]
) -> None:
    data = made.to_dict()
    weight = next(w for w in data["weights"] if w["name"] == UP)
    weight["products"] |= damage
    expect_damage(data, tmp_path)


@pytest.mark.parametrize(
    "damage", [{"read_bytes_per_second": 0}, {"threads": -1}, {"cpu": None}, {"isa": 7}]
)
def test_a_damaged_host_is_told(
    made: mp.Profile, tmp_path: Path, damage: dict[str, object]
) -> None:
    data = made.to_dict()
    data["measured"] |= damage
    expect_damage(data, tmp_path)


def expect_damage(data: dict, folder: Path) -> None:
    path = folder / "profile.json"
    path.write_text(json.dumps(data))
    with pytest.raises(FormatError, match="damaged profile"):
        mp.Profile.load(path)


def test_rows_add_up(made: mp.Profile) -> None:
    table = product_table(with_figures(made))
    assert table is not None
    assert [row.label for row in table.roles] == ["mlp.up", "mlp.down"]
    assert [row.label for row in table.weights] == [UP, DOWN]
    total = table.total
    values = 2 * 96 * 128
    assert (total.label, total.weights, total.values, total.without_packed) == ("all", 2, values, 1)
    assert total.dense == 8 * (24576 + 49152) / values
    assert total.packed == 8 * (18432 + 49152) / values  # what has no packed form stays dense
    assert (total.dense_microseconds, total.packed_microseconds) == (50, 46)
    assert total.speedup == 50 / 46
    fields = [w.floors["fields"] for w in made.weights if w.name != CODES]
    assert total.fields_floor == pytest.approx(sum(f for f in fields if f is not None) / 2)
    down = table.roles[1]
    assert (down.packed, down.packed_microseconds, down.speedup) == (None, None, None)


def test_the_views_say_the_same(made: mp.Profile) -> None:
    profile = with_figures(made)
    text, html = repr(profile), profile._repr_html_()
    row = next(line for line in text.splitlines() if line.startswith("mlp.up") and "20.0" in line)
    assert row.split()[-5:] == ["12.00", "20.0", "16.0", "1.33x", "1.25x"]
    said = "A <CPU>, avx2, 2 threads, memory read at 2 GB/s"
    flat = " ".join(text.split())
    assert said in flat
    assert said.replace("<", "&lt;").replace(">", "&gt;") in html
    for part in (
        "Packed products read 1.09x fewer bytes and run at 1.09x the speed, bit for bit the same.",
        "1 of 2 weights have no packed form and count as dense.",
        "Dense ones read 1.47 GB/s, 74 % of what memory gives",
    ):
        assert part in flat
        assert part in html
    assert max(map(len, text.splitlines())) <= 80


def test_a_larger_packed_form_does_not_read_fewer_bytes(made: mp.Profile) -> None:
    profile = with_figures(made)
    table = product_table(profile)
    assert table is not None
    assert profile.measured is not None
    larger = replace(table.total, packed=1.25 * table.total.dense)
    said = verdict(larger, profile.measured)
    assert said.startswith("Packed products read 1.25x as many bytes and run at 1.09x the speed")


def test_rows_of_a_dataframe(made: mp.Profile) -> None:
    frame = with_figures(made).to_dataframe().set_index("name")
    up, down = frame.loc[UP], frame.loc[DOWN]
    columns = ("dense_microseconds", "packed_microseconds", "product_bpw", "packed_product_bpw")
    assert [up[name] for name in columns] == [20, 16, 16, 12]
    assert up.speedup == 1.25
    assert down.product_bpw == 32
    assert np.isnan(down.speedup)


def test_a_packed_product_that_differs_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from meadow_py import measure

    honest = measure.compare_products
    monkeypatch.setattr(
        measure, "compare_products", lambda *a, **k: replace(honest(*a, **k), same_bits=False)
    )
    with pytest.raises(RuntimeError, match=f"{UP}: the packed product differs"):
        mp.profile({UP: tensors()[UP]}, measure=True, **SETTINGS)


def test_measure_is_a_flag() -> None:
    with pytest.raises(TypeError, match="measure"):
        mp.profile(tensors(), measure="yes", **SETTINGS)


def test_the_command(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({UP: tensors()[UP]}, tmp_path / "model.safetensors")
    arguments = ["profile", str(tmp_path / "model.safetensors"), "--granularity", "tensor"]
    result = CliRunner().invoke(app, [*arguments, "--chunk-size", "2", "--measure", "--json"])
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["measured"]["cpu"]
    assert data["weights"][0]["products"]["dense_nbytes"] == 96 * 128 * 2
