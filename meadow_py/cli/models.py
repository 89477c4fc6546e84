"""``meadow models``."""

from __future__ import annotations

import json

from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_stdout, console, write

# Imported before Ctrl-C raises an exception.
_NEEDS = ("meadow_py.workload", "meadow_py.views.terminal.shapes")


@reports_failures(*_NEEDS)
def models(as_json: options.Json = False) -> None:
    """The shapes of models that simulate and plan know by name.

    A shape holds the sizes of a model and no weights. Any other model can be given by its hub id,
    its folder, or its config.json.

    Example: meadow simulate llama-3.2-1b --device raspberry-pi-5
    """
    from meadow_py import workload
    from meadow_py.views.terminal.printing import printed
    from meadow_py.views.terminal.shapes import shapes_view

    check_stdout()
    found = [workload.shape_of(name) for name in workload.names()]
    if as_json:
        made = {"version": 1, "kind": "models", "models": [shape.to_dict() for shape in found]}
        write(json.dumps(made, allow_nan=False) + "\n")
    else:
        write(printed(shapes_view(found), console()))
