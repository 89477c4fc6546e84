"""The only exception type that the library defines; all others are built-in."""

from __future__ import annotations


class FormatError(ValueError):
    """A file or a coded stream is truncated, corrupt, or newer than this library."""
