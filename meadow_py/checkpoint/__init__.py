"""The packed checkpoint: a folder or a file that holds a model losslessly, near its entropy."""

from __future__ import annotations

from meadow_py.checkpoint.inspection import Inspection, inspect
from meadow_py.checkpoint.packer import Packed, pack
from meadow_py.checkpoint.unpacker import Unpacked, unpack
from meadow_py.checkpoint.verifier import Verified, verify

__all__ = [
    "Inspection",
    "Packed",
    "Unpacked",
    "Verified",
    "inspect",
    "pack",
    "unpack",
    "verify",
]
