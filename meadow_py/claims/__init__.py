"""Published claims computed again: what the source says, this library's figure, and a verdict.

The package itself is callable as `claims`, because ``meadow_py.claims`` is the name of both.
"""

from __future__ import annotations

from meadow_py.claims.registry import claims
from meadow_py.claims.result import ClaimRow, Claims
from meadow_py.names import make_callable

__all__ = ["ClaimRow", "Claims", "claims"]

make_callable(__name__, claims)
