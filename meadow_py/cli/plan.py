"""``meadow plan``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_stdout, console, write

if TYPE_CHECKING:
    from meadow_py.sources import Checkpoint

# Imported before Ctrl-C raises an exception.
_NEEDS = ("meadow_py.planner", "meadow_py.views.terminal.plan")


@reports_failures(*_NEEDS)
def plan(
    model: options.ShapedModel = None,
    device: options.Device = ...,  # type: ignore[assignment]
    context: Annotated[
        int | None,
        typer.Option(min=0, help="Tokens in the KV cache. Default: 2048.", show_default=False),
    ] = None,
    prompt: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of the prompt. Default: 128.", show_default=False),
    ] = None,
    batch: options.Batch = 1,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P[,P]",
            help="Bits of weights, activations and KV cache: w8a8, w4.5a8kv16. "
            "Default: w16a16,w8a8,w4.5a8kv16.",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            callback=options.file_name,
            help="Profile saved by meadow profile -o; adds its packed sizes.",
            show_default=False,
        ),
    ] = None,
    weight_bytes: Annotated[
        float | None,
        typer.Option(
            help="Bytes of a file of all weights, instead of a nominal size.", show_default=False
        ),
    ] = None,
    bandwidth: Annotated[
        str | None,
        typer.Option(
            help="Bandwidth of the memory: 12Gb/s (bits), 1.5GB/s (bytes).", show_default=False
        ),
    ] = None,
    read_efficiency: Annotated[
        float | None,
        typer.Option(help="Share of the storage's speed that loading attains.", show_default=False),
    ] = None,
    usable_memory: Annotated[
        float | None,
        typer.Option(help="Share of memory that the model may take.", show_default=False),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Tell whether and where a model fits on a device, and how fast it can be there.

    Nothing is run: the times are lower bounds that follow from the device's numbers.

    Example: meadow plan opt-1.3b --device raspberry-pi-5
    """
    import meadow_py
    from meadow_py.planner import PRECISIONS

    check_stdout()
    given = [part for text in precision or () for part in text.split(",")]
    made = meadow_py.plan(
        _demo() if model is None else model,
        device,
        context=context,
        prompt=prompt,
        batch=batch,
        precisions=given or PRECISIONS,
        profile=None if profile is None else meadow_py.Profile.load(profile),
        weight_bytes=weight_bytes,
        bandwidth=bandwidth,
        read_efficiency=read_efficiency,
        usable_memory=usable_memory,
    )
    if as_json:
        write(json.dumps(made.to_dict(), allow_nan=False) + "\n")
    else:
        from meadow_py.views.terminal.plan import render_plan

        write(render_plan(made, console()))


def _demo() -> Checkpoint:
    from meadow_py import demo

    return demo.checkpoint()
