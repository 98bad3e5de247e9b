"""A small world for whole runs: raw GA4 shards, CRM tables, the real handlers, no network."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from google.cloud import bigquery

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.messaging.messages import Materialized, Message, RunRequested, ScoreTask
from common.messaging.publisher import Bus
from common.settings import Settings
from functions.materialize.ledger import Ledger
from functions.materialize.runs.run import handle
from functions.materialize.services import Services
from tests.case_files import moment
from tests.quick import QuickWarehouse

GA4_SCHEMA = Path(__file__).parents[2] / "common" / "local" / "data" / "ga4_schema.json"
PROVENANCE = {
    "run_id", "fence", "first_seen_at", "updated_at", "definition_version", "person_key",
    "client_key",
}  # fmt: skip


@dataclass
class Recorder:
    """A bus that keeps what was published, in order."""

    queue: list[Message] = field(default_factory=list)
    published: list[Message] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.queue.append(message)
        self.published.append(message)


@dataclass
class World:
    """Sources, product tables and handlers of one test; `now` is what the functions take it for."""

    client: bigquery.Client
    dataset: str
    timezone: str = "UTC"
    property_timezone: str = "UTC"
    currency: str = "USD"
    properties: tuple[str, ...] = ("ga4",)
    """GA4 exports, by the ends of their datasets' names."""
    has_rates: bool = False
    ga4_streaming: bool = False
    now: datetime = datetime(2026, 11, 20, 6, tzinfo=UTC)
    bus: Recorder = field(default_factory=Recorder)
    landed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Path of a daily shard → its rows."""
    seconds: Callable[[], float] = lambda: 0.0
    """A clock that stands still as `now` does."""

    def __post_init__(self) -> None:
        self.settings = self._settings()
        for suffix in ("_ga4", "_crm"):
            self.client.create_dataset(f"{self.dataset}{suffix}", exists_ok=True)
        self.warehouse = Warehouse(self.client, self.settings)
        self.warehouse.ensure_tables()
        self.catalog = Catalog(self.warehouse)

    def _settings(self) -> Settings:
        project, name = self.dataset.split(".")
        return Settings(
            project=project,
            dataset=name,
            staging_dataset=f"{name}_staging",
            timezone=self.timezone,
            currency=self.currency,
            ga4_datasets=tuple(f"{self.dataset}_{name}" for name in self.properties),
            ga4_streaming=self.ga4_streaming,
            source_datasets=(f"{self.dataset}_crm",),
            rates_table=f"{self.dataset}_crm.rates" if self.has_rates else "",
        )

    def close(self) -> None:
        for suffix in ("_ga4", "_crm", "_staging"):
            self.client.delete_dataset(
                f"{self.dataset}{suffix}", delete_contents=True, not_found_ok=True
            )

    def define(self, **definition: Any) -> None:
        definition = {"name": definition["id"], "kind": "simple", **definition}
        tables = definition.pop("reads", ())
        self.catalog.save(definition, now=self.now, author="test", referenced_tables=tables)

    def events(self, rows: Iterable[dict[str, Any]], name: str = "ga4") -> None:
        """Write the daily shards of these events, each whole, as a rewritten GA4 day is.

        A shard that would hold the rows that it has stays untouched.
        """
        shards: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for number, row in enumerate(rows):
            exported = export(row, number, self.property_timezone)
            shards[exported["event_date"]].append(exported)
        for day, listed in shards.items():
            path = f"{self.dataset}_{name}.events_{day}"
            if self.landed.get(path) != listed:
                self.replace(path, ga4_schema(), listed)
                self.landed[path] = listed

    def export(
        self, rows: Iterable[dict[str, Any]], prefix: str = "events_", name: str = "ga4"
    ) -> None:
        """Write the shards of rows as GA4 exports them, each whole."""
        shards: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            shards[row["event_date"]].append(row)
        for day, listed in shards.items():
            self.replace(f"{self.dataset}_{name}.{prefix}{day}", ga4_schema(), listed)

    def replace(self, path: str, schema: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        """The table holds exactly these rows afterwards."""
        fields = [bigquery.SchemaField.from_api_repr(column) for column in schema]
        self.client.delete_table(path, not_found_ok=True)
        self.client.create_table(bigquery.Table(path, schema=fields))
        if rows:
            listed = json.loads(json.dumps(rows, default=lambda value: value.isoformat()))
            config = bigquery.LoadJobConfig(schema=fields)
            self.client.load_table_from_json(listed, path, job_config=config).result()

    def run(self, day: date, **request: Any) -> None:
        """The daily run of the morning after `day`, to its end."""
        self.now = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=1)
        self.handle(self.tick(request.pop("request_id", f"{day}"), **request))

    def tick(self, request_id: str, **request: Any) -> RunRequested:
        """The scheduler's message."""
        return RunRequested(**{"trigger": "schedule", "request_id": request_id, **request})

    def handle(self, message: Message, bus: Bus | None = None) -> None:
        """Carry out the message and all that it leads to, in order."""
        handle(self.services(bus), message)
        while self.bus.queue:
            following = self.bus.queue.pop(0)
            if not isinstance(following, (Materialized, ScoreTask)):
                handle(self.services(bus), following)

    def services(self, bus: Bus | None = None, warehouse: Warehouse | None = None) -> Services:
        house = warehouse or self.warehouse
        ledger = Ledger(house, self.now)
        return Services(house, house, ledger, Catalog(house), bus or self.bus, self.seconds)

    def rows(self, id: str, *columns: str) -> list[dict[str, Any]]:
        """The conversion's rows by created and id; all but provenance unless columns are named."""
        found = self.query(
            f"SELECT * FROM `{self.warehouse.path(f'conversion_{id}')}`"
            " WHERE date > '2000-01-01' ORDER BY created, id"
        )
        wanted = columns or [name for name in (found or [{}])[0] if name not in PROVENANCE]
        return [{name: row[name] for name in wanted} for row in found]

    def ledger(self, id: str = "", **where: str) -> list[dict[str, Any]]:
        rows = self.query(f"SELECT * FROM `{self.warehouse.path('runs')}` ORDER BY recorded_at")
        return [
            row
            for row in rows
            if row["conversion"] == id and all(row[name] == value for name, value in where.items())
        ]

    def incidents(self) -> list[str]:
        return [
            row["code"]
            for row in self.query(
                f"SELECT code FROM `{self.warehouse.path('incidents')}` ORDER BY recorded_at"
            )
        ]

    def query(self, text: str) -> list[dict[str, Any]]:
        return list(self.warehouse.rows(Sql(text)))


