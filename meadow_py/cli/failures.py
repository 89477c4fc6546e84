"""From exceptions to one line on stderr and an exit code."""

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

_P = ParamSpec("_P")


def debugging() -> bool:
    """Whether the user asked for tracebacks."""
    return os.environ.get("MEADOW_DEBUG", "") not in ("", "0")


def reports_failures(
    *needs: str,
) -> Callable[[Callable[_P, None]], Callable[_P, None]]:
    """Make exceptions of a command one line on stderr, unless MEADOW_DEBUG=1.

    Modules that it `needs` are imported before Ctrl-C is an exception; see `interrupts`.
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
    """The message of an exception, with its type where the message alone says too little."""
    expected = isinstance(error, ValueError | TypeError | OSError | ImportError)
    said = visible(" ".join(str(error).split()))
    if expected and said:
        return said
    return f"{type(error).__name__}: {said} (MEADOW_DEBUG=1 shows where)"


def _interrupted() -> NoReturn:
    typer.echo("meadow: interrupted", err=True)
    raise typer.Exit(INTERRUPTED) from None


def _was_interrupted(error: BaseException) -> bool:
    """Whether a library that was imported late has turned Ctrl-C into an error of its own."""
    seen: set[int] = set()
    reason: BaseException | None = error
    while reason is not None and id(reason) not in seen:
        if isinstance(reason, KeyboardInterrupt):
            return True
        seen.add(id(reason))
        reason = reason.__cause__ or reason.__context__
    return False


def _close_quietly() -> NoReturn:
    """The reader of our output has gone; Python must not complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(FAILED)


def _is_of_typer(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("typer", "click")
