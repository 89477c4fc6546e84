"""A model's tensors in the form that torch's `load_state_dict` takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from meadow_py.opening import open_checkpoint
from meadow_py.torch.tensors import to_torch, torch_dtype

if TYPE_CHECKING:
    import torch


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
