"""Decoder of blobs of planes, written from docs/format.md alone."""

from __future__ import annotations

import struct
from typing import NamedTuple

import xxhash
from reference_decoder import F16_OF_BF16

STORED = {1: "F32", 2: "F16", 3: "BF16"}


class Parts(NamedTuple):
    """Where the parts of a blob begin."""

    checksums: int
    tables: int
    firsts: int
    escapes: int
    codes: int
    lower: int
    end: int


def up_to(size: int, step: int = 64) -> int:
    return -(-size // step) * step


def parts_of(rows: int, columns: int, block: int, escapes: int) -> Parts:
    groups, units = -(-rows // 4), -(-columns // 32)
    tables = up_to(64 + 16 * -(-rows // block))
    firsts = up_to(tables + 16 * -(-rows // 64))
    places = up_to(firsts + 4 * (groups + 1))
    codes = up_to(places + 4 * escapes + 8)
    lower = codes + 64 * groups * units
    return Parts(64, tables, firsts, places, codes, lower, lower + 128 * groups * units)


def column(byte: int) -> int:
    return byte % 8 // 2 + 4 * (byte // 16) + 8 * (byte // 8 % 2) + 16 * (byte % 2)


def check(blob: bytes, parts: Parts, rows: int, columns: int, block: int) -> None:
    covered = parts.codes - 8
    assert blob[covered : parts.codes] == xxhash.xxh64(blob[:covered]).digest()[::-1]
    units = -(-columns // 32)
    for n, begin in enumerate(range(0, rows, block)):
        first = begin // 4 * units
        last = -(-min(begin + block, rows) // 4) * units
        codes = blob[parts.codes + 64 * first : parts.codes + 64 * last]
        lower = blob[parts.lower + 128 * first : parts.lower + 128 * last]
        told = blob[64 + 16 * n : 80 + 16 * n]
        assert told == xxhash.xxh64(codes).digest()[::-1] + xxhash.xxh64(lower).digest()[::-1]


def decode(blob: bytes) -> bytes:
    magic, version, kind, stored, zero, rows, columns, block, count, size, head = struct.unpack(
        "<4s4BQQIIQQ", blob[:48]
    )
    assert (magic, version, kind, zero) == (b"MDWP", 1, 1, 0)
    parts = parts_of(rows, columns, block, count)
    assert (size, head) == (parts.end, parts.codes)
    assert not any(blob[parts.end :])
    check(blob, parts, rows, columns, block)
    groups, units = -(-rows // 4), -(-columns // 32)
    firsts = struct.unpack_from(f"<{groups + 1}I", blob, parts.firsts)
    values = [[0] * columns for _ in range(rows)]
    for group in range(groups):
        told = [
            struct.unpack_from("<HBB", blob, parts.escapes + 4 * n)
            for n in range(firsts[group], firsts[group + 1])
        ]
        apart = {(unit, place): upper for unit, place, upper in told}
        for unit in range(units):
            decode_unit(blob, parts, (group, unit, units), apart, values)
    return stored_bytes(values, STORED[stored])


def decode_unit(
    blob: bytes,
    parts: Parts,
    at: tuple[int, int, int],
    apart: dict[tuple[int, int], int],
    values: list[list[int]],
) -> None:
    group, unit, units = at
    codes = parts.codes + 64 * (group * units + unit)
    lower = parts.lower + 128 * (group * units + unit)
    table = parts.tables + 16 * (group // 16)
    for r in range(min(4, len(values) - 4 * group)):
        for byte in range(32):
            c = 32 * unit + column(byte)
            if c >= len(values[0]):
                continue
            code = blob[codes + r // 2 * 32 + byte] >> 4 * (r % 2) & 15
            upper = apart.get((unit, 32 * r + byte), blob[table + code])
            values[4 * group + r][c] = upper << 8 | blob[lower + 32 * r + byte]


def stored_bytes(values: list[list[int]], stored: str) -> bytes:
    flat = [value for row in values for value in row]
    if stored == "F32":
        return struct.pack(f"<{len(flat)}I", *(value << 16 for value in flat))
    if stored == "F16":
        flat = [F16_OF_BF16[value] for value in flat]
    return struct.pack(f"<{len(flat)}H", *flat)
