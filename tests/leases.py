"""What time does to leases, in every table of them."""

from __future__ import annotations

from typing import Any

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse


def free(warehouse: Warehouse) -> None:
    """Every lease is free, as it is when somebody took it over and is done."""
    _change(warehouse, "holder = NULL")


def lapse(warehouse: Warehouse) -> None:
    """Every lease runs out, as it does when its holder died."""
    _change(warehouse, "expires_at = TIMESTAMP '2000-01-01'")


def all_of(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every lease."""
    each = (f"SELECT * FROM {warehouse.table(name)}" for name in schemas.buckets("leases"))
    return list(warehouse.rows(Sql(" UNION ALL ".join(each))))


def _change(warehouse: Warehouse, change: str) -> None:
    for name in schemas.buckets("leases"):
        warehouse.execute(Sql(f"UPDATE {warehouse.table(name)} SET {change} WHERE TRUE"))
