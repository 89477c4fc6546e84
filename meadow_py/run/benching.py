"""`bench`: compare a model dense and packed, in turn, on this host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from meadow_py.forms import DENSE, PACKED
from meadow_py.jobs import Progress
from meadow_py.run.bench_result import Bench, FormBench
from meadow_py.run.bench_runs import Runner, Work, product_seconds_of
from meadow_py.run.opening import load

if TYPE_CHECKING:
    from meadow_py.measure import Bandwidth
    from meadow_py.run.model import Model


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
            raise ValueError(f"{name}={value!r}: expected a number from 1 on")
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

    work = Work.of(dense, prompt_tokens, tokens)
    runners = {DENSE: Runner(dense, work), PACKED: Runner(packed, work)}
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
