"""What one operation costs: bytes by kind, and times by stage. Numbers or arrays."""

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
        Read, tables of a packing among them.
    read_bytes, written_bytes : float
        Activations.
    kv_read_bytes, kv_written_bytes : float
    macs, other_operations, weights : float
        `weights` are those that a decoder restores.
    fetch_s, compute_s, store_s : float
    decode_s, softmax_s : float
        Of the weight decoder and of the softmax units; both work beside the multipliers.
    seconds : float
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
        """What takes longest; for numbers only."""
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
        Of the decoder.
    start_s : float
        Before a matrix's first value.
    """

    by_role: dict[str, PackedWeight]
    seconds_per_weight: float = 0.0
    start_s: float = 0.0

    def decode_s(self, weights: float) -> float:
        """Time that the decoder needs for a matrix."""
        return self.start_s + weights * self.seconds_per_weight if weights else 0.0


@dataclass(frozen=True)
class Setting:
    """What a dataflow is told besides the operations.

    Attributes
    ----------
    machine : Machine
    precision : Precision
    packed : PackedWeights
    heads, kv_heads, batch : int
        Attention runs head after head: operands of one must fit in the buffers.
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
        """Of one activation."""
        return self.precision.activation_bits / 8

    @property
    def kv_value_bytes(self) -> float:
        """Of one value in the KV cache."""
        return self.precision.kv_bits / 8


def overlapped(machine: Machine, transfer: Value, compute: Value) -> Value:
    """Seconds of transfer and compute together: the longer, and what is left of the shorter.

    ``max(t, c) + (1 - overlap) * min(t, c)``: the sum at overlap 0, the roofline at 1.
    """
    longer, shorter = np.maximum(transfer, compute), np.minimum(transfer, compute)
    return as_value(longer + (1 - machine.overlap) * shorter)


def passes(nbytes: Value, buffer: Value) -> Value:
    """How many parts something is cut in to fit in a buffer; at least 1."""
    return as_value(np.maximum(np.ceil(np.asarray(nbytes, float) / buffer), 1.0))


def longest(*values: Value) -> Value:
    """Element by element the largest."""
    found: Any = values[0]
    for value in values[1:]:
        found = np.maximum(found, value)
    return as_value(found)


def as_value(value: Any) -> Value:
    """Plain numbers for arrays without dimensions."""
    if isinstance(value, np.ndarray) and value.ndim:
        kept: npt.NDArray[Any] = value
        return kept
    return float(value)
