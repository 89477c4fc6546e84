"""llama.cpp through its C interface: no sampler, no copies of logits, nothing of Python per layer.

`mmap` says whether the weights stay mapped (its default) or are read into memory of its own.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
from process import SHOWN_LOGITS, Figures, Request, answer, decode_by_steps, model_figures

CONTEXT = 1024
BATCH = 512


class LlamaCpp:
    def __init__(self, path: str, threads: int, mmap: bool) -> None:
        import llama_cpp

        self._api: Any = llama_cpp
        quiet = llama_cpp.llama_log_callback(lambda *_: None)
        self._quiet = quiet  # a callback must outlive its use
        llama_cpp.llama_log_set(quiet, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        model_settings = llama_cpp.llama_model_default_params()
        modes = llama_cpp.LLAMA_LOAD_MODE_NONE, llama_cpp.LLAMA_LOAD_MODE_MMAP
        model_settings.load_mode = modes[mmap]
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), model_settings)
        if not self._model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = CONTEXT, BATCH, BATCH
        settings.n_threads = settings.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.vocab = int(llama_cpp.llama_vocab_n_tokens(vocabulary))

    def _next(self, tokens: list[int]) -> int:
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        batch = self._api.llama_batch_get_one(array, len(tokens))
        status = self._api.llama_decode(self._context, batch)
        assert status == 0, f"llama_decode: status {status}"
        return int(np.argmax(self._logits()))

    def _logits(self) -> npt.NDArray[np.float32]:
        logits = self._api.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(logits, (self.vocab,))

    def logits(self) -> list[float]:
        return [float(value) for value in self._logits()[:SHOWN_LOGITS]]

    def prefill(self, prompt: list[int]) -> int:
        self._api.llama_memory_clear(self._api.llama_get_memory(self._context), True)
        return self._next(prompt)

    def decode(self, prompt: list[int], count: int) -> tuple[float, list[int]]:
        return decode_by_steps(self, lambda token: self._next([token]), prompt, count)


def work(request: Request) -> Figures:
    runner = LlamaCpp(request["path"], request["threads"], request["mmap"])
    figures = model_figures(runner, request)
    import llama_cpp

    system = llama_cpp.llama_print_system_info().decode().strip()
    return {**figures, "version": f"llama-cpp-python {llama_cpp.__version__}", "system": system}


if __name__ == "__main__":
    answer(work)
