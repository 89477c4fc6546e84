"""Whether packing pays, and why, from the figures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.run.speed import memory_share
from meadow_py.spelling import byte_size

if TYPE_CHECKING:
    from meadow_py.run.bench_result import Bench, FormBench

_NOTABLE = 0.03  # a gain in speed below this is within the noise of the runs
_BUSY = 1.5  # fastest over slowest run of one form; above this, something else ran
_IMPRECISE = 0.1  # of the read bandwidth: measurements of an idle machine differ by less
_BOUND = 0.6  # share of the read bandwidth from which on decoding waits for memory


def verdict(made: Bench) -> str:
    """Say in one sentence whether packing pays, and why.

    Parameters
    ----------
    made : Bench
        The measurements.

    Returns
    -------
    str
        The sentence.
    """
    if not made.same_bits:
        return (
            "Do not run the packed form here: its logits differ from the dense ones, which is a "
            "bug, then please report it."
        )
    if made.packed.matrices == made.dense.matrices:
        return (
            f"Packing does nothing here: none of the {sum(made.dense.matrices.values())} matrices "
            f"({', '.join(made.dense.matrices)}) has a packed form."
        )
    spread = max(form.decode_spread for form in (made.dense, made.packed))
    if spread > _BUSY:
        return (
            "This machine was too busy to tell whether packing pays here: runs of one and the same "
            f"form differ by {spread:.1f}x, so measure again when nothing else runs."
        )
    if any(_faster_than_memory(made, form) for form in (made.dense, made.packed)):
        return (
            "This machine was too busy to tell whether packing pays here: weights are read faster "
            "than its memory allowed when that was measured, so measure again when nothing else "
            "runs."
        )
    gain = made.decode_speedup
    if gain >= 1 + _NOTABLE:
        return f"Packing pays here: decode is {gain:.2f}x faster because {_why_faster(made)}."
    if gain > 1 - _NOTABLE:
        return (
            f"Packing pays in memory here, not in speed: weights are {_smaller(made)}, but decode "
            f"is as fast as before ({gain:.2f}x) because {_why_not(made)}."
        )
    return (
        f"Packing does not pay here: decode runs at {gain:.2f}x the speed because "
        f"{_why_not(made)}; weights are {_smaller(made)}."
    )


def _why_faster(made: Bench) -> str:
    share, packed = (_percent(form.bandwidth_fraction) for form in (made.dense, made.packed))
    if fits_in_cache(made):
        return f"fewer bytes come from the caches, and packed weights are {_smaller(made)}"
    if made.dense.bandwidth_fraction >= _BOUND:
        return (
            f"weights are read from memory at {share} of its bandwidth (packed ones at {packed}) "
            f"and packed ones are {_smaller(made)}"
        )
    return (
        f"packed weights are {_smaller(made)}, although dense ones are read from memory at only "
        f"{share} of its bandwidth"
    )


def _why_not(made: Bench) -> str:
    dense, packed = made.dense, made.packed
    if fits_in_cache(made):
        cache = byte_size(made.host.last_level_cache_bytes)
        return (
            f"the weights that a token reads ({byte_size(dense.bytes_per_token)}) fit in the "
            f"last-level cache ({cache}), so that memory is not the limit"
        )
    read = _percent(dense.bandwidth_fraction)
    if dense.bandwidth_fraction < _BOUND:
        products = _percent(min(dense.product_share, 1.0))
        return (
            f"memory is not the limit: dense weights are read at {read} of its bandwidth, and "
            f"products take {products} of a token"
        )
    return (
        "decoding the packed weights is the limit, not memory: they are read at "
        f"{_percent(packed.bandwidth_fraction)} of its bandwidth, dense ones at {read}"
    )


def fits_in_cache(made: Bench) -> bool:
    """Whether all weights that a dense token reads stay in the last-level cache."""
    return made.dense.bytes_per_token <= made.host.last_level_cache_bytes


def _faster_than_memory(made: Bench, form: FormBench) -> bool:
    """Whether a form is read faster than the measured bandwidth and the caches explain."""
    share = memory_share(form.bytes_per_token, made.host.last_level_cache_bytes)
    return form.bandwidth_fraction * share > 1 + _IMPRECISE


def _smaller(made: Bench) -> str:
    """``25 % smaller``."""
    share = 1 - 1 / made.byte_ratio
    return f"{_percent(abs(share))} {'smaller' if share >= 0 else 'larger'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
