"""The folder beside the target where results are made, and the one step that makes them appear."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from meadow_py.files import writing

if TYPE_CHECKING:
    from typing_extensions import Self


_PARTIAL = ".meadow-partial"
_OLD = ".meadow-old"


def resolved(target: str | os.PathLike[str]) -> Path:
    """Where to write: behind a link, what it leads to.

    Raises
    ------
    ValueError
        If the name is empty, or that of no file.
    FileNotFoundError, NotADirectoryError
        If it would be in no folder.
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
    """Raise ValueError if one of two paths is the other, or inside of it."""
    real = Path(os.path.realpath(source))
    if real == target:
        raise ValueError(f"{target}: source and target are the same")
    if real in target.parents:
        raise ValueError(f"{target}: the target is inside of the source {source}")
    if target in real.parents:
        raise ValueError(f"{target}: the source {source} is inside of the target")


def is_free(target: Path) -> bool:
    """Whether there is nothing there, or an empty folder."""
    if not os.path.lexists(target):
        return True
    return target.is_dir() and not any(target.iterdir())


def not_free(target: Path) -> str | None:
    """What keeps a target that was free from being written, None if it still is."""
    return None if is_free(target) else "has appeared meanwhile"


def require_writable(target: Path) -> None:
    """Raise PermissionError if a folder that is to be replaced could not be removed."""
    if target.is_dir() and not os.access(target, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "is write-protected", str(target))


def partial_path(target: Path) -> Path:
    """Where the result is made until it is complete."""
    return target.with_name(f".{target.name}{_PARTIAL}")


class Partial:
    """The hidden folder beside a target, for one process at a time. A context manager.

    It stays when it is left without `publish`, so that the work can go on from there, unless no
    file in it was finished.

    Attributes
    ----------
    folder : path

    Raises
    ------
    BlockingIOError
        If another process is at work on the same target.
    OSError
        If it cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = partial_path(target)
        with writing.named(target):
            writing.make_folder(self.folder)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self.folder, flags)
        try:
            self._lock()
        except BaseException:
            os.close(self._descriptor)
            raise

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove what other work has left there: everything but these files."""
        wanted = set(names)
        for path in sorted(files_in(self.folder)):
            if path.relative_to(self.folder).as_posix() not in wanted:
                writing.remove(path)

    def publish(self, name: str | None, refuses: Callable[[Path], str | None]) -> None:
        """Give the folder, or the one file `name` in it, the name of the target, in one step.

        What had that name is removed, unless `refuses` gives a reason not to: somebody may have
        put files there while the work went on.

        Raises
        ------
        FileExistsError
            With that reason. The target is as it was.
        """
        made = self.folder if name is None else self.folder / name
        with writing.named(self.target):
            if name is None:
                for folder in _folders(self.folder):
                    writing.sync_folder(folder)
            self._swap(made, refuses)
            writing.sync_folder(self.target.parent)
        writing.remove(self.folder)

    def discard(self) -> None:
        """Remove the folder with all that is in it."""
        writing.remove(self.folder)

    def _swap(self, made: Path, refuses: Callable[[Path], str | None]) -> None:
        """Afterwards the target is new, and the old one, if there was one, at its former place."""
        if not os.path.lexists(self.target):
            writing.rename_new(made, self.target)
            return
        self._require(refuses(self.target))
        _take_mode(self.target, made)
        if not writing.exchange(made, self.target):
            old = self.target.with_name(f".{self.target.name}{_OLD}")
            writing.remove(old)
            writing.rename(self.target, old)
            writing.rename(made, self.target)
            writing.remove(old)
            return
        reason = refuses(made)  # what was put there in the last moment
        if reason is not None:
            writing.exchange(made, self.target)
            self._require(reason)

    def _require(self, reason: str | None) -> None:
        if reason is not None:
            raise FileExistsError(
                f"{self.target}: {reason}; nothing there was changed, what was made is in "
                f"{self.folder}"
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
        if not same:  # the other process has published it meanwhile
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
            with contextlib.suppress(OSError):  # the reason why the work ended says more
                if not any(files_in(self.folder)):
                    writing.remove(self.folder)
        os.close(self._descriptor)


def _take_mode(old: Path, made: Path) -> None:
    """Let a folder be as open to others as the one that it replaces."""
    if old.is_dir() and made.is_dir():
        mode = stat.S_IMODE(old.stat().st_mode)
        if mode != stat.S_IMODE(made.stat().st_mode):
            writing.call(os.chmod, made, mode)


def files_in(folder: Path) -> Iterator[Path]:
    """All files in a folder and below; links are files."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from files_in(path)
        else:
            yield path


def _folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder, inner ones first, then itself."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from _folders(path)
    yield folder
