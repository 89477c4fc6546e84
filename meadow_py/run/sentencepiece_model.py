"""Vocabularies of SentencePiece: the protocol buffer read, and a tokenizer built of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from meadow_py.errors import FormatError
from meadow_py.run import byte_pairs

if TYPE_CHECKING:
    import tokenizers

# Of pieces, as in sentencepiece_model.proto.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
_UNIGRAM, _BPE = 1, 2
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
        Whether a space is put before texts.
    remove_extra_whitespaces : bool
        Whether spaces around texts and runs of them are taken away.
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
    reader = _Reader(str(path), path.read_bytes())
    pieces: list[Piece] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for field, value in reader.fields(reader.content):
        if field == 1:
            pieces.append(_piece(reader, reader.message(field, value)))
        elif field == 2:
            trainer.update(reader.fields(reader.message(field, value)))
        elif field == 3:
            normalizer.update(reader.fields(reader.message(field, value)))
    if not pieces:
        reader.fail("no pieces: not a model of SentencePiece, or truncated")

    def place(field: int, default: int) -> int | None:
        number = reader.integer(field, trainer.get(field, default))
        signed = number - 2**64 if number >= 2**63 else number
        return signed if 0 <= signed < len(pieces) else None

    return SentencePieceModel(
        path=str(path),
        pieces=tuple(pieces),
        model_type=reader.integer(3, trainer.get(3, _UNIGRAM)),
        byte_fallback=bool(reader.integer(35, trainer.get(35, 0))),
        unknown=place(40, 0),
        bos=place(41, 1),
        eos=place(42, 2),
        charsmap=reader.message(2, normalizer.get(2, b"")),
        dummy_prefix=bool(reader.integer(3, normalizer.get(3, 1))),
        remove_extra_whitespaces=bool(reader.integer(4, normalizer.get(4, 1))),
    )


def _piece(reader: _Reader, message: bytes) -> Piece:
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


class _Reader:
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


def build(model: SentencePieceModel, prefix: bool | None = None) -> tokenizers.Tokenizer:
    """The tokenizer that a model describes; `prefix` says otherwise of the space before texts.

    Raises
    ------
    ValueError
        If it is neither of byte pairs nor unigram.
    FormatError
        If its pieces contradict each other.
    """
    from tokenizers import AddedToken

    prefix = model.dummy_prefix if prefix is None else prefix
    with byte_pairs.damage_named(model.path):
        if model.model_type == _BPE:
            made = _pairs(model, prefix)
        elif model.model_type == _UNIGRAM:
            made = _unigram(model)
        else:
            raise ValueError(
                f"{model.path}: model type {model.model_type} of SentencePiece is not supported: "
                "expected unigram (1) or BPE (2)"
            )
        byte_pairs.spell_spaces(
            made, prefix=prefix, byte_fallback=model.byte_fallback, before=_normalizers(model)
        )
        for kind in (CONTROL, USER_DEFINED):
            added = [p.text for p in model.pieces if p.kind == kind]
            special = kind == CONTROL
            made.add_tokens([AddedToken(t, normalized=False, special=special) for t in added])
    return made


def _normalizers(model: SentencePieceModel) -> list[tokenizers.normalizers.Normalizer]:
    from tokenizers import Regex, normalizers

    made: list[tokenizers.normalizers.Normalizer] = []
    if model.charsmap:
        made.append(normalizers.Precompiled(model.charsmap))
    if model.remove_extra_whitespaces:
        made.append(normalizers.Replace(Regex(rf"\A +|[ {byte_pairs.SPACE}]+\z"), ""))
        made.append(normalizers.Replace(Regex(" {2,}"), " "))
    return made


def _vocabulary(model: SentencePieceModel) -> dict[str, int]:
    found = {piece.text: i for i, piece in enumerate(model.pieces)}
    if len(found) != len(model.pieces):
        raise FormatError(f"{model.path}: the same piece appears twice")
    return found


def _pairs(model: SentencePieceModel, prefix: bool) -> tokenizers.Tokenizer:
    vocabulary = _vocabulary(model)
    whole = {p.text for p in model.pieces if p.kind not in (NORMAL, UNUSED)}
    merges = byte_pairs.merges_of({p.text: p.score for p in model.pieces}, whole)
    unknown = None if model.unknown is None else model.pieces[model.unknown].text
    return byte_pairs.pieces(
        vocabulary, merges, unknown, byte_fallback=model.byte_fallback, prefix=prefix
    )


def _unigram(model: SentencePieceModel) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram

    _vocabulary(model)
    scored = [(piece.text, piece.score) for piece in model.pieces]
    return Tokenizer(Unigram(scored, model.unknown, model.byte_fallback))
