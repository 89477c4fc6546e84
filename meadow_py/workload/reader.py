"""Shapes of models: well-known ones from `models`, others from their configurations."""

from __future__ import annotations

import difflib
import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError
from meadow_py.workload.model_shape import ModelShape

if TYPE_CHECKING:
    from meadow_py.architectures import Architecture, WeightSpec


@functools.cache
def names() -> tuple[str, ...]:
    """Names of the bundled shapes.

    Returns
    -------
    tuple of str
    """
    folder = files("meadow_py.workload").joinpath("models")
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def is_bundled(name: str) -> bool:
    """Whether a shape of this name is bundled; case does not matter."""
    return name.lower() in names()


@functools.cache
def bundled(name: str) -> ModelShape:
    """The bundled shape of this name.

    Returns
    -------
    ModelShape

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """
    if not is_bundled(name):
        raise ValueError(f"model: expected one of {', '.join(names())}, found {name!r}")
    file = files("meadow_py.workload").joinpath("models").joinpath(f"{name.lower()}.json")
    return ModelShape(**json.loads(file.read_text("utf-8")))


_NEEDED = ("layers", "hidden", "heads", "kv_heads", "head_dim", "intermediate")
_ENCODERS = ("vit", "bert", "roberta", "distilbert")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")


def shape_of(model: Any) -> ModelShape:
    """Find the sizes of a model, from its configuration alone if that gives them all.

    Parameters
    ----------
    model : str, path, mapping, ModelShape, Architecture, Checkpoint, Model or torch.nn.Module
        A bundled name such as ``"opt-125m"`` (see `names`), unless a file or folder has that name;
        a ``config.json``, or a folder that has one, with or without weights; anything that
        `open_checkpoint` takes; the contents of a ``config.json``; or the result of `load`.

    Returns
    -------
    ModelShape

    Raises
    ------
    ValueError
        If the configuration lacks a size, or describes a mixture of experts.
    FormatError
        If a configuration is not a JSON object.
    FileNotFoundError
        If there is no such model.
    """
    if isinstance(model, ModelShape):
        return model
    if isinstance(model, str | os.PathLike):
        return _from_name(model)
    from meadow_py.architectures import Architecture  # a bundled shape needs no family

    if isinstance(model, Architecture):
        return _from_architecture(model, {}, model.family)
    if isinstance(model, Mapping) and not _holds_arrays(model):
        return _from_config(model, str(model.get("_name_or_path") or "configuration"))
    loaded = getattr(model, "loaded", None)
    if loaded is not None and hasattr(loaded, "architecture"):
        return _from_architecture(loaded.architecture, {}, _short(model.source))
    return _from_checkpoint(model)


def _from_name(model: str | os.PathLike[str]) -> ModelShape:
    path = Path(model).expanduser()
    if is_bundled(str(model)) and not path.exists():
        return bundled(str(model))
    _refuse_misspelt(str(model), path)
    if path.is_dir() and (path / "config.json").is_file():
        return _from_config(_read(path / "config.json"), _short(str(path.resolve())))
    if path.is_file() and path.suffix == ".json":
        return _from_config(_read(path), _short(str(path.resolve().parent)))
    return _from_checkpoint(model)


def _refuse_misspelt(name: str, path: Path) -> None:
    """Refuse what is nearly the name of a bundled shape before the hub is asked for it."""
    if "/" in name or path.exists():
        return
    near = difflib.get_close_matches(name.lower(), names(), n=3, cutoff=0.85)
    near += [known for known in names() if known.startswith(name.lower()) and known not in near]
    if near:
        raise FileNotFoundError(
            f"there is no file, folder or bundled shape {name!r}: did you mean "
            f"{' or '.join(near)}? `meadow models` lists the bundled shapes"
        )


def _from_checkpoint(model: Any) -> ModelShape:
    from meadow_py.dispatch import open_checkpoint

    checkpoint = open_checkpoint(model)
    # Shapes of packed codes are not those of the weights, which then follow from the configuration.
    stored = {} if checkpoint.foreign else checkpoint.tensors
    shapes = {name: tensor.shape for name, tensor in stored.items()}
    return _from_architecture(checkpoint.architecture, shapes, _short(checkpoint.source))


