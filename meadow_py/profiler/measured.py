"""What products of the weights take on a host: data of a result, without a view."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasuredProducts:
    """A weight as it is stored, dense and packed, each multiplied with one vector.

    The weight comes from memory, not from a cache, and both forms gave the same bits.

    Attributes
    ----------
    dense_microseconds : float
        Of one product, the median of several runs.
    packed_microseconds : float or None
        The same of the packed form, timed in turn with it; None where the dtype has none.
    dense_nbytes : int
        What one product reads of the weight.
    packed_nbytes : int or None
        The same of the packed form, its tables and escapes counted.
    packed_form : str or None
        As the core names it.
    from_memory : bool
        False where this host has too little memory to keep copies out of its caches.
    """

    dense_microseconds: float
    packed_microseconds: float | None
    dense_nbytes: int
    packed_nbytes: int | None
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
        """How many times fewer bytes the packed product reads: what memory alone would allow."""
        return None if self.packed_nbytes is None else self.dense_nbytes / self.packed_nbytes


@dataclass(frozen=True)
class MeasuredHost:
    """Where products were measured.

    Attributes
    ----------
    cpu, isa : str
        Name of the CPU, and the instruction set that the core used.
    threads : int
        Of every product.
    last_level_cache_bytes : int
    read_bytes_per_second : float
        Of memory, on as many threads, in the same minute, with eight streams a thread.
    has_huge_pages : bool or None
        Whether that memory lay in transparent huge pages; None where the system does not say.
    """

    cpu: str
    isa: str
    threads: int
    last_level_cache_bytes: int
    read_bytes_per_second: float
    has_huge_pages: bool | None
