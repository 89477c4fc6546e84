"""The source of MEADOW's claims, and the machine that stands in for its array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.claims.claim import Source
from meadow_py.claims.meadow.retrace import STATED, STATED_PROMPT
from meadow_py.claims.meadow.space import Grid, settings_of

if TYPE_CHECKING:
    from meadow_py.simulator import Simulation

PAPER = Source(
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
