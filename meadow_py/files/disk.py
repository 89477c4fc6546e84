"""Every call that changes a disk, so that tests can make each of them fail or end the process.

Files are written as ``.RANDOM.writing``, flushed to the disk, and then renamed. The name is random
because a task on an executor may still be writing when the next call packs the same file again. It
does not contain the final name, which may already be as long as names can be.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

_AT_FDCWD = -100  # "relative to the current folder", Linux
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # flags of renameat2(2)
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_COPIED = 1 << 22  # bytes that are copied at a time
_PIECE = 1 << 24  # bytes per call, so that Ctrl-C takes effect between calls

_T = TypeVar("_T")


def call(function: Callable[..., _T], *arguments: Any) -> _T:
    """Call a function that changes the disk. Tests replace this."""
    return function(*arguments)


class NewFile:
    """A file that appears only when it is whole. A context manager; `finish` makes it appear.

    If it is left without `finish`, as by an exception, what was written is removed.

    Parameters
    ----------
    path : path
        Its final name; a file of this name is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0  # where `append` writes next
        self._unfinished = path.with_name(f".{secrets.token_hex(8)}.writing")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor: int | None = call(os.open, self._unfinished, flags, 0o666)

    def append(self, data: bytes | memoryview) -> None:
        """Write after the last byte written so far."""
        self.write_at(self.size, data)

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write at `offset`; `append` then continues after the last byte of the file."""
        view = memoryview(data).cast("B")
        descriptor = self._open()
        with named(self.path):
            for begin in range(0, len(view), _PIECE):
                _write(descriptor, view[begin : begin + _PIECE], offset + begin)
        self.size = max(self.size, offset + len(view))

    def finish(self) -> None:
        """Flush the file to the disk, and give it its final name."""
        with named(self.path):
            call(os.fsync, self._open())
            self._close()
            rename(self._unfinished, self.path)
            sync_folder(self.path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):  # the error that ended writing says more
            self._close()
            call(os.unlink, self._unfinished)

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"{self.path}: already finished")
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._open(), None
        os.close(descriptor)


def _write(descriptor: int, view: memoryview, offset: int) -> None:
    while view:
        written = call(os.pwrite, descriptor, view, offset)
        view, offset = view[written:], offset + written


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file, which replaces an older one."""
    with NewFile(path) as file:
        file.append(content)
        file.finish()


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents, and flush them to the disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        call(os.mkdir, path)
    sync_folder(path.parent)


def make_private_folder(path: Path) -> bool:
    """Make a folder for this user alone; False if there is a folder or anything else already."""
    try:
        call(os.mkdir, path, 0o700)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


def rename(source: Path, target: Path) -> None:
    """Rename; a file that has the new name is replaced."""
    call(os.rename, source, target)


def rename_new(source: Path, target: Path) -> None:
    """Rename; FileExistsError if the new name is taken."""
    if _renameat2(source, target, _RENAME_NOREPLACE):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    rename(source, target)


def exchange(left: Path, right: Path) -> bool:
    """Exchange two paths in one step; False if the file system cannot."""
    return _renameat2(left, right, _RENAME_EXCHANGE)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        call(os.fsync, descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with its contents, if it exists."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        call(os.unlink, path)
        return
    for entry in sorted(path.iterdir()):
        remove(entry)
    call(os.rmdir, path)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Make OSErrors name the file that was asked for; if the disk is full, also the free room."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        said = error.strerror or os.strerror(error.errno)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            said += f" ({_room(path)} B are free there)"
        raise OSError(error.errno, said, str(path)) from error


def _room(path: Path) -> int:
    with contextlib.suppress(OSError):
        return free_space(path.parent)
    return 0


def free_space(folder: Path) -> int:
    """Bytes that this user can still write to the file system of a folder."""
    return shutil.disk_usage(folder).free


def require_space(folder: Path, nbytes: int, target: Path) -> None:
    """Raise OSError now if work that writes `nbytes` in a folder would end with a full disk."""
    free = free_space(folder)
    if nbytes > free:
        raise OSError(errno.ENOSPC, f"needs {nbytes} B, and {free} B are free there", str(target))


def _renameat2(source: Path, target: Path, flags: int) -> bool:
    """Whether the system call renamed; False if the kernel or the file system lacks it."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return False
    return call(_call_renameat2, function, source, target, flags)


def _call_renameat2(function: Any, source: Path, target: Path, flags: int) -> bool:
    if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(target))


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file under a temporary name, then move it into place.

    A device or a pipe is written to directly, not replaced.

    Parameters
    ----------
    path : path
        File to write; an older one is replaced.
    content : str or bytes
        Text is written as UTF-8.

    Raises
    ------
    ValueError
        If `path` names no file.
    OSError
        If it cannot be written. No temporary file is left, and an older file is unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if str(path).startswith(("/dev/", "/proc/")):  # these may lead to files; write to them directly
        Path(path).write_bytes(data)
        return
    target = Path(os.path.realpath(path))  # for a link, replace the file that it leads to
    if not Path(path).name:
        raise ValueError(f"path {os.fspath(path)!r}: expected the name of a file to write")
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):  # the error that ended writing says more
        temporary.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> str:
    """Copy a file; return the SHA-256 of its bytes. The target appears when it is whole."""
    digest = hashlib.sha256()
    make_folder(target.parent)
    with NewFile(target) as file:
        for piece in _pieces(source):
            digest.update(piece)
            file.append(piece)
        file.finish()
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_COPIED):
            yield piece
