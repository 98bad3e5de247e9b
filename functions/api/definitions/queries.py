"""The user's own SQL before it is saved: the guard, BigQuery's dry run, the column contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common import user_query
from common.bigquery.warehouse import Warehouse
from common.errors import ProductError, RetryableError, UserError
from common.guard.judge import Verdict
from common.kinds.query import Query
from common.model.contract import problems
from common.model.findings import Finding, is_refused
from common.model.window import Window
from common.settings import Settings
from common.user_query import RefusedQueryError

SAMPLE_DAYS = 30
"""The dry run is given so many days, as in validate-sql."""


@dataclass(frozen=True)
class Judged:
    """A query that may be saved: its tables, and what is worth knowing."""

    tables: tuple[str, ...]
    findings: tuple[Finding, ...]
    columns: frozenset[str]
    """In small letters."""


def judged(query: Query, runner: Warehouse, yesterday: date) -> Judged:
    """What the query reads; raises UserError with every finding when it may not be saved."""
    verdict = _verdict(query, runner.settings)
    planned = _planned(query, verdict, runner, Window.ending(yesterday, SAMPLE_DAYS))
    found = [
        *verdict.findings,
        *problems(
            planned.schema,
            query.contract,
            outputs=verdict.query.outputs if verdict.query else (),
            features=query.features,
            timezone=runner.settings.timezone,
        ),
    ]
    # all findings at once: whoever mends one after the other sends the same query ten times
    if is_refused(found):
        raise refused(query, found)
    columns = frozenset(str(column["name"]).lower() for column in planned.schema)
    return Judged(planned.tables, tuple(found), columns)


def planned_bytes(query: Query, runner: Warehouse, window: Window) -> int | None:
    """Bytes that the query reads for these days; None is unknown."""
    # the estimator's parser is imported only where BigQuery does not tell
    from common.cost.queries import estimated

    plan = _planned(query, _verdict(query, runner.settings), runner, window)
    if plan.bytes_processed is not None:
        return plan.bytes_processed
    try:
        return estimated(plan.sql, plan.tables, runner)
    except ProductError:
        return None


def answer(query: Query, runner: Warehouse, window: Window, name: str) -> user_query.Answer:
    """The query's rows of these days in a staging table; raises UserError when it cannot run."""
    verdict = _verdict(query, runner.settings)
    try:
        return user_query.run(verdict, runner, window, name, field=query.field)
    except RefusedQueryError as error:
        raise refused(query, error.findings) from error
    except UserError as error:
        raise UserError(
            f"The query of {query.field} fails on the rows from {window.start} to {window.end}: "
            f"{error.detail}.",
            code="sql_failed",
            fix="POST /validate-sql tells which function of it fails, and its safe form.",
            field=query.field,
        ) from None


def _verdict(query: Query, settings: Settings) -> Verdict:
    try:
        return user_query.judged(query.sql, settings, query.field)
    except RefusedQueryError as error:
        raise refused(query, error.findings) from None


def refused(query: Query, findings: Sequence[Finding]) -> UserError:
    """One error out of all findings, the gravest first; `errors` holds each."""
    # sorting is stable: within a severity they stay in the order of the checks
    ordered = sorted(findings, key=lambda finding: finding.severity != "error")
    first = ordered[0]
    others = sum(finding.severity == "error" for finding in ordered) - 1
    return UserError(
        f"The SQL cannot be saved. {first.message}"
        + (f" ({others} more {'error' if others == 1 else 'errors'} below.)" if others else ""),
        code=first.code,
        fix=first.fix,
        field=query.field,
        problems=[{**f.document(), "field": query.field, "output": f.field} for f in ordered],
    )


def _planned(query: Query, verdict: Verdict, runner: Warehouse, window: Window) -> user_query.Plan:
    try:
        return user_query.plan(verdict, runner, window, query.field)
    # what passes by itself is no fault of the query
    except RetryableError:
        raise
    except RefusedQueryError as error:
        raise refused(query, error.findings) from None
    except ProductError as error:
        code, fix = _SAID.get(error.code, ("sql_error", ""))
        raise UserError(
            f"The SQL cannot be saved. BigQuery says: {error.detail.splitlines()[0][:400]}",
            code=code,
            fix=fix or error.fix,
            field=query.field,
        ) from None


_SAID = {
    "not_found": (
        "table_not_found",
        "Check the table's name, and that its dataset lies in this project's location.",
    ),
    # its fix is the grant itself, with account and dataset, as the command that makes it
    "access_denied": ("table_access", ""),
}
