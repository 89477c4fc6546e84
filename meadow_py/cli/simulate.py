"""``meadow simulate``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, console, write
from meadow_py.spelling import visible

if TYPE_CHECKING:
    from meadow_py import Profile, Simulation
    from meadow_py.workload import ModelShape

# Imported before Ctrl-C raises an exception.
_NEEDS = ("meadow_py.simulator", "meadow_py.views.terminal.simulation")
_KINDS = "What to draw: time, bandwidth, roofline, energy, buffers, map."


@reports_failures(*_NEEDS)
def simulate(
    model: options.ShapedModel = None,
    device: options.Device = ...,  # type: ignore[assignment]
    dataflow: Annotated[
        str,
        typer.Option(
            help="On an array of processing elements: gemm, tphs, or the best for each layer."
        ),
    ] = "best",
    bandwidth: Annotated[
        str | None,
        typer.Option(
            help="Bandwidth of the memory: 12Gb/s (bits), 1.5GB/s (bytes). "
            "Default: what it achieves.",
            show_default=False,
        ),
    ] = None,
    prompt: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of the prompt. Default: 512.", show_default=False),
    ] = None,
    generate: Annotated[
        int, typer.Option(min=1, help="Tokens to generate; the middle one is timed.")
    ] = 128,
    context: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Tokens before the timed one. Default: --prompt plus half of --generate.",
            show_default=False,
        ),
    ] = None,
    packing: Annotated[
        str,
        typer.Option(help="none, a ratio (1.5x), or with --profile one of its codecs (reindexed)."),
    ] = "none",
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            callback=options.file_name,
            help="Profile saved by meadow profile -o; its measured bytes are used.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Bits of weights, activations and KV cache: w4.5a8kv16.")
    ] = "w8a8",
    batch: options.Batch = 1,
    no_head: Annotated[bool, typer.Option("--no-head", help="Leave out the head.")] = False,
    energy: Annotated[
        str | None,
        typer.Option(
            help="Name or file of an energy table. Default: the device's.", show_default=False
        ),
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE[,...]",
            help="Another value for what no source gives: overlap=0.5, macs_per_cycle=52, ...",
            show_default=False,
        ),
    ] = None,
    per_layer: Annotated[
        bool, typer.Option("--per-layer", "--all", help="Also show one row per layer.")
    ] = False,
    as_json: options.Json = False,
    output: options.Output = None,
    plot: options.Plot = None,
    plot_kind: Annotated[str, typer.Option(help=_KINDS)] = "time",
) -> None:
    """Predict the latency and energy of a model on a device, and show what bounds them.

    Nothing is run, and no weight is read: the figures follow from the model's shape and the
    device's numbers. `meadow devices show` lists the sources of these.

    Example: meadow simulate opt-125m --device zcu102 --bandwidth 12Gb/s --packing 1.5x
    """
    import meadow_py

    check_stdout()
    _check_targets(output, plot, plot_kind)
    made = meadow_py.simulate(
        _demo() if model is None else model,
        device=device,
        dataflow=dataflow,
        bandwidth=bandwidth,
        prompt=prompt,
        generate=generate,
        packing=packing,
        profile=_profile(profile),
        precision=precision,
        batch=batch,
        context=context,
        head=not no_head,
        energy=energy,
        **_assumed(assume or ()),
    )
    failure = _deliver(made, output, plot, plot_kind)
    if as_json:
        write(json.dumps(made.to_dict(), allow_nan=False) + "\n")
    else:
        from meadow_py.views.terminal.simulation import render_simulation

        write(render_simulation(made, console(), per_layer))
    if failure is not None:
        raise failure


def _demo() -> ModelShape:
    from dataclasses import replace

    from meadow_py import demo
    from meadow_py.workload import shape_of

    return replace(shape_of(demo.folder()), name=demo.NAME)


def _profile(path: str | None) -> Profile | None:
    if path is None:
        return None
    from meadow_py import Profile  # the profiler is not needed otherwise

    return Profile.load(path)


def _assumed(given: Any) -> dict[str, Any]:
    """``overlap=0.5,seed=1`` as keyword arguments: numbers, true and false, or words."""
    words: dict[str, Any] = {"true": True, "false": False}
    found: dict[str, Any] = {}
    for text in (part for several in given for part in several.split(",")):
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise typer.BadParameter(f"--assume {visible(text)}: expected NAME=VALUE")
        said = value.strip()
        try:
            number = float(said)
            found[name.strip()] = int(number) if number.is_integer() else number
        except (ValueError, OverflowError):
            found[name.strip()] = words.get(said.lower(), said)
    return found


def _check_targets(output: str | None, plot: str | None, kind: str) -> None:
    """Raise before anything is written if one of the files could not be."""
    if output is not None:
        check_file(output)
    if plot is None:
        return
    if plot == output:
        raise typer.BadParameter("--output and --plot name the same file")
    check_file(plot)
    from meadow_py.views import plots

    plots.require_matplotlib()
    try:
        plots.check_path(plot)
        plots.named("kind of plot", kind, plots.SIMULATION_KINDS)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _deliver(made: Simulation, output: str | None, plot: str | None, kind: str) -> Exception | None:
    """Write the files that were asked for; return the error if one cannot be written."""
    try:
        if output is not None:
            made.save(output)
        if plot is not None:
            from meadow_py.views import plots

            plots.save(plots.figure(made, kind), plot)
    except (OSError, ValueError) as error:
        return error
    return None
