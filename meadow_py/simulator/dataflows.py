"""Costs of a layer's operations under a dataflow: GEMM, TPHS, the better of both, or a roofline.

GEMM: every operation fetches from memory, computes, and stores to memory.

TPHS, the token-parallel head-sequential dataflow of MEADOW: Q, QK^T, softmax and SMxV run as one
pipeline over tokens, one head after another, and their intermediate values never leave the chip.
Everything else follows GEMM.

The roofline is for CPUs, GPUs and other devices without an array of processing elements: an
operation takes the time of its bytes at the bandwidth or of its operations at the peak, whichever
is longer (Williams, Waterman and Patterson, Roofline, CACM 52(4), 2009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from meadow_py.simulator.cost import Cost, DataflowInputs, as_value, longest, overlapped, passes
from meadow_py.simulator.machine import Value
from meadow_py.simulator.packing import PackedWeight
from meadow_py.workload import ATTENTION_CORE, Operation


def gemm_cost(operation: Operation, setting: DataflowInputs) -> Cost:
    """Bytes and time of one operation, with intermediates stored in off-chip memory."""
    makers = {"linear": _linear, "attention": _attention, "softmax": _softmax}
    cost = makers.get(operation.kind, _elementwise)(operation, setting)
    cost = replace(cost, macs=operation.macs, other_operations=operation.other_operations)
    return timed(cost, setting)


def timed(cost: Cost, setting: DataflowInputs) -> Cost:
    """The cost with its seconds filled in: transfers at the bandwidth, overlapped with compute."""
    machine = setting.machine
    fetch, store = cost.fetched / machine.bandwidth, cost.stored / machine.bandwidth
    busy = longest(cost.compute_s, cost.decode_s, cost.softmax_s)
    seconds = overlapped(machine, fetch + store, busy)
    return replace(cost, fetch_s=fetch, store_s=store, seconds=seconds)


def stationary_traffic(
    weight: Value, inputs: Value, setting: DataflowInputs, held_weight: Value | None = None
) -> tuple[Value, Value]:
    """Bytes of weights and inputs that are fetched, with the better operand kept stationary.

    With weights stationary, inputs are fetched again for every part of the weights that fills the
    weight buffer, unless all inputs fit in the input buffer. With inputs stationary, it is the
    other way round. `held_weight` gives the bytes that the weights take in the buffer, if they
    differ from the bytes that are moved.
    """
    machine = setting.machine
    held = weight if held_weight is None else held_weight
    weight_parts = passes(held, machine.weight_buffer)
    input_parts = passes(inputs, machine.input_buffer)
    again_inputs = np.where(input_parts > 1, weight_parts, 1.0) * inputs
    again_weight = np.where(weight_parts > 1, input_parts, 1.0) * weight
    first = weight + again_inputs <= again_weight + inputs
    moved_weight = np.where(first, weight, again_weight)
    return as_value(moved_weight), as_value(np.where(first, again_inputs, inputs))


def _linear(operation: Operation, setting: DataflowInputs) -> Cost:
    packed = setting.packed.by_role[operation.name]
    inputs = operation.input_values * setting.activation_bytes
    weight, read = stationary_traffic(
        packed.moved_bytes, inputs, setting, held_bytes(operation, packed, setting)
    )
    return Cost(
        operation=operation.name,
        dataflow="gemm",
        weight_bytes=weight,
        read_bytes=read,
        written_bytes=operation.output_values * setting.activation_bytes,
        kv_written_bytes=operation.kv_written * setting.kv_value_bytes,
        weights=operation.weights * as_value(weight / np.maximum(packed.moved_bytes, 1e-300)),
        compute_s=operation.macs / setting.machine.macs_per_s,
        decode_s=setting.packed.decode_s(operation.weights),
    )


def held_bytes(operation: Operation, packed: PackedWeight, setting: DataflowInputs) -> float:
    """Bytes of a weight in the weight buffer: dense, unless the decoder comes after the buffer."""
    if setting.compressed_buffer:
        return packed.payload_bytes
    return operation.weights * setting.precision.weight_bits / 8


def _attention(operation: Operation, setting: DataflowInputs) -> Cost:
    """Cost of attention, head after head; a head's keys or values take the place of weights."""
    heads = setting.kv_heads * setting.batch
    scores = operation.name == "attention.scores"
    factor = setting.machine.score_factor
    read = operation.input_values * setting.activation_bytes * (1.0 if scores else factor)
    written = operation.output_values * setting.activation_bytes * (factor if scores else 1.0)
    cache = operation.kv_read * setting.kv_value_bytes
    kv, inputs = stationary_traffic(cache / heads, read / heads, setting)
    return Cost(
        operation=operation.name,
        dataflow="gemm",
        read_bytes=inputs * heads,
        written_bytes=written,
        kv_read_bytes=kv * heads,
        compute_s=operation.macs / setting.machine.macs_per_s,
    )


