"""An erased person is gone from every table of the product, and no run brings them back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from common import schemas
from common.bigquery.sql import Sql
from common.settings import Settings
from terraform.operations.erase_person import erase, mentions
from tests.judge import analyze
from tests.materialize.world import World
from tests.quick import QuickWarehouse

DAY = date(2026, 11, 10)
NOW = datetime(2026, 11, 12, tzinfo=UTC)
PERSON = "1834567890.1763550000"


LEAD = "7"
"""Of the person; a number that stands in addresses of pages that everybody sees."""


def purchase(number: int, client: str) -> dict[str, Any]:
    at = datetime(2026, 11, 10, 9, tzinfo=UTC)
    sold = {"name": "purchase", "order": f"T{number}", "value": 10, "currency": "USD"}
    seen = {
        "page_location": f"https://shop.example/category-7/thanks?step={number}",
        "step": "7",
    }
    return {"key": number, "at": at, "client": client, "params": seen, **sold}


@dataclass(frozen=True)
class Erased:
    """A shop with two customers, of whom one was erased twice: rows deleted each time, by table."""

    world: World
    first: dict[str, int]
    second: dict[str, int]


@pytest.fixture(scope="module")
def erased(client: bigquery.Client) -> Iterator[Erased]:
    dataset = f"{client.project}.erasing"
    client.create_dataset(dataset)
    world = World(client, dataset)
    world.events([purchase(1, PERSON), purchase(2, "somebody.else")])
    world.define(id="purchase", event_type="purchase")
    world.run(DAY)
    quoted = {"date": DAY, "recorded_at": NOW, "incident_id": "i", "code": "c", "severity": "error"}
    texts = [f"It stopped at {PERSON}.", "It stopped elsewhere."]
    world.warehouse.append("incidents", [{**quoted, "detail": text} for text in texts])
    staged = world.warehouse.staging("left_behind_difference")
    world.warehouse.execute(
        Sql(f"CREATE TABLE {staged} AS SELECT '{PERSON}' AS client_id UNION ALL SELECT 'other'")
    )
    first, second = (dict(erase(world.warehouse, [PERSON, LEAD], NOW)) for _ in range(2))
    yield Erased(world, first, second)
    world.close()
    client.delete_dataset(dataset, delete_contents=True)


def test_every_row_of_the_person_goes_and_no_other(erased: Erased) -> None:
    for table in ("conversion_purchase", "ga4_events", "conversion_changes"):
        assert erased.first[table] == 1
    assert clients(erased.world) == ["somebody.else"]
    for table in erased.first.keys() - {"ga4_events"}:
        path = erased.world.warehouse.path(table)
        rows = erased.world.warehouse.rows(Sql(f"SELECT * FROM `{path}`"))
        assert not [row for row in rows if PERSON in str(row)], table


def test_words_that_quote_the_person_go_and_others_stay(erased: Erased) -> None:
    path = erased.world.warehouse.path("incidents")
    found = [row["detail"] for row in erased.world.query(f"SELECT detail FROM `{path}`")]
    assert found == ["It stopped elsewhere."]


def test_nothing_is_left_in_what_runs_have_left_behind(erased: Erased) -> None:
    warehouse = erased.world.warehouse
    settings = warehouse.settings
    for table in warehouse.tables_in(f"{settings.project}.{settings.staging_dataset}"):
        rows = list(warehouse.rows(Sql(f"SELECT * FROM {warehouse.staging(table)}")))
        assert not [row for row in rows if PERSON in str(row)], table
    kept = warehouse.rows(Sql(f"SELECT * FROM {warehouse.staging('left_behind_difference')}"))
    assert [row["client_id"] for row in kept] == ["other"]


def test_a_later_run_does_not_bring_the_person_back(erased: Erased) -> None:
    erased.world.run(DAY)
    assert clients(erased.world) == ["somebody.else"]


def test_erasing_twice_is_erasing_once(erased: Erased) -> None:
    assert set(erased.second.values()) == {0}
    path = erased.world.warehouse.path("erasures")
    remembered = erased.world.warehouse.rows(Sql(f"SELECT * FROM `{path}`"))
    # the client's id, the lead's and the order's
    assert len(list(remembered)) == 3


def clients(world: World) -> list[str]:
    return [row["client_id"] for row in world.rows("purchase", "client_id")]


@pytest.mark.parametrize("shape", [*schemas.fixed_tables(), "conversion"])
def test_googlesql_accepts_what_is_deleted_by(shape: str) -> None:
    mentioned = mentions(schemas.columns(shape))
    if mentioned is None:
        named = {"client_id", "user_id", "lead_id", "email", "phone"} & set(schemas.columns(shape))
        assert not named, "this table names people, and is left as it is"
    else:
        table = {"shop.conversions.held": schemas.load(shape)["schema"]}
        statement = f"DELETE FROM `shop.conversions.held` WHERE {mentioned}"
        analyze(statement, table, {"ids": "ARRAY<STRING>"})


class Judged(QuickWarehouse):
    """Has GoogleSQL's analyzer read each statement before it runs."""

    def _execute(self, sql: Sql) -> Any:
        paths = set(re.findall(r"`([\w-]+\.\w+\.\w+)`", sql.text))
        tables = {path: self.schema_of(path) or [] for path in paths}
        types = {name: bound.type for name, bound in sql.parameters.items()}
        analyze(sql.text, tables, types)
        return super()._execute(sql)


