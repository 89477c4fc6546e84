"""The work of one pass over a model: a tree of layers and operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.results import data_frame
from meadow_py.workload.model_shape import ModelShape
from meadow_py.workload.precision import Precision

if TYPE_CHECKING:
    import pandas

Count = int | npt.NDArray[np.int64]
"""A number, or an array of them: over token counts or contexts, all in one call."""


@dataclass(frozen=True)
class Operation:
    """One step of a layer: its arithmetic, and the values that go in and out.

    Attributes
    ----------
    name : str
        For a product with weights, their role, such as ``attention.q``, ``mlp.up`` or ``head``.
        Otherwise ``attention.scores``, ``attention.softmax``, ``attention.values``, ``norm``, ...
    kind : str
        ``linear`` (weights times activations), ``attention`` (activations times the KV cache),
        ``softmax``, ``elementwise`` or ``lookup``.
    macs : int
        Multiply-accumulates of matrix products, each of which is two operations.
    other_operations : int
        All other operations; docs/simulation.md states how softmax and norms are counted.
    weights : int
        Weights that are read, once for the whole batch.
    input_values, output_values : int
        Activations in and out, without keys and values of the KV cache.
    kv_read, kv_written : int
        Values of the KV cache that are read and written.
    """

    name: str
    kind: str
    macs: Count
    other_operations: Count
    weights: int
    input_values: Count
    output_values: Count
    kv_read: Count = 0
    kv_written: Count = 0


@dataclass(frozen=True)
class Layer:
    """A block of the model, or the part before the first or after the last block.

    Attributes
    ----------
    name : str
        ``embedding``, ``layers.0``, ..., ``head``.
    operations : tuple of Operation
        In the order in which they run.
    """

    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Workload:
    """The operations of one pass over a model, and the bytes that they move.

    Attributes
    ----------
    shape : ModelShape
    tokens : int
        New tokens of each sequence: the prompt in prefill, 1 for a decoded token.
    context : int
        Tokens already in the KV cache of each sequence.
    batch : int
        Number of sequences processed together.
    precision : Precision
    layers : tuple of Layer
    """

    shape: ModelShape
    tokens: Count
    context: Count
    batch: int
    precision: Precision
    layers: tuple[Layer, ...]

    def __iter__(self) -> Iterator[tuple[Layer, Operation]]:
        """Iterate over all operations, each with its layer."""
        for layer in self.layers:
            for operation in layer.operations:
                yield layer, operation

    def total(self, field: str) -> Count:
        """Sum of one field of `Operation`, such as ``macs``, over all operations.

        Returns
        -------
        int or int64 array
        """
        total: Count = sum((getattr(operation, field) for _, operation in self), 0)
        return total

    @property
    def weight_bytes(self) -> float:
        """Dense bytes of all weights that are read."""
        return int(self.total("weights")) * self.precision.weight_bits / 8

    @property
    def kv_bytes(self) -> Any:
        """Bytes of the KV cache that are read or written."""
        return (self.total("kv_read") + self.total("kv_written")) * self.precision.kv_bits / 8

    @property
    def activation_bytes(self) -> Any:
        """Bytes of activations in and out of every operation, with intermediates in memory."""
        values = self.total("input_values") + self.total("output_values")
        return values * self.precision.activation_bits / 8

    def to_rows(self) -> list[dict[str, Any]]:
        """One row per operation: names, counts, and bytes at the precision.

        Returns
        -------
        list of dict
        """
        precision = self.precision
        return [
            {
                "layer": layer.name,
                "operation": operation.name,
                "kind": operation.kind,
                "macs": operation.macs,
                "other_operations": operation.other_operations,
                "weights": operation.weights,
                "weight_bytes": operation.weights * precision.weight_bits / 8,
                "input_bytes": operation.input_values * precision.activation_bits / 8,
                "output_bytes": operation.output_values * precision.activation_bits / 8,
                "kv_read_bytes": operation.kv_read * precision.kv_bits / 8,
                "kv_written_bytes": operation.kv_written * precision.kv_bits / 8,
            }
            for layer, operation in self
        ]

    def to_dataframe(self) -> pandas.DataFrame:
        """`to_rows` as a table. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        return data_frame(self, self.to_rows())
