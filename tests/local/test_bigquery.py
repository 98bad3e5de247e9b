"""The embedded BigQuery starts, answers, remembers and heals."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from common.local.stack.bigquery import EmbeddedBigQuery, start_process
from common.local.stack.bigquery import client as connect


def test_a_query_is_answered(client: bigquery.Client) -> None:
    assert [row.x for row in client.query("SELECT 1 AS x").result()] == [1]


def test_a_dataset_lives_for_one_test(client: bigquery.Client, dataset: str) -> None:
    client.create_table(bigquery.Table(f"{dataset}.t", [bigquery.SchemaField("a", "STRING")]))
    assert [table.table_id for table in client.list_tables(dataset)] == ["t"]


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    first = start_process(tmp_path)
    with connect(first.host, "shop") as client:
        client.create_dataset("shop.d")
        client.query("CREATE TABLE shop.d.t AS SELECT 7 AS a").result()
    first.kill()
    second = start_process(tmp_path)
    with connect(second.host, "shop") as client:
        assert [row.a for row in client.query("SELECT a FROM shop.d.t").result()] == [7]
    second.stop()


def test_a_kill_between_table_and_catalog_is_healed(tmp_path: Path) -> None:
    with EmbeddedBigQuery(tmp_path) as engine, engine.client("shop") as client:
        client.create_dataset("shop.d")
        client.query("CREATE TABLE shop.d.gone AS SELECT 1 AS a").result()
    with duckdb.connect(str(tmp_path / "bqemulator.duckdb")) as file:
        file.execute('DROP TABLE "shop__d"."gone"')
        file.execute('CREATE TABLE "shop__d"."made" AS SELECT [1] AS numbers')
    with EmbeddedBigQuery(tmp_path) as engine, engine.client("shop") as client:
        assert [table.table_id for table in client.list_tables("shop.d")] == ["made"]
        field = client.get_table("shop.d.made").schema[0]
        assert (field.name, field.field_type, field.mode) == ("numbers", "INTEGER", "REPEATED")


def test_two_engines_do_not_share_a_directory(tmp_path: Path) -> None:
    first = start_process(tmp_path)
    with (
        pytest.raises(RuntimeError, match="Another engine is running on this data"),
        EmbeddedBigQuery(tmp_path, patience=0),
    ):
        pass
    first.stop()


def test_time_is_utc_wherever_the_machine_stands(tmp_path: Path) -> None:
    process = start_process(tmp_path, environment={"TZ": "Asia/Tokyo"})
    with connect(process.host, "shop") as client:
        sql = "SELECT CAST(TIMESTAMP '2026-01-01 20:00:00' AS STRING) AS at_utc"
        assert [row.at_utc for row in client.query(sql).result()] == ["2026-01-01 20:00:00+00"]
    process.stop()


def test_a_destination_that_would_stay_as_it_is_is_refused(
    client: bigquery.Client, dataset: str
) -> None:
    config = bigquery.QueryJobConfig(destination=f"{dataset}.answers")
    with pytest.raises(BadRequest, match="CREATE TABLE AS or INSERT"):
        client.query("SELECT 1 AS n", job_config=config, job_retry=None).result()
