"""Search for the constants with which this model of MEADOW's array shows the paper's results.

The figures are Figures 6, 7, 11 and 12 and section 6.6 of Moitra et al., MEADOW, arXiv 2503.11663,
MLSys 2025, as given by a third party's reading notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.claims.meadow.space import (
    GIGABIT,
    LAYOUTS,
    SPACE,
    Floats,
    Grid,
    block_times,
    core_times,
    machine,
    shape,
)

STATED_PROMPT = 256
STATED = MappingProxyType(
    {
        "macs_per_cycle": 52.0,
        "overlap": 1.0,
        "softmax_per_cycle": 24.0,
        "gemm_broadcasting": 0.0,
        "fill_cycles": 2048.0,
        "score_factor": 1.0,
        "elementwise_to_memory": 0.0,
        "mask_skipped": 0.0,
        "on_chip_mib": 4.0,
        "ratio_attention": 1.2,
        "ratio_mlp": 1.7,
    }
)
"""One set of `SPACE` that meets every claim at a prompt of `STATED_PROMPT` tokens. It is not the
only one, so it says what MEADOW may be, not what it is; see docs/simulation.md."""

Bools = npt.NDArray[np.bool_]
PROMPTS = (64, 128, 197, 256, 320, 384, 512)
BANDWIDTHS = (1, 12)
ELEMENTS = (14, 24, 48, 72, 96)
GIGABITS = (1, 6, 12, 25, 51)


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


@dataclass(frozen=True, eq=False)
class AtPrompt:
    """The results at one prompt length.

    Attributes
    ----------
    prompt : int
    gains : dict of str to float64 array
        Gains of the kept sets, by name of the claim.
    kept : int array
        Indices in the grid of the sets that meet every required claim.
    flips : dict of str to bool array
        For the kept sets, by layout and direction: whether the better dataflow changes from TPHS
        to GEMM.
    """

    prompt: int
    gains: dict[str, Floats]
    kept: npt.NDArray[np.intp]
    flips: dict[str, Bools] = field(default_factory=dict)

    def holds(self, claim: GainRange) -> Bools:
        """Whether a claim holds, for each of the kept sets."""
        gain = self.gains[claim.name]
        return (gain >= claim.low) & (gain <= claim.high)


@dataclass(frozen=True, eq=False)
class Retrace:
    """Every set of values and, at each prompt length, the sets that meet the required claims.

    Attributes
    ----------
    grid : Grid
    prompts : tuple of AtPrompt
    """

    grid: Grid
    prompts: tuple[AtPrompt, ...]

    def satisfying(self, at: AtPrompt, layout: str = LAYOUTS[1]) -> npt.NDArray[np.intp]:
        """Indices of the sets that meet every required claim and flip in both directions.

        Returns
        -------
        numpy.ndarray
            intp, shape (sets,).
        """
        flips = at.flips[f"{layout}, bandwidth"] & at.flips[f"{layout}, elements"]
        return at.kept[flips]

    def to_dict(self, listed: int = 20) -> dict[str, Any]:
        """Convert counts, values and ranges to JSON types, with up to `listed` of the sets.

        Returns
        -------
        dict
        """
        from meadow_py.claims.meadow.report import retrace_to_dict

        return retrace_to_dict(self, listed)


def retrace(
    prompts: Sequence[int] = PROMPTS, space: Mapping[str, Sequence[float]] = SPACE
) -> Retrace:
    """Sweep what the paper leaves open, and keep the sets that show its figures.

    A gain is the time of the whole decoder under GEMM with dense weights, divided by its time with
    packed weights and the better of TPHS and GEMM; the head is not counted. The decoded token
    follows a prompt of the given length.

    Parameters
    ----------
    prompts : sequence of int
        Prompt lengths in tokens.
    space : mapping of str to sequence of float
        Values of every parameter of `SPACE`.

    Returns
    -------
    Retrace
    """
    grid = Grid.of(space)
    return Retrace(grid, tuple(_at(grid, prompt) for prompt in prompts))


def gain(claim: GainRange, prompt: int, grid: Grid) -> Floats:
    """Speedup of MEADOW over GEMM with dense weights, for every set."""
    model = shape(claim.model)
    made = machine(grid, claim.gigabits * GIGABIT)
    tokens, context = (claim.tokens or prompt, 0) if claim.phase == "prefill" else (1, prompt)
    dense, _ = block_times(model, tokens, context, grid, made, packed=False)
    packed_gemm, packed_tphs = block_times(model, tokens, context, grid, made, packed=True)
    found: Floats = dense / np.minimum(packed_gemm, packed_tphs)
    return found


def end_to_end_gain(grid: Grid, prompt: int, generate: int, gigabits: int, model: str) -> Floats:
    """Speedup as in `gain`, for a prompt and `generate` tokens after it."""
    made, sizes = machine(grid, gigabits * GIGABIT), shape(model)
    before, after = np.zeros(len(grid)), np.zeros(len(grid))
    for tokens, context, count in ((prompt, 0, 1), (1, prompt + generate // 2, generate)):
        dense, _ = block_times(sizes, tokens, context, grid, made, packed=False)
        both = block_times(sizes, tokens, context, grid, made, packed=True)
        before += count * dense
        after += count * np.minimum(*both)
    found: Floats = before / after
    return found


def better_dataflow(
    grid: Grid,
    prompt: int,
    layout: str,
    elements: Sequence[int] = ELEMENTS,
    gigabits: Sequence[float] = GIGABITS,
) -> npt.NDArray[np.bool_]:
    """Whether TPHS is better: bool, shape ``(elements, gigabits, sets)`` (Figure 12)."""
    model = shape("opt-125m")
    found = np.empty((len(elements), len(gigabits), len(grid)), bool)
    for row, count in enumerate(elements):
        for column, speed in enumerate(gigabits):
            made = machine(grid, speed * GIGABIT, count, layout)
            apart, pipeline = core_times(model, prompt, grid, made)
            found[row, column] = pipeline < apart
    return found


def _at(grid: Grid, prompt: int) -> AtPrompt:
    kept = np.arange(len(grid))
    for claim in GAIN_RANGES:
        if claim.required:
            gains = gain(claim, prompt, grid.where(kept))
            kept = kept[(gains >= claim.low) & (gains <= claim.high)]
    part = grid.where(kept)
    gains_of = {claim.name: gain(claim, prompt, part) for claim in GAIN_RANGES}
    return AtPrompt(prompt, gains_of, kept, _flips(part, prompt))


def _flips(grid: Grid, prompt: int) -> dict[str, Bools]:
    """Whether sets change from TPHS to GEMM for good, along each axis at the other's far end."""
    found: dict[str, Bools] = {}
    for layout in LAYOUTS:
        tphs = better_dataflow(grid, prompt, layout)
        found[f"{layout}, bandwidth"] = _once(tphs[-1])
        found[f"{layout}, elements"] = _once(tphs[:, -1])
        found[f"{layout}, corner to corner"] = tphs[0, 0] & ~tphs[-1, -1]
    return found


def _once(tphs: Bools) -> Bools:
    """Whether TPHS comes first and GEMM last, with one change, along the first axis."""
    falling = (tphs[1:] <= tphs[:-1]).all(axis=0)
    found: Bools = tphs[0] & ~tphs[-1] & falling
    return found
