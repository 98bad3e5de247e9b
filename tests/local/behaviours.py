"""What BigQuery does around statements: jobs, loads, tables, limits. Each holds or raises.

A behaviour takes a client and an empty dataset; the stock emulator fails every one of them.
"""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import LoadJobConfig, QueryJobConfig, SchemaField

Behaviour = Callable[[bigquery.Client, str], None]

NO_RETRY: Any = None
"""After a fault of the server the client would try again for ten minutes."""
PAIR = [SchemaField("a", "STRING"), SchemaField("b", "INTEGER")]


def json_is_loaded_as_the_client_sends_it(client: bigquery.Client, dataset: str) -> None:
    load_rows(client, f"{dataset}.t", [{"b": 1, "a": "ä"}, {"a": None}])
    assert rows(client, f"SELECT a, b FROM `{dataset}.t` ORDER BY b") == [(None, None), ("ä", 1)]


def a_load_refuses_fields_that_the_table_has_not(client: bigquery.Client, dataset: str) -> None:
    load_rows(client, f"{dataset}.t", [{"a": "x"}])
    refused(lambda: load_rows(client, f"{dataset}.t", [{"c": 1}]), "No such field: c")


def parquet_columns_are_taken_by_name(client: bigquery.Client, dataset: str) -> None:
    create(client, bigquery.Table(f"{dataset}.t", PAIR))
    load_parquet(client, f"{dataset}.t", "SELECT 7 AS b, 'x' AS a")
    assert rows(client, f"SELECT a, b FROM `{dataset}.t`") == [("x", 7)]


def parquet_makes_its_own_table(client: bigquery.Client, dataset: str) -> None:
    load_parquet(client, f"{dataset}.t", "SELECT 1 AS n, [{'k': 'v'}] AS pairs")
    table = client.get_table(f"{dataset}.t")
    assert [(it.name, it.field_type, it.mode) for it in table.schema] == [
        ("n", "INTEGER", "NULLABLE"),
        ("pairs", "RECORD", "REPEATED"),
    ]


def a_load_that_fails_leaves_the_table_as_it_was(client: bigquery.Client, dataset: str) -> None:
    create(client, bigquery.Table(f"{dataset}.t", PAIR))
    client.query(f"INSERT INTO `{dataset}.t` (a, b) VALUES ('kept', 1)").result()
    truncate = {"write_disposition": "WRITE_TRUNCATE"}
    refused(lambda: load_parquet(client, f"{dataset}.t", "SELECT 'x' AS a, 'no' AS b", **truncate))
    assert rows(client, f"SELECT a FROM `{dataset}.t`") == [("kept",)]


def a_load_keeps_its_job_id(client: bigquery.Client, dataset: str) -> None:
    job_id = f"load-{uuid.uuid4()}"
    config = LoadJobConfig(schema=PAIR)
    job = client.load_table_from_json([{"b": 1}], f"{dataset}.t", job_id=job_id, job_config=config)
    assert job.result().job_id == job_id
    again = functools.partial(client.load_table_from_json, [{"b": 1}], f"{dataset}.t")
    refused(lambda: again(job_id=job_id, job_config=config), "Already Exists", exceptions.Conflict)
    assert len(rows(client, f"SELECT b FROM `{dataset}.t`")) == 1


def a_transaction_is_whole_or_nothing(client: bigquery.Client, dataset: str) -> None:
    create(client, bigquery.Table(f"{dataset}.t", PAIR))
    create(client, bigquery.Table(f"{dataset}.s", PAIR))
    values = [bigquery.ScalarQueryParameter("a", "STRING", "x; COMMIT")]
    write = (
        f"BEGIN TRANSACTION; INSERT INTO `{dataset}.t` (a, b) VALUES (@a, 1);"
        f" INSERT INTO `{dataset}.s` (a, b) SELECT a, {{}} FROM `{dataset}.t`; COMMIT TRANSACTION;"
    )
    broken = functools.partial(query, client, write.format("CAST(a AS INT64)"))
    refused(lambda: broken(QueryJobConfig(query_parameters=values)))
    assert rows(client, f"SELECT a FROM `{dataset}.t`") == []
    query(client, write.format("2"), QueryJobConfig(query_parameters=values))
    assert rows(client, f"SELECT a, b FROM `{dataset}.s`") == [("x; COMMIT", 2)]


