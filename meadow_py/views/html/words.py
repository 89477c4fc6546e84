"""The sentences of the terminal's view, so that both views say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from meadow_py.codecs import CODECS
from meadow_py.views import terminal
from meadow_py.views.spelling import ratio, setting_title

if TYPE_CHECKING:
    from meadow_py.profiler.result import Profile
    from meadow_py.profiler.summary import Group, Section


def header_lines(profile: Profile) -> list[str]:
    """What was profiled and how; the first line names the model."""
    return terminal._header(profile).plain.split("\n")


def section_title(section: Section) -> str:
    """``INT8, one scale per tensor: dense 8.00 b/w``."""
    return terminal._section_title(section).plain


def verdict(total: Group) -> str:
    """What packing makes of all weights under one setting."""
    return terminal._verdict(total).plain


def headline(made: Sequence[Section]) -> str:
    """The answer before the figures."""
    if not made:
        return "No weights were profiled."
    if len(made) == 1:
        return verdict(made[0].total)
    spots = [s for s in made if s.total.sweet_spot is not None]
    if not spots:
        return f"Sweet spot: none in any of {len(made)} ways of quantising."
    named = "; ".join(map(_spot, spots))
    return f"Sweet spot in {len(spots)} of {len(made)} ways of quantising: {named}."


def _spot(section: Section) -> str:
    best, snr_db = section.total.best, section.total.snr_db
    setting = setting_title(section.bits, section.granularity)
    loss = "exact" if snr_db is None else f"lowest SNR {snr_db:.1f} dB"
    packed = f"{CODECS[best.codec].title}, C={best.chunk_size}: {ratio(best.ratio)}"
    return f"{setting} ({packed}, {loss})"
