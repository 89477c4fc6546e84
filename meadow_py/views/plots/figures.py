"""Figures of a result, drawn and written to files and HTML; equal figures give equal bytes."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from meadow_py.files import write_whole
from meadow_py.views.plots.canvas import Canvas, require_matplotlib, root_of
from meadow_py.views.plots.kinds import KINDS, SIMULATION_KINDS, Kind
from meadow_py.views.plots.selection import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from meadow_py.profiler import Profile
    from meadow_py.simulator import Simulation

# Metadata that would tell the time and the program, by format; left out.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_DOTS_PER_INCH = 150
_PIXELS_PER_INCH = 144  # of what is pixels in an SVG: flat rectangles, thousands of marks
_TAG = re.compile(r"<[^>]*>")
_ID = re.compile(r'(\bid="|href="#|url\(#)')


def kinds_of(result: Profile | Simulation) -> Mapping[str, Kind]:
    """The kinds of plots that exist for a result."""
    from meadow_py.simulator import Simulation

    return SIMULATION_KINDS if isinstance(result, Simulation) else KINDS


def draw(profile: Profile, kind: str = "heatmap", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw one figure of a profile, without showing it.

    Parameters
    ----------
    profile : Profile
    kind : str
        A key of `KINDS`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. None makes a pyplot figure of a suitable size, which Jupyter shows.
    **options
        Options of the kind of plot: ``KINDS[kind].options``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a kind, option, setting, role or weight does not exist; the message lists those that do.
    ImportError
        If matplotlib is not installed.
    """
    return _draw(profile, kind, Canvas(ax), options)


def draw_simulation(
    simulation: Simulation, kind: str = "time", ax: Axes | None = None, **options: Any
) -> Axes:
    """The same for a simulation: `kind` is a key of `SIMULATION_KINDS`, with its options."""
    return _draw(simulation, kind, Canvas(ax), options)


def figure(result: Profile | Simulation, kind: str | None = None, **options: Any) -> Figure:
    """The same as a new figure outside pyplot, which need not be closed.

    Without a `kind`, it is the first kind that exists for such a result.
    """
    chosen = kind or next(iter(kinds_of(result)))
    return root_of(_draw(result, chosen, Canvas(None, pyplot=False), options))


def _draw(result: Profile | Simulation, kind: str, canvas: Canvas, options: dict[str, Any]) -> Axes:
    kinds = kinds_of(result)
    entry = kinds[named("kind of plot", kind, kinds)]
    _check_options(kind, entry, options)
    require_matplotlib()
    return entry.function(result, canvas, **options)


def _check_options(kind: str, entry: Kind, options: dict[str, Any]) -> None:
    for option in options:
        named(f"option of the {kind} plot", option, entry.options)


def check_path(path: str | os.PathLike[str]) -> str:
    """The format that the suffix of the path names: png, svg or pdf.

    Raises
    ------
    ValueError
        If there is another suffix, or none.
    """
    suffix = Path(path).suffix.lower().lstrip(".")
    if suffix not in FORMATS:
        found = f"suffix .{suffix}" if suffix else "no suffix"
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ValueError(f"{os.fspath(path)!r} has {found}: a plot is written as {known}")
    return suffix


def save(drawn: Axes | Figure, path: str | os.PathLike[str], dpi: float = _DOTS_PER_INCH) -> None:
    """Write the figure as PNG, SVG or PDF, by the suffix of `path`, whole or not at all.

    Parameters
    ----------
    drawn : Axes or Figure
        The result of `draw` or `figure`.
    path : str or path
    dpi : float
        Dots per inch of a PNG.

    Raises
    ------
    ValueError
        If the suffix is none of `FORMATS`.
    OSError
        If the file cannot be written.
    """
    kind = check_path(path)
    write_whole(path, _rendered(drawn, kind, dpi))


def svg(
    result: Profile | Simulation, kind: str = "heatmap", dark: bool = False, **options: Any
) -> str:
    """A plot as an ``<svg>`` element for an HTML page, on the ground of that page.

    Text stays text. All ids begin with a digest of the figure, so that a page can hold several.

    Parameters
    ----------
    dark : bool
        Whether the page has a dark ground.
    **options
        Options of `draw`.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib import style

    sheets = ["default", "dark_background"] if dark else ["default"]
    bare: dict[Any, Any] = {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "svg.fonttype": "none",
    }
    with style.context(sheets), matplotlib.rc_context(bare):
        text = _rendered(figure(result, kind, **options), "svg", _PIXELS_PER_INCH).decode()
    return _inline(text, kinds_of(result)[kind].title)


def _rendered(drawn: Axes | Figure, kind: str, dpi: float) -> bytes:
    import matplotlib

    file = io.BytesIO()
    salt: dict[Any, Any] = {"svg.hashsalt": matplotlib.rcParams["svg.hashsalt"] or "meadow_py"}
    with matplotlib.rc_context(salt):  # without it, ids are random
        root_of(drawn).savefig(file, format=kind, dpi=dpi, metadata=FORMATS[kind])
    return file.getvalue()


def _inline(text: str, title: str) -> str:
    """The element alone, as wide as the page allows, with its own ids and style."""
    element = text[text.index("<svg") :].rstrip()
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    name = f"plot-{hashlib.sha256(element.encode()).hexdigest()[:10]}"
    element = _TAG.sub(lambda tag: _ID.sub(rf"\g<1>{name}-", tag.group()), element)
    element = element.replace('<style type="text/css">*{', f"<style>#{name} *{{", 1)
    shown = f'<svg id="{name}" role="img" aria-label={quoteattr(title)}'
    return element.replace("<svg", f'{shown} style="max-width:100%;height:auto"', 1)
