"""Partitions that a job writes, counted before it is committed: with one too many nothing is kept.

Seen in 1.4.0: a job writes as many as it likes. Counted are the partitions by a column of time; a
table that is parted by arrival gets one a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow
from bqemulator.catalog.models import TableMeta
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp

from common.local.emulator_patches.patch import replace
from common.local.emulator_patches.server.enforcement import as_failure, limits_of
from common.local.emulator_patches.statements import statements
from common.local.limits.limits import Limits
from common.untyped import JsonObject


def install() -> None:
    """Copies pass through here; loads and statements ask for themselves."""
    copy = replace(executor, "_copy_table_into_destination", None)

    async def counted(**asked: Any) -> None:
        _admit_copy(asked)
        await copy(**asked)

    replace(executor, "_copy_table_into_destination", counted)


@dataclass(frozen=True)
class Target:
    """The partitioned table that a statement writes, under limits."""

    limits: Limits
    path: statements.Path
    key: str
    """DuckDB's expression of the partition of a row."""
    is_made: bool
    """Whether the statement makes the table; DML does not count among a day's modifications."""


def target(tree: exp.Expr, project: str, ctx: Any) -> Target | None:
    """What the statement writes, None where its partitions are not limited."""
    limits = limits_of(ctx)
    if limits is None:
        return None
    if isinstance(tree, exp.Create) and tree.kind == "TABLE" and tree.expression:
        clause = tree.find(exp.PartitionedByProperty)
        column = clause and column_of(clause)
        key = column and key_of(column, unit_of(clause))
        return Target(limits, statements.path(tree.this, project), key, True) if key else None
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        path = statements.path(tree.this, project)
        key = _key(ctx.catalog.get_table(*path))
        return Target(limits, path, key, False) if key else None
    return None


def execute(
    connection: duckdb.DuckDBPyConnection, text: str, values: JsonObject, written: Target
) -> duckdb.DuckDBPyConnection:
    """The statement's result once its partitions are counted; raises LimitError.

    It runs in a transaction of the caller's, which ends with the error.
    """
    if written.is_made:
        connection.execute(text, values or None)
        rows = f"SELECT COUNT(DISTINCT {written.key}) FROM {quoted_table_ref(*written.path)}"
        _check(written, _number(connection, rows))
        return connection.execute("SELECT 1 AS Count WHERE FALSE")
    changed = connection.execute(f"{text}\nRETURNING {written.key} AS part", values or None)
    parts: pyarrow.ChunkedArray = changed.to_arrow_table()["part"]
    _check(written, len(parts.unique()))
    return connection.execute("SELECT CAST(? AS BIGINT) AS Count", [len(parts)])


@contextmanager
def together(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A transaction that is kept unless an error leaves it."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def column_of(clause: exp.Expr) -> str | None:
    """The column of time by which PARTITION BY parts a table, None for numbers and arrivals."""
    # a bare name is no column to the parser
    named = clause.find(exp.Column) or clause.find(exp.Identifier)
    if named is None or named.name.upper().startswith("_PARTITION"):
        return None
    return None if clause.find(exp.GenerateSeries) else named.name


def unit_of(clause: exp.Expr | None) -> str:
    """DAY, or what PARTITION BY DATE_TRUNC and its like name."""
    for node in clause.walk() if clause else ():
        unit = node.args.get("unit")
        if unit is not None:
            return str(unit.name).upper()
    return "DAY"


def key_of(column: str, unit: str) -> str:
    """DuckDB's expression of the partition of a row."""
    return f"date_trunc('{unit.lower()}', {exp.to_identifier(column, quoted=True).sql('duckdb')})"


def loaded(ctx: Any, table: TableMeta, newest: Callable[[str], int]) -> None:
    """Before what a load has written counts; `newest` counts the values that an expression has in
    its rows. Raises LimitError."""
    limits, key = limits_of(ctx), _key(table)
    if limits and key:
        path = (table.project_id, table.dataset_id, table.table_id)
        _check(Target(limits, path, key, True), newest(key))


def _admit_copy(asked: JsonObject) -> None:
    """Before a copy job: it counts as a load does, and writes every partition of its source."""
    ctx = asked["ctx"]
    limits = limits_of(ctx)
    if limits is None:
        return
    source, path = (tuple(asked[f"{end}_{part}"] for part in _PARTS) for end in ("src", "dst"))
    known = ctx.catalog.get_table(*path) or ctx.catalog.get_table(*source)
    key = _key(known)
    with as_failure():
        limits.write_table(".".join(path), is_partitioned=key is not None)
    if key and ctx.catalog.get_table(*source) is not None:
        with ctx.engine.connection.cursor() as connection:
            rows = f"SELECT COUNT(DISTINCT {key}) FROM {quoted_table_ref(*source)}"
            _check(Target(limits, path, key, True), _number(connection, rows))


_PARTS = ("proj", "ds", "table_id")


def _key(table: TableMeta | None) -> str | None:
    parted = table.time_partitioning if table else None
    return key_of(parted.field, parted.type) if parted and parted.field else None


def _check(written: Target, partitions: int) -> None:
    with as_failure():
        written.limits.check_partitions(partitions)
        if written.is_made:
            written.limits.modify_partitions(".".join(written.path), partitions)


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
