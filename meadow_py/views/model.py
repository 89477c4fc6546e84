"""The words about a model that runs, which terminal and HTML share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.spelling import byte_size, count, visible
from meadow_py.views.verdicts import plural

if TYPE_CHECKING:
    from meadow_py.run import Model


def facts(model: Model) -> list[tuple[str, str]]:
    """The facts about a model, as pairs of name and value."""
    config = model.loaded.config
    return [
        ("family", visible(model.family)),
        ("parameters", count(model.parameters)),
        ("layers", f"{config.layers}"),
        ("context", plural(model.context, "token")),
        ("form", forms(model)),
        ("read for a token", byte_size(model.bytes_per_token)),
        ("all weights", byte_size(model.loaded.nbytes)),
        ("dense", byte_size(model.loaded.dense_nbytes)),
    ]


def forms(model: Model) -> str:
    """``BF16``, or ``packed12 (96 matrices), BF16 (1 matrix)``."""
    found = model.forms
    if len(found) == 1:
        return visible(next(iter(found)))
    return ", ".join(
        f"{visible(form)} ({n} {'matrix' if n == 1 else 'matrices'})" for form, n in found.items()
    )


def one_line(model: Model) -> str:
    """``Model('demo', opt, 1.9 M parameters, F16, 3.6 MB read for a token)``."""
    return (
        f"Model({model.source!r}, {visible(model.family)}, {count(model.parameters)} parameters, "
        f"{forms(model)}, {byte_size(model.bytes_per_token)} read for a token)"
    )
