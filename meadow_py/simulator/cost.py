"""The cost of one operation: bytes by kind and times by stage, as numbers or arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.simulator.machine import Machine, Value
from meadow_py.simulator.packing import PackedWeight
from meadow_py.workload import Precision


@dataclass(frozen=True, eq=False, kw_only=True)
class Cost:
    """Bytes and seconds of an operation or of a pipeline.

    Attributes
    ----------
    operation, dataflow : str
    weight_bytes : float
        Bytes of weights that are read, including a packing's tables.
    read_bytes, written_bytes : float
        Bytes of activations.
    kv_read_bytes, kv_written_bytes : float
        Bytes of the KV cache.
    macs, other_operations, weights : float
        Numbers of multiply-accumulates, of other operations, and of weights that a decoder
        restores.
    fetch_s, compute_s, store_s : float
    decode_s, softmax_s : float
        Seconds of the weight decoder and of the softmax units; both run beside the multipliers.
    seconds : float
        Seconds in total, after overlap.
    """

    operation: str
    dataflow: str
    weight_bytes: Value = 0.0
    read_bytes: Value = 0.0
    written_bytes: Value = 0.0
    kv_read_bytes: Value = 0.0
    kv_written_bytes: Value = 0.0
    macs: Value = 0.0
    other_operations: Value = 0.0
    weights: Value = 0.0
    fetch_s: Value = 0.0
    compute_s: Value = 0.0
    store_s: Value = 0.0
    decode_s: Value = 0.0
    softmax_s: Value = 0.0
    seconds: Value = 0.0

    @property
    def fetched(self) -> Value:
        """Off-chip bytes that are read."""
        return self.weight_bytes + self.read_bytes + self.kv_read_bytes

    @property
    def stored(self) -> Value:
        """Off-chip bytes that are written."""
        return self.written_bytes + self.kv_written_bytes

    def bound(self) -> str:
        """The part that takes longest; for numbers only, not for arrays."""
        stages = {
            "memory": self.fetch_s + self.store_s,
            "compute": self.compute_s,
            "softmax": self.softmax_s,
            "decoder": self.decode_s,
        }
        return max(stages, key=lambda name: float(stages[name]))


@dataclass(frozen=True)
class PackedWeights:
    """The weights of one layer as they are moved, by role, and their decoder's pace.

    Attributes
    ----------
    by_role : dict of str to PackedWeight
    seconds_per_weight : float
        Seconds per weight of the decoder.
    start_s : float
        Seconds before the first value of a matrix.
    """

    by_role: dict[str, PackedWeight]
    seconds_per_weight: float = 0.0
    start_s: float = 0.0

    def decode_s(self, weights: float) -> float:
        """Seconds that the decoder needs for a matrix of `weights` weights."""
        return self.start_s + weights * self.seconds_per_weight if weights else 0.0


@dataclass(frozen=True)
class DataflowInputs:
    """The inputs of a dataflow besides the operations.

    Attributes
    ----------
    machine : Machine
    precision : Precision
    packed : PackedWeights
    heads, kv_heads, batch : int
        Attention runs head after head, so the operands of one head must fit in the buffers.
    compressed_buffer : bool
        Whether the weight buffer holds packed bytes.
    """

    machine: Machine
    precision: Precision
    packed: PackedWeights
    heads: int = 1
    kv_heads: int = 1
    batch: int = 1
    compressed_buffer: bool = False

    @property
    def activation_bytes(self) -> float:
        """Bytes of one activation."""
        return self.precision.activation_bits / 8

    @property
    def kv_value_bytes(self) -> float:
        """Bytes of one value in the KV cache."""
        return self.precision.kv_bits / 8


def overlapped(machine: Machine, transfer: Value, compute: Value) -> Value:
    """Seconds of transfer and compute together: the longer, plus the exposed part of the shorter.

    ``max(t, c) + (1 - overlap) * min(t, c)``: the sum at overlap 0, the roofline at 1.
    """
    longer, shorter = np.maximum(transfer, compute), np.minimum(transfer, compute)
    return as_value(longer + (1 - machine.overlap) * shorter)


def passes(nbytes: Value, buffer: Value) -> Value:
    """Number of parts that something is cut into to fit in a buffer; at least 1."""
    return as_value(np.maximum(np.ceil(np.asarray(nbytes, float) / buffer), 1.0))


def longest(*values: Value) -> Value:
    """The largest value, element by element."""
    found: Any = values[0]
    for value in values[1:]:
        found = np.maximum(found, value)
    return as_value(found)


def as_value(value: Any) -> Value:
    """Turn arrays without dimensions into plain numbers."""
    if isinstance(value, np.ndarray) and value.ndim:
        kept: npt.NDArray[Any] = value
        return kept
    return float(value)
