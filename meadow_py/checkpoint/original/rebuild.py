"""Rebuilds the bytes of an original file piece by piece and checks them."""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.format.region_table import PackedRegion
from meadow_py.errors import FormatError
from meadow_py.jobs.tasks import in_order

PIECE = 1 << 23  # bytes decoded at a time, in whole tiles


def rebuild(
    packed: PackedFile,
    threads: int,
    write: Callable[[memoryview], None],
    advance: Callable[[int, str], None],
) -> None:
    """Pass all bytes of the original to `write`, in order, and compare every checksum.

    Raises
    ------
    FormatError
        If anything differs from what was packed. The message names the file and, where it applies,
        the tensor. Bytes written before the error must be discarded.
    """
    digest = hashlib.sha256()
    crcs: dict[int, int] = {}
    with closing(_pieces(packed, threads)) as pieces:
        for number, piece in pieces:
            write(piece)
            digest.update(piece)
            if number is not None:
                crcs[number] = zlib.crc32(piece, crcs.get(number, 0))
            name = "" if number is None else packed.table.regions[number].region.name
            advance(len(piece), name)
    for number, entry in enumerate(packed.table.regions):
        if crcs.get(number, 0) != entry.crc32:
            raise FormatError(
                f"{packed.path}: tensor {entry.region.name!r}: the decoded bytes have CRC-32 "
                f"{crcs.get(number, 0):08x}, expected {entry.crc32:08x}"
            )
    if digest.hexdigest() != packed.source_sha256:
        raise FormatError(
            f"{packed.path}: the decoded bytes have SHA-256 {digest.hexdigest()}, "
            f"{packed.source_name} had {packed.source_sha256}"
        )


def _pieces(
    packed: PackedFile, threads: int
) -> Generator[tuple[int | None, memoryview], None, None]:
    """Pieces of the original in order, each with the number of its region (None for the rest)."""
    return in_order(_tasks(packed), threads, 2 * threads * PIECE)


def _tasks(
    packed: PackedFile,
) -> Iterator[tuple[int, Callable[[], tuple[int | None, memoryview]]]]:
    rest = memoryview(packed.rest())
    used = reached = 0
    for number, entry in enumerate(packed.table.regions):
        gap = entry.region.offset - reached
        if gap:
            yield gap, functools.partial(_rest_piece, rest[used : used + gap])
            used += gap
        if entry.region.length:
            yield from _of_region(packed, number, entry)
        reached = entry.region.end
    if used < len(rest):
        yield len(rest) - used, functools.partial(_rest_piece, rest[used:])


def _rest_piece(piece: memoryview) -> tuple[None, memoryview]:
    return None, piece


def _of_region(
    packed: PackedFile, number: int, entry: PackedRegion
) -> Iterator[tuple[int, Callable[[], tuple[int, memoryview]]]]:
    length = entry.region.length
    if length <= PIECE:
        yield length, functools.partial(_whole, packed, number, entry)
        return
    tile = max(1, packed.info(entry).tile_nbytes)
    step = max(1, PIECE // tile) * tile
    for begin in range(0, length, step):
        end = min(begin + step, length)
        yield end - begin, functools.partial(_part, packed, number, entry, begin, end)


def _whole(packed: PackedFile, number: int, entry: PackedRegion) -> tuple[int, memoryview]:
    return number, packed.decode(entry, threads=1).data


def _part(
    packed: PackedFile, number: int, entry: PackedRegion, begin: int, end: int
) -> tuple[int, memoryview]:
    return number, packed.decode_range(entry, begin, end).data
