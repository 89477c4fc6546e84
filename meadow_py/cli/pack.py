"""``meadow pack``."""

from __future__ import annotations

from typing import Annotated

import typer

from meadow_py.cli import options, packing
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_stdout


@reports_failures(*packing.NEEDS)
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
        packing.Codec,
        typer.Option(
            help="How to code: auto is small and decodes fast, planes can run from the mapped file."
        ),
    ] = packing.Codec.AUTO,
    overwrite: packing.Overwrite = False,
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
        threads=threads,
        progress=False if quiet else None,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=offline,
    )
    packing.show(made.inspection, as_json)
    if not quiet:
        size = made.inspection.bytes_original
        count = len(made.inspection.files)
        already = f", {len(made.kept)} packed before and verified" if made.kept else ""
        files = f"{count} packed file{'s' * (count > 1)}{already}"
        typer.echo(f"{packing.throughput(size, made.seconds)}; {files}", err=True)
