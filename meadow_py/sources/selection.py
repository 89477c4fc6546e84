"""Which of a folder's files hold the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SAFETENSORS_INDEX = "model.safetensors.index.json"
SAFETENSORS = "model.safetensors"
PYTORCH_INDEX = "pytorch_model.bin.index.json"
PYTORCH = "pytorch_model.bin"
PYTORCH_SUFFIXES = (".bin", ".pt", ".pth")
SUFFIXES = (".safetensors", *PYTORCH_SUFFIXES, ".gguf")
PACKED_SUFFIX = ".meadow.safetensors"
PACKED_MANIFEST = "meadow.json"

# Written beside the weights by trainers and tokenizers; they hold no weights.
_NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "scaler", "rng_state", "tok")

_LOOKED_FOR = f"{SAFETENSORS_INDEX}, *.safetensors, {PYTORCH_INDEX}, *.bin, *.pt, *.pth, *.gguf"


class Selection(NamedTuple):
    """The files to read: an index that names the shards, or the files themselves."""

    format: str
    files: tuple[str, ...] = ()
    index_file: str | None = None
    canonical: bool = True  # whether the name alone shows that this is the whole model


def select_weights(names: Iterable[str], where: str) -> Selection:
    """Choose among file names: safetensors, else PyTorch, else one GGUF. An index takes precedence.

    Raises
    ------
    FileNotFoundError
        If none of them holds weights. The message lists what was looked for and what was found.
    ValueError
        If there are several GGUF files, because each of them is a model.
    """
    names = sorted(names)
    for choice in (_safetensors(names), _pytorch(names), _gguf(names, where)):
        if choice is not None:
            return choice
    raise FileNotFoundError(
        f"{where}: no weights: looked for {_LOOKED_FOR}; found {_listed(names)}"
    )


def holds_weights(name: str) -> bool:
    """Whether a file of this name, or at this path, holds weights, judged by its name alone."""
    file = name.rpartition("/")[2]
    known = file.lower().endswith(SUFFIXES)
    return known and not (file.endswith(PYTORCH_SUFFIXES) and file.startswith(_NO_WEIGHTS))


def _safetensors(names: list[str]) -> Selection | None:
    if SAFETENSORS_INDEX in names:
        return Selection("safetensors", index_file=SAFETENSORS_INDEX)
    if SAFETENSORS in names:
        return Selection("safetensors", (SAFETENSORS,))
    return _unindexed("safetensors", [name for name in names if name.endswith(".safetensors")])


def _pytorch(names: list[str]) -> Selection | None:
    if PYTORCH_INDEX in names:
        return Selection("pytorch", index_file=PYTORCH_INDEX)
    if PYTORCH in names:
        return Selection("pytorch", (PYTORCH,))
    found = [name for name in names if name.endswith(PYTORCH_SUFFIXES)]
    return _unindexed("pytorch", [name for name in found if not name.startswith(_NO_WEIGHTS)])


def _unindexed(kind: str, found: list[str]) -> Selection | None:
    return Selection(kind, tuple(found), canonical=False) if found else None


def _gguf(names: list[str], where: str) -> Selection | None:
    found = [name for name in names if name.endswith(".gguf")]
    if len(found) > 1:
        raise ValueError(
            f"{where}: {len(found)} GGUF files, each of them a model or a part of one: "
            f"name one of {_listed(found)}"
        )
    return Selection("gguf", (found[0],)) if found else None


def _listed(names: list[str], most: int = 12) -> str:
    if not names:
        return "no files"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
