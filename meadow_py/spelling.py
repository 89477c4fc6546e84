"""Numbers and names as text for people to read."""

from __future__ import annotations

import reprlib

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(number: int) -> str:
    """A count with a decimal prefix: ``85 M`` for 84934656."""
    return _scaled(number) or f"{number}"


def byte_size(number: int) -> str:
    """A size in decimal units, as file systems and data sheets use them: ``250.5 MB``."""
    return f"{_scaled(number)}B" if _scaled(number) else f"{number} B"


def binary_size(number: int) -> str:
    """A size in binary units, as on-chip memories use them: ``36.5 KiB``."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if number >= 1024**power:
            return f"{number / 1024**power:.3g} {unit}"
    return f"{number} B"


def ratio(value: float | None) -> str:
    """A ratio: ``1.38x``; a dash for None."""
    return "-" if value is None else f"{value:.2f}x"


def visible(text: str) -> str:
    r"""The text with control, bidirectional and other invisible characters escaped: ``\x1b``.

    Names from files must not control a terminal or look like another name.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_short = reprlib.Repr()
_short.maxlevel, _short.maxlist, _short.maxdict, _short.maxtuple = 3, 8, 8, 8
_short.maxstring = _short.maxother = _short.maxlong = 160


def quoted(value: object) -> str:
    """A value from a file as Python writes it, cut to a few hundred characters for a message."""
    try:
        return _short.repr(value)
    except ValueError:  # Python prints no integer of more than some thousand digits
        return f"a {type(value).__name__} of too many digits"


def shortened(text: str, most: int = 160) -> str:
    """The text without control characters, and its middle left out if it is too long."""
    cut = text if len(text) <= most else f"{text[: most // 2]}...{text[-(most // 2) :]}"
    return visible(cut)


def decibels(value: float | None) -> str:
    """Decibels: ``32.1``; ``exact`` for None, where nothing is lost."""
    return "exact" if value is None else f"{value:.1f}"


def per_weight(value: float | None) -> str:
    """Bits per weight: ``5.31``; a dash for None."""
    return "-" if value is None else f"{value:.2f}"


def _scaled(number: int) -> str:
    for unit, letter in _UNITS:
        if number >= unit:
            return f"{number / unit:.4g} {letter}"
    return ""
