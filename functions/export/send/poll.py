"""Asynchronous truth: what a platform did with a request after it had accepted it.

Platforms tell counts per reason and never which rows, so rows of a request that partly failed are
sent again where time may cure them and the platform takes the same key twice; everything else is
booked as counts (see `report`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from common.bigquery.sql import template, with_parameters
from common.logs import log
from common.untyped import JsonObject, Row
from functions.export.contract.base import Destination
from functions.export.ledger.entries import FIRST_POLL
from functions.export.send import incidents
from functions.export.send.delivery import FAILURES_IN_A_ROW
from functions.export.services import Connection
from functions.export.transport.clock import Deadline, Pace
from functions.export.transport.results import Status

LONGEST_PAUSE = timedelta(hours=12)
REMEMBERED = timedelta(days=60)
"""Nobody tells of an older request: Google for about fifty days (REQUEST_TOO_OLD)."""
RESENDS = 5
"""How often a row is sent again because its request failed later; then it counts as failed."""


def poll(connection: Connection, run_id: str, fence: int, deadline: Deadline) -> int:
    """Ask about the requests of the destination that are due; how many have an end now.

    A request of which nothing can be learnt now is asked about later, like one that is still being
    worked on, and holds up no other one. Ends early when time is up or the platform seems down.
    """
    if not connection.destination.capabilities.asynchronous:
        return 0
    services, now = connection.services, connection.services.clock.now()
    pace = Pace(services.clock, connection.destination.requests_per_second)
    booked: list[JsonObject] = []
    silent = 0
    for request in _due(connection, now):
        pace.wait()
        status = connection.destination.poll(request["request_id"], services.wire)
        silent = silent + 1 if status is None else 0
        # no answer is no end: the request is asked about later
        status = status or Status("processing")
        # rows before their request: after a kill in between it is asked about once more
        if state := reopened(status, connection.destination):
            _reopen(connection, request, state, status, run_id, fence, now)
        if connection.destination.capabilities.audience and status.state != "processing":
            _leave(connection, request, status if state else None, run_id, fence, now)
        booked.append(answered(connection, request, status, now))
        # after the booking, so that each tick gets at least one request further
        if deadline.left <= 0 or silent >= FAILURES_IN_A_ROW:
            break
    _report(connection, booked, run_id)
    # one statement for all: BigQuery takes 25 of them in ten seconds for one table
    services.warehouse.append("export_requests", booked)
    return sum(entry["state"] != "processing" for entry in booked)


def reopened(status: Status, destination: Destination[Any]) -> str | None:
    """The state that rows of the request get now, or None when they keep theirs."""
    curable = bool(status.resend)
    # without a reason nobody can say that the rows are bad
    if status.state == "failed" and not curable and (status.account or not status.counts):
        return "parked"
    if status.state == "failed":
        return "absent" if curable else "failed"
    replaces = destination.capabilities.repeats == "replaces"
    return "requested" if status.state == "partial" and curable and replaces else None


def next_poll(polls: int, now: datetime) -> datetime:
    """When to ask again after so many answers that said nothing yet."""
    # without the cap sixty days of polls are more than a timedelta holds
    pause: timedelta = FIRST_POLL * 2 ** min(polls, 10)
    return now + min(pause, LONGEST_PAUSE)


def _due(connection: Connection, now: datetime) -> list[JsonObject]:
    warehouse = connection.services.warehouse
    sql = template(__file__, "poll_due", requests=warehouse.table("export_requests"))
    bound = {"destination": connection.id, "now": now, "since": _since(now)}
    return list(warehouse.rows(with_parameters(sql, **bound)))


def _since(now: datetime) -> date:
    return (now - REMEMBERED).date()


def answered(connection: Connection, request: Row, status: Status, now: datetime) -> JsonObject:
    """The request's next entry in export_requests."""
    polls = request["polls"] + 1
    log(
        "export_request",
        destination=connection.id,
        request_id=request["request_id"],
        status=status.state,
        rows=request["row_count"],
    )
    return {
        **request,
        "recorded_at": now,
        "destination": connection.id,
        "state": status.state,
        "reason": None,
        "polls": polls,
        "next_poll_at": next_poll(polls, now) if status.state == "processing" else None,
        "counts": json.dumps(dict(status.counts), sort_keys=True),
    }


def _alarming(entry: Row, connection: Connection) -> dict[str, int]:
    """What was refused later, by reason, without what is no fault of anybody."""
    quiet = connection.destination.quiet
    counts: dict[str, int] = json.loads(entry["counts"])
    return {reason: count for reason, count in counts.items() if not reason.startswith(quiet)}


def _reopen(
    connection: Connection,
    request: Row,
    state: str,
    status: Status,
    run_id: str,
    fence: int,
    now: datetime,
) -> None:
    warehouse = connection.services.warehouse
    sql = template(__file__, "poll_reopen", attempts=warehouse.table("export_attempts"))
    warehouse.execute(
        with_parameters(
            sql,
            destination=connection.id,
            request_id=request["request_id"],
            state=state,
            reason=_reason(status),
            run_id=run_id,
            fence=fence,
            now=now,
            resends=RESENDS,
            since=_since(now),
            # clocks of two workers may disagree about the day
            sent_date=request["date"] - timedelta(days=1),
        )
    )


def _leave(
    connection: Connection,
    request: Row,
    refused: Status | None,
    run_id: str,
    fence: int,
    now: datetime,
) -> None:
    """Forget who left by an old address in the request; where it was refused after all, know them
    by it again and have their conversions looked at."""
    if refused:
        # conversions before their identifiers: after a kill in between both are done once more
        _rejoin(connection, request, refused, run_id, fence, now)
    warehouse = connection.services.warehouse
    members = warehouse.table("audience_members")
    sql = template(__file__, "poll_stayed" if refused else "poll_left", members=members)
    warehouse.execute(with_parameters(sql, **_members_of(connection, request)))


def _rejoin(
    connection: Connection, request: Row, refused: Status, run_id: str, fence: int, now: datetime
) -> None:
    warehouse = connection.services.warehouse
    sql = template(
        __file__,
        "poll_rejoin",
        attempts=warehouse.table("export_attempts"),
        members=warehouse.table("audience_members"),
    )
    bound = {
        "now": now,
        "run_id": run_id,
        "fence": fence,
        "reason": _reason(refused),
        "resends": RESENDS,
        "since": _since(now),
    }
    warehouse.execute(with_parameters(sql, **_members_of(connection, request), **bound))


def _members_of(connection: Connection, request: Row) -> dict[str, str]:
    """Parameters that find who left by a request."""
    names = ("account", "conversion", "request_id")
    return {"destination": connection.id, **{name: request[name] for name in names}}


def _report(connection: Connection, booked: Sequence[Row], run_id: str) -> None:
    """Tell a person what the platform took and then refused, and why."""
    refused: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in booked:
        if entry["state"] in ("partial", "failed"):
            refused[entry["conversion"]].update(_alarming(entry, connection))
    for conversion, counts in sorted(refused.items()):
        if counts:
            incidents.refused_later(connection.services, connection.id, conversion, run_id, counts)


def _reason(status: Status) -> str:
    """The most frequent reason, among those that say what follows if there are any."""
    telling = status.resend or status.account
    counts = {
        reason: count for reason, count in status.counts.items() if not telling or reason in telling
    }
    return max(counts, key=lambda reason: (counts[reason], reason), default="failed")
