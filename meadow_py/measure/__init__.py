"""Speed of this host: memory, disk, arithmetic, and products of matrices.

Every function measures when it is called, on this machine. Speeds are in bytes or operations per
second and times in seconds, unless a name says otherwise.
"""

from __future__ import annotations

from meadow_py.measure.bandwidth import Bandwidth, best_read_bandwidth, read_bandwidth
from meadow_py.measure.compute import ComputeSpeed, compute_speed, int8_operations_per_second
from meadow_py.measure.disk import DiskBandwidth, disk_read_bandwidth
from meadow_py.measure.host import Cache, Host, host
from meadow_py.measure.memory import PeakResident
from meadow_py.measure.products import (
    Candidate,
    Comparison,
    ProductTime,
    candidates_of,
    compare_products,
    product_seconds,
)
from meadow_py.measure.timing import TaskTime, in_turn
from meadow_py.names import moved

__all__ = [
    "Bandwidth",
    "Cache",
    "Candidate",
    "Comparison",
    "ComputeSpeed",
    "DiskBandwidth",
    "Host",
    "PeakResident",
    "ProductTime",
    "TaskTime",
    "best_read_bandwidth",
    "candidates_of",
    "compare_products",
    "compute_speed",
    "disk_read_bandwidth",
    "host",
    "in_turn",
    "int8_operations_per_second",
    "product_seconds",
    "read_bandwidth",
]

__getattr__ = moved(
    __name__, {"Compute": f"{__name__}.ComputeSpeed", "Timing": f"{__name__}.TaskTime"}
)
