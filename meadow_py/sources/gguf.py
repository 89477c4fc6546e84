"""Reader of GGUF files: checks metadata and tensor table to the last byte and maps the data.

The format: magic ``GGUF``, version, tensor count, metadata count, metadata, tensor table, padding
to the alignment, data. The header is read here rather than by ``gguf.GGUFReader``, because a
hostile count must not cost time and a truncated file must not look complete. The table of block
types and their decoding come from the gguf package.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from meadow_py.errors import FormatError
from meadow_py.sources.dtypes import NUMPY
from meadow_py.sources.gguf_header import Header, TensorInfo, read_header
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.tensor import Tensor


class _Type(NamedTuple):
    name: str
    block: int  # values per block
    size: int  # bytes per block


class BlockTensor(Tensor):
    """A tensor of quantised GGUF blocks: `shape` counts values, `raw` returns the blocks."""

    def array(self) -> npt.NDArray[Any]:
        """Refuse, because blocks have no numpy dtype.

        Returns
        -------
        numpy.ndarray
            Never.

        Raises
        ------
        TypeError
            Always; the message names `dequantized`.
        """
        raise TypeError(
            f"tensor {self.name!r} holds quantised {self.dtype} blocks, which have no numpy "
            "dtype: use dequantized() for float32 values, or raw() for the blocks"
        )

    def dequantized(self) -> npt.NDArray[np.float32]:
        """Decode the blocks.

        Returns
        -------
        numpy.ndarray
            float32, of `shape`; a copy.

        Raises
        ------
        TypeError
            If the gguf package does not decode blocks of this type.
        ImportError
            If the gguf package is not installed.
        FormatError
            As for `raw`.
        """
        if self.nbytes == 0:
            return np.zeros(self.shape, np.float32)
        gguf = _import_gguf()
        try:
            kind = gguf.GGMLQuantizationType[self.dtype]
            block, size = gguf.GGML_QUANT_SIZES[kind]
            blocks = self.raw().reshape(*self.shape[:-1], self.shape[-1] // block * size)
            values = gguf.quants.dequantize(blocks, kind)
        except (NotImplementedError, KeyError) as error:
            raise TypeError(
                f"tensor {self.name!r}: the gguf package does not decode {self.dtype} blocks"
            ) from error
        return values.astype(np.float32, copy=False).reshape(self.shape)  # type: ignore[no-any-return]


def read_gguf(path: Path) -> tuple[list[Tensor], dict[str, Any], MappedFile]:
    """The tensors of one file, its metadata, and the mapping that holds them.

    Raises
    ------
    FormatError
        If the file is truncated, corrupt, or of an unknown version or block type.
    ImportError
        If the gguf package is not installed.
    """
    gguf = _import_gguf(path.name)
    mapped = MappedFile(path)
    try:
        header = read_header(mapped)
        _refuse_parts(path, header)
        tensors = [_tensor(gguf, mapped, header, info) for info in header.tensors]
        _check_overlaps(path, header, tensors)
    except BaseException:
        mapped.close()
        raise
    return tensors, header.metadata, mapped


def _import_gguf(what: str = "a GGUF file") -> ModuleType:
    try:
        import gguf
        import gguf.quants
    except ImportError as error:
        raise ImportError(f"reading {what} needs the gguf package: pip install gguf") from error
    return gguf


def _refuse_parts(path: Path, header: Header) -> None:
    parts = header.metadata.get("split.count", 1)
    if isinstance(parts, int) and parts > 1:
        raise ValueError(
            f"{path}: one of {parts} parts of a split model: merge them first, as with "
            "`llama-gguf-split --merge`"
        )


def _tensor(gguf: ModuleType, mapped: MappedFile, header: Header, info: TensorInfo) -> Tensor:
    where = f"{mapped.path}: tensor {info.name!r}"
    kind = _type(gguf, where, info.type)
    shape = info.shape
    inner = shape[-1] if shape else 1
    if inner % kind.block:
        raise FormatError(
            f"{where}: rows of {inner} values are not a whole number of {kind.name} blocks"
        )
    size = math.prod(shape) // kind.block * kind.size
    begin = header.data_start + info.offset
    if begin + size > mapped.size:
        raise FormatError(
            f"{where}: truncated: it ends at byte {begin + size}, the file has {mapped.size}"
        )
    read = functools.partial(mapped.read, begin, size)
    made = Tensor if kind.name in NUMPY else BlockTensor
    return made(info.name, kind.name, shape, size, read, str(mapped.path))


def _type(gguf: ModuleType, where: str, number: int) -> _Type:
    try:
        kind = gguf.GGMLQuantizationType(number)
        return _Type(kind.name, *gguf.GGML_QUANT_SIZES[kind])
    except (ValueError, KeyError) as error:
        raise FormatError(
            f"{where}: unknown block type {number}: corrupt, or newer than the gguf package"
        ) from error


def _check_overlaps(path: Path, header: Header, tensors: list[Tensor]) -> None:
    spans = [
        (info.offset, t.nbytes, t.name) for info, t in zip(header.tensors, tensors, strict=True)
    ]
    reached = 0
    for offset, size, name in sorted(spans):
        if offset < reached:
            raise FormatError(f"{path}: tensor {name!r} overlaps the one before it")
        reached = offset + size
