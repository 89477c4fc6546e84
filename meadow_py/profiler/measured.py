"""Measured time and bytes of products with the weights: plain data of a result."""

from __future__ import annotations

from dataclasses import dataclass


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
        """How many times fewer bytes the packed product reads: its speedup, if memory alone counts.

        None where there is no packed product.
        """
        return None if self.packed_nbytes is None else self.dense_nbytes / self.packed_nbytes


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
    threads: int
    last_level_cache_bytes: int
    read_bytes_per_second: float
    has_huge_pages: bool | None
