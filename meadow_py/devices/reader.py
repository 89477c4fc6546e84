"""Reading of device files, and checks for bandwidths that no such part can have."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.devices.energy_table import energy_names
from meadow_py.devices.parts import (
    Buffers,
    Compute,
    Memory,
    Power,
    ProcessingElements,
    Storage,
)
from meadow_py.devices.quantity import Quantity
from meadow_py.devices.toml import Table, inherited, read_toml, start

if TYPE_CHECKING:
    from meadow_py.devices.device import Device


_SLACK = 1.1  # makers round: "17 GB/s" for 17.07, "102" for 102.4
_RATE = re.compile(r"(?:LP|G)?DDR\d[A-Z]*-(\d{3,5})")
_DYNAMIC = re.compile(r"(?:LP|G)?DDR\d", re.IGNORECASE)

# Bytes per second that the wires of an interface carry. PCIe is per lane and net of its line code
# (8b/10b; 128b/130b from 3.0 on). The others follow from their names: SDR104 104 MB/s, HS400
# 400 MB/s; UFS 3.1 and 4.0 have two lanes of 11.6 and 23.2 Gb/s.
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
    """Peak bandwidth of a memory: transfer rate x bus width / 8.

    Parameters
    ----------
    memory_type : str
        Type with its transfer rate in MT/s, such as ``DDR4-2133``.
    bus_bits : int or None
        Width of the data bus.

    Returns
    -------
    float or None
        Bytes per second; None if the type gives no rate, or the width is unknown.
    """
    match = _RATE.fullmatch(memory_type.strip())
    if match is None or bus_bits is None:
        return None
    return int(match[1]) * 1e6 * bus_bits / 8


def check_memory(memory: Memory, table: Table) -> None:
    """Refuse a bandwidth that does not match type and bus width, and an achieved one above it."""
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
    """Bytes per second that an interface can carry; None if its name does not imply them."""
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
    """Addition to the reason if bits were apparently taken for bytes, or bytes for bits."""
    if 1 / _SLACK <= value / peak / 8 <= _SLACK:
        return ": it is 8 times as much: are these gigabits (Gb/s), written as GB/s?"
    if 1 / _SLACK <= value / peak * 8 <= _SLACK:
        return ": it is an eighth of that: are these gigabytes (GB/s), written as Gb/s?"
    return ""


def spell(bytes_per_second: float) -> str:
    """A bandwidth with three significant digits and a suitable unit."""
    for factor, unit in ((1e9, "GB/s"), (1e6, "MB/s")):
        if bytes_per_second >= factor:
            return f"{bytes_per_second / factor:.3g} {unit}"
    return f"{bytes_per_second / 1e3:.3g} kB/s"


def read_device(
    kind: type[Device], path: str | os.PathLike[str], name: str | None = None
) -> Device:
    """Read one device from a file; see `Device.from_toml`."""
    found = read_devices(kind, path)
    if name is None:
        if len(found) > 1:
            raise ValueError(
                f"{path}: holds {len(found)} devices ({', '.join(found)}): name one of them"
            )
        return next(iter(found.values()))
    if name not in found:
        raise ValueError(f"{path}: no device {name!r}: expected one of {', '.join(found)}")
    return found[name]


def read_devices(kind: type[Device], path: str | os.PathLike[str]) -> dict[str, Device]:
    """Read all devices from a file, by name, in the order of the file.

    Parameters
    ----------
    kind : type
        `Device`. It is passed in because `Device` itself reads through this module.
    path : path

    Returns
    -------
    dict of str to Device

    Raises
    ------
    OSError
        If the file cannot be read.
    meadow_py.FormatError
        If it is not a valid device file; the message gives the key, the value and the reason.
    """
    raw, top = start(path, read_toml(path), "device")
    return {name: _device(kind, top, raw, name) for name in top.all_keys()}


def _device(kind: type[Device], top: Table, raw: dict[str, Any], name: str) -> Device:
    table = top.within(name, inherited(top, raw, name))
    memory = _memory(table.table("memory")) if "memory" in table else None
    made = kind(
        name=name,
        title=table.text("title"),
        kind=table.text("kind"),
        compute=_compute(table.table("compute")),
        on_chip=_buffers(table.table("on_chip")),
        memory=memory,
        storages=tuple(_storage(storage) for storage in table.tables("storage")),
        power=_power(table.table("power")) if "power" in table else None,
        energy=_energy(table),
        sources=dict(top.sources),
        notes=table.text("notes", ""),
        per_token_overhead_s=table.optional("per_token_overhead", "seconds", zero=True),
    )
    table.done()
    return made


def _energy(table: Table) -> str:
    """The name of an energy table, or the path of its file, relative to the device file."""
    name = table.text("energy")
    if name in energy_names():
        return name
    file, _, _ = name.partition("#")
    if not file.endswith(".toml"):
        known = ", ".join(energy_names())
        table.refuse("energy", name, f"no such energy table: expected a .toml file or {known}")
    return str(Path(table.path).parent / name)


def _compute(table: Table) -> Compute:
    array = _pe_array(table.table("pe_array")) if "pe_array" in table else None
    made = Compute(
        pe_array=array,
        int8=table.optional("int8", "operations/s"),
        f16=table.optional("f16", "operations/s"),
        f32=table.optional("f32", "operations/s"),
        efficiency=table.quantity("efficiency", "share"),
    )
    table.done()
    if array is None and made.int8 is None and made.f16 is None and made.f32 is None:
        table.refuse("", {}, "expected pe_array, int8, f16 or f32")
    return made


def _pe_array(table: Table) -> ProcessingElements:
    made = ProcessingElements(
        parallel=table.integer("parallel", 1, 1 << 24),
        broadcasting=table.integer("broadcasting", 0, 1 << 24),
        macs_per_cycle=table.quantity("macs_per_cycle", "count"),
        clock=table.quantity("clock", "hertz"),
    )
    table.done()
    return made


def _buffers(table: Table) -> Buffers:
    made = Buffers(
        total=table.quantity("total", "bytes"),
        weight=table.optional("weight", "bytes"),
        input=table.optional("input", "bytes"),
        output=table.optional("output", "bytes"),
    )
    table.done()
    parts = [part.value for part in (made.weight, made.input, made.output) if part is not None]
    if sum(parts) > made.total.high:
        table.refuse("total", made.total.value, f"its parts add up to {sum(parts):.0f} bytes")
    return made


def _memory(table: Table) -> Memory:
    made = Memory(
        name=table.text("name"),
        type=table.text("type"),
        capacity=table.quantity("capacity", "bytes"),
        bandwidth=table.quantity("bandwidth", "bytes/s"),
        achieved=table.optional("achieved", "bytes/s"),
        bus_bits=table.integer("bus_bits", 1, 1 << 14) if "bus_bits" in table else None,
        one_thread=table.optional("one_thread", "bytes/s"),
    )
    table.done()
    check_memory(made, table)
    return made


def _storage(table: Table) -> Storage:
    made = Storage(
        name=table.text("name"),
        type=table.text("type"),
        read_bandwidth=table.quantity("read_bandwidth", "bytes/s"),
        capacity=table.optional("capacity", "bytes"),
    )
    table.done()
    check_storage(made, table)
    return made


def _power(table: Table) -> Power:
    made = Power(
        static=table.quantity("static", "watts", zero=True),
        active=table.optional("active", "watts"),
        board=table.optional("board", "watts"),
    )
    table.done()
    return made
