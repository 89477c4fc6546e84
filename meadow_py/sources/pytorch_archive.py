"""The members of a PyTorch archive, which torch.save writes as an uncompressed ZIP file."""

from __future__ import annotations

import zipfile
import zlib
from typing import NamedTuple

import numpy as np

from meadow_py.errors import FormatError
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.tensor import Bytes
from meadow_py.spelling import byte_size, quoted

ZIP = b"PK\x03\x04"  # the magic number of a member's header
_LOCAL_HEADER = 30  # bytes of that header before the member's name (APPNOTE.TXT 4.3.7)
_MOST_UNPACKED = 1 << 30  # bytes of compressed members that are read in any case
_MOST_TIMES = 64  # beyond that, how often the size of the file

_DAMAGED = (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, zlib.error)


class Member(NamedTuple):
    """A member of an archive: the place of its data if it is stored uncompressed."""

    name: str
    offset: int
    length: int  # of its data when it is unpacked
    stored: bool
    crc32: int


class Archive:
    """The members of a mapped archive by name; none if it is damaged."""

    def __init__(self, mapped: MappedFile) -> None:
        self._mapped = mapped
        self.members: dict[str, Member] = {}
        try:
            with mapped.path.open("rb") as file, zipfile.ZipFile(file) as archive:
                listed = archive.infolist()
        except (*_DAMAGED, OSError):
            return
        found: dict[str, Member] = {}
        for info in listed:
            member = _located(mapped, info)
            if member is None or member.name in found:
                return
            found[member.name] = member
        self.members = found

    @property
    def root(self) -> str | None:
        """The folder in the archive that holds the pickle; None if there is not exactly one."""
        pickles = [name for name in self.members if name.endswith("/data.pkl")]
        return pickles[0].removesuffix("data.pkl") if len(pickles) == 1 else None

    @property
    def byte_order(self) -> str:
        """What the archive says about the order of bytes: ``"little"`` if nothing."""
        member = self.members.get(f"{self.root}byteorder")
        if member is None:
            return "little"
        return self.read(member).tobytes().decode("latin-1") if member.length <= 16 else "unknown"

    def storages(self) -> dict[str, Member]:
        """The members that hold storages, by their keys."""
        prefix = f"{self.root}data/"
        found = self.members.items()
        return {name[len(prefix) :]: m for name, m in found if name.startswith(prefix)}

    def read(self, member: Member) -> Bytes:
        """The data of a member: a view of the file, or unpacked.

        Raises
        ------
        FormatError
            If it is damaged, or the file was resized.
        """
        if member.stored:
            return self._mapped.read(member.offset, member.length)
        try:
            with zipfile.ZipFile(self._mapped.path) as archive, archive.open(member.name) as stream:
                data = stream.read(member.length + 1)
        except (*_DAMAGED, KeyError) as error:
            raise self._damaged(member) from error
        if len(data) != member.length:
            raise self._damaged(member)
        return np.frombuffer(data, np.uint8)

    def require_moderate(self) -> None:
        """Raise FormatError if compressed members unpack to far more than the file."""
        unpacked = sum(member.length for member in self.members.values() if not member.stored)
        if unpacked > max(_MOST_UNPACKED, _MOST_TIMES * self._mapped.size):
            raise FormatError(
                f"{self._mapped.path}: refused: its {byte_size(self._mapped.size)} unpack to "
                f"{byte_size(unpacked)} in memory, more than {_MOST_TIMES} times their size. If "
                "you trust its author, unzip it and zip it again without compression (zip -0), so "
                "that it is mapped instead"
            )

    def is_intact(self, member: Member) -> bool:
        """Whether the data of a member has the checksum that the archive states."""
        try:
            return zlib.crc32(self.read(member).data) == member.crc32
        except FormatError:
            return False

    def _damaged(self, member: Member) -> FormatError:
        return FormatError(
            f"{self._mapped.path}: corrupt: {quoted(member.name)} cannot be unpacked"
        )


def _located(mapped: MappedFile, info: zipfile.ZipInfo) -> Member | None:
    """The place of a member's data; None if its header is not where the directory says."""
    begin = info.header_offset
    if not 0 <= begin <= mapped.size - _LOCAL_HEADER or info.flag_bits & 1:
        return None
    header = mapped.read(begin, _LOCAL_HEADER).tobytes()
    extra = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    offset = begin + _LOCAL_HEADER + extra
    if header[:4] != ZIP or offset + info.compress_size > mapped.size:
        return None
    stored = info.compress_type == zipfile.ZIP_STORED
    if stored and info.compress_size != info.file_size:
        return None
    return Member(info.filename, offset, info.file_size, stored, info.CRC)
