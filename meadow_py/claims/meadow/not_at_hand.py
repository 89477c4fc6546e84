"""MEADOW's claims that no data at hand can decide, and what each one needs."""

from __future__ import annotations

from meadow_py.claims.claim import Claim
from meadow_py.claims.meadow.paper import PAPER

_OPEN = (
    (
        "meadow-8",
        "Figure 8",
        "The bars of Figure 8.",
        "not given",
        "the bars of the figure and their setting, from the paper's full text",
    ),
    (
        "meadow-9",
        "Figure 9",
        "The bars of Figure 9.",
        "not given",
        "the bars of the figure and their setting, from the paper's full text",
    ),
    (
        "meadow-11",
        "Figure 11",
        "End to end, over 40 % less latency than CTA and FlightLLM on the same array.",
        "over 40 %",
        "how the paper built CTA and FlightLLM again on its array",
    ),
    (
        "meadow-accuracy",
        "Section 6",
        "W8A8 SmoothQuant keeps OPT-125M at 60.7 % on LAMBADA.",
        "60.7 %",
        "facebook/opt-125m in W8A8 under SmoothQuant, and LAMBADA",
    ),
    (
        "meadow-power",
        "Abstract",
        "The ZCU102 runs it on less than 10 W.",
        "under 10 W",
        "a measured power: the paper gives a budget",
    ),
)

CLAIMS = tuple(
    Claim(name, PAPER, page, text, published, needs) for name, page, text, published, needs in _OPEN
)
