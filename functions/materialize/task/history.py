"""The history of changes, written in one transaction with the changes themselves."""

from __future__ import annotations

from common.bigquery.leases.lease import table_of
from common.bigquery.sql import Sql, template, with_parameters
from functions.materialize.services import Services
from functions.materialize.task.job import Job


def statement(services: Services, job: Job, difference: Sql) -> Sql:
    """The statement that appends what the MERGE of this fence changes, with its cause.

    Like the MERGE it does nothing once the lease is somebody else's, nor a second time.
    """
    sql = template(
        __file__,
        changes=services.warehouse.table("conversion_changes"),
        leases=services.warehouse.table(table_of(job.lease.name)),
        difference=difference,
    )
    facts = {
        "definition_id": job.stored.id,
        "usual_cause": job.stored.conversion.usual_cause,
        "run_id": job.task.run_id,
        "lease": job.lease.name,
        "fence": job.lease.fence,
        "version": job.stored.version,
        "trigger": job.task.trigger,
        "now": services.ledger.now,
        "first_date": job.written.start,
        "last_date": job.written.end,
        "start_date": job.window.start,
        "end_date": job.closed.end,
        "is_first": job.is_first,
        "is_edited": job.is_edited,
    }
    return with_parameters(sql, **facts)
