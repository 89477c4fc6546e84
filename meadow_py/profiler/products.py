"""Products of the weights, measured one by one while nothing else runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from meadow_py.forms import DENSE, PACKED
from meadow_py.jobs import Progress, Stopwatch
from meadow_py.profiler.result import MeasuredHost
from meadow_py.profiler.weight_profile import MeasuredProducts, WeightProfile
from meadow_py.spelling import visible

if TYPE_CHECKING:
    from meadow_py.measure import Comparison
    from meadow_py.sources import Weight


def measured_host(threads: int) -> MeasuredHost:
    """This host, and how fast it reads memory at the moment."""
    from meadow_py import measure

    here = measure.host()
    bandwidth = measure.best_read_bandwidth(threads, fresh=True)
    return MeasuredHost(
        cpu=here.cpu,
        isa=here.isa,
        threads=threads,
        last_level_cache_bytes=here.last_level_cache_bytes,
        read_bytes_per_second=bandwidth.bytes_per_second,
        has_huge_pages=bandwidth.has_huge_pages,
    )


def measure_weights(
    weights: Sequence[Weight],
    profiles: Sequence[WeightProfile],
    threads: int,
    clock: Stopwatch,
    progress: bool | None,
) -> tuple[WeightProfile, ...]:
    """The profiles with measured products of their weights; see `profile`."""
    done = []
    with Progress(sum(weight.count for weight in weights), "measure", progress) as bar:
        for weight, profile in zip(weights, profiles, strict=True):
            with clock.stage("measure"):
                done.append(replace(profile, products=_products(weight, threads)))
            bar.advance(weight.count, visible(weight.name))
    return tuple(done)


def _products(weight: Weight, threads: int) -> MeasuredProducts | None:
    from meadow_py import measure

    values = np.require(weight.array(), requirements=["C", "A"])
    forms = measure.candidates_of(values, weight.dtype)
    if not forms:
        return None
    made = measure.compare_products(forms, threads=threads)
    if not made.same_bits:
        raise RuntimeError(
            f"{visible(weight.name)}: the packed product differs from the dense one: either the "
            "weight changed meanwhile, or this is a bug; please report a bug"
        )
    return _result(made)


def _result(made: Comparison) -> MeasuredProducts:
    dense, packed = made.times[DENSE], made.times.get(PACKED)
    return MeasuredProducts(
        dense_microseconds=1e6 * dense.seconds,
        packed_microseconds=None if packed is None else 1e6 * packed.seconds,
        dense_nbytes=dense.nbytes,
        packed_nbytes=None if packed is None else packed.nbytes,
        packed_form=None if packed is None else packed.form,
        from_memory=made.from_memory,
    )
