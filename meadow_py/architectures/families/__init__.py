"""Every family, in the order in which tensor names are tried: the particular ones first."""

from __future__ import annotations

from meadow_py.architectures.family import Family
from meadow_py.architectures.families.opt import OPT

FAMILIES: tuple[Family, ...] = (OPT,)
UNKNOWN = Family(name="unknown", expected=False)
