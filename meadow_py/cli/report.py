"""``meadow report``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meadow_py.cli import options, profile
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, write
from meadow_py.spelling import byte_size, visible

if TYPE_CHECKING:
    from meadow_py import Claims, Profile, Sensitivity

_SUFFIXES = (".html", ".htm")
_START_OF_JSON = re.compile(rb'\s*\{\s*"\w+"')  # no model file begins like this


def _page_name(text: str) -> str:
    """A callback that accepts only HTML names, so that ``-o model.safetensors`` does no harm."""
    if Path(text).suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{visible(repr(text))}: expected a name that ends in .html")
    return text


@reports_failures(*profile.NEEDS, "meadow_py.files", "meadow_py.views.html")
def report(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            help="Hub id, folder or file (.safetensors, .bin, .gguf), or a result that "
            "`meadow profile`, `sweep` or `claims` saved with -o. Default: the bundled demo.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", callback=_page_name, help="HTML file to write."
        ),
    ] = "report.html",
    bits: options.Bits = ["8"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    chunk_size: options.ChunkSizes = ["2", "4", "8"],  # noqa: B006
    asymmetric: options.Asymmetric = False,
    quantizer: options.Quantizers = None,
    along: options.Along = options.ChunkDirection.IN,
    role: options.Roles = None,
    resume: options.Resume = None,
    no_verify: options.NoVerify = False,
    threads: options.Threads = None,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one HTML page with tables, plots and an explanation of how to read them.

    The page is self-contained: no network, no JavaScript. It is light or dark like the reader's
    system. This command needs matplotlib.

    Example: meadow report facebook/opt-125m --bits 8,4 -o opt.html
    """
    chosen = profile.arguments(locals())
    import meadow_py

    check_stdout()
    check_file(output)
    _check_matplotlib()
    made = _saved(model)
    if made is not None:
        _refuse_settings(context)
    else:
        made = meadow_py.profile(profile.model_named(model), **chosen)
    _write(made, output)


def _check_matplotlib() -> None:
    """Raise before the work starts, not after it, if matplotlib is missing."""
    from meadow_py.views.plots.canvas import require_matplotlib

    require_matplotlib()


def _saved(model: str | None) -> Profile | Sensitivity | Claims | None:
    """The profile, sweep or claims in the file `model`, if that is JSON; else None."""
    if model is None or not Path(model).is_file():
        return None
    with Path(model).open("rb") as file:
        if not _START_OF_JSON.match(file.read(64)):
            return None
    from meadow_py.profiler import Profile
    from meadow_py.results import read_json
    from meadow_py.sweep import Sensitivity

    data = read_json(model, "profile, sweep or claims")
    if data.get("kind") == "sweep":
        return Sensitivity.from_json_types(data, model)
    if data.get("kind") == "claims":
        from meadow_py.claims import Claims

        return Claims.from_json_types(data, model)
    return Profile.from_json_types(data, model)


def _refuse_settings(context: typer.Context) -> None:
    """Refuse options of profiling: a saved result was made with settings of its own."""
    for parameter in context.command.params:
        name = parameter.name or ""
        if profile.is_typed(context, name) and name not in ("model", "output", "quiet"):
            raise typer.BadParameter(
                f"{parameter.opts[0]} applies when a model is profiled, and a saved result is "
                "profiled already: leave it out, or name the model"
            )


def _write(made: Profile | Sensitivity | Claims, path: str) -> None:
    from meadow_py.files import write_whole
    from meadow_py.views.html import report as page

    content = page(made).encode()
    write_whole(path, content)
    write(f"{visible(path)}: {byte_size(len(content))}\n")
