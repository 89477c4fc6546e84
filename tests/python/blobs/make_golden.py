"""Write the golden blobs of the newest version: `python tests/python/blobs/make_golden.py`.

Once a version is released its files stay as they are: what is written must be read for ever.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from meadow_py import _core

DATA = Path(__file__).parent / "data"
VERSION = 2


def bf16_of(values: np.ndarray) -> np.ndarray:
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def scaled() -> np.ndarray:
    """Rows and columns with scales of their own, and every other exponent among them."""
    random = np.random.default_rng(1)
    values = random.standard_normal((24, 48)) * np.exp2(random.integers(-9, 9, 48))
    halves = bf16_of(values * np.exp2(random.integers(-9, 9, (24, 1)))).ravel()
    halves[::70] = random.integers(0, 1 << 16, len(halves[::70]))
    return halves


def codes(count: int, spread: float) -> np.ndarray:
    values = np.random.default_rng(count).standard_t(3, count) * spread
    return np.clip(np.rint(values), -127, 127).astype(np.int8)


def blocks() -> np.ndarray:
    """As Q4_1: two F16 of nearly one exponent, and 16 bytes that are nearly always the same."""
    random = np.random.default_rng(3)
    made = np.full((150, 20), 0x88, np.uint8)
    made[:, 0:4:2] = random.integers(0, 256, (150, 2))
    made[:, 1:4:2] = 0x2C
    rare = random.random((150, 16)) < 0.05
    made[:, 4:][rare] = random.integers(0, 256, rare.sum())
    return made


def specials() -> np.ndarray:
    values = np.arange(0, 1 << 32, 0x00FFF001, dtype="<u8").astype("<u4")
    near = np.random.default_rng(4).uniform(1.0, 2.0, 700).astype("<f4").view("<u4")
    return np.concatenate([values, near])


def quantised(group: int, kind: str) -> np.ndarray:
    """F32 weights of 256 columns after simulated quantisation in groups."""
    values = np.random.default_rng(9).standard_normal((4 * 256 // group, group), np.float32)
    scale = np.abs(values).max(1, keepdims=True) / np.float32(7)
    steps = np.rint(values / scale)
    made = steps * scale if kind == "grid" else steps * np.sqrt(np.abs(steps)) * scale
    return made.astype(np.float32)


def bf16_near(values: np.ndarray) -> np.ndarray:
    return ((values.view("<u4").astype("<u8") + 0x8000) >> 16).astype("<u2")


def encoded() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Blob and the bytes that it holds, by name."""

    def floats(values: np.ndarray, dtype: str, effort: str, columns: int = 0) -> tuple:
        raw = np.frombuffer(values.tobytes(), np.uint8)
        return _core.encode_floats(raw, dtype, columns, effort, 1), raw

    def records(values: np.ndarray, dtype: str, kind: str, size: int, planes: tuple, effort: str):
        raw = np.frombuffer(values.tobytes(), np.uint8)
        return _core.encode_records(raw, dtype, kind, size, planes, effort, 1), raw

    half = np.random.default_rng(5).uniform(-2.0, 2.0, 1500).astype("<f2")
    plain = bf16_of(np.random.default_rng(6).standard_normal(900))
    q4_1 = ((0, 1, 8), (1, 1, 8), (2, 1, 8), (3, 1, 8), (4, 16, 8))

    def bytes_of(parts: tuple[np.ndarray, ...]) -> tuple:
        raw = np.concatenate(parts).astype(np.uint8)
        return _core.encode_records(raw, "U8", "segments", 1, ((0, 1, 8),), "balanced", 1), raw

    rare = np.where(np.random.default_rng(7).random(1 << 16) < 0.01, 7, 8)
    return {
        "grid_bf16": floats(bf16_near(quantised(64, "grid")), "BF16", "balanced", 256),
        "grid_f16": floats(quantised(256, "grid").astype("<f2"), "F16", "small", 256),
        "grid_f32": floats(quantised(128, "grid"), "F32", "fast", 256),
        "grid_f32_of_bf16": floats(
            (bf16_near(quantised(32, "grid")).astype("<u4") << 16).view("<f4"), "F32", "small", 256
        ),
        "palette_bf16": floats(bf16_near(quantised(128, "palette")), "BF16", "balanced", 256),
        "palette_f32": floats(quantised(256, "palette"), "F32", "small", 256),
        "tiled": bytes_of((rare, np.full((1 << 16) + 1, 9), np.array([9]))),
        "scaled_bf16": floats(scaled(), "BF16", "balanced", 48),
        "fast_bf16": floats(plain, "BF16", "fast"),
        "f16": floats(half, "F16", "balanced"),
        "f32": floats(specials(), "F32", "small"),
        "f32_of_f16": floats(half.astype("<f4"), "F32", "balanced"),
        "f16_of_bf16": floats((half.view("<u2") & 0xFFF8).view("<f2"), "F16", "balanced"),
        "segments_rans": records(blocks(), "Q4_1", "segments", 20, q4_1, "small"),
        "groups_huffman": records(
            plain, "BF16", "groups", 2, ((15, 1, 1), (7, 1, 8), (0, 1, 7)), "huffman"
        ),
        "codes_huffman": records(codes(1200, 3.0), "I8", "segments", 1, ((0, 1, 8),), "huffman"),
        "raw": records(codes(300, 40.0), "I8", "segments", 1, ((0, 1, 8),), "raw"),
        "constant": floats(np.full(3000, 0xBF81, "<u2"), "BF16", "balanced"),
        "empty": floats(plain[:0], "BF16", "balanced"),
    }


def main() -> None:
    DATA.mkdir(exist_ok=True)
    for name, (blob, raw) in encoded().items():
        if blob[4] != VERSION:
            continue  # the golden files of version 1 hold them
        (DATA / f"v{VERSION}_{name}.mdwb").write_bytes(blob.tobytes())
        (DATA / f"v{VERSION}_{name}.bin").write_bytes(raw.tobytes())


if __name__ == "__main__":
    main()
