"""Many weights: one after another or on an executor, and only those that a journal lacks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meadow_py.jobs import Journal, Progress, Stop, Stopwatch, each
from meadow_py.profiler.result import Settings, WeightProfile
from meadow_py.profiler.weight import profile_weight
from meadow_py.views.spelling import visible

if TYPE_CHECKING:
    from meadow_py.sources import Weight

# Values up to which threads take a weight each: the core's threads wait for each other more often
# the smaller a weight is, and so few of these fill no memory.
SMALL = 1 << 22


@dataclass(frozen=True)
class Work:
    """What is done to every weight, and where."""

    settings: Settings
    threads: int
    clock: Stopwatch
    executor: Executor | None

    @property
    def passes(self) -> int:
        """How often each value is packed."""
        settings = self.settings
        return len(settings.bits) * len(settings.granularity) * len(settings.chunk_sizes)


def profile_weights(
    weights: Sequence[Weight],
    work: Work,
    bar: Progress,
    resume: str | os.PathLike[str] | None,
) -> tuple[WeightProfile, ...]:
    """The profiles of all weights, in their order."""
    if resume is None:
        made = _profiled(weights, work, bar, None)
        return tuple(made[n] for n in range(len(weights)))
    with Journal(resume, _description(work.settings)) as journal:
        kept = {n: found for n, w in enumerate(weights) if (found := _found(journal, w))}
        for n in kept:
            bar.advance(weights[n].count * work.passes, visible(weights[n].name))
        missing = [n for n in range(len(weights)) if n not in kept]
        made = _profiled([weights[n] for n in missing], work, bar, journal)
    kept |= {missing[n]: profile for n, profile in made.items()}
    return tuple(kept[n] for n in range(len(weights)))


@dataclass(frozen=True)
class _Elsewhere:
    """Profiles a weight in another thread or process: only what can be pickled."""

    settings: Settings
    threads: int
    stop: Stop

    def __call__(self, weight: Weight) -> tuple[WeightProfile, dict[str, float]]:
        clock = Stopwatch()

        def advance(_count: int, _name: str) -> None:
            self.stop.check()

        self.stop.check()
        return profile_weight(weight, self.settings, self.threads, clock, advance), clock.seconds


def _profiled(
    weights: Sequence[Weight], work: Work, bar: Progress, journal: Journal | None
) -> dict[int, WeightProfile]:
    made = {}
    for n, profile in _each_profile(weights, work, bar):
        made[n] = profile
        if journal is not None:
            journal.add(_key(weights[n]), _to_json(profile))
    return made


def _each_profile(
    weights: Sequence[Weight], work: Work, bar: Progress
) -> Iterator[tuple[int, WeightProfile]]:
    """Small weights side by side, large ones one by one with all threads, or all elsewhere."""
    everything = range(len(weights))
    if work.executor is not None:
        yield from _on(work.executor, work.threads, weights, everything, work, bar)
        return
    small = [n for n in everything if work.threads > 1 and weights[n].count <= SMALL]
    if small:
        with ThreadPoolExecutor(work.threads, "meadow") as pool:
            yield from _on(pool, 1, weights, small, work, bar)
    for n in sorted({*everything} - {*small}):
        weight = weights[n]
        yield n, profile_weight(weight, work.settings, work.threads, work.clock, bar.advance)


def _on(
    executor: Executor,
    threads: int,
    weights: Sequence[Weight],
    chosen: Sequence[int],
    work: Work,
    bar: Progress,
) -> Iterator[tuple[int, WeightProfile]]:
    stop = Stop()
    function = _Elsewhere(work.settings, threads, stop)
    for n, (profile, seconds) in each(function, [weights[n] for n in chosen], executor, stop):
        work.clock.add(seconds)
        bar.advance(weights[chosen[n]].count * work.passes, visible(profile.name))
        yield chosen[n], profile


def _description(settings: Settings) -> dict[str, Any]:
    import meadow_py

    listed = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(settings).items()}
    return {"work": "profile", "meadow_py": meadow_py.__version__, **listed}


def _found(journal: Journal, weight: Weight) -> WeightProfile | None:
    from meadow_py.profiler.serial import weight_from_dict

    kept = journal.get(_key(weight))
    return None if kept is None else weight_from_dict(kept)


def _to_json(profile: WeightProfile) -> dict[str, Any]:
    from meadow_py.profiler.serial import weight_to_dict

    return weight_to_dict(profile)


def _key(weight: Weight) -> str:
    """Name, shape, dtype and a checksum of what is stored."""
    stored = hashlib.blake2b(weight.tensor.raw().data, digest_size=16).hexdigest()
    return f"{weight.name} {weight.role} {weight.dtype} {list(weight.shape)} {stored}"