def test_googlesql_accepts_each_statement_of_an_erasure() -> None:
    settings = Settings(project="test-project", dataset="judged", staging_dataset="judged_s")
    house = Judged(settings)
    house.ensure_tables()
    house.ensure_table(house.path("conversion_purchase"), "conversion")
    house.create(house.staging_path("left"), schemas.load("conversion")["schema"])
    before = house.statements
    list(erase(house, [PERSON, "ann@shop.example", "+442079460958"], NOW))
    assert house.statements > before + len(schemas.fixed_tables())


ORDERS = [
    {"name": "id", "type": "STRING"},
    {"name": "client_id", "type": "STRING"},
    {"name": "email", "type": "STRING"},
    {"name": "created", "type": "TIMESTAMP"},
    {"name": "card", "type": "STRING"},
]


def order(id: str, client: str | None, email: str, card: str = "") -> dict[str, Any]:
    at = "2026-11-10T10:00:00Z"
    return {"id": id, "client_id": client, "email": email, "created": at, "card": card}


def test_who_is_known_by_an_address_or_a_row_alone_is_forgotten_and_stays_so(
    client: bigquery.Client,
) -> None:
    dataset = f"{client.project}.erasing_by_email"
    client.create_dataset(dataset)
    world = World(client, dataset)
    crm = f"{dataset}_crm.orders"
    hashed = hashlib.sha256(b"ann@shop.example").hexdigest()
    rows = [
        order("A1", None, " Ann@Shop.example"),
        order("A2", "ann.phone", hashed),
        order("A3", "ann.phone", "second@shop.example"),
        order("B1", "bob", "bob@shop.example"),
        order("C1", "carl", "carl@shop.example"),
        order("D1", "dora", "dora@shop.example", card="CARD-4711"),
    ]
    world.replace(crm, ORDERS, rows)
    sql = (
        "SELECT id, client_id, email, created, [STRUCT('card' AS key, card AS value)] AS params"
        f" FROM `{crm}` WHERE DATE(created) BETWEEN @start_date AND @end_date"
    )
    world.define(id="signed", kind="custom", sql=sql, reads=[crm])
    world.run(DAY)
    assert len(world.rows("signed", "id")) == len(rows)
    of_list = {"date": DAY, "recorded_at": NOW, "destination": "ads", "account": "1"}
    # a run was ended after it had noted whom to put on a list, before it asked the platform
    sent = {**of_list, "conversion": "signed", "identifiers": hashed}
    noted = [{**sent, "conversion_id": id} for id in ("A1", "B1")]
    world.warehouse.append("audience_members", noted)
    for asked in ("ANN@shop.example", "C1", "CARD-4711"):
        list(erase(world.warehouse, [asked], NOW))
    members = world.query(f"SELECT * FROM `{world.warehouse.path('audience_members')}`")
    assert [row["conversion_id"] for row in members] == ["B1"]
    later = order("D2", None, "of.another@shop.example", card="CARD-4711")
    for request in ("", "a later load"):
        assert [row["id"] for row in world.rows("signed", "id")] == ["B1"], request
        world.replace(crm, ORDERS, [*rows, later])
        world.run(DAY, request_id=request)
    assert [row["id"] for row in world.rows("signed", "id")] == ["B1"], "by a parameter alone"
    kept = world.query(f"SELECT id FROM `{world.warehouse.path('conversion_changes')}`")
    assert [row["id"] for row in kept] == ["B1"]
    world.close()
    client.delete_dataset(dataset, delete_contents=True)


def test_the_id_of_a_lead_finds_its_scores() -> None:
    """lead_scores and lead_features call it `id`: by lead_id alone, scores still answered."""
    for table in ("lead_scores", "lead_features"):
        mentioned = mentions(schemas.columns(table))
        assert mentioned is not None
        assert "`id` IN UNNEST(@ids)" in mentioned.text


def test_an_address_in_a_part_of_a_visit_is_found() -> None:
    """What one daily table tells of a visit that two tell is no page of the visit's own."""
    settings = Settings(project="test-project", dataset="parts", staging_dataset="parts_s")
    house = QuickWarehouse(settings)
    house.ensure_tables()
    path = house.path("ga4_visits")
    house.load(path, schemas.load("ga4_visits")["schema"], [visit("a", "ann@"), visit("b", "bob@")])
    list(erase(house, ["ann@shop.example"], NOW))
    (left,) = house.rows(Sql(f"SELECT client_id FROM `{path}`"))
    assert left["client_id"] == "b"


def visit(client: str, name: str) -> dict[str, Any]:
    part = {"shard": "20261111", "landing": f"1https://shop.example/?mail={name}shop.example"}
    return {
        "date": "2026-11-10", "visit_key": client, "property": "p.ga4", "client_id": client,
        "session_id": f"{client}.1", "parts": [part],
    }  # fmt: skip
