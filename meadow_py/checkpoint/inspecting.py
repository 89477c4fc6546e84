"""`inspect`: what a packed model consists of, from headers alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.checkpoint.card import model_card
from meadow_py.checkpoint.config import original_config
from meadow_py.checkpoint.layout import VERSION
from meadow_py.checkpoint.manifest import (
    MANIFEST,
    CarriedEntry,
    Manifest,
    PackedEntry,
    read_manifest,
)
from meadow_py.checkpoint.reading import PackedFile
from meadow_py.checkpoint.roles import roles_of
from meadow_py.checkpoint.shards import record_of
from meadow_py.checkpoint.verifying import check_entry, packed_path

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class PackedTensor:
    """What one tensor became.

    Attributes
    ----------
    name : str
        Of PyTorch files, the tensor that fills a storage, or the storage (``data/0``).
    role : str
        ``attention.q``, ``mlp.up``, ...; ``attention`` or ``mlp`` of a fused one.
    dtype : str
    shape : tuple of int
    codec : str
        What its blob is coded with.
    bytes_original, bytes_packed : int
        Stored before and after; header, tables, checksums and padding of its blob are counted.
    floor : float
        The least bytes that a coder of these symbols can reach; of a tensor that is stored as it
        was, all of them.
    file : str
        The packed file, within the folder.
    """

    name: str
    role: str
    dtype: str
    shape: tuple[int, ...]
    codec: str
    bytes_original: int
    bytes_packed: int
    floor: float
    file: str


@dataclass(frozen=True)
class Inspection:
    """A packed model. Shows itself as a table by role.

    Attributes
    ----------
    source : str
        What the user named.
    codec : str
        The setting that it was packed with.
    software : str
        What packed it.
    bytes_original, bytes_packed : int
        Of all files: weights, files carried along, and after packing manifest and card as well.
    files : tuple of PackedEntry
        The packed files, with checksums of theirs and of the originals.
    carried : tuple of CarriedEntry
        All other files but the manifest.
    tensors : tuple of PackedTensor
        In the order of their bytes, file after file.
    """

    source: str
    codec: str
    software: str
    bytes_original: int
    bytes_packed: int
    files: tuple[PackedEntry, ...]
    carried: tuple[CarriedEntry, ...]
    tensors: tuple[PackedTensor, ...]

    @property
    def ratio(self) -> float:
        """Original size by packed size, everything counted."""
        return self.bytes_original / self.bytes_packed

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; ``docs/json.md`` has the keys."""
        files = [asdict(entry) for entry in self.files]
        for file in files:
            del file["tensors"]
        return {
            "version": VERSION,
            "source": self.source,
            "codec": self.codec,
            "software": self.software,
            "bytes_original": self.bytes_original,
            "bytes_packed": self.bytes_packed,
            "files": files,
            "carried": [asdict(entry) for entry in self.carried],
            "tensors": [{**asdict(t), "shape": list(t.shape)} for t in self.tensors],
        }

    def to_json(self) -> str:
        """Strict JSON, one line per tensor."""
        data = self.to_dict()
        tensors = data.pop("tensors")
        lines = ",\n".join(" " + json.dumps(tensor, allow_nan=False) for tensor in tensors)
        return f'{json.dumps(data, allow_nan=False)[:-1]}, "tensors": [\n{lines}\n]}}\n'

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per tensor, the columns those of `PackedTensor`. Needs pandas."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "Inspection.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame([asdict(tensor) for tensor in self.tensors])

    def model_card(self) -> str:
        """Markdown for a model card: sizes, codec, checksums of the originals, how to load it."""
        return model_card(Manifest(self.software, self.codec, self.files, self.carried))

    def __repr__(self) -> str:
        from meadow_py.views.terminal.packed import packed_text

        return packed_text(self)


def inspect(path: str | os.PathLike[str]) -> Inspection:
    """What is in a packed model. Only headers are read: nothing is decoded.

    Parameters
    ----------
    path : str or path
        A packed folder or file.

    Raises
    ------
    FormatError
        If a header is truncated, corrupt or newer, or a file is missing.
    FileNotFoundError
        If there is nothing of this name.
    """
    place = packed_path(path)
    return _of_folder(place, str(path)) if place.is_dir() else _of_file(place, str(path))


def _of_folder(folder: Path, source: str) -> Inspection:
    manifest = read_manifest(folder)
    opened = []
    try:
        for entry in manifest.packed:
            packed = PackedFile(folder / entry.name)
            opened.append((entry.name, packed))
            check_entry(packed, entry)
        tensors = _tensors(opened, folder)
    finally:
        for _, packed in opened:
            packed.close()
    size = sum(entry.size for entry in manifest.entries)
    return Inspection(
        source,
        manifest.codec,
        manifest.software,
        manifest.bytes_original,
        size + (folder / MANIFEST).stat().st_size,
        manifest.packed,
        manifest.carried,
        tensors,
    )


def _of_file(path: Path, source: str) -> Inspection:
    with PackedFile(path) as packed:
        record = record_of(packed)
        entry = PackedEntry(
            path.name,
            record.size,
            record.checksum,
            packed.source_name,
            record.source_size,
            record.source_sha256,
            record.tensors,
        )
        words = packed.metadata
        tensors = _tensors([(path.name, packed)], path.parent)
    sizes = (record.source_size, record.size)
    return Inspection(source, words["codec"], words["software"], *sizes, (entry,), (), tensors)


def _tensors(opened: list[tuple[str, PackedFile]], folder: Path) -> tuple[PackedTensor, ...]:
    roles = roles_of([packed for _, packed in opened], original_config(folder))
    return tuple(t for name, packed in opened for t in _of_packed(name, packed, roles))


def _of_packed(name: str, packed: PackedFile, roles: dict[str, str]) -> Iterator[PackedTensor]:
    for entry in packed.table.regions:
        region = entry.region
        yield PackedTensor(
            region.name,
            roles.get(region.name, "other") if region.is_tensor else "other",
            region.dtype,
            region.shape,
            entry.codec,
            region.length,
            packed.padded_size(entry),
            packed.floor(entry),
            name,
        )
