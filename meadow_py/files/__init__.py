"""Files and folders that appear whole or not at all."""

from __future__ import annotations

from meadow_py.files.disk import write_whole

__all__ = ["write_whole"]
