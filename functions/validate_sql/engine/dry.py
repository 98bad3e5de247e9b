"""BigQuery's own opinion of a query that the guard let pass, at the author's line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from common.bigquery.sql import Sql, with_parameters
from common.bigquery.warehouse import DryRun, Warehouse
from common.errors import AccessError, NotFoundError, ProductError, RetryableError
from common.guard.judge import Query, Verdict
from common.guard.names import tree
from common.guard.names.scope import MAXIMUM_TABLES, Scope
from common.guard.reading import lexer
from common.model.findings import Finding, Position, found
from common.model.window import Window
from functions.validate_sql.engine import access
from functions.validate_sql.engine.advice import advice

SECONDS = 20

_PLACE = re.compile(r"\s*(?:at )?\[(\d+):(\d+)\]")
_MISSING = re.compile(
    r"Not found: (?:Table|Dataset)\s+`?([\w-]+(?:\.\w+:[\w-]+)?)[:.](\w+)(?:\.([\w$*-]+))?"
)


@dataclass(frozen=True)
class Reading:
    """What BigQuery says of the query: its columns, tables and bytes, or why it refuses."""

    schema: Sequence[dict[str, Any]] = ()
    tables: tuple[str, ...] = ()
    bytes_processed: int | None = None
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether BigQuery would run the query."""
        return bool(self.schema)


def bound(verdict: Verdict, window: Window) -> Sql:
    """The canonical text with the days of the window bound to the parameters that it uses."""
    days = {"start_date": window.start, "end_date": window.end}
    used = {name: day for name, day in days.items() if name in verdict.parameters}
    return with_parameters(Sql(verdict.canonical), **used)


def read(
    verdict: Verdict,
    window: Window,
    runner: Warehouse,
    account: Callable[[], str],
    known: Collection[str] = (),
    *,
    reads_views: bool = True,
) -> Reading:
    """The dry run of a query that the guard let pass; a refusal becomes findings.

    `known` names columns of the tables it reads, `account` the identity of the runner. What lies
    behind a view of an allowed dataset is the responsibility of whoever made the view.
    """
    try:
        run = runner.dry_run(bound(verdict, window), timeout=SECONDS)
    except ProductError as error:
        return Reading(findings=(_refusal(error, verdict, runner, account, known),))
    findings = _second_look(run, verdict, Scope.of(runner.settings), reads_views)
    return Reading(run.schema, run.referenced_tables, run.bytes_processed, tuple(findings))


def _refusal(
    error: ProductError,
    verdict: Verdict,
    runner: Warehouse,
    account: Callable[[], str],
    known: Collection[str],
) -> Finding:
    message = _PLACE.sub("", error.detail).strip()
    at = _position(verdict.query, error.detail)
    if isinstance(error, AccessError):
        return access.denied(error.detail, verdict.tables, account(), runner.settings.project)
    if isinstance(error, NotFoundError):
        return _not_found(message, runner, verdict.query)
    if isinstance(error, RetryableError):
        text = f"BigQuery did not answer within {SECONDS} seconds or is not available."
        return found("try_again", text, "Send the query again in a moment.")
    if error.code == "not_implemented":
        return found(
            "engine_limit",
            f"The engine of this installation cannot run the query: {_first_line(message)}",
            "The query may be right for BigQuery. Try it there, or write this part in another way.",
            at=at,
        )
    text = _first_line(message)
    return found("query_failed", f"BigQuery: {text}", advice(message, known), at=at)


def _first_line(message: str) -> str:
    return message.removeprefix("Query execution failed: ").strip().splitlines()[0][:400]


def _position(query: Query | None, message: str) -> Position | None:
    """The place that the message names, found again in the author's text."""
    place = _PLACE.search(message)
    if query is None or place is None:
        return None
    token = lexer.origin(query.masked.tokens, int(place[1]), int(place[2]))
    return query.source.position(token.offset) if token else None


def _not_found(message: str, runner: Warehouse, query: Query | None) -> Finding:
    named = _MISSING.search(message)
    if not named:
        fix = "Check the names of the tables and their location."
        return found("table_not_found", f"BigQuery: {_first_line(message)}", fix)
    project, dataset, table = named.groups()
    at = _place_of(query, ".".join(part for part in named.groups() if part))
    location = runner.settings.location
    if table is None:
        text = f"There is no dataset {project}.{dataset} in {location}, or it may not be seen."
        fix = "Check its name and its location; a query cannot reach another location."
        return found("table_not_found", text, fix, at=at)
    close = _close_tables(runner, f"{project}.{dataset}", table)
    fix = (
        f"Did you mean `{project}.{dataset}.{close}`?"
        if close
        else f"Check the name, and that the dataset lies in {location}."
    )
    text = f"There is no table {project}.{dataset}.{table} in {location}."
    return found("table_not_found", text, fix, at=at)


def _place_of(query: Query | None, path: str) -> Position | None:
    """Where the query names the table, or a table of the dataset."""
    tables = query.tables if query else ()
    node = next((table.node for table in tables if f"{table.path}.".startswith(f"{path}.")), None)
    return tree.position(query.source, query.masked, node) if query and node else None


def _close_tables(runner: Warehouse, dataset: str, table: str) -> str:
    try:
        names = runner.tables_in(dataset)
    except ProductError:
        return ""
    return next(iter(get_close_matches(table, names, n=1, cutoff=0.6)), "")


def _second_look(run: DryRun, verdict: Verdict, allowed: Scope, reads_views: bool) -> list[Finding]:
    """The tables that BigQuery says it would read, against the same lists as before."""
    if run.statement_type not in ("", "SELECT"):
        text = f"BigQuery reads the text as {run.statement_type}, not as a query."
        return [found("not_a_query", text, "Write one SELECT.")]
    if len(run.referenced_tables) > MAXIMUM_TABLES:
        text = f"The query reads more than {MAXIMUM_TABLES} tables, views included."
        fix = "Read a view or a table that unites them."
        return [found("too_many_tables", text, fix)]
    datasets = {path: path.rpartition(".")[0] for path in run.referenced_tables}
    outside = [path for path, dataset in datasets.items() if dataset not in allowed.datasets]
    own = [path for path in outside if datasets[path] in allowed.own]
    if outside and not own and not reads_views:
        text = f"BigQuery says that the query reads {outside[0]}, whose dataset is not allowed."
        fix = "Write the query anew, with every table as `project.dataset.table` in FROM or JOIN."
        return [found("table_not_allowed", text, fix)]
    return [
        found(
            "own_table",
            f"A view that the query reads is made from {path}, a table of this product.",
            "Read the source tables; to merge conversions, create a combined conversion.",
        )
        for path in own[:1]
        if path not in verdict.tables
    ]
