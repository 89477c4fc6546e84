"""What every tokenizer does: streams, refusals, and words."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from awkward_texts import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from meadow_py import demo
from meadow_py.run.model_tokenizer import open_tokenizer
from meadow_py.run.tokenizer import Tokenizer

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return open_tokenizer(demo.folder())


def _streamed(tokenizer: Tokenizer, ids: list[int], before: list[int]) -> list[str]:
    stream = tokenizer.stream(before)
    return [*(stream.add(i) for i in ids), stream.finish()]


@pytest.mark.parametrize("text", TEXTS)
def test_streams_give_the_text(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    pieces = _streamed(tokenizer, ids, [])
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


@given(st.text(max_size=60), st.text(max_size=30))
def test_streams_go_on_behind_a_prompt(before: str, text: str) -> None:
    tokenizer = open_tokenizer(demo.folder())
    behind = tokenizer.encode(text, add_special_tokens=False)
    assert "".join(_streamed(tokenizer, behind, tokenizer.encode(before))) == text


def test_streams_of_any_tokens_end_like_their_text(tokenizer: Tokenizer) -> None:
    drawn = random.Random(5)
    for _ in range(50):
        ids = [drawn.randrange(4, tokenizer.size) for _ in range(80)]
        assert "".join(_streamed(tokenizer, ids, [])) == tokenizer.decode(ids)


def test_a_first_word_of_sentencepiece_loses_its_space_but_not_behind_a_prompt(
    shared_data: Path,
) -> None:
    tokenizer = open_tokenizer(shared_data / "weights/stories260K")
    ids = tokenizer.encode("time", add_special_tokens=False)
    assert "".join(_streamed(tokenizer, ids, [1])) == "time"
    assert "".join(_streamed(tokenizer, ids, tokenizer.encode("Once upon a"))) == " time"


def test_streams_of_byte_tokens_keep_their_characters(shared_data: Path) -> None:
    tokenizer = open_tokenizer(shared_data / "weights/stories260K")
    text = "\u65e5\u672c\u8a9e\U0001f642" * 40
    pieces = _streamed(tokenizer, tokenizer.encode(text), [])
    assert "".join(pieces) == text
    assert max(len(piece) for piece in pieces) == 1
    half = tokenizer.encode("\u65e5")[:-1]
    assert [p for p in _streamed(tokenizer, half, []) if p] == ["\ufffd\ufffd"]


def test_what_is_no_text_or_token_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(TypeError, match="text: expected str, found int"):
        tokenizer.encode(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no valid Unicode"):
        tokenizer.encode("\ud800")
    with pytest.raises(ValueError, match="expected tokens from 0 to 319, found -1"):
        tokenizer.decode([-1])


def test_words(tokenizer: Tokenizer) -> None:
    assert len(tokenizer) == tokenizer.size == 320
    assert tokenizer.spelling(2) == "</s>"
    assert tokenizer.spelling(320) is None
    assert repr(tokenizer) == "Tokenizer(size=320, bos=2, eos=[2])"
