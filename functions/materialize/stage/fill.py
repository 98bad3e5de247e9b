"""The stage: one scan of the raw GA4 export becomes events, visits, clicks and known orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from common import schemas
from common.bigquery.leases import lease
from common.bigquery.sql import (
    Parameter,
    Sql,
    create_table_as,
    fill,
    fingerprint,
    join,
    template,
    with_parameters,
)
from common.bigquery.warehouse import Warehouse
from common.errors import RetryableError
from common.ga4 import clicks, events, orders, rates, shards, stage, visits
from common.ga4.shards import Versions
from common.ga4.stage import Span, message_of, scan
from common.identity import erased
from common.incidents.incidents import Incident
from common.model.run_status import RunStatus
from common.model.window import Window, yesterday
from common.untyped import Row
from functions.materialize import merge
from functions.materialize.ledger import Clock, Ledger
from functions.materialize.stage import astray

LEASE = "stage:ga4_events"

KEYS = {
    "ga4_visits": "visit_key",
    "ga4_clicks": "click_key",
    "order_memory": "memory_key",
    "ga4_rates": "rate_key",
    "ga4_events": "event_key",
}
"""The tables that the stage keeps up, in the order in which they are written, and their keys."""
HISTORY = ("ga4_visits", "ga4_clicks", "order_memory")
"""Those that are judged beyond the days of the stage."""
LATER = {
    "ga4_visits": visits.LENDING_DAYS + 1,
    "ga4_events": visits.LENDING_DAYS + 1,
    "ga4_clicks": clicks.REMEMBERED_DAYS,
}
"""Those whose later rows may follow from the days that are read, by a source or a first sight, and
for how many days."""

Told = Mapping[str, Parameter]
"""existing, whole: which tables there are, and which days they tell whole."""


@dataclass(frozen=True)
class Changes:
    """What a scan comes to."""

    days: Mapping[str, Window]
    """Table → the days from the first that changes to the last; only tables that change."""
    astray: Sequence[Row]
    """How many events of each property and table have a time that cannot be."""


HASHED = "ga4_clicks_id_hash"
"""The job that gave clicks their fingerprints, behind the name of the dataset."""

NAMES = ("client_id", "user_id")
"""Columns of the export by which an erased person is known again."""


def fill_stage(
    warehouse: Warehouse, ledger: Ledger, span: Span, run_id: str, clock: Clock, force: bool
) -> bool:
    """Bring the span of the stage up to date; False when it is held for a person's look.

    Raises RetryableError while another run writes it.
    """
    # what the tables are before they are read: a change in between is seen the next time
    last = yesterday(ledger.now, warehouse.settings.timezone)
    seen = shards.versions(warehouse, span.window, last)
    raw = scan(warehouse, span, last)
    if raw is None:
        return True
    taken = lease.acquire(warehouse, LEASE, f"{run_id}|{span.window.start}")
    if taken is None:
        raise RetryableError("Another run is filling the stage.", code="stage_busy")
    try:
        with lease.kept(warehouse, taken):
            return _fill(warehouse, ledger, span, raw, seen, taken, run_id, clock, force)
    finally:
        lease.release(warehouse, taken)


def remember(
    warehouse: Warehouse, ledger: Ledger, window: Window, run_id: str, clock: Clock
) -> None:
    """Bring the clicks, visits and order ids of days older than the stage into their tables.

    What was read is written down, so that a run that broke off goes on behind it. Raises
    RetryableError while another run writes the stage.
    """
    last = yesterday(ledger.now, warehouse.settings.timezone)
    seen = shards.versions(warehouse, window, last)
    span = Span(window, frozenset())
    raw = scan(warehouse, span, last)
    if raw is None:
        return
    # where there is a stage already, its visits may take their source from the older days
    written = (*HISTORY, "ga4_events") if stage.staged(warehouse) else HISTORY
    taken = lease.acquire(warehouse, LEASE, f"{run_id}|history|{window.start}")
    if taken is None:
        raise RetryableError("Another run is filling the stage.", code="stage_busy")
    try:
        with lease.kept(warehouse, taken):
            for name in written:
                merge.await_previous_merge(warehouse, taken, _part(name))
            _hash_clicks(warehouse)
            scanned = warehouse.staging(f"stage_{taken.fence}_scanned")
            warehouse.execute(_read(warehouse, raw, scanned))
            told = shards.told(warehouse, seen, window, last)
            fresh = _scanned(warehouse, scanned, span, told, taken)
            fresh["order_memory"] = orders.orders(scanned, is_history=True)
            visited, target = _visited(warehouse, taken), warehouse.table("ga4_events")
            fresh["ga4_events"] = with_parameters(
                events.later(visited, target),
                event_names=Parameter("ARRAY<STRING>", []),
                unread_from=window.end + timedelta(days=1),
            )
            found = _differences(
                warehouse, {name: fresh[name] for name in written}, span, told, taken
            )
            changes = _changes(warehouse, found, scanned)
            astray.report(ledger, changes.astray, window, run_id, subject=LEASE)
            _merge(warehouse, found, changes.days, taken)
            _still_held(warehouse, taken)
            entries = shards.entries(seen, window, run_id, clock.now(ledger.now))
            warehouse.append("ga4_shards", entries)
    finally:
        lease.release(warehouse, taken)


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
    _hash_clicks(warehouse)
    scanned = warehouse.staging(f"stage_{taken.fence}_scanned")
    done = warehouse.execute(_read(warehouse, raw, scanned))
    last = yesterday(ledger.now, warehouse.settings.timezone)
    told = shards.told(warehouse, seen, span.window, last)
    fresh = _scanned(warehouse, scanned, span, told, taken)
    differences = _differences(warehouse, fresh, span, told, taken)
    changes = _changes(warehouse, differences, scanned)
    # before the brakes: it may be the reason for which there is less
    astray.report(ledger, changes.astray, span.window, run_id, subject=LEASE)
    staged = _target(warehouse, "ga4_events")
    counts = merge.count(warehouse, staged, differences["ga4_events"], span.window)
    facts = {
        "start_date": span.window.start,
        "end_date": span.window.end,
        "fence": taken.fence,
        "bytes_processed": done.bytes_processed,
        "message": message_of(span.events),
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
    _merge(warehouse, differences, changes.days, taken)
    _still_held(warehouse, taken)
    # who began to count before the stage was written has not counted what it says now
    read = shards.entries(seen, span.window, run_id, clock.now(ledger.now))
    warehouse.append("ga4_shards", read)
    ledger.write(
        run_id, RunStatus.STAGED, seconds=clock.elapsed(), rows_total=counts.after, **facts
    )
    return True


def _still_held(warehouse: Warehouse, taken: lease.Lease) -> None:
    """Raises RetryableError when another run took the stage over: a lost fence wrote nothing, and
    to book its days as read would pass over them for ever."""
    if not lease.is_held(warehouse, taken):
        raise RetryableError("Another run took the stage over.", code="lease_lost")


def _read(warehouse: Warehouse, raw: Sql, scanned: Sql) -> Sql:
    """The statement that makes `scanned` hold what the export says, but for erased persons."""
    erasures = warehouse.table("erasures")
    rows = template(
        __file__,
        "fill_read",
        raw=raw,
        erasures=erasures,
        spared=erased.spared("exported", NAMES, erasures),
        unnamed=erased.spared_words("exported"),
    )
    return create_table_as(scanned, visits.begun(rows), cluster="is_wanted")


def _part(name: str) -> str:
    """The merge of the events has the lease's own job, as it had when it was the only one."""
    return "" if name == "ga4_events" else name


