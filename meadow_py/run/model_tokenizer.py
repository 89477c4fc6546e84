"""Finds the tokenizer of a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.checkpoint.packed_source import packed_gguf_metadata
from meadow_py.run.tokenizer import Tokenizer
from meadow_py.run.tokenizer_files import TOKENIZER_FILES, read_folder
from meadow_py.run.tokenizer_gguf import KIND, read_gguf_metadata, read_gguf_tokenizer
from meadow_py.sources.folder import file_names, is_packed_folder
from meadow_py.sources.model_files import local_path, select_weights
from meadow_py.sources.safetensors import is_packed

if TYPE_CHECKING:
    from meadow_py.run.loaded import Loaded
    from meadow_py.sources.hub import Request


def tokenizer_of(loaded: Loaded) -> Tokenizer:
    """Open the tokenizer of a loaded model.

    Returns
    -------
    Tokenizer
        The tokenizer.

    Raises
    ------
    FileNotFoundError, FormatError, ValueError
        As for `open_tokenizer`.
    """
    metadata = _with_arrays(loaded) if KIND in loaded.metadata else loaded.metadata
    return open_tokenizer(loaded.folder, metadata, loaded.source)


def fetch_tokenizer(request: Request) -> None:
    """Bring the tokenizer of a hub id into the cache, beside the weights."""
    from meadow_py.sources.hub import fetch_beside

    fetch_beside(request, TOKENIZER_FILES)


def _with_arrays(loaded: Loaded) -> Mapping[str, Any]:
    """Metadata that, for GGUF, includes the vocabulary, which is not read with the weights."""
    if KIND.replace("model", "tokens") in loaded.metadata:
        return loaded.metadata
    path = local_path(loaded.source) or loaded.folder
    if path is None:
        said = f"{loaded.source} has no tokenizer, since the model comes from memory."
        raise FileNotFoundError(said)
    if is_packed_folder(path) if path.is_dir() else is_packed(path):
        return packed_gguf_metadata(path)
    if path.is_dir():
        path = path / select_weights(file_names(path), loaded.source).files[0]
    return read_gguf_metadata(path)


def open_tokenizer(
    folder: Path | None, config: Mapping[str, Any] | None = None, source: str = "model"
) -> Tokenizer:
    """Open the tokenizer of a model.

    Parameters
    ----------
    folder : path or None
        The folder of its files. The first of these is read: ``tokenizer.json``; ``vocab.json`` and
        ``merges.txt``; the only ``.model`` file of SentencePiece, or ``tokenizer.model`` if there
        are several.
    config : mapping, optional
        The content of ``config.json``, or the metadata of a GGUF file with its tokenizer, which
        takes precedence over the folder.
    source : str
        The model as the user named it, for messages.

    Returns
    -------
    Tokenizer
        The tokenizer.

    Raises
    ------
    FileNotFoundError
        If the model has no tokenizer.
    FormatError
        If a file is damaged.
    ValueError
        If the tokenizer is of an unsupported kind.
    """
    config = {} if config is None else config
    if KIND in config:
        return read_gguf_tokenizer(config, source)
    if folder is None:
        raise FileNotFoundError(f"{source} has no tokenizer, since the model comes from memory.")
    return read_folder(folder, config)
