"""`load`: a person's files land in tables, with types, with totals, or with words that help.

`ga4_purchases_november_2020.parquet` holds all 1,296 purchase events, unchanged, of 23 days of
Google's public GA4 sample (bigquery-public-data.ga4_obfuscated_sample_ecommerce), as published in
github.com/nicomoccagatta/DW_events_processing at e27081cb; columns that are always empty have
the type INT64 in it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from google.cloud import bigquery

from common.local.commands import load
from common.local.stack.attach import CommandError

GA4 = Path(__file__).with_name("ga4_purchases_november_2020.parquet")

TOTALS = """
WITH purchases AS (
  SELECT NULLIF(ecommerce.transaction_id, '(not set)') AS id, event_timestamp AS at_micros,
    ecommerce.purchase_revenue AS revenue
  FROM `{export}.events_*` WHERE event_name = 'purchase'
), first AS (
  SELECT id, revenue FROM purchases WHERE id IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY at_micros) = 1
)
SELECT (SELECT COUNT(*) FROM purchases) AS purchases, (SELECT COUNT(*) FROM first) AS orders,
  (SELECT SUM(revenue) FROM first) AS revenue,
  (SELECT COUNTIF(id IS NULL) FROM purchases) AS without_id,
  (SELECT COUNTIF(revenue > 100) FROM purchases) AS above_100
"""


def loaded(
    client: bigquery.Client,
    table: str,
    *files: Path,
    append: bool = False,
    ga4_datasets: Sequence[str] | None = None,
) -> str:
    parser = argparse.ArgumentParser()
    load.add_arguments(parser)
    words = [table, *map(str, files), *(["--append"] if append else [])]
    out = StringIO()
    load.run(parser.parse_args(words), client, out, ga4_datasets)
    return out.getvalue()


def rows(client: bigquery.Client, sql: str) -> list[dict[str, Any]]:
    return [dict(row.items()) for row in client.query(sql).result()]


def types(client: bigquery.Client, table: str) -> dict[str, str]:
    return {it.name: it.field_type for it in client.get_table(table).schema}


def test_a_month_of_ga4_becomes_daily_tables_with_the_totals_of_its_source(
    client: bigquery.Client, dataset: str
) -> None:
    reply = loaded(client, f"{dataset}.events_", GA4)
    loaded(client, f"{dataset}.events_*", GA4)
    assert reply.endswith(f"1,296 events of 23 days in {dataset}.events_*\n")
    days = [table.table_id for table in client.list_tables(dataset)]
    assert (len(days), min(days), max(days)) == (23, "events_20201101", "events_20201129")
    assert rows(client, TOTALS.format(export=dataset)) == [
        {
            "purchases": 1296,
            "orders": 682,
            "revenue": 48806.0,
            "without_id": 435,
            "above_100": 231,
        }
    ]


def test_columns_that_are_always_empty_have_the_types_of_the_export(
    client: bigquery.Client, dataset: str
) -> None:
    loaded(client, f"{dataset}.events_", GA4)
    schema = {it.name: it for it in client.get_table(f"{dataset}.events_20201101").schema}
    assert schema["stream_id"].field_type == "STRING"
    assert {it.name: it.field_type for it in schema["privacy_info"].fields} == {
        "analytics_storage": "STRING",
        "ads_storage": "STRING",
        "uses_transient_token": "STRING",
    }
    assert "collected_traffic_source" not in schema


def test_days_of_a_property_that_nobody_counts_say_so(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    file = tmp_path / "day.ndjson"
    file.write_text(
        '{"event_date": "20260101", "event_timestamp": "1767225600000000", "event_name": "lead",'
        ' "event_params": [], "user_pseudo_id": "1.2"}\n'
    )
    for counted, said in (((dataset,), False), (("p.analytics_1",), True)):
        reply = loaded(client, f"{dataset}.events_", file, ga4_datasets=counted)
        assert (f"CONVERSIONS_GA4_DATASETS=p.analytics_1,{dataset}" in reply) is said


def test_one_day_may_be_loaded_into_its_own_table(client: bigquery.Client, dataset: str) -> None:
    with pytest.raises(CommandError, match=r"rows are of 23 days .* not of 20201101 alone"):
        loaded(client, f"{dataset}.events_20201101", GA4)


def test_a_newer_load_of_a_day_replaces_it(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    for number in (3, 1):
        file = tmp_path / "day.ndjson"
        event = (
            '{"event_date": "20260101", "event_timestamp": "1767225600000000",'
            ' "event_name": "lead", "event_params": [{"key": "a", "value": {"int_value": "5"}}],'
            ' "user_pseudo_id": "1.2", "collected_traffic_source": {"gclid": null}}\n'
        )
        file.write_text(event * number)
        loaded(client, f"{dataset}.events_", file)
    sql = f"""
      SELECT COUNT(*) AS n, MAX(event_params[OFFSET(0)].value.int_value) AS value
      FROM `{dataset}.events_*`"""
    assert rows(client, sql) == [{"n": 1, "value": 5}]


@pytest.mark.parametrize("ending", ["ndjson", "csv"])
def test_a_record_that_is_json_in_a_text_stays_a_text(
    client: bigquery.Client, dataset: str, tmp_path: Path, ending: str
) -> None:
    params = '[{"key": "a", "value": {"int_value": 5}}]'
    event = {
        "event_date": "20260101", "event_timestamp": 1767225600000000, "event_name": "lead",
        "event_params": params, "user_pseudo_id": "1.2", "ecommerce": '{"transaction_id": "T1"}',
    }  # fmt: skip
    file = tmp_path / f"day.{ending}"
    with file.open("w", newline="") as out:
        if ending == "csv":
            writer = csv.DictWriter(out, event)
            writer.writeheader()
            writer.writerow(event)
        else:
            out.write(json.dumps(event))
    loaded(client, f"{dataset}.events_fresh_", file)
    sql = f"""
      SELECT event_params, JSON_VALUE(ecommerce, '$.transaction_id') AS id
      FROM `{dataset}.events_fresh_20260101`"""
    assert rows(client, sql) == [{"event_params": params, "id": "T1"}]


WRAPPED = """
SELECT '20260101' AS event_date, 1767225600000000 AS event_timestamp, 'purchase' AS event_name,
  '1.2' AS user_pseudo_id,
  {'list': [{'element': {'key': 'a', 'value': {'int_value': 5}}}]} AS event_params,
  {'list': [{'element': {'item_id': 'A', 'item_params':
    {'list': [{'element': {'key': 'b', 'value': {'string_value': 'c'}}}]}}}]} AS items
