"""From what names a model to an engine that runs it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.architectures.running import ACTIVATIONS
from meadow_py.opening import open_checkpoint
from meadow_py.run.assembling import Assembled, assemble
from meadow_py.run.matrices import check_form
from meadow_py.sources import Checkpoint

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
        The core's.
    config : RunningConfig
        What the engine was told.
    architecture : Architecture
        The family, and how its tensors are named.
    source : str
        What the user named.
    format : str
        As of `Checkpoint`.
    folder : path or None
        Where the files of the weights lie, and a tokenizer beside them; None for a model that
        comes from memory.
    metadata : mapping
        The content of `config.json`, or the metadata of a GGUF file, its tokenizer included.
    matrices : mapping of str to Matrix
        By the engine's names; a tied head is the same object as the embedding.
    vectors : mapping of str to array
        Norms and biases, float32.
    nbytes : int
        What matrices and vectors take in memory or in mapped files, in bytes.
    dense_nbytes : int
        The same with every matrix dense, in the dtype in which it is stored or to which it was
        converted; blocks of GGUF as float32.
    unused : tuple of str
        Stored tensors that no step of the model reads.
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

    @property
    def parameters(self) -> int:
        """Numbers in all weights, a tied head counted once."""
        return self.engine.parameters

    @property
    def bytes_per_token(self) -> int:
        """What decoding one token reads of the weights, in bytes: of tables one row."""
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

    Weights that are stored as they are multiplied stay in the mapped file; whatever else the
    checkpoint holds is let go.

    Parameters
    ----------
    model
        As of `open_checkpoint`.
    form : str
        In which form weights are kept: see `matrix_of`.
    dtype : {"F32", "BF16"}, optional
        What weights are converted to; by default they stay what they are.
    activations : {"F32", "BF16"}
        What activations are rounded to before products with weights in floats.
    mapped : bool
        Whether dense weights and stored planes may stay in the mapped file; else they are copied to
        memory.
    revision, token, cache_dir, local_files_only
        As of `open_checkpoint`.

    Raises
    ------
    ValueError
        If the engine does not run such models, or for an unknown `form`, `dtype` or `activations`.
    FormatError
        If a file is damaged, tensors are missing, or they do not agree with the configuration.
    FileNotFoundError, PermissionError, ConnectionError, TypeError
        As of `open_checkpoint`.
    """
    if activations not in ACTIVATIONS:
        expected = " or ".join(repr(known) for known in ACTIVATIONS)
        raise ValueError(f"activations: expected {expected}, found {activations!r}")
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
        return _loaded(checkpoint, replace(made, config=config), dtype)
    finally:
        if checkpoint is not model:
            checkpoint.close()


def _loaded(checkpoint: Checkpoint, made: Assembled, dtype: str | None) -> Loaded:
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
    )


def _folder(checkpoint: Checkpoint) -> Path | None:
    files = (tensor.file for tensor in checkpoint.tensors.values())
    first = next((file for file in files if file is not None), None)
    return None if first is None else Path(first).parent
