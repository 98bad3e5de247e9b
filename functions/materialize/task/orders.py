"""The days that an order's memory lies on: most orders of a run are seen on one day alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from common.bigquery.sql import template, with_parameters
from common.catalog.definitions import DefinitionVersion
from common.model.window import Window
from functions.materialize.services import Services
from functions.materialize.task import visitors


def days(
    services: Services,
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    run_id: str,
    window: Window,
) -> tuple[date, ...] | None:
    """The days of all orders of the run's days that were seen on several; None for other kinds.

    An order counts on a day on which it was seen, so that what was published, staged or read before
    the stage is asked for on these days alone, however long the history is.
    """
    if "purchase" not in stored.conversion.events():
        return None
    reach = visitors.reach(definitions, window)
    warehouse = services.warehouse
    sql = template(
        __file__,
        "orders_days",
        stage=warehouse.table("ga4_events"),
        orders=warehouse.table("order_memory"),
    )
    bound = with_parameters(sql, start_date=reach.start, end_date=reach.end)
    found = warehouse.recalled(f"order_days|{run_id}|{reach.start}|{reach.end}", bound)
    return tuple(row["day"] for row in found)
