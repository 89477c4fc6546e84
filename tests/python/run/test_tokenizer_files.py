"""Tokenizers from folders, against Transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from awkward_texts import TEXTS, long_texts

from meadow_py import FormatError, demo
from meadow_py.run.byte_pairs import merges_of
from meadow_py.run.model_tokenizer import open_tokenizer
from meadow_py.run.tokenizer import Tokenizer

pytest.importorskip("tokenizers")


def _reference(folder: Path) -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(folder)


def _opened(folder: Path) -> Tokenizer:
    config = folder / "config.json"
    return open_tokenizer(folder, json.loads(config.read_text()) if config.is_file() else None)


def _compare(folder: Path, texts: list[str]) -> None:
    mine, reference = _opened(folder), _reference(folder)
    for text in [*texts, "</s>inside<s> of text<|endoftext|>"]:
        ids = mine.encode(text)
        assert ids == reference.encode(text)
        assert mine.encode(text, add_special_tokens=False) == reference.encode(
            text, add_special_tokens=False
        )
        for skip in (False, True):
            assert mine.decode(ids, skip_special_tokens=skip) == reference.decode(
                ids, skip_special_tokens=skip
            )
    assert mine.bos == reference.bos_token_id
    assert mine.size == len(reference)


def test_demo_model() -> None:
    _compare(demo.folder(), TEXTS)
    assert _opened(demo.folder()).eos == (2,)


def test_opt_125m(shared_data: Path) -> None:
    folder = shared_data / "tokenizers/opt-125m"
    _compare(folder, [*TEXTS, *long_texts(shared_data)])
    made = _opened(folder)
    assert (made.bos, made.eos, made.size) == (2, (2,), 50265)


@pytest.fixture
def slow_folder(shared_data: Path, tmp_path: Path) -> Path:
    """The vocabulary of OPT in the files that slow tokenizers read."""
    stored = json.loads((shared_data / "tokenizers/opt-125m/tokenizer.json").read_text("utf-8"))
    model = stored["model"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    return tmp_path


_OPT = {
    "add_bos_token": True,
    "bos_token": {"__type": "AddedToken", "content": "</s>"},
    "eos_token": "</s>",
    "unk_token": "</s>",
    "pad_token": "<pad>",
}


@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("opt", {"tokenizer_class": "GPT2Tokenizer", **_OPT}),
        ("gpt2", {"tokenizer_class": "GPT2Tokenizer"}),
        ("gpt2", {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True}),
        ("qwen2", {"tokenizer_class": "Qwen2Tokenizer"}),
    ],
)
def test_vocabulary_and_merges(
    slow_folder: Path, model_type: str, settings: dict[str, Any], shared_data: Path
) -> None:
    (slow_folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (slow_folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    _compare(slow_folder, [*TEXTS, *(text[:20_000] for text in long_texts(shared_data))])


def test_vocabulary_of_an_unknown_kind_is_refused(slow_folder: Path) -> None:
    (slow_folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer"}')
    with pytest.raises(ValueError, match="'CLIPTokenizer'"):
        _opened(slow_folder)


@pytest.mark.parametrize("content", ["", "{", "{}", '{"model": {}}', "\x00" * 100])
def test_damaged_json(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(FormatError, match=r"tokenizer\.json"):
        _opened(tmp_path)


def test_merges_that_are_none(slow_folder: Path) -> None:
    (slow_folder / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    (slow_folder / "merges.txt").write_text("#version: 0.2\nab c\nabc\n")
    with pytest.raises(FormatError, match="line 3: expected two tokens, found 'abc'"):
        _opened(slow_folder)
    (slow_folder / "merges.txt").write_text("no-such-token neither-this\n")
    with pytest.raises(FormatError, match=r"vocab\.json: no valid tokenizer"):
        _opened(slow_folder)


def test_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected tokenizer\.json"):
        _opened(tmp_path)
    with pytest.raises(FileNotFoundError, match="from memory"):
        open_tokenizer(None)


def test_ends_are_those_of_generation_config(tmp_path: Path) -> None:
    for file in demo.folder().iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert _opened(tmp_path).eos == (2,)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [5, 7, 5]}')
    assert _opened(tmp_path).eos == (5, 7)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": "five"}')
    with pytest.raises(FormatError, match="must be a token id"):
        _opened(tmp_path)


def test_chat_templates(tmp_path: Path) -> None:
    for file in demo.folder().glob("tokenizer.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert _opened(tmp_path).chat_template is None
    named = [{"name": "tool", "template": "T"}, {"name": "default", "template": "D"}]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert _opened(tmp_path).chat_template == "D"
    (tmp_path / "chat_template.jinja").write_text("J")
    assert _opened(tmp_path).chat_template == "J"


def test_what_shows_only_when_texts_are_read_is_damage_too(tmp_path: Path) -> None:
    stored = json.loads((demo.folder() / "tokenizer.json").read_text("utf-8"))
    stored["post_processor"]["single"][0]["SpecialToken"]["id"] = "nothing"
    (tmp_path / "tokenizer.json").write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(FormatError, match="no valid tokenizer"):
        _opened(tmp_path).encode("The")


def test_merges_that_are_no_utf_8_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    (tmp_path / "merges.txt").write_bytes(b"a \xff\n")
    with pytest.raises(FormatError, match=r"merges\.txt: no valid UTF-8"):
        _opened(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer_config.json", {"added_tokens_decoder": ["<a>"]}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"x": {"content": "<a>"}}}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"9" * 5000: {"content": "<a>"}}}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"320": "<a>"}}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"320": {"content": 5}}}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"400": {"content": "<a>"}}}),
        ("tokenizer_config.json", {"extra_special_tokens": 5}),
        ("tokenizer_config.json", {"model_specific_special_tokens": [5]}),
        ("special_tokens_map.json", {"additional_special_tokens": "<a>"}),
        ("added_tokens.json", {"<a>": "first"}),
        ("added_tokens.json", {"<a>": 2**31}),
        ("generation_config.json", {"eos_token_id": 2**31}),
        ("config.json", {"bos_token_id": 2**31}),
        ("config.json", {"bos_token_id": "one"}),
    ],
)
def test_settings_that_contradict_themselves(file: str, content: Any, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((demo.folder() / "tokenizer.json").read_bytes())
    (tmp_path / file).write_text(json.dumps(content))
    with pytest.raises(FormatError, match="must "):
        _opened(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"chat_template": [{"name": ["default"], "template": "T"}, 5]},
        {"tokenizer_class": 5},
        {"bos_token": 5, "eos_token": {"content": None}},
    ],
)
def test_settings_of_another_kind_are_ignored(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((demo.folder() / "tokenizer.json").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    made = _opened(tmp_path)
    assert (made.bos, made.eos, made.chat_template) == (None, (), None)


def _with_steps(folder: Path, **steps: Any) -> Path:
    stored = json.loads((demo.folder() / "tokenizer.json").read_text("utf-8"))
    (folder / "tokenizer.json").write_text(json.dumps({**stored, **steps}), encoding="utf-8")
    return folder


def test_steps_that_make_a_text_too_long_are_refused(tmp_path: Path) -> None:
    double = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    few = {"type": "Sequence", "normalizers": [double] * 5}
    assert len(_opened(_with_steps(tmp_path, normalizer=few)).encode("a")) == 33
    nested = {"type": "Sequence", "normalizers": [few, few, few, few]}
    with pytest.raises(FormatError, match="can make a text 1048576 times longer"):
        _opened(_with_steps(tmp_path, normalizer=nested))
    anywhere = {"type": "Replace", "pattern": {"Regex": ""}, "content": "aa"}
    back = {"type": "Sequence", "decoders": [anywhere] * 8}
    with pytest.raises(FormatError, match="can make a text 6561 times longer"):
        _opened(_with_steps(tmp_path, decoder=back))


def test_a_piece_that_would_crash_the_library_is_refused(tmp_path: Path) -> None:
    pieces = [["<unk>", 0.0], ["a", -1.0], ["b" * 1_000_000, -2.0]]
    model = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    with pytest.raises(FormatError, match="a piece has 1000000 characters"):
        _opened(_with_steps(tmp_path, model=model, added_tokens=[], post_processor=None))


def test_a_long_token_takes_little_time() -> None:
    long = "ab" * 500_000
    scores = {"a": -1.0, "b": -2.0, "ab": -3.0, long[1:]: -4.0, long: -5.0}
    assert merges_of(scores, set()) == [("a", "b"), ("a", long[1:])]


@pytest.mark.parametrize("name", ["GPT2Tokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer"])
def test_a_byte_level_class_names_its_tokens(name: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    made = _opened(_with_steps(tmp_path))
    assert (made.bos, made.eos) == (320 if "GPT2" in name else None, (320,))
    assert made.spelling(320) == "<|endoftext|>"
