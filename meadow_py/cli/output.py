"""What commands write on stdout."""

from __future__ import annotations

import sys

from rich.console import Console


def console() -> Console:
    """For stdout; 80 columns wide and without colours where that is no terminal.

    NO_COLOR, FORCE_COLOR, COLUMNS and TERM are obeyed, as rich does.
    """
    return Console(file=sys.stdout, soft_wrap=False)


def write(text: str) -> None:
    """Write and flush, so that a reader who has gone is noticed here.

    Line by line: where Python does not buffer (PYTHONUNBUFFERED), a write that a leaving reader
    cuts short counts as done, and only the next one fails.
    """
    sys.stdout.writelines(text.splitlines(keepends=True))
    sys.stdout.flush()
