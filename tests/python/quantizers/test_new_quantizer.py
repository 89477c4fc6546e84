"""The seam: a quantiser of one file, once registered, appears wherever quantisers do."""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import toy_quantizer as toy
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app
from meadow_py.quantizers import registry
from meadow_py.workload import shape_of

UP = "model.layers.0.mlp.up_proj.weight"
SHAPE = (48, 40)
QUANTIZERS = ("int4:row", toy.KEY, "q8")


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    before = list(registry._FAMILIES)
    registry.register(toy.Ternary)
    yield
    registry._FAMILIES[:] = before


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(4).standard_normal(SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def made(values: np.ndarray) -> mp.Profile:
    return mp.profile({UP: values}, quantizers=QUANTIZERS, chunk_sizes=(1, 2))


def _of_toy(profile: mp.Profile) -> list[mp.profiler.WeightPacking]:
    return [p for p in profile.weights[0].packings if p.quantizer == toy.KEY]


def test_profile(made: mp.Profile, values: np.ndarray) -> None:
    assert made.settings.quantizers == ("int4:row", toy.KEY, "int8:32+8:row")
    assert (made.settings.bits, made.settings.granularity) == ((4, 2, 8), ("row",))
    assert made.settings.symmetric is None
    exact = values.astype(np.float64)
    scales = np.abs(exact).max(axis=0)
    codes = np.rint(exact / scales)
    noise = np.square(exact - codes * scales).sum()
    shares = np.unique(codes, return_counts=True)[1] / exact.size
    for packing, chunk in zip(_of_toy(made), (1, 2), strict=True):
        assert (packing.bits, packing.granularity, packing.chunk_size) == (2, None, chunk)
        assert packing.snr_db == pytest.approx(
            10 * math.log10(np.square(exact).sum() / noise), abs=1e-3
        )
        assert packing.ledgers["dense"].total == 2 * exact.size + 32 * SHAPE[1]
        assert packing.ledgers["reindexed"].scales == 32 * SHAPE[1]
        entropy = -(shares * np.log2(shares)).sum()
        assert packing.bits_per_weight["floor_symbol"] == pytest.approx(entropy)


def test_a_process_that_does_not_know_it(made: mp.Profile, values: np.ndarray) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        again = mp.profile(
            {UP: values}, quantizers=QUANTIZERS, chunk_sizes=(1, 2), executor=executor
        )
    assert again.weights == made.weights


def test_views(made: mp.Profile) -> None:
    assert [section.quantizer for section in made.summary()][1] == toy.KEY
    for shown in (repr(made), made._repr_html_()):
        assert "ternary, one scale per column" in shown
        assert "INT8, one 8-bit scale per 32 inputs of a row" in shown
    assert set(made.to_dataframe()["quantizer"]) == set(made.settings.quantizers)


@pytest.mark.parametrize("kind", ["heatmap", "bytes", "ratio", "growth"])
def test_plots(made: mp.Profile, kind: str) -> None:
    ax = made.plot(kind, quantizer=toy.KEY)
    said = " ".join(text.get_text() for text in ax.get_children() if hasattr(text, "get_text"))
    assert "ternary, one scale per column" in " ".join(said.split())
    with pytest.raises(ValueError, match=r"quantizer='int2:row'.*ternary column, q8"):
        made.plot(kind, quantizer="int2:row")


def test_the_plot_of_all_quantizers(made: mp.Profile) -> None:
    texts = [text.get_text() for text in made.plot("rate-distortion").texts]
    assert {"INT4 row", "ternary column", "q8"} <= set(texts)


def test_sweep(values: np.ndarray) -> None:
    swept = mp.sweep({UP: values}, quantizers=QUANTIZERS, chunk_sizes=2)
    spots = swept.best(quantizer=toy.KEY)
    assert [spot.quantizer for spot in spots] == [toy.KEY]
    dense = 2 + 32 * SHAPE[1] / values.size
    assert spots[0].dense == pytest.approx(dense)
    assert spots[0].smallest_dense.quantizer == toy.KEY
    assert swept.best(quantizer="q8")[0].quantizer == "int8:32+8:row"
    assert "At no lower SNR than ternary, one scale per column" in repr(swept)
    with pytest.raises(ValueError, match="quantizer='int8:row': expected one of int4:row, ternary"):
        swept.best(quantizer="int8:row")


def test_json_and_a_reader_that_does_not_know_it(made: mp.Profile, tmp_path: Path) -> None:
    data = json.loads(made.to_json())
    assert data["settings"]["quantizers"] == list(made.settings.quantizers)
    assert data["weights"][0]["packings"][2]["quantizer"] == toy.KEY
    assert data["weights"][0]["packings"][2]["granularity"] is None
    path = tmp_path / "profile.json"
    made.save(path)
    assert mp.Profile.load(path) == made
    registry._FAMILIES.remove(toy.Ternary)
    try:
        foreign = mp.Profile.load(path)
        assert foreign == made
        assert toy.KEY in repr(foreign)
        assert [p.quantizer for p in foreign.weights[0].packings][2] == toy.KEY
    finally:
        registry.register(toy.Ternary)


def test_plan() -> None:
    shape = shape_of("opt-125m")
    name = "model.decoder.layers.0.fc1.weight"
    up = np.random.default_rng(1).standard_normal((shape.intermediate, shape.hidden))
    profile = mp.profile(
        {name: up.astype(np.float32)}, quantizers=(toy.KEY, "int2:row"), chunk_sizes=2
    )
    plan = mp.plan("opt-125m", device="raspberry-pi-5", profile=profile)
    by_packing = {option.packing: option for option in plan.options}
    assert {f"dense, {toy.KEY}", f"reindexed, {toy.KEY}", "dense, row"} <= set(by_packing)
    assert by_packing[f"dense, {toy.KEY}"].precision.weight_bits == 2
    sizes = [by_packing[f"dense, {label}"].footprint.weights for label in (toy.KEY, "row")]
    assert sizes[0] - sizes[1] == 4 * (shape.hidden - shape.intermediate)


def test_simulate(made: mp.Profile) -> None:
    from meadow_py.simulator.named_packings import packing_of

    packed = packing_of("dense", made, bits=2, quantizer=toy.KEY)
    found = packed.weight(0, "mlp.up", SHAPE[0] * SHAPE[1], 2)
    assert found.moved_bytes == (2 * SHAPE[0] * SHAPE[1] + 32 * SHAPE[1]) / 8
    with pytest.raises(ValueError, match="found 8 bits by ternary:column"):
        packing_of("dense", made, bits=8, quantizer=toy.KEY).weight(0, "mlp.up", 1, 8)


def test_command_line(values: np.ndarray, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({UP: values}, tmp_path / "model.safetensors")
    file = str(tmp_path / "model.safetensors")
    options = ["--chunk-size", "2", "--quiet"]
    ran = CliRunner().invoke(
        app, ["sweep", file, "--quantizer", f"q8,{toy.KEY}", "--json", *options]
    )
    assert ran.exit_code == 0, ran.output
    keys = {spot["quantizer"] for spot in json.loads(ran.stdout)["sweet_spots"]}
    assert keys == {"int8:32+8:row", toy.KEY}
