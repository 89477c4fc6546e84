"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meadow_py.cli import measuring, parsing

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
    typer.Option(
        metavar="N[,N]", callback=parsing.several(parsing.bits), help="Bits per code, 2 to 8."
    ),
]
Granularities = Annotated[
    list[str],
    typer.Option(
        metavar="G[,G]",
        callback=parsing.several(parsing.granularity),
        help="Which numbers share a scale: tensor, row, group:N.",
    ),
]
Quantizers = Annotated[
    list[str] | None,
    typer.Option(
        "--quantizer",
        metavar="KEY[,KEY]",
        callback=parsing.several(parsing.quantizer),
        help="How codes are made, instead of --bits, --granularity and --asymmetric: int8:row, "
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
        help="Only these roles: attention, attention.q, mlp, mlp.up, embedding, head, ...",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        callback=parsing.threads,
        help="Number of threads. Default: all cores.",
        show_default=False,
    ),
]
Asymmetric = Annotated[
    bool,
    typer.Option("--asymmetric", help="Use codes with a zero point instead of codes around zero."),
]
Along = Annotated[measuring.Along, typer.Option(help="Dimension that chunks run along.")]
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
        callback=parsing.file_name,
        help="Also save the result as JSON in this file.",
        show_default=False,
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        callback=parsing.file_name,
        help="Also draw a plot: .png, .svg or .pdf.",
        show_default=False,
    ),
]
PLOT_KINDS = "What to draw: heatmap, bytes, ratio, rate-distortion, values, growth."
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        callback=parsing.file_name,
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
