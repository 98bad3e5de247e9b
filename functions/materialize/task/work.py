"""One task: the window of one conversion becomes what its definition returns now.

Lease with a fence → what the previous holder left → source landed? → the user's query → candidates
→ difference → judgement and brake → MERGE with its history → ledger → release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from common import kinds
from common.bigquery.leases import lease
from common.bigquery.sql import Sql, create_table_as
from common.catalog.definitions import DefinitionVersion
from common.errors import ProductError, QuotaError, RetryableError
from common.kinds.candidate.shape import Context
from common.messaging.messages import MaterializeTask
from common.messaging.publisher import Bus
from common.model.run_status import RunStatus
from common.model.window import Window
from common.untyped import JsonObject
from functions.materialize import merge
from functions.materialize.ledger import Books, Clock
from functions.materialize.services import Services
from functions.materialize.task import (
    difference,
    freshness,
    history,
    identity,
    money,
    normalize,
    orders,
    quarantine,
    reports,
    together,
    visitors,
)
from functions.materialize.task.job import Job, job_of
from functions.materialize.task.quarantine import Outcome


@dataclass(frozen=True)
class Ended:
    """How a task ended, as the ledger says of the days that it did."""

    status: RunStatus
    version: int
    window: Window


def materialize(
    services: Services,
    task: MaterializeTask,
    definitions: Mapping[str, DefinitionVersion],
    books: Books,
) -> Ended | None:
    """Bring the task's window up to date; None when it is done afterwards, by whoever is at work or
    when a limit of the project is there again.

    What cannot run is written down as failed. Raises RetryableError when the same task may succeed
    later. Running it twice changes nothing the second time.
    """
    stored = definitions[task.conversion]
    services.warehouse.ensure_table_of_run(task.run_id, f"conversion_{stored.id}", "conversion")
    taken = lease.acquire(
        services.warehouse,
        stored.id,
        _holder(task),
        free_fence=books.free_fence,
        is_new=not books.has_lease,
    )
    if taken is None:
        _ask_holder(services, task)
        return None
    try:
        with lease.kept(services.warehouse, taken):
            if not books.still_hold(taken):
                books = services.ledger.books(task.run_id, stored.id, stored.version)
            return _ended(services, task, stored, taken, definitions, books)
    finally:
        lease.release(services.warehouse, taken, lambda asked: _pass_on(services.bus, asked))


def clear_up(services: Services, task: MaterializeTask) -> None:
    """Free the lease of a task that ended, in case that its worker died before it could."""
    lease.leave(
        services.warehouse,
        task.conversion,
        _holder(task),
        lambda asked: _pass_on(services.bus, asked),
    )


def _holder(task: MaterializeTask) -> str:
    return f"{task.run_id}|{task.start_date}"


def _pass_on(bus: Bus, asked: list[str]) -> None:
    """Run what other triggers asked for while the lease was taken."""
    for trigger in asked:
        bus.publish(MaterializeTask.model_validate_json(trigger))


def _ask_holder(services: Services, task: MaterializeTask) -> None:
    """Whoever holds the lease runs once more for us, so nothing is lost by standing back."""
    if not lease.ask_again(services.warehouse, task.conversion, task.model_dump_json()):
        raise RetryableError(
            f"{task.conversion} is being written by another run.",
            code="lease_busy",
        )
    services.ledger.write(
        task.run_id, RunStatus.COALESCED, conversion=task.conversion, tier=task.tier
    )


def _ended(
    services: Services,
    task: MaterializeTask,
    stored: DefinitionVersion,
    taken: lease.Lease,
    definitions: Mapping[str, DefinitionVersion],
    books: Books,
) -> Ended | None:
    merge.await_previous_merge(services.warehouse, taken, settled_fence=books.settled_fence)
    job = job_of(services, task, stored, taken, definitions, books.past)
    try:
        identity.keep_up(services.warehouse, stored, definitions, task.run_id, job.window)
        visitors.keep_up(services.warehouse, stored, definitions, task.run_id, job.window)
        order_days = orders.days(services, stored, definitions, task.run_id, job.window)
        job = replace(job, context=replace(job.context, order_days=order_days))
        status = _write(services, job, together.made(services, job, definitions, books.staged))
    except RetryableError:
        raise
    # the task stays open: the limit is there again tomorrow, and the watchdog asks each hour
    except QuotaError as error:
        reports.waits(services, task, error)
        _clear_away(services, job)
        return None
    except ProductError as error:
        reports.failed(services, task, error)
        status = RunStatus.FAILED
    return Ended(status, stored.version, job.window)


@dataclass(frozen=True)
class _Found:
    """What a task found of its window, and has not written yet."""

    table: Sql
    """The difference."""
    outcome: Outcome
    bytes_processed: int | None
    """What candidates and the user's query read; None is unknown."""


