"""The former home of `meadow_py.claims.meadow.retrace`."""

from __future__ import annotations

from meadow_py.moved import moved

__getattr__ = moved(
    __name__,
    (
        "AtPrompt",
        "BANDWIDTHS",
        "ELEMENTS",
        "GIGABITS",
        "GIGABIT",
        "Grid",
        "LAYOUTS",
        "PROMPTS",
        "Retrace",
        "SPACE",
        "STATED",
        "STATED_PROMPT",
        "better_dataflow",
        "end_to_end_gain",
        "gain",
        "retrace",
    ),
    "meadow_py.claims.meadow.retrace",
    {"CLAIMS": "GAIN_RANGES", "Claim": "GainRange"},
)
