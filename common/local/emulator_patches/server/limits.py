"""The limits of BigQuery before the engine: a job beyond one fails as it fails there; faults too.

Seen in 1.4.0: nothing is ever too much, too often or too large, and nothing ever breaks.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterable
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import sqlglot
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.local.emulator_patches.patch import replace
from common.local.emulator_patches.server.enforcement import as_failure, limits_of
from common.local.emulator_patches.statements import execution, statements, transactions
from common.local.iam import refusals
from common.local.limits.faults import STATUS, Fault, Faults
from common.local.limits.limits import Limits, Refused
from common.untyped import JsonObject

Path = tuple[str, str, str]

faulty: ContextVar[Faults | None] = ContextVar("faulty", default=None)
"""The faults that the calls of the server that starts next meet."""
cap: ContextVar[int] = ContextVar("cap", default=0)
"""`maximumBytesBilled` of the job of this request, 0 for none."""

_READING = exp.Query | exp.DML | exp.Create
_HELD = 2**36
"""Bytes. More than an engine on one machine holds: a job with a higher cap needs no counting."""
_TABLE = re.compile(r".*/projects/([^/]+)/datasets/([^/]+)/tables(?:/([^/]+))?")


def install() -> None:
    """Every query passes through here, scripts whole."""
    run = replace(executor, "_run_query_body", None)

    async def limited(**asked: Any) -> Any:
        limits = limits_of(asked["ctx"])
        if limits is None:
            return await run(**asked)
        with ExitStack() as held:
            with as_failure():
                _admit(limits, asked, held)
            return await run(**asked)

    replace(executor, "_run_query_body", limited)


def load(ctx: Any, path: Path, *, is_partitioned: bool) -> None:
    """Before a load into the table; raises LimitError."""
    if limits := limits_of(ctx):
        with as_failure():
            limits.write_table(".".join(path), is_partitioned=is_partitioned)


def refusal(ctx: Any, method: str, url: str, sent: bytes) -> tuple[Any, int] | None:
    """The answer to a definition by the API that comes too often, None for every other call."""
    limits, found = limits_of(ctx), _TABLE.fullmatch(url)
    if limits is None or found is None or method not in ("POST", "PATCH", "PUT"):
        return None
    body = json.loads(sent)
    table = found[3] or (body.get("tableReference") or {}).get("tableId") or ""
    path = (found[1], found[2], str(table))
    is_partitioned = "timePartitioning" in body or _is_partitioned(ctx, path)
    try:
        if method == "POST" and ctx.catalog.get_table(*path) is not None:
            return None
        limits.define_table(".".join(path), is_partitioned=is_partitioned)
    except Refused as error:
        status = "PERMISSION_DENIED"
        return refusals.error(error.status, error.reason, status, error.message), error.status
    return None


def declared(ctx: Any, text: str) -> int:
    """Bytes of the tables in DuckDB's text whose size the limits declare."""
    limits = limits_of(ctx)
    known = limits.figures.declared if limits else {}
    return sum(size for path, size in known.items() if _named(path) in text)


def _admit(limits: Limits, asked: JsonObject, held: ExitStack) -> None:
    ctx, project, sql = asked["ctx"], asked["project_id"], asked["bq_sql"]
    parts = transactions.parts(sql) or (sql,)
    trees = [tree for part in parts for tree in _trees(part)]
    views = [tree for tree in trees if isinstance(tree, exp.Create) and tree.kind == "VIEW"]
    view = re.split(r"\bAS\b", sql, maxsplit=1, flags=re.I)[-1] if views else ""
    limits.check_text(sql, len(asked["query_params"] or ()), view)
    if 0 < cap.get() < _HELD or limits.figures.declared:
        readable = len(trees) == len(parts) and all(isinstance(tree, _READING) for tree in trees)
        limits.read_tables(_sizes(asked, parts) if readable else {}, cap.get())
    for tree in trees:
        if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
            table = ".".join(statements.path(tree.this, project))
            held.enter_context(limits.change_rows(table, is_insert=isinstance(tree, exp.Insert)))
        elif isinstance(tree, exp.Create | exp.Alter | exp.Drop) and _of_table(tree):
            path = statements.path(tree.this, project)
            parted = _is_partitioned(ctx, path) or bool(tree.find(exp.PartitionedByProperty))
            limits.write_table(".".join(path), is_partitioned=parted)


def _of_table(tree: exp.Create | exp.Alter | exp.Drop) -> bool:
    is_temporary = tree.find(exp.TemporaryProperty) is not None
    return tree.args.get("kind") in ("TABLE", "VIEW") and not is_temporary


def _trees(sql: str) -> list[exp.Expr]:
    try:
        return [statements.read(sql).tree]
    except InvalidQueryError:
        pass
    try:
        return [tree for tree in sqlglot.parse(sql, read="bigquery") if tree is not None]
    except sqlglot.errors.SqlglotError:
        return []


def _is_partitioned(ctx: Any, path: Path) -> bool:
    known = ctx.catalog.get_table(*path)
    return known is not None and known.time_partitioning is not None


def _sizes(asked: JsonObject, parts: Iterable[str]) -> dict[str, int]:
    """project.dataset.table → bytes, of every stored table that the statements name."""
    ctx, project, bound = asked["ctx"], asked["project_id"], asked["query_params"]
    caller = asked["effective_caller"]
    plans = [execution.prepared(project, part, bound, ctx, caller) for part in parts]
    text = "".join(plan.text for plan in plans)
    with ctx.engine.connection.cursor() as connection:
        rows = connection.execute(
            # DuckDB's size is a number of rows; a value is taken for eight bytes
            "SELECT schema_name, table_name, estimated_size * 8 * column_count FROM duckdb_tables()"
        ).fetchall()
    found = {}
    for schema, name, size in rows:
        project, _, dataset = schema.partition("__")
        if dataset and quoted_table_ref(project, dataset, name) in text:
            found[f"{project}.{dataset}.{name}"] = int(size)
    return found


def _named(path: str) -> str:
    return quoted_table_ref(*path.split("."))


class FaultyCalls:
    """Calls of the API meet what the dice say; nothing else in the server knows of it."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        # what is broken on purpose is no fault of the server's to tell of
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        calls = scope["type"] == "http" and "/bigquery/v2/" in scope["path"]
        fault = self._faults.draw() if calls else None
        if fault == Fault.LATE:
            await asyncio.sleep(self._faults.odds.late_seconds)
        elif fault in STATUS:
            words = "An internal error occurred and the request could not be completed."
            answer = refusals.error(STATUS[fault], fault, "UNAVAILABLE", words)
            await JSONResponse(answer, STATUS[fault])(scope, receive, send)
            return
        elif fault is not None:
            if fault == Fault.RESET_AFTER:
                await self._app(scope, receive, _unheard)
            await _broken(send)
            return
        await self._app(scope, receive, send)


async def _unheard(message: Message) -> None:
    """Nobody is there to hear the answer."""


async def _broken(send: Send) -> None:
    """An answer that ends before it is whole, after which the connection is closed."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
