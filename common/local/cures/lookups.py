"""The key lookup (SELECT value.x FROM UNNEST(params) WHERE key = 'k'), which is slow rather than wrong.

DuckDB runs it as a join of every event with its parameters; as a list function over each row's own
list it takes a quarter of the time. BigQuery refuses a lookup that finds two; this takes the first.
"""

from __future__ import annotations

from sqlglot import exp

from common.local.cures.functions import native

_FIELDS = {"key", "value"}
_ELEMENT = "element"


def rewrite(tree: exp.Expression) -> exp.Expression:
    """The tree with each such scalar subquery as a filter over the list itself."""
    for subquery in list(tree.find_all(exp.Subquery)):
        if not isinstance(subquery.parent, exp.From | exp.Join | exp.In | exp.Exists | exp.Union):
            found = _found(subquery.this)
            if found is not None:
                subquery.replace(found)
    return tree


def _found(select: exp.Expression) -> exp.Expression | None:
    if not isinstance(select, exp.Select) or len(select.expressions) != 1:
        return None
    if any(
        select.args.get(clause)
        for clause in (
            "joins",
            "group",
            "having",
            "order",
            "qualify",
            "distinct",
            "kind",
            "windows",
            "with_",
        )
    ):
        return None
    limit = select.args.get("limit")
    source = select.args.get("from_") and select.args["from_"].this
    where = select.args.get("where")
    value = select.expressions[0].unalias()
    if not isinstance(source, exp.Unnest) or source.args.get("offset") or where is None:
        return None
    if limit is not None and limit.expression != exp.convert(1):
        return None
    if list(value.find_all(exp.AggFunc, exp.Query, exp.Window)) or list(where.find_all(exp.Query)):
        return None
    alias = source.args.get("alias")
    name = alias.columns[0].name if alias and alias.columns else ""
    condition, value = _of_element(where.this, name), _of_element(value, name)
    if condition is None or value is None or not _compares_key(condition):
        return None
    matching = native("LIST_FILTER", source.expressions[0].copy(), _function(condition))
    values = native("LIST_TRANSFORM", matching, _function(value))
    return native("LIST_EXTRACT", values, 1)


def _function(body: exp.Expression) -> exp.Expression:
    return exp.Lambda(this=body, expressions=[exp.to_identifier(_ELEMENT)])


def _compares_key(condition: exp.Expression) -> bool:
    return isinstance(condition, exp.EQ) and condition.this.sql() == f"{_ELEMENT}.key"


def _of_element(expression: exp.Expression, name: str) -> exp.Expression | None:
    """The expression over the lambda's element; None when a column may be something else."""
    expression = expression.copy()
    root = exp.Paren(this=expression)
    for column in list(expression.find_all(exp.Column)):
        parts = [part.name for part in column.parts]
        if parts[0] == name and name:
            parts = parts[1:]
        elif parts[0] not in _FIELDS:
            return None
        column.replace(exp.Dot.build([exp.to_identifier(it) for it in (_ELEMENT, *parts)]))
    return root.this
