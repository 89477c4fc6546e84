"""What the verbs of packed models have in common."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from meadow_py.cli.output import console, write

if TYPE_CHECKING:
    from meadow_py import Inspection

# Imported before Ctrl-C is an exception.
NEEDS = (
    "meadow_py._core",
    "meadow_py.checkpoint",
    "meadow_py.views.terminal.packed",
    "zstandard",
)

Folder = Annotated[
    str, typer.Argument(metavar="PACKED", help="What `meadow pack` made: a folder or a file.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]


class Codec(str, Enum):
    """Settings of the storage codec, and the runtime codec."""

    AUTO = "auto"
    FAST = "fast"
    SMALL = "small"
    HUFFMAN = "huffman"
    RAW = "raw"
    PLANES = "planes"


def show(made: Inspection, as_json: bool, per_tensor: bool = False) -> None:
    """A packed model on stdout: as JSON, or as a table."""
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
