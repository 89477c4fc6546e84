"""Writing of devices as TOML files, which `Device.from_toml` can read."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from meadow_py.devices.parts import Memory, Storage
from meadow_py.devices.quantity import Quantity
from meadow_py.devices.toml import VERSION

if TYPE_CHECKING:
    from meadow_py.devices.device import Device


_UNITS = {
    "capacity": "B",
    "bandwidth": "B/s",
    "achieved": "B/s",
    "one_thread": "B/s",
    "read_bandwidth": "B/s",
    "int8": "OPS",
    "f16": "OPS",
    "f32": "OPS",
    "clock": "Hz",
    "total": "B",
    "weight": "B",
    "input": "B",
    "output": "B",
    "static": "W",
    "active": "W",
    "board": "W",
    "per_token_overhead": "s",
}


class _Sources:
    """Short names for sources, in the order in which they appear."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def key(self, source: str) -> str:
        return self._keys.setdefault(source, f"source{len(self._keys) + 1}")

    def lines(self) -> list[str]:
        return [f"{key} = {_text(source)}" for source, key in self._keys.items()]


def device_toml(device: Device) -> str:
    """The text of a device file, with every number in its base unit and with all its digits."""
    sources = _Sources()
    place = f"device.{_text(device.name)}"
    body = [f"[{place}]", *_head(device, sources)]
    body += _section(f"{place}.compute", _compute(device, sources))
    if device.compute.pe_array is not None:
        array = device.compute.pe_array
        counts = [f"parallel = {array.parallel}", f"broadcasting = {array.broadcasting}"]
        body += _section(f"{place}.compute.pe_array", counts + _quantities(array, sources))
    body += _section(f"{place}.on_chip", _quantities(device.on_chip, sources))
    if device.memory is not None:
        body += _section(f"{place}.memory", _memory(device.memory, sources))
    for storage in device.storages:
        body += ["", f"[[{place}.storage]]", *_memory(storage, sources)]
    if device.power is not None:
        body += _section(f"{place}.power", _quantities(device.power, sources))
    lines = [f"version = {VERSION}", "", "[sources]", *sources.lines(), "", *body]
    return "\n".join(lines) + "\n"


def _head(device: Device, sources: _Sources) -> list[str]:
    lines = [
        f"{key} = {_text(getattr(device, key))}"
        for key in ("title", "kind", "energy", "notes")
        if getattr(device, key)
    ]
    if device.per_token_overhead_s is not None:
        lines.append(_quantity("per_token_overhead", device.per_token_overhead_s, sources))
    return lines


def _compute(device: Device, sources: _Sources) -> list[str]:
    return _quantities(device.compute, sources)


def _memory(memory: Memory | Storage, sources: _Sources) -> list[str]:
    lines = [f"name = {_text(memory.name)}", f"type = {_text(memory.type)}"]
    if isinstance(memory, Memory) and memory.bus_bits is not None:
        lines.append(f"bus_bits = {memory.bus_bits}")
    return lines + _quantities(memory, sources)


def _section(place: str, lines: list[str]) -> list[str]:
    return ["", f"[{place}]", *lines]


def _quantities(part: Any, sources: _Sources) -> list[str]:
    found = ((field.name, getattr(part, field.name)) for field in fields(part))
    return [_quantity(name, value, sources) for name, value in found if isinstance(value, Quantity)]


def _quantity(name: str, quantity: Quantity, sources: _Sources) -> str:
    unit = _UNITS.get(name)
    parts = [f"value = {_number(quantity.value, unit)}"]
    if quantity.low != quantity.value:
        parts.append(f"low = {_number(quantity.low, unit)}")
    if quantity.high != quantity.value:
        parts.append(f"high = {_number(quantity.high, unit)}")
    parts.append(f"kind = {_text(quantity.kind)}")
    if quantity.kind == "assumed":
        parts.append(f"reason = {_text(quantity.source)}")
    else:
        parts.append(f"source = {_text(sources.key(quantity.source))}")
    return f"{name} = {{ {', '.join(parts)} }}"


def _number(value: float, unit: str | None) -> str:
    digits = f"{value:.0f}" if value.is_integer() and value < 2**53 else repr(value)
    return digits if unit is None else f'"{digits} {unit}"'


def _text(text: str) -> str:
    """A basic string of TOML, which equals a JSON string but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
