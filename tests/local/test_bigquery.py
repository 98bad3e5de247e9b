"""The embedded BigQuery starts, answers, remembers and heals."""

from __future__ import annotations

from pathlib import Path

from google.cloud import bigquery

from common.local.bigquery import client as connect
from common.local.bigquery import start_process


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
