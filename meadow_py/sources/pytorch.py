"""Reader of PyTorch files (.bin, .pt, .pth): state dicts, loaded without running any code."""

from __future__ import annotations

import errno
import functools
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.sources.mapped_file import FileSize
from meadow_py.sources.tensor import Bytes, Tensor, is_printable
from meadow_py.sources.torch_tensors import distinct, import_torch, torch_tensor

if TYPE_CHECKING:
    import torch


_SAFE_TORCH = (2, 6)
NESTED = ("state_dict", "model_state_dict", "model", "module")  # where trainers keep it


def read_pytorch(path: Path) -> list[Tensor]:
    """The tensors of one file, which is mapped unless a torch older than 1.6 wrote it.

    If several names share one storage (tied weights), only the first is kept.

    Raises
    ------
    FormatError
        If the file is truncated or corrupt, is a pickle that would run code (it is not run), has
        a name that is not a string, or a tensor that claims more bytes than are stored for it.
    ImportError
        If torch is not installed, or is too old to read the file safely.
    """
    _require_safe_torch(import_torch(f"reading {path.name}"))
    size = FileSize(path)
    mapped = _can_be_mapped(path)
    found = _state_dict(path, _load(path, mapped))
    made = [_tensor(path, name, t) for name, t in distinct(found).items()]
    return [_checked(tensor, size) for tensor in made] if mapped else made


def _tensor(path: Path, name: str, tensor: torch.Tensor) -> Tensor:
    made = torch_tensor(name, tensor, str(path))
    stored = tensor.untyped_storage().nbytes()
    if made.nbytes > stored:
        raise FormatError(
            f"{path}: tensor {name!r} claims {made.nbytes} B, its storage holds {stored} B: an "
            "expanded or overlapping view. If you made the file, save a contiguous copy of it"
        )
    return made


def _checked(tensor: Tensor, size: FileSize) -> Tensor:
    """A tensor of a mapped file. The size of the file is checked before each read."""
    read = functools.partial(_read, tensor, size)
    return Tensor(tensor.name, tensor.dtype, tensor.shape, tensor.nbytes, read, tensor.file)


def _read(tensor: Tensor, size: FileSize) -> Bytes:
    size.check()
    return tensor.raw()


def _load(path: Path, mapped: bool) -> Any:
    import torch

    if path.stat().st_size == 0:
        raise FormatError(f"{path}: the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch asks to file an issue for odd pickles
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a damaged pickle can raise anything
        # EINVAL: the directory of a truncated archive is sought before the start of the file.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise FormatError(f"{path}: {explain(path, error)}") from None


def _can_be_mapped(path: Path) -> bool:
    """Whether the file is an uncompressed archive: torch would map compressed bytes as values."""
    with path.open("rb") as file:
        if file.read(len(ZIP)) != ZIP:
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return True  # torch says what is wrong with it


def _require_safe_torch(torch: ModuleType) -> None:
    """Refuse torch before 2.6, whose weights_only could be made to run code (CVE-2025-32434)."""
    release = re.match(r"(\d+)\.(\d+)", torch.__version__)
    if release and (int(release[1]), int(release[2])) < _SAFE_TORCH:
        raise ImportError(
            f"torch {torch.__version__} can be made to run code by a .bin file (CVE-2025-32434): "
            'pip install --upgrade "torch>=2.6", or use safetensors'
        )


def _state_dict(path: Path, loaded: Any) -> dict[str, torch.Tensor]:
    """The tensors by name; for a trainer's checkpoint, the tensors of the model in it."""
    for key in NESTED:
        inner = loaded.get(key) if isinstance(loaded, Mapping) else None
        if isinstance(inner, Mapping) and _tensors(path, inner):
            return _tensors(path, inner)
    found = _tensors(path, loaded) if isinstance(loaded, Mapping) else {}
    if not found:
        what = f"keys {list(loaded)[:8]}" if isinstance(loaded, Mapping) else type(loaded).__name__
        raise ValueError(
            f"{path}: no tensors: expected a state dict {{name: tensor}}, found {what}"
        )
    return found


def _tensors(path: Path, values: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    import torch

    found = {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
    for name in found:
        if not isinstance(name, str):
            raise FormatError(
                f"{path}: names of tensors are strings, not {type(name).__name__}: {name!r}"
            )
        if not is_printable(name):
            raise FormatError(f"{path}: the name {name!r} holds a lone surrogate")
    return found


ZIP = b"PK\x03\x04"  # what torch.save writes since 1.6
# The older format: a pickle of protocol 2 whose first object is 0x1950A86A20F9469CFC6C.
_LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
# Parts of torch's messages, in its releases so far, when a file holds anything but tensors.
_REFUSALS = ("Unsupported global", "unsupported GLOBAL", "Unsupported class", "TorchScript")
_NAMED = re.compile(r"(?:GLOBAL|Unsupported class) ([\w.]+)")
_UNREADABLE = "Unsupported operand"  # an opcode that torch.save never writes

_SAFE_WAY = (
    "Nothing of it was run. If you trust its author, save model.state_dict() as safetensors and "
    "open that"
)


def explain(path: Path, error: Exception) -> str:
    """The reason why a file cannot be read, from torch's exception and the file itself."""
    text = str(error)
    if any(mark in text for mark in _REFUSALS):
        named = _NAMED.search(text)
        what = f" ({named[1]})" if named else ""
        return (
            f"refused: it holds code or objects that are not tensors{what}, and was not loaded. "
            f"{_SAFE_WAY}"
        )
    if _is_damaged(path, text):
        return "truncated or corrupt; download it again"
    return (
        "refused: it holds code or objects that are not tensors, or is not a PyTorch file, and was "
        f"not loaded. {_SAFE_WAY}"
    )


def _is_damaged(path: Path, text: str) -> bool:
    """Whether a file begins as torch.save writes it, but is truncated or inconsistent later."""
    with path.open("rb") as file:
        start = file.read(len(_LEGACY))
    if start.startswith(ZIP):
        return not _is_whole(path)
    return (start == _LEGACY and _UNREADABLE not in text) or _LEGACY.startswith(start)


def _is_whole(path: Path) -> bool:
    """Whether the archive has a directory, and its pickle matches its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith("data.pkl"):
                    _read_through(archive, entry)
    except Exception:  # noqa: BLE001 - zipfile raises half a dozen kinds for damaged archives
        return False
    return True


def _read_through(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Read to the end, where zipfile compares the checksum; in pieces, as it may be compressed."""
    with archive.open(entry) as stream:
        while stream.read(2**20):
            pass
