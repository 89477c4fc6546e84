"""Long work: progress, stage times, executors, cancellation, and resuming where it stopped."""

from __future__ import annotations

from meadow_py.jobs.journal import Journal
from meadow_py.jobs.progress import Progress, Stopwatch
from meadow_py.jobs.tasks import Stop, each

__all__ = ["Journal", "Progress", "Stop", "Stopwatch", "each"]
