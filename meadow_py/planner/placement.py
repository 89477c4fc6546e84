"""Where a device keeps a model: on the chip, in memory, in storage, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from meadow_py.devices import Storage
from meadow_py.planner.result import MEMORY, NOWHERE, ON_CHIP, STORAGE, Footprint
from meadow_py.planner.setting import Setting


@dataclass(frozen=True)
class Placement:
    """Where the weights are kept while the model runs.

    Attributes
    ----------
    place : str
        As in `Option`.
    where : str
        The name of that memory or storage; if the place is ``nowhere``, the reason.
    """

    place: str
    where: str


def place(need: Footprint, setting: Setting) -> Placement:
    """The fastest place that holds everything, or the storage that streams what does not fit."""
    memory = setting.device.memory
    if need.total <= setting.on_chip_bytes:
        return Placement(ON_CHIP, "SRAM")
    if memory is not None and need.total <= setting.memory_bytes:
        return Placement(MEMORY, memory.name)
    room = setting.memory_bytes if memory is not None else setting.on_chip_bytes
    if need.working >= room:
        name = memory.name if memory is not None else "memory on the chip"
        return Placement(
            NOWHERE,
            f"KV cache and activations alone, {need.working / 2**20:.3g} MiB, do not fit into the "
            f"{room / 2**20:.3g} MiB that may be used of the {name}",
        )
    streaming = streaming_storage(need, setting)
    if streaming is not None:
        return Placement(STORAGE, streaming.name)
    if setting.device.storages:
        return Placement(NOWHERE, "the weights are larger than every storage")
    return Placement(NOWHERE, "larger than memory, and the device file names no storage")


def streaming_storage(need: Footprint, setting: Setting) -> Storage | None:
    """The fastest storage that holds the weights, or may hold them if its capacity is unknown."""
    fitting = [s for s in setting.device.storages if holds(s, need) is not False]
    return max(fitting, key=lambda s: s.read_bandwidth.value, default=None)


def holds(storage: Storage, need: Footprint) -> bool | None:
    """Whether the weights fit; None if the capacity is unknown."""
    return None if storage.capacity is None else need.file <= storage.capacity.value
