"""Matrices taken apart into named arrays and a small header, and made of them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.forms.registry import form_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from meadow_py._core import Matrix

_SHAPE = ("form", "rows", "columns")


@dataclass(frozen=True, eq=False)
class MatrixParts:
    """Everything a matrix is made of.

    Attributes
    ----------
    form : str
        The id of its form.
    rows, columns : int
    options : mapping
        What the form tells besides, in values that JSON takes: of integers ``per_scale``, the
        inputs that share a scale (0: all of the weight), and ``activations``, ``int8`` or ``none``.
    arrays : mapping of str to ndarray
        The parts, each with one dimension. What they hold is up to the form; of those of the core,
        docs/api/forms says it.
    """

    form: str
    rows: int
    columns: int
    options: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_header(
        cls, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> MatrixParts:
        """From what `header` gave, and the arrays.

        Raises
        ------
        ValueError
            If the header lacks form, rows or columns.
        """
        missing = [key for key in _SHAPE if key not in header]
        if missing:
            raise ValueError(f"header: expected {', '.join(_SHAPE)}, found no {missing[0]!r}")
        options = {key: value for key, value in header.items() if key not in _SHAPE}
        return cls(header["form"], header["rows"], header["columns"], options, arrays)

    @property
    def header(self) -> dict[str, Any]:
        """All but the arrays, as JSON takes it."""
        shape = {"form": self.form, "rows": self.rows, "columns": self.columns}
        return {**shape, **self.options}

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays.values())


def parts_of(matrix: Matrix) -> MatrixParts:
    """Take a matrix apart.

    Parameters
    ----------
    matrix : Matrix
        Of any form.

    Returns
    -------
    MatrixParts
        Its arrays are read-only views of the matrix's memory, which they keep; nothing is copied.
    """
    header, arrays = matrix.parts()
    return MatrixParts.from_header(header, arrays)


def matrix_of(parts: MatrixParts, copy: bool = False) -> Matrix:
    """Make a matrix of its parts.

    Parameters
    ----------
    parts : MatrixParts
        From `parts_of`, from a file, or from another program; they are checked.
    copy : bool
        Whether the matrix gets memory of its own. Else it multiplies the arrays where they lie, in
        a mapped file perhaps, and keeps them; they must stay as they are as long as it lives.
        Memory of its own is on huge pages where the system has them.

    Returns
    -------
    Matrix
        It gives the same products, bit for bit, as the matrix that was taken apart.

    Raises
    ------
    ValueError
        For an unknown form, a part that is missing, unknown, misaligned or of another size.
    TypeError
        For a part of another dtype.
    FormatError
        For parts that contradict themselves, such as an escape outside its group.
    """
    import numpy as np

    arrays = {name: np.asarray(array) for name, array in parts.arrays.items()}
    given = MatrixParts(parts.form, parts.rows, parts.columns, parts.options, arrays)
    return form_of(parts.form).matrix_of(given, copy)


def decoded(parts: MatrixParts, matrix: Matrix) -> Matrix:
    """A matrix of a form that the core does not know, multiplied by one that it knows.

    Parameters
    ----------
    parts : MatrixParts
        What the matrix is taken apart into.
    matrix : Matrix
        The weight that the parts hold, decoded. It does the products, so ``nbytes`` of the result
        is that of `matrix`: what a product reads.

    Returns
    -------
    Matrix

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    from meadow_py import _core

    return _core.decoded_matrix(parts.header, dict(parts.arrays), matrix)


def unpickled(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Matrix:
    """What pickles of matrices call: a matrix with memory of its own."""
    return matrix_of(MatrixParts.from_header(header, arrays), copy=True)