def _softmax(operation: Operation, setting: DataflowInputs) -> Cost:
    values = setting.activation_bytes * setting.machine.score_factor
    return Cost(
        operation=operation.name,
        dataflow="gemm",
        read_bytes=operation.input_values * values,
        written_bytes=operation.output_values * values,
        softmax_s=operation.output_values / setting.machine.softmax_per_s,
    )


def _elementwise(operation: Operation, setting: DataflowInputs) -> Cost:
    to_memory = setting.machine.elementwise_to_memory * setting.activation_bytes
    if operation.kind == "lookup":  # rows of the embedding always come from off-chip memory
        to_memory = setting.activation_bytes
    return Cost(
        operation=operation.name,
        dataflow="gemm",
        read_bytes=operation.input_values * to_memory,
        written_bytes=operation.output_values * to_memory,
        compute_s=_elementwise_s(operation, setting),
    )


def _elementwise_s(operation: Operation, setting: DataflowInputs) -> Value:
    """Seconds of an elementwise operation; 0 if it is fused with the adjacent product."""
    seconds = operation.output_values / setting.machine.elementwise_per_s
    return as_value(seconds * setting.machine.elementwise_to_memory)


def pipeline_cost(operations: Mapping[str, Operation], setting: DataflowInputs) -> Cost:
    """Bytes and time of the pipeline.

    Parallel elements compute Q and QK^T and divide their time between them, softmax units follow,
    and broadcasting elements compute SMxV. The slowest stage sets the pace. This division of work
    between the elements is an assumption of this project; see docs/simulation.md.

    Parameters
    ----------
    operations : mapping of str to Operation
        The operations of `ATTENTION_CORE`, by name.
    setting : DataflowInputs

    Returns
    -------
    Cost
    """
    query, scores, softmax, values = (operations[name] for name in ATTENTION_CORE)
    machine = setting.machine
    packed = setting.packed.by_role[query.name]
    read, weight, cache = _traffic(query, scores, values, setting, packed)
    products = longest(
        (query.macs + scores.macs) / machine.parallel, values.macs / machine.broadcasting
    )
    filling = setting.heads * setting.batch * machine.fill_s
    cost = Cost(
        operation="attention.tphs",
        dataflow="tphs",
        weight_bytes=weight,
        read_bytes=read,
        written_bytes=values.output_values * setting.activation_bytes,
        kv_read_bytes=cache,
        macs=query.macs + scores.macs + values.macs,
        other_operations=softmax.other_operations,
        weights=query.weights * as_value(weight / np.maximum(packed.moved_bytes, 1e-300)),
        compute_s=products + filling,
        softmax_s=softmax.output_values / machine.softmax_per_s + filling,
        decode_s=setting.packed.decode_s(query.weights),
    )
    return timed(cost, setting)


