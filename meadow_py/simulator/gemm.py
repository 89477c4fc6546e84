"""The GEMM dataflow: every operation fetches from memory, computes, and stores to memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from meadow_py.simulator.cost import Cost, Setting, as_value, longest, overlapped, passes
from meadow_py.simulator.machine import Value
from meadow_py.simulator.packing import PackedWeight
from meadow_py.workload import Operation


def operation_cost(operation: Operation, setting: Setting) -> Cost:
    """Bytes and time of one operation, with intermediates stored in off-chip memory."""
    makers = {"linear": _linear, "attention": _attention, "softmax": _softmax}
    cost = makers.get(operation.kind, _elementwise)(operation, setting)
    cost = replace(cost, macs=operation.macs, other_operations=operation.other_operations)
    return timed(cost, setting)


def timed(cost: Cost, setting: Setting) -> Cost:
    """The cost with its seconds filled in: transfers at the bandwidth, overlapped with compute."""
    machine = setting.machine
    fetch, store = cost.fetched / machine.bandwidth, cost.stored / machine.bandwidth
    busy = longest(cost.compute_s, cost.decode_s, cost.softmax_s)
    seconds = overlapped(machine, fetch + store, busy)
    return replace(cost, fetch_s=fetch, store_s=store, seconds=seconds)


def stationary_traffic(
    weight: Value, inputs: Value, setting: Setting, held_weight: Value | None = None
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


def _linear(operation: Operation, setting: Setting) -> Cost:
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


def held_bytes(operation: Operation, packed: PackedWeight, setting: Setting) -> float:
    """Bytes of a weight in the weight buffer: dense, unless the decoder comes after the buffer."""
    if setting.compressed_buffer:
        return packed.payload_bytes
    return operation.weights * setting.precision.weight_bits / 8


def _attention(operation: Operation, setting: Setting) -> Cost:
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


def _softmax(operation: Operation, setting: Setting) -> Cost:
    values = setting.activation_bytes * setting.machine.score_factor
    return Cost(
        operation=operation.name,
        dataflow="gemm",
        read_bytes=operation.input_values * values,
        written_bytes=operation.output_values * values,
        softmax_s=operation.output_values / setting.machine.softmax_per_s,
    )


def _elementwise(operation: Operation, setting: Setting) -> Cost:
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


def _elementwise_s(operation: Operation, setting: Setting) -> Value:
    """Seconds of an elementwise operation; 0 if it is fused with the adjacent product."""
    seconds = operation.output_values / setting.machine.elementwise_per_s
    return as_value(seconds * setting.machine.elementwise_to_memory)
