"""The former home of `meadow_py.claims.meadow.retrace`."""

from __future__ import annotations

from meadow_py.names import homes_in, moved

_HOME = "meadow_py.claims.meadow.retrace"
_NAMES = (
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
)
__getattr__ = moved(
    __name__,
    homes_in(_HOME, _NAMES) | {"CLAIMS": f"{_HOME}.GAIN_RANGES", "Claim": f"{_HOME}.GainRange"},
)
