"""A small shop in the embedded BigQuery: orders by day, deals, a view, and the visits of GA4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from common.bigquery.warehouse import Warehouse
from common.local.stack.bigquery import EmbeddedBigQuery
from common.model.findings import Finding
from common.settings import Settings
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask, Validated

PROJECT = "shop"
ACCOUNT = "sql-runner@shop.iam.gserviceaccount.com"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PERIOD = "WHERE date BETWEEN @start_date AND @end_date"
COLUMNS = "order_id AS id, client_id, created_at AS created"

ORDERS = {
    "order_id": "STRING",
    "client_id": "STRING",
    "created_at": "TIMESTAMP",
    "date": "DATE",
    "total": "FLOAT",
    "items": "INTEGER",
    "status": "STRING",
    "email": "STRING",
    "phone": "STRING",
    "customer_id": "STRING",
    "note": "STRING",
}
DEALS = {"deal_id": "STRING", "client_id": "STRING", "closed_at": "TIMESTAMP", "stage": "STRING"}
FORMS = {
    "id": "STRING",
    "date": "DATE",
    "created_at": "TIMESTAMP",
    "plain": "STRING",
    "english": "STRING",
    "continental": "STRING",
    "money": "STRING",
    "either": "STRING",
    "iso": "STRING",
    "european": "STRING",
    "american": "STRING",
    "ambiguous": "STRING",
    "millis": "INTEGER",
    "seconds": "FLOAT",
    "cookie": "STRING",
    "symbol": "STRING",
    "unknown": "STRING",
    "flag": "STRING",
    "stage": "STRING",
    "phase": "STRING",
    "address": "STRING",
    "price": "STRING",
}
EVENTS = {"user_pseudo_id": "STRING", "event_timestamp": "INTEGER", "event_name": "STRING"}


def orders() -> Iterator[dict[str, Any]]:
    """Sixty orders of the last twenty days by thirty visitors."""
    for number in range(60):
        at = NOW - timedelta(days=1 + number % 20, minutes=7 * number)
        visitor = number % 30
        yield {
            "order_id": f"T-{number}",
            "client_id": f"{1_000_000 + visitor}.{1_760_000_000 + visitor}",
            "created_at": at.isoformat(),
            "date": at.date().isoformat(),
            "total": 10.5 * number,
            "items": 1 + number % 4,
            "status": "paid" if number % 2 else "open",
            "email": f"ann.lee{number}@canary.example",
            "phone": f"+44 20 7946 {number:04d}",
            "customer_id": f"C-{number}",
            "note": "canary-note" if number % 2 else "7",
        }


def forms() -> Iterator[dict[str, Any]]:
    """The same twelve orders, each fact written as one CRM or another writes it."""
    for number in range(12):
        at = NOW - timedelta(days=1 + number)
        amount = 1234.5 + 1000 * number
        english = f"{amount:,.2f}"
        client = f"{1_000_000 + number}.{1_760_000_000 + number}"
        cookies = (f"GA1.1.{client}", client, f"GS1.1.{1_760_000_000 + number}.1.1.0.0.0")
        yield {
            "id": f"F-{number}",
            "date": at.date().isoformat(),
            "created_at": at.isoformat(),
            "plain": f"{amount}",
            "english": english,
            "continental": english.replace(",", "_").replace(".", ",").replace("_", "."),
            "money": f"€ {english}",
            "either": f"{number + 1},234",
            "iso": f"{at:%Y-%m-%d %H:%M:%S}",
            "european": f"{at:%d.%m.%Y}",
            "american": f"{at:%m/%d/%Y}",
            "ambiguous": f"{1 + number % 9:02}/{1 + number % 12:02}/2026",
            "millis": int(at.timestamp() * 1000),
            "seconds": at.timestamp() // 1,
            "cookie": cookies[number % 3],
            "symbol": ("€", "EUR", "usd")[number % 3],
            "unknown": ("XX", "EUR")[number % 2],
            "flag": ("yes", "no", "")[number % 3],
            "stage": ("Closed Won", "closed_lost", "new")[number % 3],
            "phase": ("signed", "phase 2")[number % 2],
            "address": f"ann.lee{number}@canary.example",
            "price": "12.50" if number else "on request",
        }


def visits() -> Iterator[dict[str, Any]]:
    """What GA4 saw of the first twenty-five visitors, long before their orders."""
    at = int((NOW - timedelta(days=25)).timestamp() * 1_000_000)
    for visitor in range(25):
        client_id = f"{1_000_000 + visitor}.{1_760_000_000 + visitor}"
        yield {"user_pseudo_id": client_id, "event_timestamp": at, "event_name": "page_view"}


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(
        project=PROJECT,
        source_datasets=("shop.crm",),
        ga4_datasets=("shop.analytics_123",),
        timezone="Europe/London",
        currency="EUR",
    )


@pytest.fixture(scope="session")
def shop(engine: EmbeddedBigQuery, settings: Settings) -> Iterator[Warehouse]:
    """The shop's warehouse; nothing in it is changed by a test."""
    with engine.client(PROJECT) as client:
        warehouse = Warehouse(client, settings)
        warehouse.ensure_tables()
        for dataset in ("crm", "analytics_123"):
            client.create_dataset(f"{PROJECT}.{dataset}")
        _fill(client, "crm.orders", ORDERS, list(orders()), "date")
        _fill(client, "crm.deals", DEALS, [])
        _fill(client, "crm.forms", FORMS, list(forms()), "date")
        _fill(client, "analytics_123.events_20261029", EVENTS, list(visits()))
        _land(client, "crm.landed", list(orders())[:20], (NOW - timedelta(days=3)).date())
        view = bigquery.Table(f"{PROJECT}.crm.orders_view")
        view.view_query = "SELECT * FROM `shop.crm.orders`"
        client.create_table(view)
        yield warehouse


