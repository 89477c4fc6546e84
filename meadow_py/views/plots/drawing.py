"""A profile and the name of a plot to a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meadow_py.views.plots.kinds import KINDS, Kind
from meadow_py.views.plots.place import Place, require_matplotlib, root_of
from meadow_py.views.plots.selection import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from meadow_py.profiler.result import Profile


def draw(profile: Profile, kind: str = "heatmap", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw one figure of a profile, without showing it.

    Parameters
    ----------
    profile : Profile
    kind : str
        A key of `KINDS`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. None makes a figure of pyplot of a fitting size, which Jupyter shows.
    **options
        Of the kind of plot: ``KINDS[kind].options``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For a kind, option, setting, role or weight that is not there, with those that are.
    ImportError
        Without matplotlib.
    """
    return _draw(profile, kind, Place(ax), options)


def figure(profile: Profile, kind: str = "heatmap", **options: Any) -> Figure:
    """The same as a figure of its own that pyplot does not know: nothing needs to be closed."""
    return root_of(_draw(profile, kind, Place(None, pyplot=False), options))


def _draw(profile: Profile, kind: str, place: Place, options: dict[str, Any]) -> Axes:
    entry = KINDS[named("kind of plot", kind, KINDS)]
    _check_options(kind, entry, options)
    require_matplotlib()
    return entry.function(profile, place, **options)


def _check_options(kind: str, entry: Kind, options: dict[str, Any]) -> None:
    for option in options:
        named(f"option of the {kind} plot", option, entry.options)
