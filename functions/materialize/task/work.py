"""One task: the window of one conversion becomes what its definition returns now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from common import kinds, schemas
from common.bigquery.leases import lease
from common.bigquery.sql import Parameter, Sql, create_table_as, template, with_parameters
from common.bigquery.sql import table as quoted
from common.catalog.definitions import DefinitionVersion
from common.catalog.plan import CHUNK_DAYS
from common.errors import ProductError, RetryableError, UserError
from common.guard.judge import judge
from common.guard.names.scope import Scope
from common.identity import sources as identity_sources
from common.kinds.candidate.rates import rates
from common.kinds.candidate.reason import reason as why_broken
from common.kinds.candidate.shape import PROVENANCE, Context
from common.messaging.messages import MaterializeTask
from common.messaging.publisher import Bus
from common.model.conversions import Custom, LeadScoring
from common.model.window import LATE_DAYS, Window
from functions.materialize.runs.ledger import Clock, Done
from functions.materialize.services import Services
from functions.materialize.task import freshness, normalize, volume, write

UNPLACED = frozenset("missing_id missing_created invalid_created created_in_future".split())
UNPLACED_SHARE = 0.01
UNPLACED_ROWS = 1000
"""A query with more rows without id or valid time than either fails: its source needs repair first.
One such row is set aside, however few rows there are."""


REMEMBERED = (
    "id client_id user_id lead_id created value currency is_qualified value_gross value_refunded"
    " refund_status value_kind value_project normalization_factor component order_id"
).split()
"""Columns of a row as history keeps it before and after a change."""

LENT = (
    "gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id session_id page_location source"
    " medium campaign"
).split()
"""What a row that does not know it itself takes from the visits of its client."""


@dataclass(frozen=True)
class Job:
    """One task with everything that its statements need."""

    task: MaterializeTask
    stored: DefinitionVersion
    lease: lease.Lease
    context: Context
    target: write.MergeTarget
    is_first: bool
    """Whether this version of the definition has never run to its end."""
    is_edited: bool
    """Whether an earlier version has."""
    is_booked: bool
    """Whether the write of the fence before is in the ledger."""
    last: Done | None
    """How far this version is up to date."""

    @property
    def window(self) -> Window:
        return self.context.window

    @property
    def written(self) -> Window:
        """The window, and the days before of which GA4 may have told visits since they were run.

        Only a query closes its days before GA4 has told them.
        """
        if not isinstance(self.stored.conversion, Custom | LeadScoring):
            return self.window
        late = Window.ending(self.window.end, LATE_DAYS)
        return Window(min(late.start, self.window.start), self.window.end)


@dataclass(frozen=True)
class Ended:
    """How a task ended, as the ledger says of the days that it did."""

    status: str
    version: int
    window: Window


def materialize(
    services: Services, task: MaterializeTask, definitions: Mapping[str, DefinitionVersion]
) -> Ended | None:
    """Bring the task's window up to date; None when whoever is at work runs it afterwards.

    What cannot run is written down as failed. Raises RetryableError when the same task may succeed
    later. Running it twice changes nothing the second time.
    """
    stored = definitions[task.conversion]
    services.warehouse.ensure_table(
        services.warehouse.path(f"conversion_{stored.id}"), "conversion"
    )
    taken = lease.acquire(services.warehouse, stored.id, _holder(task))
    if taken is None:
        _ask_holder(services, task)
        return None
    try:
        return _ended(services, task, stored, taken, definitions)
    finally:
        _pass_on(services.bus, lease.release(services.warehouse, taken))


def clear_up(services: Services, task: MaterializeTask) -> None:
    """Free the lease of a task that ended, in case that its worker died before it could."""
    _pass_on(services.bus, lease.leave(services.warehouse, task.conversion, _holder(task)))


def _holder(task: MaterializeTask) -> str:
    return f"{task.run_id}|{task.start_date}"


def _pass_on(bus: Bus, asked: str | None) -> None:
    """Run what another trigger asked for while the lease was taken."""
    if asked:
        bus.publish(MaterializeTask.model_validate_json(asked))


def _ask_holder(services: Services, task: MaterializeTask) -> None:
    """Whoever holds the lease runs once more for us, so nothing is lost by standing back."""
    if not lease.ask_again(services.warehouse, task.conversion, task.model_dump_json()):
        raise RetryableError(
            f"{task.conversion} is being written by another run.",
            code="lease_busy",
        )
    services.ledger.write(task.run_id, "coalesced", conversion=task.conversion, tier=task.tier)


def _ended(
    services: Services,
    task: MaterializeTask,
    stored: DefinitionVersion,
    taken: lease.Lease,
    definitions: Mapping[str, DefinitionVersion],
) -> Ended:
    write.await_previous_merge(services.warehouse, taken)
    job = _job(services, task, stored, taken, definitions)
    try:
        status = _write(services, job)
    except RetryableError:
        raise
    except ProductError as error:
        _failed(services, task, error)
        status = "failed"
    return Ended(status, stored.version, job.window)


def _write(services: Services, job: Job) -> str:
    clock = Clock(services.seconds)
    recover(services, job)
    if waiting := _waits(services, job):
        return _held(services, job, clock, "source_not_landed", waiting)
    raw_columns, asked = _answer(services, job)
    context = _with_raw(job.context, raw_columns)
    candidates = services.warehouse.staging(_staged(job, "candidates"))
    rows = kinds.select(job.stored.conversion, context)
    read = services.warehouse.execute(create_table_as(candidates, rows))
    factor = normalize.factor(services.warehouse, job.stored, candidates, context)
    if factor.is_missing:
        _report_unnormalized(services, job)
    difference = services.warehouse.staging(_staged(job, "difference"))
    services.warehouse.execute(_difference(job, candidates, difference, factor))
    counts, judged = _counted(services, job, candidates, difference)
    facts = _facts(job, counts, judged, _sum(asked, read.bytes_processed))
    if held := _brakes(services, job, counts, judged):
        return _held(services, job, clock, "suspicious_shrink", held, facts)
    if counts.changed:
        write.merge(services.warehouse, job.target, difference, job.lease, job.written)
    published = _published(services, job)
    if published["fence"] != job.lease.fence:
        # whoever has it now finishes our books if the MERGE was done, and does the work if not
        raise RetryableError(f"{job.stored.id} was taken over by another run.", code="lease_lost")
    if counts.changed:
        _history(services, job, difference)
    _report_missing_rates(services, job, published)
    volume.report_silence(
        services.ledger,
        job.stored,
        job.window.end,
        job.task.run_id,
        seen=published["seen"],
        usual=published["usual"],
    )
    status = _status(job, counts)
    services.ledger.write(
        job.task.run_id, status, seconds=clock.elapsed(), value_total=published["total"], **facts
    )
    return status


def _waits(services: Services, job: Job) -> str | None:
    if job.task.force:
        return None
    # whoever may run the query may see when its tables changed
    return freshness.waits_for(job.stored, job.task.end_date, job.last, services.runner)


def _brakes(
    services: Services, job: Job, counts: write.Counts, judged: Mapping[str, int]
) -> str | None:
    if job.task.force:
        return None
    held = write.brakes(counts, edited=job.is_first)
    if held or judged["rows_read"] or not isinstance(job.stored.conversion, Custom):
        return held
    return freshness.without_a_row(_published(services, job)["usual"])


_FIXES = {
    "source_not_landed": "The next load runs it; if there was nothing to load, run with force.",
    "suspicious_shrink": "Check that the source is complete; if it is, run with force.",
}


def _held(
    services: Services,
    job: Job,
    clock: Clock,
    code: str,
    why: str,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Nothing was written, and a person is told why; its days stay due."""
    facts = facts or _about(job)
    services.ledger.write(job.task.run_id, "held", seconds=clock.elapsed(), detail=why, **facts)
    services.ledger.incident(
        code,
        f"{job.stored.id}: {why} ({job.window.start} to {job.window.end}); nothing was written.",
        fix=_FIXES[code],
        conversion=job.stored.id,
        run_id=job.task.run_id,
    )
    return "held"


