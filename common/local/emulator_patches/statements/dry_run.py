"""Dry runs: a statement is planned and never run.

Seen in 1.4.0: a dry run executes SELECTs and whole scripts, side effects kept; a recursion without
end hangs the server; referenced tables are always missing.
"""

from __future__ import annotations

from typing import Any

from bqemulator.api.routes import jobs
from bqemulator.jobs import executor
from bqemulator.scripting.ast import SqlStmt
from sqlglot import exp

from common.local.emulator_patches import column_types
from common.local.emulator_patches.patch import replace
from common.local.emulator_patches.server import limits, messages
from common.local.emulator_patches.statements import analyzed, execution, statements
from common.untyped import JsonObject

_PLANNED = {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE_TABLE_AS_SELECT"}


def install() -> None:
    """Both ways of asking for a dry run answer from here."""
    replace(jobs, "_dry_run_response", answer)
    replace(jobs, "_build_dry_run_query_response", as_job)


async def as_job(
    *, project_id: str, job_id: str, config: JsonObject, now: Any, session_id: Any, **asked: Any
) -> JsonObject:
    """The same answer in the form of a finished job, which is not kept."""
    shown = await answer(project_id=project_id, job_id=job_id, wire_shape="insert", **asked)
    known = ("totalBytesProcessed", "cacheHit", "schema", "statementType", "referencedTables")
    millis = str(int(now.timestamp() * 1000))
    return {
        "kind": "bigquery#job",
        "id": f"{project_id}:{job_id}",
        "jobReference": shown["jobReference"],
        "configuration": config,
        "status": {"state": "DONE"},
        "statistics": {
            "creationTime": millis,
            "startTime": millis,
            "endTime": millis,
            "totalBytesProcessed": shown["totalBytesProcessed"],
            "query": {name: shown[name] for name in known},
        },
    }


async def answer(
    *,
    project_id: str,
    job_id: str,
    bq_sql: str,
    query_params: list[JsonObject] | None,
    ctx: Any,
    caller: Any,
    wire_shape: str,
) -> JsonObject:
    """The response to a dry run: statement type, columns, tables read.

    Bytes are unknown (0), unless the server's limits declare how large a table is.
    """
    kind = _kind(bq_sql)
    schema: list[column_types.Field] = []
    read = 0
    if kind == "SELECT":
        analyzed.check(bq_sql, project_id, query_params, ctx)
    if kind in _PLANNED:
        plan = execution.prepared(project_id, bq_sql, query_params, ctx, caller)
        schema = _columns(plan, bq_sql, ctx)
        read = limits.declared(ctx, plan.text)
    job = {"projectId": project_id, "location": "US"}
    return {
        "kind": "bigquery#queryResponse" if wire_shape == "query" else "bigquery#job",
        "jobReference": job if wire_shape == "query" else {**job, "jobId": job_id},
        "jobComplete": True,
        "totalBytesProcessed": str(read),
        "cacheHit": False,
        "schema": {"fields": schema},
        "rows": [],
        "totalRows": "0",
        "statementType": kind,
        "referencedTables": _tables(bq_sql, project_id, ctx) if kind in _PLANNED else [],
    }


def _kind(sql: str) -> str:
    parsed = executor._parse_script_or_raise(sql).statements
    single = len(parsed) == 1 and isinstance(parsed[0], SqlStmt)
    return str(executor.classify_statement_type(sql)) if single else "SCRIPT"


def _columns(plan: execution.Plan, sql: str, ctx: Any) -> list[column_types.Field]:
    with ctx.engine.connection.cursor() as connection, messages.as_bigquery_errors(sql, plan.text):
        if plan.statement.is_query:
            fields = column_types.described(connection, plan.text, plan.values or None)
            execution.refuse_duplicates([it["name"] for it in fields])
            return fields
        if isinstance(plan.statement.tree, exp.DML | exp.Create) and plan.statement.tree.expression:
            connection.execute(f"EXPLAIN {plan.text}", plan.values or None)
    return []


def _tables(sql: str, project: str, ctx: Any) -> list[dict[str, str]]:
    """Stored tables that the statement reads, those behind its views in place of the views."""
    keys = ("projectId", "datasetId", "tableId")
    found: set[statements.Path] = set()
    waiting = [(path[0] or project, *path[1:]) for path in statements.read(sql).tables]
    seen: set[statements.Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        known = ctx.catalog.get_table(*path)
        if known is None or not known.view_query:
            found.add(path)
            continue
        inside = statements.read(known.view_query).tables
        waiting += [(inner[0] or path[0], *inner[1:]) for inner in inside]
    return [dict(zip(keys, path, strict=True)) for path in sorted(found)]
