"""The words about a bench, which terminal and HTML share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from meadow_py.spelling import byte_size, count, ratio, visible
from meadow_py.views.verdicts import plural

if TYPE_CHECKING:
    from meadow_py.run.bench_result import Bench, FormBench

COLUMNS = ("", "dense", "packed", "packed : dense")


def header_lines(made: Bench) -> list[str]:
    """The model, the host, what was done; the first line names the model."""
    host, read = made.host, made.bandwidth
    cores = made.threads or host.cores
    pages = "huge" if read.has_huge_pages else "small"
    lines = [
        f"{made.model}",
        f"{made.family}, {count(made.parameters)} parameters",
        f"{host.cpu} ({_numbers(made)}), {host.isa}, {plural(cores, 'thread')}, last-level cache "
        f"{byte_size(host.last_level_cache_bytes)}",
        f"memory read at {_rate(read.bytes_per_second)} ({_rate(read.bytes_per_second_min)} to "
        f"{_rate(read.bytes_per_second_max)}, {pages} pages) in the same minute",
        f"{plural(made.prompt_tokens, 'prompt token')} at once, then "
        f"{plural(made.tokens, 'token')} one by one; medians of {plural(made.runs, 'run')} in turn",
    ]
    return [visible(line) for line in lines]


def rows(made: Bench) -> Iterator[tuple[str, str, str, str]]:
    """One row per quantity measured: dense, packed, and their ratio."""
    dense, packed = made.dense, made.packed
    yield "matrices", _matrices(dense), _matrices(packed), ""
    yield _figures("decode tokens/s", made, _decode, made.decode_speedup)
    yield _figures("prefill tokens/s", made, _prefill, made.prefill_speedup)
    yield _figures("products of a token", made, _products, 1 / made.product_speedup)
    yield _figures("read for a token", made, _read, 1 / made.byte_ratio)
    yield "of read bandwidth", _share(dense), _share(packed), ""
    yield _figures("weights", made, _weights, packed.nbytes / dense.nbytes)
    peaks = (dense.peak_anonymous_bytes, packed.peak_anonymous_bytes)
    relative = peaks[1] / peaks[0] if peaks[0] and peaks[1] else None
    yield _figures("peak anonymous memory", made, _peak, relative)
    yield "logits", "", "the same bits" if made.same_bits else "DIFFER", ""


def _figures(
    title: str, made: Bench, spell: Callable[[FormBench], str], relative: float | None
) -> tuple[str, str, str, str]:
    return title, spell(made.dense), spell(made.packed), ratio(relative)


def _decode(form: FormBench) -> str:
    low, high = form.decode_tokens_per_second_min, form.decode_tokens_per_second_max
    return f"{form.decode_tokens_per_second:.4g} ({low:.3g}-{high:.3g})"


def _prefill(form: FormBench) -> str:
    return f"{form.prefill_tokens_per_second:.4g}"


def _products(form: FormBench) -> str:
    return f"{1e3 * form.product_seconds:.3g} ms"


def _read(form: FormBench) -> str:
    return byte_size(form.bytes_per_token)


def _weights(form: FormBench) -> str:
    return byte_size(form.nbytes)


def _share(form: FormBench) -> str:
    return f"{100 * form.bandwidth_fraction:.0f} %"


def _peak(form: FormBench) -> str:
    peak = form.peak_anonymous_bytes
    return "-" if peak is None else byte_size(peak)


def _matrices(form: FormBench) -> str:
    return visible(", ".join(f"{number} {name}" for name, number in form.matrices.items()))


def _numbers(made: Bench) -> str:
    host = made.host
    if host.family is None or host.model is None:
        return host.machine
    return f"{host.machine} family {host.family} model {host.model}"


def _rate(bytes_per_second: float) -> str:
    return f"{bytes_per_second / 1e9:.3g} GB/s"
