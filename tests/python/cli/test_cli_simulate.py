"""`meadow simulate`: the table, JSON, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app

runner = CliRunner()
ARRAY = ("simulate", "opt-125m", "--device", "zcu102", "--bandwidth", "12Gb/s", "--prompt", "256")


def run(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments), prog_name="meadow")
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_the_table_fits_and_answers() -> None:
    text = run(*ARRAY, "--packing", "1.5x")
    assert max(map(len, text.splitlines())) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    for said in ("First token after", "tokens/s", "56.6 ms", "bound by", "TPHS", "low to high"):
        assert said in text


@pytest.mark.parametrize("device", ["orin-nano", "raspberry-pi-5", "esp32-s3", "apple-m1"])
def test_tables_of_other_devices_fit(device: str) -> None:
    text = run("simulate", "llama-3.2-1b", "--device", device, "--per-layer")
    assert max(map(len, text.splitlines())) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


@pytest.mark.parametrize("dataflow", ["gemm", "tphs", "best"])
def test_json_is_what_the_pages_promise(dataflow: str) -> None:
    data = json.loads(run(*ARRAY, "--dataflow", dataflow, "--packing", "1.5x", "--json"))
    assert data["version"] == 1
    assert data["dataflow"] == dataflow
    assert data["decode_floor_s_per_token"] == pytest.approx(84_934_656 / 1.5e9)
    assert 0 < data["prefill_s"] < 1
    assert data["decode_s_per_token"] == pytest.approx(data["decode"]["seconds"])
    band = data["energy"]["per_token"]["total"]
    assert 0 < band["low"] <= band["typical"] <= band["high"]
    names = {row["name"] for row in data["decode"]["layers"]}
    assert {f"layers.{n}" for n in range(12)} | {"head"} <= names


def test_without_a_model_it_is_the_demo() -> None:
    assert run("simulate", "--device", "raspberry-pi-5").startswith("demo: OPT trained")


def test_files(tmp_path: Path) -> None:
    saved, plot = tmp_path / "s.json", tmp_path / "s.png"
    run(*ARRAY, "-o", str(saved), "--plot", str(plot), "--plot-kind", "roofline")
    made = mp.simulate("opt-125m", device="zcu102", bandwidth="12Gb/s", prompt=256)
    assert mp.Simulation.load(saved) == made
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_profile_gives_measured_bytes(tmp_path: Path) -> None:
    from meadow_py import demo

    saved = tmp_path / "profile.json"
    mp.profile(demo.checkpoint(), granularity=["tensor"], chunk_sizes=[2], progress=False).save(
        saved
    )
    arguments = ("simulate", "--device", "zcu102", "--prompt", "8", "--profile", str(saved))
    data = json.loads(run(*arguments, "--packing", "reindexed", "--json"))
    dense = json.loads(run(*arguments[:5], "--json"))
    assert data["packing"] == "reindexed"
    moved, before = (sum(r["weight_bytes"] for r in d["decode"]["layers"]) for d in (data, dense))
    assert moved != before


def test_assumptions_can_be_changed() -> None:
    data = json.loads(
        run(*ARRAY, "--assume", "overlap=0.5", "--assume", "mask_skipped=1", "--json")
    )
    found = {one["name"]: one["value"] for one in data["assumptions"]}
    assert found["overlap"] == 0.5
    assert found["mask_skipped"] == 1.0


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--assume", "lap=1"), 1, "lap: expected one of overlap"),
        (("--assume", "overlap"), 2, "expected NAME=VALUE"),
        (("--assume", "overlap=much"), 1, "overlap: expected a number"),
        (("--dataflow", "flow"), 1, "expected one of gemm, tphs"),
        (("--bandwidth", "12"), 1, "12"),
        (("--packing", "reindexed"), 1, "profile"),
        (("--precision", "int8"), 1, "w8a8"),
        (("--plot", "x.png", "--plot-kind", "heatmap"), 2, "no kind of plot"),
        (("--plot", "x.gif"), 2, ".png"),
    ],
)
def test_what_is_wrong_is_said(options: tuple[str, ...], code: int, said: str) -> None:
    text = run("simulate", "opt-125m", "--device", "zcu102", *options, code=code)
    assert said in " ".join(text.replace("\u2502", " ").split())


def test_an_unknown_device_names_those_there_are() -> None:
    assert "raspberry-pi-5" in run("simulate", "opt-125m", "--device", "rasberry-pi-5", code=1)
