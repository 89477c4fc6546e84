"""Code shared by the verbs that profile a model."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from meadow_py.cli import parsing
from meadow_py.cli.output import check_file, check_stdout, console, write

if TYPE_CHECKING:
    from meadow_py import Profile, Sensitivity

# Imported before Ctrl-C raises an exception.
NEEDS = (
    "meadow_py._core",
    "meadow_py.demo",
    "meadow_py.profiler",
    "meadow_py.sweep",
    "meadow_py.sources",
    "meadow_py.views.terminal.profile",
    "meadow_py.views.terminal.sensitivity",
)


class Along(StrEnum):
    """Dimensions that chunks can run along."""

    IN = "in"
    OUT = "out"


def model_named(name: str | None) -> Any:
    """The model that the user named; without a name, the demo model."""
    if name is not None:
        return name
    from meadow_py import demo

    return demo.checkpoint()


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of `meadow_py.profile` and `meadow_py.sweep`.

    `given` maps parameter names to the options of a command: its ``locals()``.
    """
    return {
        **_quantizers(given),
        "chunk_sizes": [parsing.chunk_size(text) for text in given["chunk_size"]],
        "along": given["along"].value,
        "roles": given["role"] or None,
        "verify": not given["no_verify"],
        "threads": given["threads"],
        "resume": given["resume"],
        "progress": False if given["quiet"] else None,
        "revision": given["revision"],
        "token": given["token"],
        "cache_dir": given["cache_dir"],
        "local_files_only": given["offline"],
    }


def _quantizers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of quantisers, or the parts whose combinations make the keys."""
    if not given["quantizer"]:
        return {
            "bits": [parsing.bits(text) for text in given["bits"]],
            "granularity": given["granularity"],
            "symmetric": not given["asymmetric"],
        }
    for name in ("bits", "granularity", "asymmetric"):
        if is_typed(given["context"], name):
            raise typer.BadParameter(
                f"--quantizer and --{name} were given: expected only one of them; a key such as "
                "int8:row says bits and granularity"
            )
    return {"quantizers": given["quantizer"]}


def is_typed(context: typer.Context, parameter: str) -> bool:
    """Whether the user gave the option, so that it does not just hold its default."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def check_targets(
    output: str | None, plot: str | None, plot_kind: str, resume: str | None = None
) -> None:
    """Raise before the work starts, not after it, if a result could not be written."""
    check_stdout()
    targets = [Path(path).resolve() for path in (output, plot, resume) if path is not None]
    if len(set(targets)) < len(targets):
        raise typer.BadParameter("--output, --plot and --resume name the same file")
    if output is not None:
        check_file(output)
    if plot is None:
        return
    check_file(plot)
    from meadow_py.views import plots
    from meadow_py.views.plots.place import require_matplotlib
    from meadow_py.views.plots.selection import named

    require_matplotlib()
    try:
        plots.check_path(plot)
        named("kind of plot", plot_kind, plots.KINDS)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def deliver(
    made: Profile | Sensitivity, output: str | None, plot: str | None, plot_kind: str
) -> OSError | None:
    """Write the files that were asked for; return the error if one cannot be written.

    The error is returned, not raised, so that the result of hours of work is still shown.
    """
    try:
        if output is not None:
            made.save(output)
        if plot is not None:
            _plot(made, plot, plot_kind)
    except OSError as error:
        return error
    return None


def show(made: Profile | Sensitivity, json: str | None, per_weight: bool = False) -> None:
    """Write the result to stdout: the text `json` if given, else a table."""
    if json is not None:
        write(json)
        return
    from meadow_py.views.terminal import render

    write(render(made, console(), per_weight))


def _plot(made: Profile | Sensitivity, path: str, kind: str) -> None:
    from meadow_py import Profile
    from meadow_py.views import plots

    profile = made if isinstance(made, Profile) else made.profile
    plots.save(plots.figure(profile, kind), path)
