"""From what users type to arguments; anything wrong is a usage error (exit code 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from meadow_py.spelling import visible

_T = TypeVar("_T")


def several(parse: Callable[[str], _T]) -> Callable[[Sequence[str] | None], list[str]]:
    """A callback for options that may be repeated and hold commas: ``2,4 8``.

    The values stay strings, as typer wants them, and are known to be good for `parse`.
    """

    def callback(values: Sequence[str] | None) -> list[str]:
        parts = [part.strip() for value in values or () for part in value.split(",")]
        for part in parts:
            try:
                parse(part)
            except (ValueError, TypeError) as error:
                raise typer.BadParameter(visible(str(error))) from None
        return parts

    return callback


def bits(text: str) -> int:
    """``8`` or ``int8``."""
    from meadow_py.quantize import check_bits

    return check_bits(_integer(text.lower().removeprefix("int"), "bits"))


def chunk_size(text: str) -> int:
    """Codes per chunk."""
    from meadow_py.codecs import check_chunk

    return check_chunk(_integer(text, "chunk size"))


def granularity(text: str) -> str:
    """``tensor``, ``row`` or ``group:N``."""
    from meadow_py.quantize import Granularity

    return str(Granularity.parse(text))


def file_name(text: str | None) -> str | None:
    """A callback for the name of a file to write."""
    if text is not None and not text.strip():
        raise typer.BadParameter("the name is empty: expected that of a file to write")
    return text


def threads(number: int | None) -> int | None:
    """A callback for a number of threads, which typer has made a positive integer."""
    from meadow_py.quantize import check_threads

    try:
        return None if number is None else check_threads(number)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def role(text: str) -> str:
    """A role, or the first part of one."""
    from meadow_py.architectures import ROLES

    known = {*ROLES, *(name.partition(".")[0] for name in ROLES)}
    if text not in known:
        raise ValueError(f"role {text!r}: expected one of {', '.join(ROLES)}, or attention, mlp")
    return text


def _integer(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{what} {text!r}: expected a whole number") from None
