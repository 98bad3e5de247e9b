"""Tables that are partitioned by the time of ingestion: _PARTITIONTIME and _PARTITIONDATE.

Seen in 1.4.0: nothing is known of either, nor of a partition that a load names: `table$20261103`.
When rows came is kept beside the catalog, by the engine's number of the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
from bqemulator.catalog.models import TableMeta
from bqemulator.storage.engine import CATALOG_SCHEMA
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp

from common.local.emulator_patches.statements import statements, wildcards

PSEUDO = {"_PARTITIONTIME": "TIMESTAMP", "_PARTITIONDATE": "DATE"}
"""The pseudo columns with their types.
Source: cloud.google.com/bigquery/docs/querying-partitioned-tables, "Query an ingestion-time
partitioned table"."""
_KEPT = f'"{CATALOG_SCHEMA}"."arrivals"'
_FORMS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H"}


@dataclass(frozen=True)
class Reference:
    """One table in a SELECT that asks for a pseudo column; `token` stands for it in the text."""

    token: str
    project: str
    dataset: str
    table: str


def take_out(tree: exp.Expr, project: str) -> list[Reference]:
    """The tables of such SELECTs in a DuckDB tree, each replaced by a token in it."""
    columns = (it for it in tree.find_all(exp.Column) if it.name.upper() in PSEUDO)
    selects = {id(it): it for it in (column.find_ancestor(exp.Select) for column in columns) if it}
    found: list[Reference] = []
    for select in selects.values():
        wildcards.hide(select, PSEUDO)
        for item in (select.args.get("from_"), *(select.args.get("joins") or ())):
            table = item.this if item is not None else None
            if isinstance(table, exp.Table) and table.db:
                found.append(_take_out(table, f"arrivals {len(found)}", project))
    return found


def _take_out(table: exp.Table, token: str, project: str) -> Reference:
    known_as = exp.TableAlias(this=exp.to_identifier(table.alias_or_name, quoted=True))
    quoted = exp.to_identifier(token, quoted=True)
    found = Reference(f'"{token}"', table.catalog or project, table.db, table.name)
    table.replace(exp.Table(this=quoted, alias=known_as))
    return found


def completed(text: str, references: Sequence[Reference], ctx: Any) -> str:
    """The text with each table in it again, the pseudo columns beside its own where it has them."""
    for it in references:
        path = (it.project, it.dataset, it.table)
        target = quoted_table_ref(*path)
        table = ctx.catalog.get_table(*path)
        given = f"(SELECT *, {_pseudo(table, ctx)} FROM {target})" if has_times(table) else target
        text = text.replace(f"{it.token} AS", f"{given} AS")
    return text


def has_times(table: TableMeta | None) -> bool:
    """Whether the table is partitioned by the time at which its rows came."""
    return bool(table and table.time_partitioning and not table.time_partitioning.field)


def parted(name: str) -> tuple[str, datetime | None]:
    """A table's name without its partition decorator, and the moment that it says."""
    table, _, partition = name.partition("$")
    if not re.fullmatch(r"[0-9]{4}|[0-9]{6}|[0-9]{8}|[0-9]{10}", partition):
        return name, None
    return table, datetime.strptime(partition, _FORMS[len(partition)]).replace(tzinfo=UTC)


def first_row(connection: duckdb.DuckDBPyConnection, target: str) -> int:
    """The number that the engine gives the next row of a table."""
    row = connection.execute(f"SELECT COALESCE(MAX(rowid), -1) + 1 FROM {target}").fetchone()
    return int(row[0]) if row else 0


def keep(
    connection: duckdb.DuckDBPyConnection, path: statements.Path, first: int, at: datetime
) -> None:
    """Notes that the rows from this number on came at that moment."""
    _make(connection)
    table = ".".join(path)
    connection.execute(f"DELETE FROM {_KEPT} WHERE path = ? AND first >= ?", [table, first])
    connection.execute(f"INSERT INTO {_KEPT} VALUES (?, ?, ?)", [table, first, at])


def inserting(tree: exp.Expr, project: str, ctx: Any) -> tuple[statements.Path, int] | None:
    """Table and next row of an INSERT into such a table; None for every other statement."""
    if not isinstance(tree, exp.Insert):
        return None
    path = statements.path(tree.this, project)
    return next_row(path, ctx)


def next_row(path: statements.Path, ctx: Any) -> tuple[statements.Path, int] | None:
    """The table and the number of its next row, None when it has no times of arrival."""
    if not has_times(ctx.catalog.get_table(*path)):
        return None
    with ctx.engine.connection.cursor() as connection:
        return path, first_row(connection, quoted_table_ref(*path))


def came(rows: tuple[statements.Path, int] | None, ctx: Any) -> None:
    """Notes that the rows that `next_row` foresaw are there."""
    if rows is not None:
        with ctx.engine.connection.cursor() as connection:
            keep(connection, *rows, ctx.clock.now())


def _make(connection: duckdb.DuckDBPyConnection) -> None:
    columns = "path VARCHAR, first BIGINT, moment TIMESTAMPTZ"
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_KEPT} ({columns})")


def _pseudo(table: TableMeta, ctx: Any) -> str:
    path = (table.project_id, table.dataset_id, table.table_id)
    with ctx.engine.connection.cursor() as connection:
        _make(connection)
        sql = f"SELECT first, moment FROM {_KEPT} WHERE path = ? ORDER BY first DESC"
        kept = connection.execute(sql, [".".join(path)]).fetchall()
    unit = table.time_partitioning.type if table.time_partitioning else "DAY"
    whens = "".join(f" WHEN rowid >= {first} THEN '{_text(at, unit)}'" for first, at in kept)
    moment = f"CASE{whens} ELSE '{_text(table.creation_time, unit)}' END"
    time, day = f"CAST({moment} AS TIMESTAMPTZ)", f"CAST(LEFT({moment}, 10) AS DATE)"
    return f"{time} AS _PARTITIONTIME, {day} AS _PARTITIONDATE"


def _text(at: datetime, unit: str) -> str:
    """The beginning of the partition into which a moment falls."""
    size = {"YEAR": "%Y-01-01 00", "MONTH": "%Y-%m-01 00", "HOUR": "%Y-%m-%d %H"}
    return f"{at.astimezone(UTC).strftime(size.get(unit, '%Y-%m-%d 00'))}:00:00+00"
