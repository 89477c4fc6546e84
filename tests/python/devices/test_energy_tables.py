"""Energy tables: what their sources say, bands, and tables of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meadow_py import FormatError, devices
from meadow_py.devices import EnergyTable, energy_table

MINE = """
version = 1
[energy.mine]
title = "Mine"
off_chip = { value = "5 pJ/bit", high = "6 pJ/bit", kind = "assumed", reason = "x" }
[energy.mine.mac]
bits8 = { value = "1 pJ", kind = "assumed", reason = "x" }
bits16 = { value = "2 pJ", kind = "assumed", reason = "x" }
bits32 = { value = "4 pJ", kind = "assumed", reason = "x" }
[[energy.mine.on_chip]]
size = "1 KiB"
energy = { value = "1 pJ/bit", kind = "assumed", reason = "x" }
[[energy.mine.on_chip]]
size = "4 KiB"
energy = { value = "4 pJ/bit", kind = "assumed", reason = "x" }
"""


@pytest.mark.parametrize(("name", "typical"), [("lpddr4", 8.0), ("ddr3", 70.0), ("hbm2", 3.48)])
def test_off_chip_is_what_the_sources_say(name: str, typical: float) -> None:
    found = energy_table(name).off_chip_pj_per_bit
    assert found.value == pytest.approx(typical)
    assert found.kind != "assumed"
    assert found.low < found.value or found.value < found.high


@pytest.mark.parametrize("name", ["lpddr5", "ddr4"])
def test_what_no_source_gives_is_an_assumption_with_a_band(name: str) -> None:
    found = energy_table(name).off_chip_pj_per_bit
    assert found.kind == "assumed"
    assert "no citable number" in found.source
    assert found.high >= 2 * found.low


@pytest.mark.parametrize("name", devices.energy_names())
def test_every_table_is_complete(name: str) -> None:
    table = energy_table(name)
    assert isinstance(table, EnergyTable)
    assert [table.mac(bits).value for bits in (4, 8, 16, 32)] == pytest.approx([0.3, 0.3, 1.5, 4.6])
    sizes = [table.on_chip(size).value for size in (1 << 10, 8 << 10, 32 << 10, 1 << 20, 1 << 24)]
    assert sizes == sorted(sizes)
    assert sizes[1] == pytest.approx(10 / 64)  # Horowitz: 10 pJ per 64 bit of 8 KB
    assert sizes[3] == pytest.approx(100 / 64)
    assert json.dumps(table.to_dict(), allow_nan=False)
    with pytest.raises(ValueError, match="1 to 32"):
        table.mac(64)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8")
    table = energy_table(path)
    assert table.off_chip_pj_per_bit.value == pytest.approx(5.0)
    assert table.on_chip(2048).value == pytest.approx(2.0)  # halfway on both logarithms
    assert table.on_chip(2048).kind == "derived"
    assert energy_table(f"{path}#mine") == table
    assert energy_table(table) is table


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"5 pJ/bit"', '"-5 pJ/bit"', "more than 0"),
        ('"5 pJ/bit"', '"5 pJ"', "unit of joules"),
        ('"5 pJ/bit"', '"7 pJ/bit"', "low <= value"),
        ('size = "4 KiB"', 'size = "1 KiB"', "from small to large"),
        ("bits32", "bits64", "bits32: missing"),
        ('title = "Mine"', 'title = "Mine"\nvolts = 1', "unknown key"),
    ],
)
def test_nonsense_in_a_table(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in MINE
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace(old, new), encoding="utf-8")
    with pytest.raises(FormatError) as error:
        energy_table(path)
    assert str(error.value).startswith(f"{path}: energy.mine")
    assert reason in str(error.value)


def test_unknown_tables() -> None:
    with pytest.raises(ValueError, match="Known are ddr3, ddr4"):
        energy_table("lpddr6")
    with pytest.raises(FileNotFoundError):
        energy_table("none.toml")