def _status(job: Job, counts: write.Counts) -> str:
    if job.window.end < job.task.end_date:
        return "continued"
    if awaits_scores(job.stored) and job.task.trigger != "scores":
        return "unscored"
    return "applied" if counts.changed else "unchanged"


def awaits_scores(stored: DefinitionVersion) -> bool:
    """Whether the rows get their values from a model after they are written."""
    conversion = stored.conversion
    return isinstance(conversion, Custom) and conversion.predicted_value is not None


def recover(services: Services, job: Job) -> None:
    """Finish the books of the previous fence if its MERGE was done but its worker died after it."""
    previous = replace(job.lease, fence=job.lease.fence - 1)
    path = services.warehouse.staging_path(f"{job.stored.id}_{previous.fence}_difference")
    if job.is_booked or services.warehouse.schema_of(path) is None:
        return
    if not services.warehouse.job_changes(write.merge_job(previous)):
        return
    _history(services, replace(job, lease=previous), quoted(path))
    services.ledger.write(
        job.task.run_id,
        "recovered",
        conversion=job.stored.id,
        tier=job.task.tier,
        fence=previous.fence,
        definition_version=job.stored.version,
        start_date=job.window.start,
        end_date=job.window.start,
        detail="The worker died after its write; its history was completed by the next run.",
    )


