"""One stored tensor, read when asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.sources.dtypes import NUMPY

Bytes = npt.NDArray[np.uint8]

_BIT_PATTERNS: dict[str, np.dtype[Any]] = {
    "F32": np.dtype(np.uint32),
    "F16": np.dtype(np.uint16),
}


def is_printable(name: str) -> bool:
    """Whether a name has no lone surrogates, which no terminal, file or JSON takes."""
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
        Row-major, the last dimension varies fastest.
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
        """The mapped blob of a matrix that is stored in the runtime codec, None for all others.

        It is what `meadow_py._core.mapped_matrix` multiplies with; nothing is decoded.

        Raises
        ------
        FormatError
            If the blob's head is damaged. Its codes and lower bytes are not read.
        """
        return None if self._planes is None else self._planes()

    def raw(self) -> Bytes:
        """The stored bytes: uint8, 1-D, read-only; a view of the mapped file where there is one.

        Raises
        ------
        FormatError
            If the size of the file changed since it was opened. A file that another process cuts
            while a view of it is in use cannot be caught: the system ends this process (SIGBUS).
        """
        data: Bytes = self._read().view()
        data.flags.writeable = False
        return data

    def array(self) -> npt.NDArray[Any]:
        """A read-only typed view, native-endian, of `shape`.

        The dtype is numpy's, or that of ml_dtypes where numpy has none (BF16, F8).

        Raises
        ------
        TypeError
            If the values have no numpy dtype: GGUF blocks (see `dequantized`), packed F4 and F6.
        """
        dtype = NUMPY.get(self.dtype)
        if dtype is None:
            raise TypeError(
                f"tensor {self.name!r} holds packed {self.dtype} values, which have no numpy "
                "dtype: use raw() for the bytes"
            )
        return self.raw().view(dtype).reshape(self.shape)

    def dequantized(self) -> npt.NDArray[np.float32]:
        """The values as float32: a view of an F32 tensor, else a copy."""
        values = self.array()
        if values.dtype.kind == "c":
            raise TypeError(f"tensor {self.name!r} is complex ({self.dtype}), not real")
        return values.astype(np.float32, copy=False)

    def content_dtype(self) -> str:
        """The narrowest dtype that holds every value bit for bit; found once, then remembered.

        F32 that holds only BF16 or F16 values gives ``"BF16"`` or ``"F16"``, F16 that was made
        from BF16 gives ``"BF16"``; every other tensor its own dtype.
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
        """Pickled with its bytes; weights out of files are pickled by name, see `Weight`."""
        held = np.array(self.raw())
        return _of_bytes, (type(self), self.name, self.dtype, self.shape, held, self.file)

    def __repr__(self) -> str:
        where = f", file={self.file!r}" if self.file else ""
        return f"Tensor({self.name!r}, {self.dtype}, {list(self.shape)}, {self.nbytes} B{where})"
