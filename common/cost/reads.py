"""What a statement reads: tables, columns, and the days that constants bound.

The statement is read as BigQuery plans it: columns that nothing uses are not read, and a partition
is skipped by comparisons of its column with what no row changes.
Source: cloud.google.com/bigquery/docs/querying-partitioned-tables#better_performance_with_pruning.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from common.bigquery.sql import Parameter, Sql
from common.cost.conditions import SUFFIX, Where, narrowed
from common.cost.estimate import Read
from common.untyped import JsonObject, Row

# it warns of what it cannot read by printing the text, which may hold personal data
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_FREE = (exp.Drop, exp.TruncateTable, exp.Alter)
Schemas = Mapping[str, Iterable[Row]]
"""project.dataset.table → its columns in the API's form."""


def reads(sql: Sql, schemas: Schemas) -> list[Read]:
    """What the statement reads of the tables whose schemas are known; others are left out.

    Where it cannot be known, all columns and no bounds: never less than is read. Raises nothing.
    """
    try:
        tree = sqlglot.parse_one(sql.text, dialect="bigquery")
        found = list(_of_statement(tree, _Known(schemas, sql.parameters)))
    except Exception:
        # sqlglot raises more kinds of exception than it documents, RecursionError among them
        return [Read(path, _all(schemas[path])) for path in schemas for _ in _named(path, sql.text)]
    # it also drops what some pipes replace, tables included
    seen = {read.table for read in found} | _written(tree)
    lost = (path for path in schemas if path not in seen and _named(path, sql.text))
    return [*found, *(Read(path, _all(schemas[path])) for path in lost)]


@dataclass(frozen=True)
class _Known:
    schemas: Schemas
    parameters: Mapping[str, Parameter]

    def path(self, table: exp.Expr) -> str:
        """The table's path if its schema is known, else ""."""
        path = path_of(table)
        return path if path in self.schemas else ""

    def read(
        self, path: str, columns: Iterable[str], alias: str, condition: exp.Expr | None
    ) -> Read:
        """What is read of these columns under the condition."""
        types = {str(it["name"]).lower(): str(it["type"]).upper() for it in self.schemas[path]}
        begun = ""
        if path.endswith("*"):
            types["_table_suffix"] = SUFFIX
            begun = re.split(r"[^0-9]", path.removesuffix("*"))[-1]
        bounds, values = narrowed(condition, Where(alias, types, self.parameters, begun))
        return Read(path, frozenset(map(str.lower, columns)), bounds, values)


def _all(schema: Iterable[Row]) -> frozenset[str]:
    return frozenset(str(column["name"]).lower() for column in schema)


def _named(path: str, text: str) -> list[str]:
    """Each place where a table's name follows the one of a dataset."""
    name = path.rpartition(".")[2].removesuffix("*")
    # of a wildcard what follows the name is open
    end = "" if path.endswith("*") else r"(?![\w-])"
    return re.findall(rf"\.\s*`?{re.escape(name)}{end}", text)


def _written(tree: exp.Expr) -> set[str]:
    """The tables that the statement writes or drops, which are not read by it."""
    if isinstance(tree, _FREE):
        return {path_of(table) for table in tree.find_all(exp.Table)}
    into = tree.this if isinstance(tree, exp.Insert | exp.Create) else None
    return {path_of(into.this if isinstance(into, exp.Schema) else into)} if into else set()


def _of_statement(tree: exp.Expr, known: _Known) -> Iterator[Read]:
    match tree:
        case exp.Query():
            yield from _of_query(tree, known)
        case exp.Create() | exp.Insert():
            for query in _outermost(tree.expression):
                yield from _of_query(query, known)
        case exp.Merge() | exp.Update() | exp.Delete():
            yield from _of_change(tree, known)
        case _ if not isinstance(tree, _FREE):
            raise ValueError(f"{type(tree).__name__} is no statement that is known here.")


