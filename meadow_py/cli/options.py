"""Options that several verbs share, and what turns typed text into arguments.

Wrong input is a usage error (exit code 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from meadow_py.spelling import visible

_T = TypeVar("_T")


class ChunkDirection(StrEnum):
    """Dimensions that chunks can run along."""

    IN = "in"
    OUT = "out"


def several(parse: Callable[[str], _T]) -> Callable[[Sequence[str] | None], list[str]]:
    """A callback for options that may be repeated and may hold commas: ``2,4 8``.

    The values stay strings, as typer requires, but `parse` has accepted each of them.
    """

    def callback(values: Sequence[str] | None) -> list[str]:
        parts = [part.strip() for value in values or () for part in value.split(",")]
        for part in parts:
            try:
                parse(part)
            except (ValueError, TypeError) as error:
                raise typer.BadParameter(visible(str(error))) from None
        return parts

    return callback


def bits(text: str) -> int:
    """``8`` or ``int8``."""
    from meadow_py.quantizers import check_bits

    return check_bits(_integer(text.lower().removeprefix("int"), "bits"))


def chunk_size(text: str) -> int:
    """Codes per chunk."""
    from meadow_py.codecs import check_chunk

    return check_chunk(_integer(text, "chunk size"))


def granularity(text: str) -> str:
    """``tensor``, ``row`` or ``group:N``."""
    from meadow_py.quantizers import Granularity

    return str(Granularity.parse(text))


def quantizer(text: str) -> str:
    """The key of a quantiser: ``int8:row``, ``q8``."""
    from meadow_py import quantizers

    return quantizers.parse(text).key


def file_name(text: str | None) -> str | None:
    """A callback for the name of a file to write."""
    if text is not None and not text.strip():
        raise typer.BadParameter("the name is empty: expected the name of a file to write")
    return text


def threads(number: int | None) -> int | None:
    """A callback for a number of threads; None stands for all cores, as 0 does."""
    from meadow_py.checks import check_threads

    try:
        return check_threads(number) or None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def role(text: str) -> str:
    """A role, or the first part of one."""
    from meadow_py.architectures import ROLES

    known = {*ROLES, *(name.partition(".")[0] for name in ROLES)}
    if text not in known:
        raise ValueError(f"role {text!r}: expected one of {', '.join(ROLES)}, or attention, mlp")
    return text


def _integer(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{what} {text!r}: expected a whole number") from None


Model = Annotated[
    str | None,
    typer.Argument(
        help="Hub id, folder or file (.safetensors, .bin, .gguf). Default: the bundled demo.",
        show_default=False,
    ),
]
# For simulating and planning, which need nothing but the shape of a model.
ShapedModel = Annotated[
    str | None,
    typer.Argument(
        help="Name of a known model, folder, config.json, file or hub id; no weights are read. "
        "Default: the bundled demo.",
        show_default=False,
    ),
]
Device = Annotated[
    str,
    typer.Option("--device", "-d", help="Name of a device (see meadow devices), or a TOML file."),
]
Batch = Annotated[int, typer.Option(min=1, help="Number of sequences that run together.")]
Activations = Annotated[
    str,
    typer.Option(
        help="Round activations to F32 or BF16; BF16 reads prompts faster on CPUs with AVX512_BF16."
    ),
]
Bits = Annotated[
    list[str],
    typer.Option(metavar="N[,N]", callback=several(bits), help="Bits per code, 2 to 8."),
]
Granularities = Annotated[
    list[str],
    typer.Option(
        metavar="G[,G]",
        callback=several(granularity),
        help="Which numbers share a scale: tensor, row, group:N.",
    ),
]
Quantizers = Annotated[
    list[str] | None,
    typer.Option(
        "--quantizer",
        metavar="KEY[,KEY]",
        callback=several(quantizer),
        help="How codes are made, instead of --bits, --granularity and --asymmetric: int8:row, "
        "int4:group:128:asym, q8, ...",
        show_default=False,
    ),
]
ChunkSizes = Annotated[
    list[str],
    typer.Option(
        metavar="C[,C]",
        callback=several(chunk_size),
        help="Codes per chunk, 1 to 16.",
    ),
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="R[,R]",
        callback=several(role),
        help="Only these roles: attention, attention.q, mlp, mlp.up, embedding, head, ...",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        callback=threads,
        help="Number of threads; 0, the default, means all cores.",
        show_default=False,
    ),
]
Asymmetric = Annotated[
    bool,
    typer.Option("--asymmetric", help="Use codes with a zero point instead of codes around zero."),
]
Along = Annotated[ChunkDirection, typer.Option(help="Dimension that chunks run along.")]
NoVerify = Annotated[
    bool,
    typer.Option("--no-verify", help="Skip decoding every stream and comparing it with the codes."),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        callback=file_name,
        help="Also save the result as JSON in this file.",
        show_default=False,
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        callback=file_name,
        help="Also draw a plot: .png, .svg or .pdf.",
        show_default=False,
    ),
]
PLOT_KINDS = "What to draw: heatmap, bytes, ratio, rate-distortion, values, growth."
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        callback=file_name,
        help="Keep finished weights in this file, and resume from it after an interruption.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress bar.")]

Revision = Annotated[
    str | None, typer.Option(help="Branch, tag or commit on the hub.", show_default=False)
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="HF_TOKEN", show_envvar=False, help="Access token, for gated models on the hub."
    ),
]
CacheDir = Annotated[
    Path | None, typer.Option(help="Folder where downloads are kept.", show_default=False)
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Use only files that are downloaded already.")
]
