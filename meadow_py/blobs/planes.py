"""Planes: floats in the runtime codec, which products read directly from a mapped file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from meadow_py.blobs.layout import FLOATS, PLANES, BlobInfo, PlaneInfo

Bytes = npt.NDArray[np.uint8]

CODEC = PLANES
SECTIONS = ("head", "codes", "lower", "tables", "escapes", "escaped")


def is_planes(blob: Bytes) -> bool:
    """Whether a blob begins as a blob of planes."""
    from meadow_py._core import PLANES_MAGIC

    return blob[: len(PLANES_MAGIC)].tobytes() == PLANES_MAGIC


def encode(data: Bytes, dtype: str, shape: Sequence[int], threads: int) -> Bytes | None:
    """A matrix of floats as planes; None if planes cannot hold it or would not make it smaller."""
    from meadow_py import _core

    if dtype not in FLOATS or len(shape) != 2:
        return None
    rows, columns = shape
    return _core.encode_planes(data, dtype, rows, columns, threads)


def info(blob: Bytes) -> BlobInfo:
    """The head of a blob of planes, described as for other blobs. A tile is a block of rows.

    Raises
    ------
    FormatError
        If it is truncated, corrupt or of a newer version.
    """
    from meadow_py import _core

    found = _core.planes_info(blob)
    rows, columns = found["rows"], found["columns"]
    entries, longest = _core.PLANES_TABLE_ENTRIES, _core.PLANES_CODE_BITS
    upper = PlaneInfo(8, 1, 8, CODEC, entries, longest, found["tables"])
    return BlobInfo(
        dtype=found["dtype"],
        kind=CODEC,
        content="BF16",
        nbytes=found["nbytes"],
        bytes=found["bytes"],
        records=rows * columns,
        record_bytes=FLOATS[found["dtype"]],
        tile_records=found["block_rows"] * columns,
        floor_bits=found["floor_bits"],
        tiles=found["block_bytes"],
        planes=(upper, PlaneInfo(0, 1, 8, "raw", 0, 0, 0)),
        row_bases=0,
        column_bases=0,
        sections={name: found[name] for name in SECTIONS},
    )


def dtype_and_shape(blob: Bytes) -> tuple[str, tuple[int, int]]:
    """Dtype and shape of the matrix in a blob of planes. Raises the same errors as `info`."""
    from meadow_py import _core

    found = _core.planes_info(blob)
    return found["dtype"], (found["rows"], found["columns"])
