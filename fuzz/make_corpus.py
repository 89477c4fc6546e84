"""Write the committed seeds: `python fuzz/make_corpus.py`. Small, and one for each way to pack."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from meadow_py import _core

CORPUS = Path(__file__).parent / "corpus"


def heavy_tailed(rows: int, columns: int, limit: int, spread: float) -> np.ndarray:
    values = np.random.default_rng(rows * columns).standard_t(3, (rows, columns)) * spread
    return np.clip(np.rint(values), -limit, limit)


def streams() -> dict[str, bytes]:
    int8 = _core.Chunks(heavy_tailed(12, 25, 127, 3.0).astype(np.int8), 8, 2)
    int4 = _core.Chunks(heavy_tailed(20, 21, 7, 2.0).astype(np.int8), 4, 4, "out")
    wide = _core.Chunks(heavy_tailed(3, 10, 30_000, 900.0).astype(np.int16), 16, 3)
    empty = _core.Chunks(np.zeros((0, 8), np.int8), 8, 2)
    return {
        "dictionary": int8.pack_dictionary(),
        "packets": int8.pack_packets(reindex=False),
        "reindexed": int8.pack_packets(reindex=True, packet_length=4, widths=(2, 5, 9)),
        "int4_along_out": int4.pack_packets(reindex=True),
        "int16": wide.pack_packets(reindex=True),
        "empty": empty.pack_packets(reindex=True),
    }


def roundtrips() -> dict[str, bytes]:
    """Parameters as fuzz_roundtrip.cpp reads them, then codes; lowest values stand for 0 or 1."""
    int8 = heavy_tailed(8, 40, 127, 3.0).astype(np.int8).tobytes()
    int16 = heavy_tailed(4, 30, 30_000, 900.0).astype(np.int16).tobytes()
    return {
        "int8_pairs_searched": bytes([7, 0b0101, 1, 7, 0, 0]) + int8,
        "int4_along_out": bytes([3, 0b0111, 3, 7, 4, 0]) + int8,
        "uint16_given_widths": bytes([15, 0b1100, 2, 3, 7, 4]) + int16,
        "one_bit": bytes([0, 0, 15, 4, 3, 0]) + int8[:65],
    }


def floats() -> dict[str, bytes]:
    """Parameters as fuzz_isas.cpp reads them, then words."""

    def parameters(bits: int, zero: int, symmetric: int, scale: float, skip: int) -> bytes:
        return struct.pack("<BBBfB", bits - 2, zero, symmetric, scale, skip)

    normal = np.random.default_rng(1).standard_normal(67).astype("<f4")
    halves = (np.arange(-40, 40) / 2).astype("<f4")
    special = np.array([0, 0x80000000, 1, 0x7F800000, 0xFF800001, 0x7FC00000] * 3, "<u4")
    return {
        "int8": parameters(8, 0, 1, 0.03, 3) + normal.tobytes(),
        "uint4_zero_point": parameters(4, 7, 0, 0.3, 0) + normal.tobytes(),
        "halves": parameters(8, 0, 1, 1.0, 1) + halves.tobytes(),
        "special_values": parameters(8, 200, 0, 1e-45, 0) + special.tobytes(),
    }


def main() -> None:
    made = {"decode": streams(), "roundtrip": roundtrips(), "isas": floats()}
    for target, seeds in made.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
