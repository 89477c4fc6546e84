"""The words about a model that runs, which terminal and HTML share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.forms import FLOATS, PACKED
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
    return ", ".join(f"{visible(form)} ({_matrices(n)})" for form, n in found.items())


def form_notes(model: Model) -> list[str]:
    """Sentences on matrices that are larger in memory than the user may expect."""
    loaded = model.loaded
    blocks = {dtype: n for dtype, n in loaded.stored.items() if dtype not in FLOATS}
    dense = {form: n for form, n in model.forms.items() if form in FLOATS}
    notes = []
    if blocks and dense:
        kinds = ", ".join(f"{visible(dtype)} ({_matrices(n)})" for dtype, n in blocks.items())
        notes.append(
            f"Blocks of {kinds} are expanded to {', '.join(dense)}: a token reads "
            f"{byte_size(model.bytes_per_token)}. --form q8 reads about a quarter of that, and "
            "rounds weights to 8 bits."
        )
    elif loaded.form == PACKED and dense:
        kinds = ", ".join(f"{form} ({_matrices(n)})" for form, n in dense.items())
        notes.append(
            f"--form packed leaves {kinds} dense: planes hold only values that BF16 or F16 hold, "
            "and only where that is smaller. --form q8 is smaller, and rounds weights to 8 bits."
        )
    return notes


def _matrices(number: int) -> str:
    return f"{number} {'matrix' if number == 1 else 'matrices'}"


def one_line(model: Model) -> str:
    """``Model('demo', opt, 1.9 M parameters, F16, 3.6 MB read for a token)``."""
    return (
        f"Model({model.source!r}, {visible(model.family)}, {count(model.parameters)} parameters, "
        f"{forms(model)}, {byte_size(model.bytes_per_token)} read for a token)"
    )
