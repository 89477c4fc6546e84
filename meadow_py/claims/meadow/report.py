"""The results of a MEADOW retrace as JSON types."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.claims.meadow.retrace import (
    BANDWIDTHS,
    GAIN_RANGES,
    AtPrompt,
    GainRange,
    Retrace,
    end_to_end_gain,
)
from meadow_py.claims.meadow.space import LAYOUTS, Grid

GENERATED = (1, 64, 512)
RIVALS_GAIN = 1 / (1 - 0.4)
"""Over 40 % lower latency than another design (Figure 11): that one takes 1.67 times as long."""

Places = npt.NDArray[np.intp]


def retrace_to_dict(found: Retrace, listed: int) -> dict[str, Any]:
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
