"""Tokenizers from the metadata of GGUF files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.run import byte_pairs
from meadow_py.run.sentencepiece_model import CONTROL, NORMAL, UNUSED, USER_DEFINED
from meadow_py.run.tokenizer import Tokenizer
from meadow_py.run.tokenizer_settings import surround
from meadow_py.sources.gguf_header import read_header
from meadow_py.sources.mapped_file import MappedFile

if TYPE_CHECKING:
    import tokenizers


KIND = "tokenizer.ggml.model"
_GGML = "tokenizer.ggml."
_UNKNOWN = 2  # of token types
# `tokenizer.ggml.pre` of byte-level vocabularies: how texts are cut, by the names that llama.cpp
# knows. Files without a name are older than it, of GPT-2's kind.
_SPLIT_OF = {
    **dict.fromkeys(
        ("default", "gpt-2", "phi-2", "mpt", "olmo", "jais", "dbrx-base", "roberta-bpe", "exaone4"),
        "gpt-2",
    ),
    **dict.fromkeys(
        ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"),
        "digits",
    ),
    **dict.fromkeys(
        ("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2", "midm-2.0"),
        "llama3",
    ),
    **dict.fromkeys(("dbrx", "smaug-bpe"), "llama3"),
    **dict.fromkeys(
        ("qwen2", "stablelm2", "deepseek-r1-qwen", "hunyuan", "kormo", "megrez"), "qwen2"
    ),
    **dict.fromkeys(("gpt-4o", "llama4", "kanana2"), "gpt-4o"),
    "tekken": "tekken",
}
# Those whose pieces need no merges where they are tokens, and that begin texts with bos.
_WHOLE_FIRST = {
    "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2", "midm-2.0",
    "tekken",
}  # fmt: skip
_COMPOSED = {"qwen2"}  # their tokenizer.json normalises to NFC
_ENDS = ("eos_token_id", "eot_token_id", "eom_token_id")


def read_gguf_metadata(path: Path) -> dict[str, Any]:
    """All metadata of a GGUF file, with the arrays of its tokenizer.

    Raises
    ------
    FormatError
        If its header is damaged.
    """
    mapped = MappedFile(path)
    try:
        return read_header(mapped, tokenizer=True).metadata
    finally:
        mapped.close()


def read_gguf_tokenizer(metadata: Mapping[str, Any], source: str) -> Tokenizer:
    """The tokenizer that the metadata of a GGUF file describe.

    Raises
    ------
    FormatError
        If the metadata contradict themselves.
    ValueError
        If the vocabulary, or the way it cuts texts, is not supported.
    """
    fields = _Fields(metadata, source)
    kind = metadata[KIND]
    if kind == "gpt2":
        backend = _byte_level(fields)
    elif kind == "llama":
        backend = _sentencepiece(fields)
    else:
        raise ValueError(
            f"{source}: tokenizers of kind {kind!r} in GGUF are not supported: expected 'gpt2' or "
            "'llama'"
        )
    _add_tokens(backend, fields)
    bos, ends = fields.token("bos_token_id"), [fields.token(name) for name in _ENDS]
    _surround(backend, fields)
    template = metadata.get("tokenizer.chat_template")
    return Tokenizer(
        backend,
        bos,
        [end for end in ends if end is not None],
        template if isinstance(template, str) else None,
    )


class _Fields:
    """The tokenizer's metadata, checked."""

    def __init__(self, metadata: Mapping[str, Any], source: str) -> None:
        self.source = source
        self._metadata = metadata
        self.tokens: list[str] = self._array("tokens", str, None)
        size = len(self.tokens)
        if not size:
            raise FormatError(f"{source}: {_GGML}tokens is missing or empty")
        self.types: list[int] = self._array("token_type", int, size) or [NORMAL] * size
        self.scores: list[float] = self._array("scores", float, size)
        self.merges: list[str] = self._array("merges", str, None)
        self.pre: str = metadata.get(_GGML + "pre") or "default"
        if not isinstance(self.pre, str):
            raise FormatError(f"{source}: {_GGML}pre must be a text, not {self.pre!r}.")
        self.architecture = str(metadata.get("general.architecture", ""))

    def _array(self, name: str, kind: type, size: int | None) -> list[Any]:
        found = self._metadata.get(_GGML + name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(v, kind) for v in found):
            raise FormatError(f"{self.source}: {_GGML}{name}: expected an array of {kind.__name__}")
        if size is not None and len(found) != size:
            raise FormatError(
                f"{self.source}: {_GGML}{name}: expected {size} elements, one per token, found "
                f"{len(found)}"
            )
        return found

    def token(self, name: str) -> int | None:
        found = self._metadata.get(_GGML + name)
        if found is None or found == 2**32 - 1:  # how some files write -1
            return None
        if not isinstance(found, int) or not 0 <= found < len(self.tokens):
            raise FormatError(
                f"{self.source}: {_GGML}{name}: expected a token below {len(self.tokens)}, found "
                f"{found!r}"
            )
        return found

    def flag(self, name: str, default: bool) -> bool:
        return bool(self._metadata.get(_GGML + name, default))

    def of_type(self, kind: int) -> list[str]:
        return [t for t, k in zip(self.tokens, self.types, strict=True) if k == kind]


