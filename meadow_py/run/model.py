"""A model that runs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.quantize import check_threads
from meadow_py.run.generation import Generation, Sampling
from meadow_py.run.inputs import (
    checked_count,
    checked_ids,
    checked_prompt,
    ends_of_texts,
    whole_number,
)
from meadow_py.run.model_tokenizer import tokenizer_of
from meadow_py.run.perplexity import Perplexity, perplexity_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

    from meadow_py.run.loading import Loaded
    from meadow_py.run.tokenizer import Tokenizer

_STRIDE = 512  # of perplexity, in tokens, as in Hugging Face's guide


class Model:
    """A model that runs; `load` makes it. A context manager.

    Parameters
    ----------
    loaded : Loaded
        Its engine and where it came from.
    threads : int
        0 means all cores.
    """

    def __init__(self, loaded: Loaded, threads: int = 0) -> None:
        self._loaded: Loaded | None = loaded
        self.threads = check_threads(threads)
        self.source: str = loaded.source

    @property
    def loaded(self) -> Loaded:
        """The engine, its matrices, and what they take.

        Raises
        ------
        ValueError
            If the model is closed.
        """
        if self._loaded is None:
            raise ValueError(f"{self.source}: the model is closed")
        return self._loaded

    @functools.cached_property
    def tokenizer(self) -> Tokenizer:
        """Text to tokens and back; opened when first asked for.

        Raises
        ------
        FileNotFoundError
            If the model has none.
        FormatError, ValueError
            If it is damaged, or of a kind that is not supported.
        """
        return tokenizer_of(self.loaded)

    @property
    def family(self) -> str:
        """The family of the architecture, such as ``llama``."""
        return self.loaded.architecture.family

    @property
    def context(self) -> int:
        """The longest context, in tokens."""
        return self.loaded.config.positions

    @property
    def parameters(self) -> int:
        """Numbers in all weights, a tied head counted once."""
        return self.loaded.parameters

    @property
    def forms(self) -> dict[str, int]:
        """The forms that matrices are kept in, and how many have each."""
        found: dict[str, int] = {}
        for matrix in {id(m): m for m in self.loaded.matrices.values()}.values():
            found[matrix.form] = found.get(matrix.form, 0) + 1
        return found

    @property
    def bytes_per_token(self) -> int:
        """What decoding one token reads of the weights, in bytes."""
        return self.loaded.bytes_per_token

    def generate(
        self,
        prompt: str | Sequence[int] | npt.NDArray[Any] = "",
        *,
        max_tokens: int | None = 256,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        stop: str | Sequence[str] | None = (),
        logprobs: bool = False,
        ignore_eos: bool = False,
    ) -> Generation:
        """Continue a text. Tokens are made while the result is iterated.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, with what the tokenizer puts around texts, or ids as they are. Empty: the
            model's first token of texts alone.
        max_tokens : int or None
            At most so many; None: until the context is full.
        temperature : float
            Logits are divided by it. 0: always the most probable token, and what follows here has
            no effect but `repetition_penalty`.
        top_k : int
            Only the `k` most probable tokens; 0: no limit.
        top_p : float
            Only the fewest most probable tokens that together reach it.
        min_p : float
            Only tokens at least so probable, relative to the most probable one.
        repetition_penalty : float
            Divides the positive logits of tokens in the prompt and the text, multiplies the
            negative ones; 1: nothing.
        seed : int, optional
            0 to 2**64 - 1: the same seed gives the same tokens, on every platform and for any
            number of threads. None: one that the result names.
        stop : str or sequence of str, optional
            The text ends before the first of these.
        logprobs : bool
            Whether tokens carry their log probability.
        ignore_eos : bool
            Whether to go on behind the model's end of text.

        Returns
        -------
        Generation
            An iterator of `Token`.

        Raises
        ------
        ValueError
            If the prompt is empty and the model has no first token, leaves no room in the context,
            or holds ids outside of the vocabulary; if a setting makes no sense; if logits are NaN.
        TypeError
            If something is of the wrong type.
        FileNotFoundError
            If text is asked for, and the model has no tokenizer.

        Notes
        -----
        The order is that of transformers: repetition penalty, temperature, top-k, top-p, min-p.
        """
        loaded = self.loaded
        strings = [stop] if isinstance(stop, str) else list(stop or ())
        needed = isinstance(prompt, str) or bool(strings)
        tokenizer = self.tokenizer if needed else self._tokenizer_if_any()
        first, ends = ends_of_texts(tokenizer, loaded.metadata)
        ids = checked_prompt(self._ids(prompt), first, self.context)
        return Generation(
            loaded.engine,
            tokenizer,
            ids,
            checked_count(max_tokens, self.context),
            Sampling(temperature, top_k, top_p, min_p, repetition_penalty, seed),
            strings,
            () if ignore_eos else ends,
            logprobs,
            self.threads,
        )

    def logits(self, tokens: str | Sequence[int] | npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The logits behind every token.

        Parameters
        ----------
        tokens : sequence of int, or str
            Ids, or a text.

        Returns
        -------
        numpy.ndarray
            float32 ``[len(tokens), vocabulary]``: row i predicts token i + 1.

        Raises
        ------
        ValueError
            For no tokens, more than the context holds, ids outside of the vocabulary, logits that
            are NaN.
        """
        from meadow_py import _core

        engine = self.loaded.engine
        ids = self._ids(tokens)
        if not ids:
            raise ValueError("tokens: expected at least one, found none")
        if len(ids) > self.context:
            raise ValueError(
                f"tokens: expected at most {self.context}, the model's context, found {len(ids)}"
            )
        cache = _core.Cache(engine, len(ids))
        return engine.forward(np.array(ids, np.int32), cache, "all", threads=self.threads)

    def perplexity(
        self,
        text: str | Sequence[int] | npt.NDArray[Any],
        *,
        context: int | None = None,
        stride: int | None = None,
        progress: bool | None = None,
    ) -> Perplexity:
        """How well the model predicts a text.

        Windows of `context` tokens begin every `stride` tokens; in each, the tokens that no window
        before held are predicted from those before them in the window.

        Parameters
        ----------
        text : str or sequence of int
            A text, with what the tokenizer puts around texts, or ids as they are.
        context : int, optional
            By default the model's longest.
        stride : int, optional
            By default 512, or the context where that is shorter. Shorter ones give more context to
            each token, and take longer.
        progress : bool, optional
            Whether to show a bar; by default in a terminal and in Jupyter.

        Returns
        -------
        Perplexity

        Raises
        ------
        ValueError
            For a text of fewer than two tokens, or windows that make no sense.
        TypeError
            If something is of the wrong type.

        Notes
        -----
        As in Hugging Face's guide "Perplexity of fixed-length models", but that every token counts
        the same: the guide weighs later windows by one token less.
        """
        ids = self._ids(text)
        size = self.context if context is None else whole_number(context, "context")
        step = min(_STRIDE, size) if stride is None else whole_number(stride, "stride")
        return perplexity_of(self.loaded.engine, ids, size, step, self.threads, progress)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._loaded is None

    def close(self) -> None:
        """Let go of the weights. Texts that are being generated can still be finished."""
        self._loaded = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return f"Model({self.source!r}, closed)"
        from meadow_py.views.model import one_line

        return one_line(self)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.model import model_html

        return model_html(self)

    def _tokenizer_if_any(self) -> Tokenizer | None:
        try:
            return self.tokenizer
        except FileNotFoundError:
            return None

    def _ids(self, tokens: Any) -> list[int]:
        if isinstance(tokens, str):
            return self.tokenizer.encode(tokens)
        return checked_ids(tokens, self.loaded.config.vocab)
