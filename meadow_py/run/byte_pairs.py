"""Byte-pair vocabularies as models of the `tokenizers` library."""

from __future__ import annotations

import bisect
import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from meadow_py.errors import FormatError

if TYPE_CHECKING:
    import tokenizers

SPACE = "\u2581"  # how SentencePiece spells a space
_LONGEST_UNIGRAM_PIECE = 10_000  # characters; the library overflows its stack with far longer ones

# How texts are cut before merging. The first names the pattern of GPT-2, which the `tokenizers`
# library has built in; the others are those of the models' own tokenizer.json files.
_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LLAMA3 = (
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_WORDS = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT4O = _WORDS % ((_CONTRACTIONS + "?",) * 2) + r"|\p{N}{1,3}" + _REST
_TEKKEN = _WORDS % ("", "") + r"|\p{N}" + _REST
_SPLITS = {"llama3": _LLAMA3, "qwen2": _QWEN2, "gpt-4o": _GPT4O, "tekken": _TEKKEN}
SPLITS = ("gpt-2", "digits", *_SPLITS)


@contextlib.contextmanager
def damage_named(where: str) -> Iterator[None]:
    """Make what the `tokenizers` library raises a FormatError that starts with `where`."""
    try:
        yield
    except (OSError, FormatError):
        raise
    except Exception as error:
        raise FormatError(f"{where}: no valid tokenizer: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust's panics become
            raise
        raise FormatError(f"{where}: no valid tokenizer: {error}") from None


def byte_level(
    vocabulary: Mapping[str, int],
    merges: Sequence[tuple[str, str]],
    split: str,
    *,
    nfc: bool = False,
    prefix: bool = False,
    whole_first: bool = False,
) -> tokenizers.Tokenizer:
    """Byte-pair encoding of bytes, each spelled as a printable character, as GPT-2 has it.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Tokens in that spelling, and their ids.
    merges : sequence of pairs
        The first has precedence.
    split : str
        One of `SPLITS`: how texts are cut before.
    nfc : bool
        Whether texts are brought to Unicode's composed form before.
    prefix : bool
        Whether a space is put before a text.
    whole_first : bool
        Whether a piece that is a token needs no merges (``ignore_merges``).
    """
    from tokenizers import Tokenizer, decoders, normalizers
    from tokenizers.models import BPE

    made = Tokenizer(BPE(dict(vocabulary), list(merges), ignore_merges=whole_first))
    if nfc:
        made.normalizer = normalizers.NFC()
    made.pre_tokenizer = _cuts(split, prefix)
    made.decoder = decoders.ByteLevel()
    return made


def _cuts(split: str, prefix: bool) -> tokenizers.pre_tokenizers.PreTokenizer:
    from tokenizers import Regex, pre_tokenizers

    if split == "gpt-2":
        return pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    first: tokenizers.pre_tokenizers.PreTokenizer
    if split == "digits":
        first = pre_tokenizers.Digits(individual_digits=True)
    else:
        first = pre_tokenizers.Split(Regex(_SPLITS[split]), behavior="isolated")
    rest = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=split == "digits")
    return pre_tokenizers.Sequence([first, rest])


def set_byte_level_prefix(backend: tokenizers.Tokenizer, prefix: bool) -> None:
    """Put a space before every text, or none, where the bytes of a text are spelled."""
    from tokenizers import pre_tokenizers

    state = json.loads(backend.pre_tokenizer.__getstate__())
    steps = state["pretokenizers"] if state["type"] == "Sequence" else [state]
    for step in steps:
        if step["type"] == "ByteLevel":
            step["add_prefix_space"] = prefix
    changed = pre_tokenizers.Sequence([])
    changed.__setstate__(json.dumps(state).encode())
    backend.pre_tokenizer = changed


def set_piece_prefix(backend: tokenizers.Tokenizer, prefix: bool, always: bool) -> None:
    """Put a space before every text, or none, in a tokenizer of SentencePiece's kind.

    `always`: also before a text that follows an added token.
    """
    from tokenizers import pre_tokenizers

    scheme = ("always" if always else "first") if prefix else "never"
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme=scheme, split=False)
    backend.decoder = piece_decoder(byte_fallback=True, strip=prefix)


def merges_of(scores: Mapping[str, float], whole: Collection[str]) -> list[tuple[str, str]]:
    """The merges that a vocabulary of SentencePiece implies: every pair that makes a token.

    The token of the highest score has precedence, of its pairs that of the smaller ids.

    Parameters
    ----------
    scores : mapping of str to float
        Of every token, in the order of ids.
    whole : collection of str
        Tokens that are never made of others, nor a part of them.
    """
    ids = {token: i for i, token in enumerate(scores) if token not in whole}
    lengths = sorted({len(token) for token in ids})  # few, so that a long token takes little time
    found = []
    for token, place in ids.items():
        for cut in lengths[
            bisect.bisect_left(lengths, 1) : bisect.bisect_left(lengths, len(token))
        ]:
            left, right = token[:cut], token[cut:]
            if left in ids and right in ids:
                found.append((-scores[token], place, ids[left], ids[right], left, right))
    found.sort()
    return [(left, right) for *_, left, right in found]


def pieces(
    vocabulary: Mapping[str, int],
    merges: Sequence[tuple[str, str]],
    unknown: str | None,
    *,
    byte_fallback: bool,
) -> tokenizers.Tokenizer:
    """Make a tokenizer that merges characters, as SentencePiece does.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Tokens and their ids; spaces are spelled as `SPACE`.
    merges : sequence of pairs
        The first has precedence.
    unknown : str or None
        The token for characters that are not in the vocabulary.
    byte_fallback : bool
        Whether such characters become byte tokens instead.

    Returns
    -------
    tokenizers.Tokenizer
        Without a normaliser and a decoder: see `spell_spaces` and `piece_decoder`.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

    model = BPE(
        dict(vocabulary),
        list(merges),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=byte_fallback,
    )
    return Tokenizer(model)


def spell_spaces(*, prefix: bool) -> tokenizers.normalizers.Normalizer:
    """Return the step that spells spaces as `SPACE`; with `prefix` it adds one before a text."""
    from tokenizers import normalizers

    before = [normalizers.Prepend(SPACE)] if prefix else []
    return normalizers.Sequence([*before, normalizers.Replace(" ", SPACE)])


def piece_decoder(*, byte_fallback: bool, strip: bool) -> tokenizers.decoders.Decoder:
    """Make the decoder of a vocabulary of SentencePiece.

    Parameters
    ----------
    byte_fallback : bool
        Whether byte tokens become bytes.
    strip : bool
        Whether to remove a space from the beginning of a text.

    Returns
    -------
    tokenizers.decoders.Decoder
        The decoder.
    """
    from tokenizers import decoders

    back: list[tokenizers.decoders.Decoder] = [decoders.Replace(SPACE, " ")]
    if byte_fallback:
        back.append(decoders.ByteFallback())
    back.append(decoders.Fuse())
    if strip:
        back.append(decoders.Strip(content=" ", left=1, right=0))
    return decoders.Sequence(back)


def check_unigram_pieces(pieces: Iterable[str], where: str) -> None:
    """Raise FormatError if a piece is so long that the `tokenizers` library would crash."""
    longest = max(map(len, pieces), default=0)
    if longest > _LONGEST_UNIGRAM_PIECE:
        raise FormatError(
            f"{where}: a piece has {longest} characters. Expected at most {_LONGEST_UNIGRAM_PIECE}."
        )
