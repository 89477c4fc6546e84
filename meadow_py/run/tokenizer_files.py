"""Tokenizers from the files that Transformers saves beside a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.run import byte_pairs
from meadow_py.run.tokenizer import Tokenizer, end_tokens
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
_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token")
# What the classes of Transformers take where no file says otherwise.
_GPT2_DEFAULTS = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
_QWEN2_DEFAULTS = dict.fromkeys(("eos_token", "pad_token"), "<|endoftext|>")
_BYTE_LEVEL = {
    "gpt2": _GPT2_DEFAULTS,
    "opt": _GPT2_DEFAULTS,
    "gpt_neo": _GPT2_DEFAULTS,
    "gptj": _GPT2_DEFAULTS,
    "codegen": _GPT2_DEFAULTS,
    "qwen2": _QWEN2_DEFAULTS,
    "qwen3": _QWEN2_DEFAULTS,
}


def read_folder(folder: Path, config: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer of a folder; see `tokenizing.open_tokenizer`."""
    settings = _settings(folder)
    path = folder / "tokenizer.json"
    if path.is_file():
        backend = _from_json(path)
        prepare(backend, settings)
        return _finished(backend, folder, config, settings)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        backend, settings = _from_vocabulary(folder, config, settings)
        prepare(backend, settings)
        return _finished(backend, folder, config, settings)
    return _finished(*_from_sentencepiece(folder, config, settings))


def _from_sentencepiece(
    folder: Path, config: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[tokenizers.Tokenizer, Path, Mapping[str, Any], Mapping[str, Any]]:
    from meadow_py.run.sentencepiece_model import build, read_model

    model = read_model(_sentencepiece_file(folder))
    settings = {**model.special_tokens(), "add_bos_token": model.bos is not None, **settings}
    backend = build(model, settings.get("add_prefix_space"))
    prepare(backend, settings)
    return backend, folder, config, settings


def _sentencepiece_file(folder: Path) -> Path:
    path = folder / "tokenizer.model"
    if path.is_file():
        return path
    found = sorted(folder.glob("*.model"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"{folder}: no tokenizer: expected tokenizer.json, vocab.json with merges.txt, or "
            f"tokenizer.model, found {', '.join(p.name for p in found) or 'none of them'}"
        )
    return found[0]


def _settings(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json over special_tokens_map.json, with the chat template's own file."""
    made: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            made.update({k: v for k, v in read_object(folder / name).items() if v is not None})
    template = folder / "chat_template.jinja"
    if template.is_file():
        made["chat_template"] = template.read_text(encoding="utf-8", errors="replace")
    return made


def _from_json(path: Path) -> tokenizers.Tokenizer:
    import tokenizers

    content = path.read_bytes()
    with byte_pairs.damage_named(str(path)):
        return tokenizers.Tokenizer.from_buffer(content)


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


def _byte_level_kind(folder: Path, config: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    named = str(settings.get("tokenizer_class", ""))
    by_class = named.removesuffix("Fast").removesuffix("Tokenizer").lower()
    model_type = str(config.get("model_type", ""))
    for kind in (by_class, model_type):
        if kind in _BYTE_LEVEL:
            return kind
    raise ValueError(
        f"{folder}: vocab.json and merges.txt of tokenizer class {named or 'unknown'!r}, model "
        f"type {model_type or 'unknown'!r} are not supported: expected one of "
        f"{', '.join(_BYTE_LEVEL)}, or a tokenizer.json, which Transformers saves"
    )


def _read_merges(path: Path) -> list[tuple[str, str]]:
    made = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: no valid UTF-8: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, found, right = line.rstrip("\r").partition(" ")
        if not found or " " in right:
            raise FormatError(f"{path}: line {number}: expected two tokens, found {line!r}")
        made.append((left, right))
    return made


def prepare(backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    """Add the tokens that `settings` name, and what stands around texts, as Transformers does."""
    from tokenizers import AddedToken

    named = [_content(settings[name]) for name in _SPECIAL if name in settings]
    for entry in (settings.get("added_tokens_decoder") or {}).values():
        if isinstance(entry, dict) and "content" in entry:
            made = {k: bool(entry.get(k)) for k in ("lstrip", "rstrip", "single_word", "special")}
            token = AddedToken(entry["content"], normalized=bool(entry.get("normalized")), **made)
            backend.add_tokens([token])
    known = {token.content for token in backend.get_added_tokens_decoder().values()}
    missing = [token for token in dict.fromkeys(named) if token is not None and token not in known]
    backend.add_special_tokens([AddedToken(token, special=True) for token in missing])
    if "add_bos_token" in settings or "add_eos_token" in settings:
        _surround(backend, settings)


def surround(
    backend: tokenizers.Tokenizer, first: tuple[str, int] | None, last: tuple[str, int] | None
) -> None:
    """Put tokens, each its text and id, before and behind every text."""
    from tokenizers.processors import TemplateProcessing

    used = [token for token in (first, last) if token is not None]
    before = [] if first is None else [f"{first[0]}:0"]
    behind = [] if last is None else [f"{last[0]}:0"]
    backend.post_processor = TemplateProcessing(
        single=[*before, "$A:0", *behind], special_tokens=used
    )


def _surround(backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    def token(kind: str) -> tuple[str, int] | None:
        text = _content(settings.get(f"{kind}_token"))
        if text is None or not settings.get(f"add_{kind}_token"):
            return None
        found = backend.token_to_id(text)
        return None if found is None else (text, found)

    surround(backend, token("bos"), token("eos"))


def _finished(
    backend: tokenizers.Tokenizer,
    folder: Path,
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Tokenizer:
    bos, eos = (_content(settings.get(name)) for name in ("bos_token", "eos_token"))
    first = None if bos is None else backend.token_to_id(bos)
    if first is None and isinstance(config.get("bos_token_id"), int):
        first = config["bos_token_id"]
    last = None if eos is None else backend.token_to_id(eos)
    ends = end_tokens(folder, config, () if last is None else (last,))
    return Tokenizer(backend, first, ends, _template(settings.get("chat_template")))


def _content(token: Any) -> str | None:
    """A token of a settings file: its text, or an object with that."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) and content else None


def _template(found: Any) -> str | None:
    """Of several templates the one that is named default."""
    if isinstance(found, list):
        named = {t.get("name"): t.get("template") for t in found if isinstance(t, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else None
