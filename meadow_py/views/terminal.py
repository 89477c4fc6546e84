"""A profile as text: what it was made of, a table per way of quantising, and a verdict."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.codecs import CODECS
from meadow_py.profiler.summary import (
    BUFFER_SHARES,
    Candidate,
    Section,
    StoredDtype,
    sections,
    stored_dtypes,
)
from meadow_py.profiler.summary import Group as Figures
from meadow_py.views.spelling import (
    binary_size,
    byte_size,
    count,
    ratio,
    setting_title,
    visible,
)

if TYPE_CHECKING:
    from meadow_py.profiler.result import Profile

_VISIBLE = 0.005  # what two decimals show
_NOT_COUNTED = "dictionary\nnot counted"


def render_text(profile: Profile, width: int | None = None, per_weight: bool = False) -> str:
    """The profile as plain text, `width` columns wide (the terminal's, or 80)."""
    columns = width or shutil.get_terminal_size().columns
    console = Console(file=io.StringIO(), width=columns, color_system=None, legacy_windows=False)
    return render(profile, console, per_weight).rstrip("\n")


def render(profile: Profile, console: Console, per_weight: bool = False) -> str:
    """The profile as `console` would print it, colours included."""
    with console.capture() as captured:
        console.print(profile_view(profile, per_weight))
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def profile_view(profile: Profile, per_weight: bool = False) -> RenderableType:
    """The profile for rich."""
    parts: list[RenderableType] = [_header(profile)]
    made = sections(profile)
    for section in made:
        parts += [Text(), _section_title(section), _section_table(section, per_weight)]
        parts += [_verdict(section.total)]
    parts += [Text(), _chunk_table(made), Text(), _buffer_table(made), Text(), _footnotes()]
    return Group(*parts)


def _header(profile: Profile) -> Text:
    model, host = profile.model, profile.host
    values = sum(weight.count for weight in profile.weights)
    dtypes = ", ".join(_dtype(dtype) for dtype in stored_dtypes(profile))
    lines = [
        f"{model.source}",
        f"{model.architecture}, {model.format}, {byte_size(model.nbytes)} in {model.tensors} "
        f"tensors; profiled {_plural(len(profile.weights), 'weight')} of {count(values)} values, "
        f"{dtypes}",
        *_stored_floors(profile),
    ]
    if model.skipped_weights:
        skipped = _plural(model.skipped_weights, "weight")
        lines.append(f"not asked for: {skipped} of {count(model.skipped_values)} values")
    if model.other_tensors:
        others = _plural(model.other_tensors, "tensor")
        lines.append(f"not matrices, or empty: {others} of {count(model.other_values)} values")
    lines.append(f"{_how(profile)}; {host.isa}, {_plural(host.threads, 'thread')}")
    lines = [visible(line) for line in lines]
    text = Text("\n".join(lines))
    text.stylize("bold", 0, len(lines[0]))
    return text


def _stored_floors(profile: Profile) -> Iterator[str]:
    for stored in stored_dtypes(profile):
        if stored.fields is not None:
            joint = "" if stored.joint is None else f", of whole values {stored.joint:.2f}"
            yield f"entropy of {stored.dtype} as stored: by field {stored.fields:.2f}{joint} b/w"


def _dtype(stored: StoredDtype) -> str:
    if stored.content_dtype == stored.dtype:
        return stored.dtype
    return f"{stored.dtype} that holds only {stored.content_dtype} values"


def _how(profile: Profile) -> str:
    settings = profile.settings
    kind = "symmetric" if settings.symmetric else "asymmetric"
    checked = "every stream decoded and compared" if settings.verified else "not verified"
    return f"{kind} codes, chunks along the {settings.along}put dimension, {checked}"


def _section_title(section: Section) -> Text:
    total = section.total
    scales = f", {total.scales:.2f} of it scales" if total.scales >= _VISIBLE else ""
    title = visible(setting_title(section.bits, section.granularity))
    text = Text(f"{title}: dense {total.dense:.2f} b/w{scales}")
    text.stylize("bold", 0, len(title))
    return text


def _section_table(section: Section, per_weight: bool) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("weight" if per_weight else "role", overflow="fold", min_width=9)
    if not per_weight:
        table.add_column("weights", justify="right")
    for name in ("symbol\nfloor", "best packing", "C", "b/w", "ratio", _NOT_COUNTED, "SNR\ndB"):
        justify = "left" if name == "best packing" else "right"
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    rows = section.weights if per_weight else section.roles
    for row in rows:
        table.add_row(*_cells(row, per_weight))
    if len(rows) > 1:
        table.add_row(*_cells(section.total, per_weight), style="bold")
    return table


def _cells(row: Figures, per_weight: bool) -> list[str | Text]:
    best = row.best
    label = Text(visible(row.label))
    cells: list[str | Text] = [label] if per_weight else [label, str(row.weights)]
    return [
        *cells,
        f"{row.floor_symbol:.2f}",
        CODECS[best.codec].title,
        str(best.chunk_size),
        f"{best.bits_per_weight:.2f}",
        _coloured_ratio(best),
        Text(ratio(best.index_only_ratio), style="dim"),
        "exact" if row.snr_db is None else f"{row.snr_db:.1f}",
    ]


def _coloured_ratio(best: Candidate) -> Text:
    return Text(ratio(best.ratio), style="green" if best.ratio > 1 else "red")


def _verdict(total: Figures) -> Text:
    said = _plain_huffman(total)
    best = total.best
    packed = (
        f"{CODECS[best.codec].title}, C={best.chunk_size}: {best.bits_per_weight:.2f} b/w, "
        f"{ratio(best.ratio)}"
    )
    if total.sweet_spot is not None:
        said = f"Sweet spot: {packed}. {said}"
    elif best.ratio > 1:
        said = f"Smallest packing: {packed}, but no sweet spot. {said}"
    else:
        said = f"Sweet spot: none, every packing is larger than dense. {said}"
    if best.ratio > 1 and total.expanding:
        said += f" {total.expanding} of {total.weights} weights are smallest left dense."
    return Text(said, style="italic")


def _plain_huffman(total: Figures) -> str:
    scales = f", {total.scales:.2f} of it scales" if total.scales >= _VISIBLE else ""
    gain = ratio(total.dense / total.plain_huffman)
    return f"Plain Huffman of single codes takes {total.plain_huffman:.2f} b/w{scales}: {gain}."


def _chunk_table(made: Sequence[Section]) -> Table:
    table = Table(
        title="All weights by chunk size: ratio to dense, everything counted",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1),
        pad_edge=False,
        header_style="dim",
    )
    table.add_column("scales")
    table.add_column("C", justify="right")
    table.add_column("chunks per\ndistinct", justify="right")
    for codec in CODECS.values():
        table.add_column(codec.title, justify="right")
    table.add_column(_NOT_COUNTED, justify="right")
    for section in made:
        for cells in _chunk_cells(section):
            table.add_row(*cells)
    return table


