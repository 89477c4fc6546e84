"""Checks of what users pass to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from meadow_py.run.tokenizer import Tokenizer


def checked_ids(tokens: Any, vocabulary: int) -> list[int]:
    """Return token ids as a list of int.

    Returns
    -------
    list of int
        The ids.

    Raises
    ------
    TypeError
        If they are not whole numbers.
    ValueError
        If they are not one sequence, or lie outside the vocabulary.
    """
    array = np.asarray(tokens)
    if array.size == 0:
        return []
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"tokens must be a str or a sequence of whole numbers, not {type(tokens).__name__} of "
            f"{array.dtype}."
        )
    if array.ndim != 1:
        raise ValueError(f"tokens must be one sequence, not an array of {array.ndim} dimensions.")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= vocabulary:
        found = low if low < 0 else high
        raise ValueError(f"tokens must be ids from 0 to {vocabulary - 1}, not {found}.")
    return [int(i) for i in array]


def checked_count(max_tokens: int | None, context: int) -> int:
    """Return the maximum number of tokens to generate.

    Returns
    -------
    int
        `max_tokens`, or for None `context`.
    """
    if max_tokens is None:
        return context
    count = whole_number(max_tokens, "max_tokens")
    if count < 0:
        raise ValueError(f"max_tokens must be 0 or more, not {count}.")
    return count


def whole_number(value: Any, name: str) -> int:
    """Return an integer, or one of numpy, as int.

    Returns
    -------
    int
        The number.

    Raises
    ------
    TypeError
        If `value` is anything else, including a bool.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def checked_prompt(ids: list[int], first: int | None, context: int) -> list[int]:
    """Return the tokens of a prompt.

    Returns
    -------
    list of int
        `ids`, or for an empty prompt `first`, the begin-of-text token.

    Raises
    ------
    ValueError
        If there is no token, or the tokens fill the context.
    """
    if not ids:
        if first is None:
            raise ValueError(
                "prompt must not be empty, since the model has no begin-of-text token."
            )
        ids = [first]
    if len(ids) >= context:
        raise ValueError(
            f"prompt must have fewer than {context} tokens, the model's context, not {len(ids)}."
        )
    return ids


def ends_of_texts(
    tokenizer: Tokenizer | None, metadata: Mapping[str, Any]
) -> tuple[int | None, Sequence[int]]:
    """Find the begin-of-text and end-of-text tokens.

    Returns
    -------
    tuple of (int or None) and sequence of int
        Those of the tokenizer; without one, those of config.json.
    """
    if tokenizer is not None:
        return tokenizer.bos, tokenizer.eos
    from meadow_py.run.tokenizer import begin_token, end_tokens

    return begin_token(metadata), end_tokens(None, metadata, ())
