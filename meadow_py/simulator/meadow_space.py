"""The former home of `meadow_py.claims.meadow.space`."""

from __future__ import annotations

from meadow_py.moved import moved

__getattr__ = moved(
    __name__,
    (
        "GIGABIT",
        "Grid",
        "LAYOUTS",
        "PRECISION",
        "SPACE",
        "block_times",
        "core_times",
        "machine",
        "settings_of",
        "shape",
    ),
    "meadow_py.claims.meadow.space",
)
