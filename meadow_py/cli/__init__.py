"""The command line ``meadow``: one file per verb. Commands compute nothing."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of ``meadow``. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C."""
    try:
        from meadow_py.cli.app import app

        app(prog_name="meadow")
    except KeyboardInterrupt:  # while modules are still being imported
        sys.exit(130)
