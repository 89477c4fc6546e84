"""Reads the files of SentencePiece, which are protocol buffers."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from meadow_py.errors import FormatError

# Of pieces, as in sentencepiece_model.proto.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
UNIGRAM, BPE = 1, 2
# Wire types of protocol buffers, and the length of those that have one.
_VARINT, _LENGTH_DELIMITED = 0, 2
_FIXED = {1: 8, 5: 4}
_MAX_VARINT = 10  # bytes


class Piece(NamedTuple):
    """An entry of the vocabulary."""

    text: str
    score: float
    kind: int


@dataclass(frozen=True)
class SentencePieceModel:
    """What a ``.model`` file says; the defaults are the format's.

    Attributes
    ----------
    path : str
        Where it was read.
    pieces : tuple of Piece
        In the order of ids.
    model_type : int
        1: unigram, 2: byte pairs.
    byte_fallback : bool
        Whether unknown characters become bytes.
    unknown, bos, eos : int or None
        Ids.
    charsmap : bytes
        Rules of normalisation, empty where there are none.
    dummy_prefix : bool
        Whether a space is added to each text.
    remove_extra_whitespaces : bool
        Whether spaces around texts are removed, and runs of spaces become one.
    escape_whitespaces : bool
        Whether spaces are spelled as U+2581.
    whitespace_as_suffix : bool
        Whether the space is added after texts instead of before them.
    denormalizes : bool
        Whether decoded texts are changed by rules.
    """

    path: str
    pieces: tuple[Piece, ...]
    model_type: int
    byte_fallback: bool
    unknown: int | None
    bos: int | None
    eos: int | None
    charsmap: bytes
    dummy_prefix: bool
    remove_extra_whitespaces: bool
    escape_whitespaces: bool = True
    whitespace_as_suffix: bool = False
    denormalizes: bool = False

    def special_tokens(self) -> dict[str, str]:
        """``bos_token`` and the like, as far as there are any."""
        named = {"bos_token": self.bos, "eos_token": self.eos, "unk_token": self.unknown}
        return {name: self.pieces[i].text for name, i in named.items() if i is not None}


def read_model(path: Path) -> SentencePieceModel:
    """Read a ``.model`` file.

    Raises
    ------
    FormatError
        If it is truncated, contradicts itself, or is nothing of SentencePiece.
    """
    reader = _ProtocolBuffer(str(path), path.read_bytes())
    pieces: list[Piece] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    denormalizer: dict[int, int | bytes] = {}
    for field, value in reader.fields(reader.content):
        if field == 1:
            pieces.append(_piece(reader, reader.message(field, value)))
        elif field == 2:
            trainer.update(reader.fields(reader.message(field, value)))
        elif field == 3:
            normalizer.update(reader.fields(reader.message(field, value)))
        elif field == 5:
            denormalizer.update(reader.fields(reader.message(field, value)))
    if not pieces:
        reader.fail("no pieces: not a model of SentencePiece, or truncated")

    def place(field: int, default: int) -> int | None:
        number = reader.integer(field, trainer.get(field, default))
        signed = number - 2**64 if number >= 2**63 else number
        return signed if 0 <= signed < len(pieces) else None

    return SentencePieceModel(
        path=str(path),
        pieces=tuple(pieces),
        model_type=reader.integer(3, trainer.get(3, UNIGRAM)),
        byte_fallback=bool(reader.integer(35, trainer.get(35, 0))),
        unknown=place(40, 0),
        bos=place(41, 1),
        eos=place(42, 2),
        charsmap=reader.message(2, normalizer.get(2, b"")),
        dummy_prefix=bool(reader.integer(3, normalizer.get(3, 1))),
        remove_extra_whitespaces=bool(reader.integer(4, normalizer.get(4, 1))),
        escape_whitespaces=bool(reader.integer(5, normalizer.get(5, 1))),
        whitespace_as_suffix=bool(reader.integer(24, trainer.get(24, 0))),
        denormalizes=bool(reader.message(2, denormalizer.get(2, b""))),
    )


def _piece(reader: _ProtocolBuffer, message: bytes) -> Piece:
    text, score, kind = "", 0.0, NORMAL
    for field, value in reader.fields(message):
        if field == 1:
            try:
                text = reader.message(field, value).decode("utf-8")
            except UnicodeDecodeError:
                reader.fail(f"a piece is no UTF-8: {value!r}")
        elif field == 2:
            data = reader.message(field, value)
            if len(data) != 4:
                reader.fail(f"a score takes {len(data)} B: expected 4")
            score = struct.unpack("<f", data)[0]
        elif field == 3:
            kind = reader.integer(field, value)
    return Piece(text, score, kind)


class _ProtocolBuffer:
    """The wire format of protocol buffers, every read checked."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content

    def fail(self, what: str) -> NoReturn:
        raise FormatError(f"{self.path}: {what}")

    def integer(self, field: int, value: int | bytes) -> int:
        if not isinstance(value, int):
            self.fail(f"field {field}: expected an integer, found {len(value)} B")
        return value

    def message(self, field: int, value: int | bytes) -> bytes:
        if not isinstance(value, bytes):
            self.fail(f"field {field}: expected bytes, found the integer {value}")
        return value

    def fields(self, data: bytes) -> Iterator[tuple[int, int | bytes]]:
        """Field numbers with integers, or with the bytes of all else."""
        at = 0
        while at < len(data):
            key, at = self._varint(data, at)
            field, wire = key >> 3, key & 7
            if wire == _VARINT:
                value, at = self._varint(data, at)
                yield field, value
                continue
            if wire == _LENGTH_DELIMITED:
                size, at = self._varint(data, at)
            elif wire in _FIXED:
                size = _FIXED[wire]
            else:
                self.fail(
                    f"field {field} has the unknown wire type {wire}: not a SentencePiece model"
                )
            if size > len(data) - at:
                self.fail(f"truncated: field {field} takes {size} B, {len(data) - at} are left")
            yield field, data[at : at + size]
            at += size

    def _varint(self, data: bytes, at: int) -> tuple[int, int]:
        value = size = 0
        while size < _MAX_VARINT:
            if at + size >= len(data):
                self.fail("truncated: it ends inside of a number")
            byte = data[at + size]
            value |= (byte & 0x7F) << 7 * size
            size += 1
            if byte < 0x80:
                break
        else:
            self.fail(f"a number of more than {_MAX_VARINT} bytes: not a model of SentencePiece")
        return value, at + size
