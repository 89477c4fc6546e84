"""What a weight is: a logical `[out, in]` matrix, and where in a stored tensor it lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy.typing as npt

Role = Literal[
    "attention.q",
    "attention.k",
    "attention.v",
    "attention.o",
    "mlp.up",
    "mlp.gate",
    "mlp.down",
    "embedding",
    "head",
    "norm",
    "other",
]
ROLES: tuple[Role, ...] = get_args(Role)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Part:
    """The rows of a fused matrix that belong to one weight.

    The matrix `[rows, in]` is cut into `groups` runs of `size` rows; the part takes rows
    `start` to `stop` of every run. One group is a plain slice; GPT-NeoX has one per head.
    """

    label: str
    groups: int
    size: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows the part has, over all groups."""
        return self.groups * (self.stop - self.start)

    @property
    def stored_rows(self) -> int:
        """How many rows the whole fused matrix has."""
        return self.groups * self.size

    def of(self, matrix: Array) -> Array:
        """The part's rows of `matrix [rows, in]`; a view for one group, else a copy."""
        if self.groups == 1:
            return matrix[self.start : self.stop]
        columns = matrix.shape[1]
        runs = matrix.reshape(self.groups, self.size, columns)
        return runs[:, self.start : self.stop].reshape(self.rows, columns)


@dataclass(frozen=True)
class WeightSpec:
    """One weight of a checkpoint.

    Attributes
    ----------
    name : str
        Unique in the checkpoint. A whole tensor keeps its stored name; a part of a fused
        tensor is called ``<tensor>[q]``.
    role : Role
        What the weight does.
    layer : int or None
        Number of its decoder or encoder block; None outside the blocks.
    tensor : str
        The stored tensor it is taken from.
    shape : (int, int)
        Logical ``[out, in]``. A tensor of more dimensions is seen as ``[leading, last]``.
    transposed : bool
        Whether the file stores ``[in, out]`` (GPT-2's Conv1D).
    part : Part or None
        Which rows of the (transposed back) matrix, where the tensor is fused.
    """

    name: str
    role: Role
    layer: int | None
    tensor: str
    shape: tuple[int, int]
    transposed: bool = False
    part: Part | None = None

    def view(self, stored: Array) -> Array:
        """This weight `[out, in]` of the stored tensor.

        A view wherever strides can express one. Two cases copy: parts that are interleaved
        per head, and a non-contiguous tensor of more than two dimensions.

        Parameters
        ----------
        stored : array
            The whole stored tensor, of any dtype. Raw blocks of a quantised file (uint8
            ``[out, bytes of a row]``) work too, as long as they are not transposed.

        Raises
        ------
        ValueError
            If `stored` does not have the shape that this weight was described from.
        """
        matrix = self._matrix(stored)
        self._check(matrix, stored)
        return matrix if self.part is None else self.part.of(matrix)

    def _matrix(self, stored: Array) -> Array:
        if stored.ndim < 2:
            raise ValueError(
                f"{self.tensor}: expected a matrix for weight {self.name!r} {list(self.shape)}, "
                f"found shape {list(stored.shape)}"
            )
        if stored.ndim > 2:
            return stored.reshape(math.prod(stored.shape[:-1]), stored.shape[-1])
        return stored.T if self.transposed else stored

    def _check(self, matrix: Array, stored: Array) -> None:
        rows = self.shape[0] if self.part is None else self.part.stored_rows
        raw_blocks = stored.dtype == "uint8" and not self.transposed
        if matrix.shape[0] != rows or (matrix.shape[1] != self.shape[1] and not raw_blocks):
            expected = [self.shape[1], rows] if self.transposed else [rows, self.shape[1]]
            raise ValueError(
                f"{self.tensor}: expected stored shape {expected} for weight {self.name!r}, "
                f"found {list(stored.shape)}"
            )
