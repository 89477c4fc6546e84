"""Text to token ids and back, for every file format of a vocabulary."""

from __future__ import annotations

import codecs
import itertools
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.run.byte_pairs import damage_named
from meadow_py.sources.strict_json import read_object

if TYPE_CHECKING:
    import tokenizers


_REPLACEMENT = "\ufffd"  # stands for bytes that are not valid UTF-8
_UNFINISHED = 3  # the most bytes of a UTF-8 character that is not yet complete
_CONTEXT = 8  # the least number of earlier tokens that are decoded again with a new one
_NO_TOKEN = 2**31  # ids are below
_SPACE = 0x20
_BYTE_TOKEN = re.compile("<0x([0-9A-Fa-f]{2})>")
_LONE_BYTES = re.compile("[\udc80-\udcff]")  # how "surrogateescape" decodes invalid bytes


def _printable_bytes() -> dict[str, int]:
    """The byte that each character of GPT-2's spelling of bytes stands for."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = (byte for byte in range(256) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {
        chr(256 + i): byte for i, byte in enumerate(others)
    }


_BYTE_OF = _printable_bytes()


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
            raise TypeError(f"text: expected str, found {type(text).__name__}")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"text: no valid Unicode: {error}") from error
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
                raise ValueError(f"ids: expected tokens from 0 to {self.size - 1}, found {i}")
        with damage_named("tokenizer"):
            text: str = self._backend.decode(plain, skip_special_tokens=skip_special_tokens)
        return text

    def spelling(self, token: int) -> str | None:
        """Return the vocabulary's spelling of a token, such as ``\u2581the``; None if unknown."""
        if not 0 <= token < 2**32:
            return None
        found: str | None = self._backend.id_to_token(token)
        return found

    def is_silent(self, token: int) -> bool:
        """Return whether a token adds nothing to a text: it is special, or it does not exist."""
        return token in self._special or self.spelling(token) is None

    def byte_of(self, token: int) -> int | None:
        """Return the byte that a token of SentencePiece's byte fallback stands for, else None."""
        spelled = None if self._letter is None else self.spelling(token)
        found = None if spelled is None else _BYTE_TOKEN.fullmatch(spelled)
        return int(found[1], 16) if found else None

    def any_text(self) -> list[int]:
        """Return tokens of some text without a space, for a vocabulary with byte tokens."""
        return [] if self._letter is None else [self._letter]

    def stream(self, before: Sequence[int] = ()) -> TextStream:
        """Return a `TextStream` that decodes, one by one, the tokens that follow `before`."""
        return TextStream(self, before)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Tokenizer(size={self.size}, bos={self.bos}, eos={list(self.eos)})"


