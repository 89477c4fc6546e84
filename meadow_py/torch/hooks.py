"""Where packed weights enter Transformers.

A quantiser can name other weight files, but not give Transformers tensors out of them. So two
functions of ``transformers.modeling_utils`` are wrapped, once the first packed model is loaded: the
one that looks for weight files, and the one that reads a file. They do what they always did, unless
they are given a name that only our quantiser, or the first of them, makes.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.packed_source import open_packed_file
from meadow_py.sources import Tensor
from meadow_py.torch.releases import unsuitable
from meadow_py.torch.second_names import second_names
from meadow_py.torch.tensors import LazyTensor, torch_dtype, torch_shape
from meadow_py.torch.weight_files import PACKED, is_marked, resolve

_Function = Callable[..., Any]

_lock = threading.Lock()


def wrap_functions() -> None:
    """Wrap both functions, unless that was done before.

    Raises
    ------
    ImportError
        If a release of Transformers has them no longer.
    """
    from transformers import modeling_utils

    with _lock:
        find = _function(modeling_utils, "_get_resolved_checkpoint_files")
        read = _function(modeling_utils, "load_state_dict")
        if not hasattr(find, "finds_packed"):
            vars(modeling_utils)[find.__name__] = _finding_packed(find)
            vars(modeling_utils)[read.__name__] = _reading_packed(read)


def _function(module: Any, name: str) -> _Function:
    found = getattr(module, name, None)
    if not callable(found):
        raise ImportError(f"{unsuitable()}. It lacks {module.__name__}.{name}")
    function: _Function = found
    return function


def _finding_packed(find: _Function) -> _Function:
    @functools.wraps(find)
    def find_files(*args: Any, **kwargs: Any) -> Any:
        asked = inspect.signature(find).bind(*args, **kwargs).arguments
        if not is_marked(asked.get("transformers_explicit_filename")):
            return find(*args, **kwargs)
        return resolve(str(asked.pop("pretrained_model_name_or_path")), **asked)

    vars(find_files)["finds_packed"] = True
    return find_files


def _reading_packed(read: _Function) -> _Function:
    @functools.wraps(read)
    def read_file(*args: Any, **kwargs: Any) -> Any:
        asked = inspect.signature(read).bind(*args, **kwargs).arguments
        file = str(asked["checkpoint_file"])
        if not file.endswith(PACKED):
            return read(*args, **kwargs)
        return _read_packed(file.removesuffix(PACKED), str(asked.get("map_location")))

    return read_file


def _read_packed(path: str, device: str) -> dict[str, Any]:
    """What is in a packed file, to be decoded tensor by tensor; on "meta", only its shapes."""
    tensors = _tensors(Path(path))
    if device == "meta":
        return {
            name: torch.empty(torch_shape(tensor), dtype=torch_dtype(tensor), device="meta")
            for name, tensor in tensors.items()
        }
    return {name: LazyTensor(tensor) for name, tensor in tensors.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    """In the order in which the original is read: the first float may decide on the dtype."""
    tensors = dict(open_packed_file(path, str(path)).tensors)
    with PackedFile(path) as packed:
        if packed.table.format == "safetensors":
            return dict(sorted(tensors.items()))
        second = second_names(packed)
    return tensors | {name: tensors[first] for name, first in second.items()}