def _write(services: Services, job: Job, of_kin: together.Rows | None) -> RunStatus:
    clock = Clock(services.seconds)
    if waiting := _waits(services, job):
        return reports.held(services, job, clock, "source_not_landed", waiting)
    sought = (of_kin and _among_kin(services, job, of_kin)) or _alone(services, job)
    table, found = sought.table, sought.outcome
    facts = _facts(job, found, sought.bytes_processed)
    if held := _brakes(job, found):
        return reports.held(services, job, clock, "suspicious_shrink", held, facts)
    if held := money.brake(found.moved, job) if not job.task.force else None:
        return reports.held(services, job, clock, "suspicious_value", held, facts)
    # an empty MERGE would cost a scan of the window, and one of the table's 25 statements in 10 s
    if found.changed:
        changes = history.statement(services, job, table, found.counts)
        merge.merge_with_history(
            services.warehouse, job.target, table, changes, job.lease, found.changed
        )
    published = found.published
    # at the end: what this run found is reported, the rest is gone; a backfill of older days knows
    # nothing of what the daily run reported
    services.ledger.conclude(
        job.stored.id,
        reports.found(services, job, published),
        job.task.run_id,
        until=job.closed.end,
    )
    status = _status(job, found.counts)
    services.ledger.write(
        job.task.run_id,
        status,
        seconds=clock.elapsed(),
        value_total=published["total"],
        recent=reports.recent(published, quarantine.recent_days(services).start),
        detail=reports.beyond(job, published),
        **facts,
    )
    return status


def _among_kin(services: Services, job: Job, rows: together.Rows) -> _Found | None:
    """What is found among the rows that definitions alike have read together; None where somebody
    was erased since."""
    table = services.warehouse.staging(job.staged("difference"))
    services.warehouse.execute(difference.of_kin(job, rows.table, table))
    candidates = job.stored.conversion.apart(rows.table, job.context)
    found = quarantine.counted(services, job, candidates, table, kin=rows.table)
    return None if found.published["erased_since"] else _Found(table, found, rows.bytes_processed)


def _alone(services: Services, job: Job) -> _Found:
    try:
        return _found(services, job)
    finally:
        _clear_away(services, job)


def _found(services: Services, job: Job) -> _Found:
    raw_columns, asked = _answer(services, job)
    context = _with_raw(job.context, raw_columns)
    candidates = services.warehouse.staging(job.staged("candidates"))
    rows = kinds.select(job.stored.conversion, context)
    read = identity.keyed(
        services.warehouse,
        job.context.target,
        lambda: services.warehouse.execute(create_table_as(candidates, rows)),
    )
    # after the candidates: the window's own raw values count in the total
    factor = normalize.factor(services.warehouse, job.stored, candidates, context, job.closed.end)
    if factor.is_missing:
        reports.unnormalized(services, job)
    table = services.warehouse.staging(job.staged("difference"))
    services.warehouse.execute(difference.difference(job, candidates, table, factor))
    found = quarantine.counted(services, job, candidates, table)
    return _Found(table, found, _sum(asked, read.bytes_processed))


def _clear_away(services: Services, job: Job) -> None:
    """Drop what nobody reads any more: it holds people's data, erased persons' too where the source
    still has them. What a worker that died leaves behind expires."""
    parts = ["candidates"] if job.stored.conversion.rows_query() is None else ["raw", "candidates"]
    for part in parts:
        services.warehouse.drop(services.warehouse.staging_path(job.staged(part)))


def _waits(services: Services, job: Job) -> str | None:
    if job.task.force:
        return None
    # whoever may run the query may see when its tables changed
    return freshness.waits_for(job.stored, job.task.end_date, job.last, services.runner)


def _brakes(job: Job, found: Outcome) -> str | None:
    if job.task.force:
        return None
    held = merge.brakes(found.counts, edited=job.is_first)
    if held or found.judged["rows_read"] or not job.stored.conversion.rows_query():
        return held
    return freshness.without_a_row(found.published["usual_before_write"])


def _status(job: Job, counts: merge.Counts) -> RunStatus:
    if job.window.end < job.task.end_date:
        return RunStatus.CONTINUED
    if awaits_scores(job.stored) and job.task.trigger != "scores":
        return RunStatus.UNSCORED
    return RunStatus.APPLIED if counts.changed else RunStatus.UNCHANGED


def awaits_scores(stored: DefinitionVersion) -> bool:
    """Whether the rows get their values from a model after they are written."""
    scoring = stored.conversion.scoring()
    return scoring is not None and not scoring.precedes_rows


def _answer(services: Services, job: Job) -> tuple[frozenset[str], int | None]:
    """Run the user's own query, if there is one: its columns, and the bytes that it read."""
    query = job.stored.conversion.rows_query()
    if query is None:
        return frozenset(), None
    # the guard's parser is imported only where SQL is judged, for quick cold starts
    from common import user_query

    verdict = user_query.judged(query.sql, services.warehouse.settings)
    answer = user_query.run(
        verdict,
        services.runner,
        job.window,
        job.staged("raw"),
        labels={"conversion": job.stored.id},
    )
    return frozenset(name.lower() for name in answer.types), answer.bytes_processed


def _facts(job: Job, found: Outcome, bytes_processed: int | None) -> JsonObject:
    return {
        **job.facts,
        "rows_total": found.counts.after,
        "inserted": found.counts.inserted,
        "updated": found.counts.updated,
        "deleted": found.counts.deleted,
        "bytes_processed": bytes_processed,
        **found.judged,
    }


def _sum(*sizes: int | None) -> int | None:
    """The bytes that are known, in all; None when none is."""
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _with_raw(context: Context, columns: frozenset[str]) -> Context:
    return replace(context, raw_columns=columns)
