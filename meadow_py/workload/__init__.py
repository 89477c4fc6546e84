"""Operations and bytes of a model, from its architecture alone: no weight is read."""

from __future__ import annotations

from meadow_py.workload.model_shape import ModelShape
from meadow_py.workload.precision import Precision
from meadow_py.workload.result import Layer, Operation, Workload

__all__ = ["Layer", "ModelShape", "Operation", "Precision", "Workload"]
