"""The command line ``meadow``: one file per verb. Commands compute nothing."""

from __future__ import annotations


def main() -> None:
    """Entry point of ``meadow``. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C."""
    from meadow_py.cli.app import app

    app(prog_name="meadow")
