"""Puts a shop into BigQuery by load jobs, as the connectors of the real world do."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from google.cloud import bigquery

from common.local.shop import shop as shops
from common.local.shop.files import ndjson
from common.local.shop.shop import Shop
from common.local.shop.site.ga4 import Row


@dataclass(frozen=True)
class Datasets:
    """Where the tables go, each as project.dataset."""

    ga4: str
    hubspot: str
    crm: str


@dataclass(frozen=True)
class _Table:
    """A table to be made: project.dataset.table, its columns, its partition, its rows."""

    path: str
    schema: list[Row]
    partition: str | None
    rows: Iterable[Row]


def load(
    shop: Shop,
    client: bigquery.Client,
    datasets: Datasets,
    as_of: date,
    since: date | None = None,
) -> dict[str, int]:
    """Makes the tables what they are on that day; returns rows by table path.

    With `since`, the day of the load before, tables of GA4 that did not change stay untouched.
    Datasets are created where missing; intraday tables of days gone by are dropped.
    """
    days: Mapping[str, Iterable[Row]] = (
        shop.export.changed(as_of, since) if since else shop.ga4_days(as_of)
    )
    for dataset in (datasets.ga4, datasets.hubspot, datasets.crm):
        client.create_dataset(dataset, exists_ok=True)
    _drop_intraday(client, datasets.ga4, keep=days)
    tables = [
        *(
            _Table(f"{datasets.ga4}.{name}", shop.ga4_schema(name), None, rows)
            for name, rows in days.items()
        ),
        *(
            _Table(_path(datasets, name), shops.columns(name), shops.partition(name), rows)
            for name, rows in shop.crm(as_of).items()
        ),
    ]
    # while BigQuery reads one table, the next one is written down
    with ThreadPoolExecutor(max_workers=2) as pool:
        counts = pool.map(lambda table: _load(client, table), tables)
        return {table.path: count for table, count in zip(tables, counts, strict=True)}


def _drop_intraday(client: bigquery.Client, dataset: str, keep: Iterable[str]) -> None:
    for found in client.list_tables(dataset):
        # once the day is there GA4 deletes them (support.google.com/analytics/answer/9358801)
        if found.table_id.startswith("events_intraday_") and found.table_id not in keep:
            client.delete_table(found.reference)


def _path(datasets: Datasets, name: str) -> str:
    dataset, table = name.split(".")
    return f"{getattr(datasets, dataset)}.{table}"


def _load(client: bigquery.Client, table: _Table) -> int:
    fields = [bigquery.SchemaField.from_api_repr(column) for column in table.schema]
    made = bigquery.Table(table.path, schema=fields)
    if table.partition:
        made.time_partitioning = bigquery.TimePartitioning(field=table.partition)
    # before the load, which replaces the rows and keeps the table's partitions
    client.create_table(made, exists_ok=True)
    body = ndjson(table.rows).encode()
    job = client.load_table_from_file(
        io.BytesIO(body),
        table.path,
        size=len(body),
        job_config=bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            # GA4 and the connectors write tables whole: a row that is gone there is gone here
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            schema=fields,
        ),
    )
    job.result()
    return int(job.output_rows or 0)
