"""The former home of q8, now in `meadow_py.quantizers`; the next release drops these names."""

from __future__ import annotations

from meadow_py.names import homes_in, moved

__getattr__ = moved(
    __name__,
    homes_in("meadow_py.quantizers", ("QuantizedQ8", "quantize_q8")),
    "is now {home}; the old name goes with the next release",
)
