"""Where a plot is drawn, and colours that suit its ground and colour-blind readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType


@dataclass(frozen=True)
class Canvas:
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
            from matplotlib import pyplot, rc_context

            with rc_context({"figure.max_open_warning": 0}):  # as many plots as the caller wants
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


# After M. Okabe and K. Ito, Color Universal Design (2008), each darkened or lightened to a
# contrast of 3 with its ground. No plot relies on colour alone.
_ON_LIGHT = ("#0072b2", "#c46a00", "#00805e", "#b0508a", "#c0392b", "#2f8fc4", "#7a6a00", "#7d3cc9")
_ON_DARK = ("#56b4e9", "#e69f00", "#2fc79a", "#e39cc4", "#ff7f50", "#a8dcff", "#f0e442", "#c7a6ff")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "*")
PALE = "#999999"  # for things in the background, on either ground
LINES = (
    "-",
    "--",
    "-.",
    ":",
    (0, (6, 1, 1, 1, 1, 1)),
    (0, (3, 1)),
    (0, (1, 1)),
)  # 7: not a divisor of 8
# Of the diverging map: where between the ends, and the colour there. The jump at the middle keeps
# what expands a little apart from what shrinks a little.
_DIVERGING_ON_LIGHT = (
    (0.0, "#8c2d04"),
    (0.25, "#e6761c"),
    (0.49, "#fdd9b0"),
    (0.5, "#f7f7f7"),
    (0.51, "#cfe1f2"),
    (0.75, "#4a90c8"),
    (1.0, "#08306b"),
)
_DIVERGING_ON_DARK = (
    (0.0, "#ffc488"),
    (0.25, "#d9731a"),
    (0.49, "#5e2c08"),
    (0.5, "#2a2a2a"),
    (0.51, "#0b3a66"),
    (0.75, "#2c7fc4"),
    (1.0, "#b4dcff"),
)
_DARK = 0.18  # luminance on which black and white are equally readable


def luminance(colour: ColorType) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ground(ax: Axes) -> ColorType:
    """The colour that axes are drawn on; if transparent, black or white to suit the text."""
    import matplotlib
    from matplotlib.colors import to_rgba

    for colour in (ax.get_facecolor(), root_of(ax).get_facecolor()):
        if to_rgba(colour)[3] > 0.5:
            return colour
    return "black" if luminance(matplotlib.rcParams["text.color"]) > _DARK else "white"


def is_dark(ax: Axes) -> bool:
    """Whether the ground of the axes is dark."""
    return luminance(ground(ax)) < _DARK


def ink(ax: Axes) -> ColorType:
    """The colour of text on the axes: the style's, unless it would be unreadable there."""
    import matplotlib

    colour: ColorType = matplotlib.rcParams["text.color"]
    if (luminance(colour) > _DARK) == is_dark(ax):
        return colour
    return "white" if is_dark(ax) else "black"


def palette(ax: Axes) -> tuple[str, ...]:
    """Eight colours that contrast with the ground of the axes."""
    return _ON_DARK if is_dark(ax) else _ON_LIGHT


def diverging(ax: Axes) -> Colormap:
    """A map from orange through the colour of the ground to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = _DIVERGING_ON_DARK if is_dark(ax) else _DIVERGING_ON_LIGHT
    return LinearSegmentedColormap.from_list("meadow_py", stops)


def on(colour: ColorType) -> str:
    """Black or white, whichever is more readable on `colour`."""
    return "black" if luminance(colour) > _DARK else "white"
