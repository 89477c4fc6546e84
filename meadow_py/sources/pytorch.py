"""Reader of PyTorch files (.bin, .pt, .pth): state dicts, loaded without running any code."""

from __future__ import annotations

import errno
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.sources.tensor import Tensor
from meadow_py.sources.torch_tensors import distinct, import_torch, torch_tensor

if TYPE_CHECKING:
    import torch

_ZIP = b"PK\x03\x04"  # what torch.save writes since 1.6; only these files can be mapped
# What torch's messages hold when it met anything but tensors, in its releases so far.
_REFUSALS = ("Unsupported global", "unsupported GLOBAL", "Unsupported class", "TorchScript")
_SAFE_TORCH = (2, 6)
_NESTED = ("state_dict", "model_state_dict", "model", "module")  # where trainers keep it


def read_pytorch(path: Path) -> list[Tensor]:
    """The tensors of one file, mapped unless it was written by a torch older than 1.6.

    Second names of the same storage (tied weights) are left out: the first name stays.

    Raises
    ------
    FormatError
        If the file is truncated or corrupt, or is a pickle that would run code (it is not run).
    ImportError
        If torch is not installed, or is so old that reading would not be safe.
    """
    _require_safe_torch(import_torch(f"reading {path.name}"))
    found = _state_dict(path, _load(path))
    return [torch_tensor(name, t, str(path)) for name, t in distinct(found).items()]


def _load(path: Path) -> Any:
    import torch

    if path.stat().st_size == 0:
        raise FormatError(f"{path}: the file is empty")
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=_can_be_mapped(path))
    except Exception as error:  # a damaged pickle can raise anything
        # EINVAL: the directory of a truncated archive is sought before the start of the file.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise FormatError(f"{path}: {_explain(error)}") from error


def _can_be_mapped(path: Path) -> bool:
    """Whether it is an archive without compression; torch would map compressed bytes as values."""
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return True  # torch says what is wrong with it


def _require_safe_torch(torch: ModuleType) -> None:
    """Before 2.6 weights_only could be made to run code (CVE-2025-32434)."""
    release = re.match(r"(\d+)\.(\d+)", torch.__version__)
    if release and (int(release[1]), int(release[2])) < _SAFE_TORCH:
        raise ImportError(
            f"torch {torch.__version__} can be made to run code by a .bin file (CVE-2025-32434): "
            'pip install --upgrade "torch>=2.6", or use safetensors'
        )


def _explain(error: Exception) -> str:
    text = str(error)
    if any(mark in text for mark in _REFUSALS):
        return (
            "refused: the pickle holds more than tensors and loading it would run code "
            f"({_reason(text)}). Nothing of it was run. If you trust its author, save "
            "model.state_dict() as safetensors and open that"
        )
    lines = [line.strip() for line in text.splitlines()]
    told = next(
        (line for line in lines if "WeightsUnpickler error" in line), lines[0] if lines else ""
    )
    return f"truncated or corrupt, not a PyTorch state dict: {type(error).__name__}: {told[:200]}"


def _reason(text: str) -> str:
    """The sentence of torch's long message that names what was refused."""
    lines = [line for line in text.splitlines() if any(mark in line for mark in _REFUSALS)]
    reason = lines[0].split("WeightsUnpickler error: ")[-1].strip()
    return reason.split(" was not")[0].rstrip(".")[:200]


def _state_dict(path: Path, loaded: Any) -> dict[str, torch.Tensor]:
    """The tensors by name; of a trainer's checkpoint those of the model."""
    for key in _NESTED:
        inner = loaded.get(key) if isinstance(loaded, Mapping) else None
        if isinstance(inner, Mapping) and _tensors(inner):
            return _tensors(inner)
    found = _tensors(loaded) if isinstance(loaded, Mapping) else {}
    if not found:
        what = f"keys {list(loaded)[:8]}" if isinstance(loaded, Mapping) else type(loaded).__name__
        raise ValueError(
            f"{path}: no tensors: expected a state dict {{name: tensor}}, found {what}"
        )
    return found


def _tensors(values: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    import torch

    return {
        name: value
        for name, value in values.items()
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }
