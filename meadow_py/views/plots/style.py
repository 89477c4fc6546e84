"""Colours that colour-blind readers tell apart, on light and dark ground, and text as it is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from meadow_py.views.plots.place import size_of
from meadow_py.views.spelling import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.typing import ColorType

# M. Okabe, K. Ito, Color Universal Design (2008); the darker and the lighter ones moved so that
# each has a contrast of 3 with its ground. Every use has a second mark: a shape, a hatch, a word.
_ON_LIGHT = ("#0072b2", "#c87800", "#008a65", "#c0392b", "#b0508a", "#2f8fc4", "#7a6a00", "#444444")
_ON_DARK = ("#56b4e9", "#e69f00", "#2fc79a", "#ff7f50", "#e39cc4", "#9fd8ff", "#f0e442", "#bbbbbb")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "*")
LINES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)), (0, (8, 3)))
_SMALLER = ("#7f2704", "#d95f0e", "#fdae6b")  # the side that expands, from the far end inwards
_LARGER = ("#9ecae1", "#3182bd", "#08306b")
_FIRST_LINE = 0.52  # mean width of a character of DejaVu Sans over its size


def literal(text: str) -> str:
    """A name out of a file as matplotlib shows it letter by letter, ``$`` included."""
    import matplotlib

    shown = visible(text)
    return shown.replace("$", r"\$") if matplotlib.rcParams["text.parse_math"] else shown


def shortened(text: str, length: int = 34) -> str:
    """A long name with an ellipsis in its middle: beginnings and ends tell weights apart."""
    if len(text) <= length:
        return text
    tail = (length - 3) * 2 // 3
    return f"{text[: length - 3 - tail]}...{text[-tail:]}"


def luminance(colour: ColorType) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def is_dark(ax: Axes) -> bool:
    """Whether the ground of the axes is dark; where it is transparent, whether text is light."""
    import matplotlib
    from matplotlib.colors import to_rgba

    figure = ax.get_figure(root=True)
    grounds = [ax.get_facecolor(), *([] if figure is None else [figure.get_facecolor()])]
    for ground in grounds:
        if to_rgba(ground)[3] > 0.5:
            return luminance(ground) < 0.18
    return luminance(matplotlib.rcParams["text.color"]) > 0.18


def ink(ax: Axes) -> ColorType:
    """The colour of text on the axes: the style's, unless nobody could read it there."""
    import matplotlib

    colour: ColorType = matplotlib.rcParams["text.color"]
    if (luminance(colour) < 0.18) != is_dark(ax):
        return colour
    return "white" if is_dark(ax) else "black"


def palette(ax: Axes) -> tuple[str, ...]:
    """Eight colours that stand out from the ground of the axes."""
    return _ON_DARK if is_dark(ax) else _ON_LIGHT


def diverging(ax: Axes) -> Colormap:
    """Orange over the ground's colour to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    if not is_dark(ax):
        colours = (*_SMALLER, "#f7f7f7", *_LARGER)
    else:
        colours = (
            *_SMALLER[::-1][:2],
            _SMALLER[0],
            "#202020",
            *_LARGER[::-1][:1],
            "#3182bd",
            "#9ecae1",
        )
    return LinearSegmentedColormap.from_list("meadow_py", colours)


def on(colour: ColorType) -> str:
    """Black or white, whichever is read better on `colour`."""
    return "black" if luminance(colour) > 0.18 else "white"


def font_points(relative: float = 1.0) -> float:
    """So many times the style's size of text, in points."""
    import matplotlib

    return float(matplotlib.rcParams["font.size"]) * relative


def headings(ax: Axes, lines: Iterable[str], x: str, y: str) -> None:
    """Title and axis labels; long lines of the title are wrapped to the width of the axes."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    points = font_points()
    fitting = max(20, int(size_of(ax)[0] * 72 / (points * _FIRST_LINE)))
    wrapped = [part for line in lines for part in textwrap.wrap(line, fitting)]
    ax.set_title("\n".join(wrapped), fontsize=points)
