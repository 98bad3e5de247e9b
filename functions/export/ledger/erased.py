"""What platforms were sent of erased persons: forgotten when taken back, or after a month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from common.bigquery.sql import Parameter, template, with_parameters
from common.bigquery.warehouse import Warehouse
from functions.export.ledger.ledger import ERASED_FOR, FOR_EVER
from functions.export.reconcile.delivery_state import OPEN

WAITING = OPEN | {"ambiguous", "parked", "failed"}
"""States in which a platform, or a person, still has to answer."""
LOOKED_BACK = 2 * ERASED_FOR
"""How far back a tick looks for what is due; the command of an erasure looks at all."""
AT_ONCE = 5_000
"""Deliveries forgotten by one statement."""


@dataclass
class Forgotten:
    """What was deleted."""

    rows: Counter[str] = field(default_factory=Counter)
    """By table."""
    unconfirmed: Counter[str] = field(default_factory=Counter)
    """Deliveries by destination that had not been taken back in all the time there was."""


def forget(warehouse: Warehouse, now: datetime, looked_back: timedelta = LOOKED_BACK) -> Forgotten:
    """Delete what the product keeps of deliveries of erased persons, hashes of them included.

    They go as soon as the platform has accepted what takes them back, and where it may still refuse
    what it has accepted, as soon as it has said that it did not; or when it cannot take back; at
    the latest 30 days after the erasure.
    """
    done = Forgotten()
    # most ticks find no erasure: a look at one small table spares the scan of the ledger
    if not _lately(warehouse, now - looked_back):
        return done
    sql = template(
        __file__,
        attempts=warehouse.table("export_attempts"),
        requests=warehouse.table("export_requests"),
    )
    bound = {
        "since": (now - looked_back).astimezone(UTC).date(),
        "erased_before": now - ERASED_FOR,
        "open": Parameter("ARRAY<STRING>", sorted(WAITING)),
    }
    found = list(warehouse.rows(with_parameters(sql, **bound)))
    done.unconfirmed.update(row["destination"] for row in found if row["is_open"])
    keys = [row["key"] for row in found]
    for start in range(0, len(keys), AT_ONCE):
        # what names the deliveries goes last, so that a crash in between leaves them to be found
        for table in ("audience_members", "export_attempts"):
            done.rows[table] += _delete(warehouse, table, keys[start : start + AT_ONCE])
    return done


def forget_all(warehouse: Warehouse, now: datetime) -> Forgotten:
    """The same, however long ago the persons were erased."""
    return forget(warehouse, now, FOR_EVER)


def _lately(warehouse: Warehouse, since: datetime) -> bool:
    sql = template(__file__, "erased_lately", erasures=warehouse.table("erasures"))
    [row] = warehouse.rows(with_parameters(sql, since=since))
    return bool(row["erasures"])


def _delete(warehouse: Warehouse, table: str, keys: Sequence[str]) -> int:
    sql = template(__file__, "erased_forget", table=warehouse.table(table))
    named = Parameter("ARRAY<STRING>", list(keys))
    return warehouse.execute(with_parameters(sql, keys=named)).affected_rows or 0
