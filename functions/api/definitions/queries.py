"""The user's own SQL before it is saved: the guard, BigQuery's dry run, the column contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common.bigquery.sql import Sql, create_table_as, with_parameters
from common.bigquery.warehouse import DryRun, Warehouse
from common.errors import ProductError, RetryableError, UserError
from common.guard.judge import Verdict, judge
from common.guard.names.scope import Scope
from common.kinds.query import Query
from common.model.contract import problems
from common.model.findings import Finding, is_refused
from common.model.window import Window
from common.settings import Settings

SAMPLE_DAYS = 30
"""The dry run is told so many days, as validate-sql is."""


@dataclass(frozen=True)
class Judged:
    """A query that may be saved: its tables, and what is worth knowing."""

    tables: tuple[str, ...]
    findings: tuple[Finding, ...]


def judged(query: Query, runner: Warehouse, yesterday: date) -> Judged:
    """What the query reads; raises UserError with every finding when it may not be saved."""
    verdict = _verdict(query, runner.settings)
    answer = _dry_run(query, verdict, runner, Window.ending(yesterday, SAMPLE_DAYS))
    found = [
        *verdict.findings,
        *problems(
            answer.schema,
            query.contract,
            outputs=verdict.query.outputs if verdict.query else (),
            features=query.features,
            timezone=runner.settings.timezone,
        ),
    ]
    if is_refused(found):
        raise refused(query, found)
    # behind a view lie tables that only BigQuery can name
    return Judged(tuple(sorted({*verdict.tables, *answer.referenced_tables})), tuple(found))


def planned_bytes(query: Query, runner: Warehouse, window: Window) -> int | None:
    """Bytes that the query reads for these days; None is unknown."""
    return _dry_run(query, _verdict(query, runner.settings), runner, window).bytes_processed


def answer(query: Query, runner: Warehouse, window: Window, table: Sql) -> None:
    """Run the query for these days into a table; raises UserError when it cannot."""
    # as the tail of the statement, never in brackets, the user's text cannot break out of it
    rows = _bound(_verdict(query, runner.settings), window)
    try:
        runner.execute(create_table_as(table, rows))
    except UserError as error:
        # BigQuery's own words may hold values of the rows
        raise UserError(
            f"The query of {query.field} fails on the rows from {window.start} to {window.end}.",
            code="sql_failed",
            fix="POST /validate-sql tells which function of it fails, and its safe form.",
            field=query.field,
        ) from error


def _verdict(query: Query, settings: Settings) -> Verdict:
    verdict = judge(query.sql, Scope.of(settings))
    if not verdict.ok:
        raise refused(query, verdict.findings)
    return verdict


def _bound(verdict: Verdict, window: Window) -> Sql:
    days = {"start_date": window.start, "end_date": window.end}
    return with_parameters(
        Sql(verdict.canonical), **{name: days[name] for name in verdict.parameters}
    )


def refused(query: Query, findings: Sequence[Finding]) -> UserError:
    """One error out of all findings, the gravest first; each is told in `errors`."""
    ordered = sorted(findings, key=lambda finding: finding.severity != "error")
    first = ordered[0]
    others = sum(finding.severity == "error" for finding in ordered) - 1
    error = UserError(
        f"The SQL cannot be saved. {first.message}"
        + (f" ({others} more {'error' if others == 1 else 'errors'} below.)" if others else ""),
        code=first.code,
        fix=first.fix,
        field=query.field,
    )
    error.faults = [{**f.document(), "field": query.field, "output": f.field} for f in ordered]  # type: ignore[attr-defined]
    return error


def _dry_run(query: Query, verdict: Verdict, runner: Warehouse, window: Window) -> DryRun:
    try:
        return runner.dry_run(_bound(verdict, window))
    except RetryableError:
        raise
    except ProductError as error:
        code, fix = _SAID.get(error.code, ("sql_error", error.fix))
        raise UserError(
            f"The SQL cannot be saved. BigQuery says: {error.detail.splitlines()[0][:400]}",
            code=code,
            fix=fix,
            field=query.field,
        ) from error


_SAID = {
    "not_found": (
        "table_not_found",
        "Check the table's name, and that its dataset lies in this project's location.",
    ),
    "access_denied": (
        "table_access",
        "Grant the service account that runs SQL the roles BigQuery Data Viewer on the dataset and"
        " BigQuery User in its project.",
    ),
}
