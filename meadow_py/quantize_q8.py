"""The former home of q8, now in `meadow_py.quantizers`; the next release drops these names."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    if name not in ("QuantizedQ8", "quantize_q8"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from meadow_py import quantizers

    said = f"{__name__}.{name} is now meadow_py.quantizers.{name}; the old name goes with the next"
    warnings.warn(f"{said} release", DeprecationWarning, stacklevel=2)
    return getattr(quantizers, name)
