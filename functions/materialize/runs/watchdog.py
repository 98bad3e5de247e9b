"""Every hour: finish what a crash left behind, and name what has gone stale."""

from __future__ import annotations

from datetime import datetime, timedelta

from common.bigquery.sql import Parameter, template, with_parameters
from common.catalog.definitions import DefinitionVersion
from common.incidents.incidents import Incident
from common.logs import log
from common.messaging.messages import MESSAGE, Message
from common.model.run_status import CLOSED, DONE, UNPLANNED, RunStatus
from functions.materialize.services import Services

STUCK_MINUTES = 15
"""A planned task without an end after this long lost its worker, or waits for one: a push is
answered within nine minutes, and to be asked again harms nobody."""
STALE_HOURS = 26
"""A daily conversion without a success for longer missed its day."""


def watch(services: Services) -> None:
    """Publish unfinished tasks again and report conversions without a recent success."""
    again = unfinished(services)
    for message in again:
        services.bus.publish(message)
    successes = _last_successes(services)
    for stored in services.catalog.active():
        # a conversion that never ran is as old as its definition
        _report_if_stale(services, stored, successes.get(stored.id, stored.created_at))
    # the sign of life for which the alert nothing-runs waits
    log("watchdog", count=len(again))


def unfinished(services: Services) -> list[Message]:
    """What to ask for again, of the last two days: runs that were never planned, and tasks of the
    lowest open tier of each run that never ended.
    """
    sql = template(__file__, runs=services.warehouse.table("runs"))
    bound = with_parameters(
        sql,
        planned=RunStatus.PLANNED,
        requested=RunStatus.REQUESTED,
        unplanned=Parameter("ARRAY<STRING>", list(UNPLANNED)),
        closed=Parameter("ARRAY<STRING>", list(CLOSED)),
        # after two days of asking each hour it is a person's: the incident stale says so
        since=services.ledger.now - timedelta(days=2),
        until=services.ledger.now - timedelta(minutes=STUCK_MINUTES),
    )
    return [MESSAGE.validate_json(row["message"]) for row in services.warehouse.rows(bound)]


def _last_successes(services: Services) -> dict[str, datetime]:
    """Id → when a run of the conversion last ended well; one statement, each of which costs 10 MB
    at least."""
    sql = template(__file__, "watchdog_success", runs=services.warehouse.table("runs"))
    bound = with_parameters(sql, done=Parameter("ARRAY<STRING>", list(DONE)))
    return {row["conversion"]: row["last_success"] for row in services.warehouse.rows(bound)}


def _report_if_stale(services: Services, stored: DefinitionVersion, last: datetime) -> None:
    hours = (services.ledger.now - last).total_seconds() / 3600
    if hours > STALE_HOURS:
        services.ledger.report(
            Incident(
                "stale",
                f"{stored.id} has had no successful run since {last:%Y-%m-%d %H:%M} UTC.",
                fix="Look at its last entries in the runs ledger, mend the cause, run it again.",
                subject=stored.id,
            )
        )
