"""``meadow inspect``."""

from __future__ import annotations

from typing import Annotated

import typer

from meadow_py.cli import options, packing
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_stdout, write


@reports_failures(*packing.NEEDS)
def inspect(
    packed: packing.Folder,
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", "--all", help="One row per tensor, not per role.")
    ] = False,
    card: Annotated[
        bool, typer.Option("--card", help="Write Markdown for a model card instead.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show the contents and sizes of a packed model. Only headers are read.

    Example: meadow inspect packed --json
    """
    import meadow_py

    check_stdout()
    made = meadow_py.inspect(packed)
    if card:
        write(made.model_card())
    else:
        packing.show(made, as_json, per_tensor)
