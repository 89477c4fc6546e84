"""Plots in a page, each drawn for light and for dark ground; the style shows one of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from meadow_py.views.html.markup import Markup, element

if TYPE_CHECKING:
    from meadow_py.profiler import Profile


def drawings(profile: Profile) -> Iterator[Markup]:
    """Every kind of plot with a description, or the reason why it cannot be drawn.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    from meadow_py.views.plots import KINDS

    for kind, entry in KINDS.items():
        yield element(
            "figure",
            _drawing(profile, kind),
            element("figcaption", element("b", f"{entry.title}. "), entry.description),
            kind="figure",
        )


def _drawing(profile: Profile, kind: str) -> Markup:
    from meadow_py.views.plots import svg

    try:
        light, dark = (Markup(svg(profile, kind, dark=dark)) for dark in (False, True))
    except ValueError as error:  # an older file lacks the data of this kind
        return element("p", f"Not drawn: {error}", kind="note")
    return element("div", light, kind="light") + element("div", dark, kind="dark")
