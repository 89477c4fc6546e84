"""The table of packings by device, as text."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.simulator.packing_tables import PackingRow, PackingTable
from meadow_py.spelling import visible
from meadow_py.views.terminal.printing import plain_console, printed

HEADINGS = (
    "packing",
    "b/w",
    "MB a\ntoken",
    "tables\nMB",
    "on chip\nkB",
    "tokens/s",
    "speed",
    "mJ a\ntoken",
    "prefill\nms",
    "decoder\nGw/s",
)
NOTES = (
    "b/w, MB: weights of a decoded token; dictionaries, tables, headers and scales counted. "
    "tables: dictionaries and code tables among them; on chip: the largest, decoded. "
    "decoder Gw/s: 1e9 weights per second that all decoders together must deliver to cost no time. "
    "! does not fit in half of the on-chip memory."
)


def packing_table_text(table: PackingTable, width: int | None = None) -> str:
    """The table as plain text, `width` columns wide (the terminal's, or 80)."""
    return render_packing_table(table, plain_console(width)).rstrip("\n")


def render_packing_table(table: PackingTable, console: Console) -> str:
    """The table as `console` would print it, colours included."""
    return printed(packing_table_view(table), console)


def packing_table_view(table: PackingTable) -> RenderableType:
    """The table for rich: a part for each device."""
    head = Text(f"{visible(table.model)}: packings on devices\n", style="bold")
    head.append(Text(_setting(table), style="not bold"))
    parts: list[RenderableType] = [head]
    for device in dict.fromkeys(row.device for row in table.rows):
        rows = [row for row in table.rows if row.device == device]
        parts += [Text(f"\n{visible(device)}", style="bold"), _table(rows)]
    return Group(*parts, Text(f"\n{NOTES}", style="dim"))


def _setting(table: PackingTable) -> str:
    line = f"{table.precision}, prompt {table.prompt}, context {table.context}"
    if not table.profiled_share:
        return f"{line}; ratios, nothing measured"
    line += f"; bytes of {table.profiled_share:.0%} of the weights measured"
    if table.profiled_share > 1 - 1e-9:
        return line
    others = "dense" if table.unprofiled == "dense" else "taken as the mean of these"
    return f"{line}, the others {others}"


def _table(rows: list[PackingRow]) -> Table:
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name in HEADINGS:
        shown.add_column(name, justify="left" if name == "packing" else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*map(Text, _cells(row)))
    return shown


def _cells(row: PackingRow) -> tuple[str, ...]:
    packed = row.packing != "none"
    energy = row.energy_per_token_j
    return (
        visible(row.packing),
        f"{row.bits_per_weight:.2f}",
        _figure(row.weight_bytes / 1e6),
        _figure(row.table_bytes / 1e6) if packed else "-",
        _figure(row.on_chip_table_bytes / 1e3) + ("" if row.table_fits else " !"),
        _figure(row.tokens_per_s),
        "-" if row.speedup is None else f"{row.speedup:.2f}x",
        _figure(None if energy is None else energy * 1e3),
        _figure(row.prefill_s * 1e3),
        _figure(row.decoder_weights_per_s / 1e9) if packed else "-",
    )


def _figure(value: float | None) -> str:
    """Three digits, without an exponent if six places are enough."""
    if not value:
        return "-"
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 1e-4 else f"{value:.1e}"