UNION ALL
SELECT '20260101', 1767225600000001, 'lead', '1.2', NULL, {'list': []}
"""


def test_lists_that_parquet_holds_as_records_are_lists(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    """So are they in a table that BigQuery loaded without list inference, and in what it exports
    of it: cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet."""
    file = tmp_path / "day.parquet"
    duckdb.sql(WRAPPED).write_parquet(str(file))
    loaded(client, f"{dataset}.events_", file)
    sql = f"""
      SELECT event_name, (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'a') AS a,
        (SELECT param.value.string_value FROM UNNEST(items) AS item,
          UNNEST(item.item_params) AS param) AS b
      FROM `{dataset}.events_20260101` ORDER BY event_name"""
    assert rows(client, sql) == [
        {"event_name": "lead", "a": None, "b": None},
        {"event_name": "purchase", "a": 5, "b": "c"},
    ]


def test_a_record_where_ga4_has_a_list_is_named(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    event = {
        "event_date": "20260101", "event_timestamp": 1767225600000000, "event_name": "lead",
        "event_params": {"list": [{"element": {"key": "a"}}]}, "user_pseudo_id": "1.2",
    }  # fmt: skip
    file = tmp_path / "day.ndjson"
    file.write_text(json.dumps(event))
    with pytest.raises(CommandError, match=r"event_params of .*day.ndjson is one record, and in"):
        loaded(client, f"{dataset}.events_", file)


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_times_without_a_zone_are_said_to_be_in_utc(
    client: bigquery.Client, dataset: str, tmp_path: Path, ending: str
) -> None:
    """BigQuery's autodetection makes TIMESTAMP of them as well, and says nothing."""
    lines = [
        {"made": "2026-11-25T10:00:00", "zoned": "2026-11-25T10:00:00Z"},
        {"made": "2026-11-26T10:00:00", "zoned": "2026-11-26T10:00:00+01:00"},
    ]
    file = tmp_path / f"orders.{ending}"
    if ending == "csv":
        file.write_text("\n".join(["made,zoned", *(f"{it['made']},{it['zoned']}" for it in lines)]))
    else:
        file.write_text("\n".join(map(json.dumps, lines)))
    said = loaded(client, f"{dataset}.zones_{ending}", file)
    assert "The times of made say no zone and are taken for UTC" in said
    read = f"SELECT TIMESTAMP(DATETIME(made), 'Europe/Berlin') AS at FROM {dataset}.zones_{ending}"
    assert min(row["at"] for row in rows(client, read)) == datetime(2026, 11, 25, 9, tzinfo=UTC)


