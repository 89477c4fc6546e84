"""The result of `profile`: plain data, and methods that show it."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from meadow_py.profiler.summary import Section, sections
from meadow_py.profiler.weight_packing import Bits
from meadow_py.profiler.weight_profile import WeightProfile, row_of
from meadow_py.quantizers import product_keys
from meadow_py.records import (
    NonNegative,
    Positive,
    RecordError,
    Size,
    from_json_types,
    to_json_types,
)
from meadow_py.results import Result

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ModelInfo:
    """The model that was profiled.

    Attributes
    ----------
    source : str
        The model as the user named it.
    format, architecture : str
    nbytes : int
        Stored size of all tensors in bytes.
    tensors : int
        Number of stored tensors.
    skipped_weights, skipped_values : int
        Number of matrices that were not asked for, and of values in them.
    other_tensors, other_values : int
        Number of tensors that are empty or no weights (norms, biases, masks), and of values in
        them.
    """

    source: str
    format: str
    architecture: str
    nbytes: Size
    tensors: Size
    skipped_weights: Size
    skipped_values: Size
    other_tensors: Size
    other_values: Size


@dataclass(frozen=True)
class ProfileSettings:
    """Settings of a profile; see `profile`.

    Attributes
    ----------
    bits : tuple of int
        Bits per code of the quantisers, without duplicates.
    granularity : tuple of str
        Granularities of the quantisers that have one, without duplicates.
    chunk_sizes : tuple of int
    symmetric : bool or None
        None where the quantisers differ in it, or where it has no meaning.
    along : str
    verified : bool
    quantizers : tuple of str
        Keys of the quantisers, in the order of the run; `bits`, `granularity` and `symmetric`
        follow from them.
    """

    bits: tuple[Bits, ...]
    granularity: tuple[str, ...]
    chunk_sizes: tuple[Size, ...]
    symmetric: bool | None
    along: str
    verified: bool
    quantizers: tuple[str, ...] = ()

    @property
    def is_product(self) -> bool:
        """Whether the quantisers are `Integers`, one for each pair of `bits` and `granularity`."""
        if self.symmetric is None:
            return False
        return self.quantizers == product_keys(self.bits, self.granularity, self.symmetric)


@dataclass(frozen=True)
class HostInfo:
    """Where a profile was made: the core's instruction set and threads, and the version."""

    isa: str
    threads: Size
    meadow_py: str


@dataclass(frozen=True)
class MeasuredHost:
    """The host that products were measured on.

    Attributes
    ----------
    cpu, isa : str
        Name of the CPU, and the instruction set that the core used.
    threads : int
        Number of threads of every product.
    last_level_cache_bytes : int
    read_bytes_per_second : float
        Bandwidth of reading memory, measured in the same minute, on the same number of threads and
        with eight streams per thread.
    has_huge_pages : bool or None
        Whether that memory lay in transparent huge pages; None where the system does not say.
    """

    cpu: str
    isa: str
    threads: Size
    last_level_cache_bytes: Size
    read_bytes_per_second: Positive
    has_huge_pages: bool | None