def _outermost(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The queries in the node that stand in no other."""
    if node is not None:
        for each in node.walk(prune=lambda it: isinstance(it, exp.Query)):
            if isinstance(each, exp.Query):
                yield each


def _of_change(tree: exp.Expr, known: _Known) -> Iterator[Read]:
    """What the statement refers to, and all columns of the partitions that it may touch.

    Source: cloud.google.com/bigquery/docs/estimate-costs, "DML statements": q' + t', and of a MERGE
    that only inserts q' alone.
    """
    target = tree.this
    if (path := known.path(target)) and not _only_inserts(tree):
        condition = None if _reaches_unmatched(tree) else _condition_of(tree)
        # names without a table are those of the target where nothing else is in reach
        yield known.read(path, _all(known.schemas[path]), target.alias_or_name, condition)
    yield from _of_query(_as_query(tree), known)


def _condition_of(tree: exp.Expr) -> exp.Expr | None:
    found: exp.Expr | None = tree.args.get("on") or tree.args.get("where")
    return found.this if isinstance(found, exp.Where) else found


def _whens(tree: exp.Expr) -> list[exp.Expr]:
    whens = tree.args.get("whens")
    return list(whens.expressions) if whens else []


def _only_inserts(tree: exp.Expr) -> bool:
    return isinstance(tree, exp.Merge) and all(
        isinstance(when.args.get("then"), exp.Insert) for when in _whens(tree)
    )


def _reaches_unmatched(tree: exp.Expr) -> bool:
    """Whether rows of the target are changed that the condition keeps out."""
    return any(when.args.get("source") for when in _whens(tree))


def _as_query(tree: exp.Expr) -> exp.Select:
    """A query that reads what the statement refers to."""
    used = [part.copy() for part in _used(tree)] or [exp.Literal.number(1)]
    target = tree.this.copy()
    if isinstance(tree, exp.Merge):
        # rows of the source that match nothing are read as well
        side = "FULL" if _reaches_unmatched(tree) else "LEFT"
        query = exp.select(*used).from_(tree.args["using"].copy())
        return query.join(target, on=tree.args["on"].copy(), join_type=side)
    query = exp.select(*used).from_(target)
    if beside := tree.args.get("from_"):
        query = query.join(beside.this.copy(), join_type="CROSS")
    where = tree.args.get("where")
    return query.where(where.this.copy()) if where else query


def _used(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions by which rows are changed."""
    for when in _whens(tree):
        if condition := when.args.get("condition"):
            yield condition
        then = when.args.get("then")
        if isinstance(then, exp.Update):
            yield from _set(then)
        elif isinstance(then, exp.Insert):
            values = then.args.get("expression")
            # INSERT ROW takes all that the source has
            yield from values.expressions if values else [exp.Star()]
    if isinstance(tree, exp.Update):
        yield from _set(tree)


def _set(update: exp.Expr) -> Iterator[exp.Expr]:
    for pair in update.expressions:
        yield pair.expression if isinstance(pair, exp.EQ) else pair


def _of_query(tree: exp.Expr, known: _Known) -> Iterator[Read]:
    nested = _nested(known.schemas)
    tree = qualify(
        tree.copy(),
        schema=nested,
        dialect="bigquery",
        # a table may be read whose schema nobody gave
        validate_qualify_columns=False,
        quote_identifiers=False,
    )
    rows = _rows_as_values(tree)
    if not rows:
        tree = pushdown_projections(tree, schema=nested, dialect="bigquery")
    seen: set[int] = set()
    for scope in traverse_scope(tree):
        for alias, (_, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table) and (path := known.path(source)):
                seen.add(id(source))
                columns = _columns(scope, alias, source, _all(known.schemas[path]), rows)
                yield known.read(path, columns, alias, _condition(scope, alias))
    for table in tree.find_all(exp.Table):
        if id(table) not in seen and (path := known.path(table)):
            yield known.read(path, _all(known.schemas[path]), "", None)


def path_of(table: exp.Expr) -> str:
    """project.dataset.table of a table as sqlglot read it."""
    return ".".join(part.name for part in table.parts) if isinstance(table, exp.Table) else ""


def _nested(schemas: Schemas) -> JsonObject:
    found: JsonObject = {}
    for path, columns in schemas.items():
        project, dataset, name = path.rsplit(".", 2)
        types = {column["name"]: column["type"] for column in columns}
        found.setdefault(project, {}).setdefault(dataset, {})[name] = {
            **types,
            **({"_TABLE_SUFFIX": "STRING"} if name.endswith("*") else {}),
        }
    return found


def _rows_as_values(tree: exp.Expr) -> frozenset[str]:
    """Names of tables and queries whose rows are used as values, as in TO_JSON_STRING(o)."""
    sources = {it.alias_or_name for it in tree.find_all(exp.Table, exp.Subquery, exp.CTE)}
    bare = {column.name for column in tree.find_all(exp.Column) if not column.table}
    bare |= {row.name for row in tree.find_all(exp.TableColumn)}
    # a pivot groups by all columns that its source has
    pivoted = {pivot.parent.alias_or_name for pivot in tree.find_all(exp.Pivot) if pivot.parent}
    return frozenset(sources & bare | pivoted)


def _columns(
    scope: Scope, alias: str, table: exp.Table, names: frozenset[str], rows: frozenset[str]
) -> Iterator[str]:
    """The columns that the scope uses of the table; all where that cannot be told."""
    if table.args.get("pivots") or {alias, table.alias_or_name} & rows or _has_star(scope):
        yield from names
        return
    for column in scope.columns:
        if column.table == alias or (not column.table and column.name.lower() in names):
            yield from _fields_of_unnested(column) or [_dotted(column)]


def _has_star(scope: Scope) -> bool:
    """Whether a star was left that stands for columns which nobody knows."""
    selects = scope.expression.selects if isinstance(scope.expression, exp.Select) else []
    return any(each.is_star for each in selects)


def _fields_of_unnested(column: exp.Column) -> list[str]:
    """The fields that are asked of UNNEST(column) AS name; [] when it stands elsewhere."""
    unnest = column.parent
    if not isinstance(unnest, exp.Unnest) or not isinstance(unnest.parent_select, exp.Select):
        return []
    names = {name.name for name in unnest.find_all(exp.Identifier) if name.parent is not column}
    asked = [
        each
        for each in unnest.parent_select.find_all(exp.Column)
        if each is not column and (each.table in names or (not each.table and each.name in names))
    ]
    # a bare name may be the whole record, so that all of its fields count
    if not all(each.table or isinstance(each.parent, exp.Dot) for each in asked):
        return []
    fields = (_dotted(each).split(".") for each in asked)
    return sorted(
        {".".join([column.name, *(p for p in path if p not in names)]) for path in fields}
    )


def _dotted(column: exp.Column) -> str:
    """The column with the fields that are asked of it: geo.country."""
    names, node = [column.name], column.parent
    while isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        names.append(node.expression.name)
        node = node.parent
    return ".".join(names)


def _condition(scope: Scope, alias: str) -> exp.Expr | None:
    """What holds of every row that the scope needs of the source."""
    where = scope.expression.args.get("where")
    parts = [where.this] if where else []
    for join in scope.expression.args.get("joins") or ():
        # an outer join keeps the rows of its side whatever the condition, so it prunes only the
        # other one
        bounds = join.side in ("", "INNER") or (join.side == "LEFT" and join.alias_or_name == alias)
        if bounds and join.args.get("on"):
            parts.append(join.args["on"])
    return exp.and_(*parts) if parts else None
