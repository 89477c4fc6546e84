"""The rest of a packed file: everything of the original that is in no region.

It is headers, padding and pickles, coded as one zstd frame. The header of a GGUF file is read from
it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.checkpoint.original.region import MAX_REST
from meadow_py.errors import FormatError
from meadow_py.sources.gguf_header import Header, read_header
from meadow_py.sources.tensor import Bytes

if TYPE_CHECKING:
    from meadow_py.checkpoint.format.reader import PackedFile

# Level 19 codes a megabyte a second, which the few megabytes of a GGUF tokenizer are worth.
_LEVEL, _LONG_LEVEL, _LONG = 19, 9, 1 << 23
# A block of zstd takes at least 3 B and holds at most 128 KiB (RFC 8878, 3.1.1.2), so no honest
# frame claims more than this many times its size.
_MOST_RATIO = (1 << 17) // 3 + 1

CODINGS = ("raw", "zstd")


def code_rest(data: bytes) -> tuple[str, bytes]:
    """The coding of the rest, and the coded bytes; raw where zstd does not make it smaller."""
    import zstandard

    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL if len(data) < _LONG else _LONG_LEVEL,
        source_size=len(data),
        write_checksum=1,
        write_content_size=1,
    )
    frame = zstandard.ZstdCompressor(compression_params=parameters).compress(data)
    return ("zstd", frame) if len(frame) < len(data) else ("raw", data)


def decode_rest(coding: str, coded: bytes, size: int, where: str) -> bytes:
    """Decode the rest.

    Parameters
    ----------
    size : int
        The number of bytes outside the regions; another size is refused before decoding.
    where : str
        The beginning of error messages.

    Raises
    ------
    FormatError
        If the rest is corrupt, or not of that size.
    """
    if coding not in CODINGS:
        raise FormatError(
            f"{where}: the rest is coded as {coding!r}: corrupt, or newer than this library"
        )
    if coding == "zstd":
        coded = _decompressed(coded, size, where)
    if len(coded) != size:
        raise FormatError(f"{where}: the rest has {len(coded)} B, but the regions leave {size}")
    return coded


def check_rest_size(size: int, coded: int, where: str) -> None:
    """Raise FormatError if the claimed size of the rest exceeds what its coded bytes can hold."""
    if size > min(MAX_REST, coded * _MOST_RATIO):
        raise FormatError(
            f"{where}: a rest of {size} B cannot be in {coded} B: corrupt, or made to harm"
        )


def _decompressed(frame: bytes, size: int, where: str) -> bytes:
    import zstandard

    check_rest_size(size, len(frame), where)
    try:
        claimed = zstandard.get_frame_parameters(frame).content_size
        if claimed != size:
            raise FormatError(f"{where}: the rest claims {claimed} B, but the regions leave {size}")
        return zstandard.ZstdDecompressor().decompress(
            frame, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise FormatError(f"{where}: the rest is corrupt: {error}") from error


def gguf_header(packed: PackedFile, tokenizer: bool = False) -> Header:
    """The header of the original; with `tokenizer`, with the arrays of its tokenizer.

    Raises
    ------
    FormatError
        If it is corrupt.
    """
    return read_header(_Start(packed), tokenizer)


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
