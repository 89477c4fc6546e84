"""The kinds of plots of a simulation by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from meadow_py.views.plots.kind import Kind
from meadow_py.views.plots.simulation.bandwidth import bandwidth
from meadow_py.views.plots.simulation.buffers import buffers
from meadow_py.views.plots.simulation.choice import choice
from meadow_py.views.plots.simulation.energy import energy
from meadow_py.views.plots.simulation.roofline import roofline
from meadow_py.views.plots.simulation.time import time

SIMULATION_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "time": Kind(
            "Time by component",
            "What a token, or the prompt, waits for: weights, activations and KV cache on their "
            "way from memory, and compute; for all of it and for each kind of operations.",
            time,
        ),
        "bandwidth": Kind(
            "Time against bandwidth",
            "The same model at other bandwidths under each dataflow, and where the better one "
            "changes.",
            bandwidth,
        ),
        "roofline": Kind(
            "Roofline",
            "Every operation that multiplies, by the operations it does for a byte that it moves, "
            "under the roofs of bandwidth and compute.",
            roofline,
        ),
        "energy": Kind(
            "Energy by component",
            "Off-chip memory, buffers, compute and static energy of a token, or the prompt, with "
            "the band that the sources of the table span.",
            energy,
        ),
        "buffers": Kind(
            "Time against on-chip memory",
            "How much latency a smaller memory for tiles, dictionary and pipeline registers costs.",
            buffers,
        ),
        "map": Kind(
            "The better dataflow",
            "Whether TPHS or GEMM is faster over bandwidth and the number of processing elements, "
            "and by how much.",
            choice,
        ),
    }
)
