"""Puts a shop into BigQuery by load jobs, as the connectors of the real world do."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from google.cloud import bigquery

from common.local.shop import shop as shops
from common.local.shop.files import ndjson
from common.local.shop.ga4 import Row
from common.local.shop.shop import Shop


@dataclass(frozen=True)
class Datasets:
    """Where the tables go, each as project.dataset."""

    ga4: str
    hubspot: str
    crm: str


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
    counts = {
        f"{datasets.ga4}.{name}": _load(
            client, f"{datasets.ga4}.{name}", shop.ga4_schema(name), None, rows
        )
        for name, rows in days.items()
    }
    for name, found in shop.crm(as_of).items():
        dataset, table = name.split(".")
        path = f"{getattr(datasets, dataset)}.{table}"
        counts[path] = _load(client, path, shops.columns(name), shops.partition(name), found)
    return counts


def _drop_intraday(client: bigquery.Client, dataset: str, keep: Iterable[str]) -> None:
    for found in client.list_tables(dataset):
        if found.table_id.startswith("events_intraday_") and found.table_id not in keep:
            client.delete_table(found.reference)


def _load(
    client: bigquery.Client,
    path: str,
    schema: list[Row],
    partition: str | None,
    rows: Iterable[Row],
) -> int:
    fields = [bigquery.SchemaField.from_api_repr(column) for column in schema]
    table = bigquery.Table(path, schema=fields)
    if partition:
        table.time_partitioning = bigquery.TimePartitioning(field=partition)
    client.create_table(table, exists_ok=True)
    body = ndjson(rows).encode()
    job = client.load_table_from_file(
        io.BytesIO(body),
        path,
        size=len(body),
        job_config=bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            schema=fields,
        ),
    )
    job.result()
    return int(job.output_rows or 0)
