"""Text to token ids and back, whatever the vocabulary was stored in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.run.byte_pairs import damage_named
from meadow_py.sources.strict_json import read_object

if TYPE_CHECKING:
    import tokenizers


_REPLACEMENT = "\ufffd"  # what bytes that are no UTF-8 decode to
_UNFINISHED = 3  # bytes of a UTF-8 character that lacks its last
_CONTEXT = 8  # tokens that are decoded again with a new one, at least


class Tokenizer:
    """Text to token ids and back.

    Attributes
    ----------
    bos : int or None
        What texts begin with, where the model has such a token. `encode` writes it only where the
        model was trained with it.
    eos : tuple of int
        Each of these ends a generated text.
    chat_template : str or None
        As stored, a Jinja template; nothing here renders it.
    size : int
        Ids are below it.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        bos: int | None = None,
        eos: Iterable[int] = (),
        chat_template: str | None = None,
    ) -> None:
        backend.no_truncation()
        backend.no_padding()
        self._backend = backend
        self.bos = bos
        self.eos: tuple[int, ...] = tuple(dict.fromkeys(eos))
        self.chat_template = chat_template
        # Byte tokens (SentencePiece's byte fallback) decode in runs, all of one or none of it.
        self._letter = backend.token_to_id("<0x78>")
        self.size: int = max(backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """The ids of a text. The spellings of special tokens in it become those tokens.

        Parameters
        ----------
        text : str
            Any.
        add_special_tokens : bool
            Whether to add what the model expects around a text, such as `bos` before it.

        Raises
        ------
        TypeError
            If `text` is no str.
        ValueError
            If it holds a lone surrogate, which UTF-8 cannot spell.
        FormatError
            If the tokenizer's file contradicts itself, which shows only now.
        """
        if not isinstance(text, str):
            raise TypeError(f"text: expected str, found {type(text).__name__}")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"text: no valid Unicode: {error}") from error
        with damage_named("tokenizer"):
            ids: list[int] = self._backend.encode(text, add_special_tokens=add_special_tokens).ids
        return ids

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """The text that ids spell. Bytes that are no UTF-8 become U+FFFD.

        Raises
        ------
        ValueError
            If an id is negative or has more than 32 bits; ids of no token spell nothing.
        FormatError
            As `encode`.
        """
        plain = [int(i) for i in ids]
        for i in plain:
            if not 0 <= i < 2**32:
                raise ValueError(f"ids: expected tokens from 0 to {self.size - 1}, found {i}")
        with damage_named("tokenizer"):
            text: str = self._backend.decode(plain, skip_special_tokens=skip_special_tokens)
        return text

    def spelling(self, token: int) -> str | None:
        """How the vocabulary spells a token, ``\u2581the`` say; None where there is no such id."""
        found: str | None = self._backend.id_to_token(token)
        return found

    def letter_behind(self, token: int) -> int | None:
        """The byte token of an x, if `token` is a byte token; None for all others."""
        spelled = self.spelling(token) or ""
        is_byte = len(spelled) == 6 and spelled.startswith("<0x") and spelled.endswith(">")
        return self._letter if is_byte else None

    def stream(self, before: Sequence[int] = ()) -> TextStream:
        """A decoder of tokens one at a time, which stand behind the tokens `before`."""
        return TextStream(self, before)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Tokenizer(size={self.size}, bos={self.bos}, eos={list(self.eos)})"


class TextStream:
    """Text of tokens as they come, without special tokens and never with half a character."""

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        # Some tokens back: a first word loses its space, and characters may span tokens.
        self._ids = _begun(tokenizer, before)
        self._shown = len(self._text())
        self._boundary = len(self._ids)  # no character spans it

    def add(self, token: int) -> str:
        """The text that this token completes, often that of the token itself; or nothing."""
        self._ids.append(token)
        text = self._text()
        new = text[self._shown :]
        settled = new[: len(new) - _trailing(new)]
        self._shown += len(settled)
        if len(settled) == len(new):
            self._forget(token)
        return settled

    def finish(self) -> str:
        """What was held back: bytes that no token has completed, as U+FFFD."""
        rest = self._text()[self._shown :]
        self._shown += len(rest)
        return rest

    def _text(self) -> str:
        return self._tokenizer.decode(self._ids, skip_special_tokens=True)

    def _forget(self, token: int) -> None:
        """Let go of tokens that no longer matter; no character spans this place."""
        letter = self._tokenizer.letter_behind(token)
        if letter is not None:  # else a byte that is missing yet would undo this run
            self._ids = [letter]
        elif len(self._ids) >= self._boundary + _CONTEXT:
            self._ids = self._ids[self._boundary :]
        else:
            return
        self._boundary = len(self._ids)
        self._shown = len(self._text())


def _begun(tokenizer: Tokenizer, before: Sequence[int]) -> list[int]:
    """The last tokens of `before`, from one on that begins with a whole character."""
    last = [int(i) for i in before[-_CONTEXT - _UNFINISHED :]]
    for start in range(max(0, len(last) - _CONTEXT), -1, -1):
        if not tokenizer.decode(last[start:], skip_special_tokens=True).startswith(_REPLACEMENT):
            return last[start:]
    return last


def _trailing(text: str) -> int:
    """How many characters at the end may be the bytes of one that is not complete."""
    count = len(text) - len(text.rstrip(_REPLACEMENT))
    return min(count, _UNFINISHED)


def end_tokens(
    folder: Path | None, config: Mapping[str, Any], otherwise: Iterable[int]
) -> list[int]:
    """What ends a text: of ``generation_config.json``, else ``config.json``, else `otherwise`.

    As Transformers' ``generate`` has it.
    """
    path = None if folder is None else folder / "generation_config.json"
    settings: Mapping[str, Any] = read_object(path) if path is not None and path.is_file() else {}
    for place in (settings, config):
        found = place.get("eos_token_id")
        if found is not None:
            listed = found if isinstance(found, list) else [found]
            if not all(isinstance(i, int) and not isinstance(i, bool) for i in listed):
                raise FormatError(f"eos_token_id: expected token ids, found {found!r}")
            return [i for i in listed if i >= 0]
    return list(otherwise)
