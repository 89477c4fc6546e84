"""The folder beside a target where results are made, and the one step that publishes them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from meadow_py.files import disk

_PARTIAL = ".meadow-partial"
_OLD = ".meadow-old"
_WRITABLE_BY_OTHERS = 0o022


def resolved(target: str | os.PathLike[str]) -> Path:
    """The path to write to; a link is followed.

    Raises
    ------
    ValueError
        If the name is empty, is ``.`` or ``..``, or is that of a mount point.
    FileNotFoundError, NotADirectoryError
        If its parent is missing or is no folder.
    """
    if not str(target) or not Path(target).name:
        raise ValueError(
            f"target {os.fspath(target)!r}: expected the name of a folder or file: it is replaced "
            "in one step, which '.' and '..' cannot be"
        )
    path = Path(os.path.realpath(Path(target).expanduser()))
    if os.path.ismount(path):
        raise ValueError(
            f"{target}: is a mount point, which nothing can replace: name a folder in it"
        )
    if not path.parent.exists():
        raise FileNotFoundError(f"cannot write {str(target)!r}: there is no folder {path.parent}")
    if not path.parent.is_dir():
        raise NotADirectoryError(f"cannot write {str(target)!r}: {path.parent} is not a folder")
    return path


def refuse_overlap(source: Path, target: Path) -> None:
    """Raise ValueError if the two paths are the same, or one is inside the other."""
    real = Path(os.path.realpath(source))
    if real == target:
        raise ValueError(f"{target}: source and target are the same")
    if real in target.parents:
        raise ValueError(f"{target}: the target is inside the source {source}")
    if target in real.parents:
        raise ValueError(f"{target}: the source {source} is inside the target")


def is_free(target: Path) -> bool:
    """Whether there is nothing at `target`, or only an empty folder."""
    if not os.path.lexists(target):
        return True
    return target.is_dir() and not any(target.iterdir())


def not_free(target: Path) -> str | None:
    """The reason not to write a target that was free; None if it is still free."""
    return None if is_free(target) else "has appeared in the meantime"


def require_writable(target: Path) -> None:
    """Raise PermissionError if the target is a folder that could not be removed."""
    if target.is_dir() and not os.access(target, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "is write-protected", str(target))


def partial_path(target: Path) -> Path:
    """The path where the result is made until it is complete."""
    return target.with_name(f".{target.name}{_PARTIAL}")


class Partial:
    """The hidden folder beside a target, for one process at a time. A context manager.

    Without `publish` the folder stays, so that the work can resume from it. If the work fails
    before any file in it is finished, the folder is removed.

    Attributes
    ----------
    folder : path
        The hidden folder.

    Raises
    ------
    BlockingIOError
        If another process works on the same target.
    PermissionError
        If the folder exists already and another user owns it, or may write to it.
    OSError
        If the folder cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = partial_path(target)
        with disk.named(target):
            made = disk.make_private_folder(self.folder)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self.folder, flags)
        try:
            if not made:
                self._require_mine()
            self._lock()
        except BaseException:
            os.close(self._descriptor)
            raise

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove all files but these, which other work may have left in the folder; all links."""
        wanted = set(names)
        for path in sorted(files_in(self.folder)):
            known = path.relative_to(self.folder).as_posix() in wanted
            if not known or not stat.S_ISREG(path.lstat().st_mode):
                disk.remove(path)

    def publish(self, name: str | None, refuses: Callable[[Path], str | None]) -> None:
        """Give the folder, or the one file `name` in it, the name of the target, in one step.

        An older file or folder of that name is removed, unless `refuses` returns a reason not to:
        somebody may have put files there during the work.

        Raises
        ------
        FileExistsError
            With that reason. The target is unchanged.
        """
        made = self.folder if name is None else self.folder / name
        with disk.named(self.target):
            if name is None:
                _open_up(self.folder)
                for folder in _folders(self.folder):
                    disk.sync_folder(folder)
            self._swap(made, refuses)
            disk.sync_folder(self.target.parent)
        disk.remove(self.folder)

    def discard(self) -> None:
        """Remove the folder and everything in it."""
        disk.remove(self.folder)

    def _swap(self, made: Path, refuses: Callable[[Path], str | None]) -> None:
        """Put `made` at the target; an old target may end up at the path of `made`."""
        if not os.path.lexists(self.target):
            disk.rename_new(made, self.target)
            return
        self._require(refuses(self.target))
        _take_mode(self.target, made)
        if not disk.exchange(made, self.target):
            old = self.target.with_name(f".{self.target.name}{_OLD}")
            disk.remove(old)
            disk.rename(self.target, old)
            disk.rename(made, self.target)
            disk.remove(old)
            return
        reason = refuses(made)  # files may have appeared in the last moment
        if reason is not None:
            disk.exchange(made, self.target)
            self._require(reason)

    def _require(self, reason: str | None) -> None:
        if reason is not None:
            raise FileExistsError(
                f"{self.target}: {reason}; nothing there was changed, and the result is in "
                f"{self.folder}"
            )

    def _require_mine(self) -> None:
        """Refuse a folder that another user could have prepared: with links, or false results."""
        found = os.fstat(self._descriptor)
        shared = found.st_mode & _WRITABLE_BY_OTHERS & _umask()
        if found.st_uid == os.geteuid() and not shared:
            return
        # Some network and desktop file systems show the same owner and mode for every folder.
        probe = self.target.with_name(f".{secrets.token_hex(8)}{_PARTIAL}")
        with disk.named(self.target):
            disk.make_private_folder(probe)
            usual = probe.lstat()
            disk.call(os.rmdir, probe)
        shared &= ~usual.st_mode
        if found.st_uid != usual.st_uid or shared:
            whose = "others may write to it" if shared else f"it belongs to user {found.st_uid}"
            raise PermissionError(
                f"{self.target}: the hidden folder {self.folder}, where the result would be made, "
                f"exists already, and {whose}: remove it, or name another target"
            )

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._in_use() from error
        mine = os.fstat(self._descriptor)
        try:
            same = os.path.samestat(mine, self.folder.lstat())
        except FileNotFoundError:
            same = False
        if not same:  # meanwhile the other process has published it
            raise self._in_use()

    def _in_use(self) -> BlockingIOError:
        return BlockingIOError(f"{self.target}: another process is writing it")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            with contextlib.suppress(OSError):  # the error that ended the work says more
                if not any(files_in(self.folder)):
                    disk.remove(self.folder)
        os.close(self._descriptor)


def _open_up(folder: Path) -> None:
    """Give a private folder the permissions that this process gives to new folders."""
    mode = 0o777 & ~_umask()
    if stat.S_IMODE(folder.stat().st_mode) != mode:
        with contextlib.suppress(PermissionError):  # file systems on which modes are fixed
            disk.call(os.chmod, folder, mode)


def _umask() -> int:
    """The permissions that new files and folders of this process lack."""
    with contextlib.suppress(OSError, ValueError, StopIteration):  # Linux: no change, no race
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _take_mode(old: Path, made: Path) -> None:
    """Give a folder the permissions of the folder that it replaces."""
    if old.is_dir() and made.is_dir():
        mode = stat.S_IMODE(old.stat().st_mode)
        if mode != stat.S_IMODE(made.stat().st_mode):
            disk.call(os.chmod, made, mode)


def files_in(folder: Path) -> Iterator[Path]:
    """All files in a folder and its subfolders; links count as files."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from files_in(path)
        else:
            yield path


def _folders(folder: Path) -> Iterator[Path]:
    """All subfolders of a folder, inner ones first, then the folder itself."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from _folders(path)
    yield folder
