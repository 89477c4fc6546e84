"""A roofline for CPUs, GPUs and other devices without an array of processing elements.

An operation takes the time of its bytes at the bandwidth or of its operations at the peak,
whichever is longer (Williams, Waterman and Patterson, Roofline, CACM 52(4), 2009).
"""

from __future__ import annotations

import numpy as np

from meadow_py.simulator.cost import Cost, Setting, as_value
from meadow_py.simulator.gemm import timed
from meadow_py.workload import Operation


def operation_cost(operation: Operation, setting: Setting) -> Cost:
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
