"""Golden blobs, by the core and by a decoder written from docs/format.md alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import reference_decoder
from hypothesis import given, settings
from hypothesis import strategies as st

from meadow_py import FormatError, blobs
from meadow_py.blobs.layout import LAYOUTS

DATA = Path(__file__).parent / "data"
GOLDEN = sorted(path.stem for path in DATA.glob("*.mdwb"))


def golden(name: str) -> tuple[bytes, bytes]:
    return (DATA / f"{name}.mdwb").read_bytes(), (DATA / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_blobs_decode_for_ever(name: str) -> None:
    blob, expected = golden(name)
    assert blobs.decode(blob).tobytes() == expected
    assert reference_decoder.decode(blob) == expected


def test_golden_blobs_hold_every_kind_and_coding() -> None:
    about = [blobs.info(golden(name)[0]) for name in GOLDEN]
    assert {blob.kind for blob in about} == {"segments", "groups", "scaled", "grid", "palette"}
    codings = {(blob.kind, plane.coding) for blob in about for plane in blob.planes}
    assert {coding for _, coding in codings} == {"constant", "raw", "huffman", "rans", "tiled"}
    assert {blob.content for blob in about} == {None, "BF16", "F16", "F32"}
    scaled = blobs.info(golden("v1_scaled_bf16")[0])
    assert (scaled.row_bases, scaled.column_bases) == (24, 48)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_prefix_of_a_golden_blob_is_truncated(name: str) -> None:
    blob, _ = golden(name)
    assert blob
    for size in range(0, len(blob), 1 if len(blob) < 500 else 7):
        with pytest.raises(FormatError, match=r"blob: expected .* bytes, found \d+"):
            blobs.info(blob[:size])


# -- random blobs against the document ----------------------------------------------------------

_DTYPES = ["BF16", "F16", "F32", "I8", "F64", "I16", *sorted(LAYOUTS)]


@st.composite
def tensors(draw: st.DrawFn) -> tuple[bytes, str, tuple[int, ...], str]:
    """Bytes, dtype, shape and codec; few distinct bytes and long runs, so that tables pay."""
    dtype = draw(st.sampled_from(_DTYPES))
    size = {"BF16": 2, "F16": 2, "F32": 4, "I8": 1}.get(dtype)
    size = size or LAYOUTS[dtype].record_bytes
    rows, columns = draw(st.sampled_from([(1, 7), (1, 130), (8, 40), (17, 33), (5, 1), (0, 4)]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = rows * columns * size
    values = random.integers(0, draw(st.integers(1, 256)), count).astype(np.uint8)
    if draw(st.booleans()) and dtype in ("BF16", "F16", "F32"):
        normal = random.standard_normal((rows, columns)) * np.exp2(
            random.integers(-7, 6, columns) * draw(st.integers(0, 2))
        )
        if draw(st.booleans()):  # as after simulated quantisation, one scale for each row
            steps = np.rint(random.standard_normal((rows, columns)) * draw(st.integers(1, 30)))
            uneven = np.abs(steps) ** draw(st.sampled_from([1.0, 1.5]))
            normal = np.copysign(uneven, steps) * random.uniform(0.01, 0.02, (rows, 1))
        wide = normal.astype("<f4").view("<u4")
        floats = {"BF16": (wide >> 16).astype("<u2"), "F16": normal.astype("<f2"), "F32": wide}
        values = np.frombuffer(floats[dtype].tobytes(), np.uint8)
    elif draw(st.booleans()):
        values = np.where(random.random(count) < 0.05, values, 3).astype(np.uint8)
    return values.tobytes(), dtype, (rows, columns), draw(st.sampled_from(list(blobs.CODECS)))


@given(tensors())
@settings(max_examples=150)
def test_the_document_describes_what_the_core_writes(
    tensor: tuple[bytes, str, tuple[int, ...], str],
) -> None:
    raw, dtype, shape, codec = tensor
    blob = blobs.encode(raw, dtype, shape, codec=codec)
    assert blobs.decode(blob).tobytes() == raw
    assert reference_decoder.decode(blob.tobytes()) == raw


def test_tiles_and_padding_are_as_the_document_says() -> None:
    random = np.random.default_rng(8)
    raw = np.where(random.random(300_000) < 0.02, 7, 200).astype(np.uint8)
    blob = blobs.encode(raw, "U8", raw.shape, codec="small")
    assert len(blobs.info(blob).tiles) > 1
    assert reference_decoder.decode(blob.tobytes() + bytes(37)) == raw.tobytes()


@pytest.mark.parametrize("widths", [(1, 8, 7), (8, 8), (1, 3, 5, 4, 3), (1,) * 16])
def test_groups_are_as_the_document_says(widths: tuple[int, ...]) -> None:
    values = np.random.default_rng(9).standard_normal(700).astype("<f4").view("<u4") >> 16
    raw = values.astype("<u2").tobytes()
    blob = blobs.encode(raw, "BF16", (700,), codec="huffman", groups=widths)
    assert [plane.width for plane in blobs.info(blob).planes] == list(widths)
    assert reference_decoder.decode(blob.tobytes()) == raw