def export(row: dict[str, Any], number: int, zone: str) -> dict[str, Any]:
    """A row of the GA4 export from the short form of an event."""
    occurred_at = moment(row["at"])
    params = {
        "ga_session_id": row.get("session"),
        "value": row.get("value"),
        "currency": row.get("currency"),
        "page_location": row.get("page"),
        **row.get("params", {}),
    }
    return {
        "event_date": f"{occurred_at.astimezone(ZoneInfo(zone)):%Y%m%d}",
        "event_timestamp": int(occurred_at.timestamp() * 1_000_000),
        "event_name": row["name"],
        "event_params": _pairs(params),
        "user_properties": _pairs(row.get("properties", {})),
        "user_pseudo_id": row.get("client"),
        "user_id": row.get("user"),
        "batch_page_id": row.get("key", number),
        "batch_ordering_id": 1,
        "batch_event_index": 1,
        "ecommerce": {
            "transaction_id": row.get("order"),
            "purchase_revenue": row.get("revenue", row.get("value"))
            if row["name"] == "purchase"
            else None,
            "purchase_revenue_in_usd": row.get("in_usd"),
            "refund_value": row.get("refund_value"),
        },
        "items": row.get("items", []),
        "collected_traffic_source": {"gclid": row.get("gclid")},
        "geo": {"country": row.get("country")},
        **({"stream_id": row["stream"]} if "stream" in row else {}),
    }


def _pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": _typed(value)} for key, value in values.items() if value is not None
    ]


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"int_value": value}
    return {"double_value": value} if isinstance(value, float) else {"string_value": str(value)}


def ga4_schema() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(GA4_SCHEMA.read_text(encoding="utf-8"))
    return loaded


class QuickWorld(World):
    """The same world on a warehouse without HTTP, for tests of many runs.

    On a `connection` of its own or on a given one, whose datasets it empties first.
    """

    def __init__(self, connection: Any = None, **options: Any) -> None:
        self.given = connection
        super().__init__(cast("Any", None), "test-project.quick", **options)

    def __post_init__(self) -> None:
        self.settings = self._settings()
        self.quick = QuickWarehouse(self.settings, self.given)
        self.warehouse = self.quick
        for suffix in ("", "_staging", *(f"_{name}" for name in self.properties), "_crm"):
            self.quick.empty_dataset(f"{self.dataset}{suffix}")
        self.warehouse.ensure_tables()
        self.catalog = Catalog(self.warehouse)

    def replace(self, path: str, schema: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        self.quick.drop(path)
        self.quick.create(path, schema)
        self.quick.load(path, schema, rows)

    def close(self) -> None:
        if self.given is None:
            self.quick.connection.close()
