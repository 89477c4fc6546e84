"""A simulation as text: the answer first, then where time and energy go."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.simulator import Simulation
from meadow_py.views import simulation as words
from meadow_py.views.terminal.printing import plain_console, printed


def simulation_text(simulation: Simulation, width: int | None = None) -> str:
    """The simulation as plain text, `width` columns wide (the terminal's, or 80)."""
    return render_simulation(simulation, plain_console(width)).rstrip("\n")


def render_simulation(simulation: Simulation, console: Console, per_layer: bool = False) -> str:
    """The simulation as `console` would print it, colours included."""
    return printed(simulation_view(simulation, per_layer), console)


def simulation_view(simulation: Simulation, per_layer: bool = False) -> RenderableType:
    """The simulation for rich."""
    glance = words.glance_rows(simulation), words.glance_headings(simulation)
    parts: list[RenderableType] = [_head(simulation), Text(), _table(glance[1], glance[0])]
    said = (words.fit_line(simulation), words.addition_line(simulation))
    parts += [Text(f"\n{line}") for line in said if line]
    for name, phase in words.phases(simulation).items():
        rows, total = words.time_rows(phase)
        headings = [f"time of {words.PHASE_TITLES[name]}", *words.time_headings(phase)[1:]]
        parts += [Text(), _table(headings, rows, total)]
        if per_layer:
            parts += [Text(), _table(words.LAYER_HEADINGS, words.layer_rows(phase))]
    rows, total = words.energy_rows(simulation)
    parts += [Text(), _table(["\nenergy of", *words.energy_headings(simulation)[1:]], rows, total)]
    notes = (words.energy_line(simulation), words.assumption_line(simulation))
    parts += [Text(), *(Text(line, style="dim") for line in notes if line)]
    return Group(*parts)


def _head(simulation: Simulation) -> Text:
    title = words.title(simulation)
    head = Text(f"{title}\n{words.setting(simulation)}\n")
    head.stylize("bold", 0, len(title))
    return head.append(words.headline(simulation), style="bold")


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] | None = None
) -> Table:
    gap = 2 if len(headings) < 8 else 1
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for at, name in enumerate(headings):
        left = at == 0 or name in ("bound by", "dataflow")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    if total is not None:
        table.add_row(*map(Text, total), style="bold")
    return table
