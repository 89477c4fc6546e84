"""Reader of packed files: checks headers to the last byte, maps blobs and decodes on demand."""

from __future__ import annotations

import functools
import hashlib
import os
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

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
from meadow_py.checkpoint.format.manifest import PackedEntry, check_inside
from meadow_py.checkpoint.format.region_table import (
    STORED,
    PackedRegion,
    RegionTable,
    table_from_json,
)
from meadow_py.checkpoint.format.rest import decode_rest
from meadow_py.errors import FormatError
from meadow_py.jobs.tasks import in_order
from meadow_py.sources.folder import is_packed_folder
from meadow_py.sources.model_files import PACKED_SUFFIX
from meadow_py.sources.safetensors import MAX_HEADER, is_packed, read_safetensors
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import Bytes, Tensor

_HASHED_AT_ONCE = 1 << 28  # bytes


class PackedFile:
    """One packed file, as a context manager.

    Attributes
    ----------
    path : path
    metadata : mapping of str to str
        The words of the header.
    version : int
        The version of its format.
    table : RegionTable
        The regions of the original.
    source_name, source_sha256 : str
        Name of the original file, relative to its folder, and its SHA-256.
    source_size : int
        Size of the original in bytes.
    size : int
        Size of this file in bytes.
    header_sha256 : str
        SHA-256 of the header, which holds the checksums of the rest of the file.

    Raises
    ------
    FormatError
        If the file is truncated or newer than this library, or if anything except blobs and the
        rest has changed.
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
        self.version = int(self.metadata["version"])
        where = str(path)
        self.source_name = check_inside(self.metadata["source"], where)
        self.source_size = number(self.metadata, "source_size", where)
        self.source_sha256 = self.metadata["source_sha256"]
        self._check_stored()
        text = self._stored(REGIONS).raw().tobytes()
        if hashlib.sha256(text).hexdigest() != self.metadata["regions_sha256"]:
            raise FormatError(
                f"{path}: corrupt: the checksum of the table of regions does not match"
            )
        self.table: RegionTable = table_from_json(text, self.source_size, where, self.version)
        self._check_sizes()

    def blob(self, packed: PackedRegion) -> Bytes:
        """The coded bytes of a region, without padding."""
        stored = self._stored(packed.stored).raw()
        if stored[packed.size :].any():
            raise self._damaged(packed, "the padding after its blob is not zero")
        return stored[: packed.size]

    def info(self, packed: PackedRegion) -> blobs.BlobInfo:
        """The header of a region's blob, which must agree with the table of regions.

        The region must not be stored without a blob.
        """
        blob = self.blob(packed)
        try:
            found = blobs.info(blob)
        except FormatError as error:
            raise self._damaged(packed, str(error)) from error
        if found.nbytes != packed.region.length:
            said = f"its blob holds {found.nbytes} B, expected {packed.region.length}"
            raise self._damaged(packed, said)
        if packed.head_crc32 is not None:
            crc = zlib.crc32(blob[: found.head_bytes].data)
            if crc != packed.head_crc32:
                said = (
                    f"the head of its blob has CRC-32 {crc:08x}, expected {packed.head_crc32:08x}"
                )
                raise self._damaged(packed, f"{said}: is it the blob of another tensor?")
        return found

    def check_head(self, packed: PackedRegion) -> None:
        """Check the head of a region's blob; of a region without a blob, all of its bytes.

        Raises
        ------
        FormatError
            If they are damaged, or those of another tensor. The message names the file and the
            tensor. In version 1, the table of regions has no checksums of heads.
        """
        if packed.codec == STORED:
            self._as_stored(packed)
        else:
            self.info(packed)

    def planes(self, packed: PackedRegion) -> Bytes:
        """The mapped blob of a region in the runtime codec.

        Its header must agree with the table of regions; its codes and lower bytes are not read.

        Raises
        ------
        FormatError
            If the header is damaged, or has another dtype or shape. The message names the file and
            the tensor.
        """
        region, blob = packed.region, self.blob(packed)
        if self.info(packed).kind != planes.CODEC:
            raise self._damaged(
                packed, "its blob holds no planes, although the table of regions says so"
            )
        dtype, shape = planes.dtype_and_shape(blob)
        if (dtype, shape) != (region.dtype, region.shape):
            said = f"its blob holds {list(shape)} of {dtype}"
            raise self._damaged(packed, f"{said}, expected {list(region.shape)} of {region.dtype}")
        return blob

    def decode(self, packed: PackedRegion, threads: int = 0) -> Bytes:
        """All bytes of a region, in a new array.

        Raises
        ------
        FormatError
            If its blob is damaged. The message names the file and the tensor.
        """
        if packed.codec == STORED:
            return self._as_stored(packed)
        self.info(packed)
        try:
            made = blobs.decode(self.blob(packed), threads=threads)
        except FormatError as error:
            raise self._damaged(packed, str(error)) from error
        self._check_bytes(packed, made)
        return made

    def decode_range(self, packed: PackedRegion, begin: int, end: int) -> Bytes:
        """Bytes of a region that has a blob, decoded on this thread from only the tiles needed."""
        try:
            return blobs.decode_range(self.blob(packed), begin, end, threads=1)
        except FormatError as error:
            raise self._damaged(packed, str(error)) from error

    def rest(self) -> bytes:
        """All bytes of the original that are in no region, in order."""
        entry = self.table.rest
        coded = self._stored(REST).raw().tobytes()
        if zlib.crc32(coded) != entry.crc32:
            raise FormatError(f"{self.path}: corrupt: the checksum of the rest does not match")
        return decode_rest(entry.coding, coded, entry.length, str(self.path))

    def check_data(self, threads: int) -> None:
        """Compare the SHA-256 of all coded bytes, which version 1 does not record.

        Raises
        ------
        FormatError
            If it differs.
        """
        expected = self.metadata.get("data_sha256")
        if expected is None:
            return
        tensors = [self._tensors[name] for name in self._tensors if name != REGIONS]
        tasks = ((tensor.nbytes, functools.partial(_sha256, tensor)) for tensor in tensors)
        digest = hashlib.sha256()
        with closing(in_order(tasks, threads, _HASHED_AT_ONCE)) as found:
            for one in found:
                digest.update(one)
        if digest.hexdigest() != expected:
            raise FormatError(
                f"{self.path}: corrupt: its coded bytes have SHA-256 {digest.hexdigest()}, "
                f"expected {expected}"
            )

    def floor(self, packed: PackedRegion) -> float:
        """The fewest bytes that a coder of these symbols can reach; without a blob, all of them."""
        if packed.codec == STORED:
            return float(packed.region.length)
        return self.info(packed).floor_bits / 8

    def padded_size(self, packed: PackedRegion) -> int:
        """Size of a region in this file, in bytes."""
        return aligned(packed.size)

    def close(self) -> None:
        """Drop the mapping. It ends when the last array that views it is gone."""
        self._mapped.close()

    def __enter__(self) -> PackedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _as_stored(self, packed: PackedRegion) -> Bytes:
        made = np.array(self.blob(packed))
        self._check_bytes(packed, made)
        return made

    def _check_bytes(self, packed: PackedRegion, made: Bytes) -> None:
        found = zlib.crc32(made.data)
        if found != packed.crc32:
            said = f"its bytes have CRC-32 {found:08x}, expected {packed.crc32:08x}"
            raise self._damaged(packed, said)

    def _metadata(self) -> Mapping[str, str]:
        """The metadata of the header, fully checked."""
        size = int.from_bytes(self._mapped.read(0, 8).tobytes(), "little")
        made = self._mapped.read(0, 8 + min(size, MAX_HEADER)).tobytes()
        found = parse_object(made[8:], f"{self.path}: header").get("__metadata__") or {}
        check_header(made, found, str(self.path))
        self.header_sha256 = hashlib.sha256(made).hexdigest()
        if (8 + size) % ALIGNMENT:
            raise FormatError(
                f"{self.path}: the header ends at byte {8 + size}, not at a multiple of {ALIGNMENT}"
            )
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
        """Check the order: blobs in the order of their regions, then the rest, then the table."""
        expected = {packed.stored: self.padded_size(packed) for packed in self.table.regions}
        expected |= {REST: self.table.rest.size}
        for name, size in expected.items():
            if self._stored(name).nbytes != size:
                raise FormatError(
                    f"{self.path}: {name!r} has {self._stored(name).nbytes} B, expected {size}"
                )
        if list(self._tensors) != [*expected, REGIONS]:
            raise FormatError(
                f"{self.path}: expected the blobs in the order of their regions, then the rest, "
                "then the table"
            )

    def _damaged(self, packed: PackedRegion, said: str) -> FormatError:
        return FormatError(f"{self.path}: tensor {packed.region.name!r}: {said}")


def _sha256(tensor: Tensor) -> bytes:
    return hashlib.sha256(tensor.raw().data).digest()


def packed_path(path: str | os.PathLike[str]) -> Path:
    """The path itself, if there is a folder or a regular file that looks packed.

    Raises
    ------
    FileNotFoundError, PermissionError
        If there is no such folder or file, or it may not be read.
    ValueError
        If it is neither a folder nor a regular file.
    FormatError
        If it is no packed model. One that is merely damaged passes.
    """
    place = Path(path).expanduser()
    try:
        place.stat()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no folder or file {str(path)!r}: expected a model that `meadow pack` made"
        ) from None
    if not place.is_dir() and not place.is_file():
        raise ValueError(f"{place}: not a regular file, but a device, a pipe or a socket")
    if place.is_dir():
        looks_packed = is_packed_folder(place)
    else:  # the name of a packed file tells where its first bytes are damaged
        looks_packed = is_packed(place) or place.name.endswith(PACKED_SUFFIX)
    if not looks_packed:
        raise FormatError(f"{place} is not packed: expected a model that `meadow pack` made")
    return place


class FileRecord(NamedTuple):
    """The manifest's facts about a packed file; `checksum` is that of its header."""

    size: int
    checksum: str
    source_size: int
    source_sha256: str
    tensors: tuple[str, ...]


def record_of(packed: PackedFile) -> FileRecord:
    """The manifest's facts about a packed file."""
    tensors = [entry.region for entry in packed.table.regions if entry.region.is_tensor]
    return FileRecord(
        packed.size,
        packed.header_sha256,
        packed.source_size,
        packed.source_sha256,
        tuple(region.name for region in tensors),
    )


def check_entry(packed: PackedFile, entry: PackedEntry) -> None:
    """Raise FormatError if a packed file is not the one that the manifest describes."""
    record = record_of(packed)
    found = PackedEntry(
        entry.name,
        record.size,
        record.checksum,
        packed.source_name,
        record.source_size,
        record.source_sha256,
        record.tensors,
    )
    for key, value in vars(entry).items():
        if getattr(found, key) != value:
            raise FormatError(
                f"{packed.path}: not the file of this folder: {key} is {getattr(found, key)!r}, "
                f"but the manifest says {value!r}"
            )
