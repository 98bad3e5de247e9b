"""What the hourly tick has to look at: only what is open, so that it reads days and not years.

A run reads the whole ledger of its conversion, which it needs to be exact. It comes with every run
of the conversion's table; in between something can be due only where an attempt was left open,
where a person asked for something, or where a destination or a table is new. Each look at what is
open writes it down anew, so the latest days tell of all of it.
"""

from __future__ import annotations

from datetime import UTC, timedelta

from common.bigquery.sql import Parameter, template, with_parameters
from common.model.run_status import DONE
from functions.export.reconcile.delivery_state import OPEN, PARKED_FOR
from functions.export.services import Connection

LATEST_DAYS = 3
JUST_NOW = timedelta(hours=3)
"""For so long a saved destination and a finished table are news: two ticks may be lost."""


def due(connection: Connection) -> list[str]:
    """The conversions of the destination to run now, in the order of its config."""
    services, now = connection.services, connection.services.clock.now()
    if now - connection.stored.created_at < JUST_NOW:
        return connection.conversions
    attempts, runs = (services.warehouse.table(name) for name in ("export_attempts", "runs"))
    sql = template(__file__, attempts=attempts, runs=runs)
    bound = {
        "destination": connection.id,
        "since": now.astimezone(UTC).date() - timedelta(days=LATEST_DAYS),
        "just_now": now - JUST_NOW,
        "parked_before": now - PARKED_FOR,
        "done": list(DONE),
        "open": Parameter("ARRAY<STRING>", sorted(OPEN)),
    }
    found = {row["conversion"] for row in services.warehouse.rows(with_parameters(sql, **bound))}
    return [conversion for conversion in connection.conversions if conversion in found]
