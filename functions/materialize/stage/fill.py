"""The stage: one scan of the raw GA4 export becomes the typed events that definitions count."""

from __future__ import annotations

import json

from common import schemas
from common.bigquery.leases import lease
from common.bigquery.sql import Parameter, Sql, create_table_as, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.run_status import RunStatus
from common.errors import RetryableError
from common.ga4 import export
from common.ga4.stage import Span, scan
from common.incidents.incidents import Incident
from functions.materialize import merge
from functions.materialize.runs.ledger import Clock, Ledger

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
    merge.await_previous_merge(warehouse, taken)
    target = merge.MergeTarget(
        warehouse.table("ga4_events"), "event_key", schemas.columns("ga4_events"), ("row_hash",)
    )
    scanned = warehouse.staging(f"stage_{taken.fence}_scanned")
    done = warehouse.execute(create_table_as(scanned, raw))
    difference = warehouse.staging(f"stage_{taken.fence}_difference")
    warehouse.execute(_difference(target, scanned, difference, span))
    counts = merge.count(warehouse, target, difference, span.window)
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
    if not force and (reason := merge.brakes(counts, edited=False)):
        reason = reason.replace("conversions", "staged GA4 events")
        ledger.write(run_id, RunStatus.HELD, seconds=clock.elapsed(), detail=reason, **facts)
        ledger.report(
            Incident(
                "suspicious_shrink",
                f"{reason} ({span.window.start} to {span.window.end}); nothing was written.",
                fix="Check that the export's daily tables are complete; if so, run with force.",
                subject=LEASE,
                object=str(span.window.start),
            ),
            run_id=run_id,
        )
        return
    if counts.changed:
        merge.merge(warehouse, target, difference, taken, span.window)
    if not lease.is_held(warehouse, taken):
        raise RetryableError("Another run took the stage over.", code="lease_lost")
    ledger.write(
        run_id, RunStatus.STAGED, seconds=clock.elapsed(), rows_total=counts.after, **facts
    )


def _difference(target: merge.MergeTarget, scanned: Sql, difference: Sql, span: Span) -> Sql:
    names = [name for name in target.columns if name not in target.provenance]
    return with_parameters(
        template(
            __file__,
            "fill_difference",
            difference=difference,
            scanned=scanned,
            target=target.table,
            columns=", ".join(f"scanned.{name}" for name in names),
            row_text=merge.row_text("scanned", schemas.load("ga4_events")["schema"], names),
            fingerprint=merge.fingerprint("told.row_text"),
            values=", ".join(
                f"fresh.{name}" for name in names if name not in ("event_key", "date")
            ),
        ),
        start_date=span.window.start,
        end_date=span.window.end,
        event_names=Parameter("ARRAY<STRING>", sorted({*span.events, *export.ALWAYS})),
    )
