"""Finds the packed files for Transformers: those of the weights that it would load unpacked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from meadow_py.checkpoint.format.manifest import MANIFEST, Manifest, PackedEntry, manifest_from_json
from meadow_py.checkpoint.format.reader import PackedFile, check_entry
from meadow_py.sources.model_files import read_index, shards
from meadow_py.sources.strict_json import read_object

# Appended to the path of a packed file, as Transformers itself opens all that ends in .safetensors.
PACKED = " (packed)"

# Put before the name of other weights that a configuration asks for.
_MARK = f"{MANIFEST}:"

# The arguments that concern downloads, of Transformers' function that looks for weights.
_DOWNLOAD = ("user_agent", "tqdm_class")


def mark(named: str | None) -> str:
    """The value of ``transformers_weights`` in a packed model's configuration while it loads.

    This entry names weights that do not have the default names. No file has the name returned here,
    so that only our own search can follow it.

    Parameters
    ----------
    named : str or None
        The value in the configuration itself.
    """
    return named if named is not None and is_marked(named) else f"{_MARK}{named or ''}"


def is_marked(named: str | None) -> bool:
    """Whether a name was made by `mark`."""
    return named is not None and named.startswith(_MARK)


def unmarked(named: str) -> str | None:
    """The name that was passed to `mark`."""
    return named.removeprefix(_MARK) or None


def resolve(model: str, **words: Any) -> tuple[list[str], None]:
    """Paths of the packed files, downloaded if necessary, each followed by `PACKED`.

    Parameters
    ----------
    model : str
        A folder or hub id.
    **words
        ``variant``, ``use_safetensors`` and ``download_kwargs`` of ``from_pretrained``, and
        ``transformers_explicit_filename``, which `mark` made.

    Raises
    ------
    FileNotFoundError
        If the manifest or a packed file is missing, or none holds what Transformers would load.
    FormatError
        If the manifest is corrupt or newer than this library.
    ValueError
        If the model was already quantised when it was packed.
    """
    fetch = functools.partial(_fetch, model, _how(words))
    manifest = _manifest(model, fetch)
    _require_dense(model, manifest, fetch)
    entries = {entry.source: entry for entry in manifest.packed}
    sources = _choose(model, manifest, fetch, _looked_for(words))
    paths = [_packed_file(model, source, entries, fetch) for source in sources]
    return [f"{path}{PACKED}" for path in paths], None


_Fetch = Callable[[str], "Path | None"]


def _how(words: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: words[key] for key in _DOWNLOAD if words.get(key) is not None}
    return {**found, **(words.get("download_kwargs") or {})}


def _fetch(model: str, how: Mapping[str, Any], name: str) -> Path | None:
    """A file of the model from its folder, the cache or the hub; None if it does not exist."""
    from transformers.utils.hub import cached_file

    found = cached_file(model, name, _raise_exceptions_for_missing_entries=False, **how)
    return None if found is None else Path(found)


def _manifest(model: str, fetch: _Fetch) -> Manifest:
    path = fetch(MANIFEST)
    if path is None:
        raise FileNotFoundError(
            f"{model}: {MANIFEST}, the list of the packed files, is missing: copy or download the "
            "whole folder again"
        )
    return manifest_from_json(path.read_bytes(), str(path))


def _require_dense(model: str, manifest: Manifest, fetch: _Fetch) -> None:
    """Raise ValueError if the model needs a quantiser of its own, as there can be only one."""
    kept = manifest.carried_as("config.json")
    path = None if kept is None else fetch(kept)
    found = {} if path is None else read_object(path)
    quantised = found.get("quantization_config")
    if quantised:
        method = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
        raise ValueError(
            f"{model}: the packed model is quantised itself ({method}), which Transformers cannot "
            f"load packed: `meadow unpack {model} FOLDER`, then load FOLDER"
        )


def _looked_for(words: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of weight files and their indexes, in the order in which Transformers tries them."""
    named = unmarked(words["transformers_explicit_filename"])
    if named is not None:
        return [(named, named)]
    safetensors, variant = words.get("use_safetensors"), words.get("variant")
    names = []
    if safetensors is not False:
        names.append("model.safetensors")
    if not safetensors:
        names.append("pytorch_model.bin")
    return [
        (_with_variant(name, variant), _with_variant(f"{name}.index.json", variant))
        for name in names
    ]


def _choose(
    model: str, manifest: Manifest, fetch: _Fetch, looked_for: list[tuple[str, str]]
) -> list[str]:
    """The source files that Transformers would load."""
    packed = [entry.source for entry in manifest.packed]
    for name, index in looked_for:
        if name in packed:
            return [name]
        kept = manifest.carried_as(index)
        path = None if kept is None else fetch(kept)
        if path is not None:
            return shards(read_index(path, "pytorch" if name.endswith(".bin") else "safetensors"))
    names = " and ".join(name for name, _ in looked_for)
    raise FileNotFoundError(
        f"{model}: no weights that Transformers loads: looked for {names}, in one file or in "
        f"shards; the packed files are {', '.join(packed)}: `meadow unpack` restores them"
    )


def _with_variant(name: str, variant: str | None) -> str:
    """``model.safetensors`` of variant fp16 is ``model.fp16.safetensors``."""
    if variant is None:
        return name
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{variant}.{suffix}"


def _packed_file(
    model: str, source: str, entries: Mapping[str, PackedEntry], fetch: _Fetch
) -> Path:
    """The packed file of a source file, checked to be the one that the manifest lists."""
    entry = entries.get(source)
    path = None if entry is None else fetch(entry.name)
    if entry is None or path is None:
        raise FileNotFoundError(
            f"{model}: {entry.name if entry else 'the packed file'}, which holds {source}, is "
            "missing: copy or download the whole folder again"
        )
    with PackedFile(path) as packed:
        check_entry(packed, entry)
    return path
