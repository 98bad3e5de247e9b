"""One statement, or those of a transaction: translated by us, run beside the event loop, stopped
at a deadline.

Seen in 1.4.0: a slow query blocks every other request and nothing ever stops it; duplicate names of
columns get a number instead of an error; sums of whole numbers inside of records are NUMERIC.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.sql import inner_query
from bqemulator.storage.engine import _annotate_with_duckdb_types
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp

from common.local.emulator_patches.patch import private, replace
from common.local.emulator_patches.server import messages
from common.local.emulator_patches.statements import (
    arrivals,
    parameters,
    statements,
    transactions,
    translation,
    wildcards,
)
from common.local.emulator_patches.storage import partitions, tables
from common.untyped import JsonObject

_rewrite_for_system_time = private(inner_query, "rewrite_for_system_time")
_rewrite_for_row_access = private(inner_query, "rewrite_for_row_access")
_expand_information_schema = private(inner_query, "expand_information_schema")

deadline: ContextVar[float] = ContextVar("deadline", default=600.0)
"""Seconds after which the statement of this request is interrupted."""


def install() -> None:
    """Statements that are no script run here."""
    replace(executor, "_run_single_sql", run)


async def run(
    project_id: str,
    bq_sql: str,
    query_params: list[JsonObject] | None,
    ctx: Any,
    *,
    caller: Any,
) -> pyarrow.Table:
    """The statement's rows; raises the emulator's errors in BigQuery's words."""
    if parts := transactions.parts(bq_sql):
        await _commit(project_id, parts, query_params, ctx, caller)
        return pyarrow.table({})
    *earlier, bq_sql = _alterations(bq_sql)
    for sql in earlier:
        await run(project_id, sql, query_params, ctx, caller=caller)
    plan = prepared(project_id, bq_sql, query_params, ctx, caller)
    seconds = deadline.get()
    with messages.as_bigquery_errors(bq_sql, plan.text, seconds):
        if plan.statement.is_query:
            return await _beside(ctx, lambda connection: _fetch(connection, plan), seconds)
        async with ctx.engine.write_lock():
            inserted = arrivals.inserting(plan.statement.tree, project_id, ctx)
            written = partitions.target(plan.statement.tree, project_id, ctx)
            table = await _beside(ctx, lambda work: _fetch(work, plan, written), seconds)
            arrivals.came(inserted, ctx)
    tables.changed(plan.statement.tree, project_id, ctx)
    if isinstance(plan.statement.tree, exp.Alter):
        tables.altered(plan.statement.tree, project_id, ctx)
    return table


async def _commit(
    project: str, parts: Sequence[str], wire: list[JsonObject] | None, ctx: Any, caller: Any
) -> None:
    """All statements or none; nobody sees them half done."""
    plans = [prepared(project, part, wire, ctx, caller) for part in parts]
    seconds = deadline.get()
    whole = ";\n".join(plan.text for plan in plans)

    targets = [partitions.target(plan.statement.tree, project, ctx) for plan in plans]

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        with connection, partitions.together(connection):
            for plan, written in zip(plans, targets, strict=True):
                _execute(connection, plan, written)

    with messages.as_bigquery_errors(";\n".join(parts), whole, seconds):
        async with ctx.engine.write_lock():
            inserted = [arrivals.inserting(plan.statement.tree, project, ctx) for plan in plans]
            await _beside(ctx, work, seconds)
            for rows in inserted:
                arrivals.came(rows, ctx)
    for plan in plans:
        tables.changed(plan.statement.tree, project, ctx)


def _alterations(sql: str) -> list[str]:
    """ALTER TABLE with several actions as several statements, which is all that DuckDB knows."""
    tree = statements.read(sql).tree
    actions = tree.args.get("actions") if isinstance(tree, exp.Alter) else None
    if not actions or len(actions) == 1:
        return [sql]
    return [_alteration(tree, action) for action in actions]


def _alteration(tree: exp.Expr, action: exp.Expr) -> str:
    single = tree.copy()
    single.set("actions", [action.copy()])
    return single.sql("bigquery")


@dataclass(frozen=True)
class Plan:
    """A statement in DuckDB's words, with the values of its parameters."""

    project: str
    statement: statements.Statement
    text: str
    values: JsonObject


def prepared(project: str, sql: str, wire: list[JsonObject] | None, ctx: Any, caller: Any) -> Plan:
    """The statement ready to run or to plan; raises the emulator's errors."""
    sql = _expanded(sql, project, ctx, caller)
    statement = statements.read(sql)
    if isinstance(statement.tree, exp.Update | exp.Delete) and not statement.tree.args.get("where"):
        raise InvalidQueryError(f"{statement.tree.key.upper()} must have a WHERE clause at [1:1]")
    translated = translation.translate(sql, project, parameters.types(wire))
    values = parameters.values(wire, set(translated.parameters))
    with messages.as_bigquery_errors(sql, translated.text):
        return Plan(project, statement, *completed(translated, values, ctx))


