"""Regions of a GGUF file: its tensors, with their block types."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meadow_py.checkpoint.regions.gguf_types import BLOCK_TYPES
from meadow_py.checkpoint.regions.region import FileRegions, Region, in_order, opaque
from meadow_py.errors import FormatError
from meadow_py.sources.gguf_header import TensorInfo, read_header
from meadow_py.sources.mapped import MappedFile


def gguf_regions(mapped: MappedFile) -> FileRegions:
    """Every tensor; those of unknown block types are bytes up to the next one.

    Raises
    ------
    FormatError
        If the header is corrupt, or a tensor ends behind the file.
    """
    header = read_header(mapped)
    infos = sorted(header.tensors, key=lambda info: info.offset)
    found = list(_regions(mapped, header.data_start, infos))
    return FileRegions("gguf", in_order(found, mapped.size))


def _regions(mapped: MappedFile, start: int, infos: Sequence[TensorInfo]) -> Iterator[Region]:
    if not infos:  # a vocabulary alone
        return
    ends = [start + info.offset for info in infos[1:]] + [mapped.size]
    for info, next_begin in zip(infos, ends, strict=True):
        begin = start + info.offset
        if info.type not in BLOCK_TYPES:
            if begin < next_begin <= mapped.size:
                yield opaque(begin, next_begin - begin)
            continue
        length = _length(mapped, info)
        if begin + length > mapped.size:
            raise FormatError(
                f"{mapped.path}: tensor {info.name!r}: truncated: it ends at byte "
                f"{begin + length}, the file has {mapped.size}"
            )
        yield Region(info.name, BLOCK_TYPES[info.type][0], info.shape, begin, length)


def _length(mapped: MappedFile, info: TensorInfo) -> int:
    name, values, size = BLOCK_TYPES[info.type]
    inner = info.shape[-1] if info.shape else 1
    if inner % values:
        raise FormatError(
            f"{mapped.path}: tensor {info.name!r}: rows of {inner} values are no whole {name} "
            "blocks"
        )
    return math.prod(info.shape) // values * size
