"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meadow_py.cli import measuring, parsing

Model = Annotated[
    str | None,
    typer.Argument(
        help="Hub id, folder or file (.safetensors, .bin, .gguf). None: the bundled demo.",
        show_default=False,
    ),
]
# What is simulated and planned: the shape alone.
ShapedModel = Annotated[
    str | None,
    typer.Argument(
        help="Name of a known model, folder, config.json, file or hub id; no weights are read. "
        "None: the bundled demo.",
        show_default=False,
    ),
]
Device = Annotated[
    str, typer.Option("--device", "-d", help="Name (see meadow devices), or a TOML file.")
]
Batch = Annotated[int, typer.Option(min=1, help="Sequences side by side.")]
Activations = Annotated[
    str,
    typer.Option(
        help="What activations are rounded to: F32, or BF16, which reads prompts faster on CPUs "
        "with AVX512_BF16."
    ),
]
Bits = Annotated[
    list[str],
    typer.Option(
        metavar="N[,N]", callback=parsing.several(parsing.bits), help="Bits per code, 2 to 8."
    ),
]
Granularities = Annotated[
    list[str],
    typer.Option(
        metavar="G[,G]",
        callback=parsing.several(parsing.granularity),
        help="What shares a scale: tensor, row, group:N.",
    ),
]
Quantizers = Annotated[
    list[str] | None,
    typer.Option(
        "--quantizer",
        metavar="KEY[,KEY]",
        callback=parsing.several(parsing.quantizer),
        help="How codes are made, in the place of bits, granularity and --asymmetric: int8:row, "
        "int4:group:128:asym, q8, ...",
        show_default=False,
    ),
]
ChunkSizes = Annotated[
    list[str],
    typer.Option(
        metavar="C[,C]",
        callback=parsing.several(parsing.chunk_size),
        help="Codes per chunk, 1 to 16.",
    ),
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="R[,R]",
        callback=parsing.several(parsing.role),
        help="Only these: attention, attention.q, mlp, mlp.up, embedding, head, ...",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, callback=parsing.threads, help="Default: all cores.", show_default=False),
]
Asymmetric = Annotated[
    bool, typer.Option("--asymmetric", help="Codes with zero points, not around zero.")
]
Along = Annotated[measuring.Along, typer.Option(help="Dimension that chunks run along.")]
NoVerify = Annotated[
    bool, typer.Option("--no-verify", help="Do not decode and compare every stream.")
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        callback=parsing.file_name,
        help="Save the result as JSON as well.",
        show_default=False,
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        callback=parsing.file_name,
        help="Draw it as well: .png, .svg or .pdf.",
        show_default=False,
    ),
]
PLOT_KINDS = "What to draw: heatmap, bytes, ratio, rate-distortion, values, growth."
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        callback=parsing.file_name,
        help="Keep finished weights there, and go on from it after an interruption.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]

Revision = Annotated[
    str | None, typer.Option(help="Branch, tag or commit on the hub.", show_default=False)
]
Token = Annotated[
    str | None,
    typer.Option(envvar="HF_TOKEN", show_envvar=False, help="For gated models on the hub."),
]
CacheDir = Annotated[
    Path | None, typer.Option(help="Where downloads are kept.", show_default=False)
]
Offline = Annotated[bool, typer.Option("--offline", help="Use only what is downloaded already.")]
