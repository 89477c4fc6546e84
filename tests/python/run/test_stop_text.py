"""Strings that end a text, however the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadow_py.run.generation import StopText

_FEW = st.text("ab", max_size=12)


def _through(pieces: list[str], strings: list[str]) -> tuple[str, bool]:
    stop = StopText(strings)
    made = ""
    for piece in pieces:
        made += stop.add(piece)
        assert "".join(pieces).startswith(made)
        if stop.found:
            return made, True
    return made + stop.finish(), False


@given(st.lists(_FEW, max_size=8), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_a_text_ends_before_the_first_stop_string(pieces: list[str], strings: list[str]) -> None:
    made, found = _through(pieces, strings)
    text = ""
    for piece in pieces:  # the first piece that completes one decides
        text += piece
        places = [text.find(s) for s in strings if s in text]
        if places:
            assert (made, found) == (text[: min(places)], True)
            return
    assert (made, found) == (text, False)


@given(st.lists(_FEW, min_size=1, max_size=8), st.text("ab", min_size=1, max_size=4))
def test_only_what_may_begin_a_stop_string_is_held_back(pieces: list[str], string: str) -> None:
    stop = StopText([string])
    shown = ""
    assert pieces
    for n, piece in enumerate(pieces):
        shown += stop.add(piece)
        if stop.found:
            return
        held = "".join(pieces[: n + 1])[len(shown) :]
        assert held == "" or (string.startswith(held) and held != string)


def test_what_is_no_stop_string() -> None:
    with pytest.raises(ValueError, match="must not contain an empty"):
        StopText(["a", ""])
    with pytest.raises(TypeError, match="must consist of strings, not 5"):
        StopText([5])  # type: ignore[list-item]
