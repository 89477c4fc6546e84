"""``meadow profile``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from meadow_py.cli import parsing
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import console, write


class Along(str, Enum):
    """Dimensions that chunks can run along."""

    IN = "in"
    OUT = "out"


@reports_failures
def profile(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Hub id, folder or file (.safetensors, .bin, .gguf). None: the bundled demo.",
            show_default=False,
        ),
    ] = None,
    bits: Annotated[
        list[str],
        typer.Option(
            metavar="N[,N]",
            callback=parsing.several(parsing.bits),
            help="Bits per code, 2 to 8.",
        ),
    ] = ["8"],  # noqa: B006
    granularity: Annotated[
        list[str],
        typer.Option(
            metavar="G[,G]",
            callback=parsing.several(parsing.granularity),
            help="What shares a scale: tensor, row, group:N.",
        ),
    ] = ["tensor", "row", "group:128"],  # noqa: B006
    chunk_size: Annotated[
        list[str],
        typer.Option(
            metavar="C[,C]",
            callback=parsing.several(parsing.chunk_size),
            help="Codes per chunk, 1 to 16.",
        ),
    ] = ["2", "4", "8"],  # noqa: B006
    asymmetric: Annotated[
        bool, typer.Option("--asymmetric", help="Codes with zero points, not around zero.")
    ] = False,
    along: Annotated[Along, typer.Option(help="Dimension that chunks run along.")] = Along.IN,
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="R[,R]",
            callback=lambda values: parsing.several(parsing.role)(values or []),
            help="Only these: attention, attention.q, mlp, mlp.up, embedding, head, ...",
            show_default=False,
        ),
    ] = None,
    per_weight: Annotated[
        bool, typer.Option("--per-weight", "--all", help="One row per weight, not per role.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON on stdout.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Save the profile as JSON as well."),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not decode and compare every stream.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Default: all cores.", show_default=False)
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the hub.", show_default=False)
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="HF_TOKEN", show_envvar=False, help="For gated models on the hub."),
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where downloads are kept.", show_default=False)
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Use only what is downloaded already.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Show where the redundancy is, and what lossless packing really saves.

    Every weight is quantised, cut in chunks and packed by every codec for real; every stream is
    decoded and compared. Sizes count the dictionary, headers and scales.

    Example: meadow profile facebook/opt-125m --bits 8,4 --granularity tensor,row --json
    """
    import meadow_py

    made = meadow_py.profile(
        _model(model),
        bits=[parsing.bits(text) for text in bits],
        granularity=granularity,
        chunk_sizes=[parsing.chunk_size(text) for text in chunk_size],
        symmetric=not asymmetric,
        along=along.value,
        roles=role or None,
        verify=not no_verify,
        threads=threads,
        progress=False if quiet else None,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=offline,
    )
    if output is not None:
        made.save(output)
    _show(made, as_json, per_weight)


def _model(named: str | None) -> Any:
    if named is not None:
        return named
    from meadow_py import demo

    return demo.checkpoint()


def _show(made: Any, as_json: bool, per_weight: bool) -> None:
    if as_json:
        from meadow_py.profiler.serial import to_json

        write(to_json(made))
    else:
        from meadow_py.views.terminal import render

        write(render(made, console(), per_weight))
