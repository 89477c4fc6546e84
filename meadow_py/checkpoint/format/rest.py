"""What a file holds besides its regions: headers, paddings, pickles: one zstd frame."""

from __future__ import annotations

from meadow_py.checkpoint.original.region import MAX_REST
from meadow_py.errors import FormatError

# A megabyte a second at level 19: tokenizers of GGUF files, a few megabytes, deserve it.
_LEVEL, _LONG_LEVEL, _LONG = 19, 9, 1 << 23
# A block of zstd takes at least 3 B and holds at most 128 KiB (RFC 8878, 3.1.1.2), so no honest
# frame claims more than this many times its size.
_MOST_RATIO = (1 << 17) // 3 + 1

CODINGS = ("raw", "zstd")


def code_rest(data: bytes) -> tuple[str, bytes]:
    """How the rest is coded, and the coded bytes: raw where zstd does not make it smaller."""
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
    """The rest again.

    Parameters
    ----------
    size : int
        Bytes that the regions leave over; anything else is refused before it is decoded.
    where : str
        What messages begin with.

    Raises
    ------
    FormatError
        If it is corrupt, or not of that size.
    """
    if coding not in CODINGS:
        raise FormatError(f"{where}: the rest is coded as {coding!r}: corrupt, or newer than this")
    if coding == "zstd":
        coded = _decompressed(coded, size, where)
    if len(coded) != size:
        raise FormatError(f"{where}: the rest has {len(coded)} B, the regions leave over {size}")
    return coded


def check_rest_size(size: int, coded: int, where: str) -> None:
    """Raise FormatError if the rest is said to hold more than its coded bytes can."""
    if size > min(MAX_REST, coded * _MOST_RATIO):
        raise FormatError(f"{where}: a rest of {size} B in {coded} B: corrupt, or made to harm")


def _decompressed(frame: bytes, size: int, where: str) -> bytes:
    import zstandard

    check_rest_size(size, len(frame), where)
    try:
        claimed = zstandard.get_frame_parameters(frame).content_size
        if claimed != size:
            raise FormatError(f"{where}: the rest claims {claimed} B, the regions leave {size}")
        return zstandard.ZstdDecompressor().decompress(
            frame, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise FormatError(f"{where}: the rest is corrupt: {error}") from error
