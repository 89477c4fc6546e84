"""Times of a decoded token, of a prompt and of reading from storage; tiles for on-chip buffers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from meadow_py import workload
from meadow_py.devices import Quantity, Storage
from meadow_py.planner.model_forms import ModelForm
from meadow_py.planner.placement import activation_bytes
from meadow_py.planner.result import ON_CHIP, STORAGE, Footprint, MatrixTiles, Tiling
from meadow_py.planner.scenario import Scenario
from meadow_py.simulator import Band
from meadow_py.workload import ModelShape, Workload


def tiling(
    form: ModelForm,
    need: Footprint,
    scenario: Scenario,
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
    free = scenario.on_chip_bytes - activation_bytes(scenario, form.precision, 1)
    if scenario.device.memory is None:
        free -= need.kv_cache
    buffer = free / 2
    bytes_per_weight = form.read_bytes / _read(scenario.shape)
    if buffer < bytes_per_weight:
        return None
    rates = (bytes_per_second, operations_per_second / scenario.batch)
    matrices = tuple(
        _tiles(name, rows, columns, count, buffer, bytes_per_weight, rates)
        for name, rows, columns, count in matrices_of(scenario.shape)
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


Case = Literal["low", "value", "high"]


@dataclass(frozen=True)
class Lying:
    """Where the weights are kept while the model runs, and the storage that streams any of them."""

    place: str
    storage: Storage | None = None


@dataclass(frozen=True)
class Times:
    """Times of one form, with its weights kept in one place.

    Attributes
    ----------
    decode_s, prefill_s : Band
        Seconds of a decoded token, and of the prompt.
    bound : str
        The part of a token that takes longest.
    tiling : Tiling or None
    """

    decode_s: Band
    prefill_s: Band
    bound: str
    tiling: Tiling | None


class TimeModel:
    """Lower bounds on times: transfer and arithmetic overlap, and nothing else causes a wait.

    Parameters
    ----------
    form : ModelForm
    need : Footprint
    scenario : Scenario
    lying : Lying
    """

    def __init__(self, form: ModelForm, need: Footprint, scenario: Scenario, lying: Lying) -> None:
        self._form, self._need, self._scenario, self._lying = form, need, scenario, lying
        shape, precision = scenario.shape, form.precision
        self._prefill = self._work(scenario.prompt, 0)
        self._decode = None if shape.encoder else self._work(1, max(scenario.context - 1, 0))
        # The fractional part of the bits stands for scales: 4.5 means INT4, 8.125 means INT8.
        bits = min(int(max(precision.weight_bits, precision.activation_bits)), 32)
        self._rate_typical = scenario.device.compute.operations_per_second(bits)

    def times(self) -> Times:
        """All times of this form in this place."""
        decode = self._decode or self._prefill
        terms = self._terms(decode, self._form.read_bytes, "value")
        return Times(
            decode_s=_band(lambda case: self._token_s(decode, case)),
            prefill_s=_band(self._prompt_s),
            bound=max(terms, key=lambda name: terms[name]),
            tiling=self._tiles("value"),
        )

    def _work(self, tokens: int, context: int) -> Workload:
        scenario = self._scenario
        return workload.of(
            scenario.shape,
            tokens=tokens,
            context=context,
            batch=scenario.batch,
            precision=self._form.precision,
        )

    def _token_s(self, decode: Workload, case: Case) -> float:
        terms = self._terms(decode, self._form.read_bytes, case)
        tiles = self._tiles(case)
        least = 0.0
        if tiles is not None:  # tiles hold weights only
            least = tiles.seconds + self._transfers(0.0, float(decode.kv_bytes), case)["memory"]
        transfer = terms["memory"] + terms["storage"]
        return max(transfer, terms["compute"], least) + terms["overhead"]

    def _prompt_s(self, case: Case) -> float:
        rounds = math.ceil(self._scenario.prompt / self._scenario.together)
        terms = self._terms(self._prefill, rounds * self._form.read_bytes, case)
        transfer = terms["memory"] + terms["storage"]
        return max(transfer, terms["compute"]) + rounds * terms["overhead"]

    def _terms(self, work: Workload, weight_bytes: float, case: Case) -> dict[str, float]:
        """Seconds of each part alone; ``low`` takes the slow end of every speed."""
        device = self._scenario.device
        overhead = device.per_token_overhead_s
        operations = 2 * int(work.total("macs")) + int(work.total("other_operations"))
        return {
            **self._transfers(weight_bytes, float(work.kv_bytes), case),
            "compute": operations / self._rate(case),
            "overhead": 0.0 if overhead is None else getattr(overhead, _OPPOSITE[case]),
        }

    def _rate(self, case: Case) -> float:
        efficiency = self._scenario.device.compute.efficiency
        return float(self._rate_typical * getattr(efficiency, case) / efficiency.value)

    def _transfers(self, weight_bytes: float, kv_bytes: float, case: Case) -> dict[str, float]:
        if self._lying.place == ON_CHIP:
            return {"memory": 0.0, "storage": 0.0}
        memory, streamed = self._scenario.device.memory, self._streamed_share(case)
        from_memory = weight_bytes * (1 - streamed) + (0.0 if memory is None else kv_bytes)
        bandwidth = None if memory is None else memory.usable_bandwidth
        storage = self._storage_bandwidth(case)
        packed = weight_bytes * self._form.file_bytes / self._form.stored_bytes
        return {
            "memory": 0.0 if bandwidth is None else from_memory / getattr(bandwidth, case),
            "storage": 0.0 if storage is None else packed * streamed / storage,
        }

    def _streamed_share(self, case: Case) -> float:
        """Share of the weights that does not stay in memory; in the slow case, all of them."""
        if self._lying.place != STORAGE:
            return 0.0
        if case == "low":
            return 1.0
        room = max(self._scenario.memory_bytes - self._need.working, 0.0)
        return max(0.0, 1 - room / self._need.weights)

    def _storage_bandwidth(self, case: Case) -> float | None:
        if self._lying.storage is None:
            return None
        return float(getattr(self._scenario.read_bandwidth(self._lying.storage), case))

    def _tiles(self, case: Case) -> Tiling | None:
        """Tiles, if programs address the on-chip memory and the weights are kept elsewhere."""
        scenario = self._scenario
        if not scenario.addresses_chip or self._lying.place == ON_CHIP or self._decode is None:
            return None
        transfers = self._transfers(self._form.read_bytes, 0.0, case)
        seconds = transfers["memory"] + transfers["storage"]
        storage, memory = self._lying.storage, scenario.device.memory
        source = storage.name if storage is not None else "" if memory is None else memory.name
        rate = self._form.read_bytes / seconds
        return tiling(self._form, self._need, scenario, source, rate, self._rate(case))


_OPPOSITE: dict[str, str] = {"low": "high", "value": "value", "high": "low"}


def _band(seconds: Callable[[Case], float]) -> Band:
    """The band of times from the fast end of every speed to the slow end."""
    typical = seconds("value")
    return Band(min(seconds("high"), typical), typical, max(seconds("low"), typical))


def per_second(seconds: Band, count: int = 1) -> Band:
    """Tokens per second of `count` sequences, from seconds per step."""
    return Band(count / seconds.high, count / seconds.typical, count / seconds.low)


def reading(nbytes: float, bandwidth: Quantity) -> Band:
    """Seconds to read `nbytes` bytes."""
    return Band(nbytes / bandwidth.high, nbytes / bandwidth.value, nbytes / bandwidth.low)
