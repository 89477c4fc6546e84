"""A model's tensors as torch's `load_state_dict` takes them."""

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
        A packed folder or file; or whatever else `meadow_py.open_checkpoint` opens by name.

    Returns
    -------
    dict of str to torch.Tensor
        In the order of the files, on the CPU, in the stored dtype, bit for bit what was packed.
        They may be written to. Second names of the same storage in a ``.bin`` (tied weights) are
        left out.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or file, or no weights in it.
    FormatError
        If a file is truncated, corrupt or newer than this library; names the file and the tensor.
    TypeError
        If a tensor has no torch dtype, such as the blocks of a packed GGUF file; nothing is
        decoded then.
    """
    with open_checkpoint(path) as checkpoint:
        tensors = checkpoint.tensors.values()
        for tensor in tensors:
            torch_dtype(tensor)
        return {tensor.name: to_torch(tensor) for tensor in tensors}
