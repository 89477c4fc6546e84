"""Published claims computed again: what the source says, this library's figure, and a verdict.

The package itself is callable as `claims`, because ``meadow_py.claims`` is the name of both.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from meadow_py.claims.registry import claims
from meadow_py.claims.result import ClaimRow, Claims

__all__ = ["ClaimRow", "Claims", "claims"]


class _CallableModule(ModuleType):
    """Importing a package makes it an attribute of its parent, replacing the function there."""

    def __call__(self, *ids: str, run: bool = False, model: Any = None) -> Claims:
        return claims(*ids, run=run, model=model)


sys.modules[__name__].__class__ = _CallableModule
