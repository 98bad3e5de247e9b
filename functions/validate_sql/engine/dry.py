"""BigQuery's own opinion of a query that the guard let pass, at the author's line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from common import user_query
from common.bigquery.warehouse import Warehouse
from common.errors import AccessError, NotFoundError, ProductError, RetryableError
from common.guard.judge import Query, Verdict
from common.guard.names import tables, tree
from common.guard.names.references import Opened
from common.guard.names.scope import Scope
from common.guard.reading import lexer
from common.guard.reading.lexer import NOTHING
from common.model.findings import Finding, Position, found, is_refused
from common.model.window import Window
from common.untyped import JsonObject
from functions.validate_sql.engine import access
from functions.validate_sql.engine.advice import advice

_PLACE = re.compile(r"\s*(?:at )?\[(\d+):(\d+)\]")
_UNKNOWN = re.compile(r"Unrecognized name: `?(\w+)")
_MISSING = re.compile(
    r"Not found: (?:Table|Dataset)\s+`?([\w-]+(?:\.\w+:[\w-]+)?)[:.](\w+)(?:\.([\w$*-]+))?"
)


@dataclass(frozen=True)
class Reading:
    """What BigQuery says of the query: its columns, tables and bytes, or why it refuses."""

    schema: Sequence[JsonObject] = ()
    tables: tuple[str, ...] = ()
    bytes_processed: int | None = None
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether BigQuery would run the query, and may."""
        # a statement that returns no columns is no query, whatever BigQuery says of it
        return bool(self.schema) and not is_refused(self.findings)


def read(
    verdict: Verdict,
    window: Window,
    runner: Warehouse,
    account: Callable[[], str],
    opened: Opened,
    known: Collection[str] = (),
) -> Reading:
    """The dry run of a query that the guard let pass; a refusal becomes findings.

    `opened` are its views, `known` names columns of the tables it reads, `account` the identity of
    the runner.
    """
    try:
        run = user_query.dry_run(user_query.bind(verdict, window), runner)
    except ProductError as error:
        return Reading(findings=(_refusal(error, verdict, runner, account, known),))
    findings = user_query.unseen(verdict, run, opened, Scope.of(runner.settings))
    return Reading(run.schema, run.referenced_tables, run.bytes_processed, tuple(findings))


def _refusal(
    error: ProductError,
    verdict: Verdict,
    runner: Warehouse,
    account: Callable[[], str],
    known: Collection[str],
) -> Finding:
    # the place is that of the canonical text, which nobody has written
    message = _PLACE.sub("", error.detail).strip()
    at = _position(verdict.query, error.detail)
    # what was refused decides, before any words are looked for
    if isinstance(error, AccessError):
        return access.denied(error.detail, verdict.tables, account(), runner.settings.project)
    if isinstance(error, NotFoundError):
        return _not_found(message, runner, verdict.query)
    if isinstance(error, RetryableError):
        seconds = user_query.DRY_RUN_SECONDS
        text = f"BigQuery did not answer within {seconds} seconds or is not available."
        return found("try_again", text, "Send the query again in a moment.")
    if error.code == "not_implemented":
        return found(
            "engine_limit",
            f"The engine of this installation cannot run the query: {_first_line(message)}",
            "The query may be right for BigQuery. Try it there, or write this part in another way.",
            at=at,
        )
    outputs = verdict.query.outputs if verdict.query else ()
    written = {it.name.lower(): it.text for it in outputs if it.text and it.text != it.name}
    fix = _of_rows(message, verdict.query) or advice(message, known, written)
    return found("query_failed", f"BigQuery: {_first_line(message)}", fix, at=at)


def _of_rows(message: str, query: Query | None) -> str:
    """What to write where the name that BigQuery does not know is that of rows, as o is in o.id."""
    named = _UNKNOWN.match(message)
    if query is None or not named or "Did you mean" in message:
        return ""
    tokens = query.masked.tokens
    near = zip([NOTHING, *tokens], tokens, [*tokens[1:], NOTHING], strict=False)
    if not any(
        token.name.lower() == named[1].lower() and after.has(".") and not before.has(".")
        for before, token, after in near
    ):
        return ""
    _, rows = tables.written(query.masked, query.tree)
    # a table without an alias is called by its last part
    rows |= {read.path.rpartition(".")[2] for read in query.tables if not read.node.alias}
    listed = f", whose rows are called {' and '.join(sorted(rows))}" if rows else ""
    return f"Nothing is called {named[1]} in FROM{listed}"


def _first_line(message: str) -> str:
    lines = message.removeprefix("Query execution failed: ").strip().splitlines()
    # what follows the first line repeats the statement
    return lines[0][:400] if lines else "it gives no reason."


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
    # only a dataset that the query may read gets here, so its names are no secret
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
