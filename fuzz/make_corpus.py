"""Write the committed seeds: `python fuzz/make_corpus.py`. Small, one for each way to pack."""

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


def halves(rows: int, columns: int, spread: float = 1.0) -> np.ndarray:
    """BF16 patterns of a matrix whose rows and columns have scales of their own."""
    random = np.random.default_rng(rows)
    scales = np.exp2(np.rint(random.standard_normal(columns) * spread))
    values = random.standard_normal((rows, columns)) * scales
    values *= np.exp2(np.rint(random.standard_normal((rows, 1)) * (spread - 1.0)))
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def nearly_equal(count: int) -> bytes:
    """Codes that cost far less than the bit of a Huffman code."""
    random = np.random.default_rng(count)
    return (
        np.where(random.random(count) < 0.04, random.integers(0, 9, count), 5)
        .astype(np.uint8)
        .tobytes()
    )


def blobs() -> dict[str, bytes]:
    scaled, plain = halves(12, 36, 9.0), halves(1, 150)
    escapes = np.concatenate([plain.ravel(), np.arange(0, 0x8000, 0x380, dtype="<u2")])
    codes = heavy_tailed(6, 18 * 3, 127, 2.0).astype(np.int8)
    groups = ((15, 1, 1), (7, 1, 8), (0, 1, 7))
    q4_1 = ((0, 1, 8), (1, 1, 8), (2, 1, 8), (3, 1, 8), (4, 16, 8))

    def floats_of(values: np.ndarray, dtype: str, columns: int, effort: str) -> bytes:
        raw = np.frombuffer(values.tobytes(), np.uint8)
        return _core.encode_floats(raw, dtype, columns, effort, 1).tobytes()

    def records_of(
        values: np.ndarray,
        kind: str,
        size: int,
        planes: tuple[tuple[int, int, int], ...],
        effort: str,
    ) -> bytes:
        raw = np.frombuffer(values.tobytes(), np.uint8)
        return _core.encode_records(raw, "ANY", kind, size, planes, effort, 1).tobytes()

    f16 = np.random.default_rng(2).uniform(1.0, 2.0, 450).astype("<f2")
    f32 = np.random.default_rng(3).uniform(1.0, 2.0, 200).astype("<f4")
    rare = np.frombuffer(nearly_equal(1800), np.uint8)
    steps = np.clip(heavy_tailed(4, 64, 7, 1.5), -7, 7).astype("<f4")
    scales = np.array([[0.011], [0.013], [0.017], [0.019]], "<f4")
    uneven = steps * np.sqrt(np.abs(steps)) * scales
    tiles = np.repeat(np.array([5, 9, 9], np.uint8), 1 << 17)
    tiles[(2 << 17) :: 9001] = 5
    return {
        "grid_f32": floats_of(np.ravel(steps * scales), "F32", 64, "small"),
        "grid_f16": floats_of(np.ravel(steps * scales).astype("<f2"), "F16", 64, "balanced"),
        "palette_f32": floats_of(np.ravel(uneven), "F32", 64, "small"),
        "tiled": records_of(tiles, "segments", 1, ((0, 1, 8),), "balanced"),
        "bf16_scaled": floats_of(scaled, "BF16", 36, "balanced"),
        "bf16_escapes": floats_of(escapes, "BF16", 0, "small"),
        "bf16_fast": floats_of(plain, "BF16", 0, "fast"),
        "f16": floats_of(f16, "F16", 0, "small"),
        "f32": floats_of(f32, "F32", 0, "small"),
        "f32_of_bf16": floats_of(plain.astype("<u4") << 16, "F32", 0, "balanced"),
        "groups": records_of(plain, "groups", 2, groups, "huffman"),
        "q4_1": records_of(np.tile(codes.ravel()[:20], 14), "segments", 20, q4_1, "small"),
        "rans": records_of(rare, "segments", 1, ((0, 1, 8),), "small"),
        "rans_groups": records_of(rare, "groups", 1, ((4, 1, 4), (0, 1, 4)), "small"),
        "huffman": records_of(codes, "segments", 1, ((0, 1, 8),), "huffman"),
        "raw": records_of(codes, "segments", 1, ((0, 1, 8),), "raw"),
        "equal": floats_of(np.zeros(300, "<u2"), "BF16", 0, "balanced"),
        "empty": floats_of(np.zeros(0, "<u2"), "BF16", 0, "balanced"),
    }


