"""Huffman and rANS of one plane, decoded in plain Python from docs/format.md alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple


def bits_of(data: bytes) -> Iterator[int]:
    """Bit i of a bit string is bit i mod 8 of byte i / 8."""
    for byte in data:
        for bit in range(8):
            yield byte >> bit & 1


def number(bits: Iterator[int], width: int) -> int:
    return sum(next(bits) << at for at in range(width))


def assert_filling(bits: Iterator[int]) -> None:
    rest = list(bits)
    assert len(rest) < 8
    assert not any(rest)


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        assert self.at + size <= len(self.data), "a part that does not fit"
        self.at += size
        return self.data[self.at - size : self.at]

    def word(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)


# -- Huffman ------------------------------------------------------------------------------------


def huffman_lengths(table: bytes) -> dict[int, int]:
    nibbles = [half for byte in table for half in (byte & 15, byte >> 4)]
    at, symbol, slots = 0, 0, 0
    lengths: dict[int, int] = {}
    while slots < 4096:
        nibble = nibbles[at]
        assert nibble != 15
        if nibble == 0:
            at, symbol = at + 1, symbol + 1
        elif nibble == 13:
            at, symbol = at + 2, symbol + nibbles[at + 1] + 2
        elif nibble == 14:
            at, symbol = at + 3, symbol + nibbles[at + 1] + 16 * nibbles[at + 2] + 18
        else:
            assert symbol < 256
            lengths[symbol] = nibble
            slots += 4096 >> nibble
            at, symbol = at + 1, symbol + 1
    assert slots == 4096
    assert len(nibbles) - at < 2
    assert not any(nibbles[at:])
    return lengths


def huffman_codes(lengths: dict[int, int]) -> dict[tuple[int, int], int]:
    """(length, code) to symbol."""
    codes, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        code <<= length - before
        codes[length, code] = symbol
        code, before = code + 1, length
    return codes


def huffman_symbols(table: bytes, payload: bytes, count: int) -> bytes:
    codes = huffman_codes(huffman_lengths(table))
    cursor = Cursor(payload)
    if count == 0:
        assert not payload
        return b""
    sizes = [cursor.word(2) for _ in range(5)]
    part = -(-count // 6)
    symbols = bytearray()
    for stream in range(6):
        bits = bits_of(cursor.take(sizes[stream]) if stream < 5 else cursor.rest())
        for _ in range(min(count, (stream + 1) * part) - min(count, stream * part)):
            length, code = 0, 0
            while (length, code) not in codes or length == 0:
                length, code = length + 1, code << 1 | next(bits)
            symbols.append(codes[length, code])
        assert_filling(bits)
    return bytes(symbols)


# -- rANS ---------------------------------------------------------------------------------------


class RansTable(NamedTuple):
    of: dict[int, int]  # frequencies of symbols
    escape: int

    def slots(self) -> list[tuple[int | None, int, int]]:
        """Of each slot its symbol (None: the escape), frequency and first slot."""
        slots: list[tuple[int | None, int, int]] = []
        for symbol in sorted(self.of):
            slots += [(symbol, self.of[symbol], len(slots))] * self.of[symbol]
        slots += [(None, self.escape, len(slots))] * self.escape
        assert len(slots) == 4096, "frequencies add up to 4096"
        return slots


def rans_table(table: bytes) -> RansTable:
    bits = bits_of(table)
    first, last, width = number(bits, 8), number(bits, 8), 0
    frequencies = []
    for _ in range(last - first + 2):
        ones = 0
        while next(bits):
            ones += 1
        width += -(ones + 1) // 2 if ones % 2 else ones // 2
        assert 0 <= width <= 13
        below = number(bits, width - 1) if width > 1 else 0
        frequencies.append((1 << width - 1) + below if width else 0)
    assert_filling(bits)
    of = {first + i: value for i, value in enumerate(frequencies[1:]) if value}
    assert first in of
    assert last in of
    assert not frequencies[0] or len(of) < 256
    return RansTable(of, frequencies[0])


def rans_symbols(table: bytes, payload: bytes, count: int) -> bytes:
    model = rans_table(table)
    if 4096 in model.of.values() or count == 0:
        assert not payload
        return bytes([next(iter(model.of))]) * count
    plain = payload if count <= 128 else rans_coded(model, payload, count)
    assert len(plain) == count
    assert model.escape or set(plain) <= set(model.of), "a symbol without slots"
    return plain


def rans_coded(model: RansTable, payload: bytes, count: int) -> bytes:
    cursor, slots = Cursor(payload), model.slots()
    states = [cursor.word(4) for _ in range(32)]
    assert min(states) >= 1 << 16
    rest = cursor.take(count % 32)
    symbols: list[int | None] = []
    for _ in range((count - 64) // 32):
        for lane in range(32):
            symbol, frequency, start = slots[states[lane] % 4096]
            state = frequency * (states[lane] // 4096) + states[lane] % 4096 - start
            states[lane] = state if state >= 1 << 16 else (state << 16) + cursor.word(2)
            symbols.append(symbol)
    escaped = cursor.rest()
    assert len(escaped) == symbols.count(None)
    assert not set(escaped) & set(model.of)
    told = iter(escaped)
    decoded = bytes(next(told) if symbol is None else symbol for symbol in symbols)
    assert all(1 << 16 <= state < 1 << 17 for state in states)
    return decoded + b"".join(struct.pack("<H", state & 0xFFFF) for state in states) + rest
