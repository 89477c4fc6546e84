"""A plan as HTML, for Jupyter."""

from __future__ import annotations
