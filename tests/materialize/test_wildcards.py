"""What lies beside GA4's daily tables: a view, intraday tables with more columns, older shards.

BigQuery fails every query through a prefix that a view has, and takes the columns of a wildcard
from the table that was created last (https://cloud.google.com/bigquery/docs/querying-wildcard-tables).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common.bigquery.sql import Sql
from common.errors import UserError
from common.ga4 import shards
from tests.materialize.test_runs import DAY, PURCHASE, shop
from tests.materialize.world import World, ga4_schema


def test_no_statement_of_ours_reads_through_a_prefix_that_a_view_may_have() -> None:
    root = Path(__file__).parents[2]
    prefix = re.compile(r"\}\.events_\*|events_\{\{")
    readers = [
        str(file.relative_to(root))
        for room in ("common", "functions")
        for file in (root / room).rglob("*.py")
        if "local" not in file.parts and prefix.search(file.read_text("utf-8"))
    ]
    assert readers == []


def test_a_view_beside_the_shards_stops_nobody(wire: World) -> None:
    wire.events(shop())
    export = f"{wire.dataset}_ga4"
    wire.warehouse.execute(Sql(f"CREATE VIEW `{export}.events_sessions` AS SELECT 1 AS id"))
    with pytest.raises(UserError):
        wire.query(f"SELECT COUNT(*) AS n FROM `{export}.events_*`")
    # what the API and validate-sql read through
    assert wire.query(f"SELECT COUNT(*) AS n FROM `{export}.{shards.DAILY}`")
    wire.define(**PURCHASE)
    wire.run(DAY)
    assert len(wire.rows("purchase", "value")) == 3


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
