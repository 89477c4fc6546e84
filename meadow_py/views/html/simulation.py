"""A simulation as HTML: the answer, prompt and token at a glance, where time and energy go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meadow_py.views import simulation as words
from meadow_py.views.html.content import Content, fragment
from meadow_py.views.html.markup import PREFIX, Column, Markup, element, folded, table, text
from meadow_py.views.html.terms import Term

if TYPE_CHECKING:
    from meadow_py.simulator import Phase, Simulation

_TERMS: tuple[Term, ...] = (
    (
        "time",
        "Of the prompt until its first token, and of one decoded token, the model being in "
        "memory. A prediction from the model's shape and the device's numbers: nothing was run.",
    ),
    (
        "floor",
        "Reading the dense weights of all blocks once: no head, no KV cache, no packing.",
    ),
    (
        "bound by",
        "The resource that the operations with most of the time wait for: memory, multipliers, "
        "softmax units, the decoder of packed weights, or the device's own time per pass.",
    ),
    (
        "weights, activations, KV cache, compute",
        "The time spent waiting for each. Transfer that overlaps with longer compute, or compute "
        "that overlaps with longer transfer, is left out, so that the columns add up.",
    ),
    (
        "projections, attention",
        "Products with the weights of Q, K, V and output; QK^T, softmax and SMxV. Under TPHS, Q is "
        "a part of attention: they run as one pipeline, whose intermediates stay on the chip.",
    ),
    (
        "low to high",
        "The range that the sources give for the energy of a bit and of an operation, or the "
        "range of an assumed power.",
    ),
)
_BAR = 60  # width in pixels of a bar for the whole time


def simulation_html(simulation: Simulation) -> str:
    """The simulation for a notebook: the sentence first, layers and assumptions folded."""
    notes = (
        words.setting(simulation),
        *filter(None, (words.fit_line(simulation), words.addition_line(simulation))),
    )
    glance = words.glance_headings(simulation), words.glance_rows(simulation)
    return fragment(
        Content(
            words.title(simulation),
            words.headline(simulation),
            notes,
            (_table("At a glance", *glance),),
            tuple(_sections(simulation)),
            _TERMS,
        )
    )


def _sections(simulation: Simulation) -> Iterator[Markup]:
    for name, phase in words.phases(simulation).items():
        yield _times(f"Time of {words.PHASE_TITLES[name]}", phase)
    rows, total = words.energy_rows(simulation)
    headings = [heading.strip("\n") for heading in words.energy_headings(simulation)]
    yield _table("Energy", headings, rows, total)
    for name, phase in words.phases(simulation).items():
        layers = _table("Layer by layer", words.LAYER_HEADINGS, words.layer_rows(phase))
        yield folded(f"Layers: {words.PHASE_TITLES[name]}", layers)
    yield folded("Assumptions and sources", *_assumptions(simulation))


def _times(caption: str, phase: Phase) -> Markup:
    """The table of times, with a bar beside each share."""
    rows, total = words.time_rows(phase)
    headings = words.time_headings(phase)
    place = headings.index("share")
    for row in (*rows, total):
        row[place] = _share_cell(row[place])
    return _table(caption, headings, rows, total)


def _share_cell(share: str) -> Markup:
    width = round(_BAR * int(share.removesuffix("%")) / 100)
    bar = f'<i class="{PREFIX}-smaller" style="width:{width}px"></i>'
    return Markup(f'<td class="{PREFIX}-share">{bar}{text(share)}</td>')


def _assumptions(simulation: Simulation) -> Iterator[Markup]:
    rows = [[one.name, words.value_of(one), one.unit, one.reason] for one in simulation.assumptions]
    if rows:
        columns = [Column(name, words=True) for name in ("assumption", "value", "unit", "reason")]
        yield table("Values that no source gives", columns, rows)
    yield element("p", words.energy_line(simulation), kind="note")
    sources = simulation.device.sources.values()
    yield element("p", f"Sources of the device: {'; '.join(sources)}.", kind="note")


def _table(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    total: Sequence[str] | None = None,
) -> Markup:
    left = ("layer", "bound by", "dataflow")
    first = Column(headings[0] or "of", words=True)
    columns = [first, *(Column(name, words=name in left) for name in headings[1:])]
    return table(caption, columns, rows, total)
