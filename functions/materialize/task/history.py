"""The history of changes, completed by the next run when a worker died after its MERGE."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from common.bigquery.sql import Sql, template, with_parameters
from common.bigquery.sql import table as quoted
from common.model.run_status import RunStatus
from common.model.window import Window
from functions.materialize import merge
from functions.materialize.services import Services
from functions.materialize.task.job import Job

ALL_DAYS = Window(date(1, 1, 1), date(9999, 12, 31))


def append(services: Services, job: Job, difference: Sql, days: Window) -> None:
    """Append what the MERGE of this fence changed, with its cause; once, however often asked.

    `days` are those that the MERGE may have written.
    """
    sql = template(
        __file__,
        changes=services.warehouse.table("conversion_changes"),
        difference=difference,
    )
    facts = {
        "definition_id": job.stored.id,
        "usual_cause": job.stored.conversion.usual_cause,
        "run_id": job.task.run_id,
        "fence": job.lease.fence,
        "version": job.stored.version,
        "trigger": job.task.trigger,
        "now": services.ledger.now,
        "first_date": days.start,
        "last_date": days.end,
        "start_date": job.window.start,
        "end_date": job.closed.end,
        "is_first": job.is_first,
        "is_edited": job.is_edited,
    }
    services.warehouse.execute(with_parameters(sql, **facts))


def recover(services: Services, job: Job) -> None:
    """Finish the books of the previous fence if its MERGE was done but its worker died after it."""
    previous = replace(job.lease, fence=job.lease.fence - 1)
    path = services.warehouse.staging_path(f"{job.stored.id}_{previous.fence}_difference")
    if job.is_booked or services.warehouse.schema_of(path) is None:
        return
    # it never ran, or changed nothing: there is no history to complete
    if not services.warehouse.job_changes(merge.merge_job(previous)):
        return
    # which days it wrote is not known any more
    append(services, replace(job, lease=previous), quoted(path), ALL_DAYS)
    services.ledger.write(
        job.task.run_id,
        RunStatus.RECOVERED,
        conversion=job.stored.id,
        tier=job.task.tier,
        fence=previous.fence,
        definition_version=job.stored.version,
        start_date=job.window.start,
        end_date=job.window.start,
        detail="The worker died after its write; its history was completed by the next run.",
    )
