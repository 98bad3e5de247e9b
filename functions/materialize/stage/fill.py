"""The stage: one scan of the raw GA4 export becomes the typed events that definitions count."""

from __future__ import annotations

import json

from common import schemas
from common.bigquery.leases import lease
from common.bigquery.sql import Parameter, Sql, create_table_as, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.errors import RetryableError
from common.ga4 import export
from common.ga4.stage import Span, scan
from functions.materialize.runs.ledger import Clock, Ledger
from functions.materialize.task import write

LEASE = "stage:ga4_events"


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
    write.await_previous_merge(warehouse, taken)
    target = write.MergeTarget(
        warehouse.table("ga4_events"), "event_key", schemas.columns("ga4_events"), ("row_hash",)
    )
    scanned = warehouse.staging(f"stage_{taken.fence}_scanned")
    done = warehouse.execute(create_table_as(scanned, raw))
    difference = warehouse.staging(f"stage_{taken.fence}_difference")
    warehouse.execute(_difference(target, scanned, difference, span))
    counts = write.count(warehouse, target, difference, span.window)
    facts = {
        "start_date": span.window.start,
        "end_date": span.window.end,
        "fence": taken.fence,
        "bytes_processed": done.bytes_processed,
        "message": json.dumps({"events": sorted({*span.events, *export.ALWAYS})}),
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
    if counts.changed:
        write.merge(warehouse, target, difference, taken, span.window)
    if not lease.is_held(warehouse, taken):
        raise RetryableError("Another run took the stage over.", code="lease_lost")
    ledger.write(run_id, "staged", seconds=clock.elapsed(), rows_total=counts.after, **facts)


def _difference(target: write.MergeTarget, scanned: Sql, difference: Sql, span: Span) -> Sql:
    names = [name for name in target.columns if name not in target.provenance]
    return with_parameters(
        template(
            __file__,
            "fill_difference",
            difference=difference,
            scanned=scanned,
            target=target.table,
            columns=", ".join(f"scanned.{name}" for name in names),
            row_text=write.row_text("scanned", schemas.load("ga4_events")["schema"], names),
            fingerprint=write.fingerprint("told.row_text"),
            values=", ".join(
                f"fresh.{name}" for name in names if name not in ("event_key", "date")
            ),
        ),
        start_date=span.window.start,
        end_date=span.window.end,
        event_names=Parameter("ARRAY<STRING>", sorted({*span.events, *export.ALWAYS})),
    )
