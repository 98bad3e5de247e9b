"""Dry runs: a statement is planned and never run.

Seen in 1.4.0: a dry run executes SELECTs and whole scripts, side effects kept; a recursion without
end hangs the server; referenced tables are always missing.
"""

from __future__ import annotations

from typing import Any

import sqlglot
from bqemulator.api.routes import jobs
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.jobs.error_mapper import translate_runtime_error
from bqemulator.jobs.executor import classify_statement_type
from bqemulator.scripting.ast import SqlStmt
from bqemulator.jobs import executor
from sqlglot import exp

from common.local.cures import columns, execution, literals, parameters, translation
from common.local.cures.patch import replace

_PLANNED = {"insert", "update", "delete", "merge"}


def install() -> None:
    """Both ways of asking for a dry run answer from here."""
    replace(jobs, "_dry_run_response", answer)


async def answer(
    *,
    project_id: str,
    job_id: str,
    bq_sql: str,
    query_params: list[dict[str, Any]] | None,
    ctx: Any,
    caller: Any,
    wire_shape: str,
) -> dict[str, Any]:
    """The response to a dry run: statement type, columns, tables read; bytes are unknown (0)."""
    kind = _kind(bq_sql)
    schema: list[columns.Field] = []
    if kind != "SCRIPT":
        schema = _planned(bq_sql, kind, project_id, query_params, ctx, caller)
    job = {"projectId": project_id, "location": "US"}
    return {
        "kind": "bigquery#queryResponse" if wire_shape == "query" else "bigquery#job",
        "jobReference": job if wire_shape == "query" else {**job, "jobId": job_id},
        "jobComplete": True,
        "totalBytesProcessed": "0",
        "cacheHit": False,
        "schema": {"fields": schema},
        "rows": [],
        "totalRows": "0",
        "statementType": kind,
        "referencedTables": _tables(bq_sql, project_id),
    }


def _kind(sql: str) -> str:
    statements = executor._parse_script_or_raise(sql).statements
    single = len(statements) == 1 and isinstance(statements[0], SqlStmt)
    return classify_statement_type(sql) if single else "SCRIPT"


def _planned(
    sql: str, kind: str, project: str, wire: list[dict[str, Any]] | None, ctx: Any, caller: Any
) -> list[columns.Field]:
    text = sql
    try:
        expanded = execution._expanded(sql, project, ctx, caller)
        translated = translation.translate(expanded, project, parameters.types(wire))
        bound = parameters.values(wire, set(translated.parameters))
        text = execution.completed(translated, bound, ctx)
        return _columns(ctx, translated.kind, kind, text, bound)
    except DomainError:
        raise
    except Exception as error:
        raise translate_runtime_error(error, duckdb_sql=text) from error


def _columns(
    ctx: Any, node: str, kind: str, text: str, bound: dict[str, Any]
) -> list[columns.Field]:
    with ctx.engine.connection.cursor() as connection:
        if node in execution.READING:
            fields = columns.described(connection, text, bound or None)
            execution.refuse_duplicates([it["name"] for it in fields])
            return fields
        if node in _PLANNED or kind == "CREATE_TABLE_AS_SELECT":
            connection.execute(f"EXPLAIN {text}", bound or None)
    return []


def _tables(sql: str, project: str) -> list[dict[str, str]]:
    try:
        tree = sqlglot.parse_one(literals.plain(sql), read="bigquery")
    except sqlglot.errors.SqlglotError as error:
        raise InvalidQueryError(str(error), location="query") from error
    paths = {(it.catalog or project, it.db, it.name) for it in tree.find_all(exp.Table) if it.db}
    keys = ("projectId", "datasetId", "tableId")
    return [dict(zip(keys, path, strict=True)) for path in sorted(paths)]