def _job(
    services: Services,
    task: MaterializeTask,
    stored: DefinitionVersion,
    taken: lease.Lease,
    definitions: Mapping[str, DefinitionVersion],
) -> Job:
    warehouse = services.warehouse
    window = next(Window(task.start_date, task.end_date).chunks(CHUNK_DAYS))
    target = warehouse.table(f"conversion_{stored.id}")
    context = Context(
        stage=warehouse.table("ga4_events"),
        target=target,
        raw=warehouse.staging(f"{stored.id}_{taken.fence}_raw"),
        members={id: warehouse.table(f"conversion_{id}") for id in definitions},
        identity_sources=identity_sources.tables(
            stored.conversion, definitions.values(), warehouse
        ),
        scores=warehouse.table("lead_scores"),
        rates=rates(warehouse.settings),
        window=window,
        timezone=warehouse.settings.timezone,
        currency=warehouse.settings.currency,
    )
    columns = [*schemas.columns("conversion")]
    provenance = [name for name in columns if name in PROVENANCE]
    past = services.ledger.past(stored.id, stored.version, taken.fence - 1)
    return Job(
        task,
        stored,
        taken,
        context,
        write.MergeTarget(target, "id", columns, provenance),
        is_first=stored.version not in past.versions,
        is_edited=bool(past.versions),
        is_booked=past.has_fence,
        last=past.last,
    )


def _answer(services: Services, job: Job) -> tuple[frozenset[str], int | None]:
    """Run the user's own query, if there is one: its columns, and the bytes that it read."""
    conversion = job.stored.conversion
    if not isinstance(conversion, Custom):
        return frozenset(), None
    settings = services.warehouse.settings
    verdict = judge(conversion.sql, Scope.of(settings))
    if not verdict.ok:
        fault = next(finding for finding in verdict.findings if finding.severity == "error")
        raise UserError(fault.message, code=fault.code, fix=fault.fix or "", field="sql")
    raw = f"{job.stored.id}_{job.lease.fence}_raw"
    # the user's text is never put into brackets: as the tail of the statement it cannot break out
    statement = Sql(
        f"CREATE OR REPLACE TABLE {services.runner.staging(raw)} AS\n{verdict.canonical}"
    )
    days = {
        name: Parameter("DATE", value)
        for name, value in (("start_date", job.window.start), ("end_date", job.window.end))
        if name in verdict.parameters
    }
    asked = services.runner.execute(
        with_parameters(statement, **days), labels={"conversion": job.stored.id}
    )
    schema = services.warehouse.schema_of(services.warehouse.staging_path(raw)) or []
    return frozenset(column["name"].lower() for column in schema), asked.bytes_processed


def _sum(*sizes: int | None) -> int | None:
    """The bytes that are known, in all; None when none is."""
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _with_raw(context: Context, columns: frozenset[str]) -> Context:
    return Context(**{**vars(context), "raw_columns": columns})


def _staged(job: Job, what: str) -> str:
    return f"{job.stored.id}_{job.lease.fence}_{what}"


