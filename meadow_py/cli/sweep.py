"""``meadow sweep``."""

from __future__ import annotations

from typing import Annotated

import typer

from meadow_py.cli import measuring, options
from meadow_py.cli.failures import reports_failures


@reports_failures(*measuring.NEEDS)
def sweep(
    context: typer.Context,
    model: options.Model = None,
    chunk_size: options.ChunkSizes = ["1", "2", "3", "4", "6", "8"],  # noqa: B006
    bits: options.Bits = ["8", "4"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    asymmetric: options.Asymmetric = False,
    quantizer: options.Quantizers = None,
    along: options.Along = measuring.Along.IN,
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
    chosen = measuring.arguments(locals())
    import meadow_py

    measuring.check_targets(output, plot, plot_kind, resume)
    made = meadow_py.sweep(measuring.model_named(model), **chosen)
    failure = measuring.deliver(made, output, plot, plot_kind)

    measuring.show(made, made.to_json() if as_json else None)
    if failure is not None:
        raise failure
