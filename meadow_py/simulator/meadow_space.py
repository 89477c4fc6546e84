"""The former home of `meadow_py.claims.meadow.space`."""

from __future__ import annotations

from meadow_py.names import homes_in, moved

__getattr__ = moved(
    __name__,
    homes_in(
        "meadow_py.claims.meadow.space",
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
    ),
)
