"""Finds the stored tensors that the engine needs, and checks their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from meadow_py.architectures.architecture import Architecture
from meadow_py.architectures.fallback import is_buffer
from meadow_py.architectures.family import Shapes
from meadow_py.architectures.naming import place_of, split_leaf
from meadow_py.architectures.running.running import Running
from meadow_py.architectures.weight import Part, WeightSpec
from meadow_py.errors import FormatError

_KINDS = {
    "attention.q": "layers.#.q",
    "attention.k": "layers.#.k",
    "attention.v": "layers.#.v",
    "attention.o": "layers.#.o",
    "mlp.gate": "layers.#.gate",
    "mlp.up": "layers.#.up",
    "mlp.down": "layers.#.down",
}


@dataclass(frozen=True)
class StoredMatrix:
    """Where a matrix of the engine is stored.

    Attributes
    ----------
    name : str
        The engine's.
    spec : WeightSpec
        The weight that holds it.
    paired_heads : int
        The number of heads whose rows are stored in pairs and have to be put back in order; 0 if
        the rows are in order.
    """

    name: str
    spec: WeightSpec
    paired_heads: int = 0


@dataclass(frozen=True)
class StoredVector:
    """Where a vector of the engine is stored.

    Attributes
    ----------
    name : str
        The engine's.
    tensor : str
        The tensor that holds it, as a whole or as a part.
    part : Part or None
        The values of the tensor that belong to it; None for all.
    paired_heads : int
        As for `StoredMatrix`.
    offset : float
        A number to add to every value.
    """

    name: str
    tensor: str
    part: Part | None = None
    paired_heads: int = 0
    offset: float = 0.0


@dataclass(frozen=True)
class Located:
    """The places of everything that the engine needs.

    Attributes
    ----------
    matrices : mapping of str to StoredMatrix
        By the engine's names.
    vectors : mapping of str to StoredVector
        By the engine's names.
    unused : tuple of str
        Stored tensors that no step of the model reads.
    """

    matrices: dict[str, StoredMatrix] = field(default_factory=dict)
    vectors: dict[str, StoredVector] = field(default_factory=dict)
    unused: tuple[str, ...] = ()


def locate(architecture: Architecture, running: Running, shapes: Shapes) -> Located:
    """Find every tensor that the engine needs.

    Parameters
    ----------
    architecture : Architecture
        Of the model.
    running : Running
        The description of the model for the engine.
    shapes : mapping of str to tuple of int
        Shape of every stored tensor.

    Raises
    ------
    FormatError
        If a tensor is missing or duplicated, or its shape does not match the configuration.
    """
    found = Located()
    expected = matrix_shapes(running)
    for spec in architecture.weights(shapes):
        name = _matrix_name(architecture, running, spec)
        if name in expected:
            _check_matrix(name, spec, expected[name], found)
            found.matrices[name] = StoredMatrix(name, spec, _paired_heads(running, name))
    _require(expected, found.matrices)
    for name in expected:
        _add_bias(running, shapes, found, name)
    for tensor, shape in shapes.items():
        _add_norm(architecture, running, found, tensor, shape)
    _require(_norm_shapes(running), found.vectors)
    return Located(found.matrices, found.vectors, tuple(_unused(architecture, shapes, found)))


def matrix_shapes(running: Running) -> dict[str, tuple[int, int]]:
    """``(out, in)`` of every matrix that the engine needs."""
    c, width = running.config, running.embedding_width
    queries, keys = c.heads * c.head_dim, c.kv_heads * c.head_dim
    block = {
        "q": (queries, c.hidden),
        "k": (keys, c.hidden),
        "v": (keys, c.hidden),
        "o": (c.hidden, queries),
        **({"gate": (c.intermediate, c.hidden)} if c.gated else {}),
        "up": (c.intermediate, c.hidden),
        "down": (c.hidden, c.intermediate),
    }
    shapes = {"embedding": (c.vocab, width)}
    if c.position == "learned":
        shapes["positions"] = (c.positions + c.position_offset, c.hidden)
    if width != c.hidden:
        shapes["project_in"] = (c.hidden, width)
    for layer in range(c.layers):
        shapes.update({f"layers.{layer}.{kind}": shape for kind, shape in block.items()})
    if width != c.hidden:
        shapes["project_out"] = (width, c.hidden)
    if not running.tied:
        shapes["head"] = (c.vocab, width)
    return shapes


def _norm_shapes(running: Running) -> dict[str, tuple[int, ...]]:
    c = running.config
    shapes: dict[str, tuple[int, ...]] = {}
    for norm in running.norms:
        width = c.head_dim if norm.endswith((".q_norm", ".k_norm")) else c.hidden
        for name in _in_layers(norm, c.layers):
            shapes[f"{name}.weight"] = (width,)
            if c.norm == "layer":
                shapes[f"{name}.bias"] = (width,)
    return shapes


def _in_layers(name: str, layers: int) -> Iterator[str]:
    if "#" in name:
        yield from (name.replace("#", str(layer)) for layer in range(layers))
    else:
        yield name


def _matrix_name(architecture: Architecture, running: Running, spec: WeightSpec) -> str:
    """The engine's name of a stored matrix; empty for one that it does not have."""
    row = place_of(architecture.table, spec.tensor).row
    if row is None:
        return ""
    name = running.names.get(row.path) or _KINDS.get(spec.role, "")
    if not name and row.split is not None and spec.part is None:
        raise FormatError(
            f"{spec.tensor}: {list(spec.shape)} cannot be split into the weights that are fused in "
            "it: expected other sizes by the configuration"
        )
    return _numbered(name, spec.layer)


