"""Makes the parts of an engine from an open checkpoint: its matrices and vectors."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import forms
from meadow_py.architectures.naming import in_tower, split_leaf
from meadow_py.architectures.running import (
    Located,
    Running,
    RunningConfig,
    StoredVector,
    describe,
    locate,
)
from meadow_py.errors import FormatError
from meadow_py.forms import FLOATS, FloatWeight, float_dtype, numpy_dtype
from meadow_py.sources import Weight, dtypes
from meadow_py.sources.foreign_layouts import refuse_foreign

if TYPE_CHECKING:
    from meadow_py import _core
    from meadow_py.architectures import Architecture
    from meadow_py.sources import Checkpoint, Tensor


@dataclass(frozen=True)
class EngineWeight:
    """A stored weight as the engine wants it.

    Attributes
    ----------
    name : str
        The engine's name, such as ``layers.0.q``.
    weight : Weight
        The stored weight.
    paired_heads : int
        The number of heads whose rows are stored in pairs and have to be put back in order; 0 if
        the rows are in order.
    """

    name: str
    weight: Weight
    paired_heads: int = 0

    def values(self) -> npt.NDArray[Any]:
        """Return ``[out, in]``, contiguous and aligned: a view of the file where possible.

        Transposed and interleaved weights, reordered rows and GGUF blocks, which become float32,
        are copied.

        Returns
        -------
        numpy.ndarray
            The values, in the stored dtype.

        Raises
        ------
        ValueError
            If the engine does not multiply with the dtype of the weight.
        """
        values = self.weight.array()
        if float_dtype(values.dtype) is None:
            raise ValueError(
                f"{self.weight.name}: the engine does not support {self.weight.dtype}. It must "
                f"be {', '.join(FLOATS)} or blocks of GGUF."
            )
        if self.paired_heads:
            values = unpaired(values, self.paired_heads)
        return np.require(values, requirements=["C", "A"])

    def dense_bytes(self, dtype: str | None = None) -> int:
        """Compute the size of `values`, without reading them.

        Returns
        -------
        int
            Bytes, in `dtype` if it is given.
        """
        wanted = dtype or self.weight.dtype
        return self.weight.count * numpy_dtype(wanted if wanted in FLOATS else "F32").itemsize


def matrix_of(
    weight: EngineWeight, form: str = "auto", dtype: str | None = None, mapped: bool = True
) -> _core.Matrix:
    """Make the matrix of a weight, in the form in which it is multiplied.

    Parameters
    ----------
    weight : EngineWeight
        The weight.
    form : str
        One of `meadow_py.forms.requests`: see `meadow_py.forms.make`. With ``packed`` and ``auto``,
        planes in a packed file are multiplied from there, without decoding.
    dtype : {"F32", "BF16"}, optional
        The dtype to convert values to, rounding to nearest even where they do not fit; by default
        they keep their own.
    mapped : bool
        Whether dense values and stored planes may stay in a mapped file; otherwise they are copied
        to memory.

    Returns
    -------
    _core.Matrix
        The matrix.

    Raises
    ------
    ValueError
        If the form or dtype is unknown, or the engine cannot multiply with the weight.
    FormatError
        If stored planes are damaged. For mapped planes only the headers are checked.
    """
    check_form(form, dtype)
    if form in (forms.AUTO, forms.PACKED) and dtype is None:
        stored = _stored_planes(weight, mapped)
        if stored is not None:
            return stored
    values = weight.values()
    if dtype is not None:
        values = values.astype(numpy_dtype(dtype), copy=False)
    return forms.make(FloatWeight.of(values, weight.weight.name), form, mapped)


def check_form(form: str, dtype: str | None) -> None:
    """Raise ValueError if a form or dtype is unknown to `matrix_of`."""
    forms.check_request(form)
    if dtype not in (None, "F32", "BF16"):
        raise ValueError(f"dtype must be 'F32', 'BF16' or None, not {dtype!r}.")


def unpaired(values: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Put rows (or values) of q or k from the order of GGUF's Llama into Hugging Face's.

    In GGUF, row ``2 i + h`` of a head is row ``i + h * head_dim / 2`` of the original, because the
    converter puts rotated pairs side by side.

    Returns
    -------
    numpy.ndarray
        A contiguous copy of the same shape.
    """
    pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)


def _stored_planes(weight: EngineWeight, mapped: bool) -> _core.Matrix | None:
    """A matrix over the planes in a packed file; None if it holds none of exactly this matrix."""
    from meadow_py import _core

    spec, tensor = weight.weight.spec, weight.weight.tensor
    whole = spec.part is None and not spec.transposed and tensor.shape == spec.shape
    blob = tensor.planes() if whole and not weight.paired_heads else None
    if blob is None:
        return None
    return _core.mapped_matrix(blob if mapped else _checked_copy(blob, tensor))


def _checked_copy(blob: npt.NDArray[np.uint8], tensor: Tensor) -> npt.NDArray[np.uint8]:
    """A copy whose checksums were compared: it is read whole anyway, unlike a mapped blob."""
    from meadow_py import _core

    copy = np.array(blob)
    try:
        _core.verify_planes(copy)
    except FormatError as error:
        raise FormatError(f"{tensor.file}: tensor {tensor.name!r}: {error}") from error
    return copy


F32 = npt.NDArray[np.float32]

_COMPARED_AT_ONCE = 1 << 24  # bytes


