"""The kinds of plots by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from meadow_py.views.plots.growth import growth
from meadow_py.views.plots.heatmap import heatmap
from meadow_py.views.plots.kind import Kind
from meadow_py.views.plots.rate_distortion import rate_distortion
from meadow_py.views.plots.ratio import ratio
from meadow_py.views.plots.role_bytes import role_bytes
from meadow_py.views.plots.values import values

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
            "What the weights of each role take when packed, by where the bytes go, beside what "
            "they take dense, under a Huffman code of single codes, under the storage codec, and "
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
            "How the values of the weights are spread, how far the outliers lie, and how coarse "
            "the steps of the codes that reach them are.",
            values,
        ),
        "growth": Kind(
            "Growth of the dictionary",
            "How many distinct chunks have been met when so many chunks are read: chunks that "
            "repeat bend a line away from the one where every chunk is new.",
            growth,
        ),
    }
)
