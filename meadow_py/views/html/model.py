"""A model that runs, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.views.html.content import view
from meadow_py.views.html.markup import Column, element, table
from meadow_py.views.html.style import FRAGMENT, style
from meadow_py.views.model import facts, one_line

if TYPE_CHECKING:
    from meadow_py.run import Model


def model_html(model: Model) -> str:
    """The facts about a model as a small table; a closed model takes one line."""
    if model.closed:
        return view(element("p", repr(model), kind="note"))
    columns = [Column("", words=True), Column("", words=True)]
    made = table(one_line(model), columns, facts(model))
    return view(style(FRAGMENT), element("p", model.source, kind="title"), made)
