"""Once a day: what platforms themselves say of the quality of what they got."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC

from common.errors import ProductError
from common.logs import log
from common.untyped import JsonObject
from functions.export.send import incidents
from functions.export.services import Connection

HOUR = 6
"""Hour of the day, UTC, whose tick asks: platforms have summed up the day before by then."""

TOO_SMALL = "audience_too_small"

DIAGNOSED = "diagnosed"
"""State of such a request in export_requests."""


def diagnose(connection: Connection, run_id: str) -> int:
    """Ask the platform, at one hour of the day, and write down what it says; for how many
    conversions it said something. That it says nothing, or cannot be asked, stops nothing."""
    services, now = connection.services, connection.services.clock.now()
    day = now.astimezone(UTC)
    if day.hour != HOUR:
        return 0
    try:
        found = connection.destination.diagnose(day.date(), services.wire)
    except ProductError as error:
        log("export_undiagnosed", "WARNING", destination=connection.id, reason=error.code)
        return 0
    booked: list[JsonObject] = [
        {
            "date": day.date(),
            "recorded_at": now,
            "destination": connection.id,
            "account": connection.destination.account(conversion) if conversion else "",
            "conversion": conversion,
            "request_id": f"diagnosis-{connection.id}-{conversion}-{day.date()}",
            "run_id": run_id,
            "row_count": 0,
            "body_sha256": "",
            "sent_at": now,
            "state": DIAGNOSED,
            "reason": None,
            "polls": 0,
            "next_poll_at": None,
            "counts": json.dumps(dict(measures), sort_keys=True),
        }
        for conversion, measures in sorted(found.items())
    ]
    if booked:
        services.warehouse.append("export_requests", booked)
    _warn_of_small(connection, found, run_id)
    return len(booked)


def _warn_of_small(
    connection: Connection, found: Mapping[str, Mapping[str, float]], run_id: str
) -> None:
    """Raise what the platform makes nothing of: an audience below its minimum."""
    least = connection.destination.capabilities.smallest_audience
    for conversion, measures in sorted(found.items()):
        size = measures.get("size_to")
        if not least or size is None:
            continue
        subject = f"{connection.id}/{conversion}"
        # resolved first and raised anew while it holds: an audience that grew drops out
        incidents.log_of(connection.services).resolve_gone(subject, run_id, codes=(TOO_SMALL,))
        if size < least:
            incidents.incident(
                connection.services,
                TOO_SMALL,
                "warning",
                subject,
                run_id,
                f"{subject}: the audience has at most {size:,.0f} people; below {least:,} the "
                "platform makes nothing of it.",
                "Let more conversions qualify, or send earlier ones by a replay.",
            )
