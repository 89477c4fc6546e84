"""Progress in bytes, with throughput and the ratio so far."""

from __future__ import annotations

from meadow_py.jobs import Progress
from meadow_py.spelling import visible


class Meter(Progress):
    """A bar on stderr that counts bytes of the original. A context manager.

    Parameters
    ----------
    total : int
        Bytes to go through.
    label : str
        What is being done.
    enabled : bool or None
        None shows the bar in a terminal and in Jupyter, and nowhere else.
    """

    def __init__(self, total: int, label: str, enabled: bool | None = None) -> None:
        super().__init__(total, label, enabled, unit="B")
        self._read = self._written = 0

    def __enter__(self) -> Meter:
        return self

    def packed(self, read: int, written: int, name: str = "") -> None:
        """`read` more bytes of the original have become `written` bytes."""
        self._read += read
        self._written += written
        share = f"{100 * self._written / self._read:.1f} % " if self._read else ""
        self.advance(read, f"{share}{visible(name)}")

    def rebuilt(self, count: int, name: str = "") -> None:
        """`count` more bytes of the original are there again."""
        self.advance(count, visible(name))
