"""One statement: translated by us, run beside the event loop, stopped at its deadline.

Seen in 1.4.0: a slow query blocks every other request and nothing ever stops it; duplicate names of
columns get a number instead of an error.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from threading import Timer
from typing import Any

import pyarrow
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.jobs.error_mapper import translate_runtime_error
from bqemulator.sql import inner_query
from bqemulator.storage.engine import _annotate_with_duckdb_types

from common.local.cures import parameters, translation, wildcards
from common.local.cures.patch import replace

deadline: ContextVar[float] = ContextVar("deadline", default=600.0)
"""Seconds after which the statement of this request is interrupted."""

READING = {"select", "union", "intersect", "except", "subquery"}


def install() -> None:
    """Statements that are no script run here."""
    replace(executor, "_run_single_sql", run)


async def run(
    project_id: str,
    bq_sql: str,
    query_params: list[dict[str, Any]] | None,
    ctx: Any,
    *,
    caller: Any,
) -> pyarrow.Table:
    """The statement's rows; raises the emulator's errors in BigQuery's words."""
    sql = _expanded(bq_sql, project_id, ctx, caller)
    translated = translation.translate(sql, project_id, parameters.types(query_params))
    bound = parameters.values(query_params, set(translated.parameters))
    text = translated.text
    try:
        text = completed(translated, bound, ctx)
        if translated.kind in READING:
            return await asyncio.to_thread(_fetch, ctx, text, bound, deadline.get())
        async with ctx.engine.write_lock():
            return await asyncio.to_thread(_fetch, ctx, text, bound, deadline.get())
    except DomainError:
        raise
    except Exception as error:
        raise translate_runtime_error(error, duckdb_sql=text) from error


def completed(translated: translation.Translation, bound: dict[str, Any], ctx: Any) -> str:
    """The text with the shards of each wildcard in it."""
    text = translated.text
    for wildcard in translated.wildcards:
        shards = ctx.catalog.list_storage_tables(wildcard.project, wildcard.dataset)
        union = wildcards.union(
            wildcard, shards, lambda where, them: _kept(ctx, where, them, bound)
        )
        text = text.replace(f"{wildcard.token} AS", f"{union} AS")
    return text


def _kept(ctx: Any, condition: str, suffixes: list[str], bound: dict[str, Any]) -> Sequence[str]:
    sql = f"SELECT _TABLE_SUFFIX FROM (SELECT UNNEST($suffixes) AS _TABLE_SUFFIX) WHERE {condition}"
    named = {name: value for name, value in bound.items() if f"${name}" in condition}
    rows = ctx.engine.connection.cursor().execute(sql, {**named, "suffixes": suffixes}).fetchall()
    return sorted(suffix for (suffix,) in rows)


def _expanded(sql: str, project: str, ctx: Any, caller: Any) -> str:
    """Views, schemas and past states put in place by the emulator, where the text asks for them."""
    sql = inner_query.rewrite_for_system_time(sql, project, ctx.snapshots, ctx.engine)
    sql = inner_query.rewrite_for_row_access(
        sql, project_id=project, caller=caller, catalog=ctx.catalog
    )
    return inner_query.expand_information_schema(sql, project, ctx.catalog)


def _fetch(ctx: Any, text: str, bound: dict[str, Any], seconds: float) -> pyarrow.Table:
    connection = ctx.engine.connection.cursor()
    stop = Timer(seconds, connection.interrupt)
    stop.start()
    try:
        result = connection.execute(text, bound or None)
        described = result.description
        table = result.to_arrow_table()
    finally:
        stop.cancel()
        connection.close()
    refuse_duplicates(table.schema.names)
    return _annotate_with_duckdb_types(table, described)


def refuse_duplicates(columns: Sequence[str]) -> None:
    repeated = [name for name, count in Counter(map(str.lower, columns)).items() if count > 1]
    if repeated:
        raise InvalidQueryError(
            "Duplicate column names in the result are not supported. Found duplicate(s): "
            + ", ".join(repeated),
            location="query",
        )
