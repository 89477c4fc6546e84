"""A bench as HTML: one sentence, the host, a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.views import bench as words
from meadow_py.views.html.content import Content, fragment
from meadow_py.views.html.markup import Column, table

if TYPE_CHECKING:
    from meadow_py.run.bench_result import Bench

_TERMS = (
    (
        "read for a token",
        "Weights that decoding one token reads: every matrix once, and one row of each table. "
        "Keys and values of earlier tokens are not counted.",
    ),
    (
        "of read bandwidth",
        "Bytes of weights read per second while decoding, over the read bandwidth of this host's "
        "memory with as many threads in the same minute. Above 100 %, some weights are read from "
        "the caches.",
    ),
    (
        "products of a token",
        "All matrix products that a token takes, one after another, without attention, norms and "
        "activations.",
    ),
    (
        "peak anonymous memory",
        "RssAnon of a separate process that loads the form and generates, interpreter included. "
        "Dense weights are copied to memory first, unless the mapped file was asked for.",
    ),
)


def bench_html(made: Bench) -> str:
    """The bench for a notebook: the sentence first."""
    title, *notes = words.header_lines(made)
    first, *others = words.COLUMNS
    columns = [Column(first or "figure", words=True), *map(Column, others)]
    shown = table(
        "Dense and packed, measured in turn", columns, [list(r) for r in words.rows(made)]
    )
    return fragment(Content(title, made.verdict, tuple(notes), (shown,), (), _TERMS))
