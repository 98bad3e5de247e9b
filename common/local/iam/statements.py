"""Rights that a GoogleSQL statement takes on the tables and datasets that it names.

Sources: [DDL] https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
(heading "Required permissions" of each statement), [query]
https://cloud.google.com/bigquery/docs/running-queries, [view]
https://cloud.google.com/bigquery/docs/views, [schema]
https://cloud.google.com/bigquery/docs/information-schema-partitions, which asks for the most of the
views about tables; [inferred] where no document says it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp

from common.local.analyzer import standins
from common.local.iam.policy import Need, Resource

Path = tuple[str, str, str]
"""(project, dataset, table)."""
ViewSql = Callable[[Path], str | None]
"""The query of a view, None for anything else."""


@dataclass(frozen=True)
class _Read:
    """A table that a statement reads; what that needs depends on whether it is a view."""

    path: Path


def statement_needs(sql: str, project: str, view_sql: ViewSql) -> Iterator[Need]:
    """The rights of every statement in the text; raises ValueError for one that has no row here."""
    general, names = standins.replaced(sql)
    for need in _needs_of_shape(general, project):
        if isinstance(need, _Read):
            parent, dataset_, name = need.path
            yield from _read((parent, dataset_, standins.restored(name, names)), view_sql)
        else:
            on = Resource(need.resource.kind, standins.restored(need.resource.name, names))
            yield Need(need.permission, on)


@lru_cache(maxsize=512)
def _needs_of_shape(general: str, project: str) -> tuple[Need | _Read, ...]:
    trees = sqlglot.parse(general, read="bigquery")
    return tuple(need for tree in trees if tree is not None for need in _needs(tree, project))


def _needs(tree: exp.Expr, project: str) -> Iterator[Need | _Read]:
    match tree:
        case exp.Query():
            yield from _reads(tree, project)
        case exp.Insert() | exp.Update() | exp.Delete() | exp.Merge():
            yield from _changes(tree, project)
        case exp.Create():
            yield from _creates(tree, project)
        case exp.Alter():
            on = table(_path(tree.this, project))
            yield from (
                Need("bigquery.tables.get", on),
                Need("bigquery.tables.update", on),
            )  # [DDL]
        case exp.Drop():
            on = table(_path(tree.this, project))
            yield from (
                Need("bigquery.tables.delete", on),
                Need("bigquery.tables.get", on),
            )  # [DDL]
        case exp.TruncateTable():
            for target in tree.expressions:
                yield Need(
                    "bigquery.tables.updateData", table(_path(target, project))
                )  # [inferred]
        case exp.Transaction() | exp.Commit() | exp.Rollback() | exp.Declare() | exp.Set():
            yield from _reads(tree, project)
        case _:
            raise ValueError(f"No row of the permission table knows {tree.key.upper()}.")


def _changes(tree: exp.Expr, project: str) -> Iterator[Need | _Read]:
    target = _path(tree.this, project)
    yield Need("bigquery.tables.updateData", table(target))  # [inferred]
    if not isinstance(tree, exp.Insert):
        yield Need("bigquery.tables.getData", table(target))  # [inferred]
    yield from _reads(tree, project, without=tree.this)


def _creates(tree: exp.Create, project: str) -> Iterator[Need | _Read]:
    if tree.kind not in ("TABLE", "VIEW"):
        if tree.kind == "FUNCTION" and tree.find(exp.TemporaryProperty):
            return
        raise ValueError(f"No row of the permission table knows CREATE {tree.kind}.")
    path = _path(tree.this, project)
    if not tree.find(exp.TemporaryProperty):
        yield Need("bigquery.tables.create", dataset(path))  # [DDL]
        if tree.args.get("replace"):
            yield Need("bigquery.tables.update", table(path))  # [DDL]
            if tree.kind == "TABLE":
                yield Need("bigquery.tables.updateData", table(path))  # [DDL]
        if any("expiration" in option.name.lower() for option in tree.find_all(exp.Property)):
            yield Need("bigquery.tables.delete", table(path))  # [DDL]
    yield from _reads(tree, project, without=tree.this)


def _reads(tree: exp.Expr, project: str, without: exp.Expr | None = None) -> Iterator[_Read]:
    """[query] getData on each table named, and on all tables under a plain view."""
    skipped = _table(without) if without is not None else None
    for found in tree.find_all(exp.Table):
        if found is not skipped and found.db and not _is_field(found):
            yield _Read(_path(found, project))


def _read(path: Path, view_sql: ViewSql) -> Iterator[Need]:
    if path[2].upper().startswith("INFORMATION_SCHEMA."):
        for verb in ("get", "list", "getData"):  # [schema]
            yield Need(f"bigquery.tables.{verb}", dataset(path))
        return
    yield Need("bigquery.tables.getData", dataset(path) if path[2].endswith("*") else table(path))
    sql = view_sql(path)
    if sql is not None:  # [view]
        for inner in sqlglot.parse_one(sql, read="bigquery").find_all(exp.Table):
            if inner.db and not _is_field(inner):
                yield from _read(_path(inner, path[0]), view_sql)


def _is_field(found: exp.Table) -> bool:
    """Whether it is an array of a row, as in `FROM t, t.items`, and no table of its own."""
    if found.catalog:
        return False
    select = found.find_ancestor(exp.Select)
    names: Iterable[exp.Expr] = select.find_all(exp.Table) if select else ()
    return any(each is not found and each.alias_or_name == found.db for each in names)


def _path(target: exp.Expr, project: str) -> Path:
    named = _table(target)
    return (named.catalog or project, named.db, named.name)


def _table(target: exp.Expr) -> exp.Table:
    found = target if isinstance(target, exp.Table) else target.find(exp.Table)
    if found is None:
        raise ValueError(f"{target.sql('bigquery')} names no table.")
    return found


def table(path: Path) -> Resource:
    """The table as something that rights are held on."""
    return Resource("table", ".".join(path))


def dataset(path: Path) -> Resource:
    """The dataset of a table."""
    return Resource("dataset", ".".join(path[:2]))
