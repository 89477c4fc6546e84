"""Results as text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.views.terminal.printing import plain_console, printed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from meadow_py.profiler import Profile
    from meadow_py.sweep import Sensitivity


def render_text(
    result: Profile | Sensitivity, width: int | None = None, per_weight: bool = False
) -> str:
    """A result as plain text, `width` columns wide (the terminal's, or 80)."""
    return render(result, plain_console(width), per_weight).rstrip("\n")


def render(result: Profile | Sensitivity, console: Console, per_weight: bool = False) -> str:
    """A result as `console` would print it, colours included."""
    return printed(_view(result, per_weight), console)


def _view(result: Profile | Sensitivity, per_weight: bool) -> RenderableType:
    from meadow_py.profiler import Profile

    if isinstance(result, Profile):
        from meadow_py.views.terminal.profile import profile_view

        return profile_view(result, per_weight)
    from meadow_py.views.terminal.sensitivity import sensitivity_view

    return sensitivity_view(result)
