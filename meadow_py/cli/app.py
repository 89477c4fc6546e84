"""The command line application, put together from its verbs."""

from __future__ import annotations

from typing import Annotated

import typer

import meadow_py
from meadow_py.cli.bench import bench
from meadow_py.cli.claims import claims
from meadow_py.cli.config import config
from meadow_py.cli.devices import app as devices
from meadow_py.cli.failures import debugging
from meadow_py.cli.packed import inspect, pack, unpack, verify
from meadow_py.cli.plan import plan
from meadow_py.cli.profile import profile, sweep
from meadow_py.cli.report import report
from meadow_py.cli.run import run
from meadow_py.cli.simulate import simulate

app = typer.Typer(
    help="Find the redundancy in the weights of large language models, and pack it away "
    "without losing a bit.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=debugging(),
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"meadow {meadow_py.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


app.command()(profile)
app.command()(sweep)
app.command()(report)
app.command()(pack)
app.command()(verify)
app.command()(unpack)
app.command()(inspect)
app.command()(run)
app.command()(bench)
app.command()(simulate)
app.command()(plan)
app.command()(claims)
app.add_typer(devices, name="devices")
app.command()(config)