def _byte_level(fields: _Fields) -> tokenizers.Tokenizer:
    if fields.pre not in _SPLIT_OF:
        raise ValueError(
            f"{fields.source}: texts cut as {fields.pre!r} ({_GGML}pre) are not supported: "
            f"expected one of {', '.join(sorted(_SPLIT_OF))}"
        )
    merges = []
    for line in fields.merges:
        left, found, right = line.partition(" ")
        if not found or not left or not right:
            raise FormatError(
                f"{fields.source}: {_GGML}merges: expected two tokens, found {line!r}"
            )
        merges.append((left, right))
    with byte_pairs.damage_named(fields.source):
        return byte_pairs.byte_level(
            _ids(fields, fields.tokens),
            merges,
            _SPLIT_OF[fields.pre],
            nfc=fields.pre in _COMPOSED,
            prefix=fields.flag("add_space_prefix", False),
            whole_first=fields.pre in _WHOLE_FIRST,
        )


def _sentencepiece(fields: _Fields) -> tokenizers.Tokenizer:
    tokens = fields.tokens
    scores = fields.scores or [0.0] * len(tokens)
    if fields.architecture.startswith("gemma"):
        # Their runs of spaces are stored as such, and their scores do not follow the merges; the
        # order of tokens does.
        tokens = [byte_pairs.SPACE * len(t) if t and not t.strip(" ") else t for t in tokens]
        scores = [-float(i) for i in range(len(tokens))]
    ids = _ids(fields, tokens)
    joined = (NORMAL, UNUSED)
    whole = {t for t, kind in zip(tokens, fields.types, strict=True) if kind not in joined}
    if fields.architecture.startswith("gemma"):
        whole -= {t for t in whole if not t.strip(byte_pairs.SPACE)}
    merges = byte_pairs.merges_of(dict(zip(tokens, scores, strict=True)), whole)
    unknown = fields.token("unknown_token_id")
    named = fields.of_type(_UNKNOWN)
    spelled = fields.tokens[unknown] if unknown is not None else next(iter(named), None)
    with byte_pairs.damage_named(fields.source):
        fallback, prefix = "<0x00>" in ids, fields.flag("add_space_prefix", True)
        made = byte_pairs.pieces(ids, merges, spelled, byte_fallback=fallback)
        made.normalizer = byte_pairs.spell_spaces(prefix=prefix)
        made.decoder = byte_pairs.piece_decoder(byte_fallback=fallback, strip=prefix)
        return made


def _ids(fields: _Fields, tokens: list[str]) -> dict[str, int]:
    found = {token: i for i, token in enumerate(tokens)}
    if len(found) != len(tokens):
        raise FormatError(f"{fields.source}: {_GGML}tokens: the same token appears twice")
    return found


def _add_tokens(backend: tokenizers.Tokenizer, fields: _Fields) -> None:
    from tokenizers import AddedToken

    known = backend.get_vocab(with_added_tokens=False)
    for kind in (CONTROL, USER_DEFINED):
        special = kind == CONTROL
        found = [t for t in fields.of_type(kind) if t in known and t]
        backend.add_tokens([AddedToken(t, normalized=False, special=special) for t in found])


def _surround(backend: tokenizers.Tokenizer, fields: _Fields) -> None:
    by_default = not fields.merges or fields.pre in _WHOLE_FIRST
    names = ("bos_token_id", "eos_token_id")
    bos, eos = (fields.token(name) for name in names)
    wanted = (
        bos if fields.flag("add_bos_token", by_default) else None,
        eos if fields.flag("add_eos_token", False) else None,
    )
    surround(backend, *(None if i is None else (fields.tokens[i], i) for i in wanted))
