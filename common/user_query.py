"""The one door to users' SQL: judged, bound to days, planned, judged by what it reads, run.

Nothing else sends a statement as the runner, the identity that may read what users may. A dry run
stands immediately before every execution, so what is judged is what is read: a table may have
become a view over something closed since the query was saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common import privacy
from common.bigquery.sql import Parameter, Sql, create_table_as, table, with_parameters
from common.bigquery.warehouse import DryRun, TableInfo, Warehouse
from common.errors import ProductError, UserError
from common.guard.judge import Verdict, judge
from common.guard.names import references, scope
from common.guard.names.references import Opened
from common.guard.names.scope import Scope
from common.model.findings import Finding, found, is_refused
from common.model.window import Window
from common.settings import Settings
from common.untyped import JsonObject

# a person waits for it in the console, and the function has 60 s for all that it asks
DRY_RUN_SECONDS = 20


class RefusedQueryError(UserError):
    """A query that may not run; `findings` say everything that is known against it."""

    def __init__(self, findings: Sequence[Finding], field: str = "sql") -> None:
        # the API's form has room for one sentence; whoever shows all of them reads `findings`
        first = next(finding for finding in findings if finding.severity == "error")
        super().__init__(first.message, code=first.code, fix=first.fix, field=field)
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Plan:
    """A query that may run for these days, as BigQuery sees it.

    `schema` is in BigQuery's API form, `tables` all that it names or reads, views opened, as full
    paths; bytes are None where they are unknown.
    """

    sql: Sql
    schema: list[JsonObject]
    tables: tuple[str, ...]
    bytes_processed: int | None


@dataclass(frozen=True)
class Answer:
    """What a query returned: its staged table, the columns in BigQuery's API form, bytes read."""

    table: Sql
    columns: list[JsonObject]
    bytes_processed: int | None

    @property
    def types(self) -> dict[str, str]:
        """The API's type of each column."""
        return {column["name"]: column["type"] for column in self.columns}


def judged(sql: str, settings: Settings, field: str = "sql") -> Verdict:
    """The guard's verdict on a query that may run; raises RefusedQueryError.

    `field` is where the definition holds the query.
    """
    verdict = judge(sql, Scope.of(settings))
    if not verdict.ok:
        raise RefusedQueryError(verdict.findings, field)
    return verdict


def plan(verdict: Verdict, runner: Warehouse, window: Window, field: str = "sql") -> Plan:
    """The query bound to the days and looked through by BigQuery, without running it.

    Raises RefusedQueryError when it reads what it may not, through views too, and what
    `Warehouse.dry_run` raises, in BigQuery's words with personal data masked.
    """
    bound = bind(verdict, window)
    # before the catalogue: what BigQuery refuses needs no look at its views
    seen = dry_run(bound, runner)
    known = catalogue(verdict, runner)
    findings = unseen(verdict, seen, known.opened, Scope.of(runner.settings))
    if is_refused(findings):
        raise RefusedQueryError(findings, field)
    # neither is whole: the text names views, and BigQuery what is behind them
    tables = sorted({*verdict.tables, *seen.referenced_tables})
    return Plan(bound, seen.schema, tuple(tables), seen.bytes_processed)


def run(
    verdict: Verdict,
    runner: Warehouse,
    window: Window,
    name: str,
    *,
    field: str = "sql",
    labels: Mapping[str, str] | None = None,
) -> Answer:
    """The query's rows of the window, in the staging table of this name, which is replaced.

    Raises what `plan` and `Warehouse.execute` raise; no message holds a value of a row.
    """
    planned = plan(verdict, runner, window, field)
    path = runner.staging_path(name)
    # the user's text is never put into brackets: as the tail of the statement it cannot break out
    done = runner.execute(create_table_as(table(path), planned.sql), labels=labels)
    # an engine may count the table that it writes among those that the statement refers to
    unplanned = {*done.referenced_tables} - {*planned.tables, path}
    if unplanned:
        _judge_again(verdict, runner, path, unplanned, field)
    return Answer(table(path), runner.schema_of(path) or [], done.bytes_processed)


def bind(verdict: Verdict, window: Window) -> Sql:
    """The canonical text with the days of the window bound to the parameters that it uses."""
    days = {"start_date": window.start, "end_date": window.end}
    used = {name: Parameter("DATE", days[name]) for name in sorted(verdict.parameters)}
    return with_parameters(Sql(verdict.canonical), **used)


def dry_run(bound: Sql, runner: Warehouse) -> DryRun:
    """What BigQuery would do; raises ProductError with e-mails, phones and tokens masked."""
    try:
        return runner.dry_run(bound, timeout=DRY_RUN_SECONDS)
    except ProductError as error:
        words = privacy.masked(error.detail)
        # the error that is left behind has its words unmasked
        raise type(error)(words, code=error.code, fix=error.fix, field=error.field) from None


@dataclass(frozen=True)
class Catalogue:
    """What BigQuery's catalogue says of all that a query reads, also through views."""

    tables: Mapping[str, TableInfo | None]
    """By full path; None for a wildcard, and for what does not exist or may not be seen."""
    opened: Opened


def catalogue(verdict: Verdict, runner: Warehouse) -> Catalogue:
    """The allowed tables that the query names, its views opened to any depth."""
    allowed = Scope.of(runner.settings)
    known: dict[str, TableInfo | None] = {}

    def lookup(path: str) -> TableInfo | None:
        known[path] = runner.table_info(path)
        return known[path]

    # a refused table is not looked up, so that nobody learns whether it exists
    named = [path for path in verdict.tables if not scope.check(path.split("."), allowed, None)]
    opened = references.opened(named, lookup, lambda view: _references(view, runner), allowed.views)
    return Catalogue({path: known.get(path) for path in sorted(opened.paths)}, opened)


def unseen(verdict: Verdict, seen: DryRun, opened: Opened, allowed: Scope) -> list[Finding]:
    """Why BigQuery's reading of the query forbids to run it; [] when nothing does."""
    if seen.statement_type not in ("", "SELECT"):
        text = f"BigQuery reads the text as {seen.statement_type}, not as a query."
        return [found("not_a_query", text, "Write one SELECT.")]
    return references.check(verdict.tables, seen.referenced_tables, opened, allowed)


def _references(view: str, runner: Warehouse) -> tuple[str, ...]:
    """Tables behind a view whose text cannot be read; raises ProductError when nobody can tell."""
    return dry_run(Sql(f"SELECT * FROM {table(view)}"), runner).referenced_tables


def _judge_again(
    verdict: Verdict, runner: Warehouse, path: str, unplanned: set[str], field: str
) -> None:
    """Something was replaced between the dry run and the job: its rows go before anyone reads."""
    allowed = Scope.of(runner.settings)
    try:
        known = catalogue(verdict, runner)
        findings = references.check(verdict.tables, unplanned, known.opened, allowed)
        if is_refused(findings):
            raise RefusedQueryError(findings, field)
    except ProductError:
        # also where the catalogue cannot be read: what nobody judged does not stay for a week
        runner.drop(path)
        raise
