"""Bad arguments and damaged blobs: which error, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from meadow_py import FormatError, blobs

RAW = np.arange(4000).astype(np.uint8)
BLOB = blobs.encode(RAW, "U8", (4000,))


def read_only(size: int) -> np.ndarray:
    out = np.empty(size, np.uint8)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    "raw",
    [
        RAW.reshape(40, 100), RAW[::2], RAW[::-1], RAW.view("<f4"), "abc", None, [1, 2], 7,
        memoryview(b"abcdef")[::2],
    ],
    ids=["2-D", "strided", "reversed", "floats", "str", "None", "list", "int", "strided view"],
)  # fmt: skip
def test_what_is_not_bytes_in_a_row_is_a_type_error(raw: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: blobs.encode(raw, "U8", (3,)),
        lambda: blobs.decode(raw),
        lambda: blobs.decode_range(raw, 0, 1),
        lambda: blobs.info(raw),
        lambda: blobs.verify(raw),
    ]
    if raw is not None:  # as `out`: memory of decode's own
        calls.append(lambda: blobs.decode(BLOB, out=raw))
    for call in calls:
        with pytest.raises(TypeError, match=r"(raw|blob|out): expected .*, found "):
            call()


@pytest.mark.parametrize("raw", [b"abc", bytearray(b"abc"), memoryview(b"abc"), b""])
def test_any_buffer_of_bytes_is_taken(raw: Any) -> None:
    blob = blobs.encode(raw, "U8", (len(raw),))
    for held in (blob, blob.tobytes(), bytearray(blob), memoryview(blob)):
        assert blobs.decode(held).tobytes() == bytes(raw)


@pytest.mark.parametrize(
    ("dtype", "shape", "message"),
    [
        ("BF16", (3, 7), r"raw: expected 42 bytes for shape \(3, 7\) of BF16, found 4000"),
        ("F32", (1001,), "raw: expected 4004 bytes"),
        ("F16", (), "raw: expected 2 bytes"),
        ("BF16", (1, 1 << 70), "raw: expected "),
        ("U8", (2, -5), r"shape \(2, -5\): expected no negative length"),
        ("a b", (4000,), "dtype: expected a name of at most 16 letters, found 'a b'"),
        ("\u00e9", (4000,), "dtype: expected a name"),
    ],
)
def test_shapes_and_names_that_do_not_fit_are_value_errors(
    dtype: str, shape: tuple[int, ...], message: str
) -> None:
    for codec in blobs.CODECS:
        with pytest.raises(ValueError, match=message):
            blobs.encode(RAW, dtype, shape, codec=codec)


def test_dtypes_and_shapes_of_other_types_are_type_errors() -> None:
    with pytest.raises(TypeError, match="dtype: expected a string such as 'BF16', found int"):
        blobs.encode(RAW, 5, (4000,))  # type: ignore[arg-type]
    for shape in (4000, "ab", (1.5,), (None,)):
        with pytest.raises(TypeError):
            blobs.encode(RAW, "BF16", shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", ["zip", None, [], "RANS"])
def test_codecs_that_are_not_known_are_value_errors(codec: Any) -> None:
    with pytest.raises(ValueError, match=r"codec .*: expected one of auto, fast, small, huffman"):
        blobs.encode(RAW, "U8", (4000,), codec=codec)


@pytest.mark.parametrize(
    ("dtype", "groups"),
    [
        ("BF16", (4, 4)), ("BF16", (9, 7)), ("BF16", ()), ("BF16", (16,)), ("BF16", (0, 8, 8)),
        ("BF16", (-1, 8, 9)), ("F32", (1, 8, 7)), ("U8", (8, 8)), ("F8_E4M3", (1, 4, 4)),
        ("OWN", (3,)), ("OWN", (8, 8, 8)), ("OWN", (8,) * 16),
    ],
)  # fmt: skip
def test_groups_that_do_not_fit_are_value_errors(dtype: str, groups: tuple[int, ...]) -> None:
    shape = (4000 // {"BF16": 2, "F32": 4}.get(dtype, 1),)
    with pytest.raises(ValueError, match=r"groups: expected widths|expected 1, 2, 4 or 8"):
        blobs.encode(RAW, dtype, shape, codec="huffman", groups=groups)


def test_groups_need_the_codec_that_has_them() -> None:
    with pytest.raises(ValueError, match="groups need codec='huffman', found codec='auto'"):
        blobs.encode(RAW, "BF16", (2000,), groups=(1, 8, 7))
    with pytest.raises(TypeError):
        blobs.encode(RAW, "BF16", (2000,), codec="huffman", groups=(8.0, 8.0))  # type: ignore[arg-type]


def test_memory_of_another_size_or_read_only_is_a_value_error() -> None:
    for size in (0, 3999, 4001):
        with pytest.raises(ValueError, match=f"expected 4000 bytes, found {size}"):
            blobs.decode(BLOB, out=np.empty(size, np.uint8))
    for out in (read_only(4000), bytes(4000)):
        with pytest.raises(ValueError, match="out: expected memory that may be written"):
            blobs.decode(BLOB, out=out)  # type: ignore[arg-type]


def test_memory_of_the_blob_itself_is_a_value_error() -> None:
    memory = np.zeros(BLOB.size + 4000, np.uint8)
    memory[: BLOB.size] = BLOB
    for begin in (0, BLOB.size - 1):
        with pytest.raises(ValueError, match="out: shares memory with the blob"):
            blobs.decode(memory[: BLOB.size], out=memory[begin : begin + 4000])
    assert blobs.decode(memory[: BLOB.size], out=memory[BLOB.size :]).tobytes() == RAW.tobytes()


def test_what_is_no_row_of_integers_is_named() -> None:
    for shape in (None, 2000, 1.5, (2.5,)):
        with pytest.raises(TypeError, match="shape: expected integers, as"):
            blobs.encode(RAW, "BF16", shape)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="groups: expected integers, as"):
        blobs.encode(RAW, "BF16", (2000,), codec="huffman", groups=8)  # type: ignore[arg-type]
    for dtype in ("\ud800", "BF16\u00e9"):
        with pytest.raises(ValueError, match="dtype: expected a name such as 'BF16'"):
            blobs.encode(RAW, dtype, (2000,))


@pytest.mark.parametrize(("begin", "end"), [(-1, 5), (5, 1), (0, 4001), (4001, 4001)])
def test_ranges_outside_are_value_errors(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match=r"range .*: expected one inside 0\.\.4000"):
        blobs.decode_range(BLOB, begin, end)


def test_ranges_are_of_integers() -> None:
    with pytest.raises(TypeError):
        blobs.decode_range(BLOB, 0.5, 1)  # type: ignore[arg-type]
    assert blobs.decode_range(BLOB, np.int64(3), np.uint8(9)).tobytes() == RAW[3:9].tobytes()


@pytest.mark.parametrize("threads", [-1, 1.5, True, 100_000])
def test_numbers_of_threads_are_checked(threads: Any) -> None:
    for call in (
        lambda: blobs.encode(RAW, "U8", (4000,), threads=threads),
        lambda: blobs.decode(BLOB, threads=threads),
        lambda: blobs.decode_range(BLOB, 0, 1, threads=threads),
        lambda: blobs.verify(BLOB, threads=threads),
    ):
        with pytest.raises(ValueError, match="threads="):
            call()


# -- damage -------------------------------------------------------------------------------------


def changed(at: int, value: int) -> bytes:
    blob = bytearray(BLOB)
    blob[at] = value
    return bytes(blob)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "blob: expected at least 80 bytes, found 0"),
        (bytes(100), "blob: expected the magic bytes 'MDWB' at its start"),
        (BLOB[:-1].tobytes(), r"blob: expected \d+ bytes, found \d+"),
        (changed(4, 3), r"blob: version 3 is newer than this library reads \(2\); update it"),
        (changed(4, 0), "blob: version: expected 1 to 2, found 0"),
        (changed(50, 65), "blob: the checksum of its head does not match"),
        (changed(-1, 0), "blob: tile 0 does not match its checksum"),
        (BLOB.tobytes() + b"\1", "blob: bytes after its end: expected zeros"),
    ],
)
def test_damage_is_a_format_error_that_says_what(blob: bytes, message: str) -> None:
    for call in (blobs.decode, blobs.verify):
        with pytest.raises(FormatError, match=message):
            call(blob)


def test_every_flipped_bit_is_a_format_error() -> None:
    values = np.random.default_rng(1).standard_normal((16, 40)).astype("<f4").view("<u4") >> 16
    blob = blobs.encode(values.astype("<u2").tobytes(), "BF16", values.shape)
    assert "huffman" in blobs.info(blob).codec
    for bit in range(8 * blob.size):
        flipped = blob.copy()
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            blobs.verify(flipped)


def test_a_damaged_tile_leaves_no_crash_behind() -> None:
    damaged = changed(-1, 0)
    for _ in range(3):
        with pytest.raises(FormatError):
            blobs.decode(damaged)
    np.testing.assert_array_equal(blobs.decode(BLOB), RAW)
