"""A profile as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meadow_py.profiler.summary import Section
from meadow_py.views import verdicts
from meadow_py.views.html import figures
from meadow_py.views.html.content import Content, fragment
from meadow_py.views.html.markup import Markup, element, folded
from meadow_py.views.html.products import product_parts
from meadow_py.views.html.terms import PRODUCT_TERMS, TERMS

if TYPE_CHECKING:
    from meadow_py.profiler import Profile


def profile_html(profile: Profile) -> str:
    """The profile for a notebook: verdict first, long parts folded.

    It needs no JavaScript and no outside resources. It takes its colours from the notebook's theme,
    and its style does not affect anything outside the fragment.
    """
    return fragment(profile_content(profile))


def profile_content(profile: Profile) -> Content:
    """The content of a profile."""
    made = profile.summary()
    title, *notes = verdicts.header_lines(profile)
    return Content(
        title=title,
        headline=verdicts.profile_headline(made),
        notes=tuple(notes),
        overview=tuple(overview(made)),
        sections=(*product_parts(profile), *section_parts(made)),
        terms=(*TERMS, *PRODUCT_TERMS) if profile.measured is not None else TERMS,
    )


def overview(made: Sequence[Section]) -> Iterator[Markup]:
    """All weights at a glance, if there is more than one way of quantising."""
    if len(made) > 1:
        yield figures.by_setting(made)


def section_parts(made: Sequence[Section]) -> Iterator[Markup]:
    """The first way of quantising open, the others folded."""
    for n, section in enumerate(made):
        yield _section(section, alone=len(made) == 1, unfolded=n == 0)
    if made:
        yield folded("By chunk size", figures.by_chunk_size(made))
        yield folded("Buffers for dictionaries", figures.buffers(made))


def _section(section: Section, alone: bool, unfolded: bool) -> Markup:
    said = [] if alone else [element("p", verdicts.verdict(section.total), kind="verdict")]
    return folded(
        ": ".join(verdicts.section_title(section)),
        *said,  # a single one is the headline already
        figures.by_role(section),
        folded(verdicts.plural(len(section.weights), "weight"), figures.by_weight(section)),
        unfolded=unfolded,
    )