def completed(
    translated: translation.Translation, bound: JsonObject, ctx: Any
) -> tuple[str, JsonObject]:
    """The text with the shards of each wildcard in it, and the values that it still asks for."""
    text = translated.text
    for wildcard in translated.wildcards:
        place = (wildcard.project, wildcard.dataset)
        listed = sorted(ctx.catalog.list_tables(*place), key=lambda it: it.creation_time)
        wildcards.refuse_views(wildcard, (it.table_id for it in listed if it.view_query))
        columns = {it.table_id: [each.name for each in it.schema_.fields] for it in listed}
        union = wildcards.union(
            wildcard,
            ctx.catalog.list_storage_tables(*place),
            lambda where, them: _kept(ctx, where, them, bound),
            columns,
        )
        text = text.replace(f"{wildcard.token} AS", f"{union} AS")
    left = {name: value for name, value in bound.items() if name in translated.left}
    return arrivals.completed(text, translated.arrivals, ctx), left


def _kept(ctx: Any, condition: str, suffixes: list[str], bound: JsonObject) -> Sequence[str]:
    sql = f"SELECT _TABLE_SUFFIX FROM (SELECT UNNEST($suffixes) AS _TABLE_SUFFIX) WHERE {condition}"
    named = {name: value for name, value in bound.items() if f"${name}" in condition}
    rows = ctx.engine.connection.cursor().execute(sql, {**named, "suffixes": suffixes}).fetchall()
    return sorted(suffix for (suffix,) in rows)


def _expanded(sql: str, project: str, ctx: Any, caller: Any) -> str:
    """Views, schemas and past states put in place by the emulator, where the text asks for them."""
    if "SYSTEM_TIME" in sql.upper():
        sql = _rewrite_for_system_time(sql, project, ctx.snapshots, ctx.engine)
    if any(_is_view(path, project, ctx) for path in statements.read(sql).tables):
        sql = _rewrite_for_row_access(sql, project_id=project, caller=caller, catalog=ctx.catalog)
    if "INFORMATION_SCHEMA" in sql.upper():
        sql = _expand_information_schema(sql, project, ctx.catalog)
    return sql


def _is_view(path: statements.Path, project: str, ctx: Any) -> bool:
    table = ctx.catalog.get_table(path[0] or project, *path[1:])
    return table is not None and table.table_type == "VIEW"


async def _beside(
    ctx: Any, work: Callable[[duckdb.DuckDBPyConnection], Any], seconds: float
) -> Any:
    """What the work returns; what takes longer is interrupted, even when nobody waits any more."""
    loop = asyncio.get_running_loop()
    connection = ctx.engine.connection.cursor()
    stop = loop.call_later(seconds, connection.interrupt)
    working = loop.run_in_executor(None, work, connection)
    working.add_done_callback(lambda _: stop.cancel())
    return await asyncio.shield(working)


def _fetch(
    connection: duckdb.DuckDBPyConnection, plan: Plan, written: partitions.Target | None = None
) -> pyarrow.Table:
    with connection, partitions.together(connection) if written else nullcontext():
        result = _execute(connection, plan, written)
        described = result.description
        table = result.to_arrow_table()
        _plain_integers(connection, plan)
    refuse_duplicates(table.schema.names)
    return _annotate_with_duckdb_types(_whole_numbers(table), described)


def _execute(
    connection: duckdb.DuckDBPyConnection, plan: Plan, written: partitions.Target | None
) -> duckdb.DuckDBPyConnection:
    if written is None:
        return connection.execute(plan.text, plan.values or None)
    return partitions.execute(connection, plan.text, plan.values, written)


def _plain_integers(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """After CREATE TABLE AS: the sums are INT64, where DuckDB made them HUGEINT."""
    tree = plan.statement.tree
    if not isinstance(tree, exp.Create) or tree.kind != "TABLE" or not tree.expression:
        return
    target = quoted_table_ref(*statements.path(tree.this, plan.project))
    for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({target})").fetchall():
        if "HUGEINT" in kind:
            plain = kind.replace("HUGEINT", "BIGINT")
            column = exp.to_identifier(name, quoted=True).sql("duckdb")
            connection.execute(f"ALTER TABLE {target} ALTER {column} TYPE {plain}")


def _whole_numbers(table: pyarrow.Table) -> pyarrow.Table:
    """The result with INT64 for sums inside of records and lists, which come as HUGEINT."""
    fields = [field.with_type(_whole_number(field.type)) for field in table.schema]
    return table.cast(pyarrow.schema(fields, table.schema.metadata))


def _whole_number(kind: pyarrow.DataType) -> pyarrow.DataType:
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(kind.value_field.with_type(_whole_number(kind.value_type)))
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([field.with_type(_whole_number(field.type)) for field in kind])
    # NUMERIC has nine decimals here, and BIGNUMERIC more
    return pyarrow.int64() if kind == pyarrow.decimal128(38, 0) else kind


def refuse_duplicates(columns: Sequence[str]) -> None:
    """BigQuery's refusal of a result with two columns of one name, whatever their case."""
    repeated = [name for name, count in Counter(map(str.lower, columns)).items() if count > 1]
    if repeated:
        raise InvalidQueryError(
            "Duplicate column names in the result are not supported. Found duplicate(s): "
            + ", ".join(repeated),
            location="query",
        )
