"""Operations and bytes of a model, from its architecture alone: no weight is read."""

from __future__ import annotations

from meadow_py.workload.model_shape import ModelShape
from meadow_py.workload.operations import ATTENTION_CORE, Pass, of
from meadow_py.workload.precision import Precision
from meadow_py.workload.reader import names, shape_of
from meadow_py.workload.result import Count, Layer, Operation, Workload

__all__ = [
    "ATTENTION_CORE",
    "Count",
    "Layer",
    "ModelShape",
    "Operation",
    "Pass",
    "Precision",
    "Workload",
    "names",
    "of",
    "shape_of",
]
