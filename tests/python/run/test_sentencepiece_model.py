"""Tokenizers of SentencePiece, against its own library where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from awkward_texts import TEXTS, long_texts
from hypothesis import given
from hypothesis import strategies as st

from meadow_py import FormatError
from meadow_py.run.model_tokenizer import open_tokenizer
from meadow_py.run.sentencepiece_model import read_model
from meadow_py.run.tokenizer import Tokenizer

pytest.importorskip("tokenizers")
_MODELS = [("stories260K", "tok512.model"), ("babyllama-105", "tok105.model")]


@pytest.mark.parametrize(("folder", "file"), _MODELS)
def test_ids_and_text_are_those_of_the_library(folder: str, file: str, shared_data: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    made = open_tokenizer(shared_data / "weights" / folder)
    reference: Any = sentencepiece.SentencePieceProcessor(
        str(shared_data / "weights" / folder / file)
    )
    assert (made.bos, made.eos, made.size) == (1, (2,), reference.get_piece_size())
    for text in [*TEXTS, *long_texts(shared_data)]:
        ids = reference.encode(text)
        assert made.encode(text, add_special_tokens=False) == ids
        assert made.encode(text) == [1, *ids]
        # The unknown token it decodes to a text of its own, and of a space's symbol in a text it
        # takes the first away.
        if 0 not in ids and "\u2581" not in text:
            assert made.decode(ids) == reference.decode(ids)


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
@pytest.mark.parametrize("rule", ["nmt_nfkc", "identity"])
def test_trained_models(model_type: str, rule: str, shared_data: Path, tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    sentencepiece.SentencePieceTrainer.train(
        input=str(shared_data / "text/tinyshakespeare.txt"),
        model_prefix=str(tmp_path / "tokenizer"),
        vocab_size=600,
        model_type=model_type,
        normalization_rule_name=rule,
        byte_fallback=True,
        remove_extra_whitespaces=rule == "nmt_nfkc",
        add_dummy_prefix=rule == "nmt_nfkc",
        user_defined_symbols=["<tool>"],
        minloglevel=2,
        num_threads=1,
        input_sentence_size=3000,
        shuffle_input_sentence=False,  # the same model every time
    )
    made = open_tokenizer(tmp_path)
    reference: Any = sentencepiece.SentencePieceProcessor(str(tmp_path / "tokenizer.model"))
    texts = [t for t in TEXTS if "\u2581" not in t and "\x00" not in t]
    assert texts
    for text in [*texts, *long_texts(shared_data)[0][:50_000].splitlines()]:
        ids, expected = made.encode(text, add_special_tokens=False), reference.encode(text)
        if model_type == "unigram" and ids != expected:
            # Of two cuts that are all but equally probable, sums in F32 and F64 choose differently.
            assert "".join(map(str, map(made.spelling, ids))) == "".join(
                map(reference.id_to_piece, expected)
            )
            scores = [sum(map(reference.get_score, chosen)) for chosen in (ids, expected)]
            assert scores[0] == pytest.approx(scores[1], rel=1e-6)
        else:
            assert ids == expected


_OPTIONS = [
    {},
    {"treat_whitespace_as_suffix": True},
    {"add_dummy_prefix": False},
    {"remove_extra_whitespaces": False},
    {"byte_fallback": True, "normalization_rule_name": "identity"},
    {"byte_fallback": True, "treat_whitespace_as_suffix": True, "add_dummy_prefix": False},
]
_CHUNKS = st.one_of(
    st.sampled_from([" ", "  ", "a", "the", "Romeo", "<tool>", "<\ufb01>", "\n", "<", ">", "tool"]),
    st.sampled_from(["\u00e9", "e\u0301", "\ufb01", "\U0001f600", "1", "\t"]),
)


def _trained(folder: Path, shared_data: Path, model_type: str, options: dict[str, Any]) -> Any:
    sentencepiece = pytest.importorskip("sentencepiece")
    sentencepiece.SentencePieceTrainer.train(
        input=str(shared_data / "text/tinyshakespeare.txt"),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=500,
        model_type=model_type,
        user_defined_symbols=["<tool>", "<\ufb01>", "\u2581\u2581"],
        minloglevel=2,
        num_threads=1,
        input_sentence_size=1000,
        shuffle_input_sentence=False,
        **options,
    )
    return sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))


@pytest.fixture(scope="module", params=[(t, i) for t in ("bpe", "unigram") for i in range(6)])
def trained_pair(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tokenizer, Any]:
    """A tokenizer, and the library's own, of a model with user-defined symbols."""
    model_type, number = request.param
    folder = tmp_path_factory.mktemp("trained")
    reference = _trained(folder, shared_data, model_type, _OPTIONS[number])
    return open_tokenizer(folder), reference


@given(st.lists(_CHUNKS, max_size=30).map("".join))
def test_user_defined_symbols_keep_the_spaces_beside_them(
    trained_pair: tuple[Tokenizer, Any], text: str
) -> None:
    made, reference = trained_pair
    ids, expected = made.encode(text, add_special_tokens=False), reference.encode(text)
    if ids != expected:  # sums of scores in F32 and F64 choose differently between equal cuts
        pieces = ["".join(map(reference.id_to_piece, found)) for found in (ids, expected)]
        assert pieces[0] == pieces[1]
        scores = [sum(map(reference.get_score, found)) for found in (ids, expected)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    if 0 not in ids:
        assert made.decode(ids) == reference.decode(ids)


def test_special_tokens_in_a_text_are_those_tokens(shared_data: Path) -> None:
    made = open_tokenizer(shared_data / "weights/stories260K")
    assert made.encode("<s>Once</s>") == [1, 1, 403, 2]


def test_every_truncated_file_is_refused_or_reads_less(shared_data: Path, tmp_path: Path) -> None:
    content = (shared_data / "weights/babyllama-105/tok105.model").read_bytes()
    path = tmp_path / "tokenizer.model"
    refused = 0
    for size in range(len(content)):
        path.write_bytes(content[:size])
        try:
            assert len(read_model(path).pieces) <= 105
        except FormatError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > 0.8 * len(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no pieces"),
        (b"GGUF" * 10, "wire type"),
        (b"\xff" * 20, "more than 10 bytes"),
        (b"\x0a\x04\x0a\x02\xff\xff", "must be valid UTF-8"),
        (b"\x0a\x03\x12\x01\x00", "a score must take 4 bytes, not 1"),
        (b"\x08\x01", "must be bytes"),
        (b"\x0a\x03\x0a\x01a" * 2, "the same piece twice"),
    ],
)
def test_what_is_no_model(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(content)
    with pytest.raises(FormatError, match=said):
        open_tokenizer(tmp_path)
