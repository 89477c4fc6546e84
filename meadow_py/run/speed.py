"""How fast a text was generated, compared with what this host's memory allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from meadow_py.run.generation import Generation
    from meadow_py.run.model import Model


@dataclass(frozen=True)
class Speed:
    """The speed of generating a text. Values that were not measured are None.

    Attributes
    ----------
    prompt_tokens, tokens : int
        The numbers of tokens read and generated.
    first_token_seconds : float or None
        Time from the start to the first token, including reading the prompt.
    prompt_tokens_per_second : float or None
        ``prompt_tokens / first_token_seconds``.
    tokens_per_second : float or None
        Speed of generating all tokens except the first.
    bytes_per_token : int
        Bytes of weights read to decode a token, not counting keys and values of earlier tokens.
    bytes_per_second : float or None
        ``bytes_per_token * tokens_per_second``.
    read_bandwidth : float or None
        Read bandwidth of this host's memory with the same number of threads, in bytes a second,
        measured in this process if ``meadow run --bandwidth`` asks for it.
    bandwidth_fraction : float or None
        ``bytes_per_second / read_bandwidth``. Above 1, weights come from caches, or other work
        slowed the measurement of the bandwidth: see `cached`.
    cache_bytes : int
        Size of the last-level caches of this host; not part of `to_dict`.
    """

    prompt_tokens: int
    tokens: int
    first_token_seconds: float | None
    prompt_tokens_per_second: float | None
    tokens_per_second: float | None
    bytes_per_token: int
    bytes_per_second: float | None
    read_bandwidth: float | None
    bandwidth_fraction: float | None
    cache_bytes: int

    @property
    def cached(self) -> Literal["all", "part", "unknown"] | None:
        """How many of the weights stay in caches, where they are read faster than memory allows.

        Returns
        -------
        {"all", "part", "unknown"} or None
            "unknown": caches are too small to explain the speed, so that the measured bandwidth is
            too low. None: weights are read no faster than memory allows, or this is not known.
        """
        if self.bandwidth_fraction is None or self.bandwidth_fraction <= 1:
            return None
        if self.bytes_per_token <= self.cache_bytes:
            return "all"
        share = memory_share(self.bytes_per_token, self.cache_bytes)
        return "part" if self.bandwidth_fraction * share <= 1 else "unknown"

    def to_dict(self) -> dict[str, Any]:
        """Return the values as JSON types.

        Returns
        -------
        dict
            All attributes except `cache_bytes`.
        """
        return {name: value for name, value in vars(self).items() if name != "cache_bytes"}


def memory_share(nbytes: int, cache_bytes: int) -> float:
    """Compute the least share of `nbytes` that comes from memory.

    Returns
    -------
    float
        From 0 to 1: the share that caches of `cache_bytes` cannot hold.
    """
    return max(0.0, 1 - cache_bytes / nbytes)


def speed_of(generation: Generation, model: Model, read_bandwidth: float | None) -> Speed:
    """Compute the speed of a generation that has ended or was stopped.

    Returns
    -------
    Speed
        The speed.
    """
    from meadow_py.measure import host

    timing = generation.timing
    rate = timing.tokens_per_second
    read = None if rate is None else rate * model.bytes_per_token
    return Speed(
        prompt_tokens=timing.prompt_tokens,
        tokens=timing.tokens,
        first_token_seconds=timing.first_token_seconds,
        prompt_tokens_per_second=timing.prompt_tokens_per_second,
        tokens_per_second=rate,
        bytes_per_token=model.bytes_per_token,
        bytes_per_second=read,
        read_bandwidth=read_bandwidth,
        bandwidth_fraction=read / read_bandwidth if read and read_bandwidth else None,
        cache_bytes=host().last_level_cache_bytes,
    )


def host_bandwidth(threads: int) -> float | None:
    """Return this host's read bandwidth with that number of threads, in bytes a second.

    It is None where the memory that a measurement may fill does not exceed the caches. It is
    measured once in a process, after the text, so that both belong to the same minute.

    Returns
    -------
    float or None
        Bytes a second.
    """
    from meadow_py.measure import best_read_bandwidth, host
    from meadow_py.measure.memory import usable_bytes

    if usable_bytes() <= host().last_level_cache_bytes:
        return None
    try:
        return best_read_bandwidth(threads).bytes_per_second
    except MemoryError:
        return None
