"""Runs of one form of a model: reads a prompt at once, then generates tokens one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.measure.timing import TaskTime, elapsed, in_turn

if TYPE_CHECKING:
    from meadow_py.run.model import Model

_SEED = 11  # of the prompt: any would do
_TABLES = ("embedding", "positions")  # a token reads one row of these: no product


@dataclass(frozen=True)
class Work:
    """What every run does.

    Attributes
    ----------
    prompt : array
        int32 ids.
    tokens : int
        The number of tokens to generate after it.
    """

    prompt: npt.NDArray[np.int32]
    tokens: int

    @classmethod
    def of(cls, model: Model, prompt_tokens: int, tokens: int) -> Work:
        """A prompt of random ids of the model's vocabulary."""
        if prompt_tokens + tokens > model.context:
            raise ValueError(
                f"prompt_tokens={prompt_tokens} and tokens={tokens}: together more than the "
                f"model's context of {model.context}"
            )
        ids = np.random.default_rng(_SEED).integers(0, model.loaded.config.vocab, prompt_tokens)
        return cls(ids.astype(np.int32), tokens)


class Runner:
    """Runs one model again and again, and keeps the times."""

    def __init__(self, model: Model, work: Work) -> None:
        from meadow_py import _core

        self._engine, self._threads, self._work = model.loaded.engine, model.threads, work
        self._cache = _core.Cache(self._engine, work.prompt.size + work.tokens)
        self._prefill: list[float] = []
        self._decode: list[float] = []

    def warm_up(self) -> str:
        """Do an untimed run; return a digest of all its logits, in order."""
        digest = hashlib.blake2b(digest_size=16)
        self._cache.truncate(0)
        logits = self._forward(self._work.prompt)
        for _ in range(self._work.tokens):
            digest.update(logits.tobytes())
            logits = self._forward(_most_probable(logits))
        digest.update(logits.tobytes())
        return digest.hexdigest()

    def run(self) -> None:
        """Do a timed run."""
        self._cache.truncate(0)
        made: list[npt.NDArray[np.float32]] = []
        self._prefill.append(elapsed(lambda: made.append(self._forward(self._work.prompt))))
        self._decode.append(elapsed(lambda: self._generate(made[0])))

    def decode(self) -> TaskTime:
        """The timing of one generated token."""
        return TaskTime.of(self._decode).per(self._work.tokens)

    def prefill(self) -> TaskTime:
        """The timing of one token of the prompt."""
        return TaskTime.of(self._prefill).per(self._work.prompt.size)

    def _generate(self, logits: npt.NDArray[np.float32]) -> None:
        for _ in range(self._work.tokens):
            logits = self._forward(_most_probable(logits))

    def _forward(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        return self._engine.forward(ids, self._cache, "last", threads=self._threads)


def product_seconds_of(models: Mapping[str, Model]) -> dict[str, float]:
    """Seconds of all products of a token, and of nothing else; models are timed in turn."""
    return {name: t.seconds for name, t in in_turn(_all_products(models)).items()}


def _all_products(models: Mapping[str, Model]) -> dict[str, Callable[[], None]]:
    return {name: _products_of(model) for name, model in models.items()}


def _products_of(model: Model) -> Callable[[], None]:
    matrices = [m for name, m in model.loaded.matrices.items() if name not in _TABLES]
    random = np.random.default_rng(_SEED)
    activations = model.loaded.config.activations
    widths = {matrix.columns for matrix in matrices}
    vectors = {width: random.standard_normal((1, width), np.float32) for width in widths}

    def multiply() -> None:
        for matrix in matrices:
            matrix.multiply(vectors[matrix.columns], model.threads, activations)

    return multiply


def _most_probable(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    return np.array([logits.argmax()], np.int32)
