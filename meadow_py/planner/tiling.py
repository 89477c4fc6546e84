"""Tiling of weights that pass through two on-chip buffers: one fills while the other is used."""

from __future__ import annotations

import math
from collections.abc import Iterator

from meadow_py.planner.footprint import activation_bytes
from meadow_py.planner.forms import Form
from meadow_py.planner.result import Footprint, MatrixTiles, Tiling
from meadow_py.planner.setting import Setting
from meadow_py.workload import ModelShape


def tiling(
    form: Form,
    need: Footprint,
    setting: Setting,
    source: str,
    bytes_per_second: float,
    operations_per_second: float,
) -> Tiling | None:
    """Cut the weights into tiles, each with as many rows as half of the free on-chip memory holds.

    The first tile of a matrix must arrive before anything is computed. From then on, each tile
    takes the longer of computing with it and fetching the next one; the last is only computed.

    Returns
    -------
    Tiling or None
        None if activations, and the KV cache if it must be on the chip, leave no room there.
    """
    free = setting.on_chip_bytes - activation_bytes(setting, form.precision, 1)
    if setting.device.memory is None:
        free -= need.kv_cache
    buffer = free / 2
    bytes_per_weight = form.read_bytes / _read(setting.shape)
    if buffer < bytes_per_weight:
        return None
    rates = (bytes_per_second, operations_per_second / setting.batch)
    matrices = tuple(
        _tiles(name, rows, columns, count, buffer, bytes_per_weight, rates)
        for name, rows, columns, count in matrices_of(setting.shape)
    )
    return Tiling(source, buffer, matrices, sum(m.count * m.seconds for m in matrices))


def matrices_of(shape: ModelShape) -> Iterator[tuple[str, int, int, int]]:
    """Role, rows, columns and count of all matrices that a token reads."""
    layers, hidden = shape.layers, shape.hidden
    yield "attention.q", shape.query_width, hidden, layers
    yield "attention.k", shape.kv_width, hidden, layers
    yield "attention.v", shape.kv_width, hidden, layers
    yield "attention.o", hidden, shape.query_width, layers
    if shape.gated:
        yield "mlp.gate", shape.intermediate, hidden, layers
    yield "mlp.up", shape.intermediate, hidden, layers
    yield "mlp.down", hidden, shape.intermediate, layers
    if shape.vocab:
        yield "head", shape.vocab, shape.embedding_width or hidden, 1


def _read(shape: ModelShape) -> int:
    return sum(rows * columns * count for _, rows, columns, count in matrices_of(shape))


def _tiles(
    name: str,
    rows: int,
    columns: int,
    count: int,
    buffer: float,
    bytes_per_weight: float,
    rates: tuple[float, float],
) -> MatrixTiles:
    row_bytes = columns * bytes_per_weight
    tile_rows = min(int(buffer // row_bytes), rows)
    tile_weights = tile_rows * columns or int(buffer // bytes_per_weight)
    tiles = math.ceil(rows / tile_rows) if tile_rows else math.ceil(rows * columns / tile_weights)
    fetch, compute = (
        rows * columns * bytes_per_weight / rates[0],
        2 * rows * columns / rates[1],
    )
    first_fetch, last_compute = fetch / tiles, compute / tiles
    seconds = first_fetch + (tiles - 1) * max(first_fetch, last_compute) + last_compute
    return MatrixTiles(
        name=name,
        rows=rows,
        columns=columns,
        count=count,
        tile_rows=tile_rows,
        tiles=tiles,
        tile_bytes=tile_weights * bytes_per_weight,
        fetch_s=fetch,
        compute_s=compute,
        seconds=seconds,
    )
