"""``meadow bench``."""

from __future__ import annotations

from typing import Annotated

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import FAILED, reports_failures
from meadow_py.cli.output import check_stdout, console, write

# Imported before Ctrl-C raises an exception.
_NEEDS = (
    "meadow_py._core",
    "meadow_py.measure",
    "meadow_py.run",
    "meadow_py.run.bench_runs",
    "meadow_py.views.terminal.bench",
)


@reports_failures(*_NEEDS)
def bench(
    model: options.Model = None,
    prompt_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens of the prompt, which are read at once.")
    ] = 128,
    tokens: Annotated[
        int, typer.Option("--tokens", "-n", min=1, help="Tokens to generate in each run.")
    ] = 32,
    runs: Annotated[
        int, typer.Option(min=1, help="Runs of each form, of which the median is reported.")
    ] = 5,
    dtype: Annotated[
        str | None,
        typer.Option(help="Convert the weights to F32 or BF16 first.", show_default=False),
    ] = None,
    activations: options.Activations = "F32",
    mapped: Annotated[
        bool,
        typer.Option("--mapped", help="Leave dense weights in the mapped file: do not copy them."),
    ] = False,
    no_memory: Annotated[
        bool, typer.Option("--no-memory", help="Skip measuring the memory of each form.")
    ] = False,
    as_json: options.Json = False,
    threads: options.Threads = None,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare a model dense and packed on this machine, and say whether packing pays.

    Both forms run in turn, and every logit of the first run is compared bit for bit. If any
    differs, the exit code is 1.

    Example: meadow bench facebook/opt-125m --dtype BF16
    """
    import meadow_py

    check_stdout()
    made = meadow_py.bench(
        model,
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        runs=runs,
        dtype=dtype,
        activations=activations,
        mapped=mapped,
        threads=threads or 0,
        memory=not no_memory,
        progress=False if quiet else None,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=offline,
    )
    if as_json:
        import json

        write(json.dumps(made.to_dict(), allow_nan=False) + "\n")
    else:
        from meadow_py.views.terminal.bench import render_bench

        write(render_bench(made, console()))
    if not made.same_bits:
        raise typer.Exit(FAILED)
