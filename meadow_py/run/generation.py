"""Text generation, one token at a time."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from meadow_py.run.inputs import whole_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from meadow_py import _core
    from meadow_py.run.tokenizer import Tokenizer


class StopText:
    """Passes a text on up to the first of some stop strings, which never appear themselves.

    Parameters
    ----------
    strings : sequence of str
        The stop strings; none may be empty.

    Attributes
    ----------
    found : bool
        Whether one of them has occurred.

    Raises
    ------
    ValueError
        If one is empty.
    TypeError
        If one is not a str.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(stop_strings(strings))
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """Add a piece of text.

        Parameters
        ----------
        text : str
            The piece.

        Returns
        -------
        str
            The text that is now certain to precede any stop string.
        """
        if self.found:
            return ""
        self._held += text
        places = [place for s in self._strings if (place := self._held.find(s)) >= 0]
        if places:
            self.found = True
            certain, self._held = self._held[: min(places)], ""
            return certain
        keep = max((_begun(self._held, s) for s in self._strings), default=0)
        certain = self._held[: len(self._held) - keep]
        self._held = self._held[len(certain) :]
        return certain

    def finish(self) -> str:
        """Return the text that was held back, since nothing follows it.

        Returns
        -------
        str
            The text.
        """
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, string: str) -> int:
    """How many characters at the end of `text` begin, but do not complete, `string`."""
    longest = min(len(text), len(string) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(string[:n])), 0)


def stop_strings(stop: Any) -> list[str]:
    """Check the stop strings of a text.

    Returns
    -------
    list of str
        One string alone makes a list; None makes an empty one.

    Raises
    ------
    ValueError
        If one is empty.
    TypeError
        If they are neither None, nor a string, nor a sequence of strings.
    """
    if stop is None:
        return []
    if isinstance(stop, str):
        return _checked_stop([stop])
    if not isinstance(stop, Iterable):
        raise TypeError(f"stop must be a string or a sequence of strings, not {stop!r}.")
    return _checked_stop(list(stop))


def _checked_stop(strings: list[Any]) -> list[str]:
    for string in strings:
        if not isinstance(string, str):
            raise TypeError(f"stop must consist of strings, not {string!r}.")
        if not string:
            raise ValueError("stop must not contain an empty string.")
    return strings


Reason = Literal["stop", "eos", "length", "context"]


@dataclass(frozen=True)
class Token:
    """A generated token. ``print(token, end="")`` prints its text.

    Attributes
    ----------
    id : int
        Its number in the vocabulary.
    text : str
        The text that became final with this token. It is empty while part of a character or a
        possible beginning of a stop string is held back; held-back text is delivered all at once.
    logprob : float or None
        The natural logarithm of the probability that the model itself gives the token: at
        temperature 1, with no token excluded. None unless asked for.
    """

    id: int
    text: str
    logprob: float | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen: see `Model.generate`."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None


@dataclass(frozen=True)
class Timing:
    """How long a generation has taken so far.

    Attributes
    ----------
    first_token_seconds : float or None
        Time from the first request for a token to that token, which includes reading the prompt.
        None before the first token.
    decode_seconds : float
        Time from the first token to the latest one.
    prompt_tokens, tokens : int
        The numbers of tokens in the prompt and generated so far.
    """

    first_token_seconds: float | None
    decode_seconds: float
    prompt_tokens: int
    tokens: int

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """Reading speed of the prompt; None before the first token."""
        if not self.first_token_seconds:
            return None
        return self.prompt_tokens / self.first_token_seconds

    @property
    def tokens_per_second(self) -> float | None:
        """Generation speed, not counting the first token; None before there are two tokens."""
        if self.tokens < 2 or self.decode_seconds <= 0:
            return None
        return (self.tokens - 1) / self.decode_seconds


