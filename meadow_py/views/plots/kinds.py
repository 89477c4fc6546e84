"""The kinds of plots by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from meadow_py.views.plots.heatmap import heatmap

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Kind:
    """A kind of plot.

    Attributes
    ----------
    title : str
        What a heading calls it.
    description : str
        What it shows, in one sentence.
    function : callable
        ``(Profile, Place, **options) -> Axes``.
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
    }
)
