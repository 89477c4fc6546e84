"""A device as the simulator and the planner see it, in SI base units."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from meadow_py.devices.parts import Buffers, Compute, Memory, Power, Storage
from meadow_py.devices.quantity import Quantity, parse_bandwidth
from meadow_py.records import to_json_types


@dataclass(frozen=True)
class Device:
    """A device, with a source for every number.

    Attributes
    ----------
    name, title, kind : str
        For example ``zcu102``, "Xilinx ZCU102", ``FPGA``.
    compute : Compute
    on_chip : Buffers
    memory : Memory, optional
        None for microcontrollers that have only SRAM.
    storages : tuple of Storage
    power : Power, optional
    energy : str
        Name or file of its energy table; see `meadow_py.devices.energy_table`.
    sources : dict of str to str
        Titles of the sources, by the short names that the file uses.
    notes : str
    per_token_overhead_s : Quantity, optional
        Seconds per token that are neither transfer nor arithmetic: launches, synchronisation.
    """

    name: str
    title: str
    kind: str
    compute: Compute
    on_chip: Buffers
    memory: Memory | None
    storages: tuple[Storage, ...]
    power: Power | None
    energy: str
    sources: dict[str, str] = field(default_factory=dict)
    notes: str = ""
    per_token_overhead_s: Quantity | None = None

    def with_bandwidth(self, bandwidth: str | float) -> Device:
        """The same device with another memory bandwidth, which then also counts as achieved.

        Parameters
        ----------
        bandwidth : str or float
            ``"12Gb/s"``, or bytes per second.

        Returns
        -------
        Device

        Raises
        ------
        ValueError
            For a bandwidth that is not positive, an ambiguous unit, or a device without off-chip
            memory.
        """
        if self.memory is None:
            raise ValueError(f"device {self.name} has no memory outside the chip")
        value = parse_bandwidth(bandwidth) if isinstance(bandwidth, str) else float(bandwidth)
        if not 0 < value < float("inf"):
            raise ValueError(f"bandwidth={bandwidth!r}: expected more than 0")
        given = Quantity.given(value, f"bandwidth={bandwidth!r}, given by the caller")
        return replace(self, memory=replace(self.memory, bandwidth=given, achieved=None))

    def to_toml(self) -> str:
        """Convert the device to the text of a device file, which `from_toml` can read.

        Returns
        -------
        str
        """
        from meadow_py.devices.writer import device_toml

        return device_toml(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert the device to JSON types, in SI base units.

        Returns
        -------
        dict
        """
        made: dict[str, Any] = to_json_types(self)
        return made

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str], name: str | None = None) -> Device:
        """Read a device file.

        Parameters
        ----------
        path : path
        name : str, optional
            Which device to read, if the file holds several.

        Returns
        -------
        Device

        Raises
        ------
        OSError
            If the file cannot be read.
        meadow_py.FormatError
            If it is not a valid device file; the message gives the key, the value and the reason.
        ValueError
            If the file has no device `name`, or has several and `name` is None.
        """
        from meadow_py.devices.reader import read_device

        return read_device(cls, path, name)


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
    for name in (one.name for one in fields(part)):
        value = getattr(part, name)
        if isinstance(value, Quantity):
            yield (
                f"{room}: {name.replace('_', ' ')}",
                value,
                _OWN_UNITS.get(name, _UNITS.get(room, "")),
            )
