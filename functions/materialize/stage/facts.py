"""What a person should know of the export and of the purchases that the stage holds, once a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.ga4 import readiness
from common.incidents.incidents import Incident
from common.model.window import Window
from functions.materialize.ledger import Ledger

MILD = ("ga4_day_missing", "ga4_fresh_only")
"""Problems of an export that mend themselves, or only delay."""
DAYS = 31
"""How far back purchases are judged."""
CLIENTS = 3
"""So many clients may share an order: a browser, a server's tag, a crawled page."""
ENOUGH = 20
"""Fewer purchases say nothing about shares."""
SHARE = 0.01
"""Of purchases without order id."""
COPIES = 0.2
"""Identical rows beside each purchase; GA4's public sample has one in seven."""


def report_export(
    warehouse: Warehouse, ledger: Ledger, window: Window, last: date, run_id: str
) -> None:
    """Report what the properties lack, on the whole and of the window's days up to `last`."""
    lacking = [*readiness.problems(warehouse, last), *readiness.gaps(warehouse, window, last)]
    for problem in lacking:
        ledger.report(
            Incident(
                problem.code,
                problem.detail,
                problem.fix,
                subject=problem.dataset,
                object=problem.object,
                severity="warning" if problem.code in MILD else "error",
            ),
            run_id=run_id,
        )
    for dataset in warehouse.settings.ga4_datasets:
        ledger.resolve_gone(dataset, run_id)


def report(warehouse: Warehouse, ledger: Ledger, until: Window, run_id: str) -> None:
    """Report what the purchases up to the end of the window show."""
    window = Window.ending(until.end, DAYS)
    sql = template(
        __file__,
        stage=warehouse.table("ga4_events"),
        orders=warehouse.table("order_memory"),
        clients=str(CLIENTS),
    )
    bound = with_parameters(
        sql,
        start_date=window.start,
        end_date=window.end,
        oldest=window.start - timedelta(days=400),
    )
    for incident in incidents(next(warehouse.rows(bound))):
        ledger.report(incident, run_id=run_id)


def incidents(found: Mapping[str, Any]) -> Iterator[Incident]:
    """The incidents that the counts give reason for."""
    purchases = found["purchases"]
    for order in found["shared"]:
        lost = (order["value"] or 0) - (order["kept"] or 0)
        yield Incident(
            "order_id_reused",
            f"The order id {order['order_id']} stands on {order['purchases']:,} purchases of"
            f" {order['clients']:,} clients in {order['property']}; it counts once, and up to"
            f" {lost:,.2f} of the other purchases' value does not count.",
            fix="Send an order id of its own with each order, or set order_ids_are_per_client.",
            object=order["order_id"],
            severity="warning",
        )
    if purchases >= ENOUGH and found["without_id"] > SHARE * purchases:
        yield Incident(
            "orders_without_id",
            f"{found['without_id']:,} of {purchases:,} purchases of the last {DAYS} days have no"
            " order id: each counts, reloads of a page included, and no refund finds them.",
            fix="Send transaction_id with the purchase event.",
            severity="warning",
        )
    if purchases >= ENOUGH and found["copies"] > COPIES * purchases:
        yield Incident(
            "many_copies",
            f"GA4 exported {found['copies']:,} identical copies of {purchases:,} purchases.",
            fix="Look for a tag that fires twice; each purchase counts once all the same.",
            severity="warning",
        )
    if found["unknown_refunds"]:
        yield Incident(
            "refund_of_unknown_order",
            f"{found['unknown_refunds']:,} refunds of the last {DAYS} days name orders that no"
            " purchase has; they lower nothing.",
            fix="Send the transaction_id of the purchase with its refund.",
            severity="warning",
        )
