"""The metadata of a packed GGUF file, from its header, which is part of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from meadow_py.checkpoint.reading import PackedFile
from meadow_py.sources.gguf_header import Header, read_header
from meadow_py.sources.tensor import Bytes


def gguf_header(packed: PackedFile) -> Header:
    """The header of the original.

    Raises
    ------
    FormatError
        If it is corrupt.
    """
    return read_header(_Start(packed))


def gguf_metadata(packed: PackedFile) -> dict[str, Any]:
    """The metadata of the original, without the arrays of the tokenizer."""
    return gguf_header(packed).metadata


class _Start:
    """The bytes before the first region, as a file."""

    def __init__(self, packed: PackedFile) -> None:
        self.path: Path = packed.path
        regions = packed.table.regions
        end = regions[0].region.offset if regions else packed.source_size
        self._data = np.frombuffer(packed.rest()[:end], np.uint8)
        self.size = self._data.size

    def read(self, offset: int, size: int) -> Bytes:
        return self._data[offset : offset + size]
