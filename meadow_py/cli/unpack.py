"""``meadow unpack``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from meadow_py.cli import options, packing
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_stdout, write


@reports_failures(*packing.NEEDS)
def unpack(
    packed: packing.Folder,
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="A folder; of a packed file, a file.")
    ],
    overwrite: packing.Overwrite = False,
    threads: options.Threads = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Give the original files back, byte for byte.

    Their SHA-256 is compared before OUT appears. After an interruption the same command goes on
    where it stopped.

    Example: meadow unpack packed original
    """
    import meadow_py
    from meadow_py.spelling import visible

    check_stdout()
    shown = False if quiet else None
    made = meadow_py.unpack(packed, target, overwrite=overwrite, threads=threads, progress=shown)
    if as_json:
        data = {
            "version": 1,
            "path": str(made.path),
            "files": list(made.files),
            "kept": list(made.kept),
            "bytes": made.nbytes,
            "seconds": made.seconds,
        }
        write(json.dumps(data) + "\n")
    else:
        speed = packing.throughput(made.nbytes, made.seconds)
        write(f"{visible(str(made.path))}: {len(made.files)} files as they were, {speed}\n")
