"""The stage: one scan of the raw GA4 export becomes events, visits, clicks and known orders."""

from __future__ import annotations

import json

from common import schemas
from common.bigquery.leases import lease
from common.bigquery.sql import Parameter, Sql, create_table_as, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.errors import RetryableError
from common.ga4 import clicks, events, export, orders, rates, shards, visits
from common.ga4.shards import Versions
from common.ga4.stage import Span, old_orders, scan
from common.incidents.incidents import Incident
from common.model.run_status import RunStatus
from common.model.window import Window
from functions.materialize import merge
from functions.materialize.ledger import Clock, Ledger

LEASE = "stage:ga4_events"

KEYS = {
    "ga4_visits": "visit_key",
    "ga4_clicks": "click_key",
    "order_memory": "memory_key",
    "ga4_rates": "rate_key",
    "ga4_events": "event_key",
}
"""The tables that the stage keeps up, in the order in which they are written, and their keys."""


def fill_stage(
    warehouse: Warehouse, ledger: Ledger, span: Span, run_id: str, clock: Clock, force: bool
) -> bool:
    """Bring the span of the stage up to date; False when it is held for a person's look.

    Raises RetryableError while another run writes it.
    """
    # what the tables are before they are read: a change in between is seen the next time
    seen = shards.versions(warehouse, span.window.start, span.window.end)
    raw = scan(warehouse, span)
    if raw is None:
        return True
    taken = lease.acquire(warehouse, LEASE, f"{run_id}|{span.window.start}")
    if taken is None:
        raise RetryableError("Another run is filling the stage.", code="stage_busy")
    try:
        return _fill(warehouse, ledger, span, raw, seen, taken, run_id, clock, force)
    finally:
        lease.release(warehouse, taken)


def remember_orders(warehouse: Warehouse, ledger: Ledger, window: Window, run_id: str) -> None:
    """Bring the order ids of days older than the stage into the memory of orders.

    What was read is written down, so that a run that broke off goes on behind it. Raises
    RetryableError while another run writes the stage.
    """
    seen = shards.versions(warehouse, window.start, window.end)
    fresh = old_orders(warehouse, window)
    if fresh is None:
        return
    taken = lease.acquire(warehouse, LEASE, f"{run_id}|orders|{window.start}")
    if taken is None:
        raise RetryableError("Another run is filling the stage.", code="stage_busy")
    try:
        merge.await_previous_merge(warehouse, taken, "order_memory")
        target = _target(warehouse, "order_memory")
        difference = warehouse.staging(f"stage_{taken.fence}_order_memory")
        statement = _difference(target, "order_memory", fresh, difference)
        days = {"start_date": window.start, "end_date": window.end}
        warehouse.execute(with_parameters(statement, **days, existing=_existing(seen)))
        merge.merge(warehouse, target, difference, taken, window, "order_memory")
        entries = shards.entries(seen, window.start, window.end, run_id, ledger.now)
        warehouse.append("ga4_shards", entries)
    finally:
        lease.release(warehouse, taken)


def _existing(seen: Versions) -> Parameter:
    """The daily tables that there are, as property/YYYYMMDD."""
    return Parameter("ARRAY<STRING>", sorted(f"{dataset}/{name[-8:]}" for dataset, name in seen))


def _fill(
    warehouse: Warehouse,
    ledger: Ledger,
    span: Span,
    raw: Sql,
    seen: Versions,
    taken: lease.Lease,
    run_id: str,
    clock: Clock,
    force: bool,
) -> bool:
    for name in KEYS:
        merge.await_previous_merge(warehouse, taken, _part(name))
    scanned = warehouse.staging(f"stage_{taken.fence}_scanned")
    done = warehouse.execute(create_table_as(scanned, raw))
    differences = _differences(warehouse, scanned, span, seen, taken)
    staged = _target(warehouse, "ga4_events")
    counts = merge.count(warehouse, staged, differences["ga4_events"], span.window)
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
        return False
    for name, difference in differences.items():
        target = _target(warehouse, name)
        merge.merge(warehouse, target, difference, taken, span.window, _part(name))
    if not lease.is_held(warehouse, taken):
        raise RetryableError("Another run took the stage over.", code="lease_lost")
    read = shards.entries(seen, span.window.start, span.window.end, run_id, ledger.now)
    warehouse.append("ga4_shards", read)
    ledger.write(
        run_id, RunStatus.STAGED, seconds=clock.elapsed(), rows_total=counts.after, **facts
    )
    return True


def _part(name: str) -> str:
    """The merge of the events has the lease's own job, as it had when it was the only one."""
    return "" if name == "ga4_events" else name


def _target(warehouse: Warehouse, name: str) -> merge.MergeTarget:
    return merge.MergeTarget(
        warehouse.table(name), KEYS[name], schemas.columns(name), ("row_hash",)
    )


def _differences(
    warehouse: Warehouse, scanned: Sql, span: Span, seen: Versions, taken: lease.Lease
) -> dict[str, Sql]:
    """Table → the table that holds what has to change in it."""
    visited = warehouse.staging(f"stage_{taken.fence}_visits")
    fresh = {
        "ga4_visits": visits.visits(scanned, warehouse.table("ga4_visits")),
        "ga4_clicks": clicks.sightings(scanned, warehouse.table("ga4_clicks")),
        "order_memory": orders.orders(scanned),
        "ga4_rates": rates.told(scanned),
    }
    days = {"start_date": span.window.start, "end_date": span.window.end}
    zone = {"timezone": warehouse.settings.timezone}
    warehouse.execute(
        create_table_as(visited, with_parameters(fresh["ga4_visits"], **days, **zone))
    )
    fresh["ga4_visits"] = _of_days(visited)
    fresh["ga4_events"] = events.events(
        scanned, visited, warehouse.table("ga4_events"), span.events
    )
    found = {}
    for name in KEYS:
        found[name] = warehouse.staging(f"stage_{taken.fence}_{name}")
        statement = _difference(_target(warehouse, name), name, fresh[name], found[name])
        warehouse.execute(with_parameters(statement, **days, existing=_existing(seen)))
    return found


def _of_days(visited: Sql) -> Sql:
    return template(__file__, "fill_visits", visited=visited)


def _difference(target: merge.MergeTarget, name: str, fresh: Sql, difference: Sql) -> Sql:
    names = [column for column in target.columns if column not in target.provenance]
    is_events = name == "ga4_events"
    return template(
        __file__,
        "fill_difference",
        difference=difference,
        fresh=fresh,
        target=target.table,
        key=target.key,
        columns=", ".join(f"made.{column}" for column in names),
        row_text=merge.row_text("made", schemas.load(name)["schema"], names),
        fingerprint=merge.fingerprint("spelled.row_text"),
        values=", ".join(
            f"fresh.{column}" for column in names if column not in (target.key, "date")
        ),
        shard="target.shard" if is_events else "CAST(NULL AS STRING)",
        which="AND target.event_name IN UNNEST(@event_names)" if is_events else "",
    )
