"""Several things, timed in turn: what disturbs the machine disturbs all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

ROUNDS = 7
_LEAST_ROUNDS = 3
_TICK = 1e-9  # seconds: of a clock that is coarser than what it times


@dataclass(frozen=True)
class Timing:
    """How long something took, over several runs.

    Attributes
    ----------
    seconds : float
        The median.
    seconds_min, seconds_max : float
    runs : int
    """

    seconds: float
    seconds_min: float
    seconds_max: float
    runs: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        """From the time of every run; at least one."""
        return cls(median(seconds), min(seconds), max(seconds), len(seconds))

    def per(self, count: int) -> Timing:
        """Of one of `count` equal parts of what was timed."""
        parts = (self.seconds / count, self.seconds_min / count, self.seconds_max / count)
        return Timing(*parts, self.runs)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dict(vars(self))


def in_turn(
    tasks: Mapping[str, Callable[[], object]],
    rounds: int = ROUNDS,
    prepare: Callable[[], object] | None = None,
    budget_seconds: float = math.inf,
) -> dict[str, Timing]:
    """Time tasks in turn: A, B, A, B.

    Parameters
    ----------
    tasks : mapping of str to callable
        Each runs once more than it is timed, first of all, to warm up.
    rounds : int
        How often each is timed.
    prepare : callable, optional
        Called before every run, not timed.
    budget_seconds : float
        Where all rounds would take longer, as the first one tells, there are fewer, but three.

    Returns
    -------
    dict of str to Timing
        In the order of `tasks`.

    Raises
    ------
    ValueError
        For no rounds.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: expected at least 1")
    first = sum(_one_round(tasks, prepare))
    affordable = max(_LEAST_ROUNDS, int(min(budget_seconds / first, rounds)))
    each = [_one_round(tasks, prepare) for _ in range(min(rounds, affordable))]
    return {name: Timing.of([taken[n] for taken in each]) for n, name in enumerate(tasks)}


def _one_round(
    tasks: Mapping[str, Callable[[], object]], prepare: Callable[[], object] | None
) -> list[float]:
    taken = []
    for task in tasks.values():
        if prepare is not None:
            prepare()
        taken.append(elapsed(task))
    return taken


def elapsed(task: Callable[[], object]) -> float:
    """Seconds that one run takes."""
    start = time.perf_counter()
    task()
    return max(time.perf_counter() - start, _TICK)
