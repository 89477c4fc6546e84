"""What a device is to the simulator and the planner. SI base units everywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from meadow_py.devices.quantity import Quantity
from meadow_py.devices.units import parse_bandwidth


@dataclass(frozen=True)
class Memory:
    """Memory outside of the chip that holds the model while it runs.

    Attributes
    ----------
    name : str
    type : str
        With the transfer rate in MT/s where there is one: ``LPDDR4X-4267``.
    capacity : Quantity
        Bytes.
    bandwidth : Quantity
        Bytes a second, the peak.
    achieved : Quantity, optional
        Bytes a second, measured with work of this kind.
    bus_bits : int, optional
        Width of the data bus.
    one_thread : Quantity, optional
        Bytes a second that one thread alone attains.
    """

    name: str
    type: str
    capacity: Quantity
    bandwidth: Quantity
    achieved: Quantity | None = None
    bus_bits: int | None = None
    one_thread: Quantity | None = None

    @property
    def usable_bandwidth(self) -> Quantity:
        """What was achieved of the peak where it was measured, else the peak. Bytes a second."""
        return self.achieved or self.bandwidth


@dataclass(frozen=True)
class Storage:
    """Where a model lies while the device is off.

    Attributes
    ----------
    name : str
    type : str
        Such as ``microSD``, ``eMMC``, ``UFS``, ``NVMe``, ``NOR``, ``NAND``.
    read_bandwidth : Quantity
        Bytes a second, sequential.
    capacity : Quantity, optional
        Bytes.
    """

    name: str
    type: str
    read_bandwidth: Quantity
    capacity: Quantity | None = None


@dataclass(frozen=True)
class ProcessingElements:
    """An array of processing elements, as on an FPGA.

    Attributes
    ----------
    parallel, broadcasting : int
        Elements that multiply in parallel, and ones that broadcast one operand.
    macs_per_cycle : Quantity
        INT8 multiply-accumulates that one element starts in a cycle.
    clock : Quantity
        Hertz.
    """

    parallel: int
    broadcasting: int
    macs_per_cycle: Quantity
    clock: Quantity

    @property
    def count(self) -> int:
        """All elements."""
        return self.parallel + self.broadcasting

    @property
    def operations_per_second(self) -> float:
        """Peak of all elements; a multiply-accumulate counts as 2."""
        return 2.0 * self.count * self.macs_per_cycle.value * self.clock.value


@dataclass(frozen=True)
class Compute:
    """How fast a device computes. Operations a second at peak; a multiply-accumulate counts as 2.

    Attributes
    ----------
    pe_array : ProcessingElements, optional
    int8, f16, f32 : Quantity, optional
        None where neither a source nor an assumption gives it. Dense, not sparse, operations.
    efficiency : Quantity
        Share of the peak that matrix products attain.
    """

    pe_array: ProcessingElements | None
    int8: Quantity | None
    f16: Quantity | None
    f32: Quantity | None
    efficiency: Quantity

    def peak_operations_per_second(self, bits: int) -> float:
        """Of operands of so many bits: see `operations_per_second`."""
        wide_enough = {
            "int8": self._int8() if bits <= 8 else None,
            "f16": self.f16.value if self.f16 is not None and bits <= 16 else None,
            "f32": self.f32.value if self.f32 is not None else None,
        }
        found = [value for value in wide_enough.values() if value is not None]
        if not found:
            raise ValueError(
                f"bits={bits}: the device file gives no speed for operands of {bits} bits, but for "
                f"{', '.join(self._known())}"
            )
        return max(found)

    def operations_per_second(self, bits: int) -> float:
        """What products of operands of so many bits attain: peak times efficiency.

        Narrower operands run at the speed of the narrowest type that holds them, so 4 bits as INT8.

        Parameters
        ----------
        bits : int
            1 to 32, the wider of the two operands.

        Raises
        ------
        ValueError
            If the device file gives no speed for such operands.
        """
        if not 1 <= bits <= 32:
            raise ValueError(f"bits={bits}: expected 1 to 32")
        return self.peak_operations_per_second(bits) * self.efficiency.value

    def _known(self) -> list[str]:
        """Of the types, those that have a speed."""
        rates = {"int8": self._int8(), "f16": self.f16, "f32": self.f32}
        return [name for name, rate in rates.items() if rate is not None]

    def _int8(self) -> float | None:
        if self.int8 is not None:
            return self.int8.value
        return None if self.pe_array is None else self.pe_array.operations_per_second


@dataclass(frozen=True)
class Buffers:
    """Memory on the chip, in bytes: SRAM of an accelerator, caches of a CPU.

    Attributes
    ----------
    total : Quantity
    weight, input, output : Quantity, optional
        Parts of it, where they are divided.
    """

    total: Quantity
    weight: Quantity | None = None
    input: Quantity | None = None
    output: Quantity | None = None


@dataclass(frozen=True)
class Power:
    """Watts.

    Attributes
    ----------
    static : Quantity
        Drawn whether it works or not.
    active : Quantity, optional
        Of the chip, at work.
    board : Quantity, optional
        Of the whole board, at work.
    """

    static: Quantity
    active: Quantity | None = None
    board: Quantity | None = None


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
        made: dict[str, Any] = _plain(self)
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

        return read_device(path, name)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, dict) else value
