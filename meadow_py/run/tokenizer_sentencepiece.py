"""Tokenizers of SentencePiece, made of the content of a ``.model`` file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from meadow_py.errors import FormatError
from meadow_py.run import byte_pairs
from meadow_py.run.sentencepiece_model import (
    BPE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNUSED,
    USER_DEFINED,
    SentencePieceModel,
)

if TYPE_CHECKING:
    import tokenizers

_SYMBOL_SCORE = -0.1  # of a user-defined symbol among unigrams, as in the library
_RUN_OF_SPACES = re.compile(" {2,}")


class TextNormalizer:
    """Rewrites a text as the SentencePiece library does before it cuts the text into pieces.

    The `tokenizers` library rewrites what stands between two user-defined symbols on its own, and
    loses the spaces there. A text is therefore rewritten here, as a whole.

    Parameters
    ----------
    model : SentencePieceModel
        Its rules.
    prefix : bool
        Whether a space is added to each text.
    """

    def __init__(self, model: SentencePieceModel, prefix: bool) -> None:
        from tokenizers import normalizers

        symbols = [piece.text for piece in model.pieces if piece.kind == USER_DEFINED]
        self._symbols = _any_of(symbols)
        self._rules = normalizers.Precompiled(model.charsmap) if model.charsmap else None
        self._space = byte_pairs.SPACE if model.escape_whitespaces else " "
        self._prefix = self._space if prefix and not model.whitespace_as_suffix else ""
        self._suffix = self._space if prefix and model.whitespace_as_suffix else ""
        self._fewer_spaces = model.remove_extra_whitespaces

    def __call__(self, text: str) -> str:
        """Return the text as the pieces of the vocabulary spell it."""
        made = self._ruled(text)
        if self._fewer_spaces:
            made = _RUN_OF_SPACES.sub(" ", made.lstrip(" "))
        if not made:
            return ""
        made = self._prefix + made.replace(" ", self._space)
        return (made.rstrip(self._space) if self._fewer_spaces else made) + self._suffix

    def _ruled(self, text: str) -> str:
        """The text after the rules of normalisation, which leave user-defined symbols alone."""
        if self._rules is None:
            return text
        if self._symbols is None:
            return str(self._rules.normalize_str(text))
        parts = self._symbols.split(text)  # symbols are at odd places
        parts[::2] = [self._rules.normalize_str(part) if part else "" for part in parts[::2]]
        return "".join(parts)


class SentencePieceEncoder:
    """Turns texts into ids as the SentencePiece library does, except for special tokens.

    Special tokens that are spelled out in a text become these tokens. The texts between them are
    encoded one by one.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        With all added tokens, and without a normaliser.
    normalize : TextNormalizer
        Rewrites a text first.
    first, last : int or None
        The tokens before and after each text.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        normalize: TextNormalizer,
        first: int | None,
        last: int | None,
    ) -> None:
        backend.encode_special_tokens = True  # they are found here, before a text is rewritten
        self._backend, self._normalize = backend, normalize
        added = backend.get_added_tokens_decoder()
        special = {token.content: (i, token) for i, token in added.items() if token.special}
        self._ids = {text: i for text, (i, _) in special.items()}
        self._special = _any_of(special)
        self._strips_left = {t: token.lstrip for t, (_, token) in special.items()}
        self._strips_right = {t: token.rstrip for t, (_, token) in special.items()}
        self._first = [] if first is None else [first]
        self._last = [] if last is None else [last]

    def __call__(self, text: str, add_special_tokens: bool) -> list[int]:
        """Return the ids of a text; see `Tokenizer.encode`."""
        parts = [text] if self._special is None else self._special.split(text)
        ids: list[int] = []
        for i, part in enumerate(parts):
            if i % 2:
                ids.append(self._ids[part])
            else:
                text = part.lstrip() if i and self._strips_right[parts[i - 1]] else part
                if i + 1 < len(parts) and self._strips_left[parts[i + 1]]:
                    text = text.rstrip()
                made = self._backend.encode(self._normalize(text), add_special_tokens=False)
                ids.extend(made.ids)
        return [*self._first, *ids, *self._last] if add_special_tokens else ids


def _any_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of which the longest text matches, as its only group; None without texts."""
    ordered = sorted(filter(None, texts), key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, ordered))})") if ordered else None


def build(model: SentencePieceModel, prefix: bool) -> tokenizers.Tokenizer:
    """Make the tokenizer that a model describes, for texts that `TextNormalizer` has rewritten.

    Parameters
    ----------
    model : SentencePieceModel
        The content of the file.
    prefix : bool
        Whether a space is added to each text.

    Returns
    -------
    tokenizers.Tokenizer
        Without a normaliser.

    Raises
    ------
    ValueError
        If the model is neither BPE nor unigram, or rewrites decoded texts.
    FormatError
        If its pieces contradict each other.
    """
    from tokenizers import AddedToken

    if model.denormalizes:
        raise ValueError(
            f"{model.path}: rules that rewrite decoded texts (denormalizer_spec) are not supported."
        )
    if model.model_type not in (BPE, UNIGRAM):
        raise ValueError(
            f"{model.path}: SentencePiece model type {model.model_type} is not supported. "
            "Expected unigram (1) or BPE (2)."
        )
    with byte_pairs.damage_named(model.path):
        made = _pairs(model) if model.model_type == BPE else _unigram(model)
        made.decoder = byte_pairs.piece_decoder(
            byte_fallback=model.byte_fallback,
            strip=prefix or model.remove_extra_whitespaces,
        )
        control = [p.text for p in model.pieces if p.kind == CONTROL]
        made.add_tokens([AddedToken(t, normalized=False, special=True) for t in control])
    return made


def _vocabulary(model: SentencePieceModel) -> dict[str, int]:
    found = {piece.text: i for i, piece in enumerate(model.pieces)}
    if len(found) != len(model.pieces):
        raise FormatError(f"{model.path}: the same piece appears twice")
    return found


def _pairs(model: SentencePieceModel) -> tokenizers.Tokenizer:
    from tokenizers import AddedToken

    vocabulary = _vocabulary(model)
    whole = {p.text for p in model.pieces if p.kind not in (NORMAL, UNUSED)}
    merges = byte_pairs.merges_of({p.text: p.score for p in model.pieces}, whole)
    unknown = None if model.unknown is None else model.pieces[model.unknown].text
    made = byte_pairs.pieces(vocabulary, merges, unknown, byte_fallback=model.byte_fallback)
    symbols = [p.text for p in model.pieces if p.kind == USER_DEFINED]
    made.add_tokens([AddedToken(t, normalized=False) for t in symbols])
    return made


def _unigram(model: SentencePieceModel) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram

    vocabulary = _vocabulary(model)
    byte_pairs.check_unigram_pieces(vocabulary, model.path)
    scored = [(p.text, _SYMBOL_SCORE if p.kind == USER_DEFINED else p.score) for p in model.pieces]
    return Tokenizer(Unigram(scored, model.unknown, model.byte_fallback))
