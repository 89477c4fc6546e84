"""This host as a device: its memory, arithmetic and disk, measured now."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from meadow_py.devices.device import Device
from meadow_py.devices.parts import Buffers, Compute, Memory, Storage
from meadow_py.devices.quantity import Quantity
from meadow_py.measure import (
    Bandwidth,
    DiskBandwidth,
    Host,
    best_read_bandwidth,
    compute_speed,
    disk_read_bandwidth,
    host,
    int8_operations_per_second,
)
from meadow_py.measure.memory import usable_bytes

_NOTES = (
    "Measured with {isa} on {cores} logical CPUs. The bandwidth is what reading attains, eight "
    "streams a thread, not the peak of the wires; arithmetic is what products of this library "
    "attain with everything in cache. Power is not measured. The energy table is an assumption."
)


def measure_device(folder: str | os.PathLike[str] = ".", name: str = "this-host") -> Device:
    """Measure this host and describe it as a device, which takes a few seconds.

    Parameters
    ----------
    folder : path
        Folder in which a temporary file is written and read to measure the disk.
    name : str
        Name of the device.

    Returns
    -------
    Device

    Raises
    ------
    OSError
        If `folder` is not writable.
    """
    if not Path(folder).is_dir():
        raise NotADirectoryError(f"folder {os.fspath(folder)!r} must be an existing folder")
    disk = disk_read_bandwidth(folder)
    machine, now = host(), datetime.now(UTC)
    source = f"measured on this host by meadow_py.measure, {now:%d %B %Y}"
    return Device(
        name=name,
        title=f"{machine.cpu}, {machine.cores} logical CPUs",
        kind="host",
        compute=_compute(source),
        on_chip=Buffers(_exactly(machine.last_level_cache_bytes, f"{source}: last-level caches")),
        memory=_memory(machine, source),
        storages=(_storage(folder, disk, source),),
        power=None,
        energy="ddr4",
        notes=_NOTES.format(isa=machine.isa, cores=machine.cores),
    )


def _compute(source: str) -> Compute:
    """Rates of this library's products; BF16 weights stand for 16 bits."""
    speed = compute_speed()
    return Compute(
        pe_array=None,
        int8=_exactly(int8_operations_per_second(), f"{source}: products of INT8 in cache"),
        f16=_exactly(speed.bf16_operations_per_second, f"{source}: products of BF16 in cache"),
        f32=_exactly(speed.f32_operations_per_second, f"{source}: products of F32 in cache"),
        efficiency=_exactly(1.0, f"{source}: rates are those of products already"),
    )


def _memory(machine: Host, source: str) -> Memory:
    every, one = best_read_bandwidth(fresh=True), best_read_bandwidth(1)
    return Memory(
        name="RAM",
        type="measured, type unknown",
        capacity=_exactly(machine.memory_bytes or 2 * usable_bytes(), f"{source}: the system's"),
        bandwidth=_spread(every, f"{source}: reading on all CPUs"),
        achieved=_spread(every, f"{source}: reading on all CPUs"),
        one_thread=_spread(one, f"{source}: reading on one CPU"),
    )


def _storage(folder: str | os.PathLike[str], disk: DiskBandwidth, source: str) -> Storage:
    note = f"; {disk.note}" if disk.note else ""
    return Storage(
        name="disk",
        type="file system",
        read_bandwidth=_spread(disk, f"{source}: one thread, 4 MiB at a time, {disk.method}{note}"),
        capacity=_exactly(shutil.disk_usage(folder).total, f"{source}: size of the file system"),
    )


def _spread(found: Bandwidth | DiskBandwidth, source: str) -> Quantity:
    return Quantity(
        found.bytes_per_second,
        found.bytes_per_second_min,
        found.bytes_per_second_max,
        source,
        "measured",
    )


def _exactly(value: float, source: str) -> Quantity:
    return Quantity(float(value), float(value), float(value), source, "measured")
