"""The directive `command-help`: every verb of the command line, from what `--help` shows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from meadow_py.cli.app import app as commands

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BAR = r"\|"  # one that ends no cell of a table
_OPTION = re.compile(r"(?<![`\w-])--[a-z][\w-]*(?!`)")


class CommandHelp(SphinxDirective):
    """A section for each verb: usage, what it does, arguments and options."""

    def run(self) -> list[nodes.Node]:
        """Called by docutils."""
        group: Any = typer.main.get_command(commands)
        context = typer.Context(group, info_name="meadow", **group.context_settings)
        return [self._section(inner) for inner in _contexts(group, context)]

    def _section(self, context: typer.Context) -> nodes.section:
        title = context.command_path
        section = nodes.section(
            ids=[nodes.make_id(title)], names=[nodes.fully_normalize_name(title)]
        )
        section += nodes.title(title, title)
        section += self.parse_text_to_nodes("\n\n".join(_page(context)))
        return section


def _contexts(group: Any, context: typer.Context) -> Iterator[typer.Context]:
    """The context of every verb, each followed by the contexts of the verbs below it."""
    for name, command in group.commands.items():
        inner = typer.Context(command, info_name=name, parent=context)
        yield inner
        if hasattr(command, "commands"):
            yield from _contexts(command, inner)


def _page(context: typer.Context) -> Iterator[str]:
    """One verb in Markdown, which help texts are written in."""
    command = context.command
    yield _console(" ".join([context.command_path, *command.collect_usage_pieces(context)]))
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        example = paragraph.removeprefix("Example: ")
        yield _prose(paragraph) if example == paragraph else _console(" ".join(example.split()))
    for kind in ("argument", "option"):
        parameters = [p for p in command.get_params(context) if p.param_type_name == kind]
        records = [parameter.get_help_record(context) for parameter in parameters]
        rows = [f"| {_code(names)} | {_prose(said)} |" for names, said in filter(None, records)]
        if rows:
            yield "\n".join([f"| {kind} | meaning |", "|---|---|", *rows])


def _console(line: str) -> str:
    return f"```console\n$ {line}\n```"


def _code(names: str) -> str:
    return ", ".join(f"`{name.replace('|', BAR)}`" for name in names.split(", "))


def _prose(text: str) -> str:
    """Options as code: two hyphens in prose are a dash."""
    return _OPTION.sub(r"`\g<0>`", " ".join(text.split())).replace("|", BAR)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
