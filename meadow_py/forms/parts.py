"""Taking matrices apart into named arrays and a small header, and putting them together again."""

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
        Further entries of the header, as JSON values. Integer forms have ``per_scale``, the number
        of inputs that share a scale (0: one scale for the weight), and ``activations``, ``int8`` or
        ``none``.
    arrays : mapping of str to ndarray
        The parts, each 1-D. Their content depends on the form; docs/api/forms describes that of the
        forms of the core.
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
        """Parts from a `header` and the arrays.

        Parameters
        ----------
        header : mapping
            With ``form``, ``rows`` and ``columns``; other entries become `options`.
        arrays : mapping of str to ndarray

        Returns
        -------
        MatrixParts

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
        """Everything except the arrays, as a dict of JSON values."""
        shape = {"form": self.form, "rows": self.rows, "columns": self.columns}
        return {**shape, **self.options}

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return sum(array.nbytes for array in self.arrays.values())


def parts_of(matrix: Matrix) -> MatrixParts:
    """Take a matrix apart.

    Parameters
    ----------
    matrix : Matrix
        A matrix of any form.

    Returns
    -------
    MatrixParts
        Its arrays are read-only views that keep the matrix's memory alive; nothing is copied.
    """
    header, arrays = matrix.parts()
    return MatrixParts.from_header(header, arrays)


def matrix_of(parts: MatrixParts, copy: bool = False) -> Matrix:
    """Make a matrix of its parts.

    Parameters
    ----------
    parts : MatrixParts
        From `parts_of`, a file, or another program; they are checked.
    copy : bool
        Whether the matrix gets memory of its own, on huge pages where the system has them.
        Otherwise it uses the arrays where they are (perhaps in a mapped file) and keeps them alive;
        they must not change as long as it exists.

    Returns
    -------
    Matrix
        It gives the same products, bit for bit, as the matrix that was taken apart.

    Raises
    ------
    ValueError
        For an unknown form, and for a part that is missing, unknown, misaligned or of the wrong
        size.
    TypeError
        For a part of the wrong dtype.
    FormatError
        For inconsistent parts, such as an escape outside its group.
    """
    import numpy as np

    arrays = {name: np.asarray(array) for name, array in parts.arrays.items()}
    given = MatrixParts(parts.form, parts.rows, parts.columns, parts.options, arrays)
    return form_of(parts.form).matrix_of(given, copy)


def decoded(parts: MatrixParts, matrix: Matrix) -> Matrix:
    """Make a matrix of a form that the core does not know; a decoded matrix does its products.

    Parameters
    ----------
    parts : MatrixParts
        The form and the parts that the result will have.
    matrix : Matrix
        The weight that the parts hold, decoded into a form of the core.

    Returns
    -------
    Matrix
        Its ``nbytes`` is that of `matrix`, which is what a product reads.

    Raises
    ------
    ValueError
        If `parts` and `matrix` differ in shape.
    """
    from meadow_py import _core

    return _core.decoded_matrix(parts.header, dict(parts.arrays), matrix)


def unpickled(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Matrix:
    """A matrix with memory of its own; called when a matrix is unpickled."""
    return matrix_of(MatrixParts.from_header(header, arrays), copy=True)
