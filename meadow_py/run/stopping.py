"""Strings that end a text."""

from __future__ import annotations

from collections.abc import Sequence


class StopText:
    """Passes a text on up to the first of some stop strings, which never appear themselves.

    Parameters
    ----------
    strings : sequence of str
        The stop strings; none may be empty.

    Attributes
    ----------
    found : bool
        Whether one of them has occurred.

    Raises
    ------
    ValueError
        If one is empty.
    TypeError
        If one is not a str.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        for string in strings:
            if not isinstance(string, str):
                raise TypeError(f"stop: expected str, found {string!r}")
            if not string:
                raise ValueError("stop: expected strings of at least one character, found an empty")
        self._strings = tuple(strings)
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """Add `text`; return all text that is now certain to precede any stop string."""
        if self.found:
            return ""
        self._held += text
        places = [place for s in self._strings if (place := self._held.find(s)) >= 0]
        if places:
            self.found = True
            certain, self._held = self._held[: min(places)], ""
            return certain
        keep = max((_begun(self._held, s) for s in self._strings), default=0)
        certain = self._held[: len(self._held) - keep]
        self._held = self._held[len(certain) :]
        return certain

    def finish(self) -> str:
        """Return the text held back, as nothing follows."""
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, string: str) -> int:
    """How many characters at the end of `text` begin, but do not complete, `string`."""
    longest = min(len(text), len(string) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(string[:n])), 0)
