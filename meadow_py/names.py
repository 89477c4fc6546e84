"""Former names that still work for one more release, and packages that can be called."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any


def moved(
    old: str,
    homes: Mapping[str, str],
    said: str = "has moved to {home}; the old name goes after this release",
) -> Callable[[str], Any]:
    """A ``__getattr__`` for the module `old` that finds its former names, and warns.

    `homes` holds the present address of each former name; `said` ends the warning, with the
    address as ``{home}`` and the name at its end as ``{now}``.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        room, _, now = homes[name].rpartition(".")
        told = said.format(home=homes[name], now=now)
        warnings.warn(f"{old}.{name} {told}", DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module(room), now)

    return find


def homes_in(room: str, names: Iterable[str]) -> dict[str, str]:
    """The addresses of names that moved to one room and kept their spelling."""
    return {name: f"{room}.{name}" for name in names}


def make_callable(package: str, function: Callable[..., Any]) -> None:
    """Let a package be called as the function of its name.

    Importing a package makes it an attribute of its parent, and so replaces the function there.
    """

    class CallablePackage(ModuleType):
        __call__ = staticmethod(function)

    sys.modules[package].__class__ = CallablePackage
