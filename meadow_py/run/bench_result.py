"""What `bench` returns: plain data, with views beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from meadow_py.measure import Bandwidth, Host
from meadow_py.records import (
    Count,
    NonNegative,
    Positive,
    Range,
    from_json_types,
    to_json_types,
)
from meadow_py.results import Result

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class FormBench:
    """One form of a model.

    Attributes
    ----------
    matrices : dict of str to int
        The forms that its matrices have, and how many have each.
    nbytes : int
        All weights in memory or in mapped files.
    bytes_per_token : int
        What decoding a token reads of the weights.
    decode_tokens_per_second : float
        Tokens generated one by one, the median of the runs.
    decode_tokens_per_second_min, decode_tokens_per_second_max : float
    prefill_tokens_per_second : float
        Tokens of a prompt read at once, the median of the runs.
    product_seconds : float
        Of all matrix products of one token, and nothing else.
    bandwidth_fraction : float
        What decoding reads of weights a second, over the read bandwidth of this host.
    peak_anonymous_bytes : int or None
        The most anonymous memory (RssAnon) that a process held which loaded this form and generated
        with it, the interpreter included; pages of mapped files are not in it. None where it was
        not measured.
    """

    matrices: dict[str, int]
    nbytes: Count
    bytes_per_token: Annotated[int, Range(least=1)]
    decode_tokens_per_second: Positive
    decode_tokens_per_second_min: Positive
    decode_tokens_per_second_max: Positive
    prefill_tokens_per_second: Positive
    product_seconds: Positive
    bandwidth_fraction: NonNegative
    peak_anonymous_bytes: Count | None

    @property
    def decode_spread(self) -> float:
        """How many times faster the fastest run decoded than the slowest."""
        return self.decode_tokens_per_second_max / self.decode_tokens_per_second_min

    @property
    def product_share(self) -> float:
        """Products alone over the whole time of a token."""
        return self.product_seconds * self.decode_tokens_per_second


@dataclass(frozen=True)
class Bench(Result):
    """A model dense and packed, measured in turn on one host.

    Attributes
    ----------
    model, family : str
    parameters : int
    host : Host
    bandwidth : Bandwidth
        Of the same minute, on as many threads.
    threads : int
        0: one per core.
    prompt_tokens, tokens, runs : int
        Of a run, and how many were timed.
    dense, packed : FormBench
    same_bits : bool
        Whether both forms gave the same logits, bit for bit: those behind the prompt and behind
        every generated token.
    """

    model: str
    family: str
    parameters: Count
    host: Host
    bandwidth: Bandwidth
    threads: Count
    prompt_tokens: Count
    tokens: Count
    runs: Count
    dense: FormBench
    packed: FormBench
    same_bits: bool

    @property
    def decode_speedup(self) -> float:
        """How many times faster packed decodes."""
        return self.packed.decode_tokens_per_second / self.dense.decode_tokens_per_second

    @property
    def prefill_speedup(self) -> float:
        """How many times faster packed reads a prompt."""
        return self.packed.prefill_tokens_per_second / self.dense.prefill_tokens_per_second

    @property
    def product_speedup(self) -> float:
        """How many times faster the packed products alone are."""
        return self.dense.product_seconds / self.packed.product_seconds

    @property
    def byte_ratio(self) -> float:
        """How many times fewer bytes of weights a packed token reads."""
        return self.dense.bytes_per_token / self.packed.bytes_per_token

    @property
    def verdict(self) -> str:
        """Whether packing pays here, and why: one sentence."""
        from meadow_py.run.verdict import verdict

        return verdict(self)

    def with_memory(self, dense: int | None, packed: int | None) -> Self:
        """The same with the peaks of anonymous memory."""
        return replace(
            self,
            dense=replace(self.dense, peak_anonymous_bytes=dense),
            packed=replace(self.packed, peak_anonymous_bytes=packed),
        )

    KIND: ClassVar[str] = "bench"
    MARKS: ClassVar[tuple[str, ...]] = ("kind", "dense", "packed")
    AGAIN: ClassVar[str] = "measure again"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Bench:
        """The measurement from what `to_dict` gave; see `Result.from_dict`."""
        return from_json_types(cls, data)

    def to_rows(self) -> list[dict[str, Any]]:
        """One row per form."""
        return [{"form": name, **asdict(getattr(self, name))} for name in ("dense", "packed")]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: the contract of ``meadow bench --json``.

        Returns
        -------
        dict
            Keys may be added in later versions; none of ``version`` 1 changes its meaning.
        """
        own = ("model", "family", "parameters", "threads", "prompt_tokens", "tokens", "runs")
        return {
            "version": self.VERSION,
            "kind": self.KIND,
            **{name: getattr(self, name) for name in own},
            "host": self.host.to_dict(),
            "bandwidth": self.bandwidth.to_dict(),
            "dense": to_json_types(self.dense),
            "packed": to_json_types(self.packed),
            "decode_speedup": self.decode_speedup,
            "prefill_speedup": self.prefill_speedup,
            "product_speedup": self.product_speedup,
            "byte_ratio": self.byte_ratio,
            "same_bits": self.same_bits,
            "verdict": self.verdict,
        }

    def __repr__(self) -> str:
        from meadow_py.views.terminal.bench import bench_text

        return bench_text(self)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.bench import bench_html

        return bench_html(self)
