"""A weight: a logical `[out, in]` matrix, and its place in a stored tensor."""

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

    The matrix `[rows, in]` is cut into `groups` runs of `size` rows. The part consists of rows
    `start` to `stop` (exclusive) of every run. With one group it is a plain slice; GPT-NeoX has one
    group per head.

    Attributes
    ----------
    label : str
        The name of the part in `WeightSpec.name`, such as ``q``.
    groups : int
        The number of runs.
    size, start, stop : int
        Length of a run, and the place of the part in each run, in rows.
    """

    label: str
    groups: int
    size: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """The number of rows of the part, over all groups."""
        return self.groups * (self.stop - self.start)

    @property
    def stored_rows(self) -> int:
        """The number of rows of the whole fused matrix."""
        return self.groups * self.size

    def of(self, matrix: Array) -> Array:
        """Return the rows of this part.

        Parameters
        ----------
        matrix : array
            The whole fused matrix, ``[stored_rows, in]``.

        Returns
        -------
        array
            ``[rows, in]``: a view if there is one group, otherwise a copy.
        """
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
        The purpose of the weight; one of `ROLES`.
    layer : int or None
        Number of its decoder or encoder block; None outside the blocks.
    tensor : str
        Name of the stored tensor that holds it.
    shape : (int, int)
        Logical ``[out, in]``. A tensor of more dimensions is seen as ``[leading, last]``.
    transposed : bool
        Whether the file stores ``[in, out]`` (GPT-2's Conv1D).
    part : Part or None
        The rows that it occupies in the ``[out, in]`` matrix of a fused tensor; None for a whole
        tensor.
    """

    name: str
    role: Role
    layer: int | None
    tensor: str
    shape: tuple[int, int]
    transposed: bool = False
    part: Part | None = None

    def view(self, stored: Array) -> Array:
        """Return this weight, given the stored tensor.

        Parameters
        ----------
        stored : array
            The whole stored tensor, of any dtype. Raw blocks of a quantised file (uint8
            ``[out, bytes of a row]``) work too, as long as they are not transposed.

        Returns
        -------
        array
            ``[out, in]``, a view wherever strides can express one. Two cases are copied: parts that
            are interleaved per head, and non-contiguous tensors of more than two dimensions.

        Raises
        ------
        ValueError
            If the shape of `stored` is not the one that this weight was derived from.
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
