"""BigQuery's default quotas and limits.

Sources: https://cloud.google.com/bigquery/quotas ("Standard tables", "Partitioned tables", "Views",
"Query jobs", "Data manipulation language (DML) statements"), and
https://cloud.google.com/bigquery/pricing for the least that is billed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WINDOW_SECONDS = 10
DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Figures:
    """How much is allowed; a test may lower a figure, or declare tables larger than they are."""

    modifications_a_day: int = 1_500
    """Loads, copies and queries into one table without partitions; failed ones count, DML does not.
    Source for both: https://cloud.google.com/bigquery/docs/optimize-load-jobs"""
    updates: int = 5
    """Definitions and loads of one table in ten seconds; DML counts and is never refused for it."""
    updates_if_partitioned: int = 50
    dml: int = 25
    """DML statements on one table in ten seconds, INSERT included."""
    mutating_running: int = 2
    mutating_queued: int = 20
    inserts_at_once: int = 1_500
    """INSERTs of a table in a day that begin as they come; later ones wait for one another."""
    inserts_running: int = 10
    inserts_queued: int = 100
    parameters: int = 10_000
    query_characters: int = 1_024 * 1_024
    view_characters: int = 256 * 1_024
    partitions_a_job: int = 4_000
    partitions_a_day: int = 30_000
    """Partitions of one table, by a column of time, that loads, copies and queries into it write in
    a day, in place of `modifications_a_day`; DML does not count."""
    bytes_a_day: int = 200 * 1_024**4
    least_billed: int = 10 * 1_024**2
    """Bytes of each table that a query names."""
    declared: dict[str, int] = field(default_factory=dict)
    """project.dataset.table → the bytes that reading it counts for, whatever it holds."""
