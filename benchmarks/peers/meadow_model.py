"""This project's engine, asked as its peers are."""

from __future__ import annotations

import numpy as np
from process import SHOWN_LOGITS, Figures, Request, answer, decode_by_steps, model_figures

import meadow_py as mp
from meadow_py import _core

CONTEXT = 1024


class Meadow:
    def __init__(self, path: str, threads: int, form: str, mapped: bool, activations: str) -> None:
        self._model = mp.load(path, form=form, mapped=mapped, activations=activations)
        self._threads = threads
        self._cache = _core.Cache(self._model.loaded.engine, CONTEXT)
        self._last = np.zeros(0, np.float32)

    def about(self) -> Figures:
        return {
            "bytes_per_token": self._model.bytes_per_token,
            "bits_per_weight": 8 * self._model.loaded.nbytes / self._model.parameters,
            "forms": self._model.forms,
            "isa": _core.isa_active(),
        }

    def _next(self, tokens: list[int]) -> int:
        engine = self._model.loaded.engine
        ids = np.array(tokens, np.int32)
        self._last = engine.forward(ids, self._cache, "last", threads=self._threads)
        return int(self._last.argmax())

    def logits(self) -> list[float]:
        return [float(value) for value in self._last[:SHOWN_LOGITS]]

    def prefill(self, prompt: list[int]) -> int:
        self._cache.truncate(0)
        return self._next(prompt)

    def decode(self, prompt: list[int], count: int) -> tuple[float, list[int]]:
        return decode_by_steps(self, lambda token: self._next([token]), prompt, count)


def work(request: Request) -> Figures:
    runner = Meadow(
        request["path"],
        request["threads"],
        request["form"],
        request["mapped"],
        request.get("activations", "F32"),
    )
    figures = model_figures(runner, request)
    return {**figures, **runner.about(), "version": f"meadow_py {mp.__version__}"}


if __name__ == "__main__":
    answer(work)