def _from_config(config: Mapping[str, Any], name: str) -> ModelShape:
    from meadow_py.architectures import resolve

    return _from_architecture(resolve(config, {}), {}, name)


def _from_architecture(
    architecture: Architecture, shapes: Mapping[str, tuple[int, ...]], name: str
) -> ModelShape:
    from meadow_py.architectures.dimensions import unreadable_size

    config = architecture.config
    sizes = architecture.dimensions
    if config is None or sizes is None:
        raise ValueError(
            f"{name}: operations follow from a configuration, and there is none: expected a "
            "config.json beside the weights, a bundled name, or a ModelShape"
        )
    _refuse_experts(config, name)
    if unreadable := unreadable_size(config):
        raise ValueError(f"{name}: {unreadable}")
    values = {key: getattr(sizes, key) for key in _NEEDED}
    missing = [key for key, value in values.items() if value is None]
    if missing:
        raise ValueError(f"{name}: the configuration does not give its {', '.join(missing)}")
    shape = ModelShape(
        name=name,
        family=architecture.family,
        **values,
        vocab=sizes.vocab or 0,
        gated=False,
        tied=architecture.tied,
        encoder=architecture.family in _ENCODERS,
        positions=sizes.positions,
        source="its configuration",
    )
    if architecture.family == "vit":
        return _image_encoder(shape, architecture)
    specs = architecture.weights(shapes or _expected(architecture, name))
    return _with_windows(_with_weights(shape, specs, name), architecture, name)


def _image_encoder(shape: ModelShape, architecture: Architecture) -> ModelShape:
    from meadow_py.architectures.families.vit import facts as vit_facts

    try:
        facts = vit_facts(architecture.config or {}, architecture.dimensions)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{shape.name}: {error}") from error
    return replace(
        shape,
        vocab=facts["classes"],
        tied=False,
        fixed_tokens=facts["tokens"],
        patch_values=facts["patch_values"],
    )


def _expected(architecture: Architecture, name: str) -> dict[str, tuple[int, ...]]:
    try:
        return architecture.expected_shapes()
    except ValueError as error:
        raise ValueError(
            f"{name}: {error}; expected a model with its weights, or a ModelShape"
        ) from error


def _with_weights(shape: ModelShape, specs: Iterable[WeightSpec], name: str) -> ModelShape:
    """Add what only the weights give (a gate, the width of the embedding), and check the sizes."""
    specs = list(specs)
    first = [spec for spec in specs if spec.layer == 0]
    gated = any(spec.role == "mlp.gate" for spec in first)
    tokens = [s for s in specs if s.role == "embedding" and s.shape[0] == shape.vocab]
    width = tokens[0].shape[1] if tokens else shape.hidden
    shape = replace(shape, gated=gated, embedding_width=0 if width == shape.hidden else width)
    attention_and_mlp = ("attention.", "mlp.")
    found = sum(
        spec.shape[0] * spec.shape[1] for spec in first if spec.role.startswith(attention_and_mlp)
    )
    if found != shape.linear_weights_per_layer:
        raise FormatError(
            f"{name}: the first block holds {found} weights, expected "
            f"{shape.linear_weights_per_layer} by the configuration: blocks of this kind are "
            "not supported"
        )
    return shape


def _with_windows(shape: ModelShape, architecture: Architecture, name: str) -> ModelShape:
    """Add the sliding windows of a family whose windows are known."""
    from meadow_py.architectures.running import windows_of

    try:
        windows = windows_of(architecture)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return replace(shape, windows=windows) if any(windows) else shape


def _refuse_experts(config: Mapping[str, Any], name: str) -> None:
    from meadow_py.architectures.dimensions import text_config

    inner = text_config(config)
    for key in _EXPERTS:
        count = inner.get(key)
        if count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ValueError(
                f"{name}: configuration: {key}={count!r}: expected a whole number of at least 0"
            )
        if count > 1:
            raise ValueError(
                f"{name}: {key}: {count}: mixtures of experts are not simulated, because which "
                "weights a token reads depends on its routing"
            )


def _holds_arrays(model: Mapping[Any, Any]) -> bool:
    return any(hasattr(value, "shape") for value in model.values())


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected a JSON object, found {error}") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def _short(source: str) -> str:
    return Path(source).name or source
