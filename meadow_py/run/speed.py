"""How fast a text was generated, compared with what this host's memory allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        measured in this process.
    bandwidth_fraction : float or None
        ``bytes_per_second / read_bandwidth``. A value above 1 means that weights come from caches.
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

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dict(vars(self))


def speed_of(generation: Generation, model: Model, read_bandwidth: float | None) -> Speed:
    """The speed of a generation that has ended or was stopped."""
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
    )


def host_bandwidth(threads: int) -> float | None:
    """Read bandwidth of this host with that number of threads, in bytes a second; None on failure.

    It is measured once in a process, after the text, so that both belong to the same minute.
    """
    from meadow_py.measure import best_read_bandwidth

    try:
        return best_read_bandwidth(threads).bytes_per_second
    except MemoryError:
        return None
