"""One stored tensor, read on demand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.sources.dtypes import NUMPY
from meadow_py.spelling import quoted

Bytes = npt.NDArray[np.uint8]

_BIT_PATTERNS: dict[str, np.dtype[Any]] = {
    "F32": np.dtype(np.uint32),
    "F16": np.dtype(np.uint16),
}


def is_printable(name: str) -> bool:
    """Whether a name is free of lone surrogates, which no terminal, file or JSON accepts."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _of_bytes(
    kind: type[Tensor], name: str, dtype: str, shape: tuple[int, ...], held: Bytes, file: str | None
) -> Tensor:
    return kind(name, dtype, shape, held.nbytes, lambda: held, file)


class Tensor:
    """One stored tensor. Nothing is read before `raw`, `array` or `dequantized` is called.

    Attributes
    ----------
    name : str
        The name in the checkpoint.
    dtype : str
        Spelled as in safetensors (``"BF16"``); GGUF blocks as in GGUF (``"Q8_0"``).
    shape : tuple of int
        Dimensions in row-major order: the last one varies fastest.
    nbytes : int
        Stored size in bytes.
    file : str or None
        The file that stores it; None for tensors in memory.
    """

    def __init__(
        self,
        name: str,
        dtype: str,
        shape: tuple[int, ...],
        nbytes: int,
        read: Callable[[], Bytes],
        file: str | None = None,
        planes: Callable[[], Bytes] | None = None,
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.nbytes = nbytes
        self.file = file
        self._read = read
        self._planes = planes

    def planes(self) -> Bytes | None:
        """Return the mapped blob of a matrix that is stored in planes, without decoding it.

        `meadow_py._core.mapped_matrix` multiplies with this blob.

        Returns
        -------
        numpy.ndarray or None
            uint8, 1-D, read-only; None for tensors in any other codec.

        Raises
        ------
        FormatError
            If the header of the blob is damaged. Its codes and lower bytes are not read.
        """
        return None if self._planes is None else self._planes()

    def raw(self) -> Bytes:
        """Return the stored bytes.

        Returns
        -------
        numpy.ndarray
            uint8, 1-D, read-only; a view of the mapped file where there is one.

        Raises
        ------
        FormatError
            If the size of the file has changed since it was opened. A file that another process
            truncates while a view of it is in use cannot be caught: the system kills this process
            (SIGBUS).
        """
        data: Bytes = self._read().view()
        data.flags.writeable = False
        return data

    def array(self) -> npt.NDArray[Any]:
        """Return the values.

        Returns
        -------
        numpy.ndarray
            A read-only native-endian view of `shape`. Its dtype is one of numpy, or of ml_dtypes
            where numpy has none (BF16, F8).

        Raises
        ------
        TypeError
            If the values have no numpy dtype: GGUF blocks (see `dequantized`), packed F4 and F6.
        FormatError
            As for `raw`.
        """
        dtype = NUMPY.get(self.dtype)
        if dtype is None:
            raise TypeError(
                f"tensor {quoted(self.name)} holds packed {self.dtype} values, which have no numpy "
                "dtype: use raw() for the bytes"
            )
        return self.raw().view(dtype).reshape(self.shape)

    def dequantized(self) -> npt.NDArray[np.float32]:
        """Return the values as float32.

        Returns
        -------
        numpy.ndarray
            float32, of `shape`: a view of an F32 tensor, otherwise a copy.

        Raises
        ------
        FormatError
            As for `raw`.
        """
        values = self.array()
        if values.dtype.kind == "c":
            raise TypeError(f"tensor {quoted(self.name)} is complex ({self.dtype}), not real")
        return values.astype(np.float32, copy=False)

    def content_dtype(self) -> str:
        """Return the narrowest dtype that holds every value bit for bit.

        The values are searched once; the answer is remembered.

        Returns
        -------
        str
            ``"BF16"`` or ``"F16"`` for F32 that holds only such values, ``"BF16"`` for F16 that was
            made from BF16, the tensor's own dtype in all other cases.
        """
        return self._content_dtype

    @functools.cached_property
    def _content_dtype(self) -> str:
        pattern = _BIT_PATTERNS.get(self.dtype)
        if pattern is None or self.nbytes == 0:
            return self.dtype
        from meadow_py import _core

        bits = np.require(self.raw().view(pattern), requirements=["A"])
        return _core.content_dtype(bits, self.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the tensor with its bytes. Weights from files are pickled by name (`Weight`)."""
        held = np.array(self.raw())
        return _of_bytes, (type(self), self.name, self.dtype, self.shape, held, self.file)

    def __repr__(self) -> str:
        where = f", file={self.file!r}" if self.file else ""
        return f"Tensor({self.name!r}, {self.dtype}, {list(self.shape)}, {self.nbytes} B{where})"


# Below both limits a broadcast is ordinary (a scale along a row), and its copy costs little.
MOST_REPEATS = 64
SMALL = 2**26  # bytes


def refuse_giant_copy(
    name: str, shape: Sequence[int], strides: Sequence[int], itemsize: int
) -> None:
    """Raise ValueError if a view of few bytes would take a giant copy to read.

    Parameters
    ----------
    shape, strides : sequence of int
        Shape and strides of the view; strides in bytes.
    itemsize : int
        Bytes per value.
    """
    claimed = itemsize
    for size in shape:
        claimed *= size
    if claimed <= SMALL:
        return
    spans = ((size - 1) * abs(stride) for size, stride in zip(shape, strides, strict=True))
    stored = itemsize + sum(spans)
    if claimed > MOST_REPEATS * stored:
        raise ValueError(
            f"tensor {quoted(name)} is a view of {stored} B that repeats them to {claimed} B: pass "
            "the values that it repeats, or a copy if you mean all of them"
        )
