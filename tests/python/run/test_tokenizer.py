"""What every tokenizer does: streams, refusals, and words."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

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


_KINDS = ("demo", "opt-125m", "stories260K", "babyllama-105", "words", "unigram")


@pytest.fixture(scope="module", params=_KINDS)
def any_kind(request: pytest.FixtureRequest, shared_data: Path) -> Tokenizer:
    """Byte-level pairs, pieces with and without byte fallback, and pieces of words."""
    folders = {
        "demo": demo.folder(),
        "opt-125m": shared_data / "tokenizers/opt-125m",
        "stories260K": shared_data / "weights/stories260K",
        "babyllama-105": shared_data / "weights/babyllama-105",
    }
    if request.param in folders:
        return open_tokenizer(folders[request.param])
    return _pieces_of_words() if request.param == "words" else _unigram()


def _pieces_of_words() -> Tokenizer:
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models, pre_tokenizers

    words = ["[UNK]", *"ab", "##a", "##b", "##ab", "ab", "\ufffd", "\U0001f600"]
    made = Backend(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(cleanup=False)
    return Tokenizer(made)


def _unigram() -> Tokenizer:
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models, pre_tokenizers

    byte_tokens = [(f"<0x{i:02X}>", -9.0) for i in range(256)]
    scored = [("<unk>", 0.0), *byte_tokens, *((p, -1.0) for p in ("\u2581", "a", "b", "\u2581ab"))]
    made = Backend(models.Unigram(scored, 0, True))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    return Tokenizer(made)


_CHARACTERS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab \ufffd\U0001f600"))
)


@given(_CHARACTERS, _CHARACTERS)
def test_streams_continue_any_prompt(any_kind: Tokenizer, before: str, text: str) -> None:
    prompt = any_kind.encode(before)
    ids = any_kind.encode(text, add_special_tokens=False)
    whole = any_kind.decode([*prompt, *ids], skip_special_tokens=True)
    begun = any_kind.decode(prompt, skip_special_tokens=True)
    assert whole.startswith(begun)
    assert "".join(_streamed(any_kind, ids, prompt)) == whole[len(begun) :]


@given(_CHARACTERS, st.data())
def test_streams_give_a_character_that_the_prompt_begins(
    any_kind: Tokenizer, text: str, data: st.DataObject
) -> None:
    ids = any_kind.encode(text)
    cut = data.draw(st.integers(0, len(ids)))
    whole = any_kind.decode(ids, skip_special_tokens=True)
    begun = [any_kind.decode(ids[:n], skip_special_tokens=True) for n in range(cut + 1)]
    settled = next((b for b in reversed(begun) if whole.startswith(b)), "")
    pieces = _streamed(any_kind, ids[cut:], ids[:cut])
    assert "".join(pieces) == whole[len(settled) :]
    assert text.count("\ufffd") >= sum(piece.count("\ufffd") for piece in pieces)


@pytest.mark.parametrize("before", ["\U0001f600", "\u4e2d", "a\U0001f600\u4e2d"])
@pytest.mark.parametrize("text", ["\U0001f600", "\u4e2d", "\u4e2da b"])
def test_streams_of_byte_tokens_after_byte_tokens(
    before: str, text: str, shared_data: Path
) -> None:
    tokenizer = open_tokenizer(shared_data / "weights/stories260K")
    prompt = tokenizer.encode(before)
    ids = tokenizer.encode(before + text)[len(prompt) :]
    assert "".join(_streamed(tokenizer, ids, prompt)) == text


@given(st.lists(st.integers(0, 511)), st.lists(st.integers(3, 260)))
def test_streams_of_any_bytes_are_those_of_sentencepiece(
    shared_data: Path, before: list[int], ids: list[int]
) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = shared_data / "weights/stories260K"
    reference: Any = sentencepiece.SentencePieceProcessor(str(folder / "tok512.model"))
    streamed = "".join(_streamed(open_tokenizer(folder), ids, before))
    assert reference.decode([i for i in [*before, *ids] if i > 2]).endswith(streamed)
    assert len(streamed) >= sum(i > 258 for i in ids)


def test_special_tokens_do_not_break_a_character(shared_data: Path) -> None:
    tokenizer = open_tokenizer(shared_data / "weights/stories260K")
    start, *ids = tokenizer.encode("time\u4e2d")
    broken = [*ids[:-1], start, ids[-1], 2]
    assert "".join(_streamed(tokenizer, broken, [])) == "time\u4e2d"
    assert "".join(_streamed(tokenizer, ids[:1], [*ids, *[start] * 30])) == " time"


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
    assert [tokenizer.spelling(i) for i in (-1, 320, 2**31, 2**32)] == [None] * 4
    assert tokenizer.stream().add(2**32) == ""
    assert repr(tokenizer) == "Tokenizer(size=320, bos=2, eos=[2])"
