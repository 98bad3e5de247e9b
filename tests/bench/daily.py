"""The first daily run over generated GA4 events, beside one hand-written DuckDB pass.

python -m tests.bench.daily [--events N] [--conversions N]

Both read the same tables of the same file. Ours plans, stages, deduplicates, writes and keeps
books through BigQuery's API; the pass only computes the same rows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from google.cloud import bigquery

from common.catalog import Catalog
from common.local.bigquery import client, start_process
from common.local.shop import bulk
from common.messages import Message, RunRequested
from common.settings import Settings
from common.warehouse import Warehouse
from functions.materialize.ledger import Ledger
from functions.materialize.run import Office, handle
from functions.materialize.work import Desk
from tests.materialize.world import Recorder, ga4_schema

PROJECT = "bench-project"
START = date(2026, 10, 1)
DAYS = 30

PASS_STAGED = """
CREATE TEMP TABLE staged AS
SELECT
  event_name, user_pseudo_id AS client_id, make_timestamp(event_timestamp) AS created,
  nullif(ecommerce.transaction_id, '') AS order_id, ecommerce.purchase_revenue AS revenue,
  ecommerce.refund_value AS refund_value,
  list_filter(event_params, p -> p.key = 'ga_session_id')[1].value.int_value AS session_id,
  list_filter(event_params, p -> p.key = 'page_location')[1].value.string_value AS page_location,
  traffic_source.source AS source, geo.country AS country
FROM ({shards})
WHERE event_name IN ('purchase', 'refund', 'generate_lead', 'session_start')
"""
PASS_COLUMNS = """event_name, user_pseudo_id, event_timestamp, ecommerce, event_params,
  traffic_source, geo"""
PASS_PURCHASE = """
CREATE TEMP TABLE pass_{number} AS
SELECT p.*, greatest(0, p.revenue - coalesce(r.refunded, 0)) AS value
FROM (
  SELECT * FROM staged WHERE event_name = 'purchase' AND revenue > {over}
  QUALIFY row_number() OVER (PARTITION BY coalesce(order_id, client_id) ORDER BY created) = 1
) AS p
LEFT JOIN (
  SELECT order_id, sum(refund_value) AS refunded FROM staged WHERE event_name = 'refund' GROUP BY 1
) AS r USING (order_id)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--conversions", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), chosen.events, chosen.conversions)


def measure(folder: Path, events: int, conversions: int) -> None:
    """Print the seconds of both and their ratio."""
    files, known = bulk.write(folder / "files", events, start=START, days=DAYS)
    print(f"{known.events:,} events, {DAYS} days, {conversions} conversions")
    with engine(folder / "data") as connected:
        load(connected, files)
        office = office_of(connected)
        for number in range(conversions):
            define(office, number)
        ours = timed(lambda: drain(office))
        counted = office.desk.warehouse.rows(_count(office))
        rows = next(counted)["rows_"]
    theirs = timed(lambda: hand_written(folder / "data", conversions))
    print(f"{'ours, first run of all days':<34}{ours:>8.1f} s   {rows:,} purchases")
    print(f"{'hand-written DuckDB pass':<34}{theirs:>8.1f} s   {known.purchases:,} purchases known")
    print(f"{'ratio':<34}{ours / theirs:>8.2f}")


@contextmanager
def engine(data: Path) -> Iterator[bigquery.Client]:
    process = start_process(data)
    try:
        yield client(process.host, PROJECT)
    finally:
        process.stop()


def load(connected: bigquery.Client, files: list[Path]) -> None:
    connected.create_dataset(f"{PROJECT}.analytics_1")
    fields = [bigquery.SchemaField.from_api_repr(column) for column in ga4_schema()]
    for file in files:
        path = f"{PROJECT}.analytics_1.{file.stem}"
        connected.create_table(bigquery.Table(path, schema=fields))
        config = bigquery.LoadJobConfig(source_format="PARQUET")
        with file.open("rb") as opened:
            size = file.stat().st_size
            connected.load_table_from_file(opened, path, size=size, job_config=config).result()


def office_of(connected: bigquery.Client) -> Office:
    settings = Settings(project=PROJECT, ga4_datasets=(f"{PROJECT}.analytics_1",))
    warehouse = Warehouse(connected, settings)
    warehouse.ensure_tables()
    now = datetime(2026, 10, 1, 6, tzinfo=UTC) + timedelta(days=DAYS)
    desk = Desk(warehouse, warehouse, Ledger(warehouse, now), time.monotonic)
    return Office(desk, Catalog(warehouse), Recorder())


def define(office: Office, number: int) -> None:
    over = {"dimension": "transaction_total", "operator": "greater_than", "value": number * 5}
    definition: dict[str, Any] = {
        "kind": "simple",
        "id": f"purchase_{number}",
        "name": f"Purchase over {number * 5}",
        "event_type": "purchase",
        "filters": over if number else None,
        "refunds": {"days": 30},
    }
    office.catalog.save(definition, now=office.desk.ledger.now, author="bench")


def drain(office: Office) -> None:
    queue: list[Message] = [RunRequested(request_id="bench")]
    bus = office.bus
    assert isinstance(bus, Recorder)
    while queue:
        message = queue.pop(0)
        if getattr(message, "kind", "") != "materialized":
            handle(office, message)
        queue += bus.queue
        bus.queue.clear()


def hand_written(data: Path, conversions: int) -> None:
    with duckdb.connect(str(next(data.rglob("*.duckdb"))), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_name SIMILAR TO 'events_[0-9]{8}'"
        ).fetchall()
        columns = PASS_COLUMNS
        shards = " UNION ALL ".join(
            f'SELECT {columns} FROM "{schema}"."{name}"' for schema, name in tables
        )
        connection.execute(PASS_STAGED.format(shards=shards))
        for number in range(conversions):
            over = number * 5 if number else -1
            connection.execute(PASS_PURCHASE.format(number=number, over=over))


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _count(office: Office) -> Any:
    from common.sql import Sql

    path = office.desk.warehouse.path("conversion_purchase_0")
    return Sql(f"SELECT COUNT(*) AS rows_ FROM `{path}` WHERE date > '2000-01-01'")


if __name__ == "__main__":
    main()
