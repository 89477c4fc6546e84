"""Bandwidths that no such memory or bus has: mostly bits taken for bytes, or the other way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meadow_py.devices.quantity import Quantity

if TYPE_CHECKING:
    from meadow_py.devices.parts import Memory, Storage
    from meadow_py.devices.toml import Table

_SLACK = 1.1  # makers round: "17 GB/s" for 17.07, "102" for 102.4
_RATE = re.compile(r"(?:LP|G)?DDR\d[A-Z]*-(\d{3,5})")
_DYNAMIC = re.compile(r"(?:LP|G)?DDR\d", re.IGNORECASE)

# What the wires of an interface carry, bytes per second. PCIe after its line code (8b/10b, from 3.0
# 128b/130b), per lane; the others as their names say: SDR104 104 MB/s, HS400 400 MB/s, UFS 3.1 and
# 4.0 two lanes of 11.6 and 23.2 Gb/s.
_WIRES = {
    "SDR104": 104e6,
    "SDR50": 50e6,
    "EMMC 5.1": 400e6,
    "UFS 3.1": 2 * 11.6e9 / 8,
    "UFS 4.0": 2 * 23.2e9 / 8,
    "USB 3 GEN 1": 5e9 / 8,
}
_PCIE_LANE = {2: 500e6, 3: 984.6e6, 4: 1969.2e6, 5: 3938.5e6}
_PCIE = re.compile(r"PCIE (\d)(?:\.0)? X(\d+)")


def peak_of(memory_type: str, bus_bits: int | None) -> float | None:
    """Bytes per second of a memory: transfer rate x bus width / 8.

    Parameters
    ----------
    memory_type : str
        With its transfer rate in MT/s, such as ``DDR4-2133``.
    bus_bits : int or None

    Returns
    -------
    float or None
        None where the type tells no rate, or the width is not known.
    """
    match = _RATE.fullmatch(memory_type.strip())
    if match is None or bus_bits is None:
        return None
    return int(match[1]) * 1e6 * bus_bits / 8


def check_memory(memory: Memory, table: Table) -> None:
    """Refuse a bandwidth that is not that of the type and the bus, and an achieved one above it."""
    bandwidth, peak = memory.bandwidth, peak_of(memory.type, memory.bus_bits)
    if peak is not None:
        _near(bandwidth, peak, f"{memory.type} x {memory.bus_bits} bit", table)
    elif _DYNAMIC.match(memory.type) and bandwidth.kind != "measured":
        if memory.bus_bits is None:
            table.missing("bus_bits")
        reason = "expected a transfer rate in MT/s, such as DDR4-2133, to check the bandwidth with"
        table.refuse("type", memory.type, reason)
    achieved = memory.achieved
    if achieved is not None and achieved.high > bandwidth.high * _SLACK:
        hint = _factor_8(achieved.high, bandwidth.high)
        reason = f"more than the peak of {spell(bandwidth.high)}{hint}"
        table.refuse("achieved", spell(achieved.high), reason)


def check_storage(storage: Storage, table: Table) -> None:
    """Refuse a storage that is faster than its wires."""
    wires = wires_of(storage.type)
    if wires is not None and storage.read_bandwidth.high > wires * _SLACK:
        high = storage.read_bandwidth.high
        reason = f"more than the wires of {storage.type}, {spell(wires)}{_factor_8(high, wires)}"
        table.refuse("read_bandwidth", spell(high), reason)


def wires_of(storage_type: str) -> float | None:
    """Bytes per second that an interface can carry; None where its name does not tell."""
    name = storage_type.upper()
    lanes = _PCIE.search(name)
    if lanes is not None:
        each = _PCIE_LANE.get(int(lanes[1]))
        return None if each is None else each * int(lanes[2])
    return next((rate for wire, rate in _WIRES.items() if wire in name), None)


def _near(found: Quantity, peak: float, how: str, table: Table) -> None:
    for value in (found.low, found.value, found.high):
        if not peak / _SLACK <= value <= peak * _SLACK:
            reason = f"the peak is {how} = {spell(peak)}{_factor_8(value, peak)}"
            table.refuse("bandwidth", spell(value), reason)


def _factor_8(value: float, peak: float) -> str:
    """What to add to the reason where bits were taken for bytes, or bytes for bits."""
    if 1 / _SLACK <= value / peak / 8 <= _SLACK:
        return ": it is 8 times as much: are these gigabits (Gb/s), written as GB/s?"
    if 1 / _SLACK <= value / peak * 8 <= _SLACK:
        return ": it is an eighth of that: are these gigabytes (GB/s), written as Gb/s?"
    return ""


def spell(bytes_per_second: float) -> str:
    """With three figures, and a unit that shows them."""
    for factor, unit in ((1e9, "GB/s"), (1e6, "MB/s")):
        if bytes_per_second >= factor:
            return f"{bytes_per_second / factor:.3g} {unit}"
    return f"{bytes_per_second / 1e3:.3g} kB/s"
