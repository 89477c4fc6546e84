"""Results as text, for a terminal."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType

if TYPE_CHECKING:
    from meadow_py.profiler import Profile
    from meadow_py.sensitivity import Sensitivity


def render_text(
    result: Profile | Sensitivity, width: int | None = None, per_weight: bool = False
) -> str:
    """A result as plain text, `width` columns wide (the terminal's, or 80)."""
    columns = width or shutil.get_terminal_size().columns
    # Not for Jupyter, even inside of it: there rich would display what is only captured here.
    console = Console(
        file=io.StringIO(),
        width=columns,
        color_system=None,
        legacy_windows=False,
        force_jupyter=False,
    )
    return render(result, console, per_weight).rstrip("\n")


def render(result: Profile | Sensitivity, console: Console, per_weight: bool = False) -> str:
    """A result as `console` would print it, colours included."""
    with console.capture() as captured:
        console.print(_view(result, per_weight))
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def _view(result: Profile | Sensitivity, per_weight: bool) -> RenderableType:
    from meadow_py.profiler import Profile

    if isinstance(result, Profile):
        from meadow_py.views.terminal.profile import profile_view

        return profile_view(result, per_weight)
    from meadow_py.views.terminal.sensitivity import sensitivity_view

    return sensitivity_view(result)
