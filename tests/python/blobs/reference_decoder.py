"""Blobs decoded in plain Python from docs/format.md alone: slow, and independent of the core.

Raises AssertionError where the document tells decoders to reject a blob, as far as it checks.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import xxhash
from reference_codes import (
    Cursor,
    assert_filling,
    bits_of,
    huffman_symbols,
    number,
    rans_symbols,
)

FLOATS = {1: "F32", 2: "F16", 3: "BF16"}
SEGMENTS, GROUPS, SCALED, GRID, PALETTE = 1, 2, 3, 4, 5
CONSTANT, RAW, HUFFMAN, RANS, TILED = 0, 1, 2, 3, 4


def xxh64(data: bytes) -> int:
    return int(xxhash.xxh64(data, seed=0).intdigest())


# -- planes and bases ---------------------------------------------------------------------------


class Plane(NamedTuple):
    coding: int
    width: int
    offset: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    table: bytes

    def symbols(self, payload: bytes, count: int) -> bytes:
        if self.coding == TILED:
            if payload[0] == TILED:
                own = self._replace(coding=self.table[0], table=self.table[1:])
                return own.symbols(payload[1:], count)
            size = int.from_bytes(payload[1:3], "little")
            own = self._replace(coding=payload[0], table=payload[3 : 3 + size])
            assert len(own.table) == size
            return own.symbols(payload[3 + size :], count)
        if self.coding == HUFFMAN:
            made = huffman_symbols(self.table, payload, count)
        elif self.coding == RANS:
            made = rans_symbols(self.table, payload, count)
        elif self.coding == CONSTANT:
            assert len(self.table) == 1
            assert not payload
            made = self.table * count
        else:
            assert not self.table
            assert len(payload) == -(-count * self.width // 8)
            bits = bits_of(payload)
            made = bytes(number(bits, self.width) for _ in range(count))
            assert_filling(bits)
        assert all(symbol < 1 << self.width for symbol in made)
        return made


def bases(coded: bytes, count: int) -> bytes:
    cursor = Cursor(coded)
    coding = cursor.word(1)
    plane = Plane(coding, 8, 0, 1, cursor.take(cursor.word(2)))
    made = b""
    while len(made) < count:
        size = cursor.word(4)
        made += plane.symbols(cursor.take(size), min(1 << 16, count - len(made)))
    assert not cursor.rest()
    return made


# -- the head -----------------------------------------------------------------------------------


class Head(NamedTuple):
    kind: int
    records: int
    columns: int
    tile_records: int
    record_bytes: int
    base: int
    top: int
    stored: str
    content: str
    dtype: str
    planes: tuple[Plane, ...]
    rows: bytes
    of_columns: bytes
    tiles: tuple[bytes, ...]


FIXED = struct.Struct("<4sBBBBQQIHBBQIBBH16sQ")


def head_of(blob: bytes) -> Head:
    magic, version, kind, planes, flags, records, columns, tile_records, size, *others = (
        FIXED.unpack_from(blob)
    )
    base, top, length, head_bytes, stored, content, reserved, dtype, _ = others
    assert (magic, reserved) == (b"MDWB", 0)
    assert 1 <= version <= 2
    assert version == 2 or kind <= SCALED
    assert flags < 4
    assert length <= len(blob)
    assert not any(blob[length:])
    cursor = Cursor(blob[: head_bytes - 8])
    assert xxh64(cursor.data) == int.from_bytes(blob[head_bytes - 8 : head_bytes], "little")
    cursor.take(FIXED.size)
    entries: list[Any] = [struct.unpack("<BBHHH", cursor.take(8)) for _ in range(planes)]
    made = tuple(Plane._make([*entry[:4], cursor.take(entry[4])]) for entry in entries)
    assert version == 2 or all(plane.coding != TILED for plane in made)
    rows = bases(cursor.take(cursor.word(4)), records // columns) if flags & 1 else b""
    of_columns = bases(cursor.take(cursor.word(4)), columns) if flags & 2 else b""
    index = [(cursor.word(4), cursor.word(8)) for _ in range(-(-records // tile_records))]
    assert not cursor.rest()
    tiles = Cursor(blob[head_bytes:length])
    cut = tuple(tiles.take(bytes_) for bytes_, _ in index)
    assert not tiles.rest()
    assert [xxh64(tile) for tile in cut] == [told for _, told in index]
    return Head(
        kind, records, columns, tile_records, size, base, top, FLOATS.get(stored, ""),
        FLOATS.get(content, ""), dtype.rstrip(b"\0").decode(), made, rows, of_columns, cut,
    )  # fmt: skip


# -- tiles --------------------------------------------------------------------------------------


def split_tile(head: Head, tile: bytes, records: int) -> tuple[list[bytes], bytes]:
    """The symbols of all planes, and what is behind them."""
    cursor = Cursor(tile)
    sizes = []
    for plane in head.planes:
        count = records * plane.count
        fixed = {CONSTANT: 0, RAW: -(-count * plane.width // 8)}
        sizes.append(fixed[plane.coding] if plane.coding in fixed else cursor.word(4))
    symbols = [
        plane.symbols(cursor.take(size), records * plane.count)
        for plane, size in zip(head.planes, sizes, strict=True)
    ]
    return symbols, cursor.rest()


def f32_of_f16(half: int) -> int:
    sign, exponent, mantissa = half >> 15, half >> 10 & 31, half & 1023
    if exponent == 31:
        exponent, mantissa = 255, mantissa << 13
    elif exponent:
        exponent, mantissa = exponent + 112, mantissa << 13
    elif mantissa:
        shift = 11 - mantissa.bit_length()  # until the highest bit is the hidden one
        exponent, mantissa = 113 - shift, (mantissa << shift & 1023) << 13
    return sign << 31 | exponent << 23 | mantissa


F16_OF_BF16 = {
    f32_of_f16(half) >> 16: half for half in range(1 << 16) if f32_of_f16(half) & 0xFFFF == 0
}


def stored_float(head: Head, upper: int, below: int) -> int:
    if head.stored == head.content:
        return upper << 16 | below if head.stored == "F32" else upper
    if head.content == "F16":
        return f32_of_f16(upper)
    return F16_OF_BF16[upper] if head.stored == "F16" else upper << 16


def scaled_tile(head: Head, symbols: list[bytes], escapes: bytes, first: int) -> bytes:
    low = (10 if head.content == "F16" else 7) - head.top
    width = 15 - low
    limit = 256 if width == 8 else 256 - (1 << head.top)
    told = iter(escapes)
    made = bytearray()
    for i, symbol in enumerate(symbols[0]):
        row = head.rows[(first + i) // head.columns] if head.rows else 0
        column = head.of_columns[(first + i) % head.columns] if head.of_columns else 0
        field = symbol + ((head.base + row + column) << head.top) & (1 << width) - 1
        if symbol >= limit:
            field = next(told) << head.top | symbol & (1 << head.top) - 1
        rest = symbols[1][i]
        upper = rest >> low << 15 | field << low | rest & (1 << low) - 1
        below = symbols[2][i] << 8 | symbols[3][i] if head.content == "F32" else 0
        made += stored_float(head, upper, below).to_bytes(head.record_bytes, "little")
    assert next(told, None) is None
    return bytes(made)


def value_bits(content: str, symbol: int, scale: bytes) -> int:
    """The product of a step and a scale, exactly, rounded by the rules of the document."""
    signs = {"F32": 1 << 31, "F16": 1 << 15, "BF16": 1 << 15}
    if symbol == 0:
        return signs[content]
    size = struct.unpack("<f", scale)[0]
    assert scale == bytes(4) or 2.0**-100 <= size <= 2.0**100
    product = struct.pack("<f", (symbol - 128) * size)  # exact in doubles: rounded once
    if content == "F32":
        return int.from_bytes(product, "little")
    if content == "F16":
        value = struct.unpack("<f", product)[0]
        try:
            return int.from_bytes(struct.pack("<e", value), "little")
        except OverflowError:
            return 0xFC00 if value < 0 else 0x7C00
    bits = int.from_bytes(product, "little")
    upper, below = bits >> 16, bits & 0xFFFF
    return upper + (below > 0x8000 or (below == 0x8000 and upper % 2 == 1))


def grid_tile(head: Head, symbols: list[bytes], records: int) -> bytes:
    group = head.planes[0].count
    made = bytearray()
    for n in range(records):
        scale = bytes(symbols[1 + byte][n] for byte in range(4))
        for symbol in symbols[0][n * group : (n + 1) * group]:
            bits = value_bits(head.content, symbol, scale)
            upper, below = (bits >> 16, bits & 0xFFFF) if head.content == "F32" else (bits, 0)
            value = stored_float(head, upper, below)
            made += value.to_bytes(head.record_bytes // group, "little")
    return bytes(made)


def palette_tile(head: Head, symbols: list[bytes], records: int) -> bytes:
    group, entries = head.planes[0].count, head.planes[1].count
    made = bytearray()
    for n in range(records):
        table = [bytes(plane[n * entries + i] for plane in symbols[1:]) for i in range(entries)]
        numbers = symbols[0][n * group : (n + 1) * group]
        values = [int.from_bytes(value, "little") for value in table]
        assert values == sorted(values)
        assert len(set(values)) == max(numbers) + 1
        made += b"".join(table[number] for number in numbers)
    return bytes(made)


def plain_tile(head: Head, symbols: list[bytes], records: int) -> bytes:
    size = head.record_bytes
    made = bytearray(size * records)
    for plane, own in zip(head.planes, symbols, strict=True):
        for i in range(records):
            if head.kind == SEGMENTS:
                at = i * size + plane.offset
                made[at : at + plane.count] = own[i * plane.count : (i + 1) * plane.count]
            else:
                record = int.from_bytes(made[i * size : (i + 1) * size], "little")
                record |= own[i] << plane.offset
                made[i * size : (i + 1) * size] = record.to_bytes(size, "little")
    return bytes(made)


def decode(blob: bytes) -> bytes:
    head = head_of(blob)
    made = b""
    for n, tile in enumerate(head.tiles):
        first = n * head.tile_records
        records = min(head.tile_records, head.records - first)
        symbols, behind = split_tile(head, tile, records)
        if head.kind == SCALED:
            made += scaled_tile(head, symbols, behind, first)
        else:
            assert not behind
            merge = {GRID: grid_tile, PALETTE: palette_tile}.get(head.kind, plain_tile)
            made += merge(head, symbols, records)
    return made
