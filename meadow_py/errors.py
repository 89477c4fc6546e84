"""The one exception type of our own; everything else is a built-in."""

from __future__ import annotations


class FormatError(ValueError):
    """A file or a coded stream is truncated, corrupt, or newer than this library."""
