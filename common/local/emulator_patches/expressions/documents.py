"""JSON: text that is none gives NULL, null is NULL, numbers and times keep their form.

Seen in 1.4.0: JSON_VALUE('no json', '$.a') fails, so does a list of 'null', JSON_QUERY finds
'null', TO_JSON_STRING writes 1.0, a blank between date and time, large integers unquoted and NULL
as NULL.
"""

from __future__ import annotations

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import Rewrite, call
from common.local.emulator_patches.expressions.texts import concatenated


def _value(node: exp.Expr) -> exp.Expr | None:
    return call("json_value", node.this, _path(node))


def _query(node: exp.Expr) -> exp.Expr | None:
    return call("json_query", node.this, _path(node))


def _path(node: exp.Expr) -> exp.Expr:
    path = node.args.get("expression")
    if path is None:
        return exp.Literal.string("$")
    return (
        exp.Literal.string(path.sql("duckdb").strip("'"))
        if isinstance(path, exp.JSONPath)
        else path
    )


def _array(node: exp.Expr) -> exp.Expr | None:
    node.set("this", call("json_of_list", node.this, _path(node)))
    return None


def _written(node: exp.Expr) -> exp.Expr | None:
    if node.args.get("to_json"):
        return None
    return _json(node.this)


def _json(value: exp.Expr) -> exp.Expr:
    """The value's JSON; a constructor is taken apart, so that each part keeps its own form."""
    if isinstance(value, exp.Struct) and all(
        isinstance(it, exp.PropertyEQ) for it in value.expressions
    ):
        return _object([(it.name, it.args["expression"]) for it in value.expressions])
    if isinstance(value, exp.Array) and not any(
        isinstance(it, exp.Query) for it in value.expressions
    ):
        return _list(list(value.expressions))
    return call("plain_json" if _is_plain(value) else "to_json", value)


_PLAIN = {
    *("googlesql_string", "googlesql_text", "googlesql_safe_text", "googlesql_json_value"),
    *("list_transform", "list_filter", "list_sort", "list_concat"),
}
"""Calls that give a text or a list."""


def _is_plain(value: exp.Expr | None) -> bool:
    """Whether the value is surely a text or a list, whose JSON is DuckDB's own; the macro for any
    type repeats what it is given some twenty times, and all of it is bound as often."""
    if isinstance(value, exp.Anonymous):
        return value.name.lower() in _PLAIN
    if isinstance(value, exp.Coalesce):
        return any(map(_is_plain, (value.this, *value.expressions)))
    if isinstance(value, exp.If):
        return any(map(_is_plain, (value.args.get("true"), value.args.get("false"))))
    if isinstance(value, exp.Case):
        return any(map(_is_plain, (*value.args["ifs"], value.args.get("default"))))
    return isinstance(value, exp.Array)


def _object(fields: list[tuple[str, exp.Expr]]) -> exp.Expr:
    parts: list[exp.Expr] = []
    for name, value in fields:
        parts += [exp.Literal.string(f'{"," if parts else "{"}"{name}":'), _json(value)]
    return concatenated([*parts, exp.Literal.string("}" if fields else "{}")])


def _list(values: list[exp.Expr]) -> exp.Expr:
    parts: list[exp.Expr] = []
    for value in values:
        parts += [exp.Literal.string("," if parts else "["), _json(value)]
    return concatenated([*parts, exp.Literal.string("]" if values else "[]")])


REWRITES: dict[type[exp.Expr], Rewrite] = {
    exp.JSONExtractScalar: _value,
    exp.JSONExtract: _query,
    exp.JSONExtractArray: _array,
    exp.JSONValueArray: _array,
    exp.JSONFormat: _written,
}
