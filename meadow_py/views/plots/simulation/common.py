"""Code shared by the plots of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.simulator import Phase, Simulation
from meadow_py.simulator.components import GROUPS
from meadow_py.spelling import visible
from meadow_py.views import simulation as words
from meadow_py.views.plots.canvas import MARKERS, ink, palette
from meadow_py.views.plots.labels import SMALL, points, shortened
from meadow_py.views.plots.selection import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# For each field of `Waits`, a place in the palette and a hatch: colour alone is not enough.
WAIT_LOOKS = {
    "weights": (0, ""),
    "activations": (1, "////"),
    "kv_cache": (2, "xxxx"),
    "compute": (3, "...."),
    "overhead": (4, "----"),
}
ENERGY_LOOKS = {
    "off_chip": (0, ""),
    "on_chip": (1, "////"),
    "compute": (3, "...."),
    "static": (4, "----"),
}
FLOW_LOOKS = {"gemm": (1, "--"), "tphs": (0, "-"), "roofline": (0, "-")}


def subject(simulation: Simulation) -> str:
    """The model and the device."""
    device = visible(simulation.device.title).partition(" (")[0]
    return f"{shortened(visible(simulation.model.name), 40)} on {shortened(device, 40)}"


def details(simulation: Simulation, bandwidth: bool = True) -> str:
    """Precision, packing and bandwidth."""
    packing = "dense" if simulation.packing == "none" else f"packing {visible(simulation.packing)}"
    speed = f", {words.rate(simulation.bandwidth)}" if bandwidth else ""
    return f"{simulation.precision}, {packing}{speed}"


def phase_of(simulation: Simulation, name: str | None) -> tuple[str, Phase]:
    """The phase by name; None means the decoded token, or the pass of an encoder.

    Raises
    ------
    ValueError
        If there is no such phase.
    """
    made = words.phases(simulation)
    chosen = named("phase", name or list(made)[-1], made)
    return chosen, made[chosen]


def phase_words(simulation: Simulation, phase: str) -> str:
    """``a prompt of 256 tokens``, ``one token after 320``."""
    sequences = "" if simulation.batch == 1 else f", {simulation.batch} sequences"
    if phase == "prefill":
        return f"a prompt of {simulation.prompt} tokens{sequences}"
    return f"one token after {simulation.context}{sequences}"


def group_look(ax: Axes, group: str) -> tuple[str, str]:
    """Colour and marker of a kind of operations."""
    place = GROUPS.index(group)
    return palette(ax)[place], MARKERS[place]


def vertical(ax: Axes, x: float, text: str, top: float = 0.02) -> None:
    """A dotted line with a label, as high as the axes are before a legend is put on top."""
    ends = ax.get_ylim()
    ax.plot([x, x], ends, color=ink(ax), linestyle=":", linewidth=1, scalex=False, scaley=False)
    ax.annotate(
        text,
        (x, top),
        xycoords=("data", "axes fraction"),
        xytext=(points(0.4), 0),
        textcoords="offset points",
        rotation=90,
        va="bottom",
        fontsize=points(SMALL),
        color=ink(ax),
    )
