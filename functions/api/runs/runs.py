"""Runs: what each did, by the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import Field

from common.bigquery.sql import Parameter, template, with_parameters
from common.errors import ConflictError, NotFoundError
from common.http.model import Model
from common.http.pages import PageQuery, cursor, read_cursor, read_moment
from common.http.request import Ask, Nothing, Text
from common.model.run_status import CLOSED, RunStatus
from common.untyped import JsonObject
from functions.api.services import Services

# in brackets, which no id can have
STAGE = "(GA4 stage)"
NOTES = frozenset([RunStatus.RECOVERED])
"""Entries about the books of an earlier run, which say nothing about how far this one is."""


class RunsQuery(PageQuery):
    """Which runs, the newest first."""

    conversion: Text = Field("", description="Only runs that had this conversion.")
    status: Literal["", "running", "finished", "held", "failed", "cancelled"] = Field(
        "", description="Only runs in this state."
    )
    days: int = Field(14, ge=1, le=92, description="Begun in the last so many days.")
    limit: int = Field(50, ge=1, le=500, description="At most so many on one page.")


class Entry(Model):
    """What a run did to one conversion, or to the stage when `conversion` is empty."""

    recorded_at: datetime
    conversion: str
    status: str
    tier: int | None
    trigger: str | None
    definition_version: int | None
    start_date: date | None
    end_date: date | None
    rows_read: int | None
    rows_total: int | None
    value_total: float | None
    inserted: int | None
    updated: int | None
    deleted: int | None
    duplicates: int | None
    refunded: int | None = Field(description="Rows removed as refunded in full; null is unknown.")
    quarantined: int | None
    bytes_processed: int | None
    seconds: float | None
    detail: str | None


class Run(Model):
    """A run in one line."""

    run_id: str
    trigger: str | None
    status: Literal["running", "finished", "held", "failed", "cancelled"]
    started_at: datetime
    last_entry_at: datetime
    planned: int = Field(description="Conversions that the run takes care of.")
    done: int = Field(description="Conversions that are through, one way or another.")
    held: list[str] = Field(description="Conversions that were held for a person's eye.")
    failed: list[str]
    inserted: int
    updated: int
    deleted: int
    bytes_processed: int | None
    seconds: float


class RunDetail(Run):
    """A run with everything that it did, oldest first."""

    entries: list[Entry]


class RunList(Model):
    """Runs, the newest first."""

    runs: list[Run]
    next_page: str = Field(description="Empty on the last page.")


def list_runs(ask: Ask[RunsQuery, None], services: Services) -> RunList:
    """List the runs."""
    since = services.now().date() - timedelta(days=ask.query.days)
    place = read_cursor(ask.query.page, 2)
    sql = template(__file__, "runs_page", runs=services.warehouse.table("runs"))
    bound = with_parameters(
        sql,
        since=since,
        conversion=ask.query.conversion,
        status=ask.query.status,
        notes=Parameter("ARRAY<STRING>", list(NOTES)),
        closed=Parameter("ARRAY<STRING>", list(CLOSED)),
        failed=RunStatus.FAILED,
        held=RunStatus.HELD,
        cancelled=RunStatus.CANCELLED,
        unchanged=RunStatus.UNCHANGED,
        before=Parameter("TIMESTAMP", read_moment(place[0]) if place else None),
        before_id=place[1] if place else "",
        limit=ask.query.limit + 1,
    )
    found = list(services.warehouse.rows(bound))
    page = found[: ask.query.limit]
    shown = _runs(services, since, [row["run_id"] for row in page])
    more = len(found) > len(page)
    return RunList(
        runs=[_short(run) for run in shown],
        next_page=cursor(page[-1]["started_at"].isoformat(), page[-1]["run_id"]) if more else "",
    )


def get_run(ask: Ask[Nothing, None], services: Services) -> RunDetail:
    """Read one run with everything that it did.

    404 until its first entry, which comes within a minute.
    """
    # a run is found by its id however long ago it was
    found = _runs(services, date(2000, 1, 1), [ask.path["run_id"]])
    if not found:
        raise NotFoundError(
            f"There is no run {ask.path['run_id']!r} yet.",
            code="unknown_run",
            fix="A run that was just asked for appears within a minute; GET /runs lists them.",
        )
    return found[0]


def cancel(ask: Ask[Nothing, None], services: Services) -> RunDetail:
    """Cancel a run: what has begun ends by itself, what has not is not done.

    Refused when the run has ended.
    """
    run = get_run(ask, services)
    if run.status != "running":
        raise ConflictError(
            f"The run {run.run_id!r} is {run.status} already.",
            code="run_ended",
            fix="Run now brings its conversions up to date; history shows what it changed.",
        )
    # the ledger is cut by days of UTC, whatever the project's zone
    at = services.now().astimezone(UTC)
    entry = {
        "date": at.date(),
        "recorded_at": at,
        "run_id": run.run_id,
        "conversion": "",
        "status": RunStatus.CANCELLED,
        "detail": f"Cancelled by {ask.author}.",
    }
    # a task looks for this entry before it begins
    services.warehouse.append("runs", [entry])
    return get_run(ask, services)


def summary(run_id: str, entries: Iterable[JsonObject]) -> RunDetail:
    """A run as its ledger entries, oldest first, describe it."""
    listed = [Entry(**{name: entry[name] for name in Entry.model_fields}) for entry in entries]
    shown = [entry for entry in listed if entry.conversion and entry.status not in NOTES]
    last = {entry.conversion: entry.status for entry in shown}
    # the newest entry counts: what was held and forced since is done
    closed = {id for id, status in last.items() if status in CLOSED}
    held = sorted(id for id, status in last.items() if status == RunStatus.HELD)
    if any(entry.status == RunStatus.HELD and not entry.conversion for entry in listed):
        held.insert(0, STAGE)
    unplanned = {entry.status for entry in listed if not entry.conversion}
    failed = sorted(id for id, status in last.items() if status == RunStatus.FAILED)
    # unknown is not 0
    sizes = [entry.bytes_processed for entry in listed if entry.bytes_processed is not None]
    return RunDetail(
        run_id=run_id,
        trigger=next((entry.trigger for entry in listed if entry.trigger), None),
        status=(
            "cancelled"
            if RunStatus.CANCELLED in unplanned
            else "failed"
            if RunStatus.FAILED in unplanned and not last
            else "running"
            if closed != set(last) or not (last or RunStatus.UNCHANGED in unplanned)
            else "failed"
            if failed
            else "held"
            if held
            else "finished"
        ),
        started_at=listed[0].recorded_at,
        last_entry_at=listed[-1].recorded_at,
        planned=len(last),
        done=len(closed),
        held=held,
        failed=failed,
        inserted=sum(entry.inserted or 0 for entry in listed if entry.conversion),
        updated=sum(entry.updated or 0 for entry in listed if entry.conversion),
        deleted=sum(entry.deleted or 0 for entry in listed if entry.conversion),
        bytes_processed=sum(sizes) if sizes else None,
        seconds=round(sum(entry.seconds or 0 for entry in listed), 3),
        entries=listed,
    )


def _runs(services: Services, since: date, ids: list[str]) -> list[RunDetail]:
    if not ids:
        return []
    sql = template(__file__, runs=services.warehouse.table("runs"))
    rows = services.warehouse.rows(
        with_parameters(sql, since=since, ids=Parameter("ARRAY<STRING>", ids))
    )
    by_run: dict[str, list[JsonObject]] = {}
    for row in rows:
        by_run.setdefault(row["run_id"], []).append(row)
    runs = [summary(id, entries) for id, entries in by_run.items()]
    return sorted(runs, key=lambda run: run.started_at, reverse=True)


def _short(run: RunDetail) -> Run:
    return Run(**{name: getattr(run, name) for name in Run.model_fields})
