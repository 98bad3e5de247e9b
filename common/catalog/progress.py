"""How far each conversion is up to date, by the ledger of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.bigquery.sql import Parameter, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.model.run_status import COVERED, DONE, RunStatus

REACH_DAYS = 92
"""A table that changed longer ago and was not followed is a person's, who names the days."""


@dataclass(frozen=True)
class Counted:
    """The days that a conversion counts."""

    begins: date
    """The first day that it was ever run for."""
    unfollowed: date | None
    """The first day of which the stage was told anew and which it has not counted since."""


def done_until(warehouse: Warehouse) -> dict[tuple[str, int], date]:
    """(conversion, definition version) → last day that is up to date."""
    sql = template(__file__, runs=warehouse.table("runs"))
    bound = with_parameters(sql, done=Parameter("ARRAY<STRING>", list(DONE)))
    return {
        (row["conversion"], row["definition_version"]): row["end_date"]
        for row in warehouse.rows(bound)
    }


def counted(warehouse: Warehouse, now: datetime) -> dict[str, Counted]:
    """Conversion → the days that it counts, of each that ever ran.

    The stage reads a table once for all: a run that died before its plan, one of some conversions,
    and one whose task failed or was held, leaves it behind as if it had never changed.
    """
    sql = template(
        __file__,
        "progress_counted",
        runs=warehouse.table("runs"),
        shards=warehouse.table("ga4_shards"),
    )
    bound = with_parameters(
        sql,
        covered=Parameter("ARRAY<STRING>", list(COVERED)),
        staged=RunStatus.STAGED,
        oldest=now - timedelta(days=REACH_DAYS),
    )
    return {
        row["conversion"]: Counted(row["begins"], row["unfollowed"])
        for row in warehouse.rows(bound)
    }
