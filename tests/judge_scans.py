"""Which tables a statement scans, between which constants, as GoogleSQL's analyzer sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service

from common.local.analyzer import analysis
from common.local.analyzer.analysis import Schema
from common.local.analyzer.service import call

Sides = Mapping[int, frozenset[str]]
"""Id of a column → lower, upper: the sides on which constants bound it."""
_SIDES = {
    "$less": "upper", "$less_or_equal": "upper", "$greater": "lower", "$greater_or_equal": "lower",
}  # fmt: skip
_MIRRORED = {"upper": "lower", "lower": "upper"}
BOTH = frozenset({"lower", "upper"})


@dataclass(frozen=True)
class Scan:
    """One scan of a table: the columns that it reads and those that constants bound."""

    table: str
    columns: frozenset[str]
    bounds: Mapping[str, frozenset[str]]


def scans(
    sql: str, tables: Mapping[str, Schema], parameters: Mapping[str, str] | None = None
) -> list[Scan]:
    """Every scan of the statement; raises Rejected. Arguments are those of `judge.analyze`."""
    options = analysis.options(parameters or {})
    options.prune_unused_columns = True
    paths = tuple((path, tables[".".join(path)]) for path in analysis.paths(sql, tables))
    request = service.AnalyzeRequest(
        options=options, registered_catalog_id=analysis.catalog(paths), sql_statement=sql
    )
    answer = call("Analyze", request, service.AnalyzeResponse)
    return list(_scans(answer.resolved_statement, {}))


def _scans(node: Any, above: Sides) -> Iterator[Scan]:
    """The scans below a node, of whose rows the filters `above` keep only some."""
    match _name(node):
        case "ResolvedTableScan":
            yield _scan(node, above)
        case "ResolvedFilterScan":
            yield from _scans(node.input_scan, _united(above, _bounds(node.filter_expr)))
            yield from _scans(node.filter_expr, {})
        case "ResolvedJoinScan":
            on = _united(above, _bounds(node.join_expr))
            yield from _scans(node.left_scan, on if node.join_type == 0 else above)
            yield from _scans(node.right_scan, on)
            yield from _scans(node.join_expr, {})
        case "ResolvedInsertStmt":
            # its table is written, not read
            yield from _scans(node.query, {})
        case "ResolvedMergeStmt":
            yield from _scans(node.table_scan, _bounds(node.merge_expr))
            yield from _scans(node.from_scan, {})
            yield from _scans(node.merge_expr, {})
        case name:
            passes = name.startswith("Any")
            for part in _parts(node):
                yield from _scans(part, above if passes or _is_base(node, part) else {})


def _scan(node: Any, above: Sides) -> Scan:
    columns = node.parent.column_list
    return Scan(
        node.table.full_name or node.table.name,
        frozenset(column.name for column in columns),
        {column.name: above[column.column_id] for column in columns if column.column_id in above},
    )


def _bounds(node: Any) -> Sides:
    """The bounds that hold wherever the condition does."""
    call_ = _call(node)
    if call_ is None:
        return {}
    name, arguments = call_
    if name == "$and":
        found: Sides = {}
        for argument in arguments:
            found = _united(found, _bounds(argument))
        return found
    if name == "$between" and (id := _column(arguments[0])) is not None:
        low, high = (_is_constant(argument) for argument in arguments[1:])
        return {id: frozenset(["lower"] * low + ["upper"] * high)}
    if name in ("$equal", "$in_array", "$in") and (id := _column(arguments[0])) is not None:
        return {id: BOTH} if all(map(_is_constant, arguments[1:])) else {}
    if name == "$equal" and (id := _column(arguments[1])) is not None:
        return {id: BOTH} if _is_constant(arguments[0]) else {}
    if name in _SIDES:
        left, right = arguments
        if (id := _column(left)) is not None and _is_constant(right):
            return {id: frozenset({_SIDES[name]})}
        if (id := _column(right)) is not None and _is_constant(left):
            return {id: frozenset({_MIRRORED[_SIDES[name]]})}
    return {}


def _united(one: Sides, other: Sides) -> Sides:
    return {id: one.get(id, frozenset()) | other.get(id, frozenset()) for id in {*one, *other}}


def _call(node: Any) -> tuple[str, list[Any]] | None:
    """Name and arguments of a function call."""
    for found in _within(node, "ResolvedFunctionCall"):
        base = found.parent
        return base.function.name.rpartition(":")[2], list(base.argument_list)
    return None


def _within(node: Any, name: str) -> Iterator[Any]:
    """The node itself, out of the wrappers that name any expression, if it is of that name."""
    while _name(node).startswith("Any"):
        parts = list(_parts(node))
        if len(parts) != 1:
            return
        node = parts[0]
    if _name(node) == name:
        yield node


def _column(node: Any) -> int | None:
    for found in _within(node, "ResolvedColumnRef"):
        return int(found.column.column_id)
    return None


def _is_constant(node: Any) -> bool:
    if _name(node) in ("ResolvedColumnRef", "ResolvedSubqueryExpr"):
        return False
    return all(map(_is_constant, _parts(node)))


def _name(node: Any) -> str:
    return str(node.DESCRIPTOR.name).removesuffix("Proto")


def _is_base(node: Any, part: Any) -> bool:
    return bool(node.DESCRIPTOR.fields_by_name.get("parent")) and part is node.parent


def _parts(node: Any) -> Iterator[Any]:
    for field, value in node.ListFields():
        if field.message_type is None:
            continue
        yield from value if field.is_repeated else [value]
