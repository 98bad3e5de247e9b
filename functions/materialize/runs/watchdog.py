"""Every hour: finish what a crash left behind, and name what has gone stale."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from common.bigquery.sql import Parameter, template, with_parameters
from common.catalog.definitions import Stored
from common.catalog.progress import DONE
from common.messaging.messages import MaterializeTask, Message, ScoreTask
from common.messaging.publisher import Bus
from functions.materialize.runs.ledger import CLOSED
from functions.materialize.task.work import Desk

STUCK_MINUTES = 45
"""A planned task without an end after this long lost its worker; a lease lapses after 30."""
STALE_HOURS = 26
"""A daily conversion without a success for longer missed its day."""


def watch(desk: Desk, bus: Bus, definitions: Iterable[Stored]) -> None:
    """Publish unfinished tasks again and report conversions without a recent success."""
    for message in unfinished(desk):
        bus.publish(message)
    for stored in definitions:
        _report_if_stale(desk, stored)


def unfinished(desk: Desk) -> list[Message]:
    """Tasks of the last two days, of the lowest open tier of each run, that never ended."""
    sql = template(__file__, runs=desk.warehouse.table("runs"))
    bound = with_parameters(
        sql,
        closed=Parameter("ARRAY<STRING>", list(CLOSED)),
        since=desk.ledger.now - timedelta(days=2),
        until=desk.ledger.now - timedelta(minutes=STUCK_MINUTES),
    )
    return [
        (ScoreTask if '"kind":"score"' in row["message"] else MaterializeTask).model_validate_json(
            row["message"]
        )
        for row in desk.warehouse.rows(bound)
    ]


def _report_if_stale(desk: Desk, stored: Stored) -> None:
    sql = template(__file__, "watchdog_success", runs=desk.warehouse.table("runs"))
    bound = with_parameters(sql, conversion=stored.id, done=Parameter("ARRAY<STRING>", list(DONE)))
    last = next(desk.warehouse.rows(bound))["last_success"] or stored.created_at
    hours = (desk.ledger.now - last).total_seconds() / 3600
    if hours > STALE_HOURS:
        desk.ledger.incident(
            "stale",
            f"{stored.id} has had no successful run since {last:%Y-%m-%d %H:%M} UTC.",
            fix="Look at its last entries in the runs ledger, mend the cause, and run it again.",
            conversion=stored.id,
        )