def blob_roundtrips() -> dict[str, bytes]:
    """Kind, effort, columns, times, how, layout as fuzz_blob_roundtrip.cpp reads them; values."""

    def parameters(kind: int, effort: int, columns: int, times: int, how: int = 0) -> bytes:
        return struct.pack("<BBHBB", kind, effort, columns, times, how)

    scaled, plain = halves(8, 40, 9.0).tobytes(), halves(1, 150)
    codes = heavy_tailed(6, 40, 127, 3.0).astype(np.int8).tobytes()
    return {
        "bf16_scaled": parameters(0, 1, 40, 0) + scaled,
        "bf16_grid": parameters(0, 1, 32, 0, 1) + scaled,
        "bf16_two_tiles": parameters(0, 1, 40, 255) + scaled,
        "bf16_small": parameters(0, 2, 0, 0) + plain.tobytes(),
        "f16_of_bf16": parameters(1, 1, 0, 0, 1) + plain.tobytes(),
        "f32": parameters(2, 0, 32, 0) + scaled,
        "f32_of_bf16": parameters(2, 1, 32, 0, 1) + scaled,
        "segments": parameters(3, 2, 0, 250) + bytes([17, 0, 0, 15]) + codes,
        "groups": parameters(4, 3, 0, 255) + bytes([1, 6, 7, 0]) + plain.tobytes(),
    }


def codes() -> dict[str, bytes]:
    """Flags, number of symbols, a table and its size if flag bit 1 is set, payload."""
    symbols = heavy_tailed(1, 300, 127, 3.0).astype(np.int8).tobytes()
    rare = nearly_equal(1800)
    made = {
        "huffman": struct.pack("<BH", 0, 300) + symbols,
        "rans": struct.pack("<BH", 1, 300) + symbols,
        "tiled_shared": struct.pack("<BHBBBB", 4, 300, 2, 0, 9, 4),
        "tiled_own": struct.pack("<BHBBBBHB", 4, 300, 2, 0, 9, 0, 1, 8),
    }
    for flags, name, effort, data in (
        (2, "huffman", "huffman", symbols),
        (3, "rans", "small", rare),
    ):
        raw = np.frombuffer(data, np.uint8)
        blob = _core.encode_records(raw, "I8", "segments", 1, ((0, 1, 8),), effort, 1).tobytes()
        size = int.from_bytes(blob[78:80], "little")  # behind the fixed head: docs/format.md
        payload = blob[int.from_bytes(blob[40:44], "little") + 4 :]
        head = struct.pack("<BHB", flags, len(data), size)
        made[f"{name}_table"] = head + blob[80 : 80 + size] + payload
    return made


def planes() -> dict[str, bytes]:
    """Blobs of planes, and rows, columns, dtype and values as fuzz_planes.cpp reads them."""

    def blob_of(rows: int, columns: int, dtype: str, escapes: int) -> bytes:
        random = np.random.default_rng(rows)
        values = (random.standard_normal((rows, columns)).astype("<f4").view("<u4") >> 16).ravel()
        values[random.integers(0, values.size, escapes)] = 0x7F81
        kinds = {"BF16": values.astype("<u2"), "F32": (values << 16).astype("<u4")}
        raw = np.frombuffer(kinds[dtype].tobytes(), np.uint8)
        made = _core.encode_planes(raw, dtype, rows, columns, 1)
        return b"" if made is None else made.tobytes()

    normal = np.random.default_rng(4).standard_normal(200).astype("<f4").view("<u4") >> 16
    return {
        "bf16": blob_of(4, 192, "BF16", 3),
        "f32": blob_of(8, 96, "F32", 0),
        "values": bytes([130, 99, 0]) + normal.astype("<u2").tobytes(),
        "wide_values": bytes([65, 130, 1]) + normal.astype("<u2").tobytes(),
    }


def main() -> None:
    made = {
        "decode": streams(),
        "roundtrip": roundtrips(),
        "isas": floats(),
        "blob": blobs(),
        "blob_roundtrip": blob_roundtrips(),
        "codes": codes(),
        "planes": planes(),
    }
    for target, seeds in made.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
