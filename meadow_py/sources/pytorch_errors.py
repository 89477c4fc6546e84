"""Our own messages for files that torch did not load: torch's advise running the file's code."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

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
        "refused: it holds code or objects that are not tensors, or is no PyTorch file, and was "
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
