"""Nonsense in a device file is refused with file, key, value and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from meadow_py import FormatError
from meadow_py.devices import Device

EFFICIENCY = (
    'efficiency = { value = 0.5, low = 0.2, high = "80 %", kind = "assumed", '
    'reason = "no source" }\n'
)
GOOD = """
version = 1
[sources]
sheet = "A data sheet, 2026, page 1"
[device.mine]
title = "Mine"
kind = "board"
energy = "ddr4"
[device.mine.compute]
int8 = { value = "1 TOPS", source = "sheet", kind = "specified" }
EFFICIENCY[device.mine.on_chip]
total = { value = "1 MiB", source = "sheet", kind = "specified" }
[device.mine.memory]
name = "RAM"
type = "DDR4-2400"
bus_bits = 64
capacity = { value = "4 GiB", source = "sheet", kind = "specified" }
bandwidth = { value = "19.2 GB/s", source = "sheet", kind = "specified" }
[[device.mine.storage]]
name = "card"
type = "microSD SDR104"
read_bandwidth = { value = "90 MB/s", source = "sheet", kind = "measured" }
[device.mine.power]
static = { value = "0 W", source = "sheet", kind = "measured" }
""".replace("EFFICIENCY", EFFICIENCY)


def read(tmp_path: Path, text: str) -> Device:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return Device.from_toml(path)


def refused(tmp_path: Path, old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(FormatError) as error:
        read(tmp_path, GOOD.replace(old, new))
    said = str(error.value)
    assert said.startswith(f"{tmp_path / 'mine.toml'}: ")
    return said


def test_the_good_one_is_read(tmp_path: Path) -> None:
    device = read(tmp_path, GOOD)
    assert device.name == "mine"
    assert device.memory is not None
    assert device.memory.bandwidth.value == 19.2e9
    assert device.compute.efficiency.high == 0.8
    assert device.power is not None
    assert device.power.static.value == 0
    assert device.on_chip.total.source == "A data sheet, 2026, page 1"


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ('"1 TOPS"', '"-1 TOPS"', "device.mine.compute.int8.value = '-1 TOPS'", "more than 0"),
        ('"1 TOPS"', '"0 TOPS"', "compute.int8.value = '0 TOPS'", "more than 0"),
        ('"1 TOPS"', "1e12", "compute.int8.value = 1000000000000.0", "with a number and a unit"),
        ('"1 TOPS"', '"1e12"', "compute.int8.value = '1e12'", "unit is missing"),
        ('"1 TOPS"', '"1 GHz"', "compute.int8.value = '1 GHz'", "unit of hertz"),
        ('"1 TOPS"', "true", "compute.int8.value = True", "expected text"),
        ('"1 MiB"', '"1 KB"', "on_chip.total.value = '1 KB'", "ambiguous"),
        ("value = 0.5,", "value = 5,", "compute.efficiency.value = 5", "at most 1"),
        ("value = 0.5,", "value = nan,", "compute.efficiency.value = nan", "finite"),
        ("value = 0.5,", "value = 0.1,", "compute.efficiency.value = 0.1", "low <= value"),
        ("bus_bits = 64", "bus_bits = 0", "memory.bus_bits = 0", "expected 1 to"),
        ("bus_bits = 64", 'bus_bits = "64"', "memory.bus_bits = '64'", "whole number"),
        ('kind = "board"', "kind = 5", "device.mine.kind = 5", "expected text"),
        ('kind = "board"', 'kind = ""', "device.mine.kind = ''", "expected text"),
        ('energy = "ddr4"', 'energy = "ddr9"', "energy = 'ddr9'", "no such energy table"),
        ('kind = "measured" }\n[', 'kind = "guessed" }\n[', "kind = 'guessed'", "expected one of"),
        ('"sheet", kind = "measured"', '"web", kind = "measured"', "'web'", "[sources]"),
        ("version = 1", "version = 2", "version = 2", "expected 1"),
        ("[device.mine.power]", "[device.mine.powers]", "device.mine.powers", "unknown key"),
        ('name = "card"', 'name = "card"\nspeed = 3', "storage[0].speed = 3", "unknown key"),
        ('"90 MB/s"', '"900 MB/s"', "read_bandwidth = '900 MB/s'", "wires of microSD SDR104"),
    ],
)
def test_nonsense(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    said = refused(tmp_path, old, new)
    assert key in said
    assert reason in said


@pytest.mark.parametrize(
    ("old", "missing"),
    [
        ("version = 1\n", "version"),
        ('title = "Mine"\n', "device.mine.title"),
        ('total = { value = "1 MiB", source = "sheet", kind = "specified" }\n', "on_chip.total"),
        (EFFICIENCY, "compute.efficiency"),
        ('value = "4 GiB", ', "memory.capacity.value"),
        ("bus_bits = 64\n", "memory.bus_bits"),
        (', reason = "no source"', "compute.efficiency.reason"),
        ('source = "sheet", kind = "measured" }\n[device.mine.power]', "source"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, old: str, missing: str) -> None:
    kept = "" if "power" not in old else 'kind = "measured" }\n[device.mine.power]'
    said = refused(tmp_path, old, kept)
    assert f"{missing}: missing" in said


@pytest.mark.parametrize("factor", [8, 1 / 8])
def test_gigabits_for_gigabytes(tmp_path: Path, factor: float) -> None:
    wrong = 19.2 * factor
    said = refused(tmp_path, '"19.2 GB/s"', f'"{wrong} GB/s"')
    assert f"device.mine.memory.bandwidth = '{wrong:.3g} GB/s'" in said
    assert "DDR4-2400 x 64 bit = 19.2 GB/s" in said
    assert ("are these gigabits (Gb/s), written as GB/s?" in said) == (factor == 8)
    assert ("are these gigabytes (GB/s), written as Gb/s?" in said) == (factor < 1)


def test_the_right_number_in_the_wrong_unit(tmp_path: Path) -> None:
    said = refused(tmp_path, '"19.2 GB/s"', '"19.2 Gb/s"')
    assert "2.4 GB/s" in said
    assert "written as Gb/s?" in said
    right = read(tmp_path, GOOD.replace('"19.2 GB/s"', '"153.6 Gb/s"'))
    assert right.memory is not None
    assert right.memory.bandwidth.value == pytest.approx(19.2e9)


def test_more_than_the_peak_is_not_achieved(tmp_path: Path) -> None:
    more = 'achieved = { value = "153.6 GB/s", source = "sheet", kind = "measured" }\n'
    said = refused(tmp_path, "[[device.mine.storage]]", f"{more}[[device.mine.storage]]")
    assert "memory.achieved = '154 GB/s'" in said
    assert "are these gigabits" in said


def test_a_type_of_ddr_needs_its_rate(tmp_path: Path) -> None:
    said = refused(tmp_path, '"DDR4-2400"', '"DDR4"')
    assert "memory.type = 'DDR4'" in said
    assert "transfer rate" in said


def test_likeness_in_a_circle(tmp_path: Path) -> None:
    circle = '[device.a]\nlike = "b"\n[device.b]\nlike = "a"\n'
    assert "no circle of tables" in refused(tmp_path, "[sources]", circle + "[sources]")
    assert "expected a name of this file" in refused(
        tmp_path, "[sources]", '[device.a]\nlike = "c"\n[sources]'
    )


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"a = ", b"a = [" * 3000, b"", b"version = 1", b"version = 1\ndevice = 3"]
)
def test_no_device_file_at_all(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=r"mine\.toml"):
        Device.from_toml(path)


def test_an_energy_table_beside_the_device(tmp_path: Path) -> None:
    device = read(tmp_path, GOOD.replace('energy = "ddr4"', 'energy = "mine-energy.toml"'))
    assert device.energy == str(tmp_path / "mine-energy.toml")


def test_the_file_of_the_documentation_is_a_device(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "devices.md"
    text = page.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    device = read(tmp_path, text)
    assert device.name == "mine"
    said = refused_text(tmp_path, text.replace("17.07 GB/s", "17.07 Gb/s"))
    shown = " ".join(page.read_text("utf-8").split())
    assert said.replace(f"{tmp_path}/", "") in shown


def refused_text(tmp_path: Path, text: str) -> str:
    with pytest.raises(FormatError) as error:
        read(tmp_path, text)
    return str(error.value)
