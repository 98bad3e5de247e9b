"""The stage: one scan of the raw GA4 export becomes the typed events that definitions count."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common import ga4, lease, schemas
from common.errors import RetryableError
from common.sql import Parameter, Sql, template, with_parameters
from common.warehouse import Warehouse
from common.window import Window
from functions.materialize import write
from functions.materialize.ledger import Clock, Ledger

LEASE = "stage:ga4_events"


@dataclass(frozen=True)
class Span:
    """Days of the raw export to read, and the events to take from them."""

    window: Window
    events: frozenset[str]


def exports(warehouse: Warehouse) -> list[tuple[str, list[dict[str, Any]]]]:
    """(dataset, schema of its newest daily shard) of every GA4 property that has one."""
    found = []
    for dataset in warehouse.settings.ga4_datasets:
        newest = ga4.newest_shard(warehouse.tables_in(dataset))
        schema = warehouse.schema_of(f"{dataset}.{newest}") if newest else None
        if schema:
            found.append((dataset, schema))
    return found


def scan(warehouse: Warehouse, span: Span) -> Sql | None:
    """The query that reads the span from the raw export; None when there is no export yet."""
    found = exports(warehouse)
    if not found:
        return None
    return ga4.scan(found, span.window, span.events, warehouse.settings.timezone)


def planned_bytes(warehouse: Warehouse, spans: Iterable[Span]) -> int | None:
    """What reading these spans would cost in bytes; None is unknown."""
    sizes = [
        warehouse.dry_run(sql).bytes_processed
        for span in spans
        if (sql := scan(warehouse, span)) is not None
    ]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def fill_stage(
    warehouse: Warehouse, ledger: Ledger, span: Span, run_id: str, clock: Clock, force: bool
) -> None:
    """Bring the span of the stage up to date; raises RetryableError while another run writes it."""
    raw = scan(warehouse, span)
    if raw is None:
        return
    taken = lease.acquire(warehouse, LEASE, f"{run_id}|{span.window.start}")
    if taken is None:
        raise RetryableError("Another run is filling the stage.", code="stage_busy")
    try:
        _fill(warehouse, ledger, span, raw, taken, run_id, clock, force)
    finally:
        lease.release(warehouse, taken)


def _fill(
    warehouse: Warehouse,
    ledger: Ledger,
    span: Span,
    raw: Sql,
    taken: lease.Lease,
    run_id: str,
    clock: Clock,
    force: bool,
) -> None:
    write.settle(warehouse, taken)
    target = write.Target(
        warehouse.table("ga4_events"), "event_key", schemas.columns("ga4_events"), ("row_hash",)
    )
    scanned = warehouse.staging(f"stage_{taken.fence}_scanned")
    done = warehouse.execute(template(__file__, "staged", staged=scanned, rows=raw))
    difference = warehouse.staging(f"stage_{taken.fence}_difference")
    warehouse.execute(_difference(target, scanned, difference, span))
    counts = write.count(warehouse, target, difference, span.window)
    facts = {
        "start_date": span.window.start,
        "end_date": span.window.end,
        "fence": taken.fence,
        "bytes_processed": done.bytes_processed,
        "message": json.dumps({"events": sorted({*span.events, *ga4.ALWAYS})}),
        "inserted": counts.inserted,
        "updated": counts.updated,
        "deleted": counts.deleted,
    }
    if not force and (reason := write.brakes(counts, edited=False)):
        reason = reason.replace("conversions", "staged GA4 events")
        ledger.write(run_id, "held", seconds=clock.elapsed(), detail=reason, **facts)
        ledger.incident(
            "suspicious_shrink",
            f"{reason} ({span.window.start} to {span.window.end}); nothing was written.",
            fix="Check that the daily tables of the export are complete; if so, run with force.",
            run_id=run_id,
        )
        return
    write.merge(warehouse, target, difference, taken, span.window)
    ledger.write(run_id, "staged", seconds=clock.elapsed(), rows_total=counts.after, **facts)


def _difference(target: write.Target, scanned: Sql, difference: Sql, span: Span) -> Sql:
    names = [name for name in target.columns if name not in target.provenance]
    return with_parameters(
        template(
            __file__,
            "stage_difference",
            difference=difference,
            scanned=scanned,
            target=target.table,
            columns=", ".join(f"scanned.{name} AS {name}" for name in names),
            values=", ".join(
                f"fresh.{name}" for name in names if name not in ("event_key", "date")
            ),
        ),
        start_date=span.window.start,
        end_date=span.window.end,
        event_names=Parameter("ARRAY<STRING>", sorted({*span.events, *ga4.ALWAYS})),
    )
