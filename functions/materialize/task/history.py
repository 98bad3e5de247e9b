"""The history of changes, written in one transaction with the changes themselves."""

from __future__ import annotations

from common.bigquery.sql import Sql, template, with_parameters
from functions.materialize.services import Services
from functions.materialize.task.job import Job


def statement(services: Services, job: Job, difference: Sql) -> Sql:
    """The statement that appends what the MERGE of this fence changes, with its cause."""
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
        "start_date": job.window.start,
        "end_date": job.closed.end,
        "is_first": job.is_first,
        "is_edited": job.is_edited,
    }
    return with_parameters(sql, **facts)
