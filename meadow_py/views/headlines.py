"""The answer that a result gives, in one sentence before its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from meadow_py import quantizers
from meadow_py.codecs import CODECS
from meadow_py.spelling import decibels, ratio
from meadow_py.views import words
from meadow_py.views.spelling import choice_title, form_title

if TYPE_CHECKING:
    from meadow_py.profiler.summary import Section
    from meadow_py.sweep import SweetSpot


def of_profile(made: Sequence[Section]) -> str:
    """The ways of quantising that have a sweet spot."""
    if len(made) == 1:
        return words.verdict(made[0].total)
    spots = [_packed(section) for section in made if section.total.sweet_spot is not None]
    return f"{_counted(spots, 'in', len(made))}{_smallest(made)}"


def _smallest(made: Sequence[Section]) -> str:
    """The smallest forms and how often each is; files of earlier versions lack this."""
    if not made or any(section.total.storage is None for section in made):
        return ""
    forms = [form_title(section.total.smallest[0]) for section in made]
    listed = (f"{form} in {forms.count(form)} of {len(made)}" for form in dict.fromkeys(forms))
    return f" Smallest of all: {', '.join(listed)}."


def of_sweep(totals: Sequence[SweetSpot]) -> str:
    """The ways of quantising at whose quality there is a sweet spot."""
    if len(totals) == 1:
        return words.sweep_verdict(totals[0])
    spots = [_chosen(total) for total in totals if total.sweet_spot is not None]
    return _counted(spots, "at the quality of", len(totals))


def _counted(spots: Sequence[str], where: str, ways: int) -> str:
    if not ways:
        return "No weights were profiled."
    if not spots:
        return f"Sweet spot: none {where} any of {ways} ways of quantising."
    listed = "; ".join(spots)
    return f"Sweet spot {where} {len(spots)} of {ways} ways of quantising: {listed}."


def _packed(section: Section) -> str:
    best = section.total.best
    setting = quantizers.title(section.quantizer)
    packed = f"{CODECS[best.codec].title}, C={best.chunk_size}: {ratio(best.ratio)}"
    return f"{setting} ({packed}, {_loss(section.total.snr_db)})"


def _chosen(spot: SweetSpot) -> str:
    setting = quantizers.title(spot.quantizer)
    packed = f"{choice_title(spot.packed, spot)}: {ratio(spot.packed.ratio)}"
    return f"{setting} ({packed}, {_loss(spot.packed.snr_db)})"


def _loss(snr_db: float | None) -> str:
    return "exact" if snr_db is None else f"lowest SNR {decibels(snr_db)} dB"
