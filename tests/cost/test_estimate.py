"""Bytes computed by hand beside the estimator's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, cast

import pytest
from google.cloud import bigquery

from common import schemas
from common.bigquery.sql import Parameter, Sql
from common.bigquery.warehouse import Warehouse
from common.cost import queries, sizes
from common.cost.estimate import MEGABYTE, Cost, Read, TableSize, billed, bytes_of
from common.cost.forecast import Price, Table, forecast
from common.cost.reads import reads
from common.cost.widths import ga4, widths
from common.settings import Settings
from common.untyped import JsonObject
from tests.materialize.world import ga4_schema

STAGE = "p-roject.d.ga4_events"
EXPORT = "p-roject.ga4.events_*"
SCHEMAS = {STAGE: schemas.load("ga4_events")["schema"], EXPORT: ga4_schema()}
START, END = date(2026, 11, 1), date(2026, 11, 4)
DAYS = {
    "start_date": Parameter("DATE", START),
    "end_date": Parameter("DATE", END),
    "names": Parameter("ARRAY<STRING>", ["purchase"]),
}


def sized(days: int, rows: int, **shares: dict[str, float]) -> TableSize:
    """So many days before and with 4 November, each of so many rows of 8 bytes a column."""
    names = {column["name"]: 8.0 for column in SCHEMAS[STAGE]}
    by_day: dict[date | None, int] = {END - timedelta(days=n): rows for n in range(days)}
    return TableSize(names, by_day, "date", shares)


def test_bigquery_counts_8_bytes_for_numbers_and_2_more_than_its_letters_for_a_text() -> None:
    schema: list[dict[str, Any]] = [
        {"name": "id", "type": "INTEGER"},
        {"name": "paid", "type": "BOOLEAN"},
        {"name": "price", "type": "NUMERIC"},
        {"name": "name", "type": "STRING"},
        {"name": "geo", "type": "RECORD", "fields": [{"name": "country", "type": "STRING"}]},
    ]
    found = widths(schema, {"name": 7.5})
    assert found == {"id": 8, "paid": 1, "price": 16, "name": 7.5, "geo.country": 22}


def test_only_columns_that_are_used_and_days_that_constants_allow_are_read() -> None:
    sql = Sql(
        f"""WITH a AS (
          SELECT e.* FROM `{STAGE}` AS e WHERE e.date BETWEEN @start_date AND @end_date
        )
        SELECT a.client_id, COUNT(*) AS n FROM a WHERE a.event_name = 'purchase' GROUP BY 1""",
        DAYS,
    )
    (read,) = reads(sql, SCHEMAS)
    assert read.columns == {"client_id", "date", "event_name"}
    assert read.bounds == {"date": (START, END)}
    # 4 of 10 days, 3 columns of 8 bytes, 1,000 rows
    assert bytes_of(read, sized(10, 1000)) == 4 * 3 * 8 * 1000


@pytest.mark.parametrize(
    ("condition", "bound"),
    [
        ("e.date = @start_date", (START, START)),
        ("e.date > @start_date AND e.date < @end_date", (date(2026, 11, 2), date(2026, 11, 3))),
        ("@end_date >= e.date", (None, END)),
        ("e.date BETWEEN DATE_SUB(@start_date, INTERVAL 91 DAY) AND @end_date",
         (date(2026, 8, 2), END)),
        ("e.date >= '2026-10-31' AND e.user_id = 'u'", (date(2026, 10, 31), None)),
        ("e.date BETWEEN @start_date AND @end_date", (START, END)),
        ("e.date >= LEAST(@start_date, DATE '2026-01-01')", (date(2026, 1, 1), None)),
    ],
)  # fmt: skip
def test_a_bound_is_a_comparison_with_a_constant(condition: str, bound: object) -> None:
    (read,) = reads(Sql(f"SELECT e.value FROM `{STAGE}` AS e WHERE {condition}", DAYS), SCHEMAS)
    assert read.bounds["date"] == bound


@pytest.mark.parametrize(
    "condition",
    [
        "e.date < @start_date OR e.date > @end_date",
        "e.date >= (SELECT MIN(o.date) FROM `p-roject.d.ga4_events` AS o)",
        "EXTRACT(YEAR FROM e.date) = 2026",
        "e.date >= DATE(e.occurred_at)",
        "e.date >= @unknown",
    ],
)
def test_whatever_a_row_may_change_bounds_nothing(condition: str) -> None:
    found = reads(Sql(f"SELECT e.value FROM `{STAGE}` AS e WHERE {condition}", DAYS), SCHEMAS)
    assert all("date" not in read.bounds for read in found)


def test_of_a_cluster_only_the_values_that_are_asked_for_are_read() -> None:
    sql = Sql(f"SELECT e.value FROM `{STAGE}` AS e WHERE e.event_name IN UNNEST(@names)", DAYS)
    (read,) = reads(sql, SCHEMAS)
    size = sized(10, 1000, event_name={"purchase": 0.25})
    assert bytes_of(read, size) == 0.25 * 10 * 1000 * 2 * 8


@pytest.mark.parametrize(("listed", "days"), [([START, END], 2), ([], 0), ([date(2020, 1, 1)], 0)])
def test_of_listed_days_only_these_are_read(listed: list[date], days: int) -> None:
    text = f"SELECT e.value FROM `{STAGE}` AS e WHERE e.date IN UNNEST(@days) AND e.date < @end"
    end = Parameter("DATE", date(2027, 1, 1))
    sql = Sql(text, {"days": Parameter("ARRAY<DATE>", listed), "end": end})
    (read,) = reads(sql, SCHEMAS)
    assert bytes_of(read, sized(10, 1000)) == days * 1000 * 2 * 8


def test_of_days_that_nobody_knows_all_are_read() -> None:
    sql = Sql(f"SELECT e.value FROM `{STAGE}` AS e WHERE e.date IN UNNEST(@days)", {})
    (read,) = reads(sql, SCHEMAS)
    assert bytes_of(read, sized(10, 1000)) == 10 * 1000 * 2 * 8


def test_of_a_record_only_the_fields_that_are_used_are_read() -> None:
    sql = Sql(
        f"SELECT e.geo.country FROM `{EXPORT}` AS e"
        " WHERE e._TABLE_SUFFIX BETWEEN '20261101' AND '20261102'"
    )
    (read,) = reads(sql, SCHEMAS)
    assert "geo.country" in read.columns
    size = TableSize(widths(ga4_schema(), ga4()), {START: 100, END: 100}, "_TABLE_SUFFIX")
    # 4 November lies outside
    assert bytes_of(read, size) == round(ga4()["geo.country"] * 100)


def test_of_a_list_only_the_fields_that_are_asked_of_it_are_read() -> None:
    sql = Sql(
        f"""SELECT
          ARRAY(SELECT AS STRUCT item.item_id AS id FROM UNNEST(e.items) AS item) AS items,
          (SELECT p.value.int_value FROM UNNEST(e.event_params) AS p WHERE p.key = 'a') AS a,
          e.user_properties
        FROM `{EXPORT}` AS e"""
    )
    (read,) = reads(sql, SCHEMAS)
    wanted = {"items.item_id", "event_params.key", "event_params.value.int_value"}
    assert read.columns == {*wanted, "user_properties"}


def test_a_merge_reads_all_columns_of_the_days_that_it_may_touch() -> None:
    merge = f"""MERGE INTO `{STAGE}` AS t USING (SELECT 'k' AS k) AS s
      ON t.event_key = s.k AND t.date BETWEEN @start_date AND @end_date
      WHEN MATCHED THEN DELETE"""
    changed, referred = reads(Sql(merge, DAYS), SCHEMAS)
    assert len(changed.columns) == len(schemas.columns("ga4_events"))
    assert referred.columns == {"date", "event_key"}
    assert changed.bounds == referred.bounds == {"date": (START, END)}


def test_what_cannot_be_read_counts_whole() -> None:
    (read,) = reads(Sql(f"SELECT FROM WHERE `{STAGE}` ((("), SCHEMAS)
    assert bytes_of(read, sized(2, 10)) == 2 * 10 * 8 * len(schemas.columns("ga4_events"))


def test_each_table_costs_ten_megabytes_at_least_and_whole_ones_above() -> None:
    small = Read("a.b.c", frozenset({"x"}))
    large = Read("a.b.d", frozenset({"x"}))
    size = TableSize({"x": 8.0}, {None: 1})
    millions = TableSize({"x": 8.0}, {None: 2_000_000})
    assert billed([small, small], {"a.b.c": size}) == 10 * MEGABYTE
    both = billed([small, large], {"a.b.c": size, "a.b.d": millions})
    assert both == (10 + 16) * MEGABYTE  # 16,000,000 bytes are 15.3 MiB
    assert Cost(1024**4, 6.25).usd_a_month == 187.5


def test_the_sizes_of_daily_tables_come_from_information_schema(
    client: bigquery.Client, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [bigquery.SchemaField.from_api_repr(column) for column in ga4_schema()]
    for day, count in (("20251231", 1), ("20261101", 2), ("20261102", 1)):
        path = f"{dataset}.events_{day}"
        client.create_table(bigquery.Table(path, schema=fields))
        rows = [{"event_name": "purchase", "user_pseudo_id": "1.2"}] * count
        config = bigquery.LoadJobConfig(schema=fields)
        client.load_table_from_json(rows, path, job_config=config).result()
    project, name = dataset.split(".")
    warehouse = Warehouse(client, Settings(project=project, dataset=name))
    asked: list[Sql] = []
    rows_of = warehouse.rows

    def noted(sql: Sql) -> Iterator[JsonObject]:
        asked.append(sql)
        return rows_of(sql)

    monkeypatch.setattr(warehouse, "rows", noted)
    names = ("events_20251231", "events_20261101", "events_20261102")
    held = sizes.daily_tables(warehouse, dataset, names)
    size = sizes.together(held, ga4_schema())
    assert size.rows == {date(2025, 12, 31): 1, START: 2, date(2026, 11, 2): 1}
    assert sizes.alone(held["events_20261101"], ga4_schema()).rows == {None: 2}
    # a statement may ask for the metadata of 1,000 tables, and exports grow by one a day
    years = [{str(it.value)[7:11] for it in sql.parameters.values()} for sql in asked]
    assert years == [{"2025"}, {"2026"}]
    assert size.partition == "_TABLE_SUFFIX"


def test_a_forecast_bills_each_statement_by_itself_and_names_the_cap_of_the_largest() -> None:
    sql = Sql(
        f"SELECT e.client_id FROM `{STAGE}` AS e WHERE e.date BETWEEN @start_date AND @end_date",
        DAYS,
    )
    # four of ten days, a million rows of client_id and date, 8 bytes each: 64,000,000 are 61.04 MiB
    of_stage = Table(tuple(SCHEMAS[STAGE]), sized(10, 1_000_000))
    small = Sql(f"SELECT e.client_id FROM `{STAGE}` AS e WHERE e.date = @end_date", DAYS)
    unknown = Sql("SELECT it.id FROM `p-roject.staging.mine` AS it", {})
    found = forecast([sql, small, unknown], {STAGE: of_stage}, Price(6.25))
    # a day alone is 16,000,000 bytes, 15.3 MiB
    assert (found.bytes, found.largest) == ((62 + 16) * MEGABYTE, 62 * MEGABYTE)
    assert found.cost.usd_a_month == pytest.approx(78 / 1024**2 * 6.25 * 30)


class MadeAnew(Warehouse):
    """A property whose oldest daily table was created last, and has a column more."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None), Settings(project="p-roject"))

    def tables_in(self, dataset: str) -> list[str]:
        return ["events_20261102", "events_20261103", "events_20261101"]

    def schema_of(self, path: str) -> list[JsonObject] | None:
        more = [{"name": "more", "type": "INTEGER"}] if path.endswith("01") else []
        return [{"name": "id", "type": "INTEGER"}, *more]

    def rows(self, sql: Sql, **_: Any) -> Iterator[JsonObject]:
        held = {"partition_id": None, "total_rows": 10_000_000, "total_logical_bytes": None}
        return iter([{"table_name": name, **held} for name in self.tables_in("")])


def test_a_wildcard_has_the_columns_of_the_table_that_was_created_last() -> None:
    sql = Sql(f"SELECT e.id, e.more FROM `{EXPORT}` AS e")
    # three tables of ten million rows, 16 bytes each: 480,000,000 are 457.8 MiB
    assert queries.estimated(sql, [EXPORT], MadeAnew()) == 458 * MEGABYTE


def test_beside_reserved_slots_reading_costs_nothing_more() -> None:
    price = Price(6.25, slots=100, per_slot_hour=0.06)
    assert price.cost(1024**4).usd == 0
    # 100 slots, 730 hours a month
    assert price.reservation_a_month == pytest.approx(4380)
    assert Price(6.25).reservation_a_month == 0
