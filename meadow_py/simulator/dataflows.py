"""Costs of a layer's operations, under a dataflow or the better of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from meadow_py.simulator import gemm, roofline, tphs
from meadow_py.simulator.cost import Cost, Setting
from meadow_py.simulator.machine import Value
from meadow_py.workload import ATTENTION_CORE, Operation

Dataflow = Literal["gemm", "tphs", "best", "roofline"]
DATAFLOWS: tuple[str, ...] = get_args(Dataflow)


def layer_costs(
    operations: Sequence[Operation], setting: Setting, dataflow: str
) -> tuple[Cost, ...]:
    """Costs of a layer's operations, in the order in which they run.

    ``best`` takes the faster of ``gemm`` and ``tphs`` for the attention core of this layer; it
    works on single numbers, not on arrays.
    """
    if dataflow == "roofline":
        return tuple(roofline.operation_cost(one, setting) for one in operations)
    core = [one for one in operations if one.name in ATTENTION_CORE]
    apart = {id(one): gemm.operation_cost(one, setting) for one in operations}
    if dataflow == "gemm" or len(core) < len(ATTENTION_CORE):
        return tuple(apart.values())
    pipeline = tphs.pipeline_cost({one.name: one for one in core}, setting)
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
