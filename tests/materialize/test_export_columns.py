"""Columns of a GA4 export differ by year, property and copy: each may be absent or of any type.

Judge of the statements is GoogleSQL's analyzer. Source of what copies look like: reference of the
export schema (support.google.com/analytics/answer/7029846), Google's public sample (privacy_info is
INT64 there) and reports of exports without `items`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.ga4 import export, visits
from common.ga4.export import Export
from common.model.window import Window
from tests.judge import analyze
from tests.materialize.world import QuickWorld, ga4_schema
from tests.materialize.world import export as exported

DATASET = "test-project.analytics_1"
DAY = date(2026, 11, 10)
NEEDED = {"event_timestamp", "event_name"}
"""What no event is without."""
Schema = list[dict[str, Any]]


def without(schema: Schema, path: str) -> Schema:
    """The schema without the column of this path."""
    name, _, rest = path.partition(".")
    return [
        {**column, "fields": without(column["fields"], rest)} if column["name"] == name else column
        for column in schema
        if rest or column["name"] != name
    ]


def paths(schema: Schema, prefix: str = "") -> Iterator[str]:
    for column in schema:
        yield f"{prefix}{column['name']}"
        yield from paths(column.get("fields", []), f"{prefix}{column['name']}.")


def as_type(schema: Schema, name: str, type_: str) -> Schema:
    """The schema with this column as an always empty or copied one has it."""
    return [
        {"name": name, "type": type_, "mode": "NULLABLE"} if column["name"] == name else column
        for column in schema
    ]


def scan(schema: Schema) -> Sql:
    found = [Export(DATASET, schema, (f"events_{DAY:%Y%m%d}",))]
    return visits.begun(export.scan(found, Window(DAY, DAY), ["generate_lead"], "Europe/Berlin"))


def assert_accepted(schema: Schema) -> None:
    sql = scan(schema)
    types = {name: bound.type for name, bound in sql.parameters.items()}
    analyze(sql.text, {f"{DATASET}.events_{DAY:%Y%m%d}": schema}, types)


ALIASES = {"event_params": "parameter", "user_properties": "parameter", "items": "item"}
"""What the elements of a list are called in a scan."""


def reads(sql: Sql, path: str) -> bool:
    """Whether the statement reads the column of this path."""
    name, _, rest = path.partition(".")
    of_list = bool(rest) and name in ALIASES
    column = f"{ALIASES[name]}.{rest}" if of_list else f"event.{path}"
    # what follows reads the names that this step gives, and so does its outer half
    step = sql.text.partition("exports AS (")[2].partition("exported AS (")[0]
    where = step if of_list else step.partition("FROM (\n")[2]
    return re.search(rf"{re.escape(column)}\b", where) is not None


def known() -> list[str]:
    """The columns and fields that a scan of the whole schema reads, each of which may be absent."""
    whole = scan(ga4_schema())
    return [path for path in paths(ga4_schema()) if path not in NEEDED and reads(whole, path)]


def test_a_column_that_is_absent_is_not_read() -> None:
    listed = known()
    assert len(listed) > 60
    # keys and values of both lists are called alike
    lists = {"event_params", "user_properties"}
    alone = [path for path in listed if "." not in path or path.partition(".")[0] not in lists]
    for path in alone:
        assert not reads(scan(without(ga4_schema(), path)), path), path


@pytest.mark.parametrize("remainder", [0, 1])
def test_googlesql_takes_a_scan_without_every_other_column(remainder: int) -> None:
    schema = ga4_schema()
    for path in known()[remainder::2]:
        schema = without(schema, path)
    assert_accepted(schema)


@pytest.mark.parametrize("type_", ["STRING", "INTEGER"])
def test_a_record_may_be_a_text_or_a_column_that_is_always_empty(type_: str) -> None:
    schema = ga4_schema()
    for column in ga4_schema():
        if column["type"] == "RECORD":
            schema = as_type(schema, column["name"], type_)
    assert_accepted(schema)


@pytest.fixture
def world() -> Iterator[QuickWorld]:
    made = QuickWorld()
    made.define(id="purchase", event_type="purchase", refunds={"days": 30}, items=True)
    yield made
    made.close()


def sold(number: int, schema: Schema) -> dict[str, Any]:
    """A purchase with an order id in its parameters, of the columns that there are."""
    at = datetime(DAY.year, DAY.month, DAY.day, 10, 0, number, tzinfo=UTC)
    params = {"transaction_id": f"O{number}", "value": 10.0, "currency": "USD"}
    row = exported(
        {"at": at, "name": "purchase", "client": f"c{number}", "params": params}, number, "UTC"
    )
    return {name: value for name, value in row.items() if name in {it["name"] for it in schema}}


def test_a_table_of_nothing_but_parameters_is_counted(world: QuickWorld) -> None:
    few = [it for it in ga4_schema() if it["name"] in {*NEEDED, "event_params", "user_pseudo_id"}]
    rows = [sold(number, few) for number in (1, 2)]
    world.replace(f"{world.dataset}_ga4.events_20261110", few, rows)
    world.run(DAY)
    found = world.rows("purchase", "id", "client_id", "value")
    assert [(row["id"], row["client_id"], row["value"]) for row in found] == [
        ("O1", "c1", 10.0), ("O2", "c2", 10.0)
    ]  # fmt: skip


def test_records_that_are_texts_are_read(world: QuickWorld) -> None:
    """As some copies hold them; a text that is no JSON is an empty record."""
    records = {it["name"] for it in ga4_schema() if it["type"] == "RECORD"}
    schema = ga4_schema()
    for name in records:
        schema = as_type(schema, name, "STRING")
    item = {"item_id": "A", "price": 10.0, "quantity": 1}
    rows = [{**sold(number, schema), "items": [item]} for number in (1, 2)]
    rows[0] |= {"geo": {"country": "Chile"}, "collected_traffic_source": {"gclid": "G1"}}
    rows = [
        {key: json.dumps(it) if key in records else it for key, it in row.items()} for row in rows
    ]
    rows[1] |= {"items": "no list", "geo": "", "ecommerce": "null"}
    world.replace(f"{world.dataset}_ga4.events_20261110", schema, rows)
    world.run(DAY)
    found = world.rows("purchase", "id", "value", "country", "gclid", "params")
    assert [tuple(row.values())[:4] for row in found] == [
        ("O1", 10.0, "Chile", "G1"), ("O2", 10.0, None, None)
    ]  # fmt: skip
    assert [len(row["params"]) for row in found] == [1, 0]


def wrapped(column: dict[str, Any]) -> dict[str, Any]:
    """The list as a load of Parquet without list inference leaves it."""
    element = {"name": "element", "type": "RECORD", "mode": "NULLABLE", "fields": column["fields"]}
    listed = {"name": "list", "type": "RECORD", "mode": "REPEATED", "fields": [element]}
    return {**column, "mode": "NULLABLE", "fields": [listed]}


def test_lists_that_a_load_of_parquet_left_as_records_are_read(world: QuickWorld) -> None:
    """cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet: list.element unless
    enable_list_inference is set."""
    lists = {it["name"] for it in ga4_schema() if it.get("mode") == "REPEATED"}
    assert {"event_params", "items", "user_properties"} <= lists
    schema = [wrapped(it) if it["name"] in lists else it for it in ga4_schema()]
    assert_accepted(schema)
    row = sold(1, schema) | {"items": [{"item_id": "A", "price": 10.0, "quantity": 1}]}
    held = {name: {"list": [{"element": it} for it in row.get(name) or []]} for name in lists}
    world.replace(f"{world.dataset}_ga4.events_20261110", schema, [{**row, **held}])
    world.run(DAY)
    assert world.rows("purchase", "id", "value") == [{"id": "O1", "value": 10.0}]
    (event,) = world.query(f"SELECT items FROM {world.warehouse.table('ga4_events').text}")
    assert [(item["item_id"], item["price"]) for item in event["items"]] == [("A", 10.0)]


def test_a_day_that_is_a_date_in_a_copy_loses_what_it_tells_no_more(world: QuickWorld) -> None:
    schema = as_type(ga4_schema(), "event_date", "DATE")
    rows = [{**sold(number, schema), "event_date": "2026-11-10"} for number in (1, 2, 3)]
    path = f"{world.dataset}_ga4.events_20261110"
    world.replace(path, schema, rows)
    world.run(DAY)
    world.replace(path, schema, rows[:2])
    world.run(date(2026, 11, 11))
    assert [row["id"] for row in world.rows("purchase", "id")] == ["O1", "O2"]


@pytest.mark.parametrize("type_", ["STRING", "FLOAT", "TIMESTAMP"])
def test_the_time_of_an_event_may_have_another_type_in_a_copy(
    world: QuickWorld, type_: str
) -> None:
    schema = as_type(ga4_schema(), "event_timestamp", type_)
    assert_accepted(schema)
    row = sold(1, schema)
    micros = row["event_timestamp"]
    at = datetime(DAY.year, DAY.month, DAY.day, 10, 0, 1, tzinfo=UTC)
    row["event_timestamp"] = {"STRING": str(micros), "FLOAT": float(micros)}.get(type_, at)
    world.replace(f"{world.dataset}_ga4.events_20261110", schema, [row])
    world.run(DAY)
    assert world.rows("purchase", "id", "created") == [{"id": "O1", "created": at}]


@pytest.mark.parametrize("text", ["NaN", "-inf", "1e400", "12,5", "\u00a0", "(not set)"])
def test_a_text_where_a_number_should_be_stops_no_run(world: QuickWorld, text: str) -> None:
    asked = "value ga_session_id ga_session_number price quantity currency synthetic_bundle".split()
    keys = [*asked, "batch_page_id", "batch_ordering_id", "batch_event_index", "product_id"]
    schema = [it for it in ga4_schema() if not it["name"].startswith("batch_")]
    rows = [sold(number, schema) for number in (1, 2)]
    rows[0]["event_params"] = [
        {"key": "transaction_id", "value": {"string_value": "O1"}},
        *({"key": key, "value": {"string_value": text}} for key in keys),
    ]
    world.replace(f"{world.dataset}_ga4.events_20261110", schema, rows)
    world.run(DAY)
    assert [row["value"] for row in world.rows("purchase", "value")] == [None, 10.0]
