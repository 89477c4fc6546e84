"""Transformers on CPU: a greedy loop over its forward pass, which is less work than `generate`."""

from __future__ import annotations

from typing import Any

from process import SHOWN_LOGITS, Figures, Request, answer, decode_by_steps, model_figures


class Transformers:
    def __init__(self, path: str, threads: int, dtype: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        self._torch = torch
        loader: Any = AutoModelForCausalLM
        self._model = loader.from_pretrained(path, dtype=getattr(torch, dtype)).eval()
        self._cache: Any = None
        self._last: Any = None

    def _next(self, tokens: list[int]) -> int:
        with self._torch.inference_mode():
            out = self._model(
                input_ids=self._torch.tensor([tokens]),
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        self._cache, self._last = out.past_key_values, out.logits[0, -1]
        return int(self._last.argmax())

    def logits(self) -> list[float]:
        return [float(value) for value in self._last[:SHOWN_LOGITS]]

    def prefill(self, prompt: list[int]) -> int:
        self._cache = None
        return self._next(prompt)

    def decode(self, prompt: list[int], count: int) -> tuple[float, list[int]]:
        return decode_by_steps(self, lambda token: self._next([token]), prompt, count)


def work(request: Request) -> Figures:
    runner = Transformers(request["path"], request["threads"], request["dtype"])
    import torch
    import transformers

    version = f"transformers {transformers.__version__}, torch {torch.__version__}"
    return {**model_figures(runner, request), "version": version}


if __name__ == "__main__":
    answer(work)
