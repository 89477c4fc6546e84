"""The former home of `meadow_py.quantizers`: its names warn until the next release drops them."""

from __future__ import annotations

import warnings
from typing import Any

_ROOMS = {
    "Granularity": "quantizers",
    "Quantized": "quantizers",
    "quantize": "quantizers",
    "check_bits": "quantizers",
    "snr_db": "quantizers",
    "check_flag": "checks",
    "check_matrix": "checks",
    "check_threads": "checks",
}
_RENAMED = {"Quantized": "QuantizedIntegers"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    home, now = f"meadow_py.{_ROOMS[name]}", _RENAMED.get(name, name)
    said = f"{__name__}.{name} is now {home}.{now}; the old name goes with the next release"
    warnings.warn(said, DeprecationWarning, stacklevel=2)
    return getattr(importlib.import_module(home), now)
