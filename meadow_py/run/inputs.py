"""Checks of what users pass to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from meadow_py.run.tokenizer import Tokenizer


def checked_ids(tokens: Any, vocabulary: int) -> list[int]:
    """Ids as a list of int."""
    array = np.asarray(tokens)
    if array.size == 0:
        return []
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"tokens: expected a str or a sequence of integers, found {type(tokens).__name__} of "
            f"{array.dtype}"
        )
    if array.ndim != 1:
        raise ValueError(f"tokens: expected one sequence, found {array.ndim} dimensions")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= vocabulary:
        found = low if low < 0 else high
        raise ValueError(f"tokens: expected ids from 0 to {vocabulary - 1}, found {found}")
    return [int(i) for i in array]


def checked_count(max_tokens: int | None, context: int) -> int:
    """The number of tokens to generate at most; for None, as many as the context holds."""
    if max_tokens is None:
        return context
    count = whole_number(max_tokens, "max_tokens")
    if count < 0:
        raise ValueError(f"max_tokens: expected 0 or more, found {count}")
    return count


def whole_number(value: Any, name: str) -> int:
    """An integer, also one of numpy, as int; TypeError for anything else, including bool."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: expected an integer, found {value!r}")
    return int(value)


def checked_prompt(ids: list[int], first: int | None, context: int) -> list[int]:
    """The tokens of a prompt; for an empty one, `first`, the begin-of-text token."""
    if not ids:
        if first is None:
            raise ValueError(
                "prompt: expected at least one token: it is empty, and the model has no token "
                "that begins texts"
            )
        ids = [first]
    if len(ids) >= context:
        raise ValueError(
            f"prompt: {len(ids)} tokens leave no room in the model's context of {context}"
        )
    return ids


def ends_of_texts(
    tokenizer: Tokenizer | None, metadata: Mapping[str, Any]
) -> tuple[int | None, Sequence[int]]:
    """The begin-of-text and end-of-text tokens; without a tokenizer, those of config.json."""
    if tokenizer is not None:
        return tokenizer.bos, tokenizer.eos
    from meadow_py.run.tokenizer import begin_token, end_tokens

    return begin_token(metadata), end_tokens(None, metadata, ())
