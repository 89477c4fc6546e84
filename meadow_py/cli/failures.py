"""From exceptions to one line on stderr and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_P = ParamSpec("_P")


def debugging() -> bool:
    """Whether the user asked for tracebacks."""
    return os.environ.get("MEADOW_DEBUG", "") not in ("", "0")


def reports_failures(command: Callable[_P, None]) -> Callable[_P, None]:
    """A command whose exceptions become one line on stderr, unless MEADOW_DEBUG=1."""

    @functools.wraps(command)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("meadow: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _close_quietly()
        except Exception as error:
            if debugging() or _is_of_typer(error):
                raise
            typer.echo(f"meadow: {one_line(error)}", err=True)
            raise typer.Exit(FAILED) from None

    return wrapped


def one_line(error: Exception) -> str:
    """The message of an exception, with its type where the message alone says too little."""
    expected = isinstance(error, ValueError | TypeError | OSError | ImportError)
    said = " ".join(str(error).split())
    if expected and said:
        return said
    return f"{type(error).__name__}: {said} (MEADOW_DEBUG=1 shows where)"


def _close_quietly() -> NoReturn:
    """The reader of our output has gone; Python must not complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(FAILED)


def _is_of_typer(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("typer", "click")
