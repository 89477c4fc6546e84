"""The model card: ``card.md`` with the measured figures filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from demo_model.measure import Figures

TEMPLATE = Path(__file__).with_name("card.md")


def write(
    folder: Path,
    figures: Mapping[str, Figures],
    curve: list[dict[str, float]],
    facts: Mapping[str, Any],
) -> None:
    """Write ``README.md``.

    Parameters
    ----------
    folder : Path
        Of the model.
    figures : mapping of str to Figures
        ``held_out``, ``part`` and ``as_is``.
    curve : list of dict
        The measurements of the training run.
    facts : mapping
        Everything else that the template names.
    """
    values = dict(facts)
    for name, figure in figures.items():
        values |= _spelled(name, figure)
    values["curve"] = _table(curve)
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(values)
    (folder / "README.md").write_text(text, encoding="utf-8")


def _spelled(name: str, figure: Figures) -> dict[str, str]:
    return {
        f"{name}_tokens": f"{figure.tokens:,}",
        f"{name}_bytes": f"{figure.size:,}",
        f"{name}_opt": f"{figure.perplexity:.2f}",
        f"{name}_disjoint": f"{figure.disjoint:.2f}",
        f"{name}_trigram": f"{figure.trigram:.2f}",
        f"{name}_opt_bits": f"{figure.bits_per_byte:.3f}",
        f"{name}_trigram_bits": f"{figure.trigram_bits_per_byte:.3f}",
    }


def _table(curve: list[dict[str, float]]) -> str:
    """About twelve lines of the loss curve, the last one among them."""
    every = max(1, -(-len(curve) // 12))
    shown = curve[::-1][::every][::-1]
    best = min(curve, key=lambda point: point["selection"])
    if best not in shown:
        shown = sorted([*shown, best], key=lambda point: point["step"])
    return "\n".join(_row(point, point is best) for point in shown)


def _row(point: dict[str, float], best: bool) -> str:
    losses = (f"{point[name]:.3f}" for name in ("training", "selection", "plays"))
    return f"| {point['step']}{' (stored)' if best else ''} | {' | '.join(losses)} |"
