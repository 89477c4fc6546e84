"""Devices as JSON and as TOML files of their own; this host measured into one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from meadow_py import devices
from meadow_py.devices import Device, Quantity
from meadow_py.devices.measured import measure_device


@pytest.mark.parametrize("name", devices.names())
def test_written_and_read_again(name: str, tmp_path: Path) -> None:
    device = devices.get(name)
    path = tmp_path / "again.toml"
    path.write_text(device.to_toml(), encoding="utf-8")
    again = devices.get(path)
    assert replace(again, sources=device.sources) == device
    assert json.loads(json.dumps(again.to_dict(), allow_nan=False))["name"] == name


def test_names_that_toml_would_take_for_syntax(tmp_path: Path) -> None:
    odd = replace(
        devices.get("zcu102"), name='a."b" = [\n\x7f\\', title="\x7f\t\u2028 \\u0041 \U0001f600"
    )
    path = tmp_path / "odd.toml"
    path.write_text(odd.to_toml(), encoding="utf-8")
    again = Device.from_toml(path)
    assert (again.name, again.title) == (odd.name, odd.title.strip())


def test_this_host(tmp_path: Path) -> None:
    device = measure_device(tmp_path, "host")
    path = tmp_path / "host.toml"
    path.write_text(device.to_toml(), encoding="utf-8")
    again = devices.get(path)
    assert replace(again, sources={}) == device
    memory, compute = again.memory, again.compute
    assert memory is not None
    assert memory.bandwidth.kind == "measured"
    assert memory.one_thread is not None
    assert memory.capacity.value > 1 << 28
    for rate in (compute.int8, compute.f16, compute.f32):
        assert rate is not None
        assert rate.value > 1e8
    assert compute.operations_per_second(8) >= compute.operations_per_second(32)
    (disk,) = again.storages
    assert disk.read_bandwidth.value > 0
    assert not list(tmp_path.glob("meadow-disk-*"))


def test_no_folder_to_measure(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="must be an existing folder"):
        measure_device(tmp_path / "none")


@pytest.mark.parametrize(
    ("numbers", "kind", "reason"),
    [
        ((1.0, 2.0, 3.0), "measured", "low <= value"),
        ((-1.0, -1.0, -1.0), "measured", "0 or more"),
        ((float("nan"), 1.0, 1.0), "measured", "finite"),
        ((1.0, 1.0, float("inf")), "measured", "finite"),
        ((1.0, 1.0, 1.0), "guessed", "expected one of"),
    ],
)
def test_quantities_are_checked(
    numbers: tuple[float, float, float], kind: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Quantity(*numbers, "a source", kind)
    with pytest.raises(ValueError, match="source is empty"):
        Quantity(1.0, 1.0, 1.0, "", "measured")
