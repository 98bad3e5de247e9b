"""Rows that break the contract: counted, set aside, and reason to fail when they are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from common.bigquery.sql import Sql, template, with_parameters
from common.errors import UserError
from common.identity import erased
from common.incidents.incidents import Incident
from common.kinds.candidate.reason import reason as why_broken
from common.model.window import Window, yesterday
from common.untyped import JsonObject, Row
from functions.materialize import merge
from functions.materialize.services import Services
from functions.materialize.task.difference import NAMES
from functions.materialize.task.job import Job
from functions.materialize.task.money import Moved

UNPLACED = frozenset("missing_id missing_created invalid_created created_in_future".split())
UNPLACED_SHARE = 0.01
UNPLACED_ROWS = 1000
"""A query with more rows without id or valid time than either fails: its source needs repair first.
One such row is set aside, however few rows there are."""

KNOWN_DAYS = 400
"""A row that was set aside longer ago and is found again is written down again."""


RECENT_DAYS = 30
"""Days whose conversions and value the ledger keeps for lists."""


@dataclass(frozen=True)
class Outcome:
    """What a write would do, known before it is done."""

    counts: merge.Counts
    judged: Mapping[str, int]
    """How many rows were read, how many of them are duplicates, refunded in full or broken."""
    moved: Moved
    changed: Window | None
    """From the first to the last day that has a change; None where nothing changes."""
    published: Row
    """Of the table as the write leaves it: the window's total, and what each day of the RECENT_DAYS
    up to yesterday, and of those up to its last closed day, holds; `usual_before_write` are the
    rows that weekday usually has, as they are."""


def recent_days(services: Services) -> Window:
    """The RECENT_DAYS up to yesterday."""
    until = yesterday(services.ledger.now, services.warehouse.settings.timezone)
    return Window.ending(until, RECENT_DAYS)


def counted(
    services: Services, job: Job, candidates: Sql, difference: Sql, kin: Sql | None = None
) -> Outcome:
    """What the write would do and leave; rows that break the contract go to quarantine.

    Candidates that are rows of a table of `kin` are judged already.
    """
    reason = why_broken() if kin is None else Sql("IF(c.removed IS NULL, c.reason, NULL)")
    sql = template(
        __file__,
        "quarantine_counted",
        candidates=candidates,
        reason=reason,
        **_asked(services, candidates, kin),
        difference=difference,
        target=job.target.table,
    )
    recent = recent_days(services)
    days = {"closed_date": job.closed.end, "recent_start": recent.start, "recent_end": recent.end}
    row = next(services.warehouse.rows(with_parameters(sql, **job.days, **job.zone, **days)))
    judged = _judged(services, job, candidates, reason, row["judged"])
    first, last = row["first_changed"], row["last_changed"]
    changed = None if first is None else Window(first, last)
    return Outcome(merge.counts(row), judged, Moved.of(row), changed, row)


def _asked(services: Services, candidates: Sql, kin: Sql | None) -> dict[str, Sql | str]:
    """What is asked of candidates of a definition's own, or of rows of its kin."""
    if kin is None:
        returned = template(__file__, "quarantine_returned", candidates=candidates)
        return {"returned": returned, "erased": ""}
    # no kin asks that what was returned goes; but somebody may be erased after the pass
    erasures = services.warehouse.table("erasures")
    erased = template(__file__, "quarantine_erased", kin=kin, erasures=erasures)
    return {"returned": "", "erased": erased}


def _judged(
    services: Services, job: Job, candidates: Sql, reason: Sql, found: list[JsonObject]
) -> dict[str, int]:
    """Counts of rows read, and of those removed for a reason; broken rows go to quarantine."""
    # a query may return more days than it was asked for: those rows are other runs' business
    inside = [row for row in found if row["reason"] != "outside_window"]
    read = sum(row["rows_"] for row in inside)
    broken: Counter[str] = Counter()
    for row in inside:
        # a kind may have removed rows for the reason for which the contract breaks others
        if row["reason"]:
            broken[row["reason"]] += row["rows_"]
    duplicates = sum(row["rows_"] for row in found if (row["removed"] or "").startswith("dup"))
    refunded = sum(row["rows_"] for row in found if row["removed"] == "fully_refunded")
    if broken:
        _quarantine(services, job, candidates, reason, broken, read)
    return {
        "rows_read": read,
        "duplicates": duplicates + broken.pop("duplicate_id", 0),
        "refunded": refunded,
        "quarantined": sum(broken.values()),
    }


def _quarantine(
    services: Services, job: Job, candidates: Sql, reason: Sql, broken: dict[str, int], read: int
) -> None:
    """Write down what is not yet in quarantine; raises UserError where too much is broken."""
    insert = template(
        __file__,
        quarantine=services.warehouse.table("quarantine"),
        candidates=candidates,
        reason=reason,
        days=str(KNOWN_DAYS),
        spared=erased.spared("c", NAMES, services.warehouse.table("erasures")),
    )
    facts = {
        "conversion": job.stored.id,
        "run_id": job.task.run_id,
        "now": services.ledger.now,
    }
    services.warehouse.execute(with_parameters(insert, **job.days, **job.zone, **facts))
    listed = ", ".join(f"{count:,} x {code}" for code, count in sorted(broken.items()))
    services.ledger.report(
        Incident(
            "rows_quarantined",
            f"{job.stored.id}: rows that break the contract were set aside: {listed}.",
            fix="Look at them in the table quarantine, and mend the query or its source.",
            subject=job.stored.id,
            severity="warning",
        ),
        run_id=job.task.run_id,
    )
    unplaced = sum(count for code, count in broken.items() if code in UNPLACED)
    if unplaced > min(UNPLACED_ROWS, max(1, UNPLACED_SHARE * read)):
        raise UserError(
            f"{unplaced:,} of {read:,} rows of {job.stored.id} lack an id or a time ({listed}).",
            code="too_many_broken_rows",
            fix="Mend the query or its source; the broken rows are in the table quarantine.",
        )
