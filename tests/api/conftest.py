"""The API over the embedded engine: real routes, real SQL, a bus that keeps what it is given."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NoReturn

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from google.cloud import bigquery

from common.bigquery.warehouse import Warehouse
from common.messaging.messages import Message
from common.settings import Settings
from functions.api.main import answer
from functions.api.services import Services
from tests.conftest import PROJECT
from tests.materialize.world import QuickWorld, World
from tests.quick import QuickWarehouse, database

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
YESTERDAY = date(2026, 11, 19)

PURCHASE = {"id": "purchase", "name": "Purchase", "kind": "simple", "event_type": "purchase"}
LEAD = {
    "id": "lead",
    "name": "Lead",
    "kind": "simple",
    "event_type": "custom_event",
    "filters": {"dimension": "event", "operator": "equals", "value": "generate_lead"},
    "value": {"type": "manual", "amount": 20},
}


@dataclass
class KeptMessages:
    """A bus that keeps what is published."""

    published: list[Message] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.published.append(message)


@dataclass(frozen=True)
class Answered:
    """An answer: its status, its body as JSON, its headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Harness:
    """A person at the API: verbs in, answers out, and the tables behind it."""

    services: Services
    bus: KeptMessages

    def __post_init__(self) -> None:
        self.browser = served(self.services)

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Answered:
        """The answer; `body` is sent as JSON, header names have _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else body if isinstance(body, str) else json.dumps(body)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        response = self.browser.open(path, method=verb, data=data, headers=sent)
        text = response.get_data(as_text=True)
        body = json.loads(text) if text else None
        return Answered(response.status_code, body, dict(response.headers))

    def get(self, path: str) -> Any:
        """The body of an answer that must be 200."""
        answered = self.ask("GET", path)
        assert answered.status == 200, answered.body
        return answered.body

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """The body of an answer that must have this status."""
        answered = self.ask("POST", path, body)
        assert answered.status == status, answered.body
        return answered.body

    def save(self, definition: Mapping[str, Any], query: str = "") -> Any:
        """Save a definition and return the answer's body; it must work."""
        answered = self.ask("PUT", f"/conversions/{definition['id']}{query}", dict(definition))
        assert answered.status == 200, answered.body
        return answered.body

    def refused(self, definition: Mapping[str, Any], query: str = "") -> Any:
        """The problem that saving a definition gives."""
        answered = self.ask("PUT", f"/conversions/{definition['id']}{query}", dict(definition))
        assert answered.status >= 400, answered.body
        assert answered.headers["Content-Type"] == "application/problem+json"
        return answered.body

    def load(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Put rows into a product table; columns that are not given are NULL."""
        self.services.warehouse.append(table, rows)


def no_scheduler() -> NoReturn:
    raise AssertionError("this test has no scheduler")


def served(services: Services) -> FlaskClient:
    """A client of a web server that answers as the function does."""
    app = Flask("api")
    verbs = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, rule, lambda path="": answer(request, services), methods=verbs)
    return app.test_client()


def services_of(warehouse: Warehouse, now: Callable[[], datetime] = lambda: NOW) -> Harness:
    """An API on these datasets."""
    bus = KeptMessages()
    services = Services(
        settings=warehouse.settings,
        warehouse=warehouse,
        runner=warehouse,
        bus=lambda: bus,
        scheduler=no_scheduler,
        now=now,
    )
    return Harness(services, bus)


Opened = Callable[..., Harness]


@pytest.fixture(scope="session")
def connection() -> Any:
    """One DuckDB for all APIs that need no HTTP between the API and its tables."""
    return database()


@pytest.fixture(scope="session")
def open_api(connection: Any) -> Opened:
    """Opens APIs, each on datasets of its own; keywords are settings."""

    def opener(**settings: Any) -> Harness:
        name = f"d_{uuid.uuid4().hex[:12]}"
        chosen = Settings(
            project=PROJECT, dataset=name, staging_dataset=f"{name}_staging", **settings
        )
        warehouse = QuickWarehouse(chosen, connection)
        warehouse.ensure_tables()
        return services_of(warehouse)

    return opener


@pytest.fixture
def harness(open_api: Opened) -> Harness:
    """An API without any conversion or GA4 export."""
    return open_api()


@pytest.fixture(scope="module")
def shared(open_api: Opened) -> Harness:
    """An API for tests of one module that change nothing."""
    return open_api()


@dataclass
class House:
    """A shop whose runs really happen, and a person at its API."""

    world: World
    harness: Harness


@pytest.fixture(scope="module")
def open_house() -> Iterator[Callable[[], House]]:
    """Opens shops with GA4 and CRM datasets of their own; it is 20 November 2026."""
    worlds: list[World] = []

    def opener() -> House:
        worlds.append(QuickWorld())
        return house_of(worlds[-1])

    yield opener
    for world in worlds:
        world.close()


@pytest.fixture(scope="module")
def open_wire_house(client: bigquery.Client) -> Iterator[Callable[[], House]]:
    """Opens the same shops behind BigQuery's own API, for what it alone says or refuses."""
    worlds: list[World] = []

    def opener() -> House:
        dataset = f"{PROJECT}.d_{uuid.uuid4().hex[:12]}"
        client.create_dataset(dataset)
        worlds.append(World(client, dataset))
        return house_of(worlds[-1])

    yield opener
    for world in worlds:
        world.close()
        client.delete_dataset(world.dataset, delete_contents=True)


def house_of(world: World) -> House:
    return House(world, services_of(world.warehouse, lambda: noon(world.now)))


@pytest.fixture
def house(open_house: Callable[[], House]) -> House:
    """A shop of which nobody has heard yet."""
    return open_house()


def noon(moment: datetime) -> datetime:
    """Noon of the same day: people come when the morning's run is done."""
    return moment.replace(hour=12)


class NoSchedules:
    """A scheduler without any job."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def remove(self, name: str) -> None:
        self.removed.append(name)


@pytest.fixture
def schedules(harness: Harness) -> NoSchedules:
    kept = NoSchedules()
    harness.services = Services(**{**vars(harness.services), "scheduler": lambda: kept})
    harness.__post_init__()
    return kept
