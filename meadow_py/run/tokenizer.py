"""Text to token ids and back, for every file format of a vocabulary."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.run.byte_pairs import damage_named
from meadow_py.run.text_stream import TextStream
from meadow_py.sources.strict_json import read_object

if TYPE_CHECKING:
    import tokenizers


_NO_TOKEN = 2**31  # ids are below
_BYTE_TOKEN = re.compile("<0x([0-9A-Fa-f]{2})>")


class Tokenizer:
    """Text to token ids and back.

    Attributes
    ----------
    bos : int or None
        The begin-of-text token, if the model has one. `encode` adds it only if the model was
        trained with it.
    eos : tuple of int
        The tokens that end a generated text.
    chat_template : str or None
        The stored Jinja template; nothing here renders it.
    size : int
        One more than the largest id.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        bos: int | None = None,
        eos: Iterable[int] = (),
        chat_template: str | None = None,
        encoder: Callable[[str, bool], list[int]] | None = None,
    ) -> None:
        backend.no_truncation()
        backend.no_padding()
        self._backend = backend
        self._encoder = _plain_encoder(backend) if encoder is None else encoder
        self.bos = bos
        self.eos: tuple[int, ...] = tuple(dict.fromkeys(eos))
        self.chat_template = chat_template
        self._special = {
            i for i, token in backend.get_added_tokens_decoder().items() if token.special
        }
        self._letter = _byte_letter(backend)
        self.size: int = max(backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Turn a text into ids. Special tokens that are spelled out in it are recognised.

        Parameters
        ----------
        text : str
            The text.
        add_special_tokens : bool
            Whether to add the tokens that the model expects around a text, such as a leading `bos`.

        Returns
        -------
        list of int
            Token ids.

        Raises
        ------
        TypeError
            If `text` is not a str.
        ValueError
            If it holds a lone surrogate, which UTF-8 cannot encode.
        FormatError
            If the tokenizer's file contradicts itself, which cannot be detected earlier.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {type(text).__name__}.")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"text must be valid Unicode: {error}") from error
        with damage_named("tokenizer"):
            return self._encoder(text, add_special_tokens)

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """Turn ids into text. Bytes that are not valid UTF-8 become U+FFFD.

        Parameters
        ----------
        ids : sequence of int
            Token ids. Ids that belong to no token add nothing to the text.
        skip_special_tokens : bool
            Whether to leave out special tokens.

        Returns
        -------
        str
            The text.

        Raises
        ------
        ValueError
            If an id is negative or does not fit in 32 bits.
        FormatError
            As for `encode`.
        """
        plain = [int(i) for i in ids]
        for i in plain:
            if not 0 <= i < 2**32:
                raise ValueError(f"ids must be tokens from 0 to {self.size - 1}, not {i}.")
        with damage_named("tokenizer"):
            text: str = self._backend.decode(plain, skip_special_tokens=skip_special_tokens)
        return text

    def spelling(self, token: int) -> str | None:
        """Return how the vocabulary spells a token.

        Returns
        -------
        str or None
            Such as ``\u2581the``; None if there is no such token.
        """
        if not 0 <= token < 2**32:
            return None
        found: str | None = self._backend.id_to_token(token)
        return found

    def is_silent(self, token: int) -> bool:
        """Say whether a token adds nothing to a text.

        Returns
        -------
        bool
            True for special tokens, and for ids that belong to no token.
        """
        return token in self._special or self.spelling(token) is None

    def byte_of(self, token: int) -> int | None:
        """Return the byte that a token of SentencePiece's byte fallback stands for.

        Returns
        -------
        int or None
            None for every other token.
        """
        spelled = None if self._letter is None else self.spelling(token)
        found = None if spelled is None else _BYTE_TOKEN.fullmatch(spelled)
        return int(found[1], 16) if found else None

    def any_text(self) -> list[int]:
        """Return tokens of some text without spaces, if the vocabulary has byte tokens.

        Returns
        -------
        list of int
            One token, or none.
        """
        return [] if self._letter is None else [self._letter]

    def stream(self, before: Sequence[int] = ()) -> TextStream:
        """Decode tokens one by one.

        Parameters
        ----------
        before : sequence of int
            The tokens before the first one to decode.

        Returns
        -------
        TextStream
            A decoder of the tokens that follow `before`.
        """
        return TextStream(self, before)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Tokenizer(size={self.size}, bos={self.bos}, eos={list(self.eos)})"


def _plain_encoder(backend: tokenizers.Tokenizer) -> Callable[[str, bool], list[int]]:
    def encode(text: str, add_special_tokens: bool) -> list[int]:
        ids: list[int] = backend.encode(text, add_special_tokens=add_special_tokens).ids
        return ids

    return encode


def _byte_letter(backend: tokenizers.Tokenizer) -> int | None:
    """The byte token of a letter, if the vocabulary has byte tokens and they decode as bytes."""
    for letter in string.ascii_letters:
        token: int | None = backend.token_to_id(f"<0x{ord(letter):02X}>")
        if token is not None:
            return token if backend.decode([token]) == letter else None
    return None


def begin_token(config: Mapping[str, Any]) -> int | None:
    """Return the begin-of-text token of ``config.json``.

    Returns
    -------
    int or None
        None if it names none.

    Raises
    ------
    FormatError
        If it is no token id.
    """
    found = config.get("bos_token_id")
    return None if found in (None, -1) else _checked_ids("bos_token_id", found)[0]


def end_tokens(
    folder: Path | None, config: Mapping[str, Any], otherwise: Iterable[int]
) -> list[int]:
    """Return the end-of-text tokens, in the order of precedence of Transformers' ``generate``.

    Returns
    -------
    list of int
        Those of ``generation_config.json``, else of ``config.json``, else `otherwise`.

    Raises
    ------
    FormatError
        If they are no token ids.
    """
    path = None if folder is None else folder / "generation_config.json"
    settings: Mapping[str, Any] = read_object(path) if path is not None and path.is_file() else {}
    for place in (settings, config):
        found = place.get("eos_token_id")
        if found is not None:
            listed = found if isinstance(found, list) else [found]
            return _checked_ids("eos_token_id", *(i for i in listed if i != -1))
    return list(otherwise)


def _checked_ids(name: str, *found: Any) -> list[int]:
    for i in found:
        if not isinstance(i, int) or isinstance(i, bool) or not 0 <= i < _NO_TOKEN:
            raise FormatError(f"{name} must be a token id from 0 to {_NO_TOKEN - 1}, not {i!r}.")
    return list(found)
