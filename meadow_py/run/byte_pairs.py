"""Byte-pair vocabularies as models of the `tokenizers` library."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from meadow_py.errors import FormatError

if TYPE_CHECKING:
    import tokenizers

SPACE = "\u2581"  # how SentencePiece spells a space

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
    found = []
    for token, place in ids.items():
        for cut in range(1, len(token)):
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
    prefix: bool,
) -> tokenizers.Tokenizer:
    """Byte-pair encoding of characters, spaces spelled as `SPACE`, as SentencePiece has it."""
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

    model = BPE(
        dict(vocabulary),
        list(merges),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=byte_fallback,
    )
    made = Tokenizer(model)
    spell_spaces(made, prefix=prefix, byte_fallback=byte_fallback)
    return made


def spell_spaces(
    made: tokenizers.Tokenizer,
    *,
    prefix: bool,
    byte_fallback: bool,
    before: Sequence[tokenizers.normalizers.Normalizer] = (),
) -> None:
    """Spaces to `SPACE`, one more before a text with `prefix`, and back in decoding.

    `before`: what is done to texts first.
    """
    from tokenizers import decoders, normalizers

    steps = [*before]
    if prefix:
        steps.append(normalizers.Prepend(SPACE))
    made.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])
    back: list[tokenizers.decoders.Decoder] = [decoders.Replace(SPACE, " ")]
    if byte_fallback:
        back.append(decoders.ByteFallback())
    back.append(decoders.Fuse())
    if prefix:
        back.append(decoders.Strip(content=" ", left=1, right=0))
    made.decoder = decoders.Sequence(back)
