"""Decodes tokens to text one by one."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meadow_py.run.tokenizer import Tokenizer

_REPLACEMENT = "\ufffd"  # stands for bytes that are not valid UTF-8
_UNFINISHED = 3  # the most bytes of a UTF-8 character that is not yet complete
_CONTEXT = 8  # the least number of earlier tokens that are decoded again with a new one
_SPACE = 0x20
_LONE_BYTES = re.compile("[\udc80-\udcff]")  # how "surrogateescape" decodes invalid bytes


def _printable_bytes() -> dict[str, int]:
    """The byte that each character of GPT-2's spelling of bytes stands for."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = (byte for byte in range(256) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {
        chr(256 + i): byte for i, byte in enumerate(others)
    }


_BYTE_OF = _printable_bytes()


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
