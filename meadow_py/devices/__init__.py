"""Devices as data: every number with its source, and a range where sources disagree.

A device is a TOML file. Those in ``tables`` come with meadow_py, and a file of your own works the
same way. In Python, all numbers are in SI base units: bytes, bytes/s, operations/s, hertz, watts,
joules, seconds. In files, each number has its unit.
"""

from __future__ import annotations

from meadow_py.devices.catalogue import get, names
from meadow_py.devices.device import Device
from meadow_py.devices.energy_table import EnergyTable, energy_names, energy_table
from meadow_py.devices.parts import Buffers, Compute, Memory, Power, ProcessingElements, Storage
from meadow_py.devices.quantity import Quantity, parse_bandwidth

__all__ = [
    "Buffers",
    "Compute",
    "Device",
    "EnergyTable",
    "Memory",
    "Power",
    "ProcessingElements",
    "Quantity",
    "Storage",
    "energy_names",
    "energy_table",
    "get",
    "names",
    "parse_bandwidth",
]
