"""All numbers of a device in a list, with readable names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from meadow_py.devices.device import Device
from meadow_py.devices.quantity import Quantity

_UNITS = {
    "compute": "OPS",
    "on chip": "B",
    "memory": "B/s",
    "power": "W",
}
_OWN_UNITS = {
    "capacity": "B",
    "efficiency": "",
    "macs_per_cycle": "",
    "clock": "Hz",
    "read_bandwidth": "B/s",
}


def rows_of(device: Device) -> Iterator[tuple[str, Quantity, str]]:
    """Yield name, quantity and base unit of every number of a device, in the order of its file."""
    yield from _rows("compute", device.compute)
    if device.compute.pe_array is not None:
        yield from _rows("compute", device.compute.pe_array)
    yield from _rows("on chip", device.on_chip)
    if device.memory is not None:
        yield from _rows("memory", device.memory)
    for storage in device.storages:
        yield from _rows(storage.name, storage)
    if device.power is not None:
        yield from _rows("power", device.power)
    if device.per_token_overhead_s is not None:
        yield "overhead per token", device.per_token_overhead_s, "s"


def _rows(room: str, part: Any) -> Iterator[tuple[str, Quantity, str]]:
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Quantity):
            unit = _OWN_UNITS.get(field.name, _UNITS.get(room, ""))
            yield f"{room}: {field.name.replace('_', ' ')}", value, unit
