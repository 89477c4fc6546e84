"""Regions of a GGUF file: its tensors, with their block types."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meadow_py.checkpoint.original.region import FileRegions, Region, in_order, opaque
from meadow_py.errors import FormatError
from meadow_py.sources.gguf_header import TensorInfo, read_header
from meadow_py.sources.mapped_file import MappedFile

# Number -> name, values per block, bytes per block; from ``ggml_type`` and the block structs of
# ggml (ggml.h, ggml-common.h). A test compares them with the gguf package. Reading the sizes needs
# no package; decoding the values does.
BLOCK_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}


def gguf_regions(mapped: MappedFile) -> FileRegions:
    """A region for every tensor. One of unknown block type is bytes up to the next tensor.

    Raises
    ------
    FormatError
        If the header is corrupt, or a tensor ends beyond the file.
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
            f"{mapped.path}: tensor {info.name!r}: rows of {inner} values are not a whole "
            f"number of {name} blocks"
        )
    return math.prod(info.shape) // values * size