def _target(warehouse: Warehouse, name: str) -> merge.MergeTarget:
    return merge.MergeTarget(
        warehouse.table(name), KEYS[name], schemas.columns(name), ("row_hash",)
    )


def _merge(
    warehouse: Warehouse,
    differences: Mapping[str, Sql],
    changed: Mapping[str, Window],
    taken: lease.Lease,
) -> None:
    """Write what has to change: a MERGE reads all columns of its days, so only those that change,
    and a table that stays as it is has none."""
    for name, days in changed.items():
        target, difference = _target(warehouse, name), differences[name]
        merge.merge(warehouse, target, difference, taken, days, _part(name))


def _changes(warehouse: Warehouse, differences: Mapping[str, Sql], scanned: Sql) -> Changes:
    """What the scan changes, and what it set aside, by one statement."""
    asked = [
        fill(
            "(SELECT {{ least }}(COALESCE(d.old_date, d.date)) FROM {{ difference }} AS d)"
            " AS {{ end }}_{{ name }}",
            least=least,
            difference=difference,
            end=end,
            name=name,
        )
        for name, difference in differences.items()
        for least, end in (("MIN", "first"), ("MAX", "last"))
    ]
    aside = fill("ARRAY({{ counted }}) AS astray", counted=astray.counted(scanned))
    text = "SELECT\n  {{ asked }}"
    row = next(warehouse.rows(fill(text, asked=join(",\n  ", [*asked, aside]))))
    days = {
        name: Window(row[f"first_{name}"], row[f"last_{name}"])
        for name in differences
        if row[f"first_{name}"] is not None
    }
    return Changes(days, row["astray"])


