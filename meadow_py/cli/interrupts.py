"""Ctrl-C while modules are still being imported."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # 128 + SIGINT, as in shells


def end_at_once() -> None:
    """From now on, Ctrl-C ends the process with one line on stderr and no exception.

    An extension module that is interrupted during its initialisation prints the KeyboardInterrupt
    and raises ImportError instead, so it cannot be caught later. There is nothing to clean up yet.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt again, if `end_at_once` changed that."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    try:
        os.write(2, b"meadow: interrupted\n")
    finally:
        os._exit(INTERRUPTED)
