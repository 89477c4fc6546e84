"""Strings that end a text."""

from __future__ import annotations

from collections.abc import Sequence


class StopText:
    """Lets a text through up to the first of some strings, which themselves never appear.

    Parameters
    ----------
    strings : sequence of str
        None of them empty.

    Attributes
    ----------
    found : bool
        Whether one of them came.

    Raises
    ------
    ValueError
        If one is empty.
    TypeError
        If one is no str.
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
        """What is certain to stand before any stop string, after `text` came."""
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
        """What was held back, now that nothing follows."""
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, string: str) -> int:
    """How many characters at the end of `text` are a beginning of `string`, but not all of it."""
    longest = min(len(text), len(string) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(string[:n])), 0)
