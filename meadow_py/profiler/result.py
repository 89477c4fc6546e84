"""The result of `profile`: plain data, and methods that show it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.ledger import Ledger
from meadow_py.profiler.coded import HuffmanTable, StoredFloats
from meadow_py.profiler.measured import MeasuredHost, MeasuredProducts
from meadow_py.quantizers import product_keys
from meadow_py.results import data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from meadow_py.profiler.summary import Section


@dataclass(frozen=True)
class PacketLayout:
    """Packet layout that the search chose for re-indexed packing.

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
    """One weight under one quantiser and chunk size, packed by every codec.

    Attributes
    ----------
    quantizer : str
        Key of the quantiser, such as ``int8:row``; ``stored`` for weights that are stored as
        integer codes.
    bits : int
        Bits per code.
    granularity : str or None
        Which numbers share a scale: ``tensor``, ``row`` or ``group:128``; ``stored`` for weights
        that are stored as integer codes; None for a quantiser that none of these describes.
    chunk_size : int
        Codes per chunk.
    unique_chunks : int
        Number of distinct chunks: the size of the dictionary.
    reduction_ratio : float
        Chunks per distinct chunk.
    snr_db : float or None
        Signal-to-noise ratio of quantising in decibels; None where quantising lost nothing.
    packet : PacketLayout
        Layout of the re-indexed packets.
    bits_per_weight : dict of str to float
        With everything counted, scales and zero points included: ``dense``; the codecs ``naive``,
        ``packets`` and ``reindexed``; ``plain_huffman``, a Huffman code of single codes with its
        table (computed; no stream is made); and ``huffman`` and ``storage``, blobs of the codes
        under a Huffman code and under the storage codec, the same for every chunk size. Without
        scales: the entropies ``floor_symbol`` and ``floor_chunk``, and ``index_only``, the indices
        without the dictionary. Alone: ``scales``, the scales and zero points. Files of earlier
        versions lack ``huffman`` and ``storage``.
    ledgers : dict of str to Ledger
        Where every bit of ``dense``, of each codec and of the blobs goes.
    growth : tuple of (int, int)
        Number of chunks read so far and of distinct chunks among them, at up to 16 evenly spaced
        places in reading order; the last is the end of the weight. Empty in files of earlier
        versions.
    huffman : HuffmanTable or None
        The decoder of ``huffman``; None where no code saves anything (a single symbol, or equally
        frequent ones), and in files of earlier versions.
    storage_coding : str or None
        The coding that the storage codec chose: ``rans``, ``huffman``, ``raw`` or ``constant``;
        None in files of earlier versions.
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
        """Bytes of a buffer for the dictionary: the distinct chunks, unpadded, in whole bytes."""
        return (self.unique_chunks * self.chunk_size * self.bits + 7) // 8


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
        Dtype as stored.
    content_dtype : str
        The narrowest dtype that holds every stored value bit for bit.
    floors : dict of str to float or None
        Order-0 entropies in bits per weight: ``symbol`` of the codes of the first quantiser;
        ``fields`` and ``joint`` of the stored floats, None for other dtypes.
    packings : tuple of Packing
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
        """Number of values in the weight."""
        return self.shape[0] * self.shape[1]


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
    nbytes: int
    tensors: int
    skipped_weights: int
    skipped_values: int
    other_tensors: int
    other_values: int


@dataclass(frozen=True)
class Settings:
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

    bits: tuple[int, ...]
    granularity: tuple[str, ...]
    chunk_sizes: tuple[int, ...]
    symmetric: bool | None
    along: str
    verified: bool
    quantizers: tuple[str, ...]

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
    threads: int
    meadow_py: str


@dataclass(frozen=True)
class Profile:
    """Redundancy of a model's weights, and what each lossless packing saves.

    Attributes
    ----------
    model : ModelInfo
    settings : Settings
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
    settings: Settings
    host: HostInfo
    weights: tuple[WeightProfile, ...]
    seconds: dict[str, float] = field(default_factory=dict, compare=False)
    measured: MeasuredHost | None = field(default=None, compare=False)

    def summary(self) -> tuple[Section, ...]:
        """Figures by role, by weight and by chunk size.

        Returns
        -------
        tuple of Section
            One per quantiser, in the order of the run.
        """
        from meadow_py.profiler.summary import sections

        return sections(self)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON types: the contract of ``meadow profile --json``.

        Later versions may add keys, but no key of ``version`` 1 changes its meaning.

        Returns
        -------
        dict
            A number that is not finite, or does not apply, is None.
        """
        from meadow_py.profiler.serial import profile_to_dict

        return profile_to_dict(self)

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
        from meadow_py.profiler.serial import profile_to_rows

        return data_frame(self, profile_to_rows(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the profile as JSON. The file appears whole or not at all.

        Parameters
        ----------
        path : path
        """
        from meadow_py.profiler.serial import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Profile:
        """Read a profile that `save` or ``meadow profile --json`` wrote.

        Parameters
        ----------
        path : path

        Returns
        -------
        Profile

        Raises
        ------
        FormatError
            If the file is no profile, is damaged, or is of another version.
        OSError
            If the file cannot be read.
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
