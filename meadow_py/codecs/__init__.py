"""The lossless codecs behind one interface."""

from meadow_py._core import MAX_CHUNK, MAX_CODE_BITS
from meadow_py.codecs.codec import (
    CODECS,
    CODERS,
    MIN_CHUNK,
    Along,
    Codec,
    CodeMatrix,
    Coder,
    PacketLayout,
    check_along,
    check_chunk,
    packet_layout,
)
from meadow_py.codecs.streams import decode, pack, pack_dictionary, pack_packets, stream_info

__all__ = [
    "CODECS",
    "CODERS",
    "MAX_CHUNK",
    "MAX_CODE_BITS",
    "MIN_CHUNK",
    "Along",
    "CodeMatrix",
    "Codec",
    "Coder",
    "PacketLayout",
    "check_along",
    "check_chunk",
    "decode",
    "pack",
    "pack_dictionary",
    "pack_packets",
    "packet_layout",
    "stream_info",
]
