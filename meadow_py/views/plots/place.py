"""Where a plot is drawn: on the caller's axes, or on a figure of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Place:
    """Where a plot is drawn.

    Attributes
    ----------
    ax : Axes or None
        The caller's axes; None makes a new figure.
    pyplot : bool
        Whether the new figure belongs to pyplot, so that Jupyter shows it when a cell ends.
    """

    ax: Axes | None = None
    pyplot: bool = True

    def axes(self, width: float, height: float) -> Axes:
        """The caller's axes, or those of a new figure; its size is in inches for 10-point text.

        The figure is larger if the style's text is.
        """
        if self.ax is not None:
            return self.ax
        width, height = width * text_scale(), height * text_scale()
        if self.pyplot:
            from matplotlib import pyplot

            return pyplot.figure(figsize=(width, height), layout="constrained").add_subplot()
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure.add_subplot()


def require_matplotlib() -> None:
    """Raise an ImportError that says what to do if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error


def text_scale() -> float:
    """The style's text size over the 10 points that all sizes here assume."""
    import matplotlib

    return float(matplotlib.rcParams["font.size"]) / 10


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height of the axes in inches, as far as known before the figure is drawn."""
    box, dots = ax.get_window_extent(), root_of(ax).dpi
    return box.width / dots, box.height / dots


def root_of(drawn: Axes | Figure) -> Figure:
    """The whole figure; the axes may be in a subfigure.

    Raises
    ------
    ValueError
        If the axes were removed from their figure.
    """
    if drawn.figure is None:
        raise ValueError("the axes are no longer part of a figure: there is nothing to draw on")
    root: Figure = drawn.figure.figure  # a figure gives itself; a subfigure gives the whole figure
    return root