@dataclass(frozen=True)
class Profile(Result):
    """Redundancy of a model's weights, and what each lossless packing saves.

    Attributes
    ----------
    model : ModelInfo
    settings : ProfileSettings
    host : HostInfo
    weights : tuple of WeightProfile
        In model order.
    seconds : dict of str to float
        Wall time by stage, added up over all threads and workers that profiled weights at the same
        time. ``pack`` includes the verification.
    measured : MeasuredHost or None
        Where products were measured; None where they were not.
    """

    model: ModelInfo
    settings: ProfileSettings
    host: HostInfo
    weights: tuple[WeightProfile, ...]
    seconds: dict[str, NonNegative] = field(default_factory=dict, compare=False)
    measured: MeasuredHost | None = field(default=None, compare=False)

    KIND: ClassVar[str] = "profile"
    MARKS: ClassVar[tuple[str, ...]] = ("weights",)
    AGAIN: ClassVar[str] = "profile the model again"

    def summary(self) -> tuple[Section, ...]:
        """Figures by role, by weight and by chunk size.

        Returns
        -------
        tuple of Section
            One per quantiser, in the order of the run.
        """
        return sections(self.weights)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON types: the contract of ``meadow profile --json``.

        Later versions may add keys, but no key of ``version`` 1 changes its meaning.

        Returns
        -------
        dict
            A number that is not finite, or does not apply, is None.
        """
        return {
            "version": self.VERSION,
            "kind": self.KIND,
            "model": self.model.source,
            "model_info": to_json_types(self.model),
            "settings": to_json_types(self.settings),
            "host": to_json_types(self.host),
            "seconds": dict(self.seconds),
            "measured": to_json_types(self.measured),
            "weights": [weight.to_dict() for weight in self.weights],
        }

    def to_json(self) -> str:
        """The profile as strict JSON, one line per weight, so that files diff well.

        Returns
        -------
        str
            The JSON, with a line feed at its end.
        """
        data = self.to_dict()
        weights = data.pop("weights")
        lines = ",\n".join(" " + json.dumps(weight, allow_nan=False) for weight in weights)
        head = json.dumps(data, allow_nan=False)[:-1]
        return f'{head}, "weights": [\n{lines}\n]}}\n' if lines else f'{head}, "weights": []}}\n'

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Profile:
        """Make a profile from what `to_dict` returned.

        Parameters
        ----------
        data : dict
            JSON types.

        Returns
        -------
        Profile

        Raises
        ------
        ValueError
            If a value is missing or wrong; it holds the path of the first one.
        """
        for key in ("model_info", "settings", "host", "weights"):
            if key not in data:
                raise RecordError(f"must have the key {key!r}, which is missing")
        settings = _settings(data["settings"])
        weights = data["weights"]
        if not isinstance(weights, list) or not weights:
            raise RecordError(f"must be a list of weights, not {reprlib.repr(weights)}", "weights")
        measured = data.get("measured")
        made = cls(
            model=from_json_types(ModelInfo, data["model_info"], "model_info"),
            settings=settings,
            host=from_json_types(HostInfo, data["host"], "host"),
            weights=tuple(
                WeightProfile.from_dict(each, settings.symmetric, f"weights[{n}]")
                for n, each in enumerate(weights)
            ),
            seconds=from_json_types(dict[str, NonNegative], data.get("seconds", {}), "seconds"),
            measured=None
            if measured is None
            else from_json_types(MeasuredHost, measured, "measured"),
        )
        _check_weights(made.weights)
        return made

    def to_dataframe(self) -> pandas.DataFrame:
        """A table with one row per weight and packing. Needs pandas.

        Returns
        -------
        pandas.DataFrame
            Columns: ``name role layer out in dtype content_dtype quantizer bits granularity
            chunk_size unique_chunks reduction_ratio snr_db``; every key of ``bits_per_weight`` with
            ``_bpw`` appended; for the Huffman decoder ``huffman_entries huffman_longest
            huffman_table_bits huffman_streams``; ``storage_coding``; for the stored floats
            ``floor_fields floor_joint stored_bits stored_huffman_bpw stored_storage_bpw``; for the
            measured products ``dense_microseconds packed_microseconds product_bpw
            packed_product_bpw speedup``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return super().to_dataframe()

    def to_rows(self) -> list[dict[str, Any]]:
        """The rows of `to_dataframe`.

        Returns
        -------
        list of dict
            One flat dict per weight and packing.
        """
        return [row_of(weight, packing) for weight in self.weights for packing in weight.packings]

    def plot(self, kind: str = "heatmap", ax: Axes | None = None, **options: Any) -> Axes:
        """Draw one figure of the profile, without showing it. Needs matplotlib.

        Parameters
        ----------
        kind : str
            One of `meadow_py.views.plots.KINDS`: ``heatmap`` (layer by chunk size), ``bytes`` (per
            role, by where they go), ``ratio`` (against bits per weight, with the floor),
            ``rate-distortion`` (bits per weight against SNR), ``values`` (their distribution and
            the range of the codes) or ``growth`` (of the dictionary).
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure of a suitable size.
        **options
            Options of that kind of plot: ``bits``, ``granularity``, ``quantizer``, ``codec``,
            ``role``, ``weight``.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            For an unknown kind, setting or weight; the message lists the known ones.
        """
        from meadow_py.views.plots import draw

        return draw(self, kind, ax, **options)

    def _repr_html_(self) -> str:
        from meadow_py.views.html import profile_html

        return profile_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal import render_text

        return render_text(self)


def _settings(data: Any) -> ProfileSettings:
    """Files of earlier versions name no quantisers: all pairs of bits and granularity were used."""
    made = from_json_types(ProfileSettings, data, "settings")
    if made.quantizers:
        return made
    keys = product_keys(made.bits, made.granularity, made.symmetric is not False)
    return replace(made, quantizers=keys)


def _check_weights(weights: Sequence[WeightProfile]) -> None:
    """Raise RecordError if two weights contradict each other."""
    names: set[str] = set()
    chunk_sizes: dict[str, list[int]] = {}
    for n, weight in enumerate(weights):
        if weight.name in names:
            raise RecordError(
                f"must differ from the names before, not be {weight.name!r} again",
                f"weights[{n}].name",
            )
        names.add(weight.name)
        sizes: dict[str, list[int]] = {}
        for packing in weight.packings:
            sizes.setdefault(packing.quantizer, []).append(packing.chunk_size)
        for key, found in sizes.items():
            if (expected := chunk_sizes.setdefault(key, found)) != found:
                raise RecordError(
                    f"must have the chunk sizes {expected} under {key!r}, not {found}",
                    f"weights[{n}].packings",
                )
