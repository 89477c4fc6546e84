"""Models loaded into an engine: `load`, and what it keeps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.architectures.running import ACTIVATIONS
from meadow_py.checks import check_threads
from meadow_py.dispatch import open_checkpoint
from meadow_py.run.assembly import Assembled, assemble, check_form
from meadow_py.run.model import Model
from meadow_py.run.model_tokenizer import fetch_tokenizer
from meadow_py.sources import Checkpoint
from meadow_py.sources.hub import Request
from meadow_py.sources.model_files import local_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meadow_py import _core
    from meadow_py.architectures import Architecture
    from meadow_py.architectures.running import RunningConfig


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that runs, and where it came from.

    Attributes
    ----------
    engine : Engine
        The engine of the core.
    config : RunningConfig
        The configuration of the engine.
    architecture : Architecture
        The family, and the names of its tensors.
    source : str
        The model as the user named it.
    format : str
        As for `Checkpoint`.
    folder : path or None
        The folder of the weight files and the tokenizer; None for a model that comes from memory.
    metadata : mapping
        The content of `config.json`, or the metadata of a GGUF file, including its tokenizer.
    matrices : mapping of str to Matrix
        Matrices by the engine's names; a tied head is the same object as the embedding.
    vectors : mapping of str to array
        Norms and biases, float32, by the engine's names.
    nbytes : int
        Size of matrices and vectors in memory or in mapped files, in bytes.
    dense_nbytes : int
        Their size if every matrix were dense, in its stored dtype or the one it was converted to;
        blocks of GGUF count as float32.
    unused : tuple of str
        Stored tensors that no step of the model reads.
    stored : mapping of str to int
        How many matrices are stored in each dtype or type of blocks: ``{"Q4_1": 210}``.
    form : str
        The form that was asked for.
    """

    engine: _core.Engine
    config: RunningConfig
    architecture: Architecture
    source: str
    format: str
    folder: Path | None
    metadata: Mapping[str, Any]
    matrices: Mapping[str, _core.Matrix]
    vectors: Mapping[str, npt.NDArray[np.float32]]
    nbytes: int
    dense_nbytes: int
    unused: tuple[str, ...]
    stored: Mapping[str, int]
    form: str

    @property
    def parameters(self) -> int:
        """The number of values in all weights; a tied head counts once."""
        return self.engine.parameters

    @property
    def bytes_per_token(self) -> int:
        """Bytes of weights read to decode one token; of embedding tables, only one row counts."""
        return self.engine.weight_bytes


def load_engine(
    model: Any,
    *,
    form: str = "auto",
    dtype: str | None = None,
    activations: str = "F32",
    mapped: bool = True,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Loaded:
    """Load a model into an engine.

    Weights that are stored in the form in which they are multiplied stay in the mapped file; all
    else that the checkpoint holds is released.

    Parameters
    ----------
    model
        As for `open_checkpoint`.
    form : str
        The form in which weights are kept: see `matrix_of`.
    dtype : {"F32", "BF16"}, optional
        The dtype to convert weights to; by default they keep their own.
    activations : {"F32", "BF16"}
        The dtype that activations are rounded to before products with float weights.
    mapped : bool
        Whether dense weights and stored planes may stay in the mapped file; otherwise they are
        copied to memory.
    revision, token, cache_dir, local_files_only
        As for `open_checkpoint`.

    Returns
    -------
    Loaded
        The engine, and where the model came from.

    Raises
    ------
    ValueError
        If the engine does not support such models, or `form`, `dtype` or `activations` is unknown.
    FormatError
        If a file is damaged, or tensors are missing or do not match the configuration.
    FileNotFoundError, PermissionError, ConnectionError, TypeError
        As for `open_checkpoint`.
    """
    if activations not in ACTIVATIONS:
        expected = " or ".join(repr(known) for known in ACTIVATIONS)
        raise ValueError(f"activations must be {expected}, not {activations!r}.")
    check_form(form, dtype)  # before anything is read or fetched
    checkpoint = open_checkpoint(
        model,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    try:
        made = assemble(checkpoint, form, dtype, mapped)
        config = replace(made.config, activations=activations)
        return _loaded(checkpoint, replace(made, config=config), dtype, form)
    finally:
        if checkpoint is not model:
            checkpoint.close()


def _loaded(checkpoint: Checkpoint, made: Assembled, dtype: str | None, form: str) -> Loaded:
    from meadow_py import _core

    engine = _core.Engine(made.config.to_dict(), dict(made.matrices), dict(made.vectors))
    vectors = sum(vector.nbytes for vector in made.vectors.values())
    dense = sum(entry.dense_bytes(dtype) for entry in made.weights.values())
    return Loaded(
        engine=engine,
        config=made.config,
        architecture=made.architecture,
        source=checkpoint.source,
        format=checkpoint.format,
        folder=_folder(checkpoint),
        metadata=checkpoint.config or {},
        matrices=made.matrices,
        vectors=made.vectors,
        nbytes=vectors + sum(made.matrices[name].nbytes for name in made.weights),
        dense_nbytes=vectors + dense,
        unused=made.unused,
        stored=Counter(entry.weight.dtype for entry in made.weights.values()),
        form=form,
    )


def _folder(checkpoint: Checkpoint) -> Path | None:
    files = (tensor.file for tensor in checkpoint.tensors.values())
    first = next((file for file in files if file is not None), None)
    return None if first is None else Path(first).parent


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
