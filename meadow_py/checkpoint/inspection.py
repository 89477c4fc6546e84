"""`inspect`: the contents of a packed model, read from headers alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from meadow_py.architectures import resolve
from meadow_py.checkpoint.format.card import model_card, original_config
from meadow_py.checkpoint.format.manifest import (
    MANIFEST,
    CarriedEntry,
    Manifest,
    PackedEntry,
    read_sealed,
)
from meadow_py.checkpoint.format.reader import (
    PackedFile,
    check_entry,
    packed_path,
    record_of,
)
from meadow_py.checkpoint.format.rest import gguf_metadata
from meadow_py.results import data_frame

if TYPE_CHECKING:
    import pandas

    from meadow_py.architectures import Architecture


@dataclass(frozen=True)
class PackedTensor:
    """One packed tensor.

    Attributes
    ----------
    name : str
        The tensor's name. In PyTorch files: the tensor that fills a storage, or else the storage
        itself (``data/0``).
    role : str
        ``attention.q``, ``mlp.up``, ...; ``attention`` or ``mlp`` for a fused tensor.
    dtype : str
        The stored dtype.
    shape : tuple of int
        The stored shape.
    codec : str
        The codec of its blob.
    bytes_original, bytes_packed : int
        Size before and after, including the header, tables, checksums and padding of the blob.
    floor : float
        The fewest bytes that a coder of these symbols can reach; for a tensor that is stored
        unchanged, its full size.
    file : str
        The name of the packed file within the folder.
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
    """The contents of a packed model. Its repr is a table by role.

    Attributes
    ----------
    source : str
        The path as the user gave it.
    codec : str
        The `codec` setting that the model was packed with.
    software : str
        The software that packed it.
    bytes_original, bytes_packed : int
        Size of all files, weights and carried files alike. The packed size includes the manifest
        and the card.
    files : tuple of PackedEntry
        The packed files, with checksums of themselves and of the originals.
    carried : tuple of CarriedEntry
        All other files except the manifest.
    tensors : tuple of PackedTensor
        The tensors, file after file, in the order of their bytes.
    sha256 : str
        The digest of the model, which its publisher may sign: SHA-256 of the folder's
        ``meadow.json``, or of the header of a packed file alone. `verify` compares it.
    """

    source: str
    codec: str
    software: str
    bytes_original: int
    bytes_packed: int
    files: tuple[PackedEntry, ...]
    carried: tuple[CarriedEntry, ...]
    tensors: tuple[PackedTensor, ...]
    sha256: str

    @property
    def ratio(self) -> float:
        """Original size divided by packed size, everything counted."""
        return self.bytes_original / self.bytes_packed

    def to_dict(self) -> dict[str, Any]:
        """Return the contents as JSON types; ``docs/json.md`` lists the keys.

        Returns
        -------
        dict
        """
        files = [asdict(entry) for entry in self.files]
        for file in files:
            del file["tensors"]
        return {
            "version": 1,
            "kind": "inspection",
            "source": self.source,
            "codec": self.codec,
            "software": self.software,
            "bytes_original": self.bytes_original,
            "bytes_packed": self.bytes_packed,
            "sha256": self.sha256,
            "files": files,
            "carried": [asdict(entry) for entry in self.carried],
            "tensors": [{**asdict(t), "shape": list(t.shape)} for t in self.tensors],
        }

    def to_json(self) -> str:
        """Return strict JSON, with one line per tensor.

        Returns
        -------
        str
            The JSON, with a line feed at its end.
        """
        data = self.to_dict()
        tensors = data.pop("tensors")
        lines = ",\n".join(" " + json.dumps(tensor, allow_nan=False) for tensor in tensors)
        return f'{json.dumps(data, allow_nan=False)[:-1]}, "tensors": [\n{lines}\n]}}\n'

    def to_dataframe(self) -> pandas.DataFrame:
        """Return one row per tensor, with the attributes of `PackedTensor` as columns.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return data_frame(self, [asdict(tensor) for tensor in self.tensors])

    def model_card(self) -> str:
        """Return a model card: sizes, codec, checksums of the originals, how to load the model.

        Returns
        -------
        str
            Markdown.
        """
        return model_card(Manifest(self.software, self.codec, self.files, self.carried))

    def __repr__(self) -> str:
        from meadow_py.views.terminal.packed import packed_text

        return packed_text(self)


def inspect(path: str | os.PathLike[str]) -> Inspection:
    """List the contents of a packed model. Only headers are read; nothing is decoded.

    Each head of a blob, and each small tensor that is stored unchanged, is compared with its
    checksum in the table of regions; the rest of the data is not. `verify` compares everything.

    Parameters
    ----------
    path : str or path
        A packed folder or file.

    Returns
    -------
    Inspection
        Files and tensors, with their sizes.

    Raises
    ------
    FormatError
        If a header is truncated, corrupt or newer than this library, or a file is missing.
    FileNotFoundError
        If nothing exists at `path`.
    """
    place = packed_path(path)
    return _of_folder(place, str(path)) if place.is_dir() else _of_file(place, str(path))


def _of_folder(folder: Path, source: str) -> Inspection:
    manifest, sha256 = read_sealed(folder)
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
        sha256,
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
    about = (source, words["codec"], words["software"])
    return Inspection(*about, *sizes, (entry,), (), tensors, record.checksum)


def _tensors(opened: list[tuple[str, PackedFile]], folder: Path) -> tuple[PackedTensor, ...]:
    roles = roles_of([packed for _, packed in opened], original_config(folder))
    return tuple(t for name, packed in opened for t in _of_packed(name, packed, roles))


def _of_packed(name: str, packed: PackedFile, roles: dict[str, str]) -> Iterator[PackedTensor]:
    for entry in packed.table.regions:
        region = entry.region
        packed.check_head(entry)
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
    """The totals of all tensors of a role.

    Attributes
    ----------
    role : str
        The role, or ``all`` for all tensors.
    dtypes, codecs : tuple of str
        Those that occur, the one with the largest total size of tensors first.
    tensors : int
        The number of tensors.
    bytes_original, bytes_packed : int
        Size before and after.
    floor : float
        The fewest bytes that coders of these symbols can reach.
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
    """Tensor name -> role. For a fused tensor, the part that all its roles share: ``attention``."""
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
