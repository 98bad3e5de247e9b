"""Which share of a query's bytes each of its tables takes.

BigQuery tells the bytes of a whole statement only. A dry run of each table alone, with the columns
that the query names and the days of the run, costs nothing and tells how the sum is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from common.bigquery.sql import Parameter, Sql, identifier, join, table, with_parameters
from common.guard.judge import Query
from common.model.window import Window
from common.untyped import Row

# each is a dry run, one after the other, while a person waits
MAXIMUM_TABLES = 10
"""Tables that are asked about; of more, only the sum is shown."""

Bytes = Callable[[Sql, str], int | None]
"""What a statement about the table at a path would read, None when nobody can tell."""
Columns = Callable[[str], Sequence[Row]]
"""The columns of a table by its full path."""


def shares(
    query: Query,
    window: Window,
    columns: Columns,
    filters: Mapping[str, str],
    read: Bytes,
) -> dict[str, float]:
    """Full path → its share of the bytes, 0 to 1, the dearest first; {} where it is unknown.

    `filters` are the conditions by which a run bounds the days of the tables that have days.
    """
    # in a fixed order, so that the same query is explained by the same words
    paths = sorted({it.path for it in query.tables if it.path})
    if not 1 < len(paths) <= MAXIMUM_TABLES:
        return dict.fromkeys(paths, 1.0) if len(paths) == 1 else {}
    found = {path: read(_alone(query, path, window, columns, filters), path) for path in paths}
    sizes = {path: size for path, size in found.items() if size is not None}
    total = sum(sizes.values())
    # a share of a sum with a part unknown would be wrong for every table
    if len(sizes) < len(paths) or not total:
        return {}
    dearest = sorted(paths, key=lambda path: (-sizes[path], path))
    return {path: sizes[path] / total for path in dearest}


def whole(path: str) -> Sql:
    """A query of all columns of a table, by whose dry run they are known."""
    return Sql(f"SELECT * FROM {table(path)}")


def _alone(
    query: Query, path: str, window: Window, columns: Columns, filters: Mapping[str, str]
) -> Sql:
    """A query of the table alone."""
    named = [identifier(name) for name in _named(query, columns(path))]
    listed = "*" if _has_star(query) else join(", ", named).text or "COUNT(*)"
    where = filters.get(path, "TRUE")
    days = {
        name: Parameter("DATE", day)
        for name, day in (("start_date", window.start), ("end_date", window.end))
        if f"@{name}" in where
    }
    return with_parameters(Sql(f"SELECT {listed} FROM {table(path)} WHERE {where}"), **days)


def _named(query: Query, columns: Sequence[Row]) -> list[str]:
    """The columns of a table that the query names anywhere."""
    words = (token.name.lower() for token in query.masked.tokens if token.kind in _NAMES)
    # a column of another table may match; a share that is too high by one does no harm
    names = {part for word in words for part in word.split(".")}
    return [column["name"] for column in columns if column["name"].lower() in names]


_NAMES = ("name", "quoted")


def _has_star(query: Query) -> bool:
    selects = query.tree.find_all(exp.Select)
    return any(column.is_star for select in selects for column in select.expressions)