def _chunk_cells(section: Section) -> Iterator[list[str | Text]]:
    for n, row in enumerate(section.chunks):
        title = visible(setting_title(section.bits, section.granularity, short=True))
        ratios = [Text(ratio(r), style="green" if r > 1 else "red") for r in row.ratios.values()]
        yield [
            title if n == 0 else "",
            str(row.chunk_size),
            _three_digits(row.reduction_ratio),
            *ratios,
            Text(ratio(row.index_only_ratio), style="dim"),
        ]


def _buffer_table(made: Sequence[Section]) -> Table:
    table = Table(
        title="Buffer for any dictionary of a share of weights",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1),
        pad_edge=False,
        header_style="dim",
    )
    table.add_column("scales")
    table.add_column("C", justify="right")
    for share in BUFFER_SHARES:
        table.add_column(f"{share} %", justify="right")
    for section in made:
        for n, row in enumerate(section.chunks):
            title = visible(setting_title(section.bits, section.granularity, short=True))
            sizes = [binary_size(size) for size in row.buffers]
            table.add_row(title if n == 0 else "", str(row.chunk_size), *sizes)
    return table


def _footnotes() -> Text:
    return Text(
        "b/w: bits per weight with dictionary, modes, headers, padding and scales counted. "
        "symbol floor: entropy of single codes, without scales. dictionary not counted: ratio of "
        "dense to indices of one fixed width and scales (in JSON index_only + scales); papers "
        "quote it, but nothing can be decoded without the dictionary. "
        "SNR: the lowest of the weights.",
        style="dim",
    )


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _three_digits(value: float) -> str:
    """1.00, 12.5, 927."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
