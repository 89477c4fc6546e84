"""A model as its stored tensors and the weights they hold, whatever its source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from meadow_py.errors import FormatError
from meadow_py.sources.dtypes import BITS, FLOATS, NUMPY
from meadow_py.sources.foreign_layouts import ForeignWeight, foreign_weights, refuse_foreign
from meadow_py.sources.tensor import Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    from meadow_py.architectures import Architecture, WeightSpec


class Weight:
    """One logical ``[out, in]`` matrix, which may be a transposed part of a stored tensor.

    Attributes
    ----------
    name : str
        The name of the weight: the name of its tensor, unless the tensor holds several weights.
    role : str
        ``"attention.q"``, ``"mlp.up"``, ``"embedding"``, ``"head"``, ...
    layer : int or None
        The number of its decoder layer; None outside the layers.
    shape : tuple of int
        ``(out, in)``.
    dtype : str
        The dtype of the tensor.
    tensor : Tensor
        The tensor that stores it.
    spec : WeightSpec
        The part of the tensor that it occupies, and whether it is stored transposed.
    """

    def __init__(
        self, spec: WeightSpec, tensor: Tensor, reopen: Callable[[], Checkpoint] | None = None
    ) -> None:
        self.name: str = spec.name
        self.role: str = spec.role
        self.layer: int | None = spec.layer
        self.shape: tuple[int, int] = spec.shape
        self.dtype: str = tensor.dtype
        self.tensor = tensor
        self.spec = spec
        self._reopen = reopen

    @property
    def count(self) -> int:
        """How many numbers the weight holds."""
        return self.shape[0] * self.shape[1]

    def array(self) -> npt.NDArray[Any]:
        """Read the weight.

        Returns
        -------
        numpy.ndarray
            The ``[out, in]`` matrix, a view where possible; GGUF blocks are dequantised to float32.

        Raises
        ------
        FormatError, TypeError
            As for `Tensor.array` and `Tensor.dequantized`.
        """
        stored = self.tensor.array() if self.dtype in NUMPY else self.tensor.dequantized()
        return self.spec.view(stored)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a weight that comes from files by its name: unpickling opens the files again."""
        if self._reopen is None:
            return Weight, (self.spec, self.tensor)
        return _weight_of, (self._reopen, self.spec, self.tensor.dtype)

    def sendable(self) -> Callable[[], Weight]:
        """Return a picklable callable that returns this weight, also in another process.

        The files are opened by the call, so that their errors are raised there and not while
        unpickling.

        Returns
        -------
        callable
            Takes no argument and returns a `Weight`.
        """
        if self._reopen is None:
            return functools.partial(_itself, self)
        return functools.partial(_weight_of, self._reopen, self.spec, self.tensor.dtype)

    def __repr__(self) -> str:
        return f"Weight({self.name!r}, {self.role}, {self.dtype}, {list(self.shape)})"


def _itself(weight: Weight) -> Weight:
    return weight


def _weight_of(reopen: Callable[[], Checkpoint], spec: WeightSpec, dtype: str) -> Weight:
    """The weight of this description; FormatError if the files have changed in the meantime."""
    checkpoint = reopen()
    found = {weight.name: weight for weight in checkpoint.matrices}.get(spec.name)
    if found is None or (found.shape, found.dtype) != (spec.shape, dtype):
        raise FormatError(
            f"{checkpoint.source}: expected weight {spec.name!r}, {dtype} {list(spec.shape)}, "
            f"found {found}: the files have changed since they were opened"
        )
    return found


class Checkpoint:
    """A model's tensors and weights, read-only and read on demand. It is a context manager.

    Attributes
    ----------
    source : str
        The model as the user named it.
    format : str
        ``"safetensors"``, ``"pytorch"``, ``"gguf"``, ``"meadow"``, ``"module"`` or ``"arrays"``.
    config : mapping or None
        The content of ``config.json``, or the metadata of a GGUF file.
    tensors : mapping of str to Tensor
        The stored tensors by name, in the order of the file.
    nbytes : int
        The stored size of all tensors, in bytes.
    reopen : callable or None
        Opens the same files again; it can be pickled and called in another process. None for
        models in memory.
    """

    def __init__(
        self,
        source: str,
        kind: str,
        tensors: Iterable[Tensor],
        config: Mapping[str, Any] | None = None,
        close: Callable[[], None] | None = None,
        reopen: Callable[[], Checkpoint] | None = None,
    ) -> None:
        self.source = source
        self.format = kind
        self.config = config
        self.tensors: Mapping[str, Tensor] = MappingProxyType({t.name: t for t in tensors})
        self.nbytes = sum(tensor.nbytes for tensor in self.tensors.values())
        self._close = close
        self.reopen = reopen
        if not self.tensors:
            raise ValueError(f"{source}: no tensors in it")

    @functools.cached_property
    def architecture(self) -> Architecture:
        """The family of the model, and the role of each tensor."""
        from meadow_py.architectures import resolve

        return resolve(self.config, self._shapes())

    @functools.cached_property
    def foreign(self) -> list[ForeignWeight]:
        """The weights that another library has quantised and packed."""
        return foreign_weights(self.tensors, self.config)

    @functools.cached_property
    def matrices(self) -> list[Weight]:
        """All matrices of any dtype, in the order of the architecture.

        Scales beside codes of another library are none.

        Raises
        ------
        ValueError
            If another library has packed weights in a layout whose values are not read here.
        """
        refuse_foreign(self.source, self.foreign, exact=True)
        specs = self.architecture.weights(self._shapes())
        beside = {name for weight in self.foreign for name in weight.tensors[1:]}
        wanted = (spec for spec in specs if spec.tensor not in beside)
        return [Weight(spec, self.tensors[spec.tensor], self.reopen) for spec in wanted]

    @functools.cached_property
    def weights(self) -> list[Weight]:
        """The matrices of floating-point numbers, in the order of the architecture.

        Integer tensors (position ids, masks) are not weights.
        """
        return [w for w in self.matrices if w.dtype in FLOATS or _is_block(w.dtype)]

    def close(self) -> None:
        """Close the files. Arrays that were already returned stay valid."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        size = f"{len(self.tensors)} tensors, {self.nbytes} B"
        return f"Checkpoint({self.source!r}, format={self.format!r}, {size})"

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}


def _is_block(dtype: str) -> bool:
    """Whether a dtype is a GGUF block format; all other dtypes have a safetensors spelling."""
    return dtype not in BITS
