"""Plots of a plan: the memory it needs beside the memory there is, and seconds from cold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meadow_py.planner import Option, Plan
from meadow_py.spelling import byte_size
from meadow_py.views import plan as words
from meadow_py.views.plots.canvas import LINES, Canvas, ink, palette, require_matplotlib
from meadow_py.views.plots.selection import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _ROW = 7.0, 0.34  # inches
_HATCHES = ("", "///", "...")
_PARTS = ("weights", "KV cache", "activations")


def draw_plan(plan: Plan, kind: str, ax: Axes | None = None) -> Axes:
    """Draw one figure of a plan: see `Plan.plot`."""
    function = PLAN_KINDS[named("kind of plot", kind, PLAN_KINDS)]
    require_matplotlib()
    return function(plan, Canvas(ax))


def footprint(plan: Plan, canvas: Canvas) -> Axes:
    """A stacked bar for each form, and lines where memory and the chip end."""
    options = plan.options
    ax = canvas.axes(_WIDTH, 1.6 + _ROW * len(options))
    colours, rows = palette(ax), range(len(options))
    left = [0.0] * len(options)
    for at, part in enumerate(_PARTS):
        sizes = [_parts(option)[at] for option in options]
        ax.barh(
            rows, sizes, 0.7, left, color=colours[at], hatch=_HATCHES[at], edgecolor=ink(ax),
            linewidth=0.5, label=part,
        )  # fmt: skip
        left = [before + size for before, size in zip(left, sizes, strict=True)]
    for style, (name, room) in zip(LINES[1:], plan.room.items(), strict=False):
        if room:
            label = f"{name}: {byte_size(round(room))}"
            ax.axvline(room, color=ink(ax), linestyle=style, label=label)
    _finish(ax, plan, [words.name_of(option) for option in options], "")
    ax.xaxis.set_major_formatter(lambda value, _: byte_size(round(value)))
    ax.tick_params(axis="x", labelsize="small")
    handles, labels = ax.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda at: labels[at] not in _PARTS)
    ax.legend(
        [handles[at] for at in order], [labels[at] for at in order],
        loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, frameon=False,
    )  # fmt: skip
    return ax


def _parts(option: Option) -> tuple[float, float, float]:
    need = option.footprint
    return need.weights, need.kv_cache, need.activations


def first_token(plan: Plan, canvas: Canvas) -> Axes:
    """A mark for each form and storage, with the range of its sources, on a logarithmic axis."""
    found = [
        (f"{words.name_of(option)}, {storage.name}", storage.first_token_s, option.in_memory)
        for option in plan.options
        for storage in option.storages
        if storage.first_token_s is not None and storage.holds is not False
    ]
    if not found:
        raise ValueError(
            f"{plan.model.name} on {plan.device.name}: no first token from any storage to draw"
        )
    ax = canvas.axes(_WIDTH, 1.6 + _ROW * len(found))
    colours = palette(ax)
    for row, (_, band, in_memory) in enumerate(found):
        ax.errorbar(
            band.typical, row, xerr=[[band.typical - band.low], [band.high - band.typical]],
            fmt="o" if in_memory else "D", color=colours[0 if in_memory else 1],
            markerfacecolor=colours[0] if in_memory else "none", ecolor=ink(ax), capsize=3,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    _finish(ax, plan, [name for name, _, _ in found], "seconds from cold to the first token")
    if not all(in_memory for _, _, in_memory in found):
        ax.set_title(f"{ax.get_title()}\nhollow: weights are streamed for every token")
    return ax


def _finish(ax: Axes, plan: Plan, names: list[str], said: str) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel(said)
    ax.set_title(f"{plan.model.name} on {plan.device.name}, context of {plan.context} tokens")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


PLAN_KINDS: dict[str, Callable[[Plan, Canvas], Axes]] = {
    "footprint": footprint,
    "first-token": first_token,
}
