"""The base class of runtime forms, and the weight that a form is made of.

A form is one object that says which weights it takes, how it is made, and which parts it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meadow_py._core import Matrix
    from meadow_py.forms.parts import MatrixParts

FLOATS = ("F32", "BF16", "F16")  # dtypes that the core multiplies


@cache
def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """The numpy dtype of one of `FLOATS`."""
    import ml_dtypes
    import numpy as np

    known: dict[str, Any] = {"F32": np.float32, "BF16": ml_dtypes.bfloat16, "F16": np.float16}
    made: np.dtype[Any] = np.dtype(known[dtype])
    return made


@cache
def float_dtype(dtype: np.dtype[Any]) -> str | None:
    """The name in `FLOATS` of a numpy dtype; None for other dtypes."""
    return next((known for known in FLOATS if numpy_dtype(known) == dtype), None)


@dataclass(frozen=True, eq=False)
class FloatWeight:
    """A weight of floating-point numbers, of which forms are made.

    Attributes
    ----------
    values : ndarray, shape (out, in)
        C-contiguous floats of `dtype`, or their bit patterns.
    dtype : {"F32", "BF16", "F16"}
    name : str
        Name of the weight in error messages.
    """

    values: npt.NDArray[Any]
    dtype: str
    name: str = "weight"
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, values: npt.NDArray[Any], name: str = "weight") -> FloatWeight:
        """A weight from an array of floats.

        Parameters
        ----------
        values : ndarray of float32, bfloat16 or float16, shape (out, in)
            C-contiguous.
        name : str
            Name of the weight in error messages.

        Returns
        -------
        FloatWeight

        Raises
        ------
        TypeError
            For an array of another dtype.
        """
        found = float_dtype(values.dtype)
        if found is None:
            raise TypeError(f"{name}: expected {', '.join(FLOATS)}, found dtype {values.dtype}")
        return cls(values, found, name)

    @property
    def shape(self) -> tuple[int, int]:
        """``(out, in)``."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def floats(self) -> npt.NDArray[Any]:
        """`values` as floats of `dtype`; a view."""
        return self.values.view(numpy_dtype(self.dtype))

    @property
    def raw(self) -> npt.NDArray[np.uint8]:
        """The bytes of `values` as a 1-D array; a view."""
        import numpy as np

        return self.values.reshape(-1).view(np.uint8)

    @cached_property
    def content(self) -> str:
        """The narrowest dtype that holds every value exactly: F32, BF16 or F16."""
        import numpy as np

        from meadow_py import _core

        pattern = np.uint16 if self.values.itemsize == 2 else np.uint32
        return _core.content_dtype(self.values.view(pattern), self.dtype)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """The result of `make`, which is called only once per `key`, so that forms share work.

        Parameters
        ----------
        key : str
        make : callable

        Returns
        -------
        object
        """
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def copied(self) -> FloatWeight:
        """The same weight in memory of its own.

        Returns
        -------
        FloatWeight
        """
        return FloatWeight(self.values.copy(), self.dtype, self.name)


class Form(ABC):
    """How a weight is kept in memory for multiplying.

    To add a form, derive from this class in a file of ``meadow_py/forms``, and add an instance to
    the list in ``registry.py``; outside the package, call `register`.

    Attributes
    ----------
    id : str
        Value of ``Matrix.form``, such as ``BF16`` or ``INT8 planes``.
    requests : mapping of str to str or None
        The values of ``form=`` that ask for this form, each with the key of the quantiser that it
        needs, or None.
    dtypes : tuple of str
        The dtypes of weights that it takes: some of F32, BF16, F16.
    parts : mapping of str to str
        The names of its parts and their dtypes. A matrix may lack parts that it does not use.
    is_lossless : bool
        Whether products have the same bits as those of the dense weight.
    slower_than_dense : tuple of str
        The ISAs on which its products were measured to be slower than those of dense 16-bit values;
        ``form="auto"`` does not choose it there. See docs/speed.md.
    keeps_values : bool
        Whether a matrix multiplies, and keeps alive, the memory of the values it is made of.
    """

    id: str
    requests: Mapping[str, str | None]
    dtypes: tuple[str, ...] = FLOATS
    parts: Mapping[str, str]
    is_lossless: bool = True
    slower_than_dense: tuple[str, ...] = ()
    keeps_values: bool = False

    def holds(self, weight: FloatWeight) -> bool:
        """Whether the form can hold a weight.

        Parameters
        ----------
        weight : FloatWeight

        Returns
        -------
        bool
        """
        return weight.dtype in self.dtypes

    @abstractmethod
    def make(self, weight: FloatWeight, request: str, /) -> Matrix:
        """Make a matrix of a weight that the form holds.

        Parameters
        ----------
        weight : FloatWeight
        request : str
            The one of `requests` that asked for the form.

        Returns
        -------
        Matrix
        """

    def matrix_of(self, parts: MatrixParts, copy: bool, /) -> Matrix:
        """Make a matrix of its parts; see `meadow_py.forms.matrix_of`.

        Parameters
        ----------
        parts : MatrixParts
        copy : bool

        Returns
        -------
        Matrix
        """
        from meadow_py import _core

        return _core.matrix_of_parts(parts.header, dict(parts.arrays), copy)

    def __repr__(self) -> str:
        return f"<form {self.id!r}>"
