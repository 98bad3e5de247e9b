"""Once a day: what platforms themselves say of the quality of what they got."""

from __future__ import annotations

import json
from datetime import UTC

from common.errors import ProductError
from common.logs import log
from common.untyped import JsonObject
from functions.export.services import Connection

HOUR = 6
"""Hour of the day, UTC, whose tick asks: platforms have summed up the day before by then."""

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
    return len(booked)
