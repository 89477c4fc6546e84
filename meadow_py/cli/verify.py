"""``meadow verify``."""

from __future__ import annotations

import json

from meadow_py.cli import options, packing
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_stdout, write


@reports_failures(*packing.NEEDS)
def verify(
    packed: packing.Folder,
    threads: options.Threads = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check every bit of a packed model: exit code 0 if all is right, 1 if not.

    Everything is decoded, and the SHA-256 of every original file compared. Nothing is written.

    Example: meadow verify packed
    """
    import meadow_py
    from meadow_py.spelling import visible

    check_stdout()
    found = meadow_py.verify(packed, threads=threads, progress=False if quiet else None)
    if as_json:
        data = {
            "version": 1,
            "path": packed,
            "ok": True,
            "files": found.files,
            "tensors": found.tensors,
            "bytes_original": found.bytes_original,
            "seconds": found.seconds,
        }
        write(json.dumps(data) + "\n")
    else:
        what = f"{found.tensors} tensors in {found.files} files"
        speed = packing.throughput(found.bytes_original, found.seconds)
        write(f"{visible(packed)}: every bit is right: {what}, {speed}\n")