def a_job_id_is_taken_once(client: bigquery.Client, dataset: str) -> None:
    job_id = f"job-{uuid.uuid4()}"
    client.query("SELECT 1 AS x", job_id=job_id, job_retry=None).result()
    refused(
        lambda: client.query("SELECT 1 AS x", job_id=job_id, job_retry=None),
        "Already Exists",
        exceptions.Conflict,
    )


def labels_come_back(client: bigquery.Client, dataset: str) -> None:
    job = client.query("SELECT 1 AS x", QueryJobConfig(labels={"app": "shop"}))
    job.result()
    assert client.get_job(job.job_id).labels == {"app": "shop"}


def a_list_of_tables_tells_their_labels(client: bigquery.Client, dataset: str) -> None:
    table = bigquery.Table(f"{dataset}.t", PAIR)
    table.labels = {"app": "shop"}
    create(client, table)
    (listed,) = client.list_tables(dataset)
    assert listed.labels == {"app": "shop"}


def a_job_ends_at_its_time_limit(client: bigquery.Client, dataset: str) -> None:
    config = QueryJobConfig(job_timeout_ms=100)
    refused(lambda: query(client, SLOW.format(size=1000), config), "timed out after 0.1 s")


def a_query_of_one_request_fails_as_a_request(client: bigquery.Client, dataset: str) -> None:
    refused(lambda: asked_at_once(client, "SELECT missing AS x"), "Unrecognized name: missing")
    gone = f"SELECT * FROM `{dataset}.gone`"
    refused(lambda: asked_at_once(client, gone), "Not found", exceptions.NotFound)


def a_query_of_one_request_is_a_job_like_others(client: bigquery.Client, dataset: str) -> None:
    config = QueryJobConfig(job_timeout_ms=100, labels={"app": "shop"})
    answer = asked_at_once(client, "SELECT 1 AS x", config)
    assert client.get_job(answer.job_id).labels == {"app": "shop"}
    slow = functools.partial(asked_at_once, client, SLOW.format(size=1000), config)
    refused(slow, "timed out after 0.1 s")


