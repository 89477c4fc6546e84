"""Tokenizers from the files that Transformers saves beside a model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.run import byte_pairs
from meadow_py.run.tokenizer import Tokenizer, begin_token, end_tokens
from meadow_py.run.tokenizer_settings import (
    prepare,
    read_settings,
    surround,
    surroundings,
    token_text,
)
from meadow_py.sources.strict_json import read_object

if TYPE_CHECKING:
    import tokenizers


TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)
# The defaults of the classes of Transformers.
_GPT2_DEFAULTS = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
_QWEN2_DEFAULTS = dict.fromkeys(("eos_token", "unk_token", "pad_token"), "<|endoftext|>")
_LLAMA_DEFAULTS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_BYTE_LEVEL = {
    "gpt2": _GPT2_DEFAULTS,
    "opt": _GPT2_DEFAULTS,
    "gpt_neo": _GPT2_DEFAULTS,
    "gptj": _GPT2_DEFAULTS,
    "codegen": _GPT2_DEFAULTS,
    "qwen2": _QWEN2_DEFAULTS,
    "qwen3": _QWEN2_DEFAULTS,
}
_DEFAULTS = {**_BYTE_LEVEL, "llama": _LLAMA_DEFAULTS}
_MOST_GROWTH = 4096  # of a text by the steps of tokenizer.json; real ones do not reach 16


def read_folder(folder: Path, config: Mapping[str, Any]) -> Tokenizer:
    """Read the tokenizer of a folder.

    Returns
    -------
    Tokenizer
        The tokenizer.

    Raises
    ------
    FileNotFoundError, FormatError, ValueError
        As for `open_tokenizer`.
    """
    settings = read_settings(folder)
    path = folder / "tokenizer.json"
    if path.is_file():
        backend = _from_json(path)
        settings = _applied(backend, config, settings, path)
        prepare(backend, settings, folder)
        return _finished(backend, folder, config, settings)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        backend, settings = _from_vocabulary(folder, config, settings)
        prepare(backend, settings, folder)
        surround(backend, *surroundings(backend, settings))
        return _finished(backend, folder, config, settings)
    return _from_sentencepiece(folder, config, settings)


def _from_sentencepiece(
    folder: Path, config: Mapping[str, Any], settings: Mapping[str, Any]
) -> Tokenizer:
    from meadow_py.run.sentencepiece_model import read_model
    from meadow_py.run.tokenizer_sentencepiece import SentencePieceEncoder, TextNormalizer, build

    model = read_model(_sentencepiece_file(folder))
    settings = {**model.special_tokens(), "add_bos_token": model.bos is not None, **settings}
    asked = settings.get("add_prefix_space")
    prefix = model.dummy_prefix if asked is None else bool(asked)
    backend = build(model, prefix)
    prepare(backend, settings, folder)
    around = [None if token is None else token[1] for token in surroundings(backend, settings)]
    encoder = SentencePieceEncoder(backend, TextNormalizer(model, prefix), *around)
    return _finished(backend, folder, config, settings, encoder)


def _sentencepiece_file(folder: Path) -> Path:
    path = folder / "tokenizer.model"
    if path.is_file():
        return path
    found = sorted(folder.glob("*.model"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"{folder} has no tokenizer: it must hold tokenizer.json, vocab.json with merges.txt, "
            f"or tokenizer.model, but holds {', '.join(p.name for p in found) or 'none of them'}."
        )
    return found[0]


def _from_json(path: Path) -> tokenizers.Tokenizer:
    import tokenizers

    content = path.read_bytes()
    byte_pairs.check_unigram_pieces(_listed_pieces(content, path), str(path))
    with byte_pairs.damage_named(str(path)):
        backend = tokenizers.Tokenizer.from_buffer(content)
    for part in (backend.normalizer, backend.decoder):
        growth = _growth(_state(part))
        if growth > _MOST_GROWTH:
            raise FormatError(
                f"{path}: its steps must make a text at most {_MOST_GROWTH} times longer, not "
                f"{growth} times."
            )
    return backend


def _listed_pieces(content: bytes, path: Path) -> list[str]:
    """The pieces of a vocabulary that is a list, as that of a unigram model."""
    with byte_pairs.damage_named(str(path)):
        stored = json.loads(content)
    model = stored.get("model") if isinstance(stored, dict) else None
    listed = model.get("vocab") if isinstance(model, dict) else None
    entries = listed if isinstance(listed, list) else []
    texts = [entry[0] for entry in entries if isinstance(entry, list) and entry]
    return [text for text in texts if isinstance(text, str)]


def _state(part: Any) -> Any:
    """A part of a backend as JSON types."""
    return None if part is None else json.loads(part.__getstate__())


def _growth(step: Any) -> int:
    """The largest factor by which the `Replace` steps of a normaliser can lengthen a text."""
    if not isinstance(step, dict):
        return 1
    if step.get("type") == "Replace":
        pattern = step["pattern"].get("String")
        longer = len(step["content"])
        # A regular expression may match an empty text between any two characters.
        return longer + 1 if pattern is None else max(1, -(-longer // max(1, len(pattern))))
    inner = step.get("normalizers") or step.get("decoders") or ()
    return math.prod(_growth(one) for one in inner)


def _applied(
    backend: tokenizers.Tokenizer,
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
    path: Path,
) -> dict[str, Any]:
    """Apply `add_prefix_space` to a backend, and return the settings with their class's defaults.

    `add_bos_token` and `add_eos_token` are not applied: Transformers takes the tokens around a
    text from the template of tokenizer.json alone.
    """
    named = settings.get("tokenizer_class") or config.get("tokenizer_class")
    kind = _class_kind(named or config.get("model_type"))
    defaults = _DEFAULTS.get(kind, {})
    byte_level = "ByteLevel" in str(_state(backend.pre_tokenizer))
    if defaults is _LLAMA_DEFAULTS and byte_level:
        return dict(settings)  # Transformers takes such a file as it is
    prefix = settings.get("add_prefix_space")
    with byte_pairs.damage_named(str(path)):
        if kind in _BYTE_LEVEL and byte_level:
            byte_pairs.set_byte_level_prefix(backend, bool(prefix))
        elif defaults is _LLAMA_DEFAULTS and prefix is not None:
            byte_pairs.set_piece_prefix(backend, bool(prefix), bool(settings.get("legacy")))
    return {**defaults, **settings}


def _from_vocabulary(
    folder: Path, config: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[tokenizers.Tokenizer, dict[str, Any]]:
    kind = _byte_level_kind(folder, config, settings)
    vocabulary = read_object(folder / "vocab.json")
    merges = _read_merges(folder / "merges.txt")
    split, normal = ("qwen2", "NFC") if _BYTE_LEVEL[kind] is _QWEN2_DEFAULTS else ("gpt-2", "")
    with byte_pairs.damage_named(str(folder / "vocab.json")):
        backend = byte_pairs.byte_level(
            vocabulary,
            merges,
            split,
            nfc=bool(normal),
            prefix=bool(settings.get("add_prefix_space")),
        )
    return backend, {**_BYTE_LEVEL[kind], "add_bos_token": False, **settings}


def _class_kind(named: Any) -> str:
    """``gpt2`` for ``GPT2TokenizerFast``; model types stay as they are."""
    return str(named or "").removesuffix("Fast").removesuffix("Tokenizer").lower()


def _byte_level_kind(folder: Path, config: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    named = str(settings.get("tokenizer_class") or "")
    model_type = str(config.get("model_type") or "")
    for kind in (_class_kind(named), model_type):
        if kind in _BYTE_LEVEL:
            return kind
    raise ValueError(
        f"{folder}: vocab.json and merges.txt of tokenizer class {named or 'unknown'!r}, model "
        f"type {model_type or 'unknown'!r} are not supported. The class or type must be one of "
        f"{', '.join(_BYTE_LEVEL)}; otherwise, save a tokenizer.json with Transformers."
    )


def _read_merges(path: Path) -> list[tuple[str, str]]:
    made = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} must be valid UTF-8: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, found, right = line.rstrip("\r").partition(" ")
        if not found or " " in right:
            raise FormatError(f"{path}: line {number} must hold two tokens, not {line!r}.")
        made.append((left, right))
    return made


def _finished(
    backend: tokenizers.Tokenizer,
    folder: Path,
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
    encoder: Callable[[str, bool], list[int]] | None = None,
) -> Tokenizer:
    bos, eos = (token_text(settings.get(name)) for name in ("bos_token", "eos_token"))
    first = None if bos is None else backend.token_to_id(bos)
    if first is None:
        first = begin_token(config)
    last = None if eos is None else backend.token_to_id(eos)
    ends = end_tokens(folder, config, () if last is None else (last,))
    return Tokenizer(backend, first, ends, _template(settings.get("chat_template")), encoder)


def _template(found: Any) -> str | None:
    """The template; if there are several, the one that is named default."""
    if isinstance(found, list):
        named = (t for t in found if isinstance(t, dict) and t.get("name") == "default")
        found = next(named, {}).get("template")
    return found if isinstance(found, str) else None
