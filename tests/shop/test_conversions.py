"""The product's own statements, run over the shop's tables, find what the generator knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from common import kinds, schemas
from common.bigquery.sql import bind, create_table_as, fill, table, with_parameters
from common.bigquery.warehouse import Warehouse
from common.ga4 import events, export, shards, visits
from common.identity import graph
from common.kinds.candidate.rates import rates
from common.kinds.candidate.shape import Context
from common.kinds.simple.definition import Simple
from common.local.shop.load import Datasets, load
from common.local.shop.shop import Shop
from common.local.shop.truth.answers import Counted, Truth
from common.model.placeholders import somebody
from common.model.window import Window
from common.settings import Settings
from tests.conftest import PROJECT

ZONE, CURRENCY = "Europe/Berlin", "EUR"
ENQUIRY = {"dimension": "event", "operator": "equals", "value": "generate_lead"}
DEFINITIONS: dict[str, tuple[dict[str, Any], Callable[[Truth], tuple[Counted, ...]]]] = {
    "purchase": (
        {"event_type": "purchase", "refunds": {"days": 30}},
        lambda truth: truth.purchases,
    ),
    "first_purchase": (
        {"event_type": "purchase", "refunds": {"days": 30}, "deduplicate_by_user": True},
        lambda truth: truth.first_purchases,
    ),
    "enquiry": (
        {"event_type": "custom_event", "filters": ENQUIRY},
        lambda truth: truth.enquiries,
    ),
    "enquiry_once_in_7_days": (
        {
            "event_type": "custom_event",
            "filters": ENQUIRY,
            "deduplicate_by_user": True,
            "deduplication_days": 7,
        },
        lambda truth: truth.enquiries_once_in_7_days,
    ),
}


@pytest.mark.parametrize("day", [3, 35])
def test_every_conversion_of_the_shop_is_true(
    shop: Shop, client: bigquery.Client, dataset: str, day: int
) -> None:
    as_of = shop.period.start + timedelta(days=day)
    assert found(shop, client, dataset, as_of) == known(shop, as_of)


@pytest.mark.parametrize("day", [5, 12])
def test_and_so_it_is_where_the_property_lies_in_another_zone(
    tokyo: Shop, client: bigquery.Client, dataset: str, day: int
) -> None:
    as_of = tokyo.period.start + timedelta(days=day)
    assert found(tokyo, client, dataset, as_of) == known(tokyo, as_of)


def known(shop: Shop, as_of: date) -> dict[str, list[tuple[Any, ...]]]:
    """Name to what is true of each conversion, in order of time."""
    truth = shop.truth(as_of)
    return {
        name: in_order(
            (
                row.created,
                row.client_id,
                row.currency,
                row.value_gross,
                rounded(row.value),
                row.source,
                row.medium,
                row.campaign,
            )
            for row in answer(truth)
        )
        for name, (_, answer) in DEFINITIONS.items()
    }


def found(
    shop: Shop, client: bigquery.Client, dataset: str, as_of: date
) -> dict[str, list[tuple[Any, ...]]]:
    """The same out of a full rebuild by the product's statements."""
    load(shop, client, Datasets(dataset, dataset, dataset), as_of)
    settings = Settings(
        project=PROJECT, timezone=ZONE, currency=CURRENCY, rates_table=f"{dataset}.rates"
    )
    warehouse = Warehouse(client, settings)
    window = Window(shop.period.start - timedelta(days=1), as_of - timedelta(days=1))
    stage_events(warehouse, shop, dataset, window)
    confirm(warehouse, dataset)
    return {
        name: in_order(
            (
                row["created"],
                row["client_id"],
                row["currency"],
                row["value_gross"],
                rounded(row["net_value"]),
                row["source"],
                row["medium"],
                row["campaign"],
            )
            for row in candidates(warehouse, dataset, name, options, window)
            if row["removed"] is None
        )
        for name, (options, _) in DEFINITIONS.items()
    }


def stage_events(warehouse: Warehouse, shop: Shop, dataset: str, window: Window) -> None:
    """All events that the definitions need, typed once; the newest table tells the columns."""
    newest = export.Export(dataset, shop.ga4_schema(f"events_{window.end:%Y%m%d}"))
    names = {"generate_lead"}
    scanned, visited, known, before = (
        table(f"{dataset}.{name}") for name in ("scanned", "visited", "known_visits", "before")
    )
    for name, shape in (("known_visits", "ga4_visits"), ("before", "ga4_events"),
                        ("order_memory", "order_memory"), ("ga4_rates", "ga4_rates")):  # fmt: skip
        warehouse.ensure_table(f"{dataset}.{name}", shape)
    days = {"start_date": window.start, "end_date": window.end}
    for target, rows in (
        (scanned, visits.begun(export.scan([newest], window, names, ZONE))),
        (
            visited,
            with_parameters(
                visits.visits(scanned, known),
                timezone=ZONE,
                existing=shards.existing({}),
                whole=shards.existing({}),
                lends_from=window.start,
                lends_until=window.end,
                unread_from=window.end + timedelta(days=1),
                unread_until=window.end,
                **days,
            ),
        ),
        (
            table(f"{dataset}.ga4_events"),
            with_parameters(events.events(scanned, visited, before, names), **days),
        ),
    ):
        warehouse.execute(create_table_as(target, rows))


CONFIRMED = """CREATE TABLE {{ confirmed }} AS
SELECT
  orders.customer_id AS user_id,
  {{ client_id }} AS client_id,
  orders.confirmed_at AS created,
  DATE(orders.confirmed_at, {{ zone }}) AS date
FROM {{ orders }} AS orders
WHERE orders.status IN ('confirmed', 'paid') AND orders.confirmed_at IS NOT NULL"""


def confirm(warehouse: Warehouse, dataset: str) -> None:
    """What a custom conversion makes of the orders, as far as it tells who is who."""
    sql = fill(
        CONFIRMED,
        confirmed=table(f"{dataset}.confirmed"),
        client_id=somebody("orders.ga_client_id"),
        zone=bind(ZONE),
        orders=table(f"{dataset}.orders"),
    )
    warehouse.execute(sql)


def candidates(
    warehouse: Warehouse, dataset: str, name: str, options: Mapping[str, Any], window: Window
) -> Iterable[dict[str, Any]]:
    """What the definition makes of the stage when nothing has been published before."""
    definition = Simple(id=name, name=name, **options)
    fields = [
        bigquery.SchemaField.from_api_repr(column)
        for column in schemas.load("conversion")["schema"]
    ]
    target = f"{dataset}.conversion_{name}"
    warehouse.client.create_table(bigquery.Table(target, schema=fields))
    stage = table(f"{dataset}.ga4_events")
    context = Context(
        stage=stage,
        target=table(target),
        raw=table(f"{dataset}.answer"),
        members={},
        identity=graph.derived(stage, [table(f"{dataset}.confirmed")]),
        scores=table(f"{dataset}.lead_scores"),
        rates=rates(warehouse.settings),
        window=window,
        timezone=ZONE,
        currency=CURRENCY,
        raw_columns=frozenset(),
    )
    return warehouse.rows(kinds.select(definition, context))


def in_order(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=str)


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
