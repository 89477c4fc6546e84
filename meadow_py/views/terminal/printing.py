"""Render rich objects as text, the last step of every terminal view."""

from __future__ import annotations

import io
import shutil

from rich.console import Console, RenderableType


def plain_console(width: int | None = None) -> Console:
    """A console for text without colours, `width` columns wide (the terminal's, or 80)."""
    # Not in Jupyter mode, even inside Jupyter: rich would display what is only captured here.
    return Console(
        file=io.StringIO(),
        width=width or shutil.get_terminal_size().columns,
        color_system=None,
        legacy_windows=False,
        force_jupyter=False,
    )


def printed(view: RenderableType, console: Console) -> str:
    """The text that `console` would print, colours included; no line ends in spaces."""
    with console.capture() as captured:
        console.print(view)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())
