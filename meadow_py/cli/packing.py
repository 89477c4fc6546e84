"""Code shared by the verbs for packed models."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from meadow_py.cli.output import console, write

if TYPE_CHECKING:
    from meadow_py import Inspection

# Imported before Ctrl-C raises an exception.
NEEDS = (
    "meadow_py._core",
    "meadow_py.checkpoint",
    "meadow_py.views.terminal.packed",
    "zstandard",
)

Folder = Annotated[
    str, typer.Argument(metavar="PACKED", help="Folder or file that `meadow pack` made.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the target if it exists already.")
]


class Codec(StrEnum):
    """Settings of the storage codec, and the runtime codec."""

    AUTO = "auto"
    FAST = "fast"
    SMALL = "small"
    HUFFMAN = "huffman"
    RAW = "raw"
    PLANES = "planes"


def show(made: Inspection, as_json: bool, per_tensor: bool = False) -> None:
    """Write a packed model to stdout: as JSON, or as a table."""
    if as_json:
        write(made.to_json())
        return
    from meadow_py.views.terminal.packed import render_packed

    write(render_packed(made, console(), per_tensor))


def throughput(nbytes: int, seconds: float) -> str:
    """``1.2 GB in 0.8 s, 1.5 GB/s``."""
    from meadow_py.spelling import byte_size

    rate = byte_size(round(nbytes / max(seconds, 1e-9)))
    return f"{byte_size(nbytes)} in {seconds:.3g} s, {rate}/s"
