"""The one way a table changes: difference, brake, MERGE under a fence; twice is once.

Step by step: lease with a fence → await what the previous holder left → stage the new rows →
difference with the window → brake → one MERGE that checks the fence → ledger → release. Only the
difference is written: unchanged rows are never rewritten, and a repeated MERGE does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from common.bigquery.leases.lease import Lease, held, is_held, table_of
from common.bigquery.sql import Sql, fill, join, template, with_parameters
from common.bigquery.sql import identifier as quoted
from common.bigquery.warehouse import Warehouse
from common.errors import ConflictError, RetryableError, UserError
from common.model.window import Window
from common.untyped import Row

BRAKE_ROWS = 50
BRAKE_SHARE = 0.2
"""A run that would delete more than both stops: a half-loaded table looks like this."""
REACH = 3
"""How many holders in a row may die before they come to a job of their own."""


@dataclass(frozen=True)
class MergeTarget:
    """A table that the protocol writes: its key and its columns."""

    table: Sql
    key: str
    columns: Sequence[str]
    provenance: Sequence[str] = ()
    """Columns that the MERGE sets but that are no reason to rewrite a row."""


@dataclass(frozen=True)
class Counts:
    """What a write would do to its window."""

    inserted: int
    updated: int
    deleted: int
    before: int

    @property
    def changed(self) -> int:
        """Rows inserted, updated and deleted."""
        return self.inserted + self.updated + self.deleted

    @property
    def after(self) -> int:
        """Rows in the window after the write."""
        return self.before + self.inserted - self.deleted


def row_text(alias: str, schema: Sequence[Row], names: Iterable[str]) -> str:
    """A STRING expression of all these columns, which no two different rows share.

    The separator and the sign for NULL are control characters, which stand in no value.
    """
    types = {column["name"]: column for column in schema}
    texts = ", ".join(_text(alias, types[name]) for name in names)
    return f"ARRAY_TO_STRING([{texts}], CHR(31), CHR(30))"


def _text(alias: str, column: Row) -> str:
    value = f"{alias}.{column['name']}"
    if column["type"] == "RECORD":
        return f"TO_JSON_STRING({value})"
    # JSON of whole rows cost four times the work; a record has no CAST to STRING
    return value if column["type"] == "STRING" else f"CAST({value} AS STRING)"


def brakes(counts: Counts, *, edited: bool) -> str | None:
    """Why this write must wait for a person, or None.

    An edited definition may remove many rows on purpose, but not all of them.
    """
    # also of an edited definition: an empty table has never been what somebody meant
    if counts.deleted and counts.after == 0:
        return f"all {counts.before:,} conversions of the window would disappear"
    if not edited and counts.deleted > max(BRAKE_ROWS, BRAKE_SHARE * counts.before):
        return f"{counts.deleted:,} of {counts.before:,} conversions of the window would disappear"
    return None


def count(warehouse: Warehouse, target: MergeTarget, difference: Sql, window: Window) -> Counts:
    """The rows that the difference inserts, updates and deletes, and those there before."""
    sql = template(__file__, "merge_count", difference=difference, target=target.table)
    days = {"start_date": window.start, "end_date": window.end}
    return counts(next(warehouse.rows(with_parameters(sql, **days))))


def counts(row: Row) -> Counts:
    """The counts in a row that tells them."""
    return Counts(**{name: row[name] or 0 for name in ("inserted", "updated", "deleted", "before")})


def merge(
    warehouse: Warehouse,
    target: MergeTarget,
    difference: Sql,
    lease: Lease,
    window: Window,
    part: str = "",
) -> None:
    """Apply the difference in one statement if the fence is still ours.

    One fence may write several tables, each as a `part` of its own.
    """
    fenced = template(__file__, "merge_fenced", leases=warehouse.table(table_of(lease.name)))
    statement = with_parameters(
        merging(target, difference, window, fenced), lease=lease.name, fence=lease.fence
    )
    warehouse.execute(statement, job_id=merge_job(lease, part))


def merge_with_history(
    warehouse: Warehouse,
    target: MergeTarget,
    difference: Sql,
    history: Sql,
    lease: Lease,
    window: Window,
) -> None:
    """Apply the difference of these days and run `history`, both or none, if the fence is ours.

    The difference is empty afterwards, so that the same job under another id, after an answer that
    was lost, writes nothing twice. Raises RetryableError once somebody has taken the lease over.
    """
    # of TRUNCATE in a transaction: cloud.google.com/bigquery/docs/transactions
    emptied = fill("TRUNCATE TABLE {{ difference }}", difference=difference)
    statements = [held(warehouse, lease), merging(target, difference, window), history, emptied]
    try:
        # in one transaction: a worker that dies leaves no row whose change nobody can tell
        warehouse.execute_together(statements, job_id=merge_job(lease))
    except UserError:
        if is_held(warehouse, lease):
            raise
        # whoever has it now does the work if ours was not done
        raise RetryableError(
            f"{lease.name} was taken over by another run.", code="lease_lost"
        ) from None


def merging(target: MergeTarget, difference: Sql, window: Window, fenced: Sql | str = "") -> Sql:
    """The statement that applies the difference of the window's days, on the condition `fenced`."""
    names = [name for name in target.columns if name not in target.provenance]
    written = [*names, *target.provenance]
    sql = template(
        __file__,
        target=target.table,
        difference=difference,
        fenced=fenced,
        key=quoted(target.key),
        assignments=join(", ", (fill("{{ c }} = source.{{ c }}", c=quoted(n)) for n in written)),
        columns=join(", ", map(quoted, written)),
        values=join(", ", (fill("source.{{ c }}", c=quoted(n)) for n in written)),
    )
    return with_parameters(sql, first_date=window.start, last_date=window.end)


def merge_job(lease: Lease, part: str = "") -> str:
    """The id of the MERGE job of this lease's fence: taken once, for ever."""
    # a hyphen, which no name has: the second try of lead's fence 2 was lead_2's first, and waited
    # for that in place of running
    return f"merge_{lease.key}-{lease.fence}{part and f'_{part}'}"


def await_previous_merge(
    warehouse: Warehouse, lease: Lease, part: str = "", settled_fence: int | None = None
) -> None:
    """Make sure that no MERGE of an earlier fence is running or can still start.

    Of a settled fence nothing runs, and its holder has awaited those before it. Raises
    RetryableError while one runs.
    """
    if lease.is_first or settled_fence == lease.fence - 1:
        return
    for fence in range(lease.fence - 1, max(lease.fence - 1 - REACH, 0), -1):
        # an account that was made anew may not read what the one before it ran
        with suppress(ConflictError):
            if not warehouse.forestall(merge_job(replace(lease, fence=fence), part)):
                # whoever took this id has awaited those before it; who took none may have died
                return
