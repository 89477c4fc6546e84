"""The parts of a device: memory, storage, arithmetic, buffers and power. SI base units."""

from __future__ import annotations

from dataclasses import dataclass

from meadow_py.devices.quantity import Quantity


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
