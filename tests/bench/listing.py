"""How long the console's list takes with 500 conversions: one answer, as the page asks for it.

python -m tests.bench.listing

Definitions, two runs each with their summaries, and open incidents lie in DuckDB without a network.
Times are of the processor, which a busy machine does not distort. The baseline is DuckDB reading
the same tables whole, and Python writing their rows as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from common.bigquery.sql import fill
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.incidents.incidents import Incident, IncidentLog
from common.settings import Settings
from functions.api.main import answer
from functions.api.services import Services
from tests.quick import QuickWarehouse, database

CONVERSIONS = 500
TIMES = 7
TARGET_MILLISECONDS = 300
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLES = ("definitions", "runs", "incidents")


def main() -> None:
    """Print milliseconds of each question of the page, and how many times the baseline that is."""
    from flask import Flask, request

    with contextlib.redirect_stdout(io.StringIO()):
        services = filled()
    base = milliseconds(lambda: plain(services.warehouse))
    print(f"baseline: three tables as JSON        {base:7.1f} ms")
    app = Flask("bench")
    for address in ("/conversions?limit=100", "/conversions", "/conversions?search=number+49"):
        with app.test_request_context(address):
            took = milliseconds(lambda: answer(request, services).get_data())
            size = len(answer(request, services).get_data())
        print(
            f"{address:36}  {took:7.1f} ms   {took / base:4.1f} x baseline   {size / 1000:7.0f} KB"
            f"   target {TARGET_MILLISECONDS} ms"
        )


def milliseconds(act: Callable[[], Any]) -> float:
    """Median of processor time, in thousandths of a second, after one act that warms up."""
    act()
    taken = []
    for _ in range(TIMES):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return 1000 * median(taken)


def plain(warehouse: Warehouse) -> str:
    """What the list is made of, read whole and written as it is."""
    found = [
        list(warehouse.rows(fill("SELECT * FROM {{ it }} AS it", it=warehouse.table(name))))
        for name in TABLES
    ]
    return json.dumps(found, default=str)


def filled() -> Services:
    """An API over as many conversions, each of which has run twice."""
    settings = Settings(project="test-project", dataset="bench", staging_dataset="bench_staging")
    warehouse = QuickWarehouse(settings, database())
    warehouse.ensure_tables()
    yesterday = NOW.date() - timedelta(days=1)
    ids = [f"number_{number}" for number in range(CONVERSIONS)]
    catalog = Catalog(warehouse)
    for id in ids:
        definition = {"id": id, "name": id.title(), "kind": "simple", "event_type": "purchase"}
        catalog.save(definition, now=NOW - timedelta(days=9), author="somebody")
    warehouse.append("runs", [run(id, back, yesterday) for id in ids for back in (1, 0)])
    found = [Incident("silence", "Fewer.", "Look.", id) for id in ids[:50]]
    IncidentLog(warehouse, "materialize", NOW).report(found)
    nobody: Any = None
    return Services(settings, warehouse, warehouse, lambda: nobody, lambda: nobody, lambda: NOW)


def run(id: str, back: int, yesterday: date) -> dict[str, Any]:
    """The end of a conversion's daily run so many days ago, with its summary of 30 days."""
    days = [yesterday - timedelta(days=number + back) for number in range(30)]
    recent = [{"date": str(day), "conversions": 27, "value": 99.5} for day in days]
    at = NOW - timedelta(days=back, hours=4)
    return {
        "date": at.date(),
        "recorded_at": at,
        "run_id": f"daily-{back}",
        "conversion": id,
        "status": "applied",
        "trigger": "schedule",
        "start_date": days[-1],
        "end_date": days[0],
        "rows_read": 900,
        "rows_total": 800,
        "recent": json.dumps(recent),
    }


if __name__ == "__main__":
    main()
