"""``meadow report``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meadow_py.cli import measuring, options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.output import check_file, check_stdout, write
from meadow_py.spelling import byte_size, visible

if TYPE_CHECKING:
    from meadow_py import Profile, Sensitivity

_SUFFIXES = (".html", ".htm")
_START_OF_JSON = re.compile(rb'\s*\{\s*"\w+"')  # what no model file begins with


def _page_name(text: str) -> str:
    """A callback: the name of a page, so that ``-o model.safetensors`` does no harm."""
    if Path(text).suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{visible(repr(text))}: expected a name that ends in .html")
    return text


@reports_failures(*measuring.NEEDS, "meadow_py.files.writing", "meadow_py.views.html")
def report(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            help="Hub id, folder or file (.safetensors, .bin, .gguf), or what "
            "`meadow profile -o` or `meadow sweep -o` saved. None: the bundled demo.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", callback=_page_name, help="The page."),
    ] = "report.html",
    bits: options.Bits = ["8"],  # noqa: B006
    granularity: options.Granularities = ["tensor", "row", "group:128"],  # noqa: B006
    chunk_size: options.ChunkSizes = ["2", "4", "8"],  # noqa: B006
    asymmetric: options.Asymmetric = False,
    along: options.Along = measuring.Along.IN,
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
    """Write one HTML page with tables, plots and how to read them.

    The page needs nothing but itself: no network, no JavaScript. Light or dark as the reader's
    system is. Needs matplotlib.

    Example: meadow report facebook/opt-125m --bits 8,4 -o opt.html
    """
    chosen = measuring.arguments(locals())
    import meadow_py

    check_stdout()
    check_file(output)
    _check_matplotlib()
    made = _saved(model)
    if made is not None:
        _refuse_settings(context)
    else:
        made = meadow_py.profile(measuring.model_named(model), **chosen)
    _write(made, output)


def _check_matplotlib() -> None:
    """Before the work, not after it."""
    from meadow_py.views.plots.place import require_matplotlib

    require_matplotlib()


def _saved(model: str | None) -> Profile | Sensitivity | None:
    """The profile or sweep that `model` names, where it is a file of JSON."""
    if model is None or not Path(model).is_file():
        return None
    with Path(model).open("rb") as file:
        if not _START_OF_JSON.match(file.read(64)):
            return None
    from meadow_py.profiler.serial import profile_from_json, read_json
    from meadow_py.sensitivity.serial import sweep_from_json

    data = read_json(model, "profile or sweep")
    if data.get("kind") == "sweep":
        return sweep_from_json(data, model)
    return profile_from_json(data, model)


def _refuse_settings(context: typer.Context) -> None:
    """What is saved was made with settings of its own."""
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if given and name not in ("model", "output", "quiet"):
            raise typer.BadParameter(
                f"{parameter.opts[0]} says how to profile a model; what is saved is profiled "
                "already: leave it out, or name the model"
            )


def _write(made: Profile | Sensitivity, path: str) -> None:
    from meadow_py.files.writing import write_whole
    from meadow_py.views.html import report as page

    content = page(made).encode()
    write_whole(path, content)
    write(f"{visible(path)}: {byte_size(len(content))}\n")
