"""Turn exceptions into one line on stderr and an exit code."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

from meadow_py.cli.interrupts import INTERRUPTED, raise_again
from meadow_py.spelling import visible

FAILED = 1
_PIPE_CLOSED = 141  # 128 + SIGPIPE, as shells report programs that this signal ends

_P = ParamSpec("_P")


def debugging() -> bool:
    """Whether the user asked for tracebacks, with MEADOW_DEBUG."""
    return os.environ.get("MEADOW_DEBUG", "") not in ("", "0")


def reports_failures(
    *needs: str,
) -> Callable[[Callable[_P, None]], Callable[_P, None]]:
    """Report the exceptions of a command as one line on stderr, unless MEADOW_DEBUG=1.

    The modules in `needs` are imported before Ctrl-C raises KeyboardInterrupt; see `interrupts`.
    """

    def decorate(command: Callable[_P, None]) -> Callable[_P, None]:
        @functools.wraps(command)
        def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> None:
            try:
                for module in needs:
                    importlib.import_module(module)
                raise_again()
                command(*args, **kwargs)
            except KeyboardInterrupt:
                _interrupted()
            except BrokenPipeError:
                _close_quietly()
            except Exception as error:
                if debugging() or _is_of_typer(error):
                    raise
                if _was_interrupted(error):
                    _interrupted()
                typer.echo(f"meadow: {one_line(error)}", err=True)
                raise typer.Exit(FAILED) from None

        return wrapped

    return decorate


def one_line(error: Exception) -> str:
    """The message of an exception, with its type if it is unexpected or has no message."""
    expected = isinstance(error, ValueError | TypeError | OSError | ImportError)
    said = visible(" ".join(str(error).split()))
    if expected and said:
        return said
    return f"{type(error).__name__}: {said} (MEADOW_DEBUG=1 shows where)"


def _interrupted() -> NoReturn:
    typer.echo("meadow: interrupted", err=True)
    raise typer.Exit(INTERRUPTED) from None


def _was_interrupted(error: BaseException) -> bool:
    """Whether the error was caused by Ctrl-C, as a library imported late may have wrapped it."""
    seen: set[int] = set()
    reason: BaseException | None = error
    while reason is not None and id(reason) not in seen:
        if isinstance(reason, KeyboardInterrupt):
            return True
        seen.add(id(reason))
        reason = reason.__cause__ or reason.__context__
    return False


def _close_quietly() -> NoReturn:
    """The output pipe is closed; keep Python from complaining when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(_PIPE_CLOSED)


def _is_of_typer(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("typer", "click")
