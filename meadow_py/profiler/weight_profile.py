"""The profile of one weight: plain data, whose values are checked when a file is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from meadow_py.architectures import ROLES
from meadow_py.codecs import CODERS
from meadow_py.profiler.weight_packing import (
    Figure,
    HuffmanTable,
    StoredFloats,
    WeightPacking,
    completed_packing,
    require_keys,
)
from meadow_py.records import (
    AtLeastOne,
    Positive,
    RecordError,
    Size,
    from_json_types,
    to_json_types,
)

_FLOORS = ("symbol", "fields", "joint")


@dataclass(frozen=True)
class MeasuredProducts:
    """Products of one stored weight, dense and packed, with one vector.

    The weight was read from memory, not from a cache, and both forms gave the same bits.

    Attributes
    ----------
    dense_microseconds : float
        Time of one product: the median of several runs.
    packed_microseconds : float or None
        The same for the packed form, timed in turn with the dense one; None where the weight has
        no packed form.
    dense_nbytes : int
        Bytes of the weight that one product reads.
    packed_nbytes : int or None
        The same for the packed form, with its tables and escapes.
    packed_form : str or None
        Name of the packed form in the core.
    from_memory : bool
        False where this host has too little memory to keep copies out of its caches.
    """

    dense_microseconds: Positive
    packed_microseconds: Positive | None
    dense_nbytes: AtLeastOne
    packed_nbytes: AtLeastOne | None
    packed_form: str | None
    from_memory: bool

    @property
    def speedup(self) -> float | None:
        """How many times faster the packed product is; None where there is none."""
        if self.packed_microseconds is None:
            return None
        return self.dense_microseconds / self.packed_microseconds

    @property
    def byte_ratio(self) -> float | None:
        """How many times fewer bytes the packed product reads: its speedup, if memory alone counts.

        None where there is no packed product.
        """
        return None if self.packed_nbytes is None else self.dense_nbytes / self.packed_nbytes

    def check_record(self) -> None:
        """Raise RecordError if a packed product has only some of its figures."""
        parts = ("packed_microseconds", "packed_nbytes", "packed_form")
        missing = [name for name in parts if getattr(self, name) is None]
        if 0 < len(missing) < len(parts):
            raise RecordError(
                f"must be given together with the other figures of the packed product "
                f"({', '.join(parts)}), not None",
                missing[0],
            )


@dataclass(frozen=True)
class ValueDistribution:
    """Distribution of the values of a weight.

    Attributes
    ----------
    low, high, mean, std : float
        Smallest and largest stored value, mean, and standard deviation (of the population: the
        squares are divided by the number of values).
    first, step : int, float
        Bin k counts the values that round to ``(first + k) * step``.
    counts : tuple of int
        Number of values in each bin. For floats, the bins are the 255 codes of symmetric INT8 with
        one scale for the weight: `first` is -127, and `step` is the largest magnitude / 127. For
        stored integers, they are the codes themselves, and `step` is 1.
    """

    low: float
    high: float
    mean: float
    std: float
    first: int
    step: float
    counts: tuple[Size, ...]

    def check_record(self) -> None:
        """Raise RecordError if no value is counted."""
        if not any(self.counts):
            raise RecordError("must count at least one value, not none", "counts")


@dataclass(frozen=True)
class WeightProfile:
    """One weight: its floors and its packings.

    Attributes
    ----------
    name, role : str
    layer : int or None
    shape : tuple of int
        ``(out, in)``.
    dtype : str
        Dtype as stored.
    content_dtype : str
        The narrowest dtype that holds every stored value bit for bit.
    floors : dict of str to float or None
        Order-0 entropies in bits per weight: ``symbol`` of the codes of the first quantiser;
        ``fields`` and ``joint`` of the stored floats, None for other dtypes.
    packings : tuple of WeightPacking
        One per quantiser and chunk size, in that order.
    values : ValueDistribution or None
        None in files of earlier versions.
    stored : StoredFloats or None
        The stored floating-point numbers under Huffman and the storage codec; None for weights of
        other dtypes, and in files of earlier versions.
    products : MeasuredProducts or None
        Time and bytes of a product with the weight, dense and packed; None where they were not
        measured. Ignored when profiles are compared.
    """

    name: str
    role: str
    layer: Size | None
    shape: tuple[AtLeastOne, AtLeastOne]
    dtype: str
    content_dtype: str
    floors: dict[str, Figure | None]
    packings: tuple[WeightPacking, ...]
    values: ValueDistribution | None = None
    stored: StoredFloats | None = None
    products: MeasuredProducts | None = field(default=None, compare=False)

    @property
    def count(self) -> int:
        """Number of values in the weight."""
        return self.shape[0] * self.shape[1]

    def check_record(self) -> None:
        """Raise RecordError if something is missing or unknown."""
        if self.role not in ROLES:
            raise RecordError(f"must be a role such as 'mlp.up', not {self.role!r}", "role")
        if not self.packings:
            raise RecordError("must hold at least one packing, not none", "packings")
        require_keys("floors", self.floors, _FLOORS)

    def to_dict(self) -> dict[str, Any]:
        """The weight as JSON types."""
        data: dict[str, Any] = to_json_types(self)
        data["packings"] = data.pop("packings")  # last, as files have it
        return data

    @classmethod
    def from_dict(cls, data: Any, symmetric: bool | None = True, path: str = "") -> WeightProfile:
        """Make a weight from what `to_dict` returned.

        `symmetric` comes from the settings, and is needed for files of earlier versions; `path` is
        the place of the weight in its file, for messages.
        """
        return from_json_types(cls, _completed(data, symmetric), path)


def _completed(data: Any, symmetric: bool | None) -> Any:
    """A weight with the keys that files of earlier versions lack.

    Values of wrong types stay as they are: they are refused when the weight is made.
    """
    if not isinstance(data, dict):
        return data
    data = {"layer": None, "content_dtype": data.get("dtype"), **data}
    if isinstance(data.get("packings"), list):
        data["packings"] = [completed_packing(each, symmetric) for each in data["packings"]]
    return data


def row_of(weight: WeightProfile, packing: WeightPacking) -> dict[str, Any]:
    """The row of `Profile.to_dataframe` for one weight and packing."""
    return {
        "name": weight.name,
        "role": weight.role,
        "layer": weight.layer,
        "out": weight.shape[0],
        "in": weight.shape[1],
        "dtype": weight.dtype,
        "content_dtype": weight.content_dtype,
        "quantizer": packing.quantizer,
        "bits": packing.bits,
        "granularity": packing.granularity,
        "chunk_size": packing.chunk_size,
        "unique_chunks": packing.unique_chunks,
        "reduction_ratio": packing.reduction_ratio,
        "snr_db": packing.snr_db,
        **{f"{key}_bpw": value for key, value in packing.bits_per_weight.items()},
        **_huffman_columns(packing.huffman),
        "storage_coding": packing.storage_coding,
        "floor_fields": weight.floors["fields"],
        "floor_joint": weight.floors["joint"],
        **_stored_columns(weight.stored),
        **_product_columns(weight),
    }


def _huffman_columns(table: HuffmanTable | None) -> dict[str, int | None]:
    names = ("entries", "longest", "table_bits", "streams")
    return {f"huffman_{name}": None if table is None else getattr(table, name) for name in names}


def _stored_columns(stored: StoredFloats | None) -> dict[str, float | None]:
    figures = {} if stored is None else stored.bits_per_weight
    coded = {f"stored_{name}_bpw": figures.get(name) for name in CODERS}
    return {"stored_bits": None if stored is None else stored.bits, **coded}


def _product_columns(weight: WeightProfile) -> dict[str, float | None]:
    made = weight.products
    packed = None if made is None else made.packed_nbytes
    return {
        "dense_microseconds": None if made is None else made.dense_microseconds,
        "packed_microseconds": None if made is None else made.packed_microseconds,
        "product_bpw": None if made is None else 8 * made.dense_nbytes / weight.count,
        "packed_product_bpw": None if packed is None else 8 * packed / weight.count,
        "speedup": None if made is None else made.speedup,
    }
