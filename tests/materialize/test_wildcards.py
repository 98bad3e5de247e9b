"""What lies beside GA4's daily tables: a view, intraday tables with more columns, older shards.

BigQuery fails every query through a prefix that a view has, and takes the columns of a wildcard
from the table that was created last (https://cloud.google.com/bigquery/docs/querying-wildcard-tables).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from common.bigquery.sql import Sql
from common.errors import UserError
from functions.api.definitions import events
from tests.materialize.test_runs import DAY, PURCHASE, shop
from tests.materialize.world import World, ga4_schema

BESIDE = {
    "a view of sessions": "CREATE VIEW `{}.events_sessions` AS SELECT 1 AS id",
    "a view of a year": "CREATE VIEW `{}.events_2026` AS SELECT 1 AS id",
    "a view of a day": "CREATE VIEW `{}.events_20261108_clean` AS SELECT 1 AS id",
    "what is left of a copy": "CREATE TABLE `{}.events_20261108_old` AS SELECT 1 AS id",
    "a newer day without columns": "CREATE TABLE `{}.events_20261119` AS SELECT 1 AS id",
}
"""Tables beside the daily ones, none of which is read for the days of the shop."""


@pytest.mark.parametrize("made", BESIDE.values(), ids=BESIDE)
def test_a_table_beside_the_shards_stops_nobody(wire: World, made: str) -> None:
    wire.events(shop())
    export = f"{wire.dataset}_ga4"
    wire.warehouse.execute(Sql(made.format(export)))
    with pytest.raises(UserError):
        wire.query(f"SELECT COUNT(event_timestamp) AS n FROM `{export}.events_*`")
    wire.define(**PURCHASE)
    wire.run(DAY)
    assert len(wire.rows("purchase", "value")) == 3


@pytest.mark.parametrize("made", [*BESIDE.values()][:-1], ids=[*BESIDE][:-1])
def test_nor_whoever_asks_which_events_there_are(wire: World, made: str) -> None:
    wire.events(shop())
    wire.warehouse.execute(Sql(made.format(f"{wire.dataset}_ga4")))
    assert events.seen(wire.warehouse)["purchase"] == 4


@pytest.mark.parametrize("column", ["items", "ecommerce", "geo", "event_params"])
def test_a_newer_table_without_a_column_takes_it_from_no_other(wire: World, column: str) -> None:
    """A first run reads a month at a time, and a backfill what it is asked for: older days than
    the newest, in tables whose names begin alike."""
    wire.events(shop())
    export = f"{wire.dataset}_ga4"
    fewer = [each for each in ga4_schema() if each["name"] != column]
    wire.replace(f"{export}.events_20261119", fewer, [])
    wire.define(**PURCHASE)
    wire.now = datetime(2026, 11, 20, 6, tzinfo=UTC)
    wire.handle(wire.tick("older", end_date=DAY))
    assert [row["value"] for row in wire.rows("purchase", "value")] == [70.0, 5.5, 7.0]


@pytest.mark.parametrize("column", ["items", "ecommerce", "geo", "event_params"])
def test_nor_does_an_old_day_that_was_made_anew(wire: World, column: str) -> None:
    """What was restored from a backup was created last, however old its day is."""
    wire.events(shop())
    export = f"{wire.dataset}_ga4"
    wire.replace(f"{export}.events_20261119", ga4_schema(), [])
    fewer = [each for each in ga4_schema() if each["name"] != column]
    wire.replace(f"{export}.events_20261102", fewer, [])
    wire.define(**PURCHASE)
    wire.now = datetime(2026, 11, 20, 6, tzinfo=UTC)
    wire.handle(wire.tick("older", start_date=date(2026, 11, 8), end_date=DAY))
    assert [row["value"] for row in wire.rows("purchase", "value")] == [70.0, 5.5, 7.0]


def test_shards_of_other_shapes_are_read_with_what_they_have(wire: World) -> None:
    """An intraday table has more columns and was created last; an old shard has fewer."""
    wire.events(shop())
    export = f"{wire.dataset}_ga4"
    older = [column for column in ga4_schema() if column["name"] != "collected_traffic_source"]
    kept = wire.query(f"SELECT * FROM `{export}.events_20261108`")
    rows = [{c["name"]: row[c["name"]] for c in older} for row in kept]
    wire.replace(f"{export}.events_20261108", older, rows)
    more = [*ga4_schema(), {"name": "brand_new", "type": "STRING"}]
    wire.replace(f"{export}.events_intraday_20261111", more, [])
    wire.define(**PURCHASE)
    wire.run(DAY)
    found = wire.rows("purchase", "client_id", "value", "gclid")
    assert [row["value"] for row in found] == [70.0, 5.5, 7.0]
    assert found[0]["gclid"] == "G1"


def test_a_small_cap_asks_fewer_days_which_events_there_are(wire: World) -> None:
    wire.events(shop())
    wire.warehouse.settings = wire.settings.model_copy(
        update={"maximum_bytes_billed": 10 * 1024 * 1024}
    )
    assert events.seen(wire.warehouse) == {"refund": 1}
