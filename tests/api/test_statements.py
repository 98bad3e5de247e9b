"""Every statement that the API sends is one that GoogleSQL's own analyzer accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun, Executed, Warehouse
from common.settings import Settings
from tests.api.conftest import PURCHASE, Harness, House, noon, services_of
from tests.judge import Schema, analyze
from tests.materialize.world import ga4_schema

ASKED = """
GET /conversions
GET /conversions/purchase
GET /conversions/purchase/versions
GET /conversions/purchase/statistics
GET /conversions/purchase/by-country
GET /conversions/purchase/by-channel?by=platform
GET /conversions/purchase/versions/1
GET /conversions/purchase/compare?before=1&after=1
GET /conversions/purchase/records?country=France&page=WyIyMDI2LTExLTE5VDAwOjAwOjAwKzAwOjAwIiwgIngiXQ
GET /conversions/purchase/history?id=T-1
GET /conversions/purchase/explain?order_id=T-1
GET /dimensions
GET /forecast?slots=100
GET /dimensions?event=generate_lead
GET /dimensions/event/values
GET /dimensions/items.item_id/values?search=a
GET /dimensions/transaction_total/values
GET /eligible-targets
GET /runs
GET /runs/x
GET /runs/x/forecast
GET /runs?status=held&conversion=purchase&page=WyIyMDI2LTExLTE5VDAwOjAwOjAwKzAwOjAwIiwgIngiXQ
GET /incidents
GET /incidents?state=open&search=a&page=WyIyMDI2LTExLTE5VDAwOjAwOjAwKzAwOjAwIiwgIngiXQ
GET /scores/purchase/leads?is_qualified=true&page=WyIwLjUiLCAiYSJd
GET /scores/purchase/thresholds
GET /freshness
GET /tables
GET /scores/purchase
GET /scores/purchase/lead
""".split("\n")[1:-1]

LEAD = {
    "id": "lead",
    "name": "Lead",
    "kind": "simple",
    "event_type": "custom_event",
    "filters": {
        "all": [
            {"dimension": "event", "operator": "equals", "value": "generate_lead"},
            {"dimension": "page_path", "operator": "matches_regex", "value": "^/a"},
        ]
    },
}
ORDER = "SELECT 'O1' AS id, 'c1' AS client_id, 'C-7' AS user_id, TIMESTAMP '2026-11-19' AS created"
DRAFT = {
    **PURCHASE,
    "refunds": {"days": 30},
    "deduplicate_by_user": True,
    "filters": {"dimension": "items.price", "operator": "greater_than", "value": 5},
}


PATH = re.compile(r"`([^`.]+\.[^`.]+\.[^`*]+)`")


class Listening(Warehouse):
    """A warehouse that keeps every statement, and the schemas of the tables that they name."""

    def __init__(self, client: bigquery.Client, settings: Settings) -> None:
        super().__init__(client, settings)
        self.heard: dict[str, Sql] = {}
        self.schemas: dict[str, Schema] = {}

    def rows(self, sql: Sql, **options: Any) -> Iterator[dict[str, Any]]:
        self._hear(sql)
        return super().rows(sql, **options)

    def execute(self, sql: Sql, **options: Any) -> Executed:
        self._hear(sql)
        return super().execute(sql, **options)

    def dry_run(self, sql: Sql, **options: Any) -> DryRun:
        self._hear(sql)
        return super().dry_run(sql, **options)

    def _hear(self, sql: Sql) -> None:
        if sql.text not in self.heard:
            # a short-lived table is gone when the statement is judged
            for path in set(PATH.findall(sql.text)) - set(self.schemas):
                if (schema := self.schema_of(path)) is not None:
                    self.schemas[path] = schema
            self.heard[sql.text] = sql


def ask_everything(harness: Harness) -> None:
    for line in ASKED:
        verb, path = line.split(" ", 1)
        answered = harness.ask(verb, path)
        assert answered.status in (200, 404), (line, answered.body)
    harness.save(LEAD)
    for path, body in (
        ("/conversions:backtest", {"definition": DRAFT}),
        ("/conversions:backtest", {"definition": {**LEAD, "id": "draft"}}),
        ("/conversions:diff", {"definition": DRAFT}),
        ("/conversions:forecast", {"definition": DRAFT}),
        ("/backfills", {"start_date": "2026-11-01", "dry": True}),
    ):
        assert harness.ask("POST", path, body).status < 300, path


WILDCARD = re.compile(r"`([\w.-]+\.events_\d*\*)`")
"""Daily tables of an export, by the beginning of their days."""


@pytest.fixture(scope="module")
def heard(open_wire_house: Callable[[], House]) -> Listening:
    """Everything that was said while every address was asked for."""
    house = open_wire_house()
    at = datetime(2026, 11, 19, 10, tzinfo=UTC)
    sale = {"name": "purchase", "at": at, "client": "c1", "order": "T-1", "value": 9.0}
    house.world.events([sale, {"name": "generate_lead", "at": at, "client": "c1"}])
    house.harness.save(PURCHASE)
    # who deduplicates by user asks its rows who is who
    house.world.define(id="order", kind="custom", sql=ORDER)
    house.world.run(date(2026, 11, 19), start_date=date(2026, 11, 17))
    listening = Listening(house.world.client, house.world.settings)
    ask_everything(services_of(listening, lambda: noon(house.world.now)))
    return listening


def test_googlesql_accepts_every_statement(heard: Listening) -> None:
    assert len(heard.heard) > 40
    for sql in heard.heard.values():
        if "INFORMATION_SCHEMA" in sql.text:
            continue  # the analyzer knows no such view
        export = dict.fromkeys(WILDCARD.findall(sql.text), ga4_schema())
        types = {name: bound.type for name, bound in sql.parameters.items()}
        analyze(sql.text, {**heard.schemas, **export}, types)


def test_a_trial_reads_what_tells_who_is_who(heard: Listening) -> None:
    table = heard.path("conversion_order")
    assert any(f"FROM `{table}` AS source" in text for text in heard.heard)


def test_values_are_always_bound(heard: Listening) -> None:
    for text in heard.heard:
        assert "T-1" not in text
        assert "generate_lead" not in text