def _numbered(name: str, layer: int | None) -> str:
    if "#" not in name:
        return name
    return "" if layer is None else name.replace("#", str(layer))


def _check_matrix(name: str, spec: WeightSpec, expected: tuple[int, int], found: Located) -> None:
    if name in found.matrices:
        raise FormatError(
            f"{spec.tensor}: expected one {name} in the checkpoint, and "
            f"{found.matrices[name].spec.tensor} is another"
        )
    if spec.shape != expected:
        raise FormatError(
            f"{spec.name}: expected [out, in] = {list(expected)} from the configuration, found "
            f"{list(spec.shape)}"
        )


def _require(expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    missing = [name for name in expected if name not in found]
    if missing:
        rest = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        raise FormatError(
            "the checkpoint lacks what its configuration tells of: no tensor of "
            f"{', '.join(missing[:4])}{rest}"
        )


def _add_bias(running: Running, shapes: Shapes, found: Located, name: str) -> None:
    """The bias beside a matrix, cut as the matrix is."""
    matrix = found.matrices[name]
    path, _ = split_leaf(matrix.spec.tensor)
    tensor = ".".join((*path, "bias"))
    kind = "layers.#." + name.rpartition(".")[2] if name.startswith("layers.") else name
    wanted = tensor in shapes if running.biases is None else kind in running.biases
    if not wanted:
        return
    part = matrix.spec.part
    rows = matrix.spec.shape[0] if part is None else part.stored_rows
    _check_vector(tensor, shapes, (rows,))
    made = StoredVector(f"{name}.bias", tensor, part, matrix.paired_heads)
    found.vectors[made.name] = made


def _check_vector(tensor: str, shapes: Shapes, expected: tuple[int, ...]) -> None:
    if tensor not in shapes:
        raise FormatError(f"the checkpoint lacks {tensor}, which its configuration tells of")
    if tuple(shapes[tensor]) != expected:
        raise FormatError(
            f"{tensor}: expected {list(expected)} from the configuration, found "
            f"{list(shapes[tensor])}"
        )


def _add_norm(
    architecture: Architecture,
    running: Running,
    found: Located,
    tensor: str,
    shape: tuple[int, ...],
) -> None:
    place = place_of(architecture.table, tensor)
    norm = running.names.get(place.row.path, "") if place.row is not None else ""
    if norm not in running.norms:
        return
    name = f"{_numbered(norm, place.layer)}.{split_leaf(tensor)[1]}"
    expected = _norm_shapes_of(running, norm)
    if name in found.vectors:
        raise FormatError(f"{tensor}: a second {name}, beside {found.vectors[name].tensor}")
    _check_vector(tensor, {tensor: shape}, expected)
    offset = running.norm_offset if name.endswith(".weight") else 0.0
    found.vectors[name] = StoredVector(name, tensor, offset=offset)


def _norm_shapes_of(running: Running, norm: str) -> tuple[int, ...]:
    per_head = norm.endswith((".q_norm", ".k_norm"))
    return (running.config.head_dim if per_head else running.config.hidden,)


def _paired_heads(running: Running, name: str) -> int:
    if not running.paired_rows:
        return 0
    heads = {"q": running.config.heads, "k": running.config.kv_heads}
    return heads.get(name.rpartition(".")[2], 0)


def _unused(architecture: Architecture, shapes: Shapes, found: Located) -> Iterator[str]:
    used = {matrix.spec.tensor for matrix in found.matrices.values()}
    used.update(vector.tensor for vector in found.vectors.values())
    used.update(architecture.tied_duplicates(shapes))
    for tensor, shape in shapes.items():
        if tensor not in used and not is_buffer(tensor, shape):
            yield tensor
