"""An erased person is gone from every table of the product, and no run brings them back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from common import schemas
from common.sql import Sql
from terraform.operations.erase_person import erase, mentions
from tests.judge import analyze
from tests.materialize.world import World

DAY = date(2026, 11, 10)
PERSON = "1834567890.1763550000"


def purchase(number: int, client: str) -> dict[str, Any]:
    at = datetime(2026, 11, 10, 9, tzinfo=UTC)
    sold = {"name": "purchase", "order": f"T{number}", "value": 10, "currency": "USD"}
    return {"key": number, "at": at, "client": client, **sold}


@pytest.fixture
def world(client: bigquery.Client, dataset: str) -> Iterator[World]:
    """A shop with two customers, whose conversions are published."""
    built = World(client, dataset)
    built.events([purchase(1, PERSON), purchase(2, "somebody.else")])
    built.define(id="purchase", event_type="purchase")
    built.run(DAY)
    yield built
    built.close()


def test_every_row_of_the_person_goes_and_no_other(world: World) -> None:
    erased = dict(erase(world.warehouse, [PERSON]))

    assert erased["conversion_purchase"] == 1
    assert erased["ga4_events"] == 1
    assert erased["conversion_changes"] == 1
    assert [row["client_id"] for row in world.rows("purchase", "client_id")] == ["somebody.else"]
    for table in erased:
        rows = world.warehouse.rows(Sql(f"SELECT * FROM `{world.warehouse.path(table)}`"))
        assert not [row for row in rows if PERSON in str(row)], table


def test_a_later_run_does_not_bring_the_person_back(world: World) -> None:
    list(erase(world.warehouse, [PERSON]))
    world.run(DAY)
    assert [row["client_id"] for row in world.rows("purchase", "client_id")] == ["somebody.else"]


def test_erasing_twice_is_erasing_once(world: World) -> None:
    list(erase(world.warehouse, [PERSON]))
    assert set(dict(erase(world.warehouse, [PERSON])).values()) == {0}
    remembered = world.warehouse.rows(Sql(f"SELECT * FROM `{world.warehouse.path('erasures')}`"))
    assert len(list(remembered)) == 1


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
