"""Plots of a plan: the memory it needs beside the memory there is, and seconds from cold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from meadow_py.planner import Option, Plan
from meadow_py.spelling import byte_size, visible
from meadow_py.views import plan as words
from meadow_py.views.plots.canvas import LINES, Canvas, ink, palette, require_matplotlib
from meadow_py.views.plots.labels import headings, legend_on_top
from meadow_py.views.plots.selection import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _ROW = 7.6, 0.34  # inches
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
    ax = canvas.axes(_WIDTH, 2.0 + _ROW * len(options))
    handles = [*_draw_parts(ax, options), *_draw_room(ax, plan)]
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(lambda value, _: byte_size(round(value)))
    _label_rows(ax, [words.name_of(option) for option in options])
    headings(ax, ["Memory that each form needs", _about(plan)], "bytes", "")
    legend_on_top(ax, handles)
    return ax


def _draw_parts(ax: Axes, options: Sequence[Option]) -> list[Any]:
    colours, rows = palette(ax), range(len(options))
    handles: list[Any] = []
    left = [0.0] * len(options)
    for at, part in enumerate(_PARTS):
        sizes = [_parts(option)[at] for option in options]
        drawn = ax.barh(
            rows, sizes, 0.7, left, color=colours[at], hatch=_HATCHES[at], edgecolor=ink(ax),
            linewidth=0.5, label=part,
        )  # fmt: skip
        handles.append(drawn)
        left = [before + size for before, size in zip(left, sizes, strict=True)]
    return handles


def _draw_room(ax: Axes, plan: Plan) -> list[Any]:
    """Draw a line where each place ends, as high as the rows."""
    ends = (-0.5, len(plan.options) - 0.5)
    handles: list[Any] = []
    for style, (name, room) in zip(LINES[1:], plan.room.items(), strict=False):
        if room:
            label = f"{name}: {byte_size(round(room))}"
            handles += ax.plot([room, room], ends, color=ink(ax), linestyle=style, label=label)
    return handles


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
    _label_rows(ax, [name for name, _, _ in found])
    lines = ["From cold to the first token, low to high", _about(plan)]
    if not all(in_memory for _, _, in_memory in found):
        lines.append("hollow: weights are streamed for every token")
    headings(ax, lines, "seconds", "")
    return ax


def _about(plan: Plan) -> str:
    """The model and the device, and the context unless the model is an encoder."""
    context = "" if plan.model.encoder else f", context of {plan.context} tokens"
    return f"{visible(plan.model.name)} on {visible(plan.device.name)}{context}"


def _label_rows(ax: Axes, names: list[str]) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.5, -0.5)


PLAN_KINDS: dict[str, Callable[[Plan, Canvas], Axes]] = {
    "footprint": footprint,
    "first-token": first_token,
}
