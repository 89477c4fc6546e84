"""Speed of this host: memory, disk, arithmetic, and products of matrices.

Every function measures when it is called, on this machine. Speeds are in bytes or operations per
second and times in seconds, unless a name says otherwise.
"""

from __future__ import annotations

from meadow_py.measure.bandwidth import Bandwidth, best_read_bandwidth, read_bandwidth
from meadow_py.measure.candidates import Candidate, candidates_of
from meadow_py.measure.compute import Compute, compute_speed, int8_operations_per_second
from meadow_py.measure.disk import DiskBandwidth, disk_read_bandwidth
from meadow_py.measure.host import Cache, Host, host
from meadow_py.measure.memory import PeakResident
from meadow_py.measure.products import Comparison, ProductTime, compare_products, product_seconds
from meadow_py.measure.timing import Timing, in_turn

__all__ = [
    "Bandwidth",
    "Cache",
    "Candidate",
    "Comparison",
    "Compute",
    "DiskBandwidth",
    "Host",
    "PeakResident",
    "ProductTime",
    "Timing",
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
