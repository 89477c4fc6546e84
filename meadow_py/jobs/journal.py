"""The results that long work has finished so far, in a file, so that it can resume."""

from __future__ import annotations

import fcntl
import json
import os
import reprlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from meadow_py.errors import FormatError

_LONGEST_HEAD = 1 << 16  # bytes of the first line: a large file of another kind is not read whole


class Journal:
    """Finished results by key, one line of JSON each. A context manager.

    The first line names the work that the journal belongs to. A last line that a killed process has
    left unfinished is dropped. Only one process at a time may hold a journal.

    Parameters
    ----------
    path : path
        The file, which is created if it is missing.
    work : dict of JSON types
        Everything that results depend on: settings, versions. A journal of other work is refused.

    Raises
    ------
    ValueError
        If the journal belongs to other work.
    FormatError
        If the file is not a journal, or is damaged before its last line.
    OSError
        If it cannot be read and written, or another process holds it.
    """

    def __init__(self, path: str | os.PathLike[str], work: dict[str, Any]) -> None:
        self._path = Path(path)
        self._found: dict[str, Any] = {}
        self._file: IO[bytes] = self._path.open("a+b")
        try:
            self._lock()
            self._read({"journal": 1, **work})
        except BaseException:
            self._file.close()
            raise

    @property
    def path(self) -> Path:
        """The file of the journal."""
        return self._path

    def get(self, key: str) -> Any | None:
        """Look up a finished result.

        Parameters
        ----------
        key : str

        Returns
        -------
        object or None
            The result that was added under `key`; None if there is none.
        """
        return self._found.get(key)

    def add(self, key: str, result: Any) -> None:
        """Keep a finished result. It is on disk when this returns."""
        self._append({"key": key, "result": result})
        self._found[key] = result

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            said = f"{self._path} is in use by another process"
            raise BlockingIOError(error.errno, said) from error

    def _read(self, work: dict[str, Any]) -> None:
        self._file.seek(0)
        first = self._file.readline(_LONGEST_HEAD)
        if len(first) == _LONGEST_HEAD:
            raise self._no_journal(f"line 1 is longer than {_LONGEST_HEAD - 1} bytes")
        if first == b"\n":
            raise self._no_journal()
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        unfinished = lines.pop()
        if lines:
            self._require(work, self._parsed(lines[0], 1))
            self._found = dict(self._entry(line, n) for n, line in enumerate(lines[1:], start=2))
            self._file.truncate(self._file.tell() - len(unfinished))
        elif _line(work).startswith(unfinished):
            self._file.truncate(0)
            self._append(work)
        else:
            raise self._no_journal()

    def _entry(self, line: bytes, number: int) -> tuple[str, Any]:
        entry = self._parsed(line, number)
        if not isinstance(entry, dict) or set(entry) != {"key", "result"}:
            raise FormatError(
                f"{self._path}: line {number} is not a finished result: expected an object with "
                f"key and result, found {reprlib.repr(entry)}"
            )
        key = entry["key"]
        if not isinstance(key, str):
            raise FormatError(
                f"{self._path}: line {number}: key: expected text, found {reprlib.repr(key)}"
            )
        return key, entry["result"]

    def _parsed(self, line: bytes, number: int) -> Any:
        try:
            return json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            if number == 1:
                raise self._no_journal(f"line 1 is not JSON: {error}") from error
            raise FormatError(f"{self._path}: line {number} is not JSON: {error}") from error

    def _require(self, expected: dict[str, Any], found: Any) -> None:
        if not isinstance(found, dict) or "journal" not in found:
            raise self._no_journal()
        differing = sorted(
            key for key in {*expected, *found} if expected.get(key) != found.get(key)
        )
        if differing:
            key = differing[0]
            raise ValueError(
                f"{self._path}: a journal of other work: {key} was {found.get(key)!r}, and is now "
                f"{expected.get(key)!r}. Name another file, or use the same settings"
            )

    def _no_journal(self, why: str = "") -> FormatError:
        reason = f" ({why})" if why else ""
        return FormatError(
            f"{self._path}: not a journal of finished work, and was not changed: name another file"
            f"{reason}"
        )

    def _append(self, entry: dict[str, Any]) -> None:
        self._file.write(_line(entry))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)  # forked workers hold copies of the open file
        self._file.close()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, allow_nan=False).encode() + b"\n"