def _fill(
    client: bigquery.Client,
    name: str,
    columns: dict[str, str],
    rows: list[dict[str, Any]],
    partition: str = "",
) -> None:
    schema = [bigquery.SchemaField(column, type_) for column, type_ in columns.items()]
    table = bigquery.Table(f"{PROJECT}.{name}", schema=schema)
    if partition:
        table.time_partitioning = bigquery.TimePartitioning(field=partition)
    client.create_table(table)
    if rows:
        config = bigquery.LoadJobConfig(schema=schema)
        client.load_table_from_json(rows, table, job_config=config).result()


def _land(client: bigquery.Client, name: str, rows: list[dict[str, Any]], day: date) -> None:
    """A table that is partitioned by the time at which its rows came, half on a day."""
    schema = [bigquery.SchemaField(column, type_) for column, type_ in ORDERS.items()]
    table = bigquery.Table(f"{PROJECT}.{name}", schema=schema)
    table.time_partitioning = bigquery.TimePartitioning()
    client.create_table(table)
    config = bigquery.LoadJobConfig(schema=schema)
    for target, part in ((f"{name}${day:%Y%m%d}", rows[:10]), (f"{name}$20200101", rows[10:])):
        client.load_table_from_json(part, f"{PROJECT}.{target}", job_config=config).result()


@pytest.fixture
def services(shop: Warehouse) -> Services:
    return Services(shop, shop, NOW, lambda: ACCOUNT)


Judge = Callable[..., Validated]


@pytest.fixture
def shown(services: Services) -> Judge:
    """Validates a query: told(sql, contract="leads", ...)."""

    def shown(sql: str, **asked: Any) -> Validated:
        return validate(Ask(sql=sql, **asked), services)

    return shown


def codes(answer: Validated | list[Finding]) -> list[str]:
    """The codes of an answer's issues, or of findings."""
    return [issue.code for issue in (answer.issues if isinstance(answer, Validated) else answer)]
