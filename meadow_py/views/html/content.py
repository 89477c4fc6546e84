"""The content of a result, which notebooks and pages share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meadow_py.views.html.markup import PREFIX, Markup, element, folded, join
from meadow_py.views.html.style import FRAGMENT, style
from meadow_py.views.html.terms import Term, terms

# Keeps MathJax from taking dollar signs in names for formulas.
_ROOT = f"{PREFIX}-view tex2jax_ignore mathjax_ignore"


@dataclass(frozen=True)
class Content:
    """A result, ready to be put together.

    Attributes
    ----------
    title : str
        Name of the model.
    headline : str
        The answer before the figures.
    notes : tuple of str
        Lines that say what was profiled, how and where.
    overview : tuple of Markup
        All weights at a glance.
    sections : tuple of Markup
        Tables for looking things up.
    terms : tuple of (str, str)
        Headings and their meanings.
    """

    title: str
    headline: str
    notes: tuple[str, ...]
    overview: tuple[Markup, ...]
    sections: tuple[Markup, ...]
    terms: tuple[Term, ...]

    def opening(self, title_tag: str) -> Iterator[Markup]:
        """The beginning: title, answer, notes, overview."""
        yield element(title_tag, self.title, kind="title")
        yield element("p", self.headline, kind="headline")
        yield from (element("p", note, kind="note") for note in self.notes)
        yield from self.overview


def fragment(content: Content) -> Markup:
    """The content for a notebook, whose theme it follows."""
    closing = folded("How to read this", terms(content.terms))
    return view(style(FRAGMENT), *content.opening("p"), *content.sections, closing)


def view(*parts: str) -> Markup:
    """The outer element, which the style selects."""
    return Markup(f'<div class="{_ROOT}" lang="en">\n{join(parts)}\n</div>')