def _traffic(
    query: Operation,
    scores: Operation,
    values: Operation,
    setting: DataflowInputs,
    packed: PackedWeight,
) -> tuple[Value, Value, Value]:
    """Bytes of inputs, of query weights and of the KV cache that are fetched.

    There are two orders, and the one with fewer bytes counts. Either all heads run over one part
    of the tokens before the next part is fetched, so that weights and KV cache are read once for
    each part of the inputs that fills the input buffer. Or inputs are read again for every head;
    then keys and values of a head that do not fit in the weight buffer beside the head's weights
    are read again for every part of the tokens.
    """
    machine = setting.machine
    inputs = query.input_values * setting.activation_bytes
    weight = packed.moved_bytes
    cache = (scores.kv_read + values.kv_read) * setting.kv_value_bytes
    parts = passes(inputs, machine.input_buffer)
    head = held_bytes(query, packed, setting) / setting.heads + cache / (
        setting.kv_heads * setting.batch
    )
    spilled = np.where(head > machine.weight_buffer, parts, 1.0)
    by_part = inputs + parts * (weight + cache)
    by_head = inputs * np.where(parts > 1, setting.heads, 1) + weight + cache * spilled
    first = by_part <= by_head
    times = np.where(first, 1.0, np.where(parts > 1, setting.heads, 1))
    return (
        as_value(inputs * times),
        as_value(weight * np.where(first, parts, 1.0)),
        as_value(cache * np.where(first, parts, spilled)),
    )


def roofline_cost(operation: Operation, setting: DataflowInputs) -> Cost:
    """Bytes and time of one operation.

    Weights and the KV cache always move; activations move only if the operation's do not fit in
    on-chip memory (caches).
    """
    machine = setting.machine
    packed = setting.packed.by_role.get(operation.name) if operation.weights else None
    read = operation.input_values * setting.activation_bytes
    written = operation.output_values * setting.activation_bytes
    moves = np.where(read + written > machine.on_chip, 1.0, 0.0)
    if operation.kind == "lookup":
        moves, written = np.asarray(1.0), 0 * written
    arithmetic = operation.macs + operation.other_operations / 2
    cost = Cost(
        operation=operation.name,
        dataflow="roofline",
        weight_bytes=0.0 if packed is None else packed.moved_bytes,
        read_bytes=as_value(read * moves),
        written_bytes=as_value(written * moves),
        kv_read_bytes=operation.kv_read * setting.kv_value_bytes,
        kv_written_bytes=operation.kv_written * setting.kv_value_bytes,
        macs=operation.macs,
        other_operations=operation.other_operations,
        weights=operation.weights,
        compute_s=arithmetic / machine.macs_per_s,
        decode_s=setting.packed.decode_s(operation.weights),
    )
    return timed(cost, setting)


Dataflow = Literal["gemm", "tphs", "best", "roofline"]
DATAFLOWS: tuple[str, ...] = get_args(Dataflow)


def layer_costs(
    operations: Sequence[Operation], setting: DataflowInputs, dataflow: str
) -> tuple[Cost, ...]:
    """Costs of a layer's operations, in the order in which they run.

    ``best`` takes the faster of ``gemm`` and ``tphs`` for the attention core of this layer; it
    works on single numbers, not on arrays.
    """
    if dataflow == "roofline":
        return tuple(roofline_cost(one, setting) for one in operations)
    core = [one for one in operations if one.name in ATTENTION_CORE]
    apart = {id(one): gemm_cost(one, setting) for one in operations}
    if dataflow == "gemm" or len(core) < len(ATTENTION_CORE):
        return tuple(apart.values())
    pipeline = pipeline_cost({one.name: one for one in core}, setting)
    if dataflow == "best" and seconds([apart[id(one)] for one in core]) <= pipeline.seconds:
        return tuple(apart.values())
    last = core[-1]
    return tuple(
        pipeline if one is last else apart[id(one)]
        for one in operations
        if one is last or one.name not in ATTENTION_CORE
    )


def seconds(costs: Sequence[Cost]) -> Value:
    """Seconds of all operations, run one after another."""
    total: Value = 0.0
    for cost in costs:
        total = total + cost.seconds
    return total


def faster(gemm_seconds: Value, tphs_seconds: Value) -> Value:
    """The shorter time, element by element: the meaning of ``best`` for arrays."""
    return np.minimum(gemm_seconds, tphs_seconds)
