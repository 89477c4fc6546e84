"""Many weights, one by one or on an executor, except those that a journal already holds."""

from __future__ import annotations

import functools
import hashlib
import os
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meadow_py.codecs import CODERS
from meadow_py.errors import FormatError
from meadow_py.jobs import Journal, Progress, Stop, Stopwatch, each
from meadow_py.profiler.result import ProfileSettings
from meadow_py.profiler.weight import profile_weight
from meadow_py.profiler.weight_profile import WeightProfile
from meadow_py.records import RecordError, to_json_types
from meadow_py.results import DAMAGE
from meadow_py.spelling import visible

if TYPE_CHECKING:
    from meadow_py.quantizers import Quantizer
    from meadow_py.sources import Weight

# Weights of up to this many values get one thread each: the smaller a weight, the more often the
# core's threads would wait for each other, and one such weight per thread takes little memory.
SMALL = 1 << 22
_PIECE = 1 << 24  # bytes hashed at a time


@dataclass(frozen=True)
class Schedule:
    """How every weight is profiled, and where."""

    settings: ProfileSettings
    quantizers: Sequence[Quantizer]
    threads: int
    clock: Stopwatch
    executor: Executor | None

    @property
    def passes(self) -> int:
        """The number of times each value is packed."""
        return len(self.quantizers) * len(self.settings.chunk_sizes)


def profile_weights(
    weights: Sequence[Weight],
    work: Schedule,
    bar: Progress,
    resume: str | os.PathLike[str] | None,
) -> tuple[WeightProfile, ...]:
    """The profiles of all weights, in their order."""
    if resume is None:
        made = _profiled(weights, work, bar, None)
        return tuple(made[n] for n in range(len(weights)))
    with Journal(resume, _description(work.settings)) as journal:
        keys = [_key(weight) for weight in weights]
        kept = {
            n: found
            for n, (weight, key) in enumerate(zip(weights, keys, strict=True))
            if (found := _found(journal, key, weight))
        }
        for n in kept:
            bar.advance(weights[n].count * work.passes, visible(weights[n].name))
        missing = [n for n in range(len(weights)) if n not in kept]

        def keep(n: int, profile: WeightProfile) -> None:
            journal.add(keys[missing[n]], profile.to_dict())

        made = _profiled([weights[n] for n in missing], work, bar, keep)
    kept |= {missing[n]: profile for n, profile in made.items()}
    return tuple(kept[n] for n in range(len(weights)))


@dataclass(frozen=True)
class _WeightTask:
    """Profiles a weight in another thread or process; holds only what can be pickled."""

    settings: ProfileSettings
    quantizers: Sequence[Quantizer]  # not their keys: the other process may not know all of these
    threads: int
    stop: Stop

    def __call__(self, fetch: Callable[[], Weight]) -> tuple[WeightProfile, dict[str, float]]:
        clock = _StoppableClock(self.stop)
        clock.check()
        work = (self.settings, self.quantizers, self.threads)
        made = profile_weight(fetch(), *work, clock, lambda _n, _name: None)
        return made, clock.seconds


class _StoppableClock(Stopwatch):
    """Once a stop is asked for, ends the work at the next stage or iteration of a long loop."""

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def check(self) -> None:
        self._stop.check()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.check()
        with super().stage(name):
            yield


def _profiled(
    weights: Sequence[Weight],
    work: Schedule,
    bar: Progress,
    keep: Callable[[int, WeightProfile], None] | None,
) -> dict[int, WeightProfile]:
    made = {}
    for n, profile in _each_profile(weights, work, bar):
        made[n] = profile
        if keep is not None:
            keep(n, profile)
    return made


def _each_profile(
    weights: Sequence[Weight], work: Schedule, bar: Progress
) -> Iterator[tuple[int, WeightProfile]]:
    """Small weights in parallel and large ones one by one with all threads, or all elsewhere."""
    everything = range(len(weights))
    if work.executor is not None:
        tasks = {n: weights[n].sendable() for n in everything}
        yield from _on(work.executor, work.threads, weights, tasks, work, bar)
        return
    small = [n for n in everything if work.threads > 1 and weights[n].count <= SMALL]
    if small:
        with ThreadPoolExecutor(work.threads, "meadow") as pool:
            tasks = {n: functools.partial(weights.__getitem__, n) for n in small}
            yield from _on(pool, 1, weights, tasks, work, bar)
    for n in sorted({*everything} - {*small}):
        how = (work.settings, work.quantizers, work.threads)
        yield n, profile_weight(weights[n], *how, work.clock, bar.advance)


def _on(
    executor: Executor,
    threads: int,
    weights: Sequence[Weight],
    tasks: Mapping[int, Callable[[], Weight]],
    work: Schedule,
    bar: Progress,
) -> Iterator[tuple[int, WeightProfile]]:
    stop, chosen = Stop(), list(tasks)
    function = _WeightTask(work.settings, work.quantizers, threads, stop)
    for n, (profile, seconds) in each(function, list(tasks.values()), executor, stop):
        work.clock.add(seconds)
        bar.advance(weights[chosen[n]].count * work.passes, visible(profile.name))
        yield chosen[n], profile


def _description(settings: ProfileSettings) -> dict[str, Any]:
    import meadow_py

    # A journal written before a coder was measured lacks its figures.
    measured = {"meadow_py": meadow_py.__version__, "coders": [*CODERS]}
    return {"work": "profile", **measured, **to_json_types(settings)}


def _found(journal: Journal, key: str, weight: Weight) -> WeightProfile | None:
    kept = journal.get(key)
    if kept is None:
        return None
    try:
        found = WeightProfile.from_dict(kept)
        for field in ("name", "role", "shape"):
            if getattr(found, field) != (expected := getattr(weight, field)):
                wrong = reprlib.repr(getattr(found, field))
                raise RecordError(f"must be {expected!r} as in the model, not {wrong}", field)
    except DAMAGE as error:
        raise FormatError(
            f"{journal.path}: damaged result of weight {weight.name!r}: {error}; delete the file"
        ) from error
    return found


def _key(weight: Weight) -> str:
    """The weight, how it is cut from its tensor, its dtype, and a checksum of the stored bytes."""
    digest, raw = hashlib.blake2b(digest_size=16), weight.tensor.raw()
    for begin in range(0, raw.size, _PIECE):  # Ctrl-C is heard between two pieces
        digest.update(raw[begin : begin + _PIECE].data)
    return f"{weight.spec} {weight.dtype} {digest.hexdigest()}"
