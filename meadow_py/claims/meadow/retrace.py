"""Search for the constants with which this model of MEADOW's array shows the paper's results.

The figures are Figures 6, 7, 11 and 12 and section 6.6 of Moitra et al., MEADOW, arXiv 2503.11663,
MLSys 2025, as given by a third party's reading notes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.claims.meadow.gain_ranges import GAIN_RANGES, GainRange, gain
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
GENERATED = (1, 64, 512)
RIVALS_GAIN = 1 / (1 - 0.4)
"""Over 40 % lower latency than another design (Figure 11): that one takes 1.67 times as long."""
Places = npt.NDArray[np.intp]


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
        return _to_dict(self, listed)


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
    """Whether TPHS is better: bool, shape ``(elements, gigabits, sets)`` (Figure 12).

    Returns
    -------
    numpy.ndarray
    """
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


def _to_dict(found: Retrace, listed: int) -> dict[str, Any]:
    """See `Retrace.to_dict`."""
    return {
        "version": 1,
        "sets": len(found.grid),
        "space": {name: np.unique(v).tolist() for name, v in found.grid.columns.items()},
        "claims": [vars(claim) for claim in GAIN_RANGES],
        "prompts": [_prompt(found, at, listed) for at in found.prompts],
        "at_several_prompts": {layout: _several(found, layout) for layout in LAYOUTS},
    }


def all_claims(at: AtPrompt, places: Places) -> Places:
    """The `places` for which every claim holds, required or not."""
    chosen = np.isin(at.kept, places)
    for claim in GAIN_RANGES:
        chosen &= at.holds(claim)
    return at.kept[chosen]


def _prompt(found: Retrace, at: AtPrompt, listed: int) -> dict[str, Any]:
    return {
        "prompt": at.prompt,
        "gains_met": len(at.kept),
        "flips": {name: int(flips.sum()) for name, flips in at.flips.items()},
        "satisfying": {layout: _satisfying(found, at, layout, listed) for layout in LAYOUTS},
    }


def _satisfying(found: Retrace, at: AtPrompt, layout: str, listed: int) -> dict[str, Any]:
    places = found.satisfying(at, layout)
    if not places.size:
        return {"sets": 0}
    part, chosen = found.grid.where(places), np.isin(at.kept, places)
    whole = all_claims(at, places)
    shown = whole if whole.size else places
    return {
        "sets": int(places.size),
        "values": _values(part),
        "claims": [_claim(claim, at, chosen) for claim in GAIN_RANGES],
        "all_claims": int(whole.size),
        "all_claims_values": _values(found.grid.where(whole)) if whole.size else {},
        "rivals": _rivals(part, at.prompt),
        "listed": [found.grid.row(int(place)) for place in shown[:listed]],
    }


def _values(grid: Grid) -> dict[str, dict[str, int]]:
    """Number of sets that have each value of each parameter."""
    counted = {name: np.unique(v, return_counts=True) for name, v in grid.columns.items()}
    return {
        name: {f"{value:g}": int(count) for value, count in zip(*pair, strict=True)}
        for name, pair in counted.items()
    }


def _claim(claim: GainRange, at: AtPrompt, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    gain, holds = at.gains[claim.name][chosen], at.holds(claim)[chosen]
    return {
        "name": claim.name,
        "low": claim.low,
        "high": claim.high,
        "holds_in": int(holds.sum()),
        "gain_low": float(gain.min()),
        "gain_high": float(gain.max()),
    }


def _rivals(grid: Grid, prompt: int) -> list[dict[str, Any]]:
    """Gains of prompt and generation together over dense GEMM, and what they imply for rivals.

    The sources at hand do not describe CTA and FlightLLM as the paper re-implemented them.
    """
    rows = []
    for gigabits, generate in itertools.product(BANDWIDTHS, GENERATED):
        gain = end_to_end_gain(grid, prompt, generate, gigabits, "opt-125m")
        rows.append(
            {
                "gigabits": gigabits,
                "generate": generate,
                "gain_low": float(gain.min()),
                "gain_high": float(gain.max()),
                "rival_by_dense_gemm": RIVALS_GAIN / float(gain.max()),
            }
        )
    return rows


def _several(found: Retrace, layout: str) -> list[dict[str, Any]]:
    """For 2, 3, ... prompts, the combination that most sets satisfy at once."""
    sets = {at.prompt: set(found.satisfying(at, layout).tolist()) for at in found.prompts}
    rows = []
    for count in range(2, len(sets) + 1):
        choices = itertools.combinations(sets, count)
        common = {one: set.intersection(*(sets[prompt] for prompt in one)) for one in choices}
        best = max(common, key=lambda one: len(common[one]))
        rows.append({"prompts": list(best), "sets": len(common[best])})
    return rows
