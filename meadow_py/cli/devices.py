"""``meadow devices``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, console, write

_NEEDS = ("meadow_py.devices", "meadow_py.views.terminal.devices")
_MEASURES = ("meadow_py._core", "meadow_py.devices.measured", *_NEEDS)

app = typer.Typer(
    help="The devices that models are planned for, with the source of every number.",
    rich_markup_mode="markdown",
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def devices(context: typer.Context, as_json: options.Json = False) -> None:
    """List the devices that come with meadow_py; `show` one, or `measure` this host.

    A TOML file of your own can be given wherever a device's name can. To write one, start from the
    output of `measure`.

    Example: meadow devices show raspberry-pi-5
    """
    if context.invoked_subcommand is None:
        _list(as_json)


@reports_failures(*_NEEDS)
def _list(as_json: bool) -> None:
    from meadow_py import devices
    from meadow_py.views.terminal.devices import devices_view
    from meadow_py.views.terminal.printing import printed

    check_stdout()
    found = [devices.get(name) for name in devices.names()]
    if as_json:
        made = {"version": 1, "kind": "devices", "devices": [one.to_dict() for one in found]}
        write(json.dumps(made, allow_nan=False) + "\n")
    else:
        write(printed(devices_view(found), console()))


@app.command()
@reports_failures(*_NEEDS)
def show(
    name: Annotated[str, typer.Argument(help="Name of a device, or a TOML file of your own.")],
    as_json: options.Json = False,
) -> None:
    """Show every number of a device, with its range and its source."""
    from meadow_py import devices
    from meadow_py.views.terminal.devices import device_view
    from meadow_py.views.terminal.printing import printed

    check_stdout()
    found = devices.get(name)
    if as_json:
        made = {"version": 1, "kind": "device", "device": found.to_dict()}
        write(json.dumps(made, allow_nan=False) + "\n")
    else:
        write(printed(device_view(found), console()))


@app.command()
@reports_failures(*_MEASURES)
def measure(
    output: options.Output = None,
    folder: Annotated[
        Path, typer.Option(help="Folder on the disk to measure; a temporary file is read there.")
    ] = Path(),
    name: Annotated[str, typer.Option(help="Name of the device in the file.")] = "this-host",
) -> None:
    """Measure this host, and write a device file for it: to stdout, or to the file of --output.

    Example: meadow devices measure -o host.toml; meadow plan --device host.toml
    """
    from meadow_py.devices.measured import measure_device
    from meadow_py.files import write_whole

    if output is None:
        check_stdout()
        write(measure_device(folder, name).to_toml())
    else:
        check_file(output)
        write_whole(output, measure_device(folder, name).to_toml())
