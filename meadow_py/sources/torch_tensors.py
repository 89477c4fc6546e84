"""Torch tensors in memory as bytes."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import TYPE_CHECKING

from meadow_py.sources.dtypes import TORCH
from meadow_py.sources.tensor import Bytes, Tensor, refuse_giant_copy
from meadow_py.spelling import quoted

if TYPE_CHECKING:
    import torch


def import_torch(what: str) -> ModuleType:
    """Import torch, or raise an ImportError that says what needs it and how to get it."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{what} needs torch: pip install torch") from error
    return torch


def _torch_tensor(name: str, tensor: torch.Tensor) -> Tensor:
    """A torch tensor as a `Tensor`, which shares its bytes if it is contiguous and on the CPU.

    Raises
    ------
    TypeError
        If it is sparse, quantised by torch, without data ("meta"), or of an unknown dtype.
    """
    dtype = TORCH.get(str(tensor.dtype).removeprefix("torch."))
    layout = str(tensor.layout)
    where = f"tensor {quoted(name)}"
    if dtype is None or tensor.is_quantized or layout != "torch.strided":
        kind = "dense" if layout == "torch.strided" else "sparse"
        raise TypeError(
            f"{where} is {kind}, {tensor.dtype}, {layout}: expected a dense tensor of "
            f"{', '.join(TORCH)}"
        )
    if tensor.device.type == "meta":
        raise TypeError(f"{where} is on the meta device and has no values: load the model")
    size = tensor.numel() * tensor.element_size()
    read = functools.partial(_bytes, tensor)
    return Tensor(name, dtype, tuple(tensor.shape), size, read)


def memory_tensor(name: str, tensor: torch.Tensor) -> Tensor:
    """A torch tensor of the user's as a `Tensor`; see `_torch_tensor`.

    Raises
    ------
    ValueError
        If it is an expanded view and reading it would take a giant copy.
    """
    made = _torch_tensor(name, tensor)
    size = tensor.element_size()
    refuse_giant_copy(name, tensor.shape, [size * step for step in tensor.stride()], size)
    return made


def distinct(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors; of several names of the same storage (tied weights) only the first is kept."""
    import torch

    seen = set()
    found = {}
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.numel() == 0 or tensor.device.type == "meta":
            found[name] = tensor  # no storage to share
            continue
        where = (tensor.device, tensor.data_ptr(), tensor.dtype)
        key = (*where, tuple(tensor.shape), tensor.stride())
        if key not in seen:
            found[name] = tensor
        seen.add(key)
    return found


def _bytes(tensor: torch.Tensor) -> Bytes:
    import torch

    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    return plain.reshape(-1).view(torch.uint8).numpy()
