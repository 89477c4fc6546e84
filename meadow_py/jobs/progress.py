"""Progress of long work on stderr: bars that count steps or bytes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from meadow_py.spelling import visible


class Progress:
    """A bar on stderr that counts weights, or something else. A context manager.

    Parameters
    ----------
    total : int
        How many weights there are to go through, all passes counted.
    label : str
        What is being done.
    enabled : bool or None
        None shows the bar in a terminal and in Jupyter, and nowhere else.
    unit : str
        What is counted: ``w`` weights, ``B`` bytes.
    """

    def __init__(
        self, total: int, label: str, enabled: bool | None = None, unit: str = "w"
    ) -> None:
        shown = _is_interactive() if enabled is None else enabled
        self._bar: Any = None
        if shown:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc=label, unit=unit, unit_scale=True, leave=False)

    def advance(self, count: int, name: str = "") -> None:
        """`count` more are done; `name` is what is being worked on."""
        if self._bar is not None:
            self._bar.set_postfix_str(name, refresh=False)
            self._bar.update(count)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class Stopwatch:
    """Seconds by stage.

    Attributes
    ----------
    seconds : dict of str to float
        Wall time of every stage that ran, in order of first appearance.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add({name: time.perf_counter() - start})

    def check(self) -> None:
        """Called in long loops; a clock of work that can be stopped raises here."""

    def add(self, seconds: dict[str, float]) -> None:
        """Add the stages of work that was done elsewhere."""
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
