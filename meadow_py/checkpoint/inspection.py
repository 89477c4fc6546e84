"""`inspect`: what a packed model consists of, from headers alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from meadow_py.architectures import resolve
from meadow_py.checkpoint.format.card import model_card, original_config
from meadow_py.checkpoint.format.layout import VERSION
from meadow_py.checkpoint.format.manifest import (
    MANIFEST,
    CarriedEntry,
    Manifest,
    PackedEntry,
    read_manifest,
)
from meadow_py.checkpoint.format.reader import PackedFile, gguf_metadata
from meadow_py.checkpoint.shards import record_of
from meadow_py.checkpoint.verifier import check_entry, packed_path

if TYPE_CHECKING:
    import pandas

    from meadow_py.architectures import Architecture


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


class RoleTotal(NamedTuple):
    """All tensors of a role that are coded alike.

    Attributes
    ----------
    role : str
        ``all`` for all tensors.
    dtypes, codecs : tuple of str
        Those that occur, by falling size of the tensors that they occur in.
    tensors : int
    bytes_original, bytes_packed : int
    floor : float
        Bytes.
    """

    role: str
    dtypes: tuple[str, ...]
    codecs: tuple[str, ...]
    tensors: int
    bytes_original: int
    bytes_packed: int
    floor: float


def by_role(tensors: Sequence[PackedTensor]) -> tuple[RoleTotal, ...]:
    """One total for each role in order of first appearance, then one for all."""
    roles: dict[str, list[PackedTensor]] = {}
    for tensor in tensors:
        roles.setdefault(tensor.role, []).append(tensor)
    return (*(_total(role, members) for role, members in roles.items()), _total("all", tensors))


def _total(role: str, tensors: Sequence[PackedTensor]) -> RoleTotal:
    return RoleTotal(
        role,
        _by_size((t.dtype, t.bytes_original) for t in tensors),
        _by_size((coding, t.bytes_original) for t in tensors for coding in t.codec.split("+")),
        len(tensors),
        sum(t.bytes_original for t in tensors),
        sum(t.bytes_packed for t in tensors),
        sum(t.floor for t in tensors),
    )


def _by_size(pairs: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    sizes: dict[str, int] = {}
    for name, size in pairs:
        sizes[name] = sizes.get(name, 0) + size
    return tuple(sorted(sizes, key=lambda name: -sizes[name]))


def roles_of(files: Sequence[PackedFile], config: Mapping[str, Any] | None) -> dict[str, str]:
    """Tensor name -> role; of fused tensors the part that all roles share, as ``attention``."""
    shapes = {name: shape for packed in files for name, shape in _shapes(packed).items()}
    gguf = next((packed for packed in files if packed.table.format == "gguf"), None)
    if gguf is not None:
        config = gguf_metadata(gguf)
    architecture = resolve(config, shapes)
    found: dict[str, set[str]] = {}
    for spec in architecture.weights(shapes):
        found.setdefault(spec.tensor, set()).add(spec.role)
    return {name: _role(architecture, name, found.get(name, set())) for name in shapes}


def _role(architecture: Architecture, name: str, roles: set[str]) -> str:
    if len(roles) == 1:
        return next(iter(roles))
    kinds = {role.partition(".")[0] for role in roles}
    return next(iter(kinds)) if len(kinds) == 1 else architecture.role_of(name)


def _shapes(packed: PackedFile) -> dict[str, tuple[int, ...]]:
    table = packed.table
    if table.views is not None:
        return {view.name: view.shape for view in table.views}
    return {e.region.name: e.region.shape for e in table.regions if e.region.is_tensor}
