"""Stored tensors as torch tensors, one by one or as the dict that `load_state_dict` takes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError
from meadow_py.sources import Tensor
from meadow_py.sources.dtypes import TORCH
from meadow_py.sources.tensor import Bytes

# Two F4 values share a byte; torch counts bytes, as does safetensors' own reader.
_PACKED_F4 = "float4_e2m1fn_x2"
_NAMES = {spelling: name for name, spelling in TORCH.items()} | {"F4": _PACKED_F4}


def torch_dtype(tensor: Tensor) -> torch.dtype:
    """The torch dtype of a stored tensor.

    Raises
    ------
    TypeError
        If torch has none: GGUF blocks, packed F6, and new formats in an old torch.
    """
    found = getattr(torch, _NAMES.get(tensor.dtype, ""), None)
    if isinstance(found, torch.dtype):
        return found
    where = f"{tensor.file}: " if tensor.file else ""
    if tensor.dtype in _NAMES:
        hint = f"torch {torch.__version__} is too old for it"
    else:
        hint = (
            "meadow_py.open_checkpoint(...).tensors[name] has its bytes as raw() and its values as "
            "dequantized(); `meadow unpack` gives the original file back, which other tools read"
        )
    raise TypeError(
        f"{where}tensor {tensor.name!r} holds {tensor.dtype}, which has no torch dtype: {hint}"
    )


def torch_shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape that a stored tensor has in torch."""
    if tensor.dtype == "F4" and tensor.shape:
        return (*tensor.shape[:-1], tensor.shape[-1] // 2)
    return tensor.shape


def to_torch(tensor: Tensor) -> torch.Tensor:
    """A stored tensor as a writable torch tensor on the CPU.

    Call this once for each tensor of a checkpoint that has no other reader: the tensor takes over
    the decoded array, which the checkpoint might otherwise hand out again.

    Raises
    ------
    FormatError
        If its bytes are corrupt. The message names the file and the tensor.
    TypeError
        If torch has no such dtype.
    """
    dtype, shape = torch_dtype(tensor), torch_shape(tensor)
    if tensor.nbytes == 0:
        return torch.empty(shape, dtype=dtype)
    try:
        data = _writable(tensor.raw())
    except FormatError as error:
        if repr(tensor.name) in str(error):
            raise
        raise FormatError(f"{tensor.file}: tensor {tensor.name!r}: {error}") from error
    return torch.from_numpy(data).view(dtype).reshape(shape)


def _writable(raw: Bytes) -> Bytes:
    """The decoded array that underlies a read-only view; for a mapped file, a copy."""
    made: Any = raw.base
    whole = isinstance(made, np.ndarray) and made.nbytes == raw.nbytes
    own = whole and made.flags.owndata and made.flags.writeable
    found: Bytes = made.reshape(-1).view(np.uint8) if own else raw.copy()
    return found


class LazyTensor:
    """A stored tensor that is decoded when indexed, like a slice of safetensors.

    It has the methods that Transformers uses on such a slice.
    """

    def __init__(self, tensor: Tensor) -> None:
        torch_dtype(tensor)  # raises before anything is loaded
        self._tensor = tensor

    def get_dtype(self) -> str:
        """The dtype, spelled as in safetensors."""
        return self._tensor.dtype

    def get_shape(self) -> list[int]:
        """The shape in torch."""
        return list(torch_shape(self._tensor))

    def __getitem__(self, index: Any) -> torch.Tensor:
        made = to_torch(self._tensor)
        return made if index is Ellipsis else made[index]

    def __repr__(self) -> str:
        return f"LazyTensor({self._tensor!r})"


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Decode all tensors of a packed folder or file.

    Parameters
    ----------
    path : str or path
        A packed folder or file, or any other path or hub id that `meadow_py.open_checkpoint` opens.

    Returns
    -------
    dict of str to torch.Tensor
        Writable tensors on the CPU, in the order of the files and in the stored dtype, bit for bit
        equal to the packed ones. Second names of the same storage in a ``.bin`` (tied weights) are
        left out.

    Raises
    ------
    FileNotFoundError
        If the folder or file does not exist or holds no weights.
    FormatError
        If a file is truncated, corrupt or newer than this library. The message names the file and
        the tensor.
    TypeError
        If torch has no dtype for a tensor, such as the blocks of a packed GGUF file. Nothing is
        decoded in that case.
    """
    with open_checkpoint(path) as checkpoint:
        tensors = checkpoint.tensors.values()
        for tensor in tensors:
            torch_dtype(tensor)
        return {tensor.name: to_torch(tensor) for tensor in tensors}
