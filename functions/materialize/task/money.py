"""The brake on money: a window that is suddenly worth much more or less waits for a person.

Losing the table of rates, or a load that broke amounts, looks like this. What a refund, a score,
a normalization factor or an edited definition moved is explained and never waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.untyped import Row
from functions.materialize.task.job import Job

SHARE = 0.2
ROWS = 10
"""Fewer rows than this are somebody's corrections, not a broken source."""


@dataclass(frozen=True)
class Moved:
    """What rows that were there before would be worth, where nothing explains the change."""

    before: float
    """The window's value now, in the project's currency."""
    rows: int
    value: float
    """By how much their value would change."""

    @classmethod
    def of(cls, row: Row) -> Moved:
        """The figures in a row of quarantine_counted.sql."""
        return cls(row["value_before"] or 0, row["moved_rows"] or 0, row["moved_value"] or 0)


def brake(moved: Moved, job: Job) -> str | None:
    """Why the write must wait for a person, or None."""
    conversion = job.stored.conversion
    if job.is_first or conversion.scoring() or conversion.members():
        # a combined conversion follows its members, which have waited where they had to
        return None
    if moved.rows < ROWS or abs(moved.value) <= SHARE * abs(moved.before):
        return None
    return (
        f"the window's value would change from {moved.before:,.2f} to"
        f" {moved.before + moved.value:,.2f} {job.context.currency}, because {moved.rows:,}"
        " conversions changed their value without a refund, a score or an edit"
    )
