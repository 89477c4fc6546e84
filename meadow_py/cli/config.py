"""``meadow config``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import write


@reports_failures("meadow_py.config", "meadow_py._core")
def config(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show versions, how the core was built, and the instruction set that it uses."""
    from meadow_py.config import config_text, show_config

    if as_json:
        write(json.dumps({"version": 1, **show_config("dicts")}) + "\n")
    else:
        write(config_text() + "\n")
