"""What `profile` returns: plain data, with views beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.ledger import Ledger
from meadow_py.profiler.coded import HuffmanTable, StoredFloats
from meadow_py.profiler.measured import MeasuredHost, MeasuredProducts
from meadow_py.quantizers import product_keys

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from meadow_py.profiler.summary import Section


@dataclass(frozen=True)
class PacketLayout:
    """The packets that the search chose for re-indexed packing.

    Attributes
    ----------
    length : int
        Indices per packet.
    mode_bits : int
        Bits that name the width of a packet.
    widths : tuple of int
        Index widths in bits, in mode order.
    """

    length: int
    mode_bits: int
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Packing:
    """One weight under one setting, packed by every codec.

    Attributes
    ----------
    quantizer : str
        Key of the quantiser, such as ``int8:row``; ``stored`` for weights that are stored as
        integer codes.
    bits : int
        Bits per code.
    granularity : str or None
        What shares a scale: ``tensor``, ``row``, ``group:128``; ``stored`` for weights that are
        stored as integer codes; None for a quantiser that none of these describes.
    chunk_size : int
        Codes per chunk.
    unique_chunks : int
        Distinct chunks: the size of the dictionary.
    reduction_ratio : float
        Chunks per distinct chunk.
    snr_db : float or None
        Signal to quantisation noise in decibels; None where quantising lost nothing.
    packet : PacketLayout
        Of the re-indexed packets.
    bits_per_weight : dict of str to float
        ``dense``, the codecs ``naive``, ``packets``, ``reindexed`` and ``plain_huffman`` (a Huffman
        code of single codes, its table counted; computed, no stream is made) with everything
        counted; ``huffman`` and ``storage``, blobs of the codes under a Huffman code and under the
        storage codec, everything counted, the same for every chunk size; the entropies
        ``floor_symbol`` and ``floor_chunk`` and the indices alone (``index_only``, dictionary not
        counted), without scales; and ``scales``: scales and zero points, which all but these three
        contain. Files of earlier versions lack ``huffman`` and ``storage``.
    ledgers : dict of str to Ledger
        Where every bit of ``dense``, of each codec and of the blobs goes.
    growth : tuple of (int, int)
        Chunks read so far and distinct chunks among them, at up to 16 evenly spaced places in
        reading order; the last one is the whole weight. Empty in files of earlier versions.
    huffman : HuffmanTable or None
        The decoder of ``huffman``; None where no code pays (one symbol, or even ones), and in files
        of earlier versions.
    storage_coding : str or None
        What the storage codec took: ``rans``, ``huffman``, ``raw`` or ``constant``; None in files
        of earlier versions.
    """

    quantizer: str
    bits: int
    granularity: str | None
    chunk_size: int
    unique_chunks: int
    reduction_ratio: float
    snr_db: float | None
    packet: PacketLayout
    bits_per_weight: dict[str, float]
    ledgers: dict[str, Ledger]
    growth: tuple[tuple[int, int], ...] = ()
    huffman: HuffmanTable | None = None
    storage_coding: str | None = None

    @property
    def dictionary_bytes(self) -> int:
        """The buffer that holds the dictionary: its distinct chunks, unpadded, in whole bytes."""
        return (self.unique_chunks * self.chunk_size * self.bits + 7) // 8


@dataclass(frozen=True)
class ValueDistribution:
    """How the values of a weight are spread.

    Attributes
    ----------
    low, high, mean, std : float
        Of the stored values. The deviation is that of all values (divided by their number).
    first, step : int, float
        Bin k counts the values that round to ``(first + k) * step``.
    counts : tuple of int
        Of floats the 255 codes of symmetric INT8 with one scale for the weight: ``first`` is -127
        and ``step`` the largest magnitude / 127. Of stored integers their own codes, ``step`` 1.
    """

    low: float
    high: float
    mean: float
    std: float
    first: int
    step: float
    counts: tuple[int, ...]


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
        As stored.
    content_dtype : str
        The narrowest dtype that holds every stored value bit for bit.
    floors : dict of str to float or None
        Order-0 entropies in bits per weight: ``symbol`` of the codes of the first quantiser,
        ``fields`` and ``joint`` of the stored floats, None where they do not apply.
    packings : tuple of Packing
        One per quantiser and chunk size, in that order.
    values : ValueDistribution or None
        None in files of earlier versions.
    stored : StoredFloats or None
        The floating-point numbers as stored, under Huffman and the storage codec; None for weights
        that are stored as something else, and in files of earlier versions.
    products : MeasuredProducts or None
        What a product of the weight takes, dense and packed; None where that was not measured.
        Does not count when profiles are compared.
    """

    name: str
    role: str
    layer: int | None
    shape: tuple[int, int]
    dtype: str
    content_dtype: str
    floors: dict[str, float | None]
    packings: tuple[Packing, ...]
    values: ValueDistribution | None = None
    stored: StoredFloats | None = None
    products: MeasuredProducts | None = field(default=None, compare=False)

    @property
    def count(self) -> int:
        """How many numbers the weight holds."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class ModelInfo:
    """What was profiled.

    Attributes
    ----------
    source : str
        What the user named.
    format, architecture : str
    nbytes : int
        Stored size of all tensors in bytes.
    tensors : int
        How many tensors are stored.
    skipped_weights, skipped_values : int
        Matrices that were not asked for, and what they hold.
    other_tensors, other_values : int
        Tensors that are no weights (norms, biases, masks) or are empty, and what they hold.
    """

    source: str
    format: str
    architecture: str
    nbytes: int
    tensors: int
    skipped_weights: int
    skipped_values: int
    other_tensors: int
    other_values: int


@dataclass(frozen=True)
class Settings:
    """How it was profiled; see `profile`.

    Attributes
    ----------
    bits : tuple of int
        Bits per code of the quantisers, each once.
    granularity : tuple of str
        What shares a scale, each once, of the quantisers that have a granularity.
    chunk_sizes : tuple of int
    symmetric : bool or None
        None where the quantisers differ in it, or it makes no sense.
    along : str
    verified : bool
    quantizers : tuple of str
        Their keys, in the order of the run: what the figures above are derived from.
    """

    bits: tuple[int, ...]
    granularity: tuple[str, ...]
    chunk_sizes: tuple[int, ...]
    symmetric: bool | None
    along: str
    verified: bool
    quantizers: tuple[str, ...]

    @property
    def is_product(self) -> bool:
        """Whether the quantisers are `Integers` of all `bits` and `granularity`."""
        if self.symmetric is None:
            return False
        return self.quantizers == product_keys(self.bits, self.granularity, self.symmetric)


@dataclass(frozen=True)
class HostInfo:
    """Where it was profiled: the instruction set of the core, its threads, and the version."""

    isa: str
    threads: int
    meadow_py: str


@dataclass(frozen=True)
class Profile:
    """Redundancy of a model's weights, and what each lossless packing makes of it.

    Attributes
    ----------
    model : ModelInfo
    settings : Settings
    host : HostInfo
    weights : tuple of WeightProfile
        In model order.
    seconds : dict of str to float
        Wall time by stage, added up over all threads and workers that took weights side by side.
        ``pack`` contains the verification.
    measured : MeasuredHost or None
        Where products were measured; None where they were not.
    """

    model: ModelInfo
    settings: Settings
    host: HostInfo
    weights: tuple[WeightProfile, ...]
    seconds: dict[str, float] = field(default_factory=dict, compare=False)
    measured: MeasuredHost | None = field(default=None, compare=False)

    def summary(self) -> tuple[Section, ...]:
        """Figures by role, by weight and by chunk size, one section per quantiser."""
        from meadow_py.profiler.summary import sections

        return sections(self)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON types: the contract of ``meadow profile --json``.

        Keys may be added in later versions; none of ``version`` 1 changes its meaning. A number
        that is not finite, or does not apply, is None.
        """
        from meadow_py.profiler.serial import profile_to_dict

        return profile_to_dict(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per weight and packing. Needs pandas.

        Columns: ``name role layer out in dtype content_dtype quantizer bits granularity chunk_size
        unique_chunks reduction_ratio snr_db``, every key of ``bits_per_weight`` with ``_bpw``
        appended, ``huffman_entries huffman_longest huffman_table_bits huffman_streams`` of the
        Huffman decoder, ``storage_coding``, and of the stored floats ``floor_fields floor_joint
        stored_bits stored_huffman_bpw stored_storage_bpw``, and of the measured products
        ``dense_microseconds packed_microseconds product_bpw packed_product_bpw speedup``.
        """
        from meadow_py.profiler.serial import profile_to_rows

        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "Profile.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame(profile_to_rows(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the profile as JSON. The file appears whole or not at all."""
        from meadow_py.profiler.serial import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Profile:
        """Read what `save` or ``meadow profile --json`` wrote.

        Raises
        ------
        FormatError
            If it is no profile, or one of a newer version.
        """
        from meadow_py.profiler.serial import load

        return load(path)

    def plot(self, kind: str = "heatmap", ax: Axes | None = None, **options: Any) -> Axes:
        """Draw one figure of the profile, without showing it. Needs matplotlib.

        Parameters
        ----------
        kind : str
            One of `meadow_py.views.plots.KINDS`: ``heatmap`` (layer by chunk size), ``bytes`` (per
            role, by where they go), ``ratio`` (against bits per weight, with the floor),
            ``rate-distortion`` (bits per weight against SNR), ``values`` (their distribution and
            the reach of the codes), ``growth`` (of the dictionary).
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a figure of a fitting size.
        **options
            Of the kind of plot: ``bits``, ``granularity``, ``quantizer``, ``codec``, ``role``,
            ``weight``.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            For a kind, setting or weight that is not there, with those that are.
        """
        from meadow_py.views.plots import draw

        return draw(self, kind, ax, **options)

    def _repr_html_(self) -> str:
        from meadow_py.views.html import profile_html

        return profile_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal import render_text

        return render_text(self)
