"""Reader of packed files: headers checked to the last byte, blobs mapped and decoded when asked."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meadow_py import blobs
from meadow_py.blobs import planes
from meadow_py.checkpoint.format.layout import (
    ALIGNMENT,
    REGIONS,
    REST,
    aligned,
    check_header,
    number,
)
from meadow_py.checkpoint.format.manifest import check_inside
from meadow_py.checkpoint.format.region_table import (
    STORED,
    PackedRegion,
    RegionTable,
    table_from_json,
)
from meadow_py.checkpoint.format.rest import decode_rest
from meadow_py.errors import FormatError
from meadow_py.sources.gguf_header import Header, read_header
from meadow_py.sources.safetensors import MAX_HEADER, read_safetensors
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import Bytes, Tensor


class PackedFile:
    """One packed file. A context manager.

    Attributes
    ----------
    path : path
    metadata : mapping of str to str
        The words of the header.
    table : RegionTable
        The regions of the original.
    source_name, source_sha256 : str
        The original file, its name relative to its folder.
    source_size : int
        Bytes of the original.
    size : int
        Bytes of this file.
    header_sha256 : str
        Of the header, which holds the checksums of the rest of the file.

    Raises
    ------
    FormatError
        If the file is truncated, newer, or anything but a blob or the rest has changed.
    """

    def __init__(self, path: Path) -> None:
        tensors, self._mapped = read_safetensors(path)
        try:
            self._open(path, {tensor.name: tensor for tensor in tensors})
        except BaseException:
            self.close()
            raise

    def _open(self, path: Path, tensors: dict[str, Tensor]) -> None:
        self.path, self.size = path, self._mapped.size
        self._tensors = tensors
        self.metadata = self._metadata()
        where = str(path)
        self.source_name = check_inside(self.metadata["source"], where)
        self.source_size = number(self.metadata, "source_size", where)
        self.source_sha256 = self.metadata["source_sha256"]
        self._check_stored()
        text = self._stored(REGIONS).raw().tobytes()
        if hashlib.sha256(text).hexdigest() != self.metadata["regions_sha256"]:
            raise FormatError(f"{path}: corrupt: the table of regions has another checksum")
        self.table: RegionTable = table_from_json(text, self.source_size, where)
        self._check_sizes()

    def blob(self, packed: PackedRegion) -> Bytes:
        """The coded bytes of a region, padding left out."""
        stored = self._stored(packed.stored).raw()
        if stored[packed.size :].any():
            raise self._damaged(packed, "the padding behind its blob is not zero")
        return stored[: packed.size]

    def info(self, packed: PackedRegion) -> blobs.BlobInfo:
        """What the header of a blob says; it must agree with the table of regions.

        Not for regions that are stored without a blob.
        """
        blob = self.blob(packed)
        try:
            found = blobs.info(blob)
        except FormatError as error:
            raise self._damaged(packed, str(error)) from error
        if found.nbytes != packed.region.length:
            said = f"its blob holds {found.nbytes} B, expected {packed.region.length}"
            raise self._damaged(packed, said)
        return found

    def planes(self, packed: PackedRegion) -> Bytes:
        """The mapped blob of a region in the runtime codec.

        Its head agrees with the table of regions; its codes and lower bytes are not read.

        Raises
        ------
        FormatError
            If the head is damaged, or says another dtype or shape; names the file and the tensor.
        """
        region, blob = packed.region, self.blob(packed)
        if self.info(packed).kind != planes.CODEC:
            raise self._damaged(packed, "its blob holds no planes, as the table of regions says")
        dtype, shape = planes.dtype_and_shape(blob)
        if (dtype, shape) != (region.dtype, region.shape):
            said = f"its blob holds {list(shape)} of {dtype}"
            raise self._damaged(packed, f"{said}, expected {list(region.shape)} of {region.dtype}")
        return blob

    def decode(self, packed: PackedRegion, threads: int = 0) -> Bytes:
        """All bytes of a region, in an array of their own.

        Raises
        ------
        FormatError
            If its blob is damaged; names the file and the tensor.
        """
        if packed.codec == STORED:
            return self._as_stored(packed)
        self.info(packed)
        try:
            return blobs.decode(self.blob(packed), threads=threads)
        except FormatError as error:
            raise self._damaged(packed, str(error)) from error

    def decode_range(self, packed: PackedRegion, begin: int, end: int) -> Bytes:
        """Some bytes of a region that has a blob, on this thread; reads only what holds them."""
        try:
            return blobs.decode_range(self.blob(packed), begin, end, threads=1)
        except FormatError as error:
            raise self._damaged(packed, str(error)) from error

    def rest(self) -> bytes:
        """Everything of the original that is in no region, in order."""
        entry = self.table.rest
        coded = self._stored(REST).raw().tobytes()
        if zlib.crc32(coded) != entry.crc32:
            raise FormatError(f"{self.path}: corrupt: the rest has another checksum")
        return decode_rest(entry.coding, coded, entry.length, str(self.path))

    def floor(self, packed: PackedRegion) -> float:
        """The least bytes that a coder of these symbols can reach: without a blob, all of them."""
        if packed.codec == STORED:
            return float(packed.region.length)
        return self.info(packed).floor_bits / 8

    def padded_size(self, packed: PackedRegion) -> int:
        """Bytes that a region takes in this file."""
        return aligned(packed.size)

    def close(self) -> None:
        """Forget the mapping; it ends with the last array that views it."""
        self._mapped.close()

    def __enter__(self) -> PackedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _as_stored(self, packed: PackedRegion) -> Bytes:
        made = np.array(self.blob(packed))
        if zlib.crc32(made.data) != packed.crc32:
            raise self._damaged(packed, "it has another checksum")
        return made

    def _metadata(self) -> Mapping[str, str]:
        """The words of the header, after all its checks."""
        size = int.from_bytes(self._mapped.read(0, 8).tobytes(), "little")
        made = self._mapped.read(0, 8 + min(size, MAX_HEADER)).tobytes()
        found = parse_object(made[8:], f"{self.path}: header").get("__metadata__") or {}
        check_header(made, found, str(self.path))
        self.header_sha256 = hashlib.sha256(made).hexdigest()
        if (8 + size) % ALIGNMENT:
            raise FormatError(f"{self.path}: the header ends at byte {8 + size}, not aligned")
        return dict(found)

    def _stored(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise FormatError(f"{self.path}: {name!r} is missing")
        return self._tensors[name]

    def _check_stored(self) -> None:
        for tensor in self._tensors.values():
            if tensor.dtype != "U8" or len(tensor.shape) != 1:
                raise FormatError(
                    f"{self.path}: {tensor.name!r} is {tensor.dtype} {list(tensor.shape)}, "
                    "expected bytes"
                )

    def _check_sizes(self) -> None:
        """Blobs stand in the order of their regions, then the rest, then the table."""
        expected = {packed.stored: self.padded_size(packed) for packed in self.table.regions}
        expected |= {REST: self.table.rest.size}
        for name, size in expected.items():
            if self._stored(name).nbytes != size:
                raise FormatError(
                    f"{self.path}: {name!r} has {self._stored(name).nbytes} B, expected {size}"
                )
        if list(self._tensors) != [*expected, REGIONS]:
            raise FormatError(f"{self.path}: blobs, rest and table are not in this order")

    def _damaged(self, packed: PackedRegion, said: str) -> FormatError:
        return FormatError(f"{self.path}: tensor {packed.region.name!r}: {said}")


def gguf_header(packed: PackedFile) -> Header:
    """The header of the original.

    Raises
    ------
    FormatError
        If it is corrupt.
    """
    return read_header(_Start(packed))


def gguf_metadata(packed: PackedFile) -> dict[str, Any]:
    """The metadata of the original, without the arrays of the tokenizer."""
    return gguf_header(packed).metadata


class _Start:
    """The bytes before the first region, as a file."""

    def __init__(self, packed: PackedFile) -> None:
        self.path: Path = packed.path
        regions = packed.table.regions
        end = regions[0].region.offset if regions else packed.source_size
        self._data = np.frombuffer(packed.rest()[:end], np.uint8)
        self.size = self._data.size

    def read(self, offset: int, size: int) -> Bytes:
        return self._data[offset : offset + size]
