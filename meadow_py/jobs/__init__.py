"""Long work: progress, stage times, executors, cancellation, and resuming where it stopped."""

from __future__ import annotations

from meadow_py.jobs.each import Stop, each
from meadow_py.jobs.journal import Journal
from meadow_py.jobs.progress import Progress, Stopwatch

__all__ = ["Journal", "Progress", "Stop", "Stopwatch", "each"]
