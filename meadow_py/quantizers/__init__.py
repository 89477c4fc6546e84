"""Quantisers: each turns a weight into codes and the side information that decodes them.

A key such as ``int8:row`` names a quantiser on the command line, in Python and in JSON.
"""

from __future__ import annotations

from meadow_py.quantizers.integers import (
    Granularity,
    Integers,
    QuantizedIntegers,
    check_bits,
    integers_key,
    product_keys,
    quantize,
)
from meadow_py.quantizers.q8 import Q8, QuantizedQ8, quantize_q8
from meadow_py.quantizers.quantizer import Quantized, Quantizer, snr_db
from meadow_py.quantizers.registry import canonical, find, parse, product, register, title
from meadow_py.quantizers.stored import STORED, Stored

__all__ = [
    "Q8",
    "STORED",
    "Granularity",
    "Integers",
    "Quantized",
    "QuantizedIntegers",
    "QuantizedQ8",
    "Quantizer",
    "Stored",
    "canonical",
    "check_bits",
    "find",
    "integers_key",
    "parse",
    "product",
    "product_keys",
    "quantize",
    "quantize_q8",
    "register",
    "snr_db",
    "title",
]
