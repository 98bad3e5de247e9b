"""What a statement reads: tables, columns, and the days that constants bound.

The statement is read as BigQuery plans it: columns that nothing uses are not read, and a partition
is skipped by comparisons of its column with what no row changes.
Source: cloud.google.com/bigquery/docs/querying-partitioned-tables#better_performance_with_pruning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from common.bigquery.sql import Parameter, Sql
from common.cost.estimate import Read
from common.untyped import JsonObject, Row

Bound = tuple[date | None, date | None]
Schemas = Mapping[str, Iterable[Row]]
"""project.dataset.table → its columns in the API's form."""


def reads(sql: Sql, schemas: Schemas) -> list[Read]:
    """What the statement reads of the tables whose schemas are known; others are left out.

    Where it cannot be known, all columns and no bounds: never less than is read.
    """
    try:
        tree = sqlglot.parse_one(sql.text, dialect="bigquery")
        return list(_of_statement(tree, sql.parameters, schemas))
    except SqlglotError:
        whole = {path: [column["name"] for column in listed] for path, listed in schemas.items()}
        return [
            Read(path, frozenset(map(str.lower, n)))
            for path, n in whole.items()
            if f"`{path}`" in sql.text
        ]


def _of_statement(
    tree: exp.Expr, parameters: Mapping[str, Parameter], schemas: Schemas
) -> Iterator[Read]:
    match tree:
        case exp.Create() | exp.Insert():
            if isinstance(tree.expression, exp.Query):
                yield from _of_query(tree.expression, parameters, schemas)
        case exp.Merge():
            yield from _of_merge(tree, parameters, schemas)
        case exp.Update() | exp.Delete():
            yield from _of_change(tree, tree.args.get("where"), parameters, schemas)
        case exp.Query():
            yield from _of_query(tree, parameters, schemas)


def _of_merge(
    tree: exp.Merge, parameters: Mapping[str, Parameter], schemas: Schemas
) -> Iterator[Read]:
    using = tree.args["using"]
    if isinstance(using, exp.Subquery):
        yield from _of_query(using.this, parameters, schemas)
    yield from _of_change(tree, tree.args["on"], parameters, schemas)


def _of_change(
    tree: exp.Expr,
    condition: exp.Expr | None,
    parameters: Mapping[str, Parameter],
    schemas: Schemas,
) -> Iterator[Read]:
    """The target of DML: all columns of the partitions that it may touch.

    Source: cloud.google.com/bigquery/pricing, "DML pricing": bytes of all columns of what changes.
    """
    table = tree.this
    path = path_of(table)
    if path in schemas:
        names = frozenset(column["name"] for column in schemas[path])
        where = condition.this if isinstance(condition, exp.Where) else condition
        yield _read(path, names, table.alias_or_name, where, parameters)


def _of_query(
    tree: exp.Expr, parameters: Mapping[str, Parameter], schemas: Schemas
) -> Iterator[Read]:
    nested = _nested(schemas)
    tree = qualify(
        tree.copy(),
        schema=nested,
        dialect="bigquery",
        # a table may be read whose schema nobody gave
        validate_qualify_columns=False,
        quote_identifiers=False,
    )
    tree = pushdown_projections(tree, schema=nested, dialect="bigquery")
    for scope in traverse_scope(tree):
        for alias, (_, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table) and (path := path_of(source)) in schemas:
                names = frozenset(_columns(scope, alias))
                yield _read(path, names, alias, _condition(scope), parameters)


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


def _columns(scope: Scope, alias: str) -> Iterator[str]:
    for column in scope.columns:
        if column.table == alias:
            yield from _fields_of_unnested(column) or [_dotted(column)]


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


def _condition(scope: Scope) -> exp.Expr | None:
    where = scope.expression.args.get("where")
    parts = [where.this] if where else []
    for join in scope.expression.args.get("joins") or ():
        # an outer join keeps the rows of its side whatever the condition, so it prunes nothing
        if join.side in ("", "INNER") and join.args.get("on"):
            parts.append(join.args["on"])
    return exp.and_(*parts) if parts else None


def _read(
    path: str,
    columns: frozenset[str],
    alias: str,
    condition: exp.Expr | None,
    parameters: Mapping[str, Parameter],
) -> Read:
    bounds: dict[str, Bound] = {}
    values: dict[str, tuple[str, ...]] = {}
    begun = path.rpartition("_")[2].removesuffix("*") if path.endswith("*") else ""
    for part in _parts(condition):
        if (named := _bounded(part, alias, parameters, begun)) is not None:
            name, bound = named[0].lower(), named[1]
            # all of them hold at once
            bounds[name] = _narrower(bounds.get(name, (None, None)), bound)
        if (listed := _listed(part, alias, parameters)) is not None:
            values[listed[0].lower()] = listed[1]
    return Read(path, frozenset(map(str.lower, columns)), bounds, values)


def _parts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    node = condition.unnest() if condition is not None else None
    if isinstance(node, exp.And):
        for part in node.flatten():
            yield from _parts(part)
    elif node is not None:
        yield node