def _counted(
    services: Services, job: Job, candidates: Sql, difference: Sql
) -> tuple[write.Counts, dict[str, int]]:
    """What the write would do, and what became of the rows that were read."""
    reason = why_broken()
    sql = template(
        __file__,
        "work_counted",
        counting=write.counting(job.target, difference, job.window),
        candidates=candidates,
        reason=reason,
    )
    row = next(services.warehouse.rows(with_parameters(sql, **_days(job), **_zone(job))))
    return write.counts(row), _judged(services, job, candidates, reason, row["judged"])


def _judged(
    services: Services, job: Job, candidates: Sql, reason: Sql, found: list[dict[str, Any]]
) -> dict[str, int]:
    """Counts of rows read, removed as duplicates and broken; broken rows go to quarantine."""
    # a query may return more days than it was asked for: those rows are other runs' business
    inside = [row for row in found if row["reason"] != "outside_window"]
    read = sum(row["rows_"] for row in inside)
    broken = {row["reason"]: row["rows_"] for row in inside if row["reason"]}
    duplicates = sum(row["rows_"] for row in found if (row["removed"] or "").startswith("dup"))
    if broken:
        _quarantine(services, job, candidates, reason, broken, read)
    return {
        "rows_read": read,
        "duplicates": duplicates + broken.pop("duplicate_id", 0),
        "quarantined": sum(broken.values()),
    }


def _quarantine(
    services: Services, job: Job, candidates: Sql, reason: Sql, broken: dict[str, int], read: int
) -> None:
    insert = template(
        __file__,
        "work_quarantine",
        quarantine=services.warehouse.table("quarantine"),
        candidates=candidates,
        reason=reason,
    )
    facts = {
        "conversion": job.stored.id,
        "run_id": job.task.run_id,
        "now": services.ledger.now,
        "fence": job.lease.fence,
    }
    services.warehouse.execute(with_parameters(insert, **_days(job), **_zone(job), **facts))
    listed = ", ".join(f"{count:,} x {code}" for code, count in sorted(broken.items()))
    services.ledger.incident(
        "rows_quarantined",
        f"{job.stored.id}: rows that break the contract were set aside: {listed}.",
        fix="Look at them in the table quarantine, and mend the query or its source.",
        conversion=job.stored.id,
        run_id=job.task.run_id,
        severity="warning",
    )
    unplaced = sum(count for code, count in broken.items() if code in UNPLACED)
    if unplaced > min(UNPLACED_ROWS, max(1, UNPLACED_SHARE * read)):
        raise UserError(
            f"{unplaced:,} of {read:,} rows of {job.stored.id} lack an id or a time ({listed}).",
            code="too_many_broken_rows",
            fix="Mend the query or its source; the broken rows are in the table quarantine.",
        )


def _difference(job: Job, candidates: Sql, difference: Sql, factor: normalize.Factor) -> Sql:
    names = [name for name in job.target.columns if name not in job.target.provenance]
    compared = [name for name in names if name != "normalization_as_of"]
    return with_parameters(
        template(
            __file__,
            "work_difference",
            difference=difference,
            candidates=candidates,
            reason=why_broken(),
            target=job.context.target,
            stage=job.context.stage,
            rates=job.context.rates,
            erasures=_sibling(job.context.target, "erasures"),
            latest=_each("SUBSTR(MAX(CONCAT(event.moment, event.{0})), 17) AS {0}", LENT),
            kept_lent=_each("COALESCE(kept.{0}, visits.{0}) AS {0}", (*LENT, "click_at")),
            settled_lent=_each("COALESCE(settled.{0}, visits.{0}) AS {0}", (*LENT, "click_at")),
            valued_columns=_each("valued.{0}", names),
            settled_columns=_each("settled.{0}", names),
            row_text=write.row_text("told", schemas.load("conversion")["schema"], compared),
            fingerprint=write.fingerprint("spelled.row_text"),
            values=_each("fresh.{0}", [name for name in names if name not in ("id", "date")]),
            remembered=_each("target.{0}", REMEMBERED),
            before=_each("present.{0}", REMEMBERED),
            after=_each("fresh.{0}", REMEMBERED),
        ),
        **_days(job),
        **_zone(job),
        settled_date=job.written.start,
        now_currency=job.context.currency,
        factor=Parameter("FLOAT64", factor.value),
        unit_value=Parameter("FLOAT64", factor.unit_value),
        factor_as_of=Parameter("DATE", factor.as_of),
        version=job.stored.version,
        run_id=job.task.run_id,
        fence=job.lease.fence,
    )


