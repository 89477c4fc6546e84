"""The sizes that the core states, against blobs that it made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from meadow_py import _core, blobs
from meadow_py.blobs.layout import BlobInfo


def gaussian_blob(codec: str) -> npt.NDArray[np.uint8]:
    bits = np.random.default_rng(3).normal(size=(96, 4096)).astype(np.float32).view(np.uint32)
    raw = (bits >> 16).astype(np.uint16).reshape(-1).view(np.uint8)
    return blobs.encode(raw, "BF16", bits.shape, codec=codec)


def fixed_head(info: BlobInfo) -> int:
    entries = len(info.planes) * _core.BLOB_PLANE_BYTES + len(info.tiles) * _core.BLOB_TILE_BYTES
    return _core.BLOB_FIXED_BYTES + entries + _core.BLOB_CHECKSUM_BYTES


def test_a_head_without_tables_has_the_stated_size() -> None:
    info = blobs.info(gaussian_blob("raw"))
    assert len(info.tiles) > 1
    assert {plane.coding for plane in info.planes} == {"raw"}
    assert info.bytes - sum(info.tiles) == fixed_head(info)


def test_sizes_in_tiles_are_of_coded_planes_alone() -> None:
    sizes = _core.CODING_SIZE_BYTES
    assert sizes == {"constant": 0, "raw": 0, "huffman": 4 + 2 * 5, "rans": 4, "tiled": 4}
    blob = gaussian_blob("huffman")
    info = blobs.info(blob)
    sign, exponent, mantissa = info.planes
    assert [p.coding for p in info.planes] == ["raw", "huffman", "raw"]
    assert (sign.width, exponent.width, mantissa.width) == (1, 8, 7)
    tile = blob[info.bytes - sum(info.tiles) :][: info.tiles[0]]
    payload = int.from_bytes(tile[:4].tobytes(), "little")
    assert len(tile) == 4 + payload + info.tile_records  # of the raw planes: 8 bits a value
    begin = 4 + info.tile_records // 8
    inside = tile[begin : begin + sizes["huffman"] - 4]
    assert 0 < int(np.frombuffer(inside.tobytes(), np.uint16).sum()) < payload - inside.size


def test_blocks_of_planes_hold_their_codes_and_lower_bytes() -> None:
    blob = gaussian_blob("planes")
    found = _core.planes_info(blob)
    assert blob[:4].tobytes() == _core.PLANES_MAGIC
    assert len(found["block_bytes"]) == found["blocks"] > 1
    assert sum(found["block_bytes"]) == found["codes"] + found["lower"]
    rows, step = found["rows"], found["block_rows"]
    # Four rows of 32 columns take 64 B of codes and 128 lower bytes.
    sizes = [min(step, rows - begin) // 4 * (4096 // 32) * 192 for begin in range(0, rows, step)]
    assert list(blobs.info(blob).tiles) == sizes
    assert 1 << _core.PLANES_CODE_BITS == _core.PLANES_TABLE_ENTRIES
    assert found["tables"] == -(-found["rows"] // 64) * _core.PLANES_TABLE_ENTRIES


@pytest.mark.parametrize(("bits", "chunk"), [(_core.MAX_CODE_BITS, 1), (8, _core.MAX_CHUNK)])
def test_limits_of_coded_streams(bits: int, chunk: int) -> None:
    codes = np.arange(64, dtype=np.uint32 if bits > 8 else np.uint8).reshape(2, 32)
    stream = _core.Chunks(codes, bits, chunk).pack_dictionary()
    found = _core.stream_info(stream)
    assert (found["bits"], found["chunk"]) == (bits, chunk)
    assert found["codec"] in _core.STREAM_CODECS
    np.testing.assert_array_equal(_core.decode(stream), codes)
    with pytest.raises(ValueError, match=r"chunk|bits"):
        _core.Chunks(codes, bits + 1 if bits == _core.MAX_CODE_BITS else bits, chunk + 1)
