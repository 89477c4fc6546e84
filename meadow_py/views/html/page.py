"""A result as a page that stands alone: tables, plots, settings, and how to read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import meadow_py
from meadow_py.profiler.summary import sections
from meadow_py.views.html import words
from meadow_py.views.html.drawings import drawings
from meadow_py.views.html.markup import Column, Markup, element, folded, join, table
from meadow_py.views.html.profile import overview, section_parts, view
from meadow_py.views.html.style import FRAGMENT, PAGE, style
from meadow_py.views.html.terms import how_to_read

if TYPE_CHECKING:
    from meadow_py.profiler.result import Profile

# A page of figures needs no script, no network and no form: the browser holds it to that.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def report(result: Profile) -> str:
    """A result as one HTML page, self-contained: no JavaScript, nothing from outside.

    Light or dark as the reader's system is. The same result gives the same page.

    Parameters
    ----------
    result : Profile

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    title, *_ = words.header_lines(result)
    return join(
        [
            Markup("<!DOCTYPE html>"),
            Markup('<html lang="en">'),
            _head(title),
            Markup("<body>"),
            Markup("<main>"),
            view(*_body(result)),
            Markup("</main>"),
            Markup("</body>"),
            Markup("</html>\n"),
        ]
    )


def _head(title: str) -> Markup:
    lines = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="generator" content="meadow_py {meadow_py.__version__}">',
        '<link rel="icon" href="data:,">',  # or browsers ask the server for one
        element("title", f"{title} - meadow_py"),
        style(PAGE + FRAGMENT),
    ]
    return Markup("\n".join(["<head>", *lines, "</head>"]))


def _body(profile: Profile) -> Iterator[Markup]:
    made = sections(profile)
    title, *notes = words.header_lines(profile)
    yield element("h1", title)
    yield element("p", words.headline(made), kind="headline")
    yield from (element("p", note, kind="note") for note in notes)
    yield from overview(made)
    yield element("h2", "Plots")
    yield from drawings(profile)
    yield element("h2", "Tables")
    yield from section_parts(made)
    yield element("h2", "Reading it")
    yield how_to_read(unfolded=True)
    yield folded("Settings and host", _settings(profile))


def _settings(profile: Profile) -> Markup:
    settings, host = profile.settings, profile.host
    rows = [
        ("bits", _listed(settings.bits)),
        ("scales", _listed(settings.granularity)),
        ("chunk sizes", _listed(settings.chunk_sizes)),
        ("codes", "symmetric" if settings.symmetric else "asymmetric"),
        ("chunks along", f"{settings.along}put dimension"),
        ("verified", "every stream decoded and compared" if settings.verified else "no"),
        ("instruction set", host.isa),
        ("threads", str(host.threads)),
        *((f"seconds: {stage}", f"{spent:.2f}") for stage, spent in profile.seconds.items()),
        ("made with", f"meadow_py {host.meadow_py}"),
    ]
    columns = [Column("setting", words=True), Column("value", words=True)]
    return table("Settings and host", columns, rows)


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
