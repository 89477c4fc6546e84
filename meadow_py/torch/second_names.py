"""Tensors of a PyTorch file that have two names: tied weights, whose storage is saved once.

Checkpoints list each storage once, by its first name. But a model may have an untied weight of the
second name, so loading a model needs both names. The original's pickle holds them.
"""

from __future__ import annotations

import bisect
import io
import zipfile

from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.original.region import gaps
from meadow_py.errors import FormatError
from meadow_py.sources.pickled import read_pickle


def second_names(packed: PackedFile) -> dict[str, str]:
    """Second name -> first name, for tensors that are the same values of the same storage."""
    if packed.table.format != "pytorch":
        return {}
    first: dict[tuple[object, ...], str] = {}
    found = {}
    for name, tensor in (read_pickle(_pickle(packed)).tensors or {}).items():
        place = (tensor.storage.key, tensor.dtype, tensor.offset, tensor.shape, tensor.strides)
        if 0 not in tensor.shape and first.setdefault(place, name) != name:
            found[name] = first[place]
    return found


def _pickle(packed: PackedFile) -> bytes:
    """The pickle of the original archive."""
    with zipfile.ZipFile(io.BufferedReader(_OutsideRegions(packed))) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise FormatError(f"{packed.path}: {len(names)} pickles in {packed.source_name}")
        return archive.read(names[0])


class _OutsideRegions(io.RawIOBase):
    """The original file, read-only, with zeros where its regions are: nothing is decoded."""

    def __init__(self, packed: PackedFile) -> None:
        super().__init__()
        self._size = packed.source_size
        self._at = 0
        self._begins: list[int] = []
        self._pieces: list[memoryview] = []
        rest, used = memoryview(packed.rest()), 0
        for begin, end in gaps([entry.region for entry in packed.table.regions], self._size):
            self._begins.append(begin)
            self._pieces.append(rest[used : used + end - begin])
            used += end - begin

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("before the start of the file")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer up to the end of the current gap or region."""
        wanted = max(0, min(len(buffer), self._size - self._at))
        n = bisect.bisect_right(self._begins, self._at) - 1
        inside = self._at - self._begins[n] if n >= 0 else 0
        if n >= 0 and inside < len(self._pieces[n]):
            piece = self._pieces[n][inside : inside + wanted]
        else:
            following = self._begins[n + 1] if n + 1 < len(self._begins) else self._size
            piece = memoryview(bytes(min(wanted, following - self._at)))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
