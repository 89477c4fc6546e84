"""The description of a kind of plot."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        ``(result, Place, **options) -> Axes``.
    """

    title: str
    description: str
    function: Callable[..., Axes]

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options of the function."""
        parameters = inspect.signature(self.function).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
