"""A bench as text: the host, a table, and one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from meadow_py.views import bench as words
from meadow_py.views.terminal.printing import plain_console, printed

if TYPE_CHECKING:
    from meadow_py.run.bench_result import Bench


def bench_text(made: Bench, width: int | None = None) -> str:
    """The bench as plain text, `width` columns wide (the terminal's, or 80)."""
    return render_bench(made, plain_console(width)).rstrip("\n")


def render_bench(made: Bench, console: Console) -> str:
    """The bench as `console` would print it, colours included."""
    lines = words.header_lines(made)
    head = Text("\n".join(lines))
    head.stylize("bold", 0, len(lines[0]))
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for n, name in enumerate(words.COLUMNS):
        table.add_column(name, justify="left" if n == 0 else "right", no_wrap=n == 0)
    for row in words.rows(made):
        table.add_row(*map(Text, row))
    return printed(Group(head, Text(), table, Text(), Text(made.verdict, style="bold")), console)
