"""Entries of a record: texts as text, arrays and bytes as hashes with a few values."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

VERSION = 1
_PIECE = 160  # characters; longer lines are cut so that a difference shows where it is
_SHOWN = 4  # values at both ends of an array

Entry = dict[str, Any]


def pieces_of(text: str) -> list[str]:
    """Cut a text at the ends of its lines, and long lines behind commas; joined they are it."""
    pieces: list[str] = []
    for line in text.splitlines(keepends=True):
        if len(line) <= _PIECE:
            pieces.append(line)
        else:
            pieces += _cut(line)
    return pieces


def _cut(line: str) -> list[str]:
    made = [""]
    for part in re.split(r"(?<=, )|(?<=>)(?=<)", line):
        if len(made[-1]) + len(part) > _PIECE and made[-1]:
            made.append("")
        made[-1] += part
    return made


def text_of(entry: Entry) -> str:
    """The text of an entry, or what stands for its bytes."""
    if "text" in entry:
        return "".join(entry["text"])
    return json.dumps({key: value for key, value in entry.items() if key != "needs"}, indent=1)


def digest(data: Any) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(bytes(data)).hexdigest()


def needs(*packages: str) -> list[str]:
    """Spell the releases of packages that an entry depends on, such as ``rich==13.9``."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in packages]


class Recorder:
    """Collects entries by key.

    Attributes
    ----------
    entries : dict
        What was recorded.
    skipped : dict of str to str
        Patterns of keys that cannot be recorded here, and why.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.skipped: dict[str, str] = {}

    def _add(self, key: str, entry: Entry, requires: list[str]) -> None:
        if key in self.entries:
            raise ValueError(f"{key} is recorded twice")
        self.entries[key] = {**entry, "needs": requires} if requires else entry

    def text(self, key: str, text: str, requires: list[str] | None = None) -> None:
        """Record a text."""
        self._add(key, {"text": pieces_of(text)}, requires or [])

    def data(self, key: str, data: Any, requires: list[str] | None = None) -> None:
        """Record bytes as their hash and their number."""
        raw = bytes(data)
        self._add(key, {"sha256": digest(raw), "bytes": len(raw)}, requires or [])

    def array(self, key: str, array: Any) -> None:
        """Record an array as the hash of its bytes, its dtype and shape, and a few values."""
        made = np.ascontiguousarray(array)
        flat = made.reshape(-1)
        ends = flat if flat.size <= 2 * _SHOWN else np.concatenate([flat[:_SHOWN], flat[-_SHOWN:]])
        raw = made.astype(made.dtype.newbyteorder("<")).tobytes()
        entry = {"sha256": digest(raw), "dtype": str(made.dtype), "shape": list(made.shape)}
        self._add(key, {**entry, "values": [repr(one.item()) for one in ends]}, [])

    def attempt(self, key: str, make: Callable[[], Any]) -> None:
        """Record what a call gives, as an array, bytes or text, or how it fails."""
        try:
            made = make()
        except Exception as error:  # noqa: BLE001 - whatever it raises is what is recorded
            self.text(key, failure(error))
            return
        if isinstance(made, np.ndarray):
            self.array(key, made)
        elif isinstance(made, bytes | bytearray | memoryview):
            self.data(key, made)
        else:
            self.text(key, made if isinstance(made, str) else f"{made!r}\n")

    def skip(self, pattern: str, why: str) -> None:
        """Say that keys of this pattern cannot be recorded here."""
        self.skipped[pattern] = why


def failure(error: BaseException) -> str:
    """The type and the message of an error, in one text."""
    return f"{type(error).__name__}: {error}\n"
