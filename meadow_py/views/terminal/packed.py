"""A packed model as text: a table by role, and the total size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.checkpoint.inspection import RoleTotal, by_role
from meadow_py.spelling import byte_size, visible
from meadow_py.views.terminal.printing import plain_console, printed
from meadow_py.views.verdicts import plural

if TYPE_CHECKING:
    from meadow_py.checkpoint.inspection import Inspection, PackedTensor

_FOOTNOTE = (
    "packed: with header, tables, checksums and padding of every blob. floor: the least that a "
    "coder of the same symbols can reach, by the entropy of its own alphabet."
)


def packed_text(made: Inspection, width: int | None = None) -> str:
    """The table as plain text, `width` columns wide (the terminal's, or 80)."""
    return render_packed(made, plain_console(width)).rstrip("\n")


def render_packed(made: Inspection, console: Console, per_tensor: bool = False) -> str:
    """The table as `console` would print it, colours included."""
    return printed(packed_view(made, per_tensor), console)


def packed_view(made: Inspection, per_tensor: bool = False) -> RenderableType:
    """The packed model for rich."""
    head = Text(f"{visible(made.source)}\n{_summary(made)}")
    head.stylize("bold", 0, len(visible(made.source)))
    table = _tensor_table(made) if per_tensor else _role_table(made)
    total = Text(_total(made), style="italic")
    return Group(head, Text(), table, total, Text(), Text(_FOOTNOTE, style="dim"))


def _summary(made: Inspection) -> str:
    files = plural(len(made.files), "packed file")
    others = f", {plural(len(made.carried), 'other file')}" if made.carried else ""
    codec = visible(made.codec)
    return f"{files}{others}, {plural(len(made.tensors), 'tensor')}, codec setting {codec}"


def _total(made: Inspection) -> str:
    share = _share(made.bytes_packed, made.bytes_original)
    return (
        f"All files: {byte_size(made.bytes_packed)} of {byte_size(made.bytes_original)}, "
        f"{share}, {made.ratio:.3f}x."
    )


def _table(first: str, *middle: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column(first, overflow="fold")
    for name in middle:
        table.add_column(name, justify="right" if name == "tensors" else "left")
    for name in ("original", "packed", "share", "floor"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _role_table(made: Inspection) -> Table:
    table = _table("role", "tensors", "dtype", "codec")
    for row in by_role(made.tensors):
        cells = [row.role, str(row.tensors), _listed(row.dtypes), _listed(row.codecs)]
        table.add_row(*cells, *_sizes(row), style="bold" if row.role == "all" else None)
    return table


def _tensor_table(made: Inspection) -> Table:
    table = _table("tensor", "role", "dtype", "codec")
    for row in made.tensors:
        cells = [visible(row.name), row.role, visible(row.dtype), visible(row.codec)]
        table.add_row(*cells, *_sizes(row))
    return table


def _sizes(row: RoleTotal | PackedTensor) -> list[str]:
    return [
        byte_size(row.bytes_original),
        byte_size(row.bytes_packed),
        _share(row.bytes_packed, row.bytes_original),
        _share(row.floor, row.bytes_original),
    ]


def _listed(names: tuple[str, ...]) -> str:
    return visible(", ".join(names))


def _share(part: float, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"
