"""The result of `bench`: plain data; views of it are made elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar, Self

from meadow_py.measure import Bandwidth, Host
from meadow_py.records import (
    MOST_MEASURED,
    AtLeastOne,
    Measured,
    Range,
    Size,
    from_json_types,
    to_json_types,
)
from meadow_py.results import Result


@dataclass(frozen=True)
class FormBench:
    """Measurements of one form of a model.

    Attributes
    ----------
    matrices : dict of str to int
        The number of matrices in each form, by the name of the form.
    nbytes : int
        Size of all weights, in memory or in mapped files.
    bytes_per_token : int
        Bytes of weights that are read to decode one token.
    decode_tokens_per_second : float
        Speed of generating tokens one by one; the median of the runs.
    decode_tokens_per_second_min, decode_tokens_per_second_max : float
        The slowest and the fastest run.
    prefill_tokens_per_second : float
        Speed of reading a prompt at once; the median of the runs.
    product_seconds : float
        Time of all matrix products of one token, and nothing else.
    bandwidth_fraction : float
        Bytes of weights that decoding reads a second, divided by this host's read bandwidth.
    peak_anonymous_bytes : int or None
        Peak of anonymous memory (RssAnon) of a process that loads this form and generates with it.
        It includes the interpreter, but no pages of mapped files. None if it was not measured.
    """

    matrices: dict[str, Size]
    nbytes: AtLeastOne
    bytes_per_token: AtLeastOne
    decode_tokens_per_second: Measured
    decode_tokens_per_second_min: Measured
    decode_tokens_per_second_max: Measured
    prefill_tokens_per_second: Measured
    product_seconds: Measured
    bandwidth_fraction: Annotated[float, Range(least=0, most=MOST_MEASURED)]
    peak_anonymous_bytes: Size | None

    @property
    def decode_spread(self) -> float:
        """Decoding speed of the fastest run divided by that of the slowest."""
        return self.decode_tokens_per_second_max / self.decode_tokens_per_second_min

    @property
    def product_share(self) -> float:
        """The share of matrix products in the time of a decoded token."""
        return self.product_seconds * self.decode_tokens_per_second


@dataclass(frozen=True)
class Bench(Result):
    """A model dense and packed, measured in turn on one host.

    Attributes
    ----------
    model, family : str
        The model as the user named it, and its family.
    parameters : int
        The number of values in all weights.
    host : Host
        The machine.
    bandwidth : Bandwidth
        Its read bandwidth, measured in the same minute with the same number of threads.
    threads : int
        0 means one per core.
    prompt_tokens, tokens, runs : int
        The numbers of tokens in a run, and the number of timed runs.
    dense, packed : FormBench
        The measurements of each form.
    same_bits : bool
        Whether both forms gave the same logits, bit for bit, after the prompt and after every
        generated token.
    """

    model: str
    family: str
    parameters: Size
    host: Host
    bandwidth: Bandwidth
    threads: Size
    prompt_tokens: Size
    tokens: Size
    runs: Size
    dense: FormBench
    packed: FormBench
    same_bits: bool

    @property
    def decode_speedup(self) -> float:
        """Decoding speed of packed divided by that of dense."""
        return self.packed.decode_tokens_per_second / self.dense.decode_tokens_per_second

    @property
    def prefill_speedup(self) -> float:
        """Prompt reading speed of packed divided by that of dense."""
        return self.packed.prefill_tokens_per_second / self.dense.prefill_tokens_per_second

    @property
    def product_speedup(self) -> float:
        """Time of the dense products alone divided by that of the packed ones."""
        return self.dense.product_seconds / self.packed.product_seconds

    @property
    def byte_ratio(self) -> float:
        """Bytes of weights per decoded token of dense divided by those of packed."""
        return self.dense.bytes_per_token / self.packed.bytes_per_token

    @property
    def verdict(self) -> str:
        """One sentence that says whether packing pays here, and why."""
        from meadow_py.run.verdict import verdict

        return verdict(self)

    def with_memory(self, dense: int | None, packed: int | None) -> Self:
        """Return a copy with the peaks of anonymous memory, in bytes, filled in.

        Returns
        -------
        Bench
            The copy.
        """
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
        """Rebuild a measurement from the output of `to_dict`; see `Result.from_dict`.

        Returns
        -------
        Bench
            The measurement.
        """
        return from_json_types(cls, data)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one row per form.

        Returns
        -------
        list of dict
            The values of `FormBench`, and ``form``.
        """
        return [{"form": name, **asdict(getattr(self, name))} for name in ("dense", "packed")]

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as JSON types, as in ``meadow bench --json``.

        Returns
        -------
        dict
            Later versions may add keys; no key of ``version`` 1 changes its meaning.
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
