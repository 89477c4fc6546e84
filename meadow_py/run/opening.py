"""`load`: a model, ready to run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from meadow_py.checks import check_threads
from meadow_py.run.loading import load_engine
from meadow_py.run.model import Model
from meadow_py.run.model_tokenizer import fetch_tokenizer
from meadow_py.sources.hub import Request
from meadow_py.sources.model_files import local_path


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
        As for `open_checkpoint`, packed models included. None loads the bundled demo.
    form : str
        How weights are kept in memory. ``"dense"`` keeps them as stored. ``"packed"`` keeps them in
        planes where their values allow it; planes are smaller and give the same bits. ``"auto"``
        does the same, except for weights whose packed form was measured to be slower on this CPU's
        instruction set: those stay dense. ``"int8"``, ``"int8-tensor"`` and ``"q8"`` lose
        precision: they multiply 8-bit weights, with one scale for each row, each whole weight or
        each 32 inputs, with 8-bit activations.
    dtype : {"F32", "BF16"}, optional
        The dtype to convert weights to; by default they keep their own.
    activations : {"F32", "BF16"}
        The dtype that activations are rounded to before products with float weights. F32 rounds
        nothing. BF16 is what llama.cpp uses with BF16 weights; it makes reading prompts faster on
        CPUs with BF16 multiplication (AVX512_BF16), and gives the same bits on all others.
    mapped : bool
        Whether dense weights, and the planes of a packed model, may stay in the mapped file, so
        that a model may be larger than memory. If False, they are copied to memory, where they lie
        on huge pages and count as memory of this process. For planes that stay in the file only the
        headers are checked, because the rest is not read until it is multiplied; `verify` checks
        the whole file.
    threads : int
        Up to 1024; 0 means all cores. The number changes no bit of any result.
    revision, token, cache_dir, local_files_only
        As for `open_checkpoint`.

    Returns
    -------
    Model
        The loaded model.

    Raises
    ------
    ValueError
        If the engine does not support such models, if `form`, `dtype` or `activations` is unknown,
        or if `threads` is out of range.
    FormatError
        If a file is damaged, or tensors are missing or do not match the configuration.
    FileNotFoundError, PermissionError, ConnectionError, TypeError
        As for `open_checkpoint`.

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
