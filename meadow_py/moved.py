"""Names that have moved or changed but still work for one more release."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def moved(
    old: str, names: Iterable[str], new: str, renamed: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that finds `names` of the module `old` in `new`, and warns."""
    known = {name: name for name in names} | dict(renamed or {})

    def find(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        warnings.warn(
            f"{old}.{name} has moved to {new}.{known[name]}; the old name goes after this release",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(new), known[name])

    return find
