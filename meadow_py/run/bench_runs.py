"""`bench`: compare a model dense and packed, in turn, on this host."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.forms import DENSE, PACKED
from meadow_py.jobs import Progress
from meadow_py.measure.timing import TaskTime, elapsed, in_turn
from meadow_py.run.bench_result import Bench, FormBench
from meadow_py.run.loaded import load

if TYPE_CHECKING:
    from meadow_py.measure import Bandwidth
    from meadow_py.run.model import Model


_SEED = 11  # of the prompt: any would do
_TABLES = ("embedding", "positions")  # a token reads one row of these: no product


@dataclass(frozen=True)
class Task:
    """The work that every run repeats.

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
    def of(cls, model: Model, prompt_tokens: int, tokens: int) -> Task:
        """Draw a prompt of random ids of the model's vocabulary.

        Returns
        -------
        Task
            The task.

        Raises
        ------
        ValueError
            If prompt and generated tokens together exceed the model's context.
        """
        if prompt_tokens + tokens > model.context:
            raise ValueError(
                f"prompt_tokens and tokens must be at most {model.context} together, the model's "
                f"context, not {prompt_tokens} and {tokens}."
            )
        ids = np.random.default_rng(_SEED).integers(0, model.loaded.config.vocab, prompt_tokens)
        return cls(ids.astype(np.int32), tokens)


