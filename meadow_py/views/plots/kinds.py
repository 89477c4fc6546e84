"""The kinds of plots by name: of a profile or sweep, and of a simulation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from meadow_py.views.plots.growth import growth
from meadow_py.views.plots.heatmap import heatmap
from meadow_py.views.plots.rate_distortion import rate_distortion
from meadow_py.views.plots.ratio import ratio
from meadow_py.views.plots.role_bytes import role_bytes
from meadow_py.views.plots.simulation.choice import choice
from meadow_py.views.plots.simulation.curves import bandwidth, buffers
from meadow_py.views.plots.simulation.energy import energy
from meadow_py.views.plots.simulation.roofline import roofline
from meadow_py.views.plots.simulation.time import time
from meadow_py.views.plots.values import values

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Kind:
    """A kind of plot.

    Attributes
    ----------
    title : str
        Its name in headings.
    description : str
        One sentence on what it shows.
    function : callable
        ``(result, Canvas, **options) -> Axes``.
    """

    title: str
    description: str
    function: Callable[..., Axes]

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options of the function."""
        parameters = inspect.signature(self.function).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "heatmap": Kind(
            "Layers by chunk size",
            "How many times smaller than dense each layer gets with chunks of each size, "
            "everything counted; below 1 it gets larger.",
            heatmap,
        ),
        "bytes": Kind(
            "Bytes by role",
            "The size of the packed weights of each role, by where the bytes go, beside their "
            "size dense, under a Huffman code of single codes, under the storage codec, and "
            "at their floor.",
            role_bytes,
        ),
        "ratio": Kind(
            "Ratio against bits per weight",
            "The ratio that every weight reaches at its entropy, and the region that no code of "
            "single codes can reach.",
            ratio,
        ),
        "rate-distortion": Kind(
            "Bits per weight against SNR",
            "The size of every way of quantising, dense, under plain Huffman and in its smallest "
            "packing, against the signal-to-noise ratio that it leaves.",
            rate_distortion,
        ),
        "values": Kind(
            "Distribution of values",
            "The distribution of the values of the weights, the distance of the outliers, and "
            "the steps of the codes that reach them.",
            values,
        ),
        "growth": Kind(
            "Growth of the dictionary",
            "The number of distinct chunks against the number of chunks read: repeated chunks "
            "bend a line away from the one where every chunk is new.",
            growth,
        ),
    }
)


SIMULATION_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "time": Kind(
            "Time by component",
            "The time that a token, or the prompt, waits for weights, activations and KV cache "
            "from memory, and for compute, in total and for each kind of operation.",
            time,
        ),
        "bandwidth": Kind(
            "Time against bandwidth",
            "The time of the same model at other bandwidths under each dataflow, and the "
            "bandwidth at which the faster one changes.",
            bandwidth,
        ),
        "roofline": Kind(
            "Roofline",
            "Every operation that multiplies, by its arithmetic operations per byte moved, under "
            "the roofs of bandwidth and compute.",
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