def test_a_csv_makes_its_table_and_a_second_load_the_same_rows(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    file = tmp_path / "deals.csv.gz"
    file.write_bytes(gzip.compress(b"Deal Id,2nd,Closed At,Amount\n1,x,2026-01-02 03:04:05,1.5\n"))
    loaded(client, f"{dataset}.deals", file)
    loaded(client, f"{dataset}.deals", file)
    assert types(client, f"{dataset}.deals") == {
        "Deal_Id": "INTEGER",
        "_2nd": "STRING",
        "Closed_At": "TIMESTAMP",
        "Amount": "FLOAT",
    }
    assert client.get_table(f"{dataset}.deals").num_rows == 1


def test_client_ids_in_a_csv_keep_their_digits(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    """Read as numbers they would find nobody in GA4; money with as many decimals stays money."""
    file, older = tmp_path / "deals.csv", tmp_path / "older.csv"
    file.write_text(
        "client_id,amount,share\n90018117.3469988350,1.5,0.123456789\n,2.5,0.30000000000000004\n"
    )
    older.write_text("amount\n3.5\n")
    loaded(client, f"{dataset}.deals", file, older)
    assert types(client, f"{dataset}.deals") == {
        "client_id": "STRING",
        "amount": "FLOAT",
        "share": "FLOAT",
    }
    loaded(client, f"{dataset}.deals", file)
    assert rows(client, f"SELECT client_id FROM `{dataset}.deals` ORDER BY amount") == [
        {"client_id": "90018117.3469988350"},
        {"client_id": None},
    ]


def test_a_csv_gives_texts_as_they_are_written(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    client.create_table(
        bigquery.Table(f"{dataset}.deals", [bigquery.SchemaField("postal_code", "STRING")])
    )
    file = tmp_path / "deals.csv"
    file.write_text("postal_code\n01099\n")
    loaded(client, f"{dataset}.deals", file)
    assert rows(client, f"SELECT postal_code FROM `{dataset}.deals`") == [{"postal_code": "01099"}]


def test_rows_may_be_appended(client: bigquery.Client, dataset: str, tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    file.write_text("id\n1\n")
    loaded(client, f"{dataset}.deals", file)
    loaded(client, f"{dataset}.deals", file, append=True)
    assert client.get_table(f"{dataset}.deals").num_rows == 2


def test_an_existing_table_keeps_its_types(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    schema = [bigquery.SchemaField("id", "STRING"), bigquery.SchemaField("amount", "NUMERIC")]
    client.create_table(bigquery.Table(f"{dataset}.deals", schema))
    file = tmp_path / "deals.parquet"
    duckdb.sql("SELECT 1.5 AS amount, 7 AS id").write_parquet(str(file))
    loaded(client, f"{dataset}.deals", file)
    assert types(client, f"{dataset}.deals") == {"id": "STRING", "amount": "NUMERIC"}
    assert rows(client, f"SELECT id FROM `{dataset}.deals`") == [{"id": "7"}]


def test_a_time_of_parquet_has_a_zone_or_none(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    """isAdjustedToUTC is false of the first and of what is in the record and the list; BigQuery
    makes DATETIME of such a time, whatever its precision (googleapis/python-bigquery#895, #985)."""
    file = tmp_path / "calls.parquet"
    naive = "TIMESTAMP '2026-03-01 10:00:00'"
    duckdb.sql(
        f"SELECT {naive} AS naive, TIMESTAMP_NS '2026-03-01 10:00:00' AS nanos,"
        f" TIMESTAMPTZ '2026-03-01 10:00:00+00' AS zoned, {{'at': {naive}}} AS inner_,"
        f" [{naive}] AS many"
    ).write_parquet(str(file))
    loaded(client, f"{dataset}.calls", file)
    assert types(client, f"{dataset}.calls") == {
        "naive": "DATETIME",
        "nanos": "DATETIME",
        "zoned": "TIMESTAMP",
        "inner_": "RECORD",
        "many": "DATETIME",
    }
    found = f"SELECT * FROM {dataset}.calls WHERE naive = inner_.at AND naive IN UNNEST(many)"
    (row,) = rows(client, found)
    assert (row["naive"], row["zoned"]) == (
        datetime(2026, 3, 1, 10),
        row["naive"].replace(tzinfo=UTC),
    )


def test_a_time_in_a_record_of_json_is_in_utc_as_one_beside_it(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    file = tmp_path / "calls.ndjson"
    at = "2026-03-01 10:00:00"
    file.write_text(json.dumps({"at": at, "inner_": {"at": at}, "all_": [{"at": at}]}))
    loaded(client, f"{dataset}.calls", file)
    schema = client.get_table(f"{dataset}.calls").schema
    kinds = {it.field_type for column in schema for it in column.fields or (column,)}
    assert kinds == {"TIMESTAMP"}


def test_nested_json_becomes_records(client: bigquery.Client, dataset: str, tmp_path: Path) -> None:
    file = tmp_path / "leads.ndjson"
    file.write_text('{"id": 1, "tags": ["a"], "by": {"name": "x"}}\n{"id": 2, "by": null}\n')
    loaded(client, f"{dataset}.leads", file)
    assert rows(client, f"SELECT * FROM `{dataset}.leads` ORDER BY id") == [
        {"id": 1, "tags": ["a"], "by": {"name": "x"}},
        {"id": 2, "tags": [], "by": None},
    ]


@pytest.mark.parametrize(
    ("table", "name", "content", "words"),
    [
        ("deals", "deals.csv", "id\n1\n", "'deals' is no table; write dataset.table"),
        ("crm.deals_*", "deals.csv", "id\n1\n", "only events_\\* can be written at once"),
        ("crm.deals", "missing.csv", None, "There is no file .*missing.csv"),
        ("crm.deals", "deals.xlsx", "x", "none of the endings .parquet, .ndjson"),
        ("crm.deals", "deals.csv", "", "deals.csv is empty"),
        ("crm.deals", "deals.csv", "\ufeff \n", "deals.csv is empty"),
        ("crm.deals", "deals.ndjson", "\n\n", "deals.ndjson is empty"),
        ("crm.deals", "deals.csv", "id,amount\n1,10,5\n2\n", "rows of other numbers of them"),
        ("crm.deals", "deals.parquet", "no parquet", "deals.parquet cannot be read as parquet"),
        ("crm.deals", "deals.ndjson", '{"id": 1', "deals.ndjson cannot be read as json"),
        ("crm.events_", "deals.csv", "id\n1\n", "is no GA4 export: it has no column event_date"),
    ],
)
def test_a_mistake_is_answered_with_a_way_out(
    client: bigquery.Client, tmp_path: Path, table: str, name: str, content: str | None, words: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match=words):
        loaded(client, table, file)


def test_columns_that_a_table_has_not_are_named(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    schema = [bigquery.SchemaField("id", "STRING", "REQUIRED")]
    client.create_table(bigquery.Table(f"{dataset}.deals", schema))
    file = tmp_path / "deals.csv"
    file.write_text("Amount,Stage\n1,won\n")
    with pytest.raises(CommandError, match=r"has no column amount, stage; .* no column id"):
        loaded(client, f"{dataset}.deals", file)


def test_a_text_in_another_encoding_is_said_to_be_none(
    client: bigquery.Client, dataset: str, tmp_path: Path
) -> None:
    for encoding in ("latin-1", "utf-16"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes("id,name\n1,Müller\n".encode(encoding))
        with pytest.raises(CommandError, match=r"is no text in UTF-8; save it as such\."):
            loaded(client, f"{dataset}.people", file)
