"""The bytes that a model needs, and where a device keeps it: on the chip, in memory, in storage."""

from __future__ import annotations

from dataclasses import dataclass

from meadow_py import workload
from meadow_py.devices import Storage
from meadow_py.planner.model_forms import ModelForm
from meadow_py.planner.result import MEMORY, NOWHERE, ON_CHIP, STORAGE, Footprint
from meadow_py.planner.scenario import Scenario
from meadow_py.workload import ModelShape, Precision


def footprint(form: ModelForm, scenario: Scenario) -> Footprint:
    """Bytes that a model in one form needs while it runs."""
    shape, precision = scenario.shape, form.precision
    each = kv_cache_bytes(shape, 1, precision) * scenario.batch
    return Footprint(
        weights=form.stored_bytes,
        file=form.file_bytes,
        kv_cache=kv_cache_bytes(shape, scenario.context, precision) * scenario.batch,
        kv_cache_per_token=each,
        activations=activation_bytes(scenario, precision, scenario.together),
    )


def kv_cache_bytes(shape: ModelShape, tokens: int, precision: Precision) -> float:
    """Bytes of one sequence's keys and values in all layers; a window keeps only its own tokens."""
    if shape.encoder:
        return 0.0
    windows = shape.windows or (0,) * shape.layers
    kept = sum(min(tokens, window) if window else tokens for window in windows)
    return 2 * shape.kv_width * kept * precision.kv_bits / 8


def longest_context(
    fixed_bytes: float, room: float, scenario: Scenario, form: ModelForm
) -> int | None:
    """Most tokens of context that fit beside `fixed_bytes`, within the model's own limit."""
    shape = scenario.shape
    if shape.encoder:
        return None
    limit = shape.positions or 1 << 24
    low, high = 0, limit
    while low < high:  # bisection: more tokens never take fewer bytes
        middle = (low + high + 1) // 2
        cache = kv_cache_bytes(shape, middle, form.precision) * scenario.batch
        low, high = (middle, high) if fixed_bytes + cache <= room else (low, middle - 1)
    return low


def activation_bytes(scenario: Scenario, precision: Precision, tokens: int) -> float:
    """Bytes of the residual, and of the input and output of the largest operation on `tokens`."""
    work = workload.of(
        scenario.shape,
        tokens=tokens,
        context=0 if scenario.shape.encoder else max(scenario.context - tokens, 0),
        batch=scenario.batch,
        precision=precision,
    )
    operations = {id(operation): operation for _, operation in work}.values()
    largest = max(int(op.input_values) + int(op.output_values) for op in operations)
    residual = tokens * scenario.batch * scenario.shape.hidden
    return (largest + residual) * precision.activation_bits / 8


@dataclass(frozen=True)
class Placement:
    """Where the weights are kept while the model runs.

    Attributes
    ----------
    place : str
        As in `Option`.
    where : str
        The name of that memory or storage; if the place is ``nowhere``, the reason.
    """

    place: str
    where: str


def place(need: Footprint, scenario: Scenario) -> Placement:
    """The fastest place that holds everything, or the storage that streams what does not fit."""
    memory = scenario.device.memory
    if need.total <= scenario.on_chip_bytes:
        return Placement(ON_CHIP, "SRAM")
    if memory is not None and need.total <= scenario.memory_bytes:
        return Placement(MEMORY, memory.name)
    room = scenario.memory_bytes if memory is not None else scenario.on_chip_bytes
    if need.working >= room:
        name = memory.name if memory is not None else "memory on the chip"
        return Placement(
            NOWHERE,
            f"KV cache and activations alone, {need.working / 2**20:.3g} MiB, do not fit into the "
            f"{room / 2**20:.3g} MiB that may be used of the {name}",
        )
    streaming = streaming_storage(need, scenario)
    if streaming is not None:
        return Placement(STORAGE, streaming.name)
    if scenario.device.storages:
        return Placement(NOWHERE, "the weights are larger than every storage")
    return Placement(NOWHERE, "larger than memory, and the device file names no storage")


def streaming_storage(need: Footprint, scenario: Scenario) -> Storage | None:
    """The fastest storage that holds the weights, or may hold them if its capacity is unknown."""
    fitting = [s for s in scenario.device.storages if holds(s, need) is not False]
    return max(fitting, key=lambda s: s.read_bandwidth.value, default=None)


def holds(storage: Storage, need: Footprint) -> bool | None:
    """Whether the weights fit; None if the capacity is unknown."""
    return None if storage.capacity is None else need.file <= storage.capacity.value
