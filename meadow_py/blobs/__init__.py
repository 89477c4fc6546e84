"""Blobs: losslessly coded tensors, which packed checkpoints are made of."""

from meadow_py.blobs.blob import CODECS, decode, decode_range, encode, info, verify
from meadow_py.blobs.layout import BlobInfo, PlaneInfo

__all__ = [
    "CODECS",
    "BlobInfo",
    "PlaneInfo",
    "decode",
    "decode_range",
    "encode",
    "info",
    "verify",
]
