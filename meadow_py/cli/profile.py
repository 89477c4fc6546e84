"""``meadow profile``."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meadow_py.cli import options, parsing
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, console, write

if TYPE_CHECKING:
    from meadow_py import Profile


_NEEDS = (
    "meadow_py._core",
    "meadow_py.demo",
    "meadow_py.profiler",
    "meadow_py.profiler.serial",
    "meadow_py.sources",
    "meadow_py.views.terminal",
)


class Along(str, Enum):
    """Dimensions that chunks can run along."""

    IN = "in"
    OUT = "out"


@reports_failures(*_NEEDS)
def profile(
    model: options.Model = None,
    bits: options.Bits = ["8"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    chunk_size: options.ChunkSizes = ["2", "4", "8"],  # noqa: B006
    asymmetric: Annotated[
        bool, typer.Option("--asymmetric", help="Codes with zero points, not around zero.")
    ] = False,
    along: Annotated[Along, typer.Option(help="Dimension that chunks run along.")] = Along.IN,
    role: options.Roles = None,
    per_weight: Annotated[
        bool, typer.Option("--per-weight", "--all", help="One row per weight, not per role.")
    ] = False,
    as_json: options.Json = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            callback=parsing.file_name,
            help="Save the profile as JSON as well.",
        ),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not decode and compare every stream.")
    ] = False,
    threads: options.Threads = None,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show where the redundancy is, and what lossless packing really saves.

    Every weight is quantised, cut in chunks and packed by every codec for real; every stream is
    decoded and compared. Sizes count the dictionary, headers and scales.

    Example: meadow profile facebook/opt-125m --bits 8,4 --granularity tensor,row --json
    """
    import meadow_py

    check_stdout()
    if output is not None:
        check_file(output)
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
    failure = None if output is None else _save(made, output)
    _show(made, as_json, per_weight)
    if failure is not None:
        raise failure


def _model(named: str | None) -> Any:
    if named is not None:
        return named
    from meadow_py import demo

    return demo.checkpoint()


def _save(made: Profile, path: str) -> OSError | None:
    """What went wrong, if anything: the work of hours is still shown then."""
    try:
        made.save(path)
    except OSError as error:
        return error
    return None


def _show(made: Profile, as_json: bool, per_weight: bool) -> None:
    if as_json:
        from meadow_py.profiler.serial import to_json

        write(to_json(made))
    else:
        from meadow_py.views.terminal import render

        write(render(made, console(), per_weight))