def _scanned(
    warehouse: Warehouse, scanned: Sql, span: Span, told: Told, taken: lease.Lease
) -> dict[str, Sql]:
    """Table → the rows that the scan tells for it."""
    visited, staged = _visited(warehouse, taken), warehouse.table("ga4_events")
    lent = visits.lenders(warehouse, scanned, span.window, told["whole"])
    unread = {end: lent[end] for end in ("unread_from", "unread_until")}
    made = with_parameters(
        visits.visits(scanned, warehouse.table("ga4_visits")),
        start_date=span.window.start,
        end_date=span.window.end,
        timezone=warehouse.settings.timezone,
        **told,
        **lent,
    )
    warehouse.execute(create_table_as(visited, made, partition="date"))
    return {
        "ga4_visits": _of_days(visited),
        "ga4_clicks": with_parameters(
            clicks.sightings(scanned, warehouse.table("ga4_clicks")), **unread
        ),
        "order_memory": orders.orders(scanned),
        "ga4_rates": with_parameters(rates.stated(scanned, staged), **unread),
        "ga4_events": join(
            "\n  UNION ALL\n",
            [
                events.events(scanned, visited, staged, span.events),
                with_parameters(events.later(visited, staged), unread_from=lent["unread_from"]),
            ],
        ),
    }


def _hash_clicks(warehouse: Warehouse) -> None:
    """Bring clicks that a release before wrote up to this one, once for ever."""
    warehouse.once(
        f"{warehouse.settings.dataset}_{HASHED}",
        lambda: clicks.hashed(warehouse.table("ga4_clicks")),
    )


def _visited(warehouse: Warehouse, taken: lease.Lease) -> Sql:
    """The table of the visits that this fence has read."""
    return warehouse.staging(f"stage_{taken.fence}_visits")


def _differences(
    warehouse: Warehouse,
    fresh: Mapping[str, Sql],
    span: Span,
    told: Told,
    taken: lease.Lease,
) -> dict[str, Sql]:
    """Table → the table that holds what has to change in it."""
    days = {"start_date": span.window.start, "end_date": span.window.end}
    found = {}
    for name, rows in fresh.items():
        found[name] = warehouse.staging(f"stage_{taken.fence}_{name}")
        target, visited = _target(warehouse, name), _visited(warehouse, taken)
        statement = _difference(target, name, rows, visited, found[name])
        warehouse.execute(with_parameters(statement, **days, **told))
    return found


def _of_days(visited: Sql) -> Sql:
    return template(__file__, "fill_visits", visited=visited)


def _difference(
    target: merge.MergeTarget, name: str, fresh: Sql, visited: Sql, difference: Sql
) -> Sql:
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
        fingerprint=fingerprint("spelled.row_text"),
        values=", ".join(
            f"fresh.{column}" for column in names if column not in (target.key, "date")
        ),
        # rates are made of what is kept as well, so that nothing but them tells of a day
        is_told=shards.is_told("target") if "shard" in names else "TRUE",
        last=f"DATE_ADD(@end_date, INTERVAL {LATER[name]} DAY)" if name in LATER else "@end_date",
        later=_later(name, visited),
        which="AND target.event_name IN UNNEST(@event_names)" if is_events else "",
    )


def _later(name: str, visited: Sql) -> Sql | str:
    """The condition that a row after the window follows from it."""
    if name == "ga4_clicks":
        return template(__file__, "fill_later_clicks")
    return template(__file__, "fill_later_visits", visited=visited) if name in LATER else ""
