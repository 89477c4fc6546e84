"""The command line ``meadow``: one file per verb. Commands compute nothing."""

from __future__ import annotations

import sys

from meadow_py.cli import interrupts


def main() -> None:
    """Entry point of ``meadow``. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C."""
    try:
        interrupts.end_at_once()  # until a command has imported what it needs
        from meadow_py.cli.app import app

        app(prog_name="meadow")
    except KeyboardInterrupt:  # outside of a command
        sys.exit(interrupts.INTERRUPTED)
