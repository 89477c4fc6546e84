"""The token-parallel head-sequential dataflow (TPHS) of MEADOW.

Q, QK^T, softmax and SMxV run as one pipeline over tokens, one head after another, and their
intermediate values never leave the chip. Everything else follows the GEMM dataflow.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from meadow_py.simulator.cost import Cost, Setting, as_value, longest, passes
from meadow_py.simulator.gemm import held_bytes, timed
from meadow_py.simulator.machine import Value
from meadow_py.simulator.packing import PackedWeight
from meadow_py.workload import ATTENTION_CORE, Operation


def pipeline_cost(operations: Mapping[str, Operation], setting: Setting) -> Cost:
    """Bytes and time of the pipeline.

    Parallel elements compute Q and QK^T and divide their time between them, softmax units follow,
    and broadcasting elements compute SMxV. The slowest stage sets the pace. This division of work
    between the elements is an assumption of this project; see docs/simulation.md.

    Parameters
    ----------
    operations : mapping of str to Operation
        The operations of `ATTENTION_CORE`, by name.
    setting : Setting

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
    query: Operation, scores: Operation, values: Operation, setting: Setting, packed: PackedWeight
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
