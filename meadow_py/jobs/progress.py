"""Progress of long work on stderr: bars that count steps or bytes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from meadow_py.spelling import visible


class Progress:
    """A bar on stderr that counts weights, or something else. A context manager.

    Parameters
    ----------
    total : int
        Number of units to count, over all passes.
    label : str
        Name of the work.
    enabled : bool or None
        None shows the bar in a terminal and in Jupyter, and nowhere else.
    unit : str
        The unit that is counted: ``w`` for weights, ``B`` for bytes.
    """

    def __init__(
        self, total: int, label: str, enabled: bool | None = None, unit: str = "w"
    ) -> None:
        shown = _is_interactive() if enabled is None else enabled
        self._bar: Any = None
        if shown and sys.stderr is not None:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc=label, unit=unit, unit_scale=True, leave=False)

    def advance(self, count: int, name: str = "") -> None:
        """Count `count` more units as done, and show `name` as the current item."""
        if self._bar is None:
            return
        try:
            self._bar.set_postfix_str(name, refresh=False)
            self._bar.update(count)
        except (OSError, ValueError):  # stderr was closed: the work matters more than its bar
            self._bar = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            with suppress(OSError, ValueError):
                self._bar.close()


class Stopwatch:
    """Wall time by stage.

    Attributes
    ----------
    seconds : dict of str to float
        Seconds of every stage that ran, in order of first appearance.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a ``with`` block to a stage.

        Parameters
        ----------
        name : str
            Name of the stage.

        Returns
        -------
        context manager
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add({name: time.perf_counter() - start})

    def check(self) -> None:
        """Called in long loops; a subclass for work that can be stopped raises here."""

    def add(self, seconds: dict[str, float]) -> None:
        """Add the seconds by stage of work that was done elsewhere."""
        for name, elapsed in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + elapsed


def _is_interactive() -> bool:
    """Whether a person watches: stderr is a terminal, or this runs in a Jupyter kernel."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


class Meter(Progress):
    """A bar on stderr that counts bytes of the original. A context manager.

    Parameters
    ----------
    total : int
        Bytes of the original.
    label : str
        Name of the work.
    enabled : bool or None
        None shows the bar in a terminal and in Jupyter, and nowhere else.
    """

    def __init__(self, total: int, label: str, enabled: bool | None = None) -> None:
        super().__init__(total, label, enabled, unit="B")
        self._read = self._written = 0

    def __enter__(self) -> Meter:
        return self

    def packed(self, read: int, written: int, name: str = "") -> None:
        """Count `read` more bytes of the original, which were packed into `written` bytes."""
        self._read += read
        self._written += written
        share = f"{100 * self._written / self._read:.1f} % " if self._read else ""
        self.advance(read, f"{share}{visible(name)}")

    def rebuilt(self, count: int, name: str = "") -> None:
        """Count `count` more bytes of the original as rebuilt."""
        self.advance(count, visible(name))