class Runner:
    """Runs one model again and again, and keeps the times."""

    def __init__(self, model: Model, task: Task) -> None:
        from meadow_py import _core

        self._engine, self._threads, self._task = model.loaded.engine, model.threads, task
        self._cache = _core.Cache(self._engine, task.prompt.size + task.tokens)
        self._prefill: list[float] = []
        self._decode: list[float] = []

    def warm_up(self) -> str:
        """Do an untimed run.

        Returns
        -------
        str
            A digest of all logits, in order.
        """
        digest = hashlib.blake2b(digest_size=16)
        self._cache.truncate(0)
        logits = self._forward(self._task.prompt)
        for _ in range(self._task.tokens):
            digest.update(logits.tobytes())
            logits = self._forward(_most_probable(logits))
        digest.update(logits.tobytes())
        return digest.hexdigest()

    def run(self) -> None:
        """Do a timed run."""
        self._cache.truncate(0)
        made: list[npt.NDArray[np.float32]] = []
        self._prefill.append(elapsed(lambda: made.append(self._forward(self._task.prompt))))
        self._decode.append(elapsed(lambda: self._generate(made[0])))

    def decode(self) -> TaskTime:
        """Return how long a generated token takes.

        Returns
        -------
        TaskTime
            Seconds of a token.
        """
        return TaskTime.of(self._decode).per(self._task.tokens)

    def prefill(self) -> TaskTime:
        """Return how long a token of the prompt takes.

        Returns
        -------
        TaskTime
            Seconds of a token.
        """
        return TaskTime.of(self._prefill).per(self._task.prompt.size)

    def _generate(self, logits: npt.NDArray[np.float32]) -> None:
        for _ in range(self._task.tokens):
            logits = self._forward(_most_probable(logits))

    def _forward(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        return self._engine.forward(ids, self._cache, "last", threads=self._threads)


def product_seconds_of(models: Mapping[str, Model]) -> dict[str, float]:
    """Time all products of a token, and nothing else. Models are timed in turn.

    Returns
    -------
    dict of str to float
        Seconds, by the names of `models`.
    """
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


def bench(
    model: Any = None,
    *,
    prompt_tokens: int = 128,
    tokens: int = 32,
    runs: int = 5,
    dtype: str | None = None,
    activations: str = "F32",
    mapped: bool = False,
    threads: int = 0,
    memory: bool = True,
    progress: bool | None = None,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Bench:
    """Compare a model dense and packed on this host: speed, memory, and every bit of the logits.

    Both forms are loaded. In every run they read the same prompt and generate in turn, so that
    disturbances of the machine affect both. Every logit of the first run is compared.

    Parameters
    ----------
    model : str, path, torch.nn.Module, mapping or Checkpoint, optional
        As for `load`. None benches the bundled demo.
    prompt_tokens : int
        The length of the prompt, which consists of random ids and is read at once.
    tokens : int
        The number of tokens to generate in a run, one at a time; always the most probable ones.
    runs : int
        How often each form is timed. Results are medians.
    dtype : {"F32", "BF16"}, optional
        The dtype to convert weights to, in both forms; by default they keep their own.
    activations : {"F32", "BF16"}
        The dtype that activations are rounded to, in both forms: see `load`.
    mapped : bool
        Whether dense weights may stay in the mapped file, on its small pages. By default they are
        copied, so that both forms lie in anonymous memory.
    threads : int
        0 means all cores.
    memory : bool
        Whether to load each form once more in a separate process, to measure its peak of anonymous
        memory. This is only possible for models given by name or path.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default in a terminal and in Jupyter.
    revision, token, cache_dir, local_files_only
        As for `open_checkpoint`.

    Returns
    -------
    Bench
        The measurements. The last line of its repr says whether packing pays here, and why.

    Raises
    ------
    ValueError
        If arguments are out of range, prompt and generated tokens together exceed the model's
        context, or the engine does not support the model.
    FormatError, OSError, TypeError
        As for `load`.
    """
    hub = {"revision": revision, "token": token, "cache_dir": cache_dir}
    options: dict[str, Any] = {"dtype": dtype, "mapped": mapped, "threads": threads, **hub}
    options |= {"activations": activations, "local_files_only": local_files_only}
    for name, value in (("prompt_tokens", prompt_tokens), ("tokens", tokens), ("runs", runs)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of 1 or more, not {value!r}.")
    with load(model, form=DENSE, **options) as dense, load(model, form=PACKED, **options) as packed:
        made = _compared(dense, packed, prompt_tokens, tokens, runs, progress)
    if not memory or not (model is None or isinstance(model, str | os.PathLike)):
        return made
    from meadow_py.run.resident import peak_of_fresh_process

    told = None if model is None else os.fspath(model)
    peaks = {form: peak_of_fresh_process(told, form, options) for form in (DENSE, PACKED)}
    return made.with_memory(peaks[DENSE], peaks[PACKED])


def _compared(
    dense: Model, packed: Model, prompt_tokens: int, tokens: int, runs: int, progress: bool | None
) -> Bench:
    from meadow_py import measure

    task = Task.of(dense, prompt_tokens, tokens)
    runners = {DENSE: Runner(dense, task), PACKED: Runner(packed, task)}
    bandwidth = measure.best_read_bandwidth(dense.threads, fresh=True)
    with Progress((runs + 1) * len(runners), "bench", progress, "run") as bar:
        digests = {}
        for name, runner in runners.items():
            digests[name] = runner.warm_up()
            bar.advance(1, name)
        for _ in range(runs):
            for name, runner in runners.items():
                runner.run()
                bar.advance(1, name)
    products = product_seconds_of({DENSE: dense, PACKED: packed})
    return Bench(
        model=dense.source,
        family=dense.family,
        parameters=dense.parameters,
        host=measure.host(),
        bandwidth=bandwidth,
        threads=dense.threads,
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        runs=runs,
        dense=_form(dense, runners[DENSE], bandwidth, products[DENSE]),
        packed=_form(packed, runners[PACKED], bandwidth, products[PACKED]),
        same_bits=digests[DENSE] == digests[PACKED],
    )


def _form(model: Model, runner: Runner, bandwidth: Bandwidth, product_seconds: float) -> FormBench:
    decode, prefill = runner.decode(), runner.prefill()
    return FormBench(
        matrices=model.forms,
        nbytes=model.loaded.nbytes,
        bytes_per_token=model.bytes_per_token,
        decode_tokens_per_second=1 / decode.seconds,
        decode_tokens_per_second_min=1 / decode.seconds_max,
        decode_tokens_per_second_max=1 / decode.seconds_min,
        prefill_tokens_per_second=1 / prefill.seconds,
        product_seconds=product_seconds,
        bandwidth_fraction=model.bytes_per_token / decode.seconds / bandwidth.bytes_per_second,
        peak_anonymous_bytes=None,
    )
