"""The settings beside a vocabulary: the files of Transformers that name its special tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.sources.strict_json import read_object

if TYPE_CHECKING:
    import tokenizers

# In the order in which Transformers adds those that the vocabulary lacks.
_NAMED = (
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"
)  # fmt: skip
_FLAGS = ("lstrip", "rstrip", "single_word", "special", "normalized")
_MODEL_SPECIFIC = "model_specific_special_tokens"


def read_settings(folder: Path) -> dict[str, Any]:
    """Read the files beside the vocabulary, and combine them as Transformers does.

    special_tokens_map.json and added_tokens.json are older than `added_tokens_decoder`, and are
    not read where tokenizer_config.json has that.

    Returns
    -------
    dict
        By the names of tokenizer_config.json.
    """
    made = _read_if_any(folder / "tokenizer_config.json")
    if not made.get("extra_special_tokens") and "additional_special_tokens" in made:
        made["extra_special_tokens"] = made.pop("additional_special_tokens")
    _name_extra_tokens(made, folder)
    if "added_tokens_decoder" not in made:
        older = _read_if_any(folder / "special_tokens_map.json")
        listed, more = made.get("extra_special_tokens"), older.get("extra_special_tokens")
        if isinstance(listed, list) and isinstance(more, list):
            older["extra_special_tokens"] = listed + [
                token for token in more if token not in listed
            ]
        made |= older
        _name_extra_tokens(made, folder)
        made["added_tokens_decoder"] = _older_added_tokens(folder / "added_tokens.json", made)
    if "extra_special_tokens" not in made:
        made["extra_special_tokens"] = made.pop("additional_special_tokens", None)
    template = folder / "chat_template.jinja"
    if template.is_file():
        made["chat_template"] = template.read_text(encoding="utf-8", errors="replace")
    return made


def _name_extra_tokens(settings: dict[str, Any], folder: Path) -> None:
    """Make extra special tokens that have names, such as ``image_token``, settings of their own."""
    found = settings.get("extra_special_tokens")
    if isinstance(found, dict):
        del settings["extra_special_tokens"]
        settings[_MODEL_SPECIFIC] = {**_model_specific(settings, folder), **found}


def _model_specific(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    found = settings.get(_MODEL_SPECIFIC) or {}
    if not isinstance(found, dict):
        raise FormatError(f"{folder}: {_MODEL_SPECIFIC} must be an object, not {found!r}.")
    return found


def _read_if_any(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}


def _older_added_tokens(path: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens of added_tokens.json in the form of `added_tokens_decoder`."""
    special = {text for text, _ in _special_tokens(settings, path.parent)}
    made = {}
    for text, number in _read_if_any(path).items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise FormatError(f"{path}: {text!r} must have a token id, not {number!r}.")
        flags = {"special": text in special, "normalized": text not in special}
        made[str(number)] = {"content": text, **flags}
    return made


def prepare(backend: tokenizers.Tokenizer, settings: Mapping[str, Any], folder: Path) -> None:
    """Add the tokens that `settings` name to a backend, as Transformers does.

    Raises
    ------
    FormatError
        If an entry is no token, or an added token gets another id than `settings` say.
    """
    from tokenizers import AddedToken

    special = _special_tokens(settings, folder)
    named = {text for text, _ in special}
    for number, entry in _added_tokens(settings, folder):
        made = {name: bool(entry.get(name)) for name in _FLAGS}
        made["special"] |= entry["content"] in named
        known = backend.token_to_id(entry["content"])
        backend.add_tokens([AddedToken(entry["content"], **made)])
        found = backend.token_to_id(entry["content"])
        if known is None and found != number:
            raise FormatError(
                f"{folder}: added_tokens_decoder: token {entry['content']!r} must have the "
                f"id {found}, the next after the vocabulary, not {number}."
            )
    known_tokens = {token.content for token in backend.get_added_tokens_decoder().values()}
    for text, flags in special:
        if text not in known_tokens:
            backend.add_tokens([AddedToken(text, special=True, **flags)])


def _added_tokens(settings: Mapping[str, Any], folder: Path) -> list[tuple[int, dict[str, Any]]]:
    """The entries of `added_tokens_decoder` that have a text, by their ids."""
    found = settings.get("added_tokens_decoder") or {}
    if not isinstance(found, dict):
        raise FormatError(f"{folder}: added_tokens_decoder must be an object, not {found!r}.")
    made = []
    for number, entry in found.items():
        if not number.isdecimal() or len(number) > 10 or not isinstance(entry, dict):
            raise FormatError(
                f"{folder}: added_tokens_decoder: {number!r} must be the id of a token."
            )
        if token_text(entry) is None:
            raise FormatError(f"{folder}: added_tokens_decoder: token {number} must have a text.")
        made.append((int(number), entry))
    return sorted(made, key=lambda token: token[0])


def _special_tokens(settings: Mapping[str, Any], folder: Path) -> list[tuple[str, dict[str, bool]]]:
    """The special tokens that settings name: texts, and which spaces beside them belong to them."""
    others = [name for name in settings if name.endswith("_token") and name not in _NAMED]
    found = [settings.get(name) for name in (*_NAMED, *others)]
    found += _model_specific(settings, folder).values()
    more = settings.get("extra_special_tokens") or []
    if not isinstance(more, list):
        raise FormatError(f"{folder}: extra_special_tokens must be a list of tokens, not {more!r}.")
    found += more
    made: list[tuple[str, dict[str, bool]]] = []  # of equal texts, the last is in force
    for token in found:
        text = token_text(token)
        if text is not None:
            flags = token if isinstance(token, dict) else {}
            kept = ("lstrip", "rstrip", "single_word", "normalized")
            named = (text, {name: bool(flags[name]) for name in kept if name in flags})
            if named not in made:
                made.append(named)
    return made


def surround(
    backend: tokenizers.Tokenizer, first: tuple[str, int] | None, last: tuple[str, int] | None
) -> None:
    """Put tokens, each given by its text and id, before and after every text."""
    from tokenizers.processors import TemplateProcessing

    used = [token for token in (first, last) if token is not None]
    before = [] if first is None else [f"{first[0]}:0"]
    behind = [] if last is None else [f"{last[0]}:0"]
    backend.post_processor = TemplateProcessing(
        single=[*before, "$A:0", *behind], special_tokens=used
    )


def surroundings(
    backend: tokenizers.Tokenizer, settings: Mapping[str, Any]
) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
    """Find the tokens before and after every text.

    Returns
    -------
    tuple of (str, int) or None
        Text and id of each; None where there is none.
    """

    def token(kind: str) -> tuple[str, int] | None:
        text = token_text(settings.get(f"{kind}_token"))
        if text is None or not settings.get(f"add_{kind}_token"):
            return None
        found = backend.token_to_id(text)
        return None if found is None else (text, found)

    return token("bos"), token("eos")


def token_text(token: Any) -> str | None:
    """Return the text of a token in a settings file.

    Returns
    -------
    str or None
        None if `token` is neither a text nor an object that holds one.
    """
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) and content else None
