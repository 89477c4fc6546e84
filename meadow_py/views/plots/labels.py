"""Text on plots: literal names, titles that fit, legends and labels that cover nothing."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from itertools import accumulate
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from meadow_py import quantizers
from meadow_py.spelling import visible
from meadow_py.views.plots.canvas import size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

    from meadow_py.profiler import Profile


SMALL = 0.83  # size of labels and legends over the style's text size
_CHARACTER = 0.57  # mean width of DejaVu Sans over its size
_LINE = 1.25  # height of a line over the size of text


def literal(text: str) -> str:
    """A name from a file, escaped so that matplotlib shows it literally, ``$`` included."""
    import matplotlib

    shown = visible(text)
    return shown.replace("$", r"\$") if matplotlib.rcParams["text.parse_math"] else shown


def shortened(text: str, length: int = 34) -> str:
    """A long name with an ellipsis in its middle, since its ends identify the weight."""
    if len(text) <= length:
        return text
    tail = (length - 3) * 2 // 3
    return f"{text[: length - 3 - tail]}...{text[-tail:]}"


def subject(profile: Profile, *more: str) -> str:
    """The subject of a plot: the model, and what distinguishes it from other plots."""
    source = visible(profile.model.source)
    return ", ".join([shortened(PurePath(source).name or source, 56), *more])


def quantizer_words(quantizer: str) -> str:
    """``INT8, one scale per tensor``."""
    return visible(quantizers.title(quantizer))


def percent(share: float) -> str:
    """0.0063 %, 12.5 %, 99.9 %: only the whole is shown as 100 %."""
    if share >= 0.1:
        return f"{math.floor(share * 1000 + 1e-9) / 10:g} %"
    if 0 < share < 1e-5:
        return "less than 0.001 %"
    return f"{100 * share:.2g} %"


def points(relative: float = 1.0) -> float:
    """A multiple of the style's text size, in points."""
    import matplotlib

    return float(matplotlib.rcParams["font.size"]) * relative


def line_inches(relative: float = 1.0) -> float:
    """The height in inches of a line of text, given as a multiple of the style's size."""
    return points(relative) * _LINE / 72


def text_inches(text: str, relative: float = 1.0) -> float:
    """An upper estimate of the width of a text in inches."""
    longest = max((len(line) for line in text.split("\n")), default=0)
    return longest * points(relative) * _CHARACTER / 72


def headings(ax: Axes, lines: Sequence[str], x: str, y: str, inches: float | None = None) -> None:
    """Set title and axis labels; the title is wrapped to `inches`, or the width of the axes."""
    fitting = max(16, int((inches or size_of(ax)[0]) / text_inches("x")))
    wrapped = [part for line in lines for part in _wrapped(line, fitting)]
    ax.set_title("\n".join(map(literal, wrapped)), fontsize=points(), pad=points(0.9))
    ax.set_xlabel(x)
    ax.set_ylabel(y)


def _wrapped(line: str, fitting: int) -> list[str]:
    return textwrap.wrap(line, fitting, break_on_hyphens=False)


def legend_on_top(ax: Axes, handles: Sequence[Any], columns: int = 3) -> Legend:
    """Put a legend inside the axes, above everything drawn so far; the axis grows for it."""
    size = points(SMALL)
    width, height = size_of(ax)
    handle = 4.5 * size / 72  # inches of the sample beside a label, and the space around it
    fitting = max(12, int((width - handle - 0.1) / text_inches("x", SMALL)))
    labels = ["\n".join(_wrapped(str(h.get_label()), fitting)) for h in handles]
    count = min(columns, len(labels))
    while count > 1 and _legend_width(labels, count, handle) > width:
        count -= 1
    lines = max(sum(label.count("\n") + 1 for label in part) for part in _parts(labels, count))
    room = (lines * 1.2 + 1.5) * size / 72 * _LINE
    grow(ax, top=min(0.6, room / height))
    made: Legend = ax.legend(
        handles, labels, loc="upper left", ncols=count, fontsize=size, frameon=False
    )
    return made


def _legend_width(labels: Sequence[str], columns: int, handle: float) -> float:
    parts = _parts(labels, columns)
    return sum(text_inches("\n".join(part), SMALL) + handle for part in parts)


def _parts(labels: Sequence[str], columns: int) -> list[Sequence[str]]:
    """The columns of a legend, as matplotlib fills them: the first ones take the remainder."""
    short, more = divmod(len(labels), columns)
    sizes = [short + (n < more) for n in range(columns)]
    ends = list(accumulate(sizes))
    return [labels[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def grow(ax: Axes, top: float = 0.0, right: float = 0.0, bottom: float = 0.0) -> None:
    """Extend an axis, so that a part of it is empty at an end."""
    low, high = ax.get_ylim()
    ax.set_ylim(_grown(high, low, bottom, ax.get_yscale()), _grown(low, high, top, ax.get_yscale()))
    left, end = ax.get_xlim()
    ax.set_xlim(left, _grown(left, end, right, ax.get_xscale()))


def _grown(start: float, end: float, share: float, scale: str) -> float:
    """The new end, so that the former axis fills all but `share` of it."""
    if scale == "log":
        return float(start * (end / start) ** (1 / (1 - share)))
    return start + (end - start) / (1 - share)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the `wanted` ones, in their order, inside the ends and `gap` or more apart."""
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    blocks: list[tuple[float, int]] = []  # first place, members
    for n in order:
        blocks.append((min(max(wanted[n], low), high), 1))
        while len(blocks) > 1 and blocks[-1][0] < blocks[-2][0] + blocks[-2][1] * gap - 1e-12:
            (start, left), (other, right) = blocks[-2:]
            middle = (start * left + (other - left * gap) * right) / (left + right)
            middle = min(max(middle, low), high - (left + right - 1) * gap)
            blocks[-2:] = [(middle, left + right)]
    placed = [start + n * gap for start, members in blocks for n in range(members)]
    return [place for _, place in sorted(zip(order, placed, strict=True))]
