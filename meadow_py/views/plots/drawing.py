"""A result and the name of a plot to a figure."""

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

    from meadow_py.profiler.result import Profile
    from meadow_py.simulator import Simulation


def kinds_of(result: Profile | Simulation) -> Mapping[str, Kind]:
    """The kinds of plots that there are of a result."""
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


def draw_simulation(
    simulation: Simulation, kind: str = "time", ax: Axes | None = None, **options: Any
) -> Axes:
    """The same of a simulation: a key of `SIMULATION_KINDS`, with its options."""
    return _draw(simulation, kind, Place(ax), options)


def figure(result: Profile | Simulation, kind: str | None = None, **options: Any) -> Figure:
    """The same as a figure of its own that pyplot does not know: nothing needs to be closed.

    Without a `kind`, the first that there is of such a result.
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
