"""A result as a page that stands alone: tables, plots, settings, and how to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import meadow_py
from meadow_py.views.html.claims import claims_content
from meadow_py.views.html.content import Content, view
from meadow_py.views.html.drawings import drawings
from meadow_py.views.html.markup import Column, Markup, element, table
from meadow_py.views.html.profile import profile_content
from meadow_py.views.html.sensitivity import sensitivity_content
from meadow_py.views.html.style import FRAGMENT, PAGE, style
from meadow_py.views.html.terms import terms

if TYPE_CHECKING:
    from meadow_py.claims import Claims
    from meadow_py.profiler import Profile, ProfileSettings
    from meadow_py.sweep import Sensitivity

# A page of figures needs no script, no network and no form, so this policy forbids them.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def report(result: Profile | Sensitivity | Claims) -> str:
    """A result as one self-contained HTML page: no JavaScript, no outside resources.

    The page is light or dark like the reader's system. Equal results give equal pages.

    Parameters
    ----------
    result : Profile, Sensitivity or Claims

    Returns
    -------
    str
        The HTML.

    Raises
    ------
    ImportError
        If matplotlib is not installed; plots of profiles and sweeps need it.
    """
    from meadow_py.claims import Claims
    from meadow_py.profiler import Profile

    if isinstance(result, Claims):
        return _claims_page(claims_content(result))
    if isinstance(result, Profile):
        return _page(profile_content(result), result)
    return _page(sensitivity_content(result), result.profile)


def _page(content: Content, profile: Profile) -> Markup:
    body = view(
        *content.opening("h1"),
        element("h2", "Plots"),
        *drawings(profile),
        element("h2", "Tables"),
        *content.sections,
        element("h2", "How to read this"),
        terms(content.terms),
        element("h2", "Settings and host"),
        _settings(profile),
    )
    return _whole(content.title, body)


def _claims_page(content: Content) -> Markup:
    body = view(
        *content.opening("h1"),
        *content.sections,
        element("h2", "How to read this"),
        terms(content.terms),
    )
    return _whole(content.title, body)


def _whole(title: str, body: Markup) -> Markup:
    start = '<!DOCTYPE html>\n<html lang="en">'
    end = "</main>\n</body>\n</html>\n"
    return Markup(f"{start}\n{_head(title)}\n<body>\n<main>\n{body}\n{end}")


def _head(title: str) -> Markup:
    lines = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="generator" content="meadow_py {meadow_py.__version__}">',
        '<link rel="icon" href="data:,">',  # without it browsers ask the server for one
        element("title", f"{title} - meadow_py"),
        style(FRAGMENT + PAGE),
    ]
    return Markup("\n".join(["<head>", *lines, "</head>"]))


def _settings(profile: Profile) -> Markup:
    settings, host = profile.settings, profile.host
    how = _quantizers(settings)
    rows = [
        *how[:2],
        ("chunk sizes", _listed(settings.chunk_sizes)),
        *how[2:],
        ("chunks along", f"{settings.along}put dimension"),
        ("verified", "every stream decoded and compared" if settings.verified else "no"),
        ("instruction set", host.isa),
        ("threads", str(host.threads)),
        *((f"seconds: {stage}", f"{spent:.2f}") for stage, spent in profile.seconds.items()),
        ("made with", f"meadow_py {host.meadow_py}"),
    ]
    columns = [Column("setting", words=True), Column("value", words=True)]
    return table("How it was made", columns, rows)


def _quantizers(settings: ProfileSettings) -> list[tuple[str, str]]:
    """The parts of the quantisers if these say everything, else their keys."""
    if not settings.is_product:
        return [("quantizers", _listed(settings.quantizers))]
    return [
        ("bits", _listed(settings.bits)),
        ("scales", _listed(settings.granularity)),
        ("codes", "symmetric" if settings.symmetric else "asymmetric"),
    ]


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