class Generation:
    """An iterator of `Token` that generates each token of a text when it is asked for.

    Attributes
    ----------
    prompt : tuple of int
        The tokens that the model reads first.
    ids : list of int
        The tokens generated so far, including the one that ended the text.
    text : str
        The text generated so far.
    finish_reason : {"stop", "eos", "length", "context"} or None
        Why the text ended: a stop string, the model's end-of-text token, `max_tokens`, or a full
        context. None while the text is unfinished.
    seed : int
        The seed of the random numbers: the same prompt, settings and seed give the same tokens.
    """

    def __init__(
        self,
        engine: _core.Engine,
        tokenizer: Tokenizer | None,
        prompt: Sequence[int],
        max_tokens: int,
        sampling: Sampling,
        stop: Sequence[str],
        ends: Sequence[int],
        logprobs: bool,
        threads: int,
    ) -> None:
        from meadow_py import _core

        self.prompt = tuple(prompt)
        self.ids: list[int] = []
        self.text = ""
        self.finish_reason: Reason | None = None
        seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
        self.seed = whole_number(seed, "seed")
        self._sampler = _sampler(sampling, self.seed)
        self._engine, self._threads, self._logprobs = engine, threads, logprobs
        room = engine.positions - len(self.prompt)
        self._limit = min(max_tokens, room)
        self._limited_by: Reason = "length" if max_tokens <= room else "context"
        # The last generated token is never fed back to the model.
        self._cache = _core.Cache(engine, max(1, len(self.prompt) + self._limit - 1))
        self._stream = None if tokenizer is None else tokenizer.stream(self.prompt)
        self._stop, self._ends = StopText(stop), frozenset(ends)
        self._penalised = sampling.repetition_penalty != 1
        self._turn = threading.Lock()  # threads that share this iterator get one token each
        self._started: float | None = None
        self._first = self._last = 0.0

    @property
    def timing(self) -> Timing:
        """How long the generation has taken so far, as a `Timing`."""
        begun = self._started is not None and bool(self.ids)
        return Timing(
            first_token_seconds=self._first - (self._started or 0.0) if begun else None,
            decode_seconds=self._last - self._first,
            prompt_tokens=len(self.prompt),
            tokens=len(self.ids),
        )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Token:
        with self._turn:
            return self._next()

    def _next(self) -> Token:
        if self._limit == 0 and self.finish_reason is None:
            self.finish_reason = self._limited_by
        if self.finish_reason is not None:
            raise StopIteration
        if self._started is None:
            self._started = time.perf_counter()
        logits = self._forward()
        chosen = self._sampler.choose(logits, self._previous())
        self.ids.append(chosen)
        token = Token(chosen, self._text_of(chosen), self._log_probability(logits, chosen))
        self.text += token.text
        self._last = time.perf_counter()
        if len(self.ids) == 1:
            self._first = self._last
        return token

    def __repr__(self) -> str:
        state = self.finish_reason or "not finished"
        return f"Generation({len(self.prompt)} prompt tokens, {len(self.ids)} generated, {state})"

    def _forward(self) -> npt.NDArray[np.float32]:
        # If Ctrl-C or a failed choice interrupted the previous call after its forward pass, the
        # last token is read again.
        read = min(self._cache.length, len(self.prompt) + len(self.ids) - 1)
        self._cache.truncate(read)
        fed = read - len(self.prompt)
        unread = self.ids[fed:] if fed >= 0 else self.prompt[read:]
        return self._engine.forward(np.array(unread, np.int32), self._cache, threads=self._threads)

    def _previous(self) -> npt.NDArray[np.int32]:
        return np.array([*self.prompt, *self.ids] if self._penalised else (), np.int32)

    def _text_of(self, chosen: int) -> str:
        """The text that is final now. Sets `finish_reason` if the text ends here."""
        piece = "" if self._stream is None else self._stream.add(chosen)
        certain = self._stop.add(piece)
        if self._stop.found:
            self.finish_reason = "stop"
            return certain
        if chosen in self._ends:
            self.finish_reason = "eos"
        elif len(self.ids) >= self._limit:
            self.finish_reason = self._limited_by
        else:
            return certain
        rest = "" if self._stream is None else self._stream.finish()
        return certain + self._stop.add(rest) + self._stop.finish()

    def _log_probability(self, logits: npt.NDArray[np.float32], chosen: int) -> float | None:
        if not self._logprobs:
            return None
        from meadow_py import _core

        target = np.array([chosen], np.int32)
        return float(_core.log_probabilities(logits.reshape(1, -1), target)[0])


def _sampler(sampling: Sampling, seed: int) -> _core.Sampler:
    from meadow_py import _core

    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be a whole number from 0 to 2^64 - 1, not {seed}.")
    top_k = whole_number(sampling.top_k, "top_k")
    if not 0 <= top_k < 2**63:
        raise ValueError(f"top_k must be 0 (no limit) or a number of tokens, not {top_k}.")
    for name in ("temperature", "top_p", "min_p", "repetition_penalty"):
        value = getattr(sampling, name)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise TypeError(f"{name} must be a number, not {value!r}.")
    return _core.Sampler(
        temperature=float(sampling.temperature),
        top_k=top_k,
        top_p=float(sampling.top_p),
        min_p=float(sampling.min_p),
        repetition_penalty=float(sampling.repetition_penalty),
        seed=seed,
    )