def _bounded(
    node: exp.Expr, alias: str, parameters: Mapping[str, Parameter], begun: str
) -> tuple[str, Bound] | None:
    """The column and the days that a comparison leaves, or None where it bounds nothing."""
    if isinstance(node, exp.Between):
        name = _name(node.this, alias)
        low, high = (_day(node.args[side], parameters, begun) for side in ("low", "high"))
        return (name, (low, high)) if name and (low or high) else None
    if not isinstance(node, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        return None
    for column, value, mirrored in (
        (node.this, node.expression, False),
        (node.expression, node.this, True),
    ):
        name, day = _name(column, alias), _day(value, parameters, begun)
        if name and day:
            return name, _side(node, day, mirrored)
    return None


def _side(node: exp.Expr, day: date, mirrored: bool) -> Bound:
    if isinstance(node, exp.EQ):
        return day, day
    is_upper = isinstance(node, exp.LT | exp.LTE) != mirrored
    step = timedelta(days=isinstance(node, exp.GT | exp.LT))
    return (None, day - step) if is_upper else (day + step, None)


def _listed(
    node: exp.Expr, alias: str, parameters: Mapping[str, Parameter]
) -> tuple[str, tuple[str, ...]] | None:
    """The column and the only texts that a comparison allows, or None."""
    if isinstance(node, exp.EQ):
        name, values = _name(node.this, alias), _texts(node.expression, parameters)
    elif isinstance(node, exp.In) and not node.args.get("query"):
        listed = [*node.expressions, *_unnested(node)]
        name = _name(node.this, alias)
        values = [text for each in listed for text in _texts(each, parameters)]
        if name and any(_is_empty(each, parameters) for each in listed):
            return name, tuple(values)
    else:
        return None
    return (name, tuple(values)) if name and values else None


def _is_empty(node: exp.Expr, parameters: Mapping[str, Parameter]) -> bool:
    """Whether it is a list without a value: that allows nothing, where an unknown allows all."""
    bound = parameters.get(node.name) if isinstance(node, exp.Parameter) else None
    return bound is not None and bound.type.startswith("ARRAY<") and not bound.value


def _unnested(node: exp.In) -> list[exp.Expr]:
    unnest = node.args.get("unnest")
    return list(unnest.expressions) if unnest else []


def _texts(node: exp.Expr, parameters: Mapping[str, Parameter]) -> list[str]:
    if isinstance(node, exp.Literal) and node.is_string:
        return [node.name]
    if isinstance(node, exp.Boolean):
        return [str(node.this).lower()]
    bound = parameters.get(node.name) if isinstance(node, exp.Parameter) else None
    value = bound.value if bound else None
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _name(node: exp.Expr, alias: str) -> str:
    node = node.unnest()
    return node.name if isinstance(node, exp.Column) and node.table == alias else ""


def _day(node: exp.Expr, parameters: Mapping[str, Parameter], begun: str = "") -> date | None:
    """The day that a constant expression stands for, or None.

    Of a wildcard such as events_2026* the suffix lacks the digits `begun`.
    """
    node = node.unnest()
    match node:
        case exp.Substring():
            listed, start = _texts(node.this, parameters), _number(node.args["start"], parameters)
            whole = len(listed) == 1 and start and not node.args.get("length")
            return _as_day(begun + listed[0][start - 1 :]) if whole and start else None
        case exp.Parameter():
            bound = parameters.get(node.name)
            return _as_day(bound.value) if bound else None
        case exp.Cast() | exp.TsOrDsToDate():
            return _day(node.this, parameters)
        case exp.Literal():
            return _as_day(begun + node.name)
        case exp.DateSub() | exp.DateAdd():
            return _moved(node, parameters)
        case exp.Least() | exp.Greatest():
            days = [_day(each, parameters) for each in (node.this, *node.expressions)]
            known = [day for day in days if day]
            choose = min if isinstance(node, exp.Least) else max
            return choose(known) if known and len(known) == len(days) else None
    return None


def _moved(node: exp.DateSub | exp.DateAdd, parameters: Mapping[str, Parameter]) -> date | None:
    day, number = _day(node.this, parameters), _number(node.expression, parameters)
    if day is None or number is None or str(node.args.get("unit") or "DAY").upper() != "DAY":
        return None
    return day + timedelta(days=number if isinstance(node, exp.DateAdd) else -number)


def _number(node: exp.Expr, parameters: Mapping[str, Parameter]) -> int | None:
    node = node.unnest()
    if isinstance(node, exp.Parameter):
        value = parameters[node.name].value if node.name in parameters else None
        return value if isinstance(value, int) else None
    return int(node.name) if node.name.isdigit() else None


def _as_day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _narrower(one: Bound, other: Bound) -> Bound:
    firsts = [day for day in (one[0], other[0]) if day]
    lasts = [day for day in (one[1], other[1]) if day]
    return (max(firsts) if firsts else None, min(lasts) if lasts else None)
