"""The verbs of packed models: ``meadow pack``, ``verify``, ``unpack`` and ``inspect``."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from meadow_py.cli import options
from meadow_py.cli.failures import one_line, reports_failures
from meadow_py.cli.output import check_stdout, console, write

if TYPE_CHECKING:
    from meadow_py import Inspection


# Imported before Ctrl-C raises an exception.
_NEEDS = (
    "meadow_py._core",
    "meadow_py.checkpoint",
    "meadow_py.views.terminal.packed",
    "zstandard",
)

_Folder = Annotated[
    str, typer.Argument(metavar="PACKED", help="Folder or file that `meadow pack` made.")
]
_Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the target if it exists already.")
]


_VERSION_1 = (
    "version 1: it records no checksums of heads, so a swap of planes is found only by verifying, "
    "and the digest fixes the original files but not their coded bytes: pack again for version 2"
)


class CodecName(StrEnum):
    """Settings of the storage codec, and the runtime codec."""

    AUTO = "auto"
    FAST = "fast"
    SMALL = "small"
    HUFFMAN = "huffman"
    RAW = "raw"
    PLANES = "planes"


def _show(made: Inspection, as_json: bool, per_tensor: bool = False) -> None:
    """Write a packed model to stdout: as JSON, or as a table."""
    if as_json:
        write(made.to_json())
        return
    from meadow_py.views.terminal.packed import render_packed

    write(render_packed(made, console(), per_tensor))


def _throughput(nbytes: int, seconds: float) -> str:
    """``1.2 GB in 0.8 s, 1.5 GB/s``."""
    from meadow_py.spelling import byte_size

    rate = byte_size(round(nbytes / max(seconds, 1e-9)))
    return f"{byte_size(nbytes)} in {seconds:.3g} s, {rate}/s"


@reports_failures(*_NEEDS)
def pack(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC", help="Hub id, folder or file (.safetensors, .bin, .pt, .pth, .gguf)."
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="DST", help="Folder to write; for a single file, also a NAME.safetensors."
        ),
    ],
    codec: Annotated[
        CodecName,
        typer.Option(
            help="How to code: auto is small and decodes fast, planes can run from the mapped file."
        ),
    ] = CodecName.AUTO,
    overwrite: _Overwrite = False,
    follow_links: Annotated[
        bool,
        typer.Option("--follow-links", help="Also pack what links out of the folder lead to."),
    ] = False,
    threads: options.Threads = None,
    as_json: options.Json = False,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Pack a model losslessly: every bit of every file can be restored.

    DST appears only when it is complete. After an interruption, run the same command again: it
    verifies the files that are packed already and resumes with the others. `meadow verify DST`
    checks the result, and `meadow unpack DST OUT` restores the files.

    Example: meadow pack facebook/opt-125m packed
    """
    import meadow_py

    check_stdout()
    made = meadow_py.pack(
        source,
        target,
        codec=codec.value,
        overwrite=overwrite,
        follow_links=follow_links,
        threads=threads,
        progress=False if quiet else None,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=offline,
    )
    _show(made.inspection, as_json)
    if not as_json:
        write(f"digest (SHA-256): {made.inspection.sha256}\n")
    if not quiet:
        size = made.inspection.bytes_original
        count = len(made.inspection.files)
        already = f", {len(made.kept)} packed before and verified" if made.kept else ""
        files = f"{count} packed file{'s' * (count > 1)}{already}"
        typer.echo(f"{_throughput(size, made.seconds)}; {files}", err=True)


@reports_failures(*_NEEDS)
def verify(
    packed: _Folder,
    sha256: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            help="Digest that the publisher gives, as `meadow pack` prints it; another is refused.",
        ),
    ] = None,
    threads: options.Threads = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check every bit of a packed model: exit code 0 if all is right, 1 if not.

    Everything is decoded, and the SHA-256 of every original file is compared. Nothing is written.
    The checksums lie in the model itself, so only --sha256 shows that nobody has replaced it.

    Example: meadow verify packed
    """
    import meadow_py
    from meadow_py.spelling import visible

    check_stdout()
    shown = False if quiet else None
    try:
        found = meadow_py.verify(packed, sha256=sha256, threads=threads, progress=shown)
    except meadow_py.FormatError as error:
        if as_json:
            said = {"version": 1, "kind": "verify", "path": packed, "ok": False}
            write(json.dumps({**said, "error": one_line(error)}) + "\n")
        raise
    if as_json:
        data = {
            "version": 1,
            "kind": "verify",
            "path": packed,
            "ok": True,
            "files": found.files,
            "tensors": found.tensors,
            "bytes_original": found.bytes_original,
            "sha256": found.sha256,
            "format_versions": list(found.versions),
            "seconds": found.seconds,
        }
        write(json.dumps(data) + "\n")
    else:
        what = f"{found.tensors} tensors in {found.files} files"
        speed = _throughput(found.bytes_original, found.seconds)
        write(f"{visible(packed)}: every bit is right: {what}, {speed}\n")
        write(f"digest (SHA-256): {found.sha256}\n")
        if 1 in found.versions:
            write(f"{_VERSION_1}\n")


@reports_failures(*_NEEDS)
def unpack(
    packed: _Folder,
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="Folder to write; for a packed file, a file.")
    ],
    overwrite: _Overwrite = False,
    threads: options.Threads = None,
    max_bytes: Annotated[
        int | None,
        typer.Option(
            min=0, help="The most bytes to restore; by default 64 times the packed size, or 1 GiB."
        ),
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Restore the original files, byte for byte.

    Their SHA-256 is compared before OUT appears. After an interruption, run the same command again:
    it resumes where it stopped.

    Example: meadow unpack packed original
    """
    import meadow_py
    from meadow_py.spelling import visible

    check_stdout()
    shown = False if quiet else None
    made = meadow_py.unpack(
        packed,
        target,
        overwrite=overwrite,
        threads=threads,
        progress=shown,
        max_bytes=max_bytes,
    )
    if as_json:
        data = {
            "version": 1,
            "kind": "unpack",
            "path": str(made.path),
            "files": list(made.files),
            "kept": list(made.kept),
            "bytes": made.nbytes,
            "seconds": made.seconds,
        }
        write(json.dumps(data) + "\n")
    else:
        speed = _throughput(made.nbytes, made.seconds)
        write(f"{visible(str(made.path))}: {len(made.files)} files as they were, {speed}\n")


@reports_failures(*_NEEDS)
def inspect(
    packed: _Folder,
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", "--all", help="One row per tensor, not per role.")
    ] = False,
    card: Annotated[
        bool, typer.Option("--card", help="Write Markdown for a model card instead.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show the contents and sizes of a packed model. Only headers are read.

    Example: meadow inspect packed --json
    """
    import meadow_py

    check_stdout()
    made = meadow_py.inspect(packed)
    if card:
        write(made.model_card())
    else:
        _show(made, as_json, per_tensor)
