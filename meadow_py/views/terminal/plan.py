"""A plan as text: a row for each precision and packing, and what the best of them means."""

from __future__ import annotations

import io
import shutil

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.planner import Option, Plan
from meadow_py.simulate import Band
from meadow_py.views.spelling import byte_size, visible

_PLACES = {
    "on chip": "on the chip",
    "memory": "in {}",
    "storage": "streamed from {}",
    "nowhere": "nowhere",
}


def plan_text(plan: Plan, width: int | None = None) -> str:
    """The plan as plain text, `width` columns wide (the terminal's, or 80)."""
    columns = width or shutil.get_terminal_size().columns
    console = Console(
        file=io.StringIO(),
        width=columns,
        color_system=None,
        legacy_windows=False,
        force_jupyter=False,
    )
    return render_plan(plan, console).rstrip("\n")


def render_plan(plan: Plan, console: Console) -> str:
    """The plan as `console` would print it, colours included."""
    with console.capture() as captured:
        console.print(plan_view(plan))
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def plan_view(plan: Plan) -> RenderableType:
    """The plan for rich."""
    parts: list[RenderableType] = [_head(plan), Text(), _options(plan)]
    troubles = {o.where for o in plan.options if o.place == "nowhere"}
    parts += [Text(f"nowhere: {visible(trouble)}.") for trouble in sorted(troubles)]
    shown = _shown(plan)
    if shown is not None and shown.storages:
        parts += [Text(), Text(f"From cold, {_name(shown)}:"), _storages(shown)]
    if shown is not None and shown.tiling is not None:
        parts += [Text(), *_tiling(shown)]
    parts += [Text(), *_notes(plan)]
    return Group(*parts)


def _head(plan: Plan) -> Text:
    title = f"{visible(plan.model.name)} on {visible(plan.device.title)}"
    sequences = "" if plan.batch == 1 else f", {plan.batch} sequences"
    lengths = f"prompt of {plan.prompt}, context of {plan.context} tokens{sequences}"
    head = Text(f"{title}\n{lengths}\n{verdict(plan)}")
    head.stylize("bold", 0, len(title))
    return head


def verdict(plan: Plan) -> str:
    """One sentence: whether it fits, and in which form."""
    count, fitting = len(plan.options), plan.fitting
    if fitting:
        names = ", ".join(_name(option) for option in fitting[:3])
        more = "" if len(fitting) <= 3 else f" and {len(fitting) - 3} more"
        return f"It fits in {len(fitting)} of {count} forms: {names}{more}."
    streaming = [option for option in plan.options if option.place == "storage"]
    if streaming:
        return (
            f"It does not fit into memory; in {len(streaming)} of {count} forms it runs with its "
            "weights read from storage for every token."
        )
    return "It does not run on this device."


def _name(option: Option) -> str:
    return f"{option.precision} {visible(option.packing)}"


def _shown(plan: Plan) -> Option | None:
    """The fitting form with the most bits, else the one that streams least."""
    if plan.fitting:
        return max(plan.fitting, key=lambda option: option.footprint.weights)
    rest = [option for option in plan.options if option.place == "storage"]
    return min(rest, key=lambda option: option.footprint.weights, default=None)


def _options(plan: Plan) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("precision", no_wrap=True)
    table.add_column("packing", overflow="fold")
    for name in ("weights", "KV, act.", "runs", "first\ntoken s", "tokens/s", "J/token"):
        table.add_column(
            name, justify="left" if name == "runs" else "right", no_wrap=name != "runs"
        )
    table.add_column("longest\ncontext", justify="right", no_wrap=True)
    for option in plan.options:
        need = option.footprint
        table.add_row(
            str(option.precision),
            visible(option.packing),
            byte_size(round(need.weights)),
            byte_size(round(need.working)),
            _PLACES[option.place].format(visible(option.where)),
            figure(option.first_token_s),
            figure(option.tokens_per_s),
            figure(option.energy_per_token_j),
            "-" if option.longest_context is None else str(option.longest_context),
            style=None if option.in_memory else "dim",
        )
    return table


def _storages(option: Option) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for name in ("storage", "holds it", "read s", "first token s", "tokens/s streamed"):
        left = name in ("storage", "holds it")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for storage in option.storages:
        table.add_row(
            visible(storage.name),
            {True: "yes", False: "no", None: "not known"}[storage.holds],
            spread(storage.read_s),
            spread(storage.first_token_s),
            spread(storage.streamed_tokens_per_s),
        )
    return table


def _tiling(option: Option) -> list[RenderableType]:
    tiling = option.tiling
    assert tiling is not None  # noqa: S101
    buffer = byte_size(round(tiling.buffer_bytes))
    said = (
        f"Through two buffers of {buffer} each on the chip, from {visible(tiling.source)}: "
        f"{tiling.seconds:.3g} s a token."
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("matrix", no_wrap=True)
    for name in ("out x in", "count", "rows of a tile", "tiles", "fetch ms", "compute ms", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for matrix in tiling.matrices:
        times = (matrix.fetch_s, matrix.compute_s, matrix.seconds)
        table.add_row(
            matrix.name,
            f"{matrix.rows} x {matrix.columns}",
            str(matrix.count),
            str(matrix.tile_rows or "part"),
            str(matrix.tiles),
            *(f"{1e3 * seconds:.3g}" for seconds in times),
        )
    return [Text(said), table]


def _notes(plan: Plan) -> list[RenderableType]:
    lines = [Text(note, style="dim") for note in plan.notes]
    said = "; ".join(f"{a.name} {_value(a.value, a.unit)}" for a in plan.assumptions)
    if said:
        text = f"Assumed, as no source gives it: {said}. Reasons: --json, or meadow devices show."
        lines.append(Text(text, style="dim"))
    return list(lines)


def _value(value: float | str, unit: str) -> str:
    if isinstance(value, str) or not unit:
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{byte_size(round(value))}{unit.removeprefix('bytes')}"


def figure(band: Band | None) -> str:
    """The typical value; a dash where there is none."""
    return "-" if band is None else number(band.typical)


def spread(band: Band | None) -> str:
    """``4.72 (4.2 to 8.3)``."""
    if band is None:
        return "-"
    return f"{number(band.typical)} ({number(band.low)} to {number(band.high)})"


def number(value: float) -> str:
    """Three figures, without an exponent where that is readable."""
    return (
        f"{value:.3g}" if 1e-3 <= value < 1e3 else f"{value:,.0f}" if value >= 1 else f"{value:.2g}"
    )
