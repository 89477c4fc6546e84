"""How numbers and names are spelled for people."""

from __future__ import annotations

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(number: int) -> str:
    """85 M rather than 84934656."""
    return _scaled(number) or f"{number}"


def byte_size(number: int) -> str:
    """Decimal units, as file systems and data sheets have them: 250.5 MB."""
    return f"{_scaled(number)}B" if _scaled(number) else f"{number} B"


def binary_size(number: int) -> str:
    """Binary units, as on-chip memories have them: 36.5 KiB."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if number >= 1024**power:
            return f"{number / 1024**power:.3g} {unit}"
    return f"{number} B"


def ratio(value: float | None) -> str:
    """1.38x; a dash where there is none."""
    return "-" if value is None else f"{value:.2f}x"


def visible(text: str) -> str:
    r"""Control, bidirectional and other characters without a shape, as escapes: ``\x1b``.

    Names out of files must not steer a terminal, nor look like another name.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def decibels(value: float | None) -> str:
    """32.1; where nothing is lost, exact."""
    return "exact" if value is None else f"{value:.1f}"


def per_weight(value: float | None) -> str:
    """5.31; a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def _scaled(number: int) -> str:
    for unit, letter in _UNITS:
        if number >= unit:
            return f"{number / unit:.4g} {letter}"
    return ""
