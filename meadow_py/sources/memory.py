"""Checkpoints from memory: a dict of numpy arrays or torch tensors, or a `torch.nn.Module`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.dtypes import SPELLING
from meadow_py.sources.tensor import Bytes, Tensor, is_printable, refuse_giant_copy
from meadow_py.sources.torch_tensors import distinct, memory_tensor
from meadow_py.spelling import quoted

if TYPE_CHECKING:
    import torch


def open_arrays(arrays: Mapping[Any, Any], source: str = "arrays") -> Checkpoint:
    """A checkpoint of arrays in memory. No array is copied before it is read.

    Raises
    ------
    TypeError
        If a name is not a string, or a value is not an array of numbers.
    ValueError
        If the mapping is empty, a name holds a lone surrogate, or reading a broadcast view of few
        bytes would take a giant copy.
    """
    if not arrays:
        raise ValueError("the dict of arrays is empty: expected {name: array}")
    return Checkpoint(source, "arrays", [_tensor(name, a) for name, a in arrays.items()])


def _tensor(name: Any, array: Any) -> Tensor:
    if not isinstance(name, str):
        raise TypeError(f"names of arrays are strings, not {type(name).__name__}: {quoted(name)}")
    if not is_printable(name):
        raise ValueError(f"the name {quoted(name)} holds a lone surrogate, which no file can store")
    if isinstance(array, np.ndarray):
        return _numpy_tensor(name, array)
    if _is_torch_tensor(array):
        from meadow_py.sources.torch_tensors import memory_tensor

        tensor = memory_tensor(name, array)
        if tensor.dtype == "C64":
            raise _wrong_dtype(name, "complex64")
        return tensor
    raise TypeError(
        f"tensor {quoted(name)} is a {type(array).__name__}: expected a numpy array or a torch "
        "tensor"
    )


def _is_torch_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor. Imports nothing: if it is one, torch is loaded already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _numpy_tensor(name: str, array: npt.NDArray[Any]) -> Tensor:
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"tensor {quoted(name)} is a masked array: fill it first, as with .filled(0)"
        )
    dtype = SPELLING.get(array.dtype.newbyteorder("="))
    if dtype is None or array.dtype.kind == "c":
        raise _wrong_dtype(name, str(array.dtype))
    refuse_giant_copy(name, array.shape, array.strides, array.itemsize)
    read = functools.partial(_native_bytes, array)
    return Tensor(name, dtype, array.shape, array.nbytes, read)


def _native_bytes(array: npt.NDArray[Any]) -> Bytes:
    """The values in row-major order and native byte order; a view if they already are."""
    ordered = np.ascontiguousarray(array).reshape(-1)
    raw = ordered.view(np.uint8)
    if ordered.dtype.isnative:
        return raw
    # Swaps bytes instead of converting values: a conversion may quieten NaNs.
    return np.ascontiguousarray(raw.reshape(-1, ordered.dtype.itemsize)[:, ::-1]).reshape(-1)


def _wrong_dtype(name: str, dtype: str) -> TypeError:
    return TypeError(
        f"tensor {quoted(name)} has dtype {dtype}: expected real numbers or booleans "
        f"({', '.join(spelled for spelled in SPELLING.values() if spelled != 'C64')})"
    )


def is_module(model: Any) -> bool:
    """Whether `model` is a torch module. Imports nothing: if it is one, torch is loaded already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def open_module(module: torch.nn.Module) -> Checkpoint:
    """The parameters and buffers of a module, not copied; shared storage is listed once.

    Raises
    ------
    TypeError
        If a tensor is sparse, quantised by torch, or on the meta device.
    ValueError
        If the module has no tensors, or reading an expanded one would take a giant copy.
    """
    name = type(module).__name__
    import torch

    state = {k: v for k, v in module.state_dict().items() if isinstance(v, torch.Tensor)}
    if not state:
        raise ValueError(f"the module {name} has neither parameters nor buffers")
    tensors = [memory_tensor(key, tensor) for key, tensor in distinct(state).items()]
    return Checkpoint(name, "module", tensors, _config(module))


def _config(module: Any) -> Mapping[str, Any] | None:
    """The configuration as transformers keeps it, if there is one."""
    to_dict = getattr(getattr(module, "config", None), "to_dict", None)
    config = to_dict() if callable(to_dict) else None
    return config if isinstance(config, Mapping) else None
