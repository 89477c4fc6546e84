"""The command line application, put together from its verbs."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import meadow_py
from meadow_py.cli.failures import debugging, reports_failures
from meadow_py.cli.output import write


@dataclass(frozen=True)
class Verb:
    """A verb that is imported only when it is used.

    Attributes
    ----------
    module : str
        The module that defines it.
    name : str
        Its function there, or its `typer.Typer` if it has verbs of its own.
    summary : str
        The first paragraph of its help, so that ``meadow --help`` need not import it.
    """

    module: str
    name: str
    summary: str


VERBS = {
    "profile": Verb(
        "meadow_py.cli.profile",
        "profile",
        "Show where the redundancy is, and how much lossless packing really saves.",
    ),
    "sweep": Verb(
        "meadow_py.cli.profile",
        "sweep",
        "Cross chunk size, bits and granularity; name the sweet spot of every kind of layer.",
    ),
    "report": Verb(
        "meadow_py.cli.report",
        "report",
        "Write one HTML page with tables, plots and an explanation of how to read them.",
    ),
    "pack": Verb(
        "meadow_py.cli.packed",
        "pack",
        "Pack a model losslessly: every bit of every file can be restored.",
    ),
    "verify": Verb(
        "meadow_py.cli.packed",
        "verify",
        "Check every bit of a packed model: exit code 0 if all is right, 1 if not.",
    ),
    "unpack": Verb("meadow_py.cli.packed", "unpack", "Restore the original files, byte for byte."),
    "inspect": Verb(
        "meadow_py.cli.packed",
        "inspect",
        "Show the contents and sizes of a packed model. Only headers are read.",
    ),
    "run": Verb("meadow_py.cli.run", "run", "Continue a text with a model, dense or packed."),
    "bench": Verb(
        "meadow_py.cli.bench",
        "bench",
        "Compare a model dense and packed on this machine, and say whether packing pays.",
    ),
    "simulate": Verb(
        "meadow_py.cli.simulate",
        "simulate",
        "Predict the latency and energy of a model on a device, and show what bounds them.",
    ),
    "plan": Verb(
        "meadow_py.cli.plan",
        "plan",
        "Tell whether and where a model fits on a device, and how fast it can be there.",
    ),
    "claims": Verb(
        "meadow_py.cli.claims",
        "claims",
        "Show published claims beside this library's figures, with a verdict for each.",
    ),
    "config": Verb(
        "meadow_py.cli.app",
        "config",
        "Show versions, how the core was built, and the instruction set that it uses.",
    ),
    "models": Verb(
        "meadow_py.cli.models",
        "models",
        "The shapes of models that simulate and plan know by name.",
    ),
    "devices": Verb(
        "meadow_py.cli.devices",
        "app",
        "The devices that models are planned for, with the source of every number.",
    ),
}


class _Commands(MutableMapping[str, Any]):
    """The commands of `VERBS` by name; looking one up imports it."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            verb = VERBS[name]
            self._loaded[name] = _command(
                name, getattr(importlib.import_module(verb.module), verb.name)
            )
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _command(name: str, defined: Any) -> Any:
    """A command that typer makes of a function, or a group that it makes of a `typer.Typer`."""
    if not isinstance(defined, typer.Typer):
        function, defined = defined, typer.Typer(add_completion=False, rich_markup_mode="markdown")
        defined.command(name)(function)
    made = typer.main.get_command(defined)
    made.name = name
    return made


class _Group(TyperGroup):
    """A group that lists its verbs without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 typer passes it
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 typer passes it
        if cmd_name not in self.commands:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=VERBS[cmd_name].summary)
        return self.commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


app = typer.Typer(
    cls=_Group,
    help="Find the redundancy in the weights of large language models, and pack it away "
    "without losing a bit.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=debugging(),
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"meadow {meadow_py.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@reports_failures("meadow_py.config", "meadow_py._core")
def config(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show versions, how the core was built, and the instruction set that it uses."""
    from meadow_py.config import config_text, show_config

    if as_json:
        write(json.dumps({"version": 1, "kind": "config", **show_config("dicts")}) + "\n")
    else:
        write(config_text() + "\n")
