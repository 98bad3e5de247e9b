"""What a task tells people: ledger entries of its end, and incidents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from common.errors import LATER, ProductError, QuotaError
from common.incidents.incidents import Incident
from common.messaging.messages import MaterializeTask
from common.model.run_status import RunStatus
from common.untyped import Row
from functions.materialize.ledger import Clock
from functions.materialize.services import Services
from functions.materialize.task import normalize, volume
from functions.materialize.task.job import Job

_FIXES = {
    "source_not_landed": "The next load runs it; if there was nothing to load, run with force.",
    "suspicious_value": "Check the table of rates and the source's amounts; if right, use force.",
    "suspicious_shrink": "Check that the source is complete; if it is, run with force.",
}


def beyond(job: Job, published: Row) -> str | None:
    """What a person should know of rows after the last day that is done; None without such rows."""
    # every run looks at the day after, which has rows only where the property's days end later
    days = (day["date"] for day in published["recent"] or ())
    if not any(job.closed.end < day <= job.window.end for day in days):
        return None
    return (
        f"What GA4's newest table tells of {job.window.end} is counted as well; that day stays open"
        " until its own table lands."
    )


def held(
    services: Services,
    job: Job,
    clock: Clock,
    code: str,
    why: str,
    facts: Row | None = None,
) -> RunStatus:
    """Nothing was written, and a person is told why; its days stay due."""
    facts = facts or job.facts
    services.ledger.write(
        job.task.run_id, RunStatus.HELD, seconds=clock.elapsed(), detail=why, **facts
    )
    services.ledger.report(
        Incident(
            code,
            f"{job.stored.id}: {why} ({job.window.start} to {job.window.end});"
            " nothing was written.",
            fix=_FIXES[code],
            subject=job.stored.id,
        ),
        run_id=job.task.run_id,
    )
    return RunStatus.HELD


MEND = "Mend what it names, in the conversion or in the project, and run the conversion again."
"""What to do after an error that says no more than what is wrong."""


def failed(services: Services, task: MaterializeTask, error: ProductError) -> None:
    """Write down that the task cannot run as things are, and why."""
    services.ledger.write(
        task.run_id,
        RunStatus.FAILED,
        conversion=task.conversion,
        tier=task.tier,
        trigger=task.trigger,
        definition_version=task.definition_version,
        start_date=task.start_date,
        end_date=task.end_date,
        message=task.model_dump_json(),
        detail=error.detail[:1000],
    )
    services.ledger.report(
        Incident(
            error.code,
            f"{task.conversion}: {error.detail[:1000]}",
            fix=error.fix or MEND,
            subject=task.conversion,
        ),
        run_id=task.run_id,
    )


def waits(services: Services, task: MaterializeTask, error: QuotaError) -> None:
    """Say that the task waits until a limit of the project is there again."""
    services.ledger.report(
        Incident(
            error.code,
            f"{task.conversion}: {error.detail[:1000]}",
            fix=f"{error.fix} {LATER}",
            subject=task.conversion,
        ),
        run_id=task.run_id,
    )


def unnormalized(services: Services, job: Job) -> None:
    """Say that there is nothing to normalize by."""
    services.ledger.report(
        Incident(
            "not_normalized",
            f"{job.stored.id}: there are too few conversions, or no value, to normalize by.",
            fix=f"Its values stay as they are until both sides have {normalize.MINIMUM_ROWS} rows.",
            subject=job.stored.id,
            severity="warning",
        ),
        run_id=job.task.run_id,
    )


def found(services: Services, job: Job, published: Row) -> Iterator[Incident]:
    """What a person should know of the rows that the run leaves."""
    yield from _missing_rates(services, job, published)
    yield from _unusable(job, published)
    counts = {day["date"]: day["conversions"] for day in published["recent"] or ()}
    yield from volume.incidents(services.warehouse, job.stored, job.closed.end, counts)


def recent(published: Row, since: date) -> str:
    """The days of `published` from this one on as the ledger keeps them for lists, as JSON text."""
    return json.dumps(
        [
            {"date": str(day["date"]), "conversions": day["conversions"], "value": day["value"]}
            for day in published["recent"] or ()
            if day["date"] >= since
        ]
    )


def _missing_rates(services: Services, job: Job, published: Row) -> Iterator[Incident]:
    """What lacks a rate is counted without a value in the project's currency, and never guessed."""
    if published["without_rate"]:
        yield Incident(
            "rate_missing",
            f"{job.stored.id}: {_many(published['without_rate'])} in"
            f" {', '.join(sorted(published['currencies']))} without a value in"
            f" {job.context.currency}:"
            " no rate of the seven days before them is known.",
            fix=(
                "Bring the table of exchange rates up to date, then run these days again."
                if services.warehouse.settings.rates_table
                else "The export tells no rate of these days: name a table of exchange rates in"
                " CONVERSIONS_RATES_TABLE, then run these days again."
            ),
            subject=job.stored.id,
            severity="warning",
        )


_UNUSABLE = {
    # column of `published`: code, what the rows have, what to do
    "bad_values": (
        "values_unreadable",
        "a value that is no number, is below zero or has no known unit; they count without value",
        "Look at the parameter value of these events in GA4, and send a plain number.",
    ),
    "bad_currencies": (
        "currencies_unreadable",
        "a currency that is no ISO 4217 code; they keep their value and have none in the"
        " project's currency",
        "Send a code such as EUR as currency, not a sign.",
    ),
    "unknown_refunds": (
        "refund_amount_unknown",
        "a refund whose amount is not known (a product without a price, zero, or a"
        " currency without a rate); what is not known lowers nothing",
        "Send value and currency with the refund event.",
    ),
}


def _unusable(job: Job, published: Row) -> Iterator[Incident]:
    """How many rows count without a part of their money, and why."""
    for column, (code, what, fix) in _UNUSABLE.items():
        if published[column]:
            yield Incident(
                code,
                f"{job.stored.id}: {_many(published[column])} with {what}.",
                fix=fix,
                subject=job.stored.id,
                severity="warning",
            )


def _many(number: int) -> str:
    return "1 conversion" if number == 1 else f"{number:,} conversions"
