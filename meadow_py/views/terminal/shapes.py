"""The bundled shapes of models as a table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from meadow_py.spelling import visible
from meadow_py.workload import ModelShape


def shapes_view(shapes: Iterable[ModelShape]) -> Table:
    """One row for each shape: its sizes, and the weights in its matrices."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for name in ("model", "family"):
        table.add_column(name, no_wrap=True)
    for name in ("weights", "layers", "width", "heads", "KV heads", "feed-forward", "vocabulary"):
        table.add_column(name, justify="right", no_wrap=True)
    for shape in shapes:
        sizes = (shape.layers, shape.hidden, shape.heads, shape.kv_heads, shape.intermediate)
        table.add_row(
            visible(shape.name),
            shape.family,
            _count(_weights(shape)),
            *(f"{size:,}" for size in sizes),
            "-" if shape.encoder else f"{shape.vocab:,}",
        )
    return table


def _weights(shape: ModelShape) -> int:
    """Those of all blocks and of the embedding; those of the head unless it is tied."""
    head = 0 if shape.tied else shape.head_weights
    return shape.decoder_weights + shape.embedding_weights + head


def _count(weights: int) -> str:
    """``124 M``, ``6.66 G``."""
    scale, unit = (1e9, "G") if weights >= 1e9 else (1e6, "M")
    return f"{weights / scale:.3g} {unit}"
