"""Values of weights in bins: of one weight as counted, of several in standard deviations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from meadow_py.profiler import ValueDistribution, WeightProfile
from meadow_py.quantizers import STORED

Array = npt.NDArray[np.float64]


def known(weights: Sequence[WeightProfile]) -> list[tuple[WeightProfile, ValueDistribution]]:
    """The weights whose profiles hold the distribution of their values.

    Raises
    ------
    ValueError
        If none does, as in files of earlier versions.
    """
    found = [(weight, weight.values) for weight in weights if weight.values is not None]
    if not found:
        raise ValueError(
            "the profile does not hold how values are spread: it was made by an earlier version, "
            "profile the model again"
        )
    return found


def is_stored(weight: WeightProfile) -> bool:
    """Whether a weight was stored as codes, so that no scale has to cover its values."""
    return any(packing.quantizer == STORED for packing in weight.packings)


def edges_of(values: ValueDistribution) -> Array:
    """The edges of the bins."""
    edges: Array = (values.first - 0.5 + np.arange(len(values.counts) + 1.0)) * values.step
    return edges


def share_within(values: ValueDistribution, low: float, high: float) -> float:
    """The approximate share of the values between two limits, with bins taken as uniform."""
    edges = edges_of(values)
    below = np.concatenate([[0], np.cumsum(values.counts)]) / sum(values.counts)
    return float(np.interp(high, edges, below) - np.interp(low, edges, below))


def reach(values: ValueDistribution) -> float:
    """The largest magnitude, which one symmetric scale for the weight has to cover."""
    return max(abs(values.low), abs(values.high))


def zero_of(weight: WeightProfile, values: ValueDistribution) -> float:
    """The origin of deviations: zero, as for scales, or the mean of stored codes."""
    return values.mean if is_stored(weight) else 0.0


def density(members: Sequence[tuple[WeightProfile, ValueDistribution]], edges: Array) -> Array:
    """Share of the values per standard deviation of their own weight, over all `members`."""
    counts = np.zeros(len(edges) - 1)
    for weight, values in members:
        scaled = (edges_of(values) - zero_of(weight, values)) / values.std
        below = np.concatenate([[0], np.cumsum(values.counts)])
        counts += np.diff(np.interp(edges, scaled, below))
    shares: Array = counts / counts.sum() / np.diff(edges)
    return shares
