"""A stage that cannot read some days: who reads them waits and says so, everybody else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from google.cloud import bigquery

from common.local.limits.figures import Figures
from common.local.limits.limits import Limits
from common.local.stack.bigquery import EmbeddedBigQuery
from tests.conftest import PROJECT
from tests.materialize.test_runs import DAY, PURCHASE, shop
from tests.materialize.world import World

CAP = 200 * 1024**3
"""The product's own cap of one query."""
LEAST = 10 * 2**20
EARLY = {
    "key": 9,
    "at": datetime(2026, 11, 5, 9, tzinfo=UTC),
    "name": "purchase",
    "client": "d",
    "order": "T0",
    "value": 3,
    "currency": "USD",
}
ORDERS = [{"name": "id", "type": "STRING"}, {"name": "created", "type": "TIMESTAMP"}]


@pytest.fixture(scope="module")
def limits() -> Limits:
    return Limits(Figures(updates=1_000, updates_if_partitioned=1_000, dml=1_000))


@pytest.fixture(scope="module")
def client(limits: Limits) -> Iterator[bigquery.Client]:
    with EmbeddedBigQuery(limits=limits) as engine, engine.client(PROJECT) as connected:
        yield connected


def world(client: bigquery.Client, name: str) -> World:
    """Three days of the shop, a conversion of GA4's events and one of a query."""
    client.create_dataset(name)
    made = World(client, f"{PROJECT}.{name}")
    made.events([EARLY, *shop()])
    crm = f"{PROJECT}.{name}_crm.orders"
    made.replace(crm, ORDERS, [{"id": "C1", "created": "2026-11-09T10:00:00Z"}])
    sql = (
        f"SELECT id, CAST(NULL AS STRING) AS client_id, created FROM `{crm}` "
        "WHERE DATE(created) BETWEEN @start_date AND @end_date"
    )
    made.define(id="signed", kind="custom", sql=sql, reads=[crm])
    made.define(**PURCHASE)
    return made


def declare(limits: Limits, name: str, **days: int) -> None:
    limits.figures.declared.clear()
    for day, size in days.items():
        limits.figures.declared[f"{PROJECT}.{name}_ga4.events_202611{day[1:]}"] = size


def test_days_are_read_in_pieces_under_the_cap(client: bigquery.Client, limits: Limits) -> None:
    """At 5 M events a day 31 days read 214.5 GB, and the cap is 214.7."""
    made = world(client, "pieces")
    declare(limits, "pieces", d05=CAP // 2, d08=CAP // 5, d09=CAP // 5, d10=CAP // 5)
    made.run(DAY)
    staged = [entry for entry in made.ledger() if entry["status"] == "staged"]
    assert len(staged) > 1
    assert len(made.rows("purchase", "value")) == 4
    assert "bytes_cap" not in made.incidents()
    made.close()


def test_a_day_over_the_cap_holds_only_who_reads_it(
    client: bigquery.Client, limits: Limits
) -> None:
    made = world(client, "over")
    declare(limits, "over", d08=10**9, d09=2 * CAP, d10=10**9)
    made.run(DAY)
    assert [row["id"] for row in made.rows("signed", "id")] == ["C1"]
    held = made.ledger("purchase", status="held")
    assert [entry["detail"] for entry in held] == [
        "It counts GA4's events of days that are held or not there to be read."
    ]
    incident = next(
        row
        for row in made.query(f"SELECT * FROM `{made.warehouse.path('incidents')}`")
        if row["code"] == "bytes_cap"
    )
    assert "Query exceeded limit for bytes billed" in incident["detail"]
    # a day of the project may have events in the property's day before and after it; who was
    # erased is read beside it, and no table is billed less than 10 MB
    assert f"maximum_bytes_billed = {2 * CAP + 10**9 + LEAST}" in incident["fix"]
    assert "USD a run" in incident["fix"]
    made.close()
