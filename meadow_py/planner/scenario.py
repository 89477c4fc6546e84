"""The inputs of a plan: the device, the lengths, and the assumptions that users can change."""

from __future__ import annotations

from dataclasses import dataclass

from meadow_py.devices import Device, Quantity, Storage
from meadow_py.simulator import Assumption
from meadow_py.workload import ModelShape

# Kinds of device whose on-chip memory programs address. Programs do not control what the caches of
# CPUs and GPUs hold.
_ADDRESSED = ("FPGA", "ASIC", "microcontroller", "accelerator")
_TOGETHER = 512  # tokens of a prompt that are read at once, as llama.cpp does by default

READ_EFFICIENCY = Quantity(
    0.9,
    0.73 / 6.4,
    1.0,
    "no source gives a typical share; low: llama.cpp issue #9244, on an M3 Max a memory-mapped "
    "file was loaded at 0.73 GB/s that reads give at 6.4 GB/s",
    "assumed",
)
USABLE_MEMORY = Quantity(
    0.9, 0.75, 1.0, "what the system leaves to one program; no source", "assumed"
)


@dataclass(frozen=True)
class Scenario:
    """The inputs that all options of a plan share.

    Attributes
    ----------
    shape : ModelShape
    device : Device
    context, prompt, batch : int
    together : int
        Tokens of the prompt that are processed at once.
    read_efficiency : Quantity
        Share of a storage's speed that loading a file attains.
    usable_memory : Quantity
        Share of memory that the model may take.
    """

    shape: ModelShape
    device: Device
    context: int
    prompt: int
    batch: int
    together: int
    read_efficiency: Quantity
    usable_memory: Quantity

    @property
    def memory_bytes(self) -> float:
        """Bytes of memory that the model may take; 0 if the device has none."""
        memory = self.device.memory
        return 0.0 if memory is None else memory.capacity.value * self.usable_memory.value

    @property
    def on_chip_bytes(self) -> float:
        """Bytes of on-chip memory that the model may take; 0 if that memory is a cache."""
        if not self.addresses_chip:
            return 0.0
        return self.device.on_chip.total.value * self.usable_memory.value

    @property
    def addresses_chip(self) -> bool:
        """Whether programs address the on-chip memory themselves."""
        return self.device.kind in _ADDRESSED

    def read_bandwidth(self, storage: Storage) -> Quantity:
        """Bytes per second when loading from a storage.

        NOR flash attains its full speed, because it is read without a file system.
        """
        speed = storage.read_bandwidth
        if storage.type.upper().startswith("NOR"):
            return speed
        share = self.read_efficiency
        return Quantity(
            speed.value * share.value,
            speed.low * share.low,
            speed.high * share.high,
            f"{speed.source}; x {share.value:g}: {share.source}",
            "derived",
        )


def tokens_together(device: Device, prompt: int) -> int:
    """Tokens of a prompt that are processed at once: one at a time on microcontrollers."""
    return 1 if device.kind == "microcontroller" else min(prompt, _TOGETHER)


def assumptions_of(scenario: Scenario) -> tuple[Assumption, ...]:
    """The planner's own assumptions, and those of the device's numbers."""
    device, memory = scenario.device, scenario.device.memory
    named = [
        ("read_efficiency", scenario.read_efficiency, ""),
        ("usable_memory", scenario.usable_memory, ""),
        ("compute.efficiency", device.compute.efficiency, ""),
    ]
    if memory is not None:
        named.append(("memory.bandwidth", memory.usable_bandwidth, "bytes/s"))
        named.append(("memory.capacity", memory.capacity, "bytes"))
    named += [(f"storage {s.name}", s.read_bandwidth, "bytes/s") for s in device.storages]
    return tuple(_assumption(name, of, unit) for name, of, unit in named if of.kind == "assumed")


def _assumption(name: str, quantity: Quantity, unit: str) -> Assumption:
    span = f" (from {quantity.low:.3g} to {quantity.high:.3g})"
    reason = quantity.source + (span if quantity.low < quantity.high else "")
    return Assumption(name, quantity.value, unit, reason)
