"""Names of files inside of a folder, from files that nobody vouches for."""

from __future__ import annotations

from pathlib import PurePosixPath

from meadow_py.errors import FormatError
from meadow_py.sources.tensor import is_printable


def check_inside(name: str, where: str) -> str:
    """The name itself, if it is one of a file within a folder; anything else is a FormatError.

    Refused are absolute names, ``..``, drives, backslashes, and everything that is not spelled
    as POSIX normalises it.
    """
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    good = (
        bool(parts)
        and is_printable(name)
        and "/".join(parts) == name
        and ".." not in parts
        and not name.startswith("/")
        and not any(mark in name for mark in "\\:\0")
    )
    if not good:
        raise FormatError(f"{where}: {name!r} is no name of a file within the folder")
    return name
