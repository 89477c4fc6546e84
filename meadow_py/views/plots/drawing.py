"""Draw a plot of a result, given the name of the plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meadow_py.views.plots.kind import Kind
from meadow_py.views.plots.kinds import KINDS
from meadow_py.views.plots.place import Place, require_matplotlib, root_of
from meadow_py.views.plots.selection import named
from meadow_py.views.plots.simulation.kinds import SIMULATION_KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from meadow_py.profiler import Profile
    from meadow_py.simulator import Simulation


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
    return _draw(profile, kind, Place(ax), options)


def draw_simulation(
    simulation: Simulation, kind: str = "time", ax: Axes | None = None, **options: Any
) -> Axes:
    """The same for a simulation: `kind` is a key of `SIMULATION_KINDS`, with its options."""
    return _draw(simulation, kind, Place(ax), options)


def figure(result: Profile | Simulation, kind: str | None = None, **options: Any) -> Figure:
    """The same as a new figure outside pyplot, which need not be closed.

    Without a `kind`, it is the first kind that exists for such a result.
    """
    chosen = kind or next(iter(kinds_of(result)))
    return root_of(_draw(result, chosen, Place(None, pyplot=False), options))


def _draw(result: Profile | Simulation, kind: str, place: Place, options: dict[str, Any]) -> Axes:
    kinds = kinds_of(result)
    entry = kinds[named("kind of plot", kind, kinds)]
    _check_options(kind, entry, options)
    require_matplotlib()
    return entry.function(result, place, **options)


def _check_options(kind: str, entry: Kind, options: dict[str, Any]) -> None:
    for option in options:
        named(f"option of the {kind} plot", option, entry.options)