def a_request_sent_again_is_done_once(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    insert = {"query": f"INSERT INTO `{dataset}.t` (a) VALUES (2)", "useLegacySql": False}
    for _ in range(2):
        sent = {**insert, "requestId": "the-same"}
        path = f"/projects/{client.project}/queries"
        client._connection.api_request("POST", path, data=sent)  # type: ignore[no-untyped-call]
    assert rows(client, f"SELECT a FROM `{dataset}.t` ORDER BY a") == [(1,), (2,)]


def a_slow_query_stops_nobody(client: bigquery.Client, dataset: str) -> None:
    slow = threading.Thread(target=lambda: _try_slowly(client))
    slow.start()
    answered = 0
    while slow.is_alive():
        query(client, "SELECT 1 AS x")
        answered += 1
    assert answered > 3


def _try_slowly(client: bigquery.Client) -> None:
    with suppress(exceptions.BadRequest):
        query(client, SLOW.format(size=1000), QueryJobConfig(job_timeout_ms=3000))


def a_dry_run_runs_nothing(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    dry = QueryJobConfig(dry_run=True, use_query_cache=False)
    assert client.query(f"SELECT 1 AS x; DROP TABLE `{dataset}.t`", dry).statement_type == "SCRIPT"
    client.query(f"CREATE SNAPSHOT TABLE `{dataset}.copied` CLONE `{dataset}.t`", dry)
    assert [it.table_id for it in client.list_tables(dataset)] == ["t"]


def a_dry_run_names_columns_and_tables(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a, ['x'] AS tags")
    job = client.query(f"SELECT a, tags FROM `{dataset}.t`", QueryJobConfig(dry_run=True))
    assert [(it.name, it.field_type, it.mode) for it in job.schema or ()] == [
        ("a", "INTEGER", "NULLABLE"),
        ("tags", "STRING", "REPEATED"),
    ]
    assert [str(it) for it in job.referenced_tables or ()] == [f"{dataset}.t"]


def create_table_as_keeps_its_clauses(client: bigquery.Client, dataset: str) -> None:
    query(
        client,
        f"CREATE TABLE `{dataset}.t` PARTITION BY day CLUSTER BY id OPTIONS("
        "expiration_timestamp = TIMESTAMP '2100-01-01', labels = [('app', 'shop')]) AS "
        "SELECT DATE '2026-01-01' AS day, 'x' AS id, SUM(n) AS total FROM UNNEST([1, 2]) AS n",
    )
    table = client.get_table(f"{dataset}.t")
    assert table.clustering_fields == ["id"]
    assert table.labels == {"app": "shop"}
    assert table.expires is not None
    assert {it.name: it.field_type for it in table.schema}["total"] == "INTEGER"


def a_demanded_partition_filter_is_kept(client: bigquery.Client, dataset: str) -> None:
    table = bigquery.Table(f"{dataset}.t", [SchemaField("day", "DATE", "REQUIRED")])
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    table.require_partition_filter = True
    create(client, table)
    assert client.get_table(table).require_partition_filter


def rows_lie_in_the_day_on_which_they_came(client: bigquery.Client, dataset: str) -> None:
    table = bigquery.Table(f"{dataset}.t", PAIR)
    table.time_partitioning = bigquery.TimePartitioning()
    create(client, table)
    load_rows(client, f"{dataset}.t$20261103", [{"a": "x"}])
    load_rows(client, f"{dataset}.t$20261105", [{"a": "y"}, {"a": "z"}])
    query(client, f"INSERT INTO `{dataset}.t` (a) VALUES ('today')")
    days = "TIMESTAMP_TRUNC(_PARTITIONTIME, DAY) = TIMESTAMP(_PARTITIONDATE)"
    asked = f"SELECT a, o._PARTITIONDATE AS day FROM `{dataset}.t` AS o WHERE {days} AND "
    assert rows(client, f"{asked} _PARTITIONDATE < '2026-11-04'") == [("x", date(2026, 11, 3))]
    assert len(rows(client, f"{asked} _PARTITIONDATE >= '2026-11-04'")) == 3
    star = f"SELECT * FROM `{dataset}.t` WHERE _PARTITIONTIME = '2026-11-03'"
    assert rows(client, star) == [("x", None)]
    assert len(client.get_table(table).schema) == 2


def a_table_may_be_cut_by_arrival_in_sql(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` (a STRING) PARTITION BY _PARTITIONDATE")
    query(client, f"INSERT INTO `{dataset}.t` (a) VALUES ('x')")
    parted = client.get_table(f"{dataset}.t").time_partitioning
    assert parted is not None
    assert parted.field is None
    counted = f"SELECT COUNT(*) AS n FROM `{dataset}.t` WHERE _PARTITIONTIME > '2020-01-01'"
    assert rows(client, counted) == [(1,)]


def what_does_not_exist_is_a_fault(client: bigquery.Client, dataset: str) -> None:
    """Elements beyond an array, and the rest of a division by zero, are no NULL."""
    found = rows(
        client, "SELECT [7, 8][OFFSET(n)], [7][ORDINAL(n)], MOD(5, n + 1) FROM (SELECT 1 AS n)"
    )
    assert found == [(8, 7, 1)]
    for wrong, words in (
        ("SPLIT('a-b', '-')[OFFSET(2)]", "Array index is out of bounds"),
        ("[7][ORDINAL(n)]", "Array index is out of bounds"),
        ("MOD(5, n)", "division by zero"),
    ):
        asked = f"SELECT {wrong} FROM (SELECT 0 AS n)"
        refused(functools.partial(query, client, asked), words)
    kept = "SPLIT('a', '-')[SAFE_OFFSET(2)], SPLIT(NULLIF('a', 'a'), '-')[OFFSET(0)]"
    assert rows(client, f"SELECT {kept}") == [(None, None)]


def required_columns_are_required(client: bigquery.Client, dataset: str) -> None:
    create(client, bigquery.Table(f"{dataset}.t", [SchemaField("a", "STRING", "REQUIRED")]))
    refused(lambda: query(client, f"INSERT INTO `{dataset}.t` (a) VALUES (NULL)"))


def a_project_with_a_dash_needs_no_quotes(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE {dataset}.t AS SELECT r'\\d' AS a")
    query(client, f"INSERT INTO {dataset}.t (a) VALUES ('b')")
    assert rows(client, f"SELECT a FROM {dataset}.t ORDER BY a") == [("\\d",), ("b",)]


def a_field_may_be_called_order(client: bigquery.Client, dataset: str) -> None:
    field = SchemaField("s", "RECORD", fields=[SchemaField("order", "STRING")])
    create(client, bigquery.Table(f"{dataset}.t", [field]))
    query(client, f"INSERT INTO `{dataset}.t` (s) SELECT STRUCT('x' AS `order`)")
    assert rows(client, f"SELECT s.order FROM `{dataset}.t`") == [("x",)]


def an_added_column_is_in_the_schema(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    query(client, f"ALTER TABLE `{dataset}.t` ADD COLUMN b STRING, ADD COLUMN c ARRAY<INT64>")
    assert [it.name for it in client.get_table(f"{dataset}.t").schema] == ["a", "b", "c"]


def rows_are_counted_as_they_are(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    query(client, f"INSERT INTO `{dataset}.t` (a) VALUES (2), (3)")
    assert client.get_table(f"{dataset}.t").num_rows == 3


def a_table_tells_when_its_rows_changed(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    for change in (
        lambda: query(client, f"INSERT INTO `{dataset}.t` (a) VALUES (2)"),
        lambda: client.insert_rows_json(f"{dataset}.t", [{"a": 3}]),
        lambda: client.load_table_from_json([{"a": 4}], f"{dataset}.t").result(),
    ):
        before = client.get_table(f"{dataset}.t").modified
        change()
        assert client.get_table(f"{dataset}.t").modified > before


def a_list_of_structs_may_be_a_parameter(client: bigquery.Client, dataset: str) -> None:
    pairs = bigquery.ArrayQueryParameter("pairs", "STRING", ["x", "y"])
    day = bigquery.ScalarQueryParameter("day", "DATE", "2026-01-01")
    bound = bigquery.ArrayQueryParameter(
        "rows", "STRUCT", [bigquery.StructQueryParameter(None, pairs, day)]
    )
    config = QueryJobConfig(query_parameters=[bound])
    sql = "SELECT day, pairs FROM UNNEST(@rows) WHERE ARRAY_LENGTH(pairs) = 2"
    found = client.query(sql, config, retry=NO_RETRY, job_retry=None).result(retry=NO_RETRY)
    assert [row.pairs for row in found] == [["x", "y"]]


def no_file_of_the_machine_can_be_read(client: bigquery.Client, dataset: str) -> None:
    with TemporaryDirectory() as directory:
        secret = Path(directory) / "secret.txt"
        secret.write_text("secret")
        refused(lambda: query(client, f"SELECT content FROM read_text('{secret}')"))


def column_names_are_unique(client: bigquery.Client, dataset: str) -> None:
    refused(lambda: query(client, "SELECT 1 AS a, 2 AS A"), "Duplicate column names")


def a_delete_says_which_rows(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    refused(lambda: query(client, f"DELETE FROM `{dataset}.t`"), "must have a WHERE clause")


def an_unknown_name_is_told_with_its_place(client: bigquery.Client, dataset: str) -> None:
    query(client, f"CREATE TABLE `{dataset}.t` AS SELECT 1 AS a")
    reply = "Unrecognized name: nope at [2:3]"
    refused(lambda: query(client, f"SELECT\n  nope\nFROM `{dataset}.t`"), reply)


def a_pattern_without_tables_is_a_mistake(client: bigquery.Client, dataset: str) -> None:
    reply = "does not match any table"
    refused(lambda: query(client, f"SELECT 1 AS x FROM `{dataset}.none_*`"), reply)


SLOW = """
SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, {size})) AS a,
  UNNEST(GENERATE_ARRAY(1, {size})) AS b, UNNEST(GENERATE_ARRAY(1, 100)) AS c
WHERE MOD(a * b * c, 7) = 1
"""

BEHAVIOURS: list[Behaviour] = [
    json_is_loaded_as_the_client_sends_it,
    a_load_refuses_fields_that_the_table_has_not,
    parquet_columns_are_taken_by_name,
    parquet_makes_its_own_table,
    a_load_that_fails_leaves_the_table_as_it_was,
    a_load_keeps_its_job_id,
    a_transaction_is_whole_or_nothing,
    a_job_id_is_taken_once,
    labels_come_back,
    a_list_of_tables_tells_their_labels,
    a_job_ends_at_its_time_limit,
    a_query_of_one_request_fails_as_a_request,
    a_query_of_one_request_is_a_job_like_others,
    a_request_sent_again_is_done_once,
    a_slow_query_stops_nobody,
    a_dry_run_runs_nothing,
    a_dry_run_names_columns_and_tables,
    create_table_as_keeps_its_clauses,
    a_demanded_partition_filter_is_kept,
    rows_lie_in_the_day_on_which_they_came,
    a_table_may_be_cut_by_arrival_in_sql,
    what_does_not_exist_is_a_fault,
    required_columns_are_required,
    a_project_with_a_dash_needs_no_quotes,
    a_field_may_be_called_order,
    an_added_column_is_in_the_schema,
    rows_are_counted_as_they_are,
    a_list_of_structs_may_be_a_parameter,
    no_file_of_the_machine_can_be_read,
    column_names_are_unique,
    a_delete_says_which_rows,
    an_unknown_name_is_told_with_its_place,
    a_pattern_without_tables_is_a_mistake,
]


def create(client: bigquery.Client, table: bigquery.Table) -> None:
    client.create_table(table, retry=NO_RETRY)


def query(client: bigquery.Client, sql: str, config: QueryJobConfig | None = None) -> Any:
    return client.query(sql, config, retry=NO_RETRY, job_retry=None).result(retry=NO_RETRY)


def asked_at_once(client: bigquery.Client, sql: str, config: QueryJobConfig | None = None) -> Any:
    return client.query_and_wait(sql, job_config=config, retry=NO_RETRY, job_retry=NO_RETRY)


def rows(client: bigquery.Client, sql: str) -> list[tuple[Any, ...]]:
    return [row.values() for row in query(client, sql)]


def load_rows(client: bigquery.Client, path: str, listed: list[dict[str, Any]]) -> None:
    client.load_table_from_json(listed, path, job_config=LoadJobConfig(schema=PAIR)).result()


def load_parquet(client: bigquery.Client, path: str, sql: str, **options: Any) -> None:
    with TemporaryDirectory() as directory, duckdb.connect() as connection:
        file = Path(directory) / "rows.parquet"
        connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet)")
        config = LoadJobConfig(source_format="PARQUET", **options)
        client.load_table_from_file(BytesIO(file.read_bytes()), path, job_config=config).result()


def refused(
    act: Callable[[], Any],
    reply: str = "",
    kind: type[exceptions.GoogleAPICallError] = exceptions.BadRequest,
) -> None:
    """Fails unless the act is refused with these words."""
    with pytest.raises(kind) as refusal:
        act()
    assert reply in str(refusal.value)
