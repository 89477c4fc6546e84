"""The gains that MEADOW's paper reports, as ranges, and this model's gain for each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meadow_py.claims.meadow.space import GIGABIT, Floats, Grid, block_times, machine, shape


@dataclass(frozen=True)
class GainRange:
    """A range of gains that the paper reports.

    Attributes
    ----------
    name, model, phase : str
        `phase` is ``prefill`` or ``decode``.
    gigabits : int
        Bandwidth in Gb/s.
    low, high : float
        Time of GEMM with dense weights, divided by the time of MEADOW.
    required : bool
        Whether a configuration must meet it. Claims that are not required are only evaluated for
        the configurations that meet the required ones.
    tokens : int
        Tokens in the prompt if the model fixes them; 0 means the prompt of the configuration.
    """

    name: str
    model: str
    phase: str
    gigabits: int
    low: float
    high: float
    required: bool = False
    tokens: int = 0


GAIN_RANGES = (
    GainRange("OPT-125M prefill, 12 Gb/s (Figure 6)", "opt-125m", "prefill", 12, 1.5, 1.7, True),
    GainRange("OPT-125M prefill, 1 Gb/s (Figure 6)", "opt-125m", "prefill", 1, 1.57, 2.5, True),
    GainRange("OPT-125M decode, 12 Gb/s (Figure 7)", "opt-125m", "decode", 12, 1.4, 1.53, True),
    GainRange("OPT-125M decode, 1 Gb/s (Figure 7)", "opt-125m", "decode", 1, 1.4, 1.53, True),
    GainRange("OPT-1.3B prefill, 12 Gb/s (Figure 6)", "opt-1.3b", "prefill", 12, 1.5, 1.6),
    GainRange("OPT-1.3B prefill, 1 Gb/s (Figure 6)", "opt-1.3b", "prefill", 1, 1.55, 2.0),
    GainRange("OPT-1.3B decode, 12 Gb/s (Figure 7)", "opt-1.3b", "decode", 12, 1.4, 1.52),
    GainRange("OPT-1.3B decode, 1 Gb/s (Figure 7)", "opt-1.3b", "decode", 1, 1.4, 1.53),
    GainRange("DeiT-S, 12 Gb/s (section 6.6)", "deit-s", "prefill", 12, 1.5, 1.6, tokens=197),
    GainRange("DeiT-B, 12 Gb/s (section 6.6)", "deit-b", "prefill", 12, 1.5, 1.6, tokens=197),
)


def gain(claim: GainRange, prompt: int, grid: Grid) -> Floats:
    """Speedup of MEADOW over GEMM with dense weights, for every set."""
    model = shape(claim.model)
    made = machine(grid, claim.gigabits * GIGABIT)
    tokens, context = (claim.tokens or prompt, 0) if claim.phase == "prefill" else (1, prompt)
    dense, _ = block_times(model, tokens, context, grid, made, packed=False)
    packed_gemm, packed_tphs = block_times(model, tokens, context, grid, made, packed=True)
    found: Floats = dense / np.minimum(packed_gemm, packed_tphs)
    return found
