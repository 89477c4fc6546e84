"""`load`: from what names a model to one that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from meadow_py.checks import check_threads
from meadow_py.run.loading import load_engine
from meadow_py.run.model import Model
from meadow_py.run.model_tokenizer import fetch_tokenizer
from meadow_py.sources.hub import Request
from meadow_py.sources.names import local_path


def load(
    model: Any = None,
    *,
    form: str = "auto",
    dtype: str | None = None,
    activations: str = "F32",
    mapped: bool = True,
    threads: int = 0,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Model:
    """Load a model to run it. Neither torch nor transformers is needed.

    Parameters
    ----------
    model : str, path, torch.nn.Module, mapping or Checkpoint, optional
        As of `open_checkpoint`; a packed model too. None: the bundled demo.
    form : str
        How weights are kept in memory: ``"dense"`` as they are stored; ``"packed"`` in planes,
        which are smaller and give the same bits, where values allow it; ``"auto"`` the same, but
        dense where this CPU's instruction set was measured to lose by packing them. ``"int8"``,
        ``"int8-tensor"`` and ``"q8"`` lose precision: weights of 8 bits with one scale for a row,
        for a whole weight, or for 32 inputs, multiplied with activations of 8 bits.
    dtype : {"F32", "BF16"}, optional
        What weights are converted to; by default they stay what they are.
    activations : {"F32", "BF16"}
        What activations are rounded to before they are multiplied with weights in floats. BF16,
        what llama.cpp does with weights in BF16, reads prompts faster on CPUs that multiply it
        (AVX512_BF16); results are the same bits on all others. F32 rounds nothing.
    mapped : bool
        Whether dense weights, and planes that a packed model holds, may stay in the mapped file:
        then a model may be larger than memory. Copied to memory they are read on huge pages, and
        count as memory of this process. Of planes that stay in the file only the heads are checked,
        for the rest is not read before it is multiplied: `verify` checks all of a file.
    threads : int
        Up to 1024; 0 means all cores. Changes no bit of any result.
    revision, token, cache_dir, local_files_only
        As of `open_checkpoint`.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If the engine does not run such models, or for an unknown `form`, `dtype` or `activations`,
        or `threads` out of range.
    FormatError
        If a file is damaged, tensors are missing, or they do not agree with the configuration.
    FileNotFoundError, PermissionError, ConnectionError, TypeError
        As of `open_checkpoint`.

    Examples
    --------
    >>> import meadow_py as mp
    >>> for token in mp.load().generate("Once upon a time"):
    ...     print(token, end="")  # doctest: +SKIP
    """
    threads = check_threads(threads)  # before anything is read or fetched
    if model is None:
        from meadow_py import demo

        with demo.checkpoint() as checkpoint:
            kept = load_engine(
                checkpoint, form=form, dtype=dtype, activations=activations, mapped=mapped
            )
        return Model(kept, threads)
    loaded = load_engine(
        model,
        form=form,
        dtype=dtype,
        activations=activations,
        mapped=mapped,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    if isinstance(model, str) and local_path(model) is None:
        where = None if cache_dir is None else Path(cache_dir)
        fetch_tokenizer(Request(model, revision, token, where, local_files_only))
    return Model(loaded, threads)
