"""From device files to devices."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.devices.checks import check_memory, check_storage
from meadow_py.devices.energy_table import energy_names
from meadow_py.devices.parts import (
    Buffers,
    Compute,
    Memory,
    Power,
    ProcessingElements,
    Storage,
)
from meadow_py.devices.toml import Table, inherited, read_toml, start

if TYPE_CHECKING:
    from meadow_py.devices.device import Device


def read_device(
    kind: type[Device], path: str | os.PathLike[str], name: str | None = None
) -> Device:
    """One device of a file: see `Device.from_toml`."""
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
    """All devices of a file, by name, in its order.

    Parameters
    ----------
    kind : type
        `Device`, which itself reads through this module.
    path : path

    Raises
    ------
    OSError
        If it cannot be read.
    meadow_py.FormatError
        If it is no such file, with the key, the value and the reason.
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
    """The name of an energy table, or its file, beside the device file."""
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
