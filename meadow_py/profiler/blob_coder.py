"""Weights under the entropy coders: they are coded, decoded again and compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import blobs, ledger
from meadow_py.codecs import CODERS
from meadow_py.profiler.weight_packing import HuffmanTable, StoredFloats

if TYPE_CHECKING:
    from meadow_py.blobs import BlobInfo

HUFFMAN_STREAMS = 6  # in a tile; see docs/format.md
_PIECE = 1 << 22  # bytes decoded at a time: little memory compared with the blob

Coded = dict[str, "BlobInfo"]  # keyed by the names of `CODERS`


class BlobCoder:
    """Codes values on a number of threads, and compares what they decode to if `verify` is set.

    `check` is called again and again, and may raise to end the work.
    """

    def __init__(self, threads: int, verify: bool, check: Callable[[], None]) -> None:
        self._threads = threads
        self._verify = verify
        self._check = check

    def codes(self, codes: npt.NDArray[Any]) -> Coded:
        """Integer codes of 8 bits, under every coder."""
        return self._coded(codes, "I8" if codes.dtype.kind == "i" else "U8")

    def floats(self, matrix: npt.NDArray[Any], dtype: str) -> StoredFloats:
        """Floating-point numbers as they are stored."""
        coded = self._coded(matrix, dtype)
        ledgers = {name: ledger.blob_ledger(info) for name, info in coded.items()}
        return StoredFloats(
            bits=8 * matrix.itemsize,
            bits_per_weight={name: book.per_weight(matrix.size) for name, book in ledgers.items()},
            floors={name: info.floor_bits / matrix.size for name, info in coded.items()},
            ledgers=ledgers,
            coding=coded["storage"].codec,
            huffman=huffman_tables(coded["huffman"]),
        )

    def _coded(self, values: npt.NDArray[Any], dtype: str) -> Coded:
        raw = values.reshape(-1).view(np.uint8)
        return {
            coder.name: self._measured(raw, dtype, values.shape, coder.codec)
            for coder in CODERS.values()
        }

    def _measured(
        self, raw: npt.NDArray[np.uint8], dtype: str, shape: tuple[int, ...], codec: str
    ) -> BlobInfo:
        """The head of a blob that is made, but not kept."""
        self._check()
        blob = blobs.encode(raw, dtype, shape, codec=codec, threads=self._threads)
        about = blobs.info(blob)
        if self._verify:
            self._compare(blob, about, raw)
        return about

    def _compare(
        self, blob: npt.NDArray[np.uint8], about: BlobInfo, raw: npt.NDArray[np.uint8]
    ) -> None:
        step = about.tile_nbytes * max(1, _PIECE // about.tile_nbytes)
        same = about.nbytes == raw.size
        for begin in range(0, raw.size if same else 0, step):
            self._check()
            part = raw[begin : begin + step]
            decoded = blobs.decode_range(blob, begin, begin + part.size, threads=self._threads)
            same = same and np.array_equal(decoded, part)
        if not same:
            raise RuntimeError(
                "a coded weight does not decode to itself: either it changed after it was coded, "
                "or this is a bug; please report a bug"
            )


def huffman_tables(about: BlobInfo, symbol_bits: int | None = None) -> tuple[HuffmanTable, ...]:
    """The tables of all planes of a blob that have a Huffman code.

    `symbol_bits` is the bits of a decoded symbol, where they are fewer than the blob holds: codes
    of fewer than 8 bits are coded as bytes.
    """
    return tuple(
        _table(symbol_bits or plane.width, plane.entries, plane.longest)
        for plane in about.planes
        if plane.coding == "huffman"
    )


def _table(symbol_bits: int, entries: int, longest: int) -> HuffmanTable:
    """The decoder of A. Moffat and A. Turpin: first code and number of codes for every length."""
    each_length = longest + entries.bit_length()
    bits = entries * symbol_bits + longest * each_length
    return HuffmanTable(symbol_bits, entries, longest, bits, HUFFMAN_STREAMS)