class TextStream:
    """Decodes tokens as they arrive, without special tokens; never yields part of a character.

    A character that the earlier tokens begin and the new ones complete is yielded whole. A run of
    byte tokens that is not valid UTF-8 keeps its valid characters, as in the SentencePiece library.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        # `Tokenizer.decode` takes a run of byte tokens whole or not at all, so that later bytes
        # could undo characters that were yielded. Bytes are therefore decoded here.
        self._bytes = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        audible = _last_audible(tokenizer, before)
        self._ids: list[int] = []
        if audible and tokenizer.byte_of(audible[-1]) is not None:
            self._bytes.decode(_last_bytes(tokenizer, audible))
            self._ids = tokenizer.any_text()
        else:
            # A first word loses its space, and characters may span tokens.
            self._ids = _begun(tokenizer, audible)
        text = self._text()
        self._shown = len(text) - _unfinished(tokenizer, self._ids, text)
        self._boundary = len(self._ids)  # no character spans it, unless it is the first

    def add(self, token: int) -> str:
        """Add a token.

        Parameters
        ----------
        token : int
            The id of the token.

        Returns
        -------
        str
            The text that the token completes, which may be empty.
        """
        if self._tokenizer.is_silent(token):
            return ""
        byte = self._tokenizer.byte_of(token)
        if byte is not None:
            return self._add_byte(token, byte)
        broken = self._take_bytes(b"", final=True)
        self._ids.append(token)
        new = self._text()[self._shown :]
        settled = new[: len(new) - _trailing(new)]
        self._shown += len(settled)
        if len(settled) == len(new) and len(self._ids) >= self._boundary + _CONTEXT:
            self._begin_with(self._ids[self._boundary :])
        return broken + settled

    def finish(self) -> str:
        """Return the text that was held back.

        Returns
        -------
        str
            The bytes of an incomplete character, as U+FFFD.
        """
        broken = self._take_bytes(b"", final=True)
        rest = self._text()[self._shown :]
        self._shown += len(rest)
        return broken + rest

    def _add_byte(self, token: int, byte: int) -> str:
        held = self._text()[self._shown :]
        if not self._ids and byte == _SPACE:  # a decoder may strip the space that begins a text
            text = self._tokenizer.decode([token])
        else:
            text = self._take_bytes(bytes([byte]))
        self._begin_with(self._tokenizer.any_text())
        return held + text

    def _take_bytes(self, data: bytes, *, final: bool = False) -> str:
        return _LONE_BYTES.sub(_REPLACEMENT, self._bytes.decode(data, final))

    def _text(self) -> str:
        return self._tokenizer.decode(self._ids, skip_special_tokens=True)

    def _begin_with(self, ids: list[int]) -> None:
        """Replace the tokens by fewer, of which no character spans the end."""
        self._ids = ids
        self._boundary = len(ids)
        self._shown = len(self._text())


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


def _last_audible(tokenizer: Tokenizer, before: Sequence[int]) -> list[int]:
    """The last tokens of `before` that add to a text, as many as matter to what follows."""
    audible = (int(i) for i in reversed(before) if not tokenizer.is_silent(int(i)))
    return list(itertools.islice(audible, _CONTEXT + _UNFINISHED))[::-1]


def _last_bytes(tokenizer: Tokenizer, tokens: Sequence[int]) -> bytes:
    """The last byte tokens, as far as they may belong to a character that is not complete."""
    found: list[int] = []
    for token in reversed(tokens[-_UNFINISHED:]):
        byte = tokenizer.byte_of(token)
        if byte is None:
            break
        found.append(byte)
    return bytes(reversed(found))


def _begun(tokenizer: Tokenizer, last: list[int]) -> list[int]:
    """The last tokens, starting at one that begins with a whole character."""
    for start in range(max(0, len(last) - _CONTEXT), -1, -1):
        if not tokenizer.decode(last[start:], skip_special_tokens=True).startswith(_REPLACEMENT):
            return last[start:]
    return last


def _unfinished(tokenizer: Tokenizer, ids: Sequence[int], text: str) -> int:
    """The number of characters at the end of `text` that stand for an incomplete character."""
    if not text.endswith(_REPLACEMENT):
        return 0
    spelled = "".join(tokenizer.spelling(i) or "" for i in ids[-_UNFINISHED:])
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(bytes(_BYTE_OF.get(c, _SPACE) for c in spelled))
    return 1 if decoder.getstate()[0] else 0


def _trailing(text: str) -> int:
    """How many characters at the end may stand for the bytes of an incomplete one."""
    count = len(text) - len(text.rstrip(_REPLACEMENT))
    return min(count, _UNFINISHED)


def begin_token(config: Mapping[str, Any]) -> int | None:
    """The begin-of-text token of ``config.json``; None if it has none."""
    found = config.get("bos_token_id")
    return None if found in (None, -1) else _checked_ids("bos_token_id", found)[0]


def end_tokens(
    folder: Path | None, config: Mapping[str, Any], otherwise: Iterable[int]
) -> list[int]:
    """End-of-text tokens: of ``generation_config.json``, else ``config.json``, else `otherwise`.

    This is the order of Transformers' ``generate``.
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
