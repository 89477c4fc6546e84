"""Timing several tasks in turn, so that disturbances of the machine affect all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

ROUNDS = 7
_LEAST_ROUNDS = 3
_TICK = 1e-9  # seconds; the least time, in case the clock is too coarse to see any


@dataclass(frozen=True)
class TaskTime:
    """Time of a task over several runs.

    Attributes
    ----------
    seconds : float
        Median of the runs.
    seconds_min, seconds_max : float
        Fastest and slowest run.
    runs : int
        Number of timed runs.
    """

    seconds: float
    seconds_min: float
    seconds_max: float
    runs: int

    @classmethod
    def of(cls, seconds: list[float]) -> TaskTime:
        """The timing of at least one run, from the seconds of each."""
        return cls(median(seconds), min(seconds), max(seconds), len(seconds))

    def per(self, count: int) -> TaskTime:
        """The timing of one of `count` equal parts of the task."""
        parts = (self.seconds / count, self.seconds_min / count, self.seconds_max / count)
        return TaskTime(*parts, self.runs)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types.

        Returns
        -------
        dict
        """
        return dict(vars(self))


def in_turn(
    tasks: Mapping[str, Callable[[], object]],
    rounds: int = ROUNDS,
    prepare: Callable[[], object] | None = None,
    budget_seconds: float = math.inf,
) -> dict[str, TaskTime]:
    """Time tasks in turn: A, B, A, B.

    Parameters
    ----------
    tasks : mapping of str to callable
        The tasks by name. Each runs once untimed to warm up.
    rounds : int
        Number of timed runs of each task.
    prepare : callable, optional
        Called before every run; its time does not count.
    budget_seconds : float
        If the warm-up suggests that all rounds would take longer, there are fewer, but at least
        three.

    Returns
    -------
    dict of str to TaskTime
        In the order of `tasks`.

    Raises
    ------
    ValueError
        If `rounds` is less than 1.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: expected at least 1")
    first = sum(_one_round(tasks, prepare))
    affordable = max(_LEAST_ROUNDS, int(min(budget_seconds / first, rounds)))
    each = [_one_round(tasks, prepare) for _ in range(min(rounds, affordable))]
    return {name: TaskTime.of([taken[n] for taken in each]) for n, name in enumerate(tasks)}


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
    """Run a task once, and return the seconds it took."""
    start = time.perf_counter()
    task()
    return max(time.perf_counter() - start, _TICK)
