"""``meadow profile``."""

from __future__ import annotations

from typing import Annotated

import typer

from meadow_py.cli import measuring, options
from meadow_py.cli.failures import reports_failures


@reports_failures(*measuring.NEEDS)
def profile(
    context: typer.Context,
    model: options.Model = None,
    bits: options.Bits = ["8"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    chunk_size: options.ChunkSizes = ["2", "4", "8"],  # noqa: B006
    asymmetric: options.Asymmetric = False,
    quantizer: options.Quantizers = None,
    along: options.Along = measuring.Along.IN,
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
    chosen = measuring.arguments(locals())
    import meadow_py

    measuring.check_targets(output, plot, plot_kind, resume)
    made = meadow_py.profile(measuring.model_named(model), measure=measure, **chosen)
    failure = measuring.deliver(made, output, plot, plot_kind)

    measuring.show(made, made.to_json() if as_json else None, per_weight)
    if failure is not None:
        raise failure
