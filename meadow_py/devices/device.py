"""What a device is to the simulator and the planner. SI base units everywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

from meadow_py.devices.parts import Buffers, Compute, Memory, Power, Storage
from meadow_py.devices.quantity import Quantity
from meadow_py.devices.units import parse_bandwidth
from meadow_py.records import to_json_types


@dataclass(frozen=True)
class Device:
    """A device, every number with its source.

    Attributes
    ----------
    name, title, kind : str
        ``zcu102``, "Xilinx ZCU102", ``FPGA``.
    compute : Compute
    on_chip : Buffers
    memory : Memory, optional
        None for microcontrollers with SRAM only.
    storages : tuple of Storage
    power : Power, optional
    energy : str
        Name or file of its energy table: see `meadow_py.devices.energy_table`.
    sources : dict of str to str
        Titles, by the short names that the file uses.
    notes : str
    per_token_overhead_s : Quantity, optional
        Seconds a token that are neither transfer nor arithmetic: launches, synchronisation.
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
        """The same device with another bandwidth of its memory, which is then taken as achieved.

        Parameters
        ----------
        bandwidth : str or float
            ``"12Gb/s"``, or bytes per second.

        Raises
        ------
        ValueError
            For no positive bandwidth, a unit in doubt, or a device without such memory.
        """
        if self.memory is None:
            raise ValueError(f"device {self.name}: it has no memory outside of the chip")
        value = parse_bandwidth(bandwidth) if isinstance(bandwidth, str) else float(bandwidth)
        if not 0 < value < float("inf"):
            raise ValueError(f"bandwidth={bandwidth!r}: expected more than 0")
        given = Quantity.given(value, f"bandwidth={bandwidth!r}, given by the caller")
        return replace(self, memory=replace(self.memory, bandwidth=given, achieved=None))

    def to_toml(self) -> str:
        """As the text of a device file that `from_toml` reads again."""
        from meadow_py.devices.writing import device_toml

        return device_toml(self)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, SI base units."""
        made: dict[str, Any] = to_json_types(self)
        return made

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str], name: str | None = None) -> Device:
        """Read a device file.

        Parameters
        ----------
        path : path
        name : str, optional
            Which one, of a file that holds several.

        Raises
        ------
        OSError
            If it cannot be read.
        meadow_py.FormatError
            If it is no such file, with the key, the value and the reason.
        ValueError
            If it holds no device `name`, or several and none is named.
        """
        from meadow_py.devices.reading import read_device

        return read_device(cls, path, name)
