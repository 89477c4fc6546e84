"""A model that runs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from meadow_py.checks import check_threads
from meadow_py.run.generation import Generation, Sampling, stop_strings
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

    from meadow_py.run.loaded import Loaded
    from meadow_py.run.tokenizer import Tokenizer

_STRIDE = 512  # default of `perplexity`, in tokens, as in Hugging Face's guide


class Model:
    """A model that runs, made by `load`. It is a context manager.

    Parameters
    ----------
    loaded : Loaded
        The engine, and where the model came from.
    threads : int
        0 means all cores.
    """

    def __init__(self, loaded: Loaded, threads: int = 0) -> None:
        self._loaded: Loaded | None = loaded
        self.threads = check_threads(threads)
        self.source: str = loaded.source

    @property
    def loaded(self) -> Loaded:
        """The engine, its matrices and their sizes.

        Raises
        ------
        ValueError
            If the model is closed.
        """
        if self._loaded is None:
            raise ValueError(f"The model {self.source!r} is closed.")
        return self._loaded

    @functools.cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, opened on first use.

        Raises
        ------
        FileNotFoundError
            If the model has no tokenizer.
        FormatError
            If the tokenizer is damaged.
        ValueError
            If the tokenizer is of an unsupported kind.
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
        """The number of values in all weights; a tied head counts once."""
        return self.loaded.parameters

    @property
    def forms(self) -> dict[str, int]:
        """How many matrices are kept in each form, by the name of the form."""
        found: dict[str, int] = {}
        for matrix in {id(m): m for m in self.loaded.matrices.values()}.values():
            found[matrix.form] = found.get(matrix.form, 0) + 1
        return found

    @property
    def bytes_per_token(self) -> int:
        """The bytes of weights that are read to decode one token."""
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
        """Continue a prompt. Tokens are generated as the result is iterated.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, to which the tokenizer adds its special tokens, or token ids, which are used
            unchanged. An empty prompt stands for the model's begin-of-text token alone.
        max_tokens : int or None
            The maximum number of tokens to generate; None continues until the context is full.
        temperature : float
            Divides the logits. 0 always takes the most probable token; then `top_k`, `top_p`,
            `min_p` and `seed` have no effect.
        top_k : int
            Sample from the k most probable tokens only; 0 means all.
        top_p : float
            Sample from the smallest set of most probable tokens whose probabilities add up to at
            least this.
        min_p : float
            Sample only from tokens whose probability is at least this fraction of that of the most
            probable token.
        repetition_penalty : float
            For tokens that occur in the prompt or the generated text, positive logits are divided
            by this and negative ones multiplied. 1 changes nothing.
        seed : int, optional
            From 0 to 2**64 - 1. The same seed gives the same tokens on every platform and with any
            number of threads. None draws a seed, which the result holds.
        stop : str or sequence of str, optional
            The text ends before the first occurrence of any of these strings.
        logprobs : bool
            Whether each token carries its log probability.
        ignore_eos : bool
            Whether to continue after the model's end-of-text token.

        Returns
        -------
        Generation
            An iterator of `Token`.

        Raises
        ------
        ValueError
            If the prompt is empty and the model has no begin-of-text token, if the prompt leaves no
            room in the context or holds ids outside the vocabulary, if a setting is out of range,
            or if logits are NaN.
        TypeError
            If an argument is of the wrong type.
        FileNotFoundError
            If `prompt` or `stop` is text and the model has no tokenizer.

        Notes
        -----
        Settings are applied in the order of transformers: repetition penalty, temperature, top-k,
        top-p, min-p.
        """
        loaded = self.loaded
        strings = stop_strings(stop)
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
        """Compute the logits after every token.

        Parameters
        ----------
        tokens : sequence of int, or str
            Token ids, or a text, to which the tokenizer adds its special tokens.

        Returns
        -------
        numpy.ndarray
            float32 ``[len(tokens), vocabulary]``: row i predicts token i + 1.

        Raises
        ------
        ValueError
            If there are no tokens or more than the context holds, if ids lie outside the
            vocabulary, or if logits are NaN.
        """
        from meadow_py import _core

        engine = self.loaded.engine
        ids = self._ids(tokens)
        if not ids:
            raise ValueError("tokens must hold at least one token.")
        if len(ids) > self.context:
            raise ValueError(
                f"tokens must be at most {self.context}, the model's context, not {len(ids)}."
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
        """Measure how well the model predicts a text.

        Windows of `context` tokens begin every `stride` tokens. In each window, the tokens that no
        earlier window held are predicted from the tokens before them in the window.

        Parameters
        ----------
        text : str or sequence of int
            A text, to which the tokenizer adds its special tokens, or token ids, which are used
            unchanged.
        context : int, optional
            The length of a window in tokens; by default the model's longest context.
        stride : int, optional
            The distance between the starts of two windows, in tokens; by default 512, or `context`
            if that is shorter. A shorter stride gives each token more context and takes longer.
        progress : bool, optional
            Whether to show a progress bar; by default in a terminal and in Jupyter.

        Returns
        -------
        Perplexity
            The value, and the counts behind it.

        Raises
        ------
        ValueError
            If the text has fewer than two tokens, or `context` or `stride` is out of range.
        TypeError
            If an argument is of the wrong type.

        Notes
        -----
        The method is that of Hugging Face's guide "Perplexity of fixed-length models", except that
        every token has the same weight: the guide weighs later windows by one token less.
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
        """Release the weights. Texts that are being generated can still be finished."""
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
