"""``meadow claims``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, console, write

# Imported before Ctrl-C raises an exception.
_NEEDS = ("meadow_py._core", "meadow_py.claims", "meadow_py.views.terminal.claims")


@reports_failures(*_NEEDS)
def claims(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLAIM]...", help="Ids of claims. Default: all claims.", show_default=False
        ),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Compute the figures now, on this machine.")
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="With --run: a model to compute from, named as for meadow profile; may be given "
            "more than once. Default: the bundled demo.",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
    output: options.Output = None,
) -> None:
    """Show published claims beside this library's figures, with a verdict for each.

    Without --run, this shows the last recorded figures, with their commit, CPU, date and command.
    A claim whose data is not at hand has no verdict; the table says which data it needs.

    Example: meadow claims --run post-40-percent --model facebook/opt-125m
    """
    import meadow_py

    check_stdout()
    if model and not run:
        raise typer.BadParameter(
            "--model needs --run: recorded figures are not of a model of your choice"
        )
    if output is not None:
        check_file(output)
    made = meadow_py.claims(*(ids or ()), run=run, model=model or None)
    if output is not None:
        made.save(output)
    if as_json:
        write(json.dumps(made.to_dict(), allow_nan=False) + "\n")
    else:
        from meadow_py.views.terminal.claims import render_claims

        write(render_claims(made, console()))