@dataclass(frozen=True, eq=False)
class Assembled:
    """The parts of an engine.

    Attributes
    ----------
    architecture : Architecture
        The family, and whether the stored bits of head and embedding agree as well.
    config : RunningConfig
        The configuration of the engine.
    matrices : mapping of str to Matrix
        By the engine's names; a tied head is the same object as the embedding.
    vectors : mapping of str to array
        Norms and biases, float32.
    weights : mapping of str to EngineWeight
        The stored weight of each matrix, without a tied head.
    unused : tuple of str
        Stored tensors that no step of the model reads.
    """

    architecture: Architecture
    config: RunningConfig
    matrices: Mapping[str, _core.Matrix]
    vectors: Mapping[str, F32]
    weights: Mapping[str, EngineWeight]
    unused: tuple[str, ...]


def assemble(
    checkpoint: Checkpoint, form: str = "auto", dtype: str | None = None, mapped: bool = True
) -> Assembled:
    """Make the matrices and vectors of a model's engine.

    Parameters
    ----------
    checkpoint : Checkpoint
        An open checkpoint. The matrices keep what they need of it when it is closed.
    form, dtype, mapped
        As for `matrix_of`.

    Returns
    -------
    Assembled
        The parts of the engine.

    Raises
    ------
    ValueError
        If the engine does not support such models.
    FormatError
        If tensors are missing or do not match the configuration.
    """
    refuse_foreign(checkpoint.source, checkpoint.foreign, exact=False)
    shapes = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    architecture = _as_stored(checkpoint, shapes)
    running = describe(architecture, shapes)
    located = locate(architecture, running, shapes)
    _warn_of_unused(checkpoint.source, located.unused)
    weights = _weights(checkpoint, located)
    matrices = {name: matrix_of(weight, form, dtype, mapped) for name, weight in weights.items()}
    if running.tied:
        matrices["head"] = matrices["embedding"]
    vectors = _vectors(checkpoint, running, located)
    config = _with_divisors(checkpoint, running)
    return Assembled(architecture, config, matrices, vectors, weights, located.unused)


def _as_stored(checkpoint: Checkpoint, shapes: Mapping[str, tuple[int, ...]]) -> Architecture:
    """The architecture, made untied if head and embedding are both stored and differ.

    `PreTrainedModel.tie_weights` does the same, whatever the configuration says.
    """
    architecture = checkpoint.architecture
    for head, embedding in architecture.tied_duplicates(shapes).items():
        if not _same_bits(checkpoint.tensors[head], checkpoint.tensors[embedding]):
            return replace(architecture, tied=False)
    return architecture


def _same_bits(first: Tensor, second: Tensor) -> bool:
    if (first.dtype, first.nbytes) != (second.dtype, second.nbytes):
        return False
    ours, theirs, step = first.raw(), second.raw(), _COMPARED_AT_ONCE
    starts = range(0, first.nbytes, step)
    return all(np.array_equal(ours[at : at + step], theirs[at : at + step]) for at in starts)


def _warn_of_unused(source: str, unused: tuple[str, ...]) -> None:
    """Warn of unused tensors, except those beside the language model of a multimodal model."""
    strange = [name for name in unused if not _beside_the_model(name)]
    if strange:
        named = ", ".join(strange[:4]) + (
            f" and {len(strange) - 4} more" if len(strange) > 4 else ""
        )
        warnings.warn(
            f"{source}: this model does not use these stored tensors: {named}", stacklevel=5
        )


def _beside_the_model(tensor: str) -> bool:
    path = split_leaf(tensor)[0]
    return in_tower(path) or "multi_modal_projector" in path or path[0] in _GGUF_ROTARY


# Divisors of rotary frequencies: read with the configuration, or not needed.
_GGUF_ROTARY = ("rope_freqs", "rope_factors_short", "rope_factors_long")


def _weights(checkpoint: Checkpoint, located: Located) -> dict[str, EngineWeight]:
    made = {}
    for name, stored in located.matrices.items():
        weight = Weight(stored.spec, checkpoint.tensors[stored.spec.tensor], checkpoint.reopen)
        made[name] = EngineWeight(name, weight, stored.paired_heads)
    return made


def _vectors(checkpoint: Checkpoint, running: Running, located: Located) -> dict[str, F32]:
    made = {name: _vector(checkpoint, stored) for name, stored in located.vectors.items()}
    if running.plain_final_norm:
        made["final_norm.weight"] = np.ones(running.config.hidden, np.float32)
    return made


def _vector(checkpoint: Checkpoint, stored: StoredVector) -> F32:
    values = _floats(checkpoint, stored.tensor)
    if stored.part is not None:
        values = stored.part.of(values[:, np.newaxis])[:, 0]
    if stored.paired_heads:
        values = unpaired(values, stored.paired_heads)
    return np.array(values + np.float32(stored.offset) if stored.offset else values)


def _floats(checkpoint: Checkpoint, name: str) -> npt.NDArray[Any]:
    tensor = checkpoint.tensors[name]
    if tensor.dtype in dtypes.BITS and tensor.dtype not in dtypes.FLOATS:
        raise FormatError(f"{name} must hold floating-point numbers, not {tensor.dtype}.")
    return tensor.dequantized()


def _with_divisors(checkpoint: Checkpoint, running: Running) -> RunningConfig:
    """The configuration with frequencies divided by the divisors that a GGUF file stores."""
    if not running.divisors:
        return running.config
    divisors = _floats(checkpoint, running.divisors)
    frequencies = running.config.rotary_frequencies
    if divisors.shape != frequencies.shape[1:] or not np.all(divisors > 0):
        raise FormatError(
            f"{running.divisors} must hold {frequencies.shape[1]} numbers above 0. Its shape is "
            f"{list(divisors.shape)}, and its smallest number {divisors.min(initial=0)}."
        )
    return replace(running.config, rotary_frequencies=frequencies / divisors)
