"""Every call that changes a disk, so that tests can make each of them fail or end the process.

Files are written as ``.RANDOM.writing``, brought to the disk, and then renamed. Random, because a
task on an executor may still be at work when the next call packs the same file again; without the
name, which may be as long as names can be.
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
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self


_AT_FDCWD = -100  # "relative to the current folder", Linux
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # flags of renameat2(2)
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_COPIED = 1 << 22  # bytes of a copy at a time
_PIECE = 1 << 24  # bytes per call: Ctrl-C is heard between two of them

_T = TypeVar("_T")


def call(function: Callable[..., _T], *arguments: Any) -> _T:
    """Change the disk. Tests replace this."""
    return function(*arguments)


class NewFile:
    """A file that is not there before it is whole. A context manager; `finish` makes it appear.

    Left without `finish`, by an exception, it removes what was written.

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
        """Write behind what was appended so far."""
        self.write_at(self.size, data)

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write at a place of one's choice; `append` goes on behind it."""
        view = memoryview(data).cast("B")
        descriptor = self._open()
        with named(self.path):
            for begin in range(0, len(view), _PIECE):
                _write(descriptor, view[begin : begin + _PIECE], offset + begin)
        self.size = max(self.size, offset + len(view))

    def finish(self) -> None:
        """Bring it to the disk, and give it its name."""
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
        with contextlib.suppress(OSError):  # the reason why writing failed says more
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
    """A whole new file."""
    with NewFile(path) as file:
        file.append(content)
        file.finish()


def make_folder(path: Path) -> None:
    """Make a folder and those above it, as far as they are missing, and bring them to the disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        call(os.mkdir, path)
    sync_folder(path.parent)


def rename(source: Path, target: Path) -> None:
    """Give another name; a file of that name is replaced."""
    call(os.rename, source, target)


def rename_new(source: Path, target: Path) -> None:
    """Give another name; FileExistsError if there is something of that name already."""
    if _renameat2(source, target, _RENAME_NOREPLACE):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    rename(source, target)


def exchange(left: Path, right: Path) -> bool:
    """Let two paths change names in one step; False where the file system cannot."""
    return _renameat2(left, right, _RENAME_EXCHANGE)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        call(os.fsync, descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; nothing if there is none."""
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
    """Let system errors name the file that was asked for, and how much room there is."""
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
        return shutil.disk_usage(path.parent).free
    return 0


def _renameat2(source: Path, target: Path, flags: int) -> bool:
    """Whether the system call did it; False where the kernel or the file system lacks it."""
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
    """Write a file under another name, then move it into place; text is UTF-8.

    A device or a pipe is written as it is, not replaced.

    Raises
    ------
    ValueError
        If `path` names no file.
    OSError
        If it cannot be written. Nothing is left behind, and an older file stays as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if str(path).startswith(("/dev/", "/proc/")):  # these may lead to files, and stay what they are
        Path(path).write_bytes(data)
        return
    target = Path(os.path.realpath(path))  # behind a link its file is replaced, not the link
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
    with contextlib.suppress(OSError):  # the reason why writing failed says more
        temporary.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> str:
    """Copy a file; SHA-256 of what was copied. The target appears when it is whole."""
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
