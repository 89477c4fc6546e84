"""How fast a text was generated, beside what this host's memory allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meadow_py.run.generation import Generation
    from meadow_py.run.model import Model


@dataclass(frozen=True)
class Speed:
    """What generating a text took. What was not measured is None.

    Attributes
    ----------
    prompt_tokens, tokens : int
        Read and generated.
    first_token_seconds : float or None
        From the start to the first token, the prompt read.
    prompt_tokens_per_second : float or None
        ``prompt_tokens / first_token_seconds``.
    tokens_per_second : float or None
        Of all tokens but the first.
    bytes_per_token : int
        What decoding a token reads of the weights. Keys and values of earlier tokens come on top.
    bytes_per_second : float or None
        ``bytes_per_token * tokens_per_second``.
    read_bandwidth : float or None
        What this host's memory gives to as many threads, in bytes a second, measured just now.
    bandwidth_fraction : float or None
        ``bytes_per_second / read_bandwidth``. Above 1 the weights come out of the caches.
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
    """The speed of a generation that is over, or was stopped."""
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
    """What this host's memory gives to so many threads, in bytes a second; None where that fails.

    Measured once in a process, after the text, so that the two are of the same minute.
    """
    from meadow_py.measure import best_read_bandwidth

    try:
        return best_read_bandwidth(threads).bytes_per_second
    except MemoryError:
        return None
