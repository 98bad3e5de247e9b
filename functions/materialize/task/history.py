"""The history of changes, written in one transaction with the changes themselves."""

from __future__ import annotations

from common.bigquery.sql import Sql, template, with_parameters
from functions.materialize.merge import Counts
from functions.materialize.services import Services
from functions.materialize.task.difference import REMEMBERED
from functions.materialize.task.job import Job


def statement(services: Services, job: Job, difference: Sql, counts: Counts) -> Sql:
    """The statement that appends what the MERGE of this fence changes, with its cause."""
    sql = template(
        __file__,
        changes=services.warehouse.table("conversion_changes"),
        difference=difference,
        old_row=_old_row(counts),
        after=", ".join(f"d.{name}" for name in REMEMBERED),
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


def _old_row(counts: Counts) -> str:
    """The row before its change, spelled out."""
    if counts.inserted == counts.changed:
        # a daily run mostly adds, and has nothing to spell out
        return "CAST(NULL AS STRING)"
    before = ", ".join(f"d.old_row.{name} AS {name}" for name in REMEMBERED)
    return f"IF(d.change = 'insert', NULL, TO_JSON_STRING(STRUCT({before})))"
