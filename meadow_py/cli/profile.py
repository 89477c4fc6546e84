"""``meadow profile`` and ``meadow sweep``, and what every verb that profiles a model needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, console, write

if TYPE_CHECKING:
    from meadow_py import Profile, Sensitivity


# Imported before Ctrl-C raises an exception.
NEEDS = (
    "meadow_py._core",
    "meadow_py.demo",
    "meadow_py.profiler",
    "meadow_py.sweep",
    "meadow_py.sources",
    "meadow_py.views.terminal.profile",
    "meadow_py.views.terminal.sensitivity",
)


def model_named(name: str | None) -> Any:
    """The model that the user named; without a name, the demo model."""
    if name is not None:
        return name
    from meadow_py import demo

    return demo.checkpoint()


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of `meadow_py.profile` and `meadow_py.sweep`.

    `given` maps parameter names to the options of a command: its ``locals()``.
    """
    return {
        **_quantizers(given),
        "chunk_sizes": [options.chunk_size(text) for text in given["chunk_size"]],
        "along": given["along"].value,
        "roles": given["role"] or None,
        "verify": not given["no_verify"],
        "threads": given["threads"],
        "resume": given["resume"],
        "progress": False if given["quiet"] else None,
        "revision": given["revision"],
        "token": given["token"],
        "cache_dir": given["cache_dir"],
        "local_files_only": given["offline"],
    }


def _quantizers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of quantisers, or the parts whose combinations make the keys."""
    if not given["quantizer"]:
        return {
            "bits": [options.bits(text) for text in given["bits"]],
            "granularity": given["granularity"],
            "symmetric": not given["asymmetric"],
        }
    for name in ("bits", "granularity", "asymmetric"):
        if is_typed(given["context"], name):
            raise typer.BadParameter(
                f"--quantizer and --{name} were given: expected only one of them; a key such as "
                "int8:row says bits and granularity"
            )
    return {"quantizers": given["quantizer"]}


def is_typed(context: typer.Context, parameter: str) -> bool:
    """Whether the user gave the option, so that it does not just hold its default."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def check_targets(
    output: str | None, plot: str | None, plot_kind: str, resume: str | None = None
) -> None:
    """Raise before the work starts, not after it, if a result could not be written."""
    check_stdout()
    targets = [Path(path).resolve() for path in (output, plot, resume) if path is not None]
    if len(set(targets)) < len(targets):
        raise typer.BadParameter("--output, --plot and --resume name the same file")
    if output is not None:
        check_file(output)
    if plot is None:
        return
    check_file(plot)
    from meadow_py.views import plots
    from meadow_py.views.plots.canvas import require_matplotlib
    from meadow_py.views.plots.selection import named

    require_matplotlib()
    try:
        plots.check_path(plot)
        named("kind of plot", plot_kind, plots.KINDS)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def deliver(
    made: Profile | Sensitivity, output: str | None, plot: str | None, plot_kind: str
) -> OSError | None:
    """Write the files that were asked for; return the error if one cannot be written.

    The error is returned, not raised, so that the result of hours of work is still shown.
    """
    try:
        if output is not None:
            made.save(output)
        if plot is not None:
            _plot(made, plot, plot_kind)
    except OSError as error:
        return error
    return None


def show(made: Profile | Sensitivity, json: str | None, per_weight: bool = False) -> None:
    """Write the result to stdout: the text `json` if given, else a table."""
    if json is not None:
        write(json)
        return
    from meadow_py.views.terminal import render

    write(render(made, console(), per_weight))


def _plot(made: Profile | Sensitivity, path: str, kind: str) -> None:
    from meadow_py import Profile
    from meadow_py.views import plots

    profile = made if isinstance(made, Profile) else made.profile
    plots.save(plots.figure(profile, kind), path)


@reports_failures(*NEEDS)
def profile(
    context: typer.Context,
    model: options.Model = None,
    bits: options.Bits = ["8"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    chunk_size: options.ChunkSizes = ["2", "4", "8"],  # noqa: B006
    asymmetric: options.Asymmetric = False,
    quantizer: options.Quantizers = None,
    along: options.Along = options.ChunkDirection.IN,
    role: options.Roles = None,
    per_weight: Annotated[
        bool, typer.Option("--per-weight", "--all", help="One row per weight, not per role.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also time products with each weight on this host.")
    ] = False,
    as_json: options.Json = False,
    output: options.Output = None,
    plot: options.Plot = None,
    plot_kind: Annotated[str, typer.Option(help=options.PLOT_KINDS)] = "heatmap",
    resume: options.Resume = None,
    no_verify: options.NoVerify = False,
    threads: options.Threads = None,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show where the redundancy is, and how much lossless packing really saves.

    Every weight is quantised, cut into chunks and really packed by every codec; every stream is
    decoded and compared. Sizes include the dictionary, headers and scales.

    Example: meadow profile facebook/opt-125m --bits 8,4 --granularity tensor,row --json
    """
    chosen = arguments(locals())
    import meadow_py

    check_targets(output, plot, plot_kind, resume)
    made = meadow_py.profile(model_named(model), measure=measure, **chosen)
    failure = deliver(made, output, plot, plot_kind)
    show(made, made.to_json() if as_json else None, per_weight)
    if failure is not None:
        raise failure


@reports_failures(*NEEDS)
def sweep(
    context: typer.Context,
    model: options.Model = None,
    chunk_size: options.ChunkSizes = ["1", "2", "3", "4", "6", "8"],  # noqa: B006
    bits: options.Bits = ["8", "4"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    asymmetric: options.Asymmetric = False,
    quantizer: options.Quantizers = None,
    along: options.Along = options.ChunkDirection.IN,
    role: options.Roles = None,
    as_json: options.Json = False,
    output: options.Output = None,
    plot: options.Plot = None,
    plot_kind: Annotated[str, typer.Option(help=options.PLOT_KINDS)] = "rate-distortion",
    resume: options.Resume = None,
    no_verify: options.NoVerify = False,
    threads: options.Threads = None,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Cross chunk size, bits and granularity; name the sweet spot of every kind of layer.

    Each way of quantising is the reference in turn. It is compared with the smallest packing that
    loses no SNR in any weight. That packing is the sweet spot, unless dense or plain Huffman is
    smaller.

    Example: meadow sweep facebook/opt-125m --chunk-size 2,4,8 --plot opt.png -o opt.json
    """
    chosen = arguments(locals())
    import meadow_py

    check_targets(output, plot, plot_kind, resume)
    made = meadow_py.sweep(model_named(model), **chosen)
    failure = deliver(made, output, plot, plot_kind)
    show(made, made.to_json() if as_json else None)
    if failure is not None:
        raise failure
