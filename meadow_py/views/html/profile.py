"""A profile as a fragment of HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meadow_py.profiler.summary import Section, sections
from meadow_py.views.html import figures, words
from meadow_py.views.html.markup import PREFIX, Markup, element, folded, join
from meadow_py.views.html.style import style
from meadow_py.views.html.terms import how_to_read

if TYPE_CHECKING:
    from meadow_py.profiler.result import Profile

# MathJax must not take dollar signs in names for formulas.
_ROOT = f"{PREFIX}-view tex2jax_ignore mathjax_ignore"


def profile_html(profile: Profile) -> str:
    """The profile for a notebook: verdict first, long parts folded.

    No JavaScript and no resources from outside. Colours are those of the notebook's theme, and
    nothing of its style reaches beyond the fragment.
    """
    made = sections(profile)
    title, *notes = words.header_lines(profile)
    return view(
        style(),
        element("p", title, kind="title"),
        element("p", words.headline(made), kind="headline"),
        *(element("p", note, kind="note") for note in notes),
        *overview(made),
        *section_parts(made),
        how_to_read(),
    )


def view(*parts: str) -> Markup:
    """The element around a fragment, which its style holds on to."""
    return Markup(f'<div class="{_ROOT}" lang="en">\n{join(parts)}\n</div>')


def overview(made: Sequence[Section]) -> Iterator[Markup]:
    """All weights at a glance, where there is more than one way of quantising."""
    if len(made) > 1:
        yield figures.by_setting(made)


def section_parts(made: Sequence[Section]) -> Iterator[Markup]:
    """The tables that one looks things up in: the first open, the others folded."""
    for n, section in enumerate(made):
        yield _section(section, unfolded=n == 0)
    if made:
        yield folded("By chunk size", figures.by_chunk_size(made))
        yield folded("Buffers for dictionaries", figures.buffers(made))


def _section(section: Section, unfolded: bool) -> Markup:
    return folded(
        words.section_title(section),
        element("p", words.verdict(section.total), kind="verdict"),
        figures.by_role(section),
        folded(_plural(len(section.weights), "weight"), figures.by_weight(section)),
        unfolded=unfolded,
    )


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
