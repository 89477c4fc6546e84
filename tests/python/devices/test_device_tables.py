"""The devices that come with meadow_py: complete, sourced, and what their sources say."""

from __future__ import annotations

from pathlib import Path

import pytest

import meadow_py as mp
from meadow_py import devices
from meadow_py.devices.device import rows_of
from meadow_py.devices.reader import peak_of

OF_THE_ISSUE = (
    "zcu102",
    "kv260",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "jetson-nano",
    "orin-nano",
    "orin-nano-super",
    "agx-orin",
    "coral",
    "esp32-s3",
    "stm32h743",
    "snapdragon-8-gen-3",
    "apple-m1",
    "apple-m5-max",
    "desktop-x86",
)
ALL = devices.names()


def test_every_device_of_the_issue_is_there() -> None:
    assert set(OF_THE_ISSUE) <= set(ALL)
    assert len(ALL) >= 12


@pytest.mark.parametrize("name", ALL)
def test_every_number_has_a_source_and_a_range(name: str) -> None:
    device = devices.get(name)
    assert isinstance(device, mp.Device)
    rows = list(rows_of(device))
    assert len(rows) >= 5
    for row, quantity, _ in rows:
        assert 0 <= quantity.low <= quantity.value <= quantity.high, row
        assert len(quantity.source) > 5, row
    assert device.energy in devices.energy_names()
    assert device.compute.operations_per_second(8) > 0


@pytest.mark.parametrize("name", ALL)
def test_memories_are_as_fast_as_their_type_and_bus(name: str) -> None:
    memory = devices.get(name).memory
    if memory is None or "DDR" not in memory.type:
        pytest.skip("no DDR")
    peak = peak_of(memory.type, memory.bus_bits)
    assert peak is not None
    assert memory.bandwidth.value == pytest.approx(peak, rel=0.1)
    assert memory.usable_bandwidth.value <= memory.bandwidth.high


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("zcu102", 17.06e9),
        ("kv260", 19.2e9),
        ("raspberry-pi-4", 12.8e9),
        ("raspberry-pi-5", 17.07e9),
        ("jetson-nano", 25.6e9),
        ("orin-nano", 68e9),
        ("orin-nano-super", 102.4e9),
        ("agx-orin", 204.8e9),
        ("esp32-s3", 0.16e9),
        ("snapdragon-8-gen-3", 76.8e9),
        ("apple-m4-pro", 273e9),
    ],
)
def test_peaks_are_those_of_the_sources(name: str, peak: float) -> None:
    memory = devices.get(name).memory
    assert memory is not None
    assert memory.bandwidth.value == pytest.approx(peak)


def test_meadows_array() -> None:
    array = devices.get("zcu102").compute.pe_array
    assert array is not None
    assert (array.parallel, array.broadcasting, array.count) == (84, 12, 96)
    assert array.clock.value == 100e6
    assert array.macs_per_cycle.kind == "assumed"
    assert devices.get("zcu102").on_chip.total.value == 912 * 36 * 1024 / 8
    assert array.operations_per_second == 2 * 96 * array.macs_per_cycle.value * 1e8


def test_another_bandwidth() -> None:
    for given in ("12Gb/s", 1.5e9):
        memory = devices.get("zcu102").with_bandwidth(given).memory
        assert memory is not None
        assert memory.usable_bandwidth.value == 1.5e9
        assert memory.usable_bandwidth.kind == "assumed"
    with pytest.raises(ValueError, match="no memory outside"):
        devices.get("stm32h743").with_bandwidth("1GB/s")
    with pytest.raises(ValueError, match="more than 0"):
        devices.get("zcu102").with_bandwidth(-1.0)


def test_bits_choose_the_narrowest_type_that_holds_them() -> None:
    compute = devices.get("raspberry-pi-5").compute
    assert compute.int8 is not None
    assert compute.f32 is not None
    assert compute.peak_operations_per_second(4) == compute.int8.value
    assert compute.peak_operations_per_second(32) == compute.f32.value
    assert compute.operations_per_second(8) == compute.int8.value * compute.efficiency.value
    with pytest.raises(ValueError, match="16 bits, but for int8"):
        devices.get("zcu102").compute.operations_per_second(16)
    with pytest.raises(ValueError, match="1 to 32"):
        compute.operations_per_second(0)


def test_unknown_names_are_told_what_is_near() -> None:
    with pytest.raises(ValueError, match="did you mean raspberry-pi-5"):
        devices.get("raspbery-pi-5")
    with pytest.raises(FileNotFoundError):
        devices.get("there/is/none.toml")
    with pytest.raises(TypeError):
        devices.get(5)  # type: ignore[arg-type]


def test_a_device_is_a_device_of_its_own_name() -> None:
    device = devices.get("ZCU102")
    assert device is devices.get(device)
    assert device.name == "zcu102"


def test_one_of_several_in_a_file(tmp_path: Path) -> None:
    source = Path(devices.__file__).parent / "tables" / "jetson-orin.toml"
    copy = tmp_path / "mine.toml"
    copy.write_bytes(source.read_bytes())
    assert devices.get(f"{copy}#agx-orin") == devices.get("agx-orin")
    with pytest.raises(ValueError, match="holds 3 devices"):
        devices.get(copy)
    with pytest.raises(ValueError, match="no device 'orin'"):
        mp.Device.from_toml(copy, "orin")
