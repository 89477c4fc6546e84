"""CTranslate2: greedy generation, timed between its own callbacks of one token each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from process import Figures, Request, answer, model_figures


class CTranslate2:
    def __init__(self, path: str, threads: int, compute_type: str) -> None:
        import ctranslate2

        self._generator: Any = ctranslate2.Generator(
            path, device="cpu", compute_type=compute_type, inter_threads=1, intra_threads=threads
        )
        self._names: list[str] = json.loads((Path(path) / "vocabulary.json").read_text())
        self.compute_type = self._generator.compute_type

    def _generate(self, prompt: list[int], count: int) -> tuple[list[float], list[int]]:
        """When each token was there, and which; the end of a text does not stop it."""
        times: list[float] = []
        tokens: list[int] = []

        def seen(step: Any) -> bool:
            times.append(time.perf_counter())
            tokens.append(step.token_id)
            return False

        self._generator.generate_batch(
            [[self._names[token] for token in prompt]],
            beam_size=1,
            sampling_topk=1,
            max_length=count,
            min_length=count,
            include_prompt_in_result=False,
            callback=seen,
        )
        assert len(tokens) == count, f"{len(tokens)} tokens, {count} were asked for"
        return times, tokens

    def prefill(self, prompt: list[int]) -> int:
        return self._generate(prompt, 1)[1][0]

    def logits(self) -> None:
        return None  # its generation gives scores of chosen tokens only

    def decode(self, prompt: list[int], count: int) -> tuple[float, list[int]]:
        times, tokens = self._generate(prompt, count + 1)
        return times[-1] - times[0], tokens[1:]


def work(request: Request) -> Figures:
    runner = CTranslate2(request["path"], request["threads"], request["compute_type"])
    import ctranslate2

    version = f"ctranslate2 {ctranslate2.__version__}, {runner.compute_type}"
    return {**model_figures(runner, request), "version": version}


if __name__ == "__main__":
    answer(work)
