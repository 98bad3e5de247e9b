"""Statuses of a task in the ledger of runs: the closed set, and what each group of them means."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RunStatus(StrEnum):
    """What an entry of the ledger says of a task; stored as written here."""

    REQUESTED = "requested"
    """The run has begun and has not planned its tasks yet; belongs to no conversion."""
    PLANNED = "planned"
    STAGED = "staged"
    """GA4 days were read into the stage; belongs to no conversion."""
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    HELD = "held"
    """A brake (circuit breaker) stopped the write; a person decides."""
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CONTINUED = "continued"
    """A chunk of its days is done; the rest comes as a task of its own."""
    UNSCORED = "unscored"
    """Its rows wait for a model's values."""
    CANCELLED = "cancelled"
    """A person ended the run: what has begun ends by itself, the rest is not done."""
    COALESCED = "coalesced"
    """Another run was at work and does it afterwards."""
    RECOVERED = "recovered"
    """The books of a worker that died were completed. Older ledgers have it; since the history of
    changes is written with them, nothing writes it."""


UNPLANNED: Final = (RunStatus.REQUESTED, RunStatus.STAGED, RunStatus.HELD)
"""What a run may say of itself, without a conversion, before its tasks are planned."""
DONE: Final = (RunStatus.APPLIED, RunStatus.UNCHANGED)
"""The conversion's window is up to date."""
COVERED: Final = (*DONE, RunStatus.CONTINUED)
"""The days of the entry are."""
FINISHED: Final = (*DONE, RunStatus.HELD, RunStatus.FAILED)
"""The task ran to an end of its own."""
CLOSED: Final = (*FINISHED, RunStatus.SUPERSEDED, RunStatus.CANCELLED)
"""The conversion no longer keeps its tier waiting."""
ENDS: Final = (*CLOSED, RunStatus.CONTINUED, RunStatus.UNSCORED)
"""There is nothing left to do for the task itself."""
SETTLED: Final = (*COVERED, RunStatus.HELD, RunStatus.UNSCORED)
"""Written by the task itself after all its writes were over; a task that failed may leave some."""
