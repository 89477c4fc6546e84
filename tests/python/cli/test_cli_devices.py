"""`meadow devices` and `meadow plan`: tables, JSON, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py import devices
from meadow_py.cli.app import app

runner = CliRunner()


def run(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments), prog_name="meadow")
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_the_list() -> None:
    text = run("devices")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    for name in devices.names():
        assert any(line.startswith(f"{name} ") for line in lines), name
    pi = next(line for line in lines if line.startswith("raspberry-pi-5 "))
    assert pi.split()[:5] == ["raspberry-pi-5", "8", "GiB", "17.1", "10.2"]
    assert "…" not in text


def test_the_list_as_json() -> None:
    data = json.loads(run("devices", "--json"))
    assert (data["version"], data["kind"]) == (1, "devices")
    assert [device["name"] for device in data["devices"]] == list(devices.names())
    memory = data["devices"][0]["memory"]
    assert memory["bandwidth"] == {
        "value": 204.8e9,
        "low": 204.8e9,
        "high": 204.8e9,
        "kind": "specified",
        "source": memory["bandwidth"]["source"],
    }


@pytest.mark.parametrize("name", devices.names())
def test_one_device_with_every_source(name: str) -> None:
    text = run("devices", "show", name)
    assert text.startswith(f"{name}: ")
    flat = " ".join(text.split())
    for quantity in (devices.get(name).on_chip.total, devices.get(name).compute.efficiency):
        assert " ".join(quantity.source.split())[:30] in flat
    data = json.loads(run("devices", "show", name, "--json"))
    assert (data["kind"], data["device"]["name"]) == ("device", name)


def test_no_such_device() -> None:
    assert "did you mean zcu102" in run("devices", "show", "zcu10", code=1)


def test_this_host_measured_and_planned_for(tmp_path: Path) -> None:
    file = str(tmp_path / "host.toml")
    run("devices", "measure", "-o", file, "--folder", str(tmp_path), "--name", "mine")
    assert run("devices", "show", file).startswith("mine: ")
    assert json.loads(run("plan", "opt-125m", "--device", file, "--json"))["fits"]
    told = run("devices", "measure", "--folder", f"{file}.d", code=1)
    assert "must be an existing folder" in told
    assert "no folder" in run("devices", "measure", "-o", str(tmp_path / "no" / "f"), code=1)


def test_nonsense_in_a_file_is_one_line(tmp_path: Path) -> None:
    text = devices.get("raspberry-pi-5").to_toml()
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace('"17070000000 B/s"', '"17.07 Gb/s"'), encoding="utf-8")
    said = run("plan", "opt-125m", "--device", str(file), code=1)
    assert said.startswith(f"meadow: {file}: device.raspberry-pi-5.memory.bandwidth")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("device", ["raspberry-pi-5", "stm32h743", "zcu102", "coral", "esp32-s3"])
def test_plans_as_text(device: str) -> None:
    text = run("plan", "--device", device)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert text.startswith("demo: ")
    for word in ("w16a16", "w8a8", "nominal", "Assumed, as no source gives it"):
        assert word in text


def test_a_plan_as_json() -> None:
    text = run(
        "plan", "opt-1.3b", "-d", "zcu102", "--bandwidth", "12Gb/s", "--precision", "w8a8,w4a8",
        "--context", "64", "--prompt", "16", "--batch", "2", "--read-efficiency", "0.5",
        "--usable-memory", "1", "--json",
    )  # fmt: skip
    data = json.loads(text)
    assert (data["version"], data["kind"], data["batch"]) == (1, "plan", 2)
    assert [option["precision"] for option in data["options"]] == ["w8a8", "w4a8"]
    for option in data["options"]:
        assert option["place"] == "memory"
        assert option["first_token_s"]["low"] <= option["first_token_s"]["typical"]
        assert option["tiling"]["matrices"][0]["name"] == "attention.q"
    assert data["device"]["memory"]["bandwidth"]["value"] == 1.5e9


def test_a_plan_of_a_saved_profile(tmp_path: Path) -> None:
    from meadow_py import demo

    file = tmp_path / "demo.json"
    mp.profile(demo.folder(), bits=(4,), chunk_sizes=(2,)).save(file)
    text = run("plan", "-d", "raspberry-pi-5", "--profile", str(file))
    assert "storage, tensor" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "opt-125m"), "--device"),
        (("plan", "opt-125m", "-d", "zcu102", "--batch", "0"), "--batch"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    assert said in run(*arguments, code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "opt-125m", "-d", "abacus"), "no such device"),
        (("plan", "./none", "-d", "zcu102"), "none"),
        (("plan", "opt-125m", "-d", "zcu102", "--bandwidth", "12"), "unit is missing"),
        (("plan", "opt-125m", "-d", "zcu102", "--precision", "int8"), "precision"),
    ],
)
def test_what_goes_wrong_is_a_line(arguments: tuple[str, ...], said: str) -> None:
    error = run(*arguments, code=1)
    assert error.startswith("meadow: ")
    assert said in error
    assert len(error.splitlines()) == 1
