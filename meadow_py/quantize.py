"""The former home of `meadow_py.quantizers`: its names warn until the next release drops them."""

from __future__ import annotations

from meadow_py.names import homes_in, moved

_QUANTIZERS = ("Granularity", "quantize", "check_bits", "snr_db")
_CHECKS = ("check_flag", "check_matrix", "check_threads")
__getattr__ = moved(
    __name__,
    {
        "Quantized": "meadow_py.quantizers.QuantizedIntegers",
        **homes_in("meadow_py.quantizers", _QUANTIZERS),
        **homes_in("meadow_py.checks", _CHECKS),
    },
    "is now {home}; the old name goes with the next release",
)