def _each(pattern: str, names: Iterable[str]) -> str:
    """The pattern for each of our own column names."""
    return ", ".join(map(pattern.format, names))


def _failed(services: Services, task: MaterializeTask, error: ProductError) -> None:
    services.ledger.write(
        task.run_id,
        "failed",
        conversion=task.conversion,
        tier=task.tier,
        trigger=task.trigger,
        definition_version=task.definition_version,
        start_date=task.start_date,
        end_date=task.end_date,
        message=task.model_dump_json(),
        detail=error.detail[:1000],
    )
    services.ledger.incident(
        error.code,
        f"{task.conversion}: {error.detail[:1000]}",
        fix=error.fix,
        conversion=task.conversion,
        run_id=task.run_id,
    )


def _report_unnormalized(services: Services, job: Job) -> None:
    services.ledger.incident(
        "not_normalized",
        f"{job.stored.id}: there are too few conversions, or no value, to normalize by.",
        fix=f"Its values stay as they are until both sides have {normalize.MINIMUM_ROWS} rows.",
        conversion=job.stored.id,
        run_id=job.task.run_id,
        severity="warning",
    )


def _history(services: Services, job: Job, difference: Sql) -> None:
    sql = template(
        __file__,
        "work_history",
        changes=services.warehouse.table("conversion_changes"),
        difference=difference,
    )
    facts = {
        "definition_id": job.stored.id,
        "kind": job.stored.kind,
        "run_id": job.task.run_id,
        "fence": job.lease.fence,
        "version": job.stored.version,
        "trigger": job.task.trigger,
        "now": services.ledger.now,
        "start_date": job.window.start,
        "end_date": job.window.end,
        "is_first": job.is_first,
        "is_edited": job.is_edited,
    }
    services.warehouse.execute(with_parameters(sql, **facts))


def _published(services: Services, job: Job) -> dict[str, Any]:
    """The newest fence, the window's total, its last day's rows and the usual ones of that day."""
    sql = template(
        __file__,
        "work_published",
        target=job.context.target,
        leases=services.warehouse.table("leases"),
    )
    return next(services.warehouse.rows(with_parameters(sql, **_days(job), lease=job.lease.name)))


def _report_missing_rates(services: Services, job: Job, published: Mapping[str, Any]) -> None:
    """What lacks a rate is counted without a value in the project's currency, and never guessed."""
    if not published["without_rate"]:
        return
    services.ledger.incident(
        "rate_missing",
        f"{job.stored.id}: {published['without_rate']:,} conversions in"
        f" {', '.join(sorted(published['currencies']))} have no value in {job.context.currency}:"
        " no rate of the seven days before them is known.",
        fix="Bring the table of exchange rates up to date, then run these days again.",
        conversion=job.stored.id,
        run_id=job.task.run_id,
        severity="warning",
    )


def _about(job: Job) -> dict[str, Any]:
    """What a ledger entry says of any end of a task."""
    return {
        "conversion": job.stored.id,
        "tier": job.task.tier,
        "trigger": job.task.trigger,
        "definition_version": job.stored.version,
        "start_date": job.window.start,
        "end_date": job.window.end,
        "fence": job.lease.fence,
        "message": job.task.model_dump_json(),
    }


def _facts(
    job: Job, counts: write.Counts, judged: Mapping[str, int], bytes_processed: int | None
) -> dict[str, Any]:
    return {
        **_about(job),
        "rows_total": counts.after,
        "inserted": counts.inserted,
        "updated": counts.updated,
        "deleted": counts.deleted,
        "bytes_processed": bytes_processed,
        **judged,
    }


def _sibling(target: Sql, name: str) -> Sql:
    return quoted(f"{target.text.strip('`').rsplit('.', 1)[0]}.{name}")


def _days(job: Job) -> dict[str, object]:
    return {"start_date": job.window.start, "end_date": job.window.end}


def _zone(job: Job) -> dict[str, object]:
    return {"timezone": job.context.timezone}
