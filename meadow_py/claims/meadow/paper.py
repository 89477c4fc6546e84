"""MEADOW's paper, the machine that stands in for its array, and its claims that lack their data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.claims.claim import Claim, Publication
from meadow_py.claims.meadow.retrace import STATED, STATED_PROMPT
from meadow_py.claims.meadow.space import Grid, settings_of

if TYPE_CHECKING:
    from meadow_py.simulator import Simulation


PAPER = Publication(
    "MEADOW",
    "MEADOW: Memory-efficient Dataflow and Data Packing for Low Power Edge LLMs",
    "Moitra et al., MLSys 2025, arXiv 2503.11663",
    "a third party's reading notes of the paper",
)
STATED_MACHINE = f"{len(STATED)} constants that the paper does not give, chosen to meet its gains"


def stated() -> Grid:
    """The stated configuration as a grid of one set."""
    return Grid.of({name: (value,) for name, value in STATED.items()})


def simulated(
    model: str, *, packed: bool, dataflow: str, prompt: int = STATED_PROMPT
) -> Simulation:
    """A simulation of the stated configuration at 12 Gb/s; the head is not counted."""
    from meadow_py.simulator import simulate

    settings = settings_of(STATED)
    packing = settings.pop("packing")
    return simulate(
        model,
        device="zcu102",
        dataflow=dataflow,
        bandwidth="12Gb/s",
        prompt=prompt,
        context=prompt,
        packing=packing if packed else "none",
        head=False,
        **settings,
    )


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
