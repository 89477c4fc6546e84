"""Where packed weights enter Transformers.

A quantiser can name other weight files, but it cannot hand tensors from them to Transformers. When
the first packed model is loaded, two functions of ``transformers.modeling_utils`` are therefore
wrapped: the one that looks for weight files, and the one that reads a file. Their behaviour only
changes for names that our quantiser, or the first of these wrappers, makes.
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
from meadow_py.torch.second_names import second_names
from meadow_py.torch.tensors import LazyTensor, torch_dtype, torch_shape
from meadow_py.torch.weight_files import PACKED, is_marked, resolve

_Function = Callable[..., Any]

_lock = threading.Lock()


def wrap_functions() -> None:
    """Wrap both functions, unless they are already wrapped.

    Raises
    ------
    ImportError
        If this release of Transformers no longer has them.
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
    """The tensors of a packed file, to be decoded one by one; on "meta", only their shapes."""
    tensors = _tensors(Path(path))
    if device == "meta":
        return {
            name: torch.empty(torch_shape(tensor), dtype=torch_dtype(tensor), device="meta")
            for name, tensor in tensors.items()
        }
    return {name: LazyTensor(tensor) for name, tensor in tensors.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    """Tensors in the order in which the original is read: the first float may decide the dtype."""
    tensors = dict(open_packed_file(path, str(path)).tensors)
    with PackedFile(path) as packed:
        if packed.table.format == "safetensors":
            return dict(sorted(tensors.items()))
        second = second_names(packed)
    return tensors | {name: tensors[first] for name, first in second.items()}


NEEDED = "transformers>=5.0"  # 4.57 reads `transformers_weights` before it asks the quantiser


def require_release() -> None:
    """Raise ImportError, naming the release that is needed, if Transformers is too old."""
    import transformers

    if int(transformers.__version__.partition(".")[0]) < 5:
        raise ImportError(unsuitable())


def unsuitable() -> str:
    """The message about a release that cannot load packed models."""
    import transformers

    return (
        f"packed models load with {NEEDED}, found {transformers.__version__}: pip install "
        f'--upgrade "{NEEDED}", or `meadow unpack` the model and load that'
    )
