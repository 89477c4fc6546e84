"""Run a model: its checkpoint becomes an engine, tokens become text."""

from __future__ import annotations
