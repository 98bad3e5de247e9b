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
class Unfollowed:
    """What the stage has read anew for another run than the conversion's own."""

    since: date
    """The first day that the conversion has not counted again."""
    begins: date
    """The first day that it was ever run for."""


def done_until(warehouse: Warehouse) -> dict[tuple[str, int], date]:
    """(conversion, definition version) → last day that is up to date."""
    sql = template(__file__, runs=warehouse.table("runs"))
    bound = with_parameters(sql, done=Parameter("ARRAY<STRING>", list(DONE)))
    return {
        (row["conversion"], row["definition_version"]): row["end_date"]
        for row in warehouse.rows(bound)
    }


def unfollowed(warehouse: Warehouse, now: datetime) -> dict[str, Unfollowed]:
    """Conversion → from which day on daily tables changed that it has not counted since.

    The stage reads a table once for all: a run of some conversions, and one whose task failed or
    was held, leaves it behind for the others as if it had never changed.
    """
    sql = template(
        __file__,
        "progress_unfollowed",
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
        row["conversion"]: Unfollowed(row["since"], row["begins"]) for row in warehouse.rows(bound)
    }
