"""What the API pages leave out of signatures, and how they read the docstrings of properties."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# What numpy.typing.NDArray stands for; numbers and shapes are in the text.
_NDARRAY = re.compile(
    r"~?(?:npt\.NDArray\[[^\]]*\]"
    r"|numpy\.ndarray\[tuple\[~?(?:typing\.)?Any, \.\.\.\], ~?numpy\.dtype\[[^\]]*\]\])"
)
_LONG_LITERAL = re.compile(r"~?(?:typing\.)?Literal\[[^\]]{60,}\]")  # the text has the spellings


def shorten_signature(
    _app: Sphinx,
    what: str,
    _name: str,
    thing: Any,
    _options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """No constructor where users are not told its parameters: they get such objects from us."""
    if what == "class" and "\n    Parameters\n" not in (thing.__doc__ or ""):
        return "", None
    return _shortened(signature), _shortened(returned)


def _shortened(hints: str | None) -> str | None:
    return hints and _LONG_LITERAL.sub("str", _NDARRAY.sub("~numpy.ndarray", hints))


def keep_colon(
    _app: Sphinx, what: str, _name: str, _thing: Any, _options: Any, lines: list[str]
) -> None:
    """Napoleon would take what stands before a property's first colon for its type.

    It does not where the line ends at that colon.
    """
    if what in ("property", "attribute") and lines:
        before, colon, behind = lines[0].partition(": ")
        lines[:1] = [before + colon.rstrip(), behind] if colon else [before]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("autodoc-process-docstring", keep_colon, priority=400)  # napoleon's is 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
